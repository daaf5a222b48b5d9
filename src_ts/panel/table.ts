/** The table of all trials: only the rows in view exist, so thousands cost what twenty do. */

import { fill, h, setAttr, setHidden, setText } from '../dom/dom';
import { icon } from '../dom/icons';
import type { TrialId, TrialRow } from '../protocol/messages';
import { type Column, columnsFor, sorted } from '../state/columns';
import { parseFilter } from '../state/filter';
import { trialsOf } from '../state/run';
import type { PanelContext } from './context';
import { HeldOrder } from './held_order';
import { menuButton } from './menu';
import { RowPool } from './row_pool';
import { SelectionBar } from './selection_bar';
import { TableKeys } from './table_keys';

import { columnItems, download } from './table_tools';

export const ROW_PX = 28;
const MOST_ROWS_SHOWN = 11;
const SPARE_ROWS = 4;

export class TrialTable {
  readonly root: HTMLElement;
  readonly filterInput: HTMLInputElement;
  private readonly count = h('span', { class: 'stl-dim', data: { role: 'trial-count' } });
  private readonly error = h('span', { class: 'stl-filter-error', role: 'alert' });
  private readonly head = h('div', { class: 'stl-row stl-row-head', role: 'row' });
  private readonly body = h('div', { class: 'stl-grid-body', role: 'rowgroup' });
  private readonly scroller: HTMLElement;
  private readonly empty = h('div', { class: 'stl-empty' });
  private readonly pool = new RowPool(this.body);
  private columns: readonly Column[] = [];
  private columnsKey = '';
  private rows: readonly TrialRow[] = [];
  private readonly keys: TableKeys;
  private readonly order = new HeldOrder();
  /** Whether the pointer is over the rows. */
  private pointed = false;
  private request = 0;

  constructor(private readonly context: PanelContext) {
    const { signal, ui, state } = context;
    this.filterInput = h('input', {
      class: 'stl-input stl-filter',
      aria: { label: 'Filter the trials' },
      data: { role: 'filter' },
      attrs: { type: 'search', placeholder: 'filter, e.g. state=paused', spellcheck: 'false' },
    });
    this.filterInput.addEventListener(
      'input',
      () => ui.update({ filter: this.filterInput.value }),
      { signal },
    );
    const csv = h(
      'button',
      {
        class: 'stl-button stl-square',
        title: 'Download as CSV',
        aria: { label: 'Download the table as CSV' },
        data: { action: 'download-csv' },
        attrs: { type: 'button' },
      },
      icon('download'),
    );
    csv.addEventListener('click', () => download(context, this.rows), { signal });
    const selection = new SelectionBar(context);
    this.scroller = h(
      'div',
      {
        class: 'stl-grid',
        role: 'grid',
        aria: { label: 'Trials', multiselectable: 'true' },
        attrs: { tabindex: '0' },
      },
      h('div', { class: 'stl-grid-head', role: 'rowgroup' }, this.head),
      this.body,
    );
    this.root = h(
      'section',
      { class: 'stl-trials', aria: { label: 'Trials' } },
      h(
        'header',
        { class: 'stl-section-head' },
        h('h3', {}, 'Trials'),
        this.count,
        this.filterInput,
        this.error,
        h('span', { class: 'stl-spacer' }),
        selection.root,
        menuButton('columns', 'Columns', 'columns', () => columnItems(context), signal),
        csv,
      ),
      this.scroller,
      this.empty,
    );
    this.keys = new TableKeys(context, this.scroller, {
      rows: () => this.rows,
      reveal: (index) => this.reveal(index),
    });
    this.scroller.addEventListener('scroll', () => this.schedule(), { signal, passive: true });
    this.scroller.addEventListener('click', (event) => this.click(event), { signal });
    this.scroller.addEventListener('pointerover', (event) => this.hover(event), { signal });
    this.scroller.addEventListener('pointerleave', () => this.leave(), { signal });
    const schedule = (): void => this.schedule();
    state.subscribe(schedule, signal);
    ui.subscribe(schedule, signal);
    context.source.link.subscribe(schedule, signal);
    signal.addEventListener('abort', () => cancelAnimationFrame(this.request), { once: true });
    this.update();
  }

  private schedule(): void {
    if (this.request !== 0) return;
    this.request = requestAnimationFrame(() => {
      this.request = 0;
      this.update();
    });
  }

  private update(): void {
    const run = this.context.state.value;
    const ui = this.context.ui.value;
    if (run === null) {
      setHidden(this.scroller, true);
      setText(this.empty, 'No trials yet.');
      return;
    }
    const all = trialsOf(run);
    this.updateColumns(all);
    const filter = parseFilter(ui.filter, run.header);
    setText(this.error, filter.ok ? '' : filter.error);
    setAttr(this.filterInput, 'aria-invalid', filter.ok ? null : 'true');
    const passing = filter.ok ? all.filter(filter.test) : all;
    const { rows, waiting } = this.order.arrange(
      sorted(passing, this.columns, ui.sort),
      JSON.stringify([ui.filter, ui.sort]),
      this.pointed,
    );
    this.rows = rows;
    const some = passing.length === all.length ? '' : `${passing.length} of `;
    setText(this.count, `${some}${all.length}${waiting > 0 ? ` · ${waiting} new` : ''}`);
    setHidden(this.scroller, all.length === 0);
    setHidden(this.empty, this.rows.length > 0);
    setText(
      this.empty,
      all.length === 0
        ? 'No trial yet. The first ones appear here as soon as a worker takes them.'
        : 'No trial passes the filter.',
    );
    const shown = Math.min(this.rows.length, MOST_ROWS_SHOWN);
    this.scroller.style.setProperty('--stl-rows', String(Math.max(1, shown)));
    setAttr(this.scroller, 'aria-rowcount', String(this.rows.length + 1));
    this.body.style.height = `${this.rows.length * ROW_PX}px`;
    this.drawRows();
  }

  private updateColumns(rows: readonly TrialRow[]): void {
    const run = this.context.state.value;
    const ui = this.context.ui.value;
    if (run === null) return;
    const { header } = run;
    const atRest = header.readOnly || header.state === 'finished' || header.state === 'failed';
    const key = JSON.stringify([
      atRest,
      header.metricNames,
      header.hyperparameters,
      header.resourceAttr,
      [...ui.hiddenColumns],
      Math.ceil(Math.log2(rows.length + 1)),
    ]);
    if (key !== this.columnsKey) {
      this.columnsKey = key;
      this.columns = columnsFor(header, rows.slice(-60)).filter(
        (one) => !ui.hiddenColumns.has(one.id) && !(atRest && one.kind === 'actions'),
      );
      const widths = this.columns.map((one) =>
        one.kind === 'actions'
          ? `${one.widthCss}px`
          : `minmax(${Math.round(one.widthCss)}px, ${one.kind === 'curve' ? 1.2 : 1}fr)`,
      );
      this.scroller.style.setProperty('--stl-columns', widths.join(' '));
      const total = this.columns.reduce((sum, one) => sum + one.widthCss, 0);
      this.scroller.style.setProperty('--stl-table-width', `${Math.round(total)}px`);
    }
    this.drawHead();
  }

  private drawHead(): void {
    const { sort } = this.context.ui.value;
    const key = `${this.columnsKey}|${sort.column}|${sort.descending}`;
    if (this.head.dataset.key === key) return;
    this.head.dataset.key = key;
    const cells = this.columns.map((one) => {
      const isSorted = one.id === sort.column;
      const cell = h('div', {
        class: `stl-cell stl-cell-${one.kind}`,
        role: 'columnheader',
        aria: { sort: isSorted ? (sort.descending ? 'descending' : 'ascending') : 'none' },
      });
      if (one.kind !== 'actions') {
        cell.append(
          h(
            'button',
            {
              title: `Sort by ${one.title}`,
              data: { sort: one.id },
              attrs: { type: 'button', tabindex: '-1' },
            },
            h('span', {}, one.title),
            h('i', { aria: { hidden: 'true' } }, isSorted ? (sort.descending ? '▾' : '▴') : ''),
          ),
        );
      }
      return cell;
    });
    fill(this.head, ...cells);
  }

  private drawRows(): void {
    const run = this.context.state.value;
    if (run === null) return;
    const ui = this.context.ui.value;
    const height = this.scroller.clientHeight || ROW_PX * MOST_ROWS_SHOWN;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW_PX) - SPARE_ROWS);
    const end = Math.min(this.rows.length, first + Math.ceil(height / ROW_PX) + 2 * SPARE_ROWS);
    const disabled = this.context.actions.obstacle() !== null;
    const best = run.best.at(-1)?.trial;
    const visible = this.rows.slice(first, end);
    for (const [i, row] of this.pool.arrange(visible).entries()) {
      const index = first + i;
      const trial = visible[i];
      if (trial === undefined) continue;
      row.root.style.transform = `translateY(${index * ROW_PX}px)`;
      row.show(
        run,
        trial,
        index,
        this.columns,
        {
          selected: ui.selected.has(trial.id),
          opened: ui.opened === trial.id,
          best: trial.id === best,
          hovered: ui.hovered === trial.id,
        },
        disabled,
      );
      row.root.classList.toggle('stl-row-current', this.keys.current === trial.id);
    }
  }

  private reveal(index: number): void {
    const top = index * ROW_PX;
    const view = this.scroller.clientHeight - ROW_PX;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top + ROW_PX > this.scroller.scrollTop + view) {
      this.scroller.scrollTop = top + ROW_PX - view;
    }
    this.schedule();
  }

  private click(event: MouseEvent): void {
    const target = event.target instanceof Element ? event.target : null;
    const sortButton = target?.closest<HTMLElement>('[data-sort]');
    const { ui, actions } = this.context;
    if (sortButton !== null && sortButton !== undefined) {
      const column = sortButton.dataset.sort ?? 'id';
      const { sort } = ui.value;
      ui.update({
        sort: { column, descending: sort.column === column ? !sort.descending : false },
      });
      return;
    }
    const id = trialAt(target);
    if (id === null) return;
    const button = target?.closest<HTMLElement>('[data-action]');
    if (button !== null && button !== undefined) {
      const action = button.dataset.action;
      if (action === 'pause-trial') actions.pauseTrials([id], button);
      else if (action === 'resume-trial') actions.resumeTrials([id], button);
      else if (action === 'stop-trial') void actions.stopTrials([id], button);
      return;
    }
    this.keys.pick(id, event);
  }

  private leave(): void {
    this.pointed = false;
    this.context.ui.update({ hovered: null });
    this.schedule();
  }

  private hover(event: PointerEvent): void {
    this.pointed = event.pointerType !== 'touch' && this.body.contains(event.target as Node);
    const id = trialAt(event.target instanceof Element ? event.target : null);
    if (this.context.ui.value.hovered !== id) this.context.ui.update({ hovered: id });
  }
}

function trialAt(target: Element | null): TrialId | null {
  const text = target?.closest<HTMLElement>('.stl-row[data-trial]')?.dataset.trial;
  return text === undefined ? null : Number(text);
}
