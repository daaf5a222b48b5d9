/** Runs that were saved: open one to read, or get the code that goes on with it. */

import { fill, h } from '../dom/dom';
import { isObject, type Json } from '../protocol/json';
import { ago, formatNumber, plural } from '../state/format';
import type { PanelContext } from './context';
import { showCode } from './resume_code';

export interface SavedRun {
  readonly path: string;
  readonly name: string;
  readonly state: string;
  readonly best: number | null;
  readonly nTrials: number | null;
  /** Unix time of the start. */
  readonly started: number | null;
  /** The job that drives it, or drove it. */
  readonly remote: { readonly isOver: boolean; readonly lookedAt: number | null } | null;
}

/** Reads the answer to `saved_runs`; what it does not understand is left out. */
export function readSavedRuns(value: Json): SavedRun[] {
  if (!Array.isArray(value)) return [];
  const runs: SavedRun[] = [];
  for (const entry of value as readonly Json[]) {
    if (!isObject(entry) || typeof entry.path !== 'string') continue;
    const text = (key: string): string =>
      typeof entry[key] === 'string' ? String(entry[key]) : '';
    const number = (key: string): number | null => asNumber(entry[key]);
    const { best, remote } = entry;
    runs.push({
      path: entry.path,
      name: text('name') || entry.path,
      state: text('state'),
      best: asNumber(best),
      nTrials: number('trials'),
      started: number('started'),
      remote: isObject(remote)
        ? { isOver: remote.is_over === true, lookedAt: asNumber(remote.looked_at) }
        : null,
    });
  }
  return runs.sort((a, b) => (b.started ?? 0) - (a.started ?? 0));
}

function asNumber(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** `running on SageMaker · 12 trials · best 0.03 · started 2 h ago · looked at 5 min ago`. */
export function savedFacts(run: SavedRun, nowS: number): string {
  const { remote } = run;
  const goesOn = remote !== null && !remote.isOver;
  return [
    goesOn ? `${run.state} on SageMaker` : run.state,
    run.nTrials === null ? '' : plural(run.nTrials, 'trial'),
    run.best === null ? '' : `best ${formatNumber(run.best, 4)}`,
    run.started === null ? '' : `started ${ago(nowS - run.started)}`,
    remote?.isOver === true ? 'ran on SageMaker' : '',
    goesOn && remote.lookedAt !== null ? `looked at ${ago(nowS - remote.lookedAt)}` : '',
  ]
    .filter((text) => text !== '')
    .join(' · ');
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
      run.remote !== null && !run.remote.isOver ? 'Find again …' : 'Resume …',
    );
    resume.addEventListener('click', () => void showCode(this.context, run.path), { signal });
    return h(
      'div',
      { class: 'stl-saved-run' },
      h('b', { title: run.path }, run.name),
      h('span', { class: 'stl-dim' }, savedFacts(run, Date.now() / 1000)),
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
