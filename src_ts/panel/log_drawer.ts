/** What happened in the run, newest first. */

import { flagText } from '../charts/best_geometry';
import { fill, h } from '../dom/dom';
import type { TrialRow } from '../protocol/messages';
import { formatDuration, formatNumber } from '../state/format';
import { mainMetric, type RunState, trialsOf } from '../state/run';
import { reasonSentence, statusPhrase } from '../state/sentences';
import type { PanelContext } from './context';

interface LogLine {
  readonly t: number;
  readonly status: string | null;
  readonly trial: number | null;
  readonly text: string;
}

const MOST_LINES = 300;

export class LogDrawer {
  readonly root: HTMLElement;
  private readonly list = h('ol', { class: 'stl-timeline stl-events' });
  private shown: RunState | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly context: PanelContext) {
    const { signal, state, ui } = context;
    this.root = h(
      'section',
      { class: 'stl-section', aria: { label: 'Log of the run' } },
      this.list,
    );
    this.list.addEventListener(
      'click',
      (event) => {
        const target =
          event.target instanceof Element
            ? event.target.closest<HTMLElement>('[data-trial]')
            : null;
        if (target !== null) context.openTrial(Number(target.dataset.trial));
      },
      { signal },
    );
    // Reading needs calm: the list is renewed at most once a second.
    const soon = (): void => {
      if (this.timer !== undefined || ui.value.drawer !== 'log') return;
      this.timer = setTimeout(
        () => {
          this.timer = undefined;
          this.update();
        },
        this.shown === null ? 0 : 1000,
      );
    };
    state.subscribe(soon, signal);
    ui.subscribe(soon, signal);
    signal.addEventListener('abort', () => clearTimeout(this.timer), { once: true });
  }

  private update(): void {
    const run = this.context.state.value;
    if (run === null || run === this.shown) return;
    this.shown = run;
    const lines = eventLines(run).slice(0, MOST_LINES);
    if (lines.length === 0) {
      fill(this.list, h('li', { class: 'stl-dim' }, 'Nothing has happened yet.'));
      return;
    }
    fill(
      this.list,
      ...lines.map((line) =>
        h(
          'li',
          {},
          h('time', {}, formatDuration(line.t)),
          h('span', { class: 'stl-mark', data: { status: line.status ?? 'run' } }),
          h(
            'span',
            {},
            line.trial === null
              ? null
              : h(
                  'button',
                  {
                    class: 'stl-linklike',
                    data: { trial: String(line.trial) },
                    attrs: { type: 'button' },
                  },
                  `trial ${line.trial}`,
                ),
            line.trial === null ? line.text : ` ${line.text}`,
          ),
        ),
      ),
    );
  }
}

/** The events of a run that this side knows of, newest first. */
export function eventLines(run: RunState): LogLine[] {
  const lines: LogLine[] = [];
  const metric = mainMetric(run.header).name;
  for (const flag of run.flags)
    lines.push({ t: flag.t, status: null, trial: null, text: flagText(flag) });
  for (const point of run.best) {
    const text = `is the best so far: ${metric} ${formatNumber(point.value, 4)}`;
    lines.push({ t: point.time, status: 'best', trial: point.trial, text });
  }
  for (const row of trialsOf(run)) {
    if (row.started !== null) {
      const why = reasonSentence(run.header, row.reason, row.origin);
      lines.push({
        t: row.started,
        status: 'Pending',
        trial: row.id,
        text: `started${why === '' ? '' : `: ${why}`}`,
      });
    }
    const end = endLine(run, row);
    if (end !== null) lines.push(end);
  }
  return lines.sort((a, b) => b.t - a.t);
}

function endLine(run: RunState, row: TrialRow): LogLine | null {
  const curve = run.curves.get(row.id);
  const t = row.ended ?? (row.status === 'Paused' ? (curve?.time[curve.n - 1] ?? null) : null);
  if (t === null) return null;
  const why = row.error ?? reasonSentence(run.header, row.decision);
  return {
    t,
    status: row.status,
    trial: row.id,
    text: `${statusPhrase(row)}${why === '' ? '' : `: ${why}`}`,
  };
}
