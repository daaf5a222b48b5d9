/** The frame around a chart: its name, its tools, its tooltip, and a table instead of it. */

import { type Child, fill, h, setHidden } from '../dom/dom';
import { icon } from '../dom/icons';

export interface DataTable {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const MAX_TABLE_ROWS = 500;

export class Card {
  readonly root: HTMLElement;
  readonly plot: HTMLElement;
  readonly tools: HTMLElement;
  private readonly tip: HTMLElement;
  private readonly table: HTMLElement;
  private readonly note: HTMLElement;
  private readonly asTable: HTMLButtonElement;

  /** @param makeTable the data as a table, for those who do not see the chart. */
  constructor(
    name: string,
    title: string,
    private readonly makeTable: () => DataTable,
    signal: AbortSignal,
  ) {
    this.tools = h('div', { class: 'stl-card-tools' });
    this.asTable = h(
      'button',
      {
        class: 'stl-tool',
        title: 'Show as a table',
        aria: { label: `${title} as a table`, pressed: 'false' },
        data: { action: `table-${name}` },
        attrs: { type: 'button' },
      },
      icon('table'),
    );
    this.plot = h('div', {
      class: 'stl-plot',
      role: 'img',
      aria: { label: title },
      attrs: { tabindex: '0' },
    });
    this.tip = h('div', { class: 'stl-tip', role: 'tooltip' });
    this.tip.hidden = true;
    this.note = h('div', { class: 'stl-plot-note' });
    this.note.hidden = true;
    this.table = h('div', { class: 'stl-plot-table', attrs: { tabindex: '0' } });
    this.table.hidden = true;
    const frame = h('div', { class: 'stl-plot-frame' }, this.plot, this.note, this.tip, this.table);
    this.root = h(
      'section',
      {
        class: `stl-card stl-card-${name}`,
        aria: { label: title },
        data: { role: `chart-${name}` },
      },
      h('header', { class: 'stl-card-head' }, h('h3', {}, title), this.tools, this.asTable),
      frame,
    );
    this.asTable.addEventListener('click', () => this.toggleTable(), { signal });
  }

  get showsTable(): boolean {
    return !this.table.hidden;
  }

  /** A sentence over the plot, where there is nothing to draw yet. */
  setNote(text: string | null): void {
    setHidden(this.note, text === null);
    // Without data there is nothing to switch.
    setHidden(this.tools, text !== null);
    setHidden(this.asTable, text !== null && !this.showsTable);
    if (text !== null && this.note.textContent !== text) this.note.textContent = text;
  }

  /** Shows the tooltip beside a point of the plot, in CSS pixels. */
  showTip(x: number, y: number, ...lines: readonly Child[]): void {
    fill(this.tip, ...lines);
    this.tip.hidden = false;
    const { clientWidth, clientHeight } = this.plot;
    const width = this.tip.offsetWidth;
    const height = this.tip.offsetHeight;
    const right = x + 14 + width <= clientWidth;
    const left = right ? x + 14 : Math.max(0, x - 14 - width);
    const top = Math.min(Math.max(0, y - height / 2), Math.max(0, clientHeight - height));
    this.tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  hideTip(): void {
    this.tip.hidden = true;
  }

  refreshTable(): void {
    if (!this.showsTable) return;
    const { caption, head, rows } = this.makeTable();
    const shown = rows.slice(0, MAX_TABLE_ROWS);
    const more = rows.length - shown.length;
    fill(
      this.table,
      h(
        'table',
        {},
        h('caption', {}, more > 0 ? `${caption} (the first ${shown.length} rows)` : caption),
        h(
          'thead',
          {},
          h('tr', {}, ...head.map((text) => h('th', { attrs: { scope: 'col' } }, text))),
        ),
        h('tbody', {}, ...shown.map((row) => h('tr', {}, ...row.map((text) => h('td', {}, text))))),
      ),
    );
  }

  private toggleTable(): void {
    const show = this.table.hidden;
    this.table.hidden = !show;
    this.asTable.setAttribute('aria-pressed', String(show));
    fill(this.asTable, icon(show ? 'chart' : 'table'));
    this.asTable.title = show ? 'Show as a chart' : 'Show as a table';
    this.hideTip();
    this.refreshTable();
  }
}

/** A small switch among a few words. */
export class Segmented<T extends string> {
  readonly root: HTMLElement;
  private readonly buttons = new Map<T, HTMLButtonElement>();

  constructor(
    label: string,
    choices: readonly (readonly [T, string])[],
    pick: (value: T) => void,
    signal: AbortSignal,
  ) {
    this.root = h('div', { class: 'stl-segmented', role: 'group', aria: { label } });
    for (const [value, text] of choices) {
      const button = h('button', { attrs: { type: 'button' } }, text);
      button.addEventListener('click', () => pick(value), { signal });
      this.buttons.set(value, button);
      this.root.append(button);
    }
  }

  set(value: T, labels: Partial<Record<T, string>> = {}): void {
    for (const [key, button] of this.buttons) {
      button.setAttribute('aria-pressed', String(key === value));
      const text = labels[key];
      if (text !== undefined && button.textContent !== text) button.textContent = text;
    }
  }
}

/** A button that is on or off. */
export function toggleButton(
  text: string,
  label: string,
  click: () => void,
  signal: AbortSignal,
): HTMLButtonElement {
  const button = h(
    'button',
    {
      class: 'stl-toggle',
      title: label,
      aria: { label, pressed: 'false' },
      attrs: { type: 'button' },
    },
    text,
  );
  button.addEventListener('click', click, { signal });
  return button;
}
