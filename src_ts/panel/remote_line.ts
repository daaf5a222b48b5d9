/** The line of a run that a job drives: which job, and how fresh what is shown is. */

import { fill, h, setHidden, setText } from '../dom/dom';
import { icon } from '../dom/icons';
import type { Remote } from '../protocol/messages';
import { heardPhrase, isOver, waitingPhrase } from '../state/remote';
import type { PanelContext } from './context';

export class RemoteLine {
  readonly root: HTMLElement;
  private readonly intro = h('span');
  private readonly job = h('span', { class: 'stl-job' });
  private readonly heard = h('span', { data: { role: 'heard' } });
  private readonly waiting = h('span', {
    role: 'status',
    aria: { live: 'polite' },
    data: { role: 'waiting-commands' },
  });
  private key = '';

  constructor(private readonly context: PanelContext) {
    this.root = h(
      'div',
      { class: 'stl-line stl-line-remote stl-dim', data: { role: 'remote' } },
      h('span', {}, this.intro, ' ', this.job),
      this.heard,
      this.waiting,
    );
    const update = (): void => this.tick();
    context.actions.waiting.subscribe(update, context.signal);
    this.tick();
  }

  /** Called with each news and each second. */
  tick(): void {
    const { state, source, actions } = this.context;
    const run = state.value;
    const remote = run?.header.remote ?? null;
    setHidden(this.root, remote === null);
    if (run === null || remote === null) return;
    setText(this.intro, isOver(run.header) ? 'ran as SageMaker job' : 'SageMaker job');
    this.showJob(remote);
    // A picture does not tell when it was taken.
    const isPicture = source.link.value.kind === 'static';
    const heard = isPicture ? null : heardPhrase(run, remote, performance.now());
    setText(this.heard, heard ?? '');
    setHidden(this.heard, heard === null);
    const waiting = waitingPhrase(actions.waiting.value);
    setText(this.waiting, waiting ?? '');
    setHidden(this.waiting, waiting === null);
  }

  private showJob(remote: Remote): void {
    const key = `${remote.job}|${remote.url ?? ''}`;
    if (key === this.key) return;
    this.key = key;
    if (remote.url === null) {
      fill(this.job, remote.job);
      return;
    }
    const attrs = { href: remote.url, target: '_blank', rel: 'noopener noreferrer' };
    const title = "Open the job in SageMaker's console, in a new tab";
    fill(this.job, h('a', { class: 'stl-job-link', title, attrs }, remote.job, icon('outside')));
  }
}
