/** Editing the configuration space during a run. */

import { fill, h, setHidden, setText } from '../dom/dom';
import type { JsonObject } from '../protocol/json';
import { consequences, readPreview } from '../state/consequences';
import { plural } from '../state/format';
import { standings } from '../state/histogram';
import { isDrivenByJob } from '../state/remote';
import { mainMetric, type RunState, trialsOf } from '../state/run';
import { applyEdit, readEntry } from '../state/space';
import { ask } from './confirm';
import type { PanelContext } from './context';
import { SpaceRow } from './space_row';

const PREVIEW_MS = 180;

export class SpaceDrawer {
  readonly root: HTMLElement;
  private readonly list = h('div', { class: 'stl-space-list' });
  private readonly line = h('div', {
    class: 'stl-space-line',
    role: 'status',
    aria: { live: 'polite' },
  });
  private readonly apply: HTMLButtonElement;
  private readonly discard: HTMLButtonElement;
  private readonly stopRunning = h('input', { attrs: { type: 'checkbox' } });
  private readonly foot: HTMLElement;
  private rows: SpaceRow[] = [];
  private key = '';
  private space: JsonObject = {};
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;
  /** Whether data would be lost, as the kernel said last. */
  private dropped = 0;
  private scope: AbortController | null = null;

  constructor(private readonly context: PanelContext) {
    const { signal, state, ui } = context;
    this.apply = h(
      'button',
      {
        class: 'stl-button stl-primary',
        data: { action: 'apply-space' },
        attrs: { type: 'button' },
      },
      'Apply',
    );
    this.apply.addEventListener('click', () => void this.send(), { signal });
    this.discard = h(
      'button',
      { class: 'stl-button', data: { action: 'discard-space' }, attrs: { type: 'button' } },
      'Discard',
    );
    this.discard.addEventListener('click', () => this.reset(), { signal });
    this.foot = h(
      'footer',
      { class: 'stl-space-foot' },
      this.line,
      h('span', { class: 'stl-spacer' }),
      h('label', { class: 'stl-check' }, this.stopRunning, 'stop running trials that fall outside'),
      this.discard,
      this.apply,
    );
    this.root = h(
      'section',
      {
        class: 'stl-section stl-space',
        aria: { label: 'Configuration space' },
        data: { role: 'space-drawer' },
      },
      h(
        'p',
        { class: 'stl-dim stl-legend' },
        'Bars: how often tried. Colour: how good, ',
        h('span', { class: 'stl-viridis', aria: { hidden: 'true' } }),
        ' worse to better.',
      ),
      this.list,
      this.foot,
    );
    const update = (): void => this.update();
    state.subscribe(update, signal);
    ui.subscribe(update, signal);
    context.source.link.subscribe(update, signal);
    signal.addEventListener('abort', () => clearTimeout(this.timer), { once: true });
    this.update();
  }

  private update(): void {
    const run = this.context.state.value;
    if (run === null || this.context.ui.value.drawer !== 'space') return;
    const key = `${run.run}|${run.header.spaceVersion}`;
    if (key !== this.key) {
      this.key = key;
      this.build(run);
    }
    this.drawData(run);
    this.updateFoot();
  }

  private build(run: RunState): void {
    this.scope?.abort();
    const scope = new AbortController();
    this.scope = scope;
    this.context.signal.addEventListener('abort', () => scope.abort(), { signal: scope.signal });
    this.space = run.header.configSpace;
    const order = [...run.header.hyperparameters];
    for (const name of Object.keys(this.space)) if (!order.includes(name)) order.push(name);
    this.rows = order
      .filter((name) => name in this.space)
      .map(
        (name) =>
          new SpaceRow(name, readEntry(this.space[name]), () => this.changed(), scope.signal),
      );
    fill(this.list, ...this.rows.map((row) => row.root));
    setText(this.line, '');
  }

  private drawData(run: RunState): void {
    const rows = trialsOf(run);
    const data = `${rows.length}|${run.best.length}|${run.header.counts.Completed}|${this.key}`;
    if (this.list.dataset.data === data) return;
    this.list.dataset.data = data;
    const standing = standings(rows, mainMetric(run.header).mode);
    for (const row of this.rows) row.setData(rows, standing);
  }

  private edits(): JsonObject {
    const result: Record<string, JsonObject[string]> = {};
    for (const row of this.rows) {
      if (row.edit !== null) result[row.name] = applyEdit(this.space[row.name], row.edit);
    }
    return result;
  }

  private changed(): void {
    this.updateFoot();
    clearTimeout(this.timer);
    const n = this.rows.filter((row) => row.edit !== null).length;
    const wrong = this.rows.some((row) => row.complaint !== null);
    if (n === 0 || wrong) {
      this.asked += 1;
      setText(this.line, wrong ? 'Something is not possible yet.' : '');
      return;
    }
    if (!this.context.source.live) return;
    this.timer = setTimeout(() => void this.preview(), PREVIEW_MS);
  }

  /** Asks the kernel, which has the last word, what would follow. */
  private async preview(): Promise<void> {
    this.asked += 1;
    const turn = this.asked;
    if (isDrivenByJob(this.context.state.value?.header)) {
      setText(this.line, 'Asking the job what would follow …');
    }
    const outcome = await this.context.source.query('preview_space', { space: this.edits() });
    const run = this.context.state.value;
    if (turn !== this.asked || run === null || this.context.signal.aborted) return;
    if (!outcome.ok) {
      setText(this.line, outcome.error);
      return;
    }
    const preview = readPreview(outcome.result);
    const errors = Object.entries(preview.errors);
    for (const row of this.rows) row.setError(preview.errors[row.name] ?? row.complaint);
    this.dropped = preview.dropped ?? 0;
    const other = errors.find(([name]) => !this.rows.some((row) => row.name === name));
    setText(
      this.line,
      errors.length > 0
        ? (other?.[1] ?? 'Not possible like this.')
        : capital(consequences(preview, run.nTrials)),
    );
    this.apply.disabled = this.blocked() || errors.length > 0;
  }

  private blocked(): boolean {
    const state = this.context.state.value?.header.state;
    return (
      this.context.actions.obstacle() !== null ||
      state === 'finished' ||
      state === 'failed' ||
      !this.rows.some((row) => row.edit !== null) ||
      this.rows.some((row) => row.complaint !== null)
    );
  }

  private updateFoot(): void {
    const n = this.rows.filter((row) => row.edit !== null).length;
    setHidden(this.foot, n === 0);
    setText(this.apply, n > 1 ? `Apply ${n} changes` : 'Apply');
    this.apply.disabled = this.blocked();
    this.apply.title = this.context.actions.obstacle() ?? '';
  }

  private async send(): Promise<void> {
    const run = this.context.state.value;
    if (run === null) return;
    const edits = this.edits();
    if (this.dropped > 0) {
      const decision = await ask(
        this.context.root,
        {
          title: 'Leave data out?',
          text: `${plural(this.dropped, 'observation')} cannot be expressed in the new space and will not inform the search any more. The trials stay in the table.`,
          action: 'Apply',
          danger: true,
        },
        this.context.signal,
      );
      if (decision === null) return;
    }
    const outcome = await this.context.actions.send(
      'edit_space',
      {
        space: edits,
        base_version: run.header.spaceVersion,
        running: this.stopRunning.checked ? 'stop' : 'keep',
      },
      'Edit the space',
      this.apply,
    );
    if (outcome.ok) this.reset();
  }

  private reset(): void {
    for (const row of this.rows) row.reset();
    setText(this.line, '');
    this.updateFoot();
  }
}

function capital(text: string): string {
  return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
