/** The two lines on top: is it going well, what is it doing, what can I do. */

import { fill, h, setAttr, setHidden, setText } from '../dom/dom';
import { icon } from '../dom/icons';
import type { RunPhase } from '../protocol/messages';
import { ago, formatDuration, formatNumber, plural, roughly } from '../state/format';
import { isDrivenByJob, isOver } from '../state/remote';
import { mainMetric, type RunState, tunerTimeNow } from '../state/run';
import { countsPhrase, methodPhrase, metricPhrase, nTrials, PHASE_WORD } from '../state/sentences';
import { failure } from './banner';
import type { PanelContext } from './context';
import { type MenuItem, menuButton } from './menu';
import { Pace } from './pace';
import { RemoteLine } from './remote_line';
import { Workers } from './workers';

const TICK_MS = 1000;

export class HeaderView {
  readonly root: HTMLElement;
  private readonly mark = h('span', { class: 'stl-run-mark', aria: { hidden: 'true' } });
  private readonly state = h('span', {
    class: 'stl-run-state',
    role: 'status',
    aria: { live: 'polite' },
    data: { role: 'run-state' },
  });
  private readonly name = h('h2', { class: 'stl-run-name' });
  private readonly method = h('span', { class: 'stl-dim stl-method' });
  private readonly clock = h('span', { class: 'stl-clock' });
  private readonly left = h('span', { class: 'stl-dim' });
  private readonly pause: HTMLButtonElement;
  private readonly stop: HTMLButtonElement;
  private readonly bestValue = h('b', { class: 'stl-best-value', data: { role: 'best-value' } });
  private readonly bestTrial = h('button', { class: 'stl-linklike', attrs: { type: 'button' } });
  private readonly bestAgo = h('span', { class: 'stl-dim' });
  private readonly counts = h('span', { class: 'stl-counts', data: { role: 'counts' } });
  private readonly waits = h('span', { class: 'stl-dim stl-waits' });
  private readonly saved = h('span', { class: 'stl-dim stl-saved' });
  private readonly bar = h('div', { class: 'stl-progress-bar' });
  private readonly progress: HTMLElement;
  private readonly remote: RemoteLine;

  constructor(
    private readonly context: PanelContext,
    menu: () => readonly MenuItem[],
  ) {
    const { signal, actions } = context;
    this.pause = h('button', { class: 'stl-button', attrs: { type: 'button' } });
    this.pause.addEventListener(
      'click',
      () => {
        if (this.isPaused()) actions.resumeRun(this.pause);
        else actions.pauseRun(this.pause);
      },
      { signal },
    );
    this.stop = h(
      'button',
      {
        class: 'stl-button',
        title: 'Stop the run (s)',
        data: { action: 'stop-run' },
        attrs: { type: 'button' },
      },
      icon('stop'),
      h('span', { class: 'stl-button-text' }, 'Stop'),
    );
    this.stop.addEventListener('click', () => void actions.stopRun(this.stop), { signal });
    this.bestTrial.addEventListener(
      'click',
      () => context.openTrial(context.state.value?.best.at(-1)?.trial ?? null),
      { signal },
    );
    this.progress = h(
      'div',
      {
        class: 'stl-progress',
        role: 'progressbar',
        aria: { label: 'Progress of the run', valuemin: '0', valuemax: '100' },
      },
      this.bar,
    );
    const workers = new Workers(context);
    const pace = new Pace(context);
    this.remote = new RemoteLine(context);
    this.root = h(
      'header',
      { class: 'stl-header' },
      h(
        'div',
        { class: 'stl-line stl-line-1' },
        h('span', { class: 'stl-state-group' }, this.mark, this.state),
        this.name,
        this.method,
        h('span', { class: 'stl-spacer' }),
        h('span', { class: 'stl-time' }, this.clock, this.left),
        h(
          'div',
          { class: 'stl-buttons', role: 'toolbar', aria: { label: 'The run' } },
          this.pause,
          this.stop,
          menuButton('more', 'More', 'more', menu, signal),
        ),
      ),
      h(
        'div',
        { class: 'stl-line stl-line-2' },
        h(
          'span',
          { class: 'stl-best' },
          h('span', { class: 'stl-dim' }, 'best'),
          this.bestValue,
          this.bestTrial,
          this.bestAgo,
        ),
        workers.root,
        pace.root,
        this.counts,
        this.waits,
        h('span', { class: 'stl-spacer' }),
        this.saved,
      ),
      this.remote.root,
      this.progress,
    );
    const update = (): void => this.update();
    context.state.subscribe(update, signal);
    context.source.link.subscribe(update, signal);
    const timer = setInterval(() => {
      if (document.visibilityState !== 'hidden') this.tick();
    }, TICK_MS);
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
    this.update();
  }

  togglePause(): void {
    this.pause.click();
  }

  askStop(): void {
    this.stop.click();
  }

  private isPaused(): boolean {
    return this.context.state.value?.header.state === 'paused';
  }

  private update(): void {
    const run = this.context.state.value;
    const phase = run?.header.state ?? 'starting';
    this.updateState(run, phase);
    this.updateButtons(phase);
    if (run === null) return;
    const { header } = run;
    setText(this.name, header.name);
    setText(this.method, methodPhrase(header));
    this.method.title = metricPhrase(header);
    this.updateBest(run);
    const total = nTrials(header);
    const words = `${plural(total, 'trial')}: ${countsPhrase(header)}`;
    setText(this.counts, total === 0 ? 'no trial yet' : words);
    setText(this.waits, header.waitsFor ?? '');
    // What a job waits for before it begins is told in the banner.
    const isTold = phase === 'starting' && isDrivenByJob(header);
    setHidden(this.waits, header.waitsFor === null || isOver(header) || isTold);
    this.tick();
  }

  private updateState(run: RunState | null, phase: RunPhase): void {
    const { link } = this.context.source;
    const rests = phase === 'finished' || phase === 'failed' || run?.header.readOnly === true;
    const isLost = run !== null && !rests && link.value.kind === 'offline';
    const mark = run !== null && failure(run) !== null ? 'failed' : phase;
    this.mark.dataset.phase = isLost ? 'lost' : mark;
    setText(this.state, isLost ? 'No kernel' : run === null ? 'Connecting' : PHASE_WORD[phase]);
  }

  private updateButtons(phase: string): void {
    const paused = phase === 'paused';
    const action = paused ? 'resume-run' : 'pause-run';
    if (this.pause.dataset.action !== action) {
      this.pause.dataset.action = action;
      this.pause.title = paused
        ? 'Resume the run (p)'
        : 'Pause the run: running trials write a checkpoint (p)';
      fill(
        this.pause,
        icon(paused ? 'play' : 'pause'),
        h('span', { class: 'stl-button-text' }, paused ? 'Resume' : 'Pause'),
      );
    }
    const over = phase === 'finished' || phase === 'failed';
    const obstacle = this.context.actions.obstacle();
    this.pause.disabled = obstacle !== null || over || phase === 'stopping';
    this.stop.disabled = obstacle !== null || over || phase === 'stopping';
    const readOnly = this.context.state.value?.header.readOnly ?? false;
    setHidden(this.pause, over || readOnly);
    setHidden(this.stop, over || readOnly);
  }

  private updateBest(run: RunState): void {
    const best = run.best.at(-1);
    const { name } = mainMetric(run.header);
    setText(this.bestValue, best === undefined ? '–' : formatNumber(best.value, 4));
    setAttr(this.bestValue, 'title', best === undefined ? 'no value yet' : `${name} ${best.value}`);
    setText(this.bestTrial, best === undefined ? '' : `trial ${best.trial}`);
    setHidden(this.bestTrial, best === undefined);
  }

  private tick(): void {
    this.remote.tick();
    const run = this.context.state.value;
    if (run === null) return;
    const { header } = run;
    const nowMs = performance.now();
    const time = tunerTimeNow(run, nowMs);
    setText(this.clock, formatDuration(time));
    setText(this.left, leftText(run, time));
    const best = run.best.at(-1);
    const over = header.state === 'finished' || header.state === 'failed' || header.readOnly;
    setText(
      this.bestAgo,
      best === undefined ? '' : over ? `at ${formatDuration(best.time)}` : ago(time - best.time),
    );
    const wall = header.wallNow;
    if (header.savedAt !== null && wall !== null && !header.readOnly) {
      const since = wall - header.savedAt + (nowMs - run.receivedAtMs) / 1000;
      setText(this.saved, `saved ${ago(since)}`);
      this.saved.title = header.path ?? '';
    } else setText(this.saved, '');
    const share = shareDone(run, time);
    setHidden(this.progress, share === null || over);
    if (share !== null) {
      this.bar.style.transform = `scaleX(${share.toFixed(4)})`;
      setAttr(this.progress, 'aria-valuenow', String(Math.round(share * 100)));
    }
  }
}

function shareDone(run: RunState, time: number): number | null {
  const { progress, deadline } = run.header;
  const byTime = deadline !== null && deadline > 0 ? time / deadline : null;
  if (progress === null && byTime === null) return null;
  return Math.min(1, Math.max(progress ?? 0, byTime ?? 0, 0));
}

/** About how much is left, as far as the stopping criterion tells. */
export function leftText(run: RunState, time: number): string {
  const { header } = run;
  if (header.state !== 'running') return '';
  if (header.deadline !== null) {
    const left = header.deadline - time;
    return left < 1 ? '' : `about ${roughly(left)} left`;
  }
  const { progress } = header;
  if (progress !== null && progress > 0.05 && time > 10) {
    return `about ${roughly((time / progress) * (1 - progress))} left`;
  }
  return '';
}
