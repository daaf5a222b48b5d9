/** Runs that were saved: open one to read, or get the code that goes on with it. */

import { fill, h } from '../dom/dom';
import { isObject, type Json } from '../protocol/json';
import { ago, formatNumber } from '../state/format';
import type { PanelContext } from './context';
import { showCode } from './resume_code';

export interface SavedRun {
  readonly path: string;
  readonly name: string;
  readonly state: string;
  readonly best: number | null;
  readonly nTrials: number | null;
  /** Unix time of the last change. */
  readonly changed: number | null;
}

/** Reads the answer to `saved_runs`; what it does not understand is left out. */
export function readSavedRuns(value: Json): SavedRun[] {
  if (!Array.isArray(value)) return [];
  const runs: SavedRun[] = [];
  for (const entry of value as readonly Json[]) {
    if (!isObject(entry) || typeof entry.path !== 'string') continue;
    const text = (key: string): string =>
      typeof entry[key] === 'string' ? String(entry[key]) : '';
    const number = (...keys: string[]): number | null => {
      const found = keys.map((key) => entry[key]).find((one) => typeof one === 'number');
      return typeof found === 'number' ? found : null;
    };
    const { best } = entry;
    const counts = entry.counts;
    runs.push({
      path: entry.path,
      name: text('name') || entry.path,
      state: text('state'),
      best: isObject(best) && typeof best.value === 'number' ? best.value : number('best'),
      nTrials:
        number('num_trials', 'n_trials') ??
        (isObject(counts)
          ? Object.values(counts).reduce<number>(
              (sum, n) => sum + (typeof n === 'number' ? n : 0),
              0,
            )
          : null),
      changed: number('updated_at', 'saved_at', 'started_at'),
    });
  }
  return runs.sort((a, b) => (b.changed ?? 0) - (a.changed ?? 0));
}

export class SavedRuns {
  readonly root: HTMLElement;
  private readonly list = h('div', { class: 'stl-saved-list' });
  private wasOpen = false;

  constructor(private readonly context: PanelContext) {
    const { signal, ui } = context;
    const again = h(
      'button',
      {
        class: 'stl-button stl-small',
        data: { action: 'refresh-saved' },
        attrs: { type: 'button' },
      },
      'Refresh',
    );
    again.addEventListener('click', () => void this.load(), { signal });
    this.root = h(
      'section',
      { class: 'stl-section', aria: { label: 'Saved runs' }, data: { role: 'saved-runs' } },
      h(
        'p',
        { class: 'stl-dim' },
        'Opening a saved run reads its log only; nothing of it is executed. ',
        again,
      ),
      this.list,
    );
    ui.subscribe(({ drawer }) => {
      const isOpen = drawer === 'saved';
      if (isOpen && !this.wasOpen) void this.load();
      this.wasOpen = isOpen;
    }, signal);
  }

  private async load(): Promise<void> {
    if (!this.context.source.live) {
      fill(
        this.list,
        h('p', {}, 'The list of saved runs comes from the kernel, and none is connected.'),
      );
      return;
    }
    fill(this.list, h('p', { class: 'stl-dim' }, 'Asking the kernel …'));
    const outcome = await this.context.source.query('saved_runs');
    if (this.context.signal.aborted) return;
    if (!outcome.ok) {
      fill(this.list, h('p', { class: 'stl-field-error' }, outcome.error));
      return;
    }
    const runs = readSavedRuns(outcome.result);
    if (runs.length === 0) {
      fill(this.list, h('p', {}, 'No saved run was found.'));
      return;
    }
    fill(this.list, ...runs.map((run) => this.line(run)));
  }

  private line(run: SavedRun): HTMLElement {
    const { signal } = this.context;
    const open = h(
      'button',
      {
        class: 'stl-button stl-small',
        data: { action: 'open-saved', path: run.path },
        attrs: { type: 'button' },
      },
      'Open',
    );
    open.addEventListener('click', () => void this.open(run), { signal });
    const resume = h(
      'button',
      {
        class: 'stl-button stl-small',
        data: { action: 'resume-saved', path: run.path },
        attrs: { type: 'button' },
      },
      'Resume …',
    );
    resume.addEventListener('click', () => void showCode(this.context, run.path), { signal });
    const facts = [
      run.state,
      run.nTrials === null ? '' : `${run.nTrials} trials`,
      run.best === null ? '' : `best ${formatNumber(run.best, 4)}`,
      run.changed === null ? '' : ago(Date.now() / 1000 - run.changed),
    ].filter((text) => text !== '');
    return h(
      'div',
      { class: 'stl-saved-run' },
      h('b', { title: run.path }, run.name),
      h('span', { class: 'stl-dim' }, facts.join(' · ')),
      h('span', { class: 'stl-spacer' }),
      open,
      resume,
    );
  }

  private async open(run: SavedRun): Promise<void> {
    const { source, notices, ui } = this.context;
    const notice = notices.show('asked', `Open ${run.name}: reading its log …`);
    const outcome = await source.query('open_saved', { path: run.path });
    const opened = outcome.ok && isObject(outcome.result) ? outcome.result.run : null;
    if (typeof opened !== 'string') {
      notice.update(
        'error',
        `Open ${run.name}: ${outcome.ok ? 'no run in the answer' : outcome.error}`,
      );
      return;
    }
    notice.update('done', `${run.name} is open`);
    ui.update({ drawer: 'none', opened: null, selected: new Set() });
    source.openRun(opened);
  }
}
