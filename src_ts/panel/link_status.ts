/** One line that tells how the panel is connected and what that means for the controls. */

import type { ViewLink } from '../client/source';
import { h, setText } from '../dom/dom';
import { assertNever } from '../protocol/messages';
import { isDrivenByJob } from '../state/remote';
import type { PanelContext } from './context';

export interface LinkWords {
  readonly text: string;
  readonly tone: 'good' | 'wait' | 'bad';
}

export function linkWords(link: ViewLink, readOnly: boolean, remote = false): LinkWords {
  switch (link.kind) {
    case 'static':
      return { text: 'saved picture, no kernel connected', tone: 'wait' };
    case 'offline':
      return { text: link.why ?? 'not connected to a kernel', tone: 'bad' };
    case 'connecting':
      return { text: 'connecting to the kernel …', tone: 'wait' };
    case 'waiting':
      return { text: 'the kernel is busy: this panel waits for it', tone: 'wait' };
    case 'live':
      if (readOnly) return { text: 'open for reading only', tone: 'good' };
      if (link.path === 'control') {
        return link.slow
          ? { text: 'the kernel is slow to answer', tone: 'wait' }
          : {
              text: remote
                ? 'controls reach the job while the kernel works ✓'
                : 'controls live while the kernel works ✓',
              tone: 'good',
            };
      }
      return link.slow
        ? { text: 'the kernel is busy: commands wait', tone: 'wait' }
        : { text: 'controls work when the kernel is not busy', tone: 'good' };
    default:
      return assertNever(link);
  }
}

export class LinkStatus {
  readonly root = h('span', {
    class: 'stl-link',
    role: 'status',
    aria: { live: 'polite' },
    data: { role: 'link-path' },
  });

  constructor(private readonly context: PanelContext) {
    const update = (): void => this.update();
    context.source.link.subscribe(update, context.signal);
    context.state.subscribe(update, context.signal);
    this.update();
  }

  private update(): void {
    const { link } = this.context.source;
    const header = this.context.state.value?.header;
    const words = linkWords(link.value, header?.readOnly ?? false, isDrivenByJob(header));
    setText(this.root, words.text);
    this.root.dataset.tone = words.tone;
    this.root.dataset.path = 'path' in link.value ? link.value.path : link.value.kind;
  }
}
