/** One trial in full: configuration, metrics, what happened to it and why, its log. */

import { styleOf } from '../charts/curves_geometry';
import { fill, h, setAttr, setText } from '../dom/dom';
import { icon, sparkline } from '../dom/icons';
import { isObject } from '../protocol/json';
import type { TrialId, TrialRow } from '../protocol/messages';
import { exactValue, formatDuration, formatNumber, formatValue } from '../state/format';
import { isDrivenByJob } from '../state/remote';
import type { RunState } from '../state/run';
import { reasonSentence, resourcePhrase, shownStatus, statusPhrase } from '../state/sentences';
import type { PanelContext } from './context';
import { LogTail } from './log_tail';
import { possible, sparkPoints } from './table_row';
import { readTimeline, timelineItems } from './timeline';

const REFRESH_MS = 2000;

export class TrialDrawer {
  readonly root: HTMLElement;
  private readonly title = h('h3');
  private readonly buttons = h('div', {
    class: 'stl-buttons',
    role: 'toolbar',
    aria: { label: 'The trial' },
  });
  private readonly why = h('p', { class: 'stl-why' });
  private readonly error = h('pre', { class: 'stl-error-text' });
  private readonly config = h('dl', { class: 'stl-facts' });
  private readonly metrics = h('div', { class: 'stl-metric-list' });
  private readonly timeline = h('ol', { class: 'stl-timeline' });
  private readonly log: LogTail;
  private buttonsKey = '';
  private shown: TrialId | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly context: PanelContext,
    private readonly runAgain: (trial: TrialRow) => void,
  ) {
    const { signal, state, ui } = context;
    const close = h(
      'button',
      {
        class: 'stl-tool',
        title: 'Close (Esc)',
        aria: { label: 'Close' },
        data: { action: 'close-trial' },
        attrs: { type: 'button' },
      },
      icon('close'),
    );
    close.addEventListener('click', () => context.openTrial(null), { signal });
    this.log = new LogTail();
    this.root = h(
      'aside',
      {
        class: 'stl-drawer',
        aria: { label: 'Trial' },
        data: { role: 'trial-drawer' },
        attrs: { tabindex: '-1' },
      },
      h(
        'header',
        { class: 'stl-drawer-head' },
        this.title,
        h('span', { class: 'stl-spacer' }),
        close,
        this.buttons,
      ),
      h(
        'div',
        { class: 'stl-drawer-body' },
        this.why,
        this.error,
        h('h4', {}, 'Metrics'),
        this.metrics,
        h('h4', {}, 'Configuration'),
        this.config,
        h('h4', {}, 'What happened'),
        this.timeline,
        h('h4', {}, 'Log'),
        this.log.root,
      ),
    );
    const update = (): void => this.update();
    state.subscribe(update, signal);
    ui.subscribe(update, signal);
    context.source.link.subscribe(update, signal);
    signal.addEventListener('abort', () => clearInterval(this.timer), { once: true });
    this.update();
  }

  private update(): void {
    const id = this.context.ui.value.opened;
    const run = this.context.state.value;
    const row = id === null ? undefined : run?.trials[id];
    this.root.hidden = row === undefined;
    if (row === undefined || run === null) {
      this.shown = null;
      clearInterval(this.timer);
      return;
    }
    this.draw(run, row);
    if (this.shown === row.id) return;
    this.shown = row.id;
    this.bringIntoView();
    fill(this.timeline);
    this.log.clear(
      !this.context.source.live
        ? 'the log is shown when the kernel runs'
        : isDrivenByJob(run.header)
          ? 'asking the job for the log …'
          : 'asking for the log …',
    );
    clearInterval(this.timer);
    this.timer = setInterval(() => void this.refresh(), REFRESH_MS);
    void this.refresh();
  }

  /** In a tall panel, the row that was clicked may be far below the top of the drawer. */
  private bringIntoView(): void {
    const { top } = this.root.getBoundingClientRect();
    if (top < 0 || top > window.innerHeight - 120) {
      this.root.firstElementChild?.scrollIntoView({ block: 'nearest' });
    }
  }

  private draw(run: RunState, row: TrialRow): void {
    const { header } = run;
    fill(
      this.title,
      h('span', { class: 'stl-mark', data: { status: shownStatus(row) } }),
      `Trial ${row.id} `,
      h('span', { class: 'stl-dim' }, statusPhrase(row)),
    );
    const reason = reasonSentence(header, row.reason, row.origin);
    const at = row.resource === null ? '' : `, now at ${resourcePhrase(header, row.resource)}`;
    setText(
      this.why,
      `${reason === '' ? 'Configuration given by the scheduler' : `Configuration ${reason}`}${at}` +
        (row.spaceVersion > 0 ? `, space version ${row.spaceVersion}.` : '.'),
    );
    this.error.hidden = row.error === null;
    setText(this.error, row.error ?? '');
    this.drawButtons(row);
    this.drawConfig(run, row);
    this.drawMetrics(run, row);
  }

  private drawButtons(row: TrialRow): void {
    const { actions } = this.context;
    const obstacle = actions.obstacle();
    const key = `${row.id}|${row.status}|${obstacle ?? ''}`;
    if (key === this.buttonsKey) return;
    this.buttonsKey = key;
    const may = possible(row);
    const make = (
      action: string,
      text: string,
      symbol: 'pause' | 'play' | 'stop' | 'plus',
      click: (button: HTMLElement) => void,
    ): HTMLElement => {
      const button = h(
        'button',
        {
          class: 'stl-button stl-small',
          data: { action, trial: String(row.id) },
          attrs: { type: 'button' },
        },
        icon(symbol),
        h('span', {}, text),
      );
      button.disabled = obstacle !== null;
      if (obstacle !== null) button.title = obstacle;
      button.addEventListener('click', () => click(button), { signal: this.context.signal });
      return button;
    };
    fill(
      this.buttons,
      may.pause &&
        make('pause-trial', 'Pause', 'pause', (button) => actions.pauseTrials([row.id], button)),
      may.resume &&
        make('resume-trial', 'Resume', 'play', (button) => actions.resumeTrials([row.id], button)),
      may.stop &&
        make('stop-trial', 'Stop', 'stop', (button) => void actions.stopTrials([row.id], button)),
      make('run-again', 'Run again', 'plus', () => this.runAgain(row)),
    );
  }

  private drawConfig(run: RunState, row: TrialRow): void {
    const tuned = run.header.hyperparameters;
    const others = Object.keys(row.config).filter((name) => !tuned.includes(name));
    const line = (name: string, dim: boolean): Node[] => [
      h('dt', { class: dim ? 'stl-dim' : '' }, name),
      h('dd', { title: exactValue(row.config[name]) }, formatValue(row.config[name], 4)),
    ];
    const key = `${row.id}|${JSON.stringify(row.config)}`;
    if (this.config.dataset.key === key) return;
    this.config.dataset.key = key;
    fill(
      this.config,
      ...tuned.flatMap((name) => line(name, false)),
      ...others.flatMap((name) => line(name, true)),
    );
  }

  private drawMetrics(run: RunState, row: TrialRow): void {
    const curve = run.curves.get(row.id);
    const key = `${row.id}|${curve?.n ?? 0}|${row.status}`;
    if (this.metrics.dataset.key === key) return;
    this.metrics.dataset.key = key;
    if (curve === undefined || curve.n === 0) {
      fill(this.metrics, h('p', { class: 'stl-dim' }, 'Nothing reported yet.'));
      return;
    }
    const lines = run.curves.metricNames.map((name, i) => {
      const svg = sparkline(sparkPoints(run, curve, i, true), 150, 30);
      svg.dataset.style = styleOf(shownStatus(row));
      const last = curve.metrics[i]?.[curve.n - 1] ?? Number.NaN;
      const value = Number.isNaN(last)
        ? formatValue(row.last[name] ?? null)
        : formatNumber(last, 4);
      return h(
        'div',
        { class: 'stl-metric-line' },
        h('span', {}, name),
        svg,
        h('b', { title: String(last) }, value),
      );
    });
    fill(this.metrics, ...lines);
  }

  /** The log and the history come from the kernel, while the drawer is open and seen. */
  private async refresh(): Promise<void> {
    const id = this.shown;
    if (id === null || !this.context.source.live || document.visibilityState === 'hidden') return;
    const outcome = await this.context.source.query('trial', { trial_id: id });
    const run = this.context.state.value;
    if (this.shown !== id || run === null || this.context.signal.aborted) return;
    if (!outcome.ok) {
      this.log.clear(outcome.error);
      return;
    }
    const answer = outcome.result;
    if (!isObject(answer)) return;
    const entries = readTimeline(answer.statuses);
    fill(this.timeline, ...timelineItems(run.header, entries));
    setAttr(
      this.timeline,
      'aria-label',
      `${entries.length} changes, the last at ${formatDuration(entries.at(-1)?.t)}`,
    );
    // null: it is on its way from the job, and comes with a later answer.
    if (answer.log !== null) this.log.show(answer.log);
  }
}
