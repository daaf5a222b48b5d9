/** What became of what was asked, in words, where everybody sees and hears it. */

import { fill, h } from '../dom/dom';
import { icon } from '../dom/icons';

export type NoticeKind = 'asked' | 'done' | 'error' | 'info';

export interface Notice {
  /** Tells something new; shown again if it was dismissed. */
  update(kind: NoticeKind, text: string): void;
  dismiss(): void;
}

const DONE_MS = 2500;
const MOST = 4;

export class Notices {
  readonly root: HTMLElement;

  constructor(private readonly signal: AbortSignal) {
    this.root = h('div', { class: 'stl-notices', role: 'status', aria: { live: 'polite' } });
    signal.addEventListener('abort', () => this.root.replaceChildren(), { once: true });
  }

  show(kind: NoticeKind, text: string): Notice {
    const words = h('span', { class: 'stl-notice-text' });
    const close = h(
      'button',
      { class: 'stl-tool', aria: { label: 'Dismiss' }, attrs: { type: 'button' } },
      icon('close'),
    );
    const row = h('div', { class: 'stl-notice' }, words, close);
    const dismiss = (): void => row.remove();
    close.addEventListener('click', dismiss, { signal: this.signal });
    const update = (now: NoticeKind, content: string): void => {
      if (this.signal.aborted) return;
      if (!row.isConnected) this.root.append(row);
      while (this.root.children.length > MOST) this.root.firstElementChild?.remove();
      row.dataset.kind = now;
      fill(words, content);
      close.hidden = now === 'asked';
      if (now === 'done') {
        const timer = setTimeout(() => row.remove(), DONE_MS);
        this.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
      }
    };
    update(kind, text);
    return { update, dismiss };
  }
}
