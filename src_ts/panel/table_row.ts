/** One row of the trial table; rows are reused as the table scrolls. */

import { styleOf } from '../charts/curves_geometry';
import { fill, h, setAttr, setText } from '../dom/dom';
import { icon, sparkline } from '../dom/icons';
import type { TrialRow } from '../protocol/messages';
import type { Column } from '../state/columns';
import type { Curve } from '../state/curves';
import type { RunState } from '../state/run';
import { shownStatus, statusPhrase } from '../state/sentences';

const SPARK_W = 76;
const SPARK_H = 18;
const SPARK_POINTS = 40;

export class TableRow {
  readonly root: HTMLElement;
  trial: TrialRow | null = null;
  private cells: HTMLElement[] = [];
  private columns: readonly Column[] = [];
  private sparkKey = '';
  private actionsKey = '';

  constructor() {
    this.root = h('div', { class: 'stl-row', role: 'row', attrs: { tabindex: '-1' } });
  }

  /** Shows a trial at a place of the list (from 0). */
  show(
    run: RunState,
    row: TrialRow,
    index: number,
    columns: readonly Column[],
    marks: { selected: boolean; opened: boolean; best: boolean; hovered: boolean },
    disabled: boolean,
  ): void {
    if (columns !== this.columns) this.build(columns);
    const changed = this.trial !== row;
    this.trial = row;
    setAttr(this.root, 'aria-rowindex', String(index + 2));
    setAttr(this.root, 'aria-selected', String(marks.selected));
    this.root.dataset.trial = String(row.id);
    this.root.classList.toggle('stl-row-opened', marks.opened);
    this.root.classList.toggle('stl-row-best', marks.best);
    this.root.classList.toggle('stl-row-hovered', marks.hovered);
    this.root.classList.toggle('stl-row-odd', index % 2 === 1);
    for (const [i, column] of columns.entries()) {
      const cell = this.cells[i];
      if (cell === undefined) continue;
      if (column.kind === 'curve') this.drawSpark(cell, run, row);
      else if (column.kind === 'actions') this.drawActions(cell, row, disabled);
      else if (changed) this.drawText(cell, column, row);
    }
  }

  private build(columns: readonly Column[]): void {
    this.columns = columns;
    this.trial = null;
    this.sparkKey = '';
    this.actionsKey = '';
    this.cells = columns.map((column) =>
      h('div', { class: `stl-cell stl-cell-${column.kind}`, role: 'gridcell' }),
    );
    fill(this.root, ...this.cells);
  }

  private drawText(cell: HTMLElement, column: Column, row: TrialRow): void {
    if (column.kind === 'mark') {
      fill(
        cell,
        h('span', {
          class: 'stl-mark',
          title: statusPhrase(row),
          data: { status: shownStatus(row) },
        }),
        h('span', {}, column.text(row)),
      );
      return;
    }
    setText(cell, column.text(row));
    const title =
      column.id === 'state' && row.error !== null
        ? row.error
        : column.id === 'state'
          ? statusPhrase(row)
          : column.exact(row);
    setAttr(cell, 'title', title === 'null' ? null : title);
  }

  private drawSpark(cell: HTMLElement, run: RunState, row: TrialRow): void {
    const curve = run.curves.get(row.id);
    const key = `${row.id}|${curve?.n ?? 0}|${row.status}`;
    if (key === this.sparkKey) return;
    this.sparkKey = key;
    const points = curve === undefined ? [] : sparkPoints(run, curve, 0);
    const svg = sparkline(points, SPARK_W, SPARK_H);
    svg.dataset.style = styleOf(shownStatus(row));
    fill(cell, svg);
  }

  private drawActions(cell: HTMLElement, row: TrialRow, disabled: boolean): void {
    const key = `${row.id}|${row.status}|${disabled}`;
    if (key === this.actionsKey) return;
    this.actionsKey = key;
    const may = possible(row);
    const button = (action: 'pause' | 'resume' | 'stop', shown: boolean): HTMLElement => {
      const one = h(
        'button',
        {
          class: 'stl-tool',
          title: `${{ pause: 'Pause', resume: 'Resume', stop: 'Stop' }[action]} trial ${row.id}`,
          aria: { label: `${action} trial ${row.id}` },
          data: { action: `${action}-trial`, trial: String(row.id) },
          attrs: { type: 'button', tabindex: '-1' },
        },
        icon(action === 'resume' ? 'play' : action),
      );
      one.disabled = disabled;
      if (!shown) one.classList.add('stl-invisible');
      return one;
    };
    fill(
      cell,
      may.resume ? button('resume', true) : button('pause', may.pause),
      button('stop', may.stop),
    );
  }
}

/** What can be asked for a trial in its present state. */
export function possible(row: TrialRow): { pause: boolean; resume: boolean; stop: boolean } {
  const { status } = row;
  return {
    pause: status === 'InProgress' || status === 'Pending',
    resume: status === 'Paused',
    stop:
      status === 'InProgress' ||
      status === 'Pending' ||
      status === 'Paused' ||
      status === 'Pausing',
  };
}

/**
 * Points of a small curve, both coordinates from 0 to 1.
 *
 * @param wide over its own length; else over the full resource, so that curves can be compared.
 */
export function sparkPoints(
  run: RunState,
  curve: Curve,
  metric: number,
  wide = false,
): (readonly [number, number])[] {
  const values = curve.metrics[metric];
  if (values === undefined || curve.n === 0) return [];
  const step = Math.max(1, Math.ceil(curve.n / SPARK_POINTS));
  const kept: [number, number][] = [];
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < curve.n + step - 1; k += step) {
    // The last report is always kept.
    const i = Math.min(k, curve.n - 1);
    const value = values[i] ?? Number.NaN;
    if (!Number.isFinite(value)) continue;
    kept.push([curve.resource[i] ?? i, value]);
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const first = kept[0]?.[0] ?? 0;
  const end = Math.max(wide ? 0 : (run.header.maxResource ?? 0), kept.at(-1)?.[0] ?? 1);
  const span = max - min;
  return kept.map(([x, y]) => [place(x, first, end, wide), span > 0 ? (y - min) / span : 0.5]);
}

/** Early epochs get more room, as most curves end there. */
function place(x: number, first: number, end: number, wide: boolean): number {
  const share = end > first ? (x - first) / (end - first) : 0;
  return wide ? share : Math.sqrt(share);
}
