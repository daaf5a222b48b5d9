/** The workers: how many there are, how many work, one more, one less. */

import { fill, h, setHidden, setText } from '../dom/dom';
import { icon } from '../dom/icons';
import type { PanelContext } from './context';

const MOST_BLOCKS = 12;
const SETTLE_MS = 350;

export class Workers {
  readonly root: HTMLElement;
  private readonly blocks = h('span', { class: 'stl-blocks', aria: { hidden: 'true' } });
  private readonly words = h('span', { data: { role: 'workers' } });
  private readonly fewer: HTMLButtonElement;
  private readonly more: HTMLButtonElement;
  /** What was clicked together and is not answered yet. */
  private wanted: number | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private key = '';

  constructor(private readonly context: PanelContext) {
    this.fewer = this.button('minus', 'One worker less', 'workers-less', -1);
    this.more = this.button('plus', 'One worker more', 'workers-more', 1);
    this.root = h(
      'span',
      { class: 'stl-workers', role: 'group', aria: { label: 'Workers' } },
      h('span', { class: 'stl-dim' }, 'workers'),
      this.blocks,
      this.words,
      h('span', { class: 'stl-stepper' }, this.fewer, this.more),
    );
    const update = (): void => this.update();
    context.state.subscribe(update, context.signal);
    context.source.link.subscribe(update, context.signal);
    context.signal.addEventListener('abort', () => clearTimeout(this.timer), { once: true });
    this.update();
  }

  private button(
    symbol: 'minus' | 'plus',
    label: string,
    action: string,
    step: number,
  ): HTMLButtonElement {
    const button = h(
      'button',
      {
        class: 'stl-step',
        title: label,
        aria: { label },
        data: { action },
        attrs: { type: 'button' },
      },
      icon(symbol),
    );
    button.addEventListener('click', () => this.step(step, button), {
      signal: this.context.signal,
    });
    return button;
  }

  /** Several clicks make one command. */
  private step(by: number, button: HTMLElement): void {
    const now = this.wanted ?? this.context.state.value?.header.nWorkers ?? 1;
    this.wanted = Math.max(1, now + by);
    this.update();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.wanted !== null) void this.send(this.wanted, button);
    }, SETTLE_MS);
  }

  private async send(n: number, button: HTMLElement): Promise<void> {
    await this.context.actions.setWorkers(n, button);
    if (this.context.signal.aborted || this.wanted !== n) return;
    this.wanted = null;
    this.update();
  }

  private update(): void {
    const header = this.context.state.value?.header;
    if (header === undefined) return;
    const n = this.wanted ?? header.nWorkers;
    const busy = Math.min(header.busyWorkers, n);
    setText(this.words, this.wanted === null ? `${header.busyWorkers} of ${n}` : `→ ${n}`);
    const key = `${busy}/${n}`;
    if (key !== this.key) {
      this.key = key;
      const blocks = Array.from({ length: Math.min(n, MOST_BLOCKS) }, (_, i) =>
        h('i', { class: i < busy ? 'stl-block stl-block-busy' : 'stl-block' }),
      );
      fill(this.blocks, ...blocks);
    }
    const blocked =
      this.context.actions.obstacle() !== null ||
      ['finished', 'failed', 'stopping'].includes(header.state);
    this.fewer.disabled = blocked || n <= 1;
    this.more.disabled = blocked;
    const over = header.state === 'finished' || header.state === 'failed';
    setHidden(this.root, over || header.readOnly);
  }
}
