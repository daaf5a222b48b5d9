/** The tools of the trial table: which columns, and the table as a file. */

import { h } from '../dom/dom';
import type { TrialRow } from '../protocol/messages';
import { columnsFor, toCsv } from '../state/columns';
import { plural } from '../state/format';
import { toggled } from '../state/ui';
import type { PanelContext } from './context';
import type { MenuItem } from './menu';

/** A menu of the columns that may be hidden. */
export function columnItems({ state, ui }: PanelContext): MenuItem[] {
  if (state.value === null) return [];
  return columnsFor(state.value.header, [])
    .filter((column) => column.optional)
    .map((column) => ({
      label: column.title,
      action: `column-${column.id}`,
      checked: !ui.value.hiddenColumns.has(column.id),
      pick: () => ui.update({ hiddenColumns: toggled(ui.value.hiddenColumns, column.id) }),
    }));
}

/** Saves the rows as comma-separated values, with all columns. */
export function download({ state, notices }: PanelContext, rows: readonly TrialRow[]): void {
  const run = state.value;
  if (run === null) return;
  const text = toCsv(rows, columnsFor(run.header, rows.slice(-60)));
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  const link = h('a', { attrs: { href: url, download: `${run.header.name}.csv` } });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
  notices.show('done', `${plural(rows.length, 'trial')} written as CSV`);
}
