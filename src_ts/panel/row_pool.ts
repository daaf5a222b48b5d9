/** The rows that exist: each stays with its trial as long as that is in view. */

import type { TrialRow } from '../protocol/messages';
import { TableRow } from './table_row';

export class RowPool {
  private rows: TableRow[] = [];

  constructor(private readonly body: HTMLElement) {}

  /**
   * One row for each trial, in this order, also in the document, where readers of the screen go
   * through them. A trial that was in view keeps its elements: what is pressed or hovered stays.
   */
  arrange(trials: readonly TrialRow[]): TableRow[] {
    const wanted = new Set(trials.map((trial) => trial.id));
    const known = new Map<number, TableRow>();
    const free: TableRow[] = [];
    for (const row of this.rows) {
      const id = row.trial?.id;
      if (id !== undefined && wanted.has(id) && !known.has(id)) known.set(id, row);
      else free.push(row);
    }
    const used = trials.map((trial) => known.get(trial.id) ?? free.pop() ?? new TableRow());
    for (const row of used) row.root.hidden = false;
    for (const row of free) row.root.hidden = true;
    this.rows = [...used, ...free];
    this.place();
    return used;
  }

  /** Brings the document in order with as few moves as possible. */
  private place(): void {
    let next = this.body.firstElementChild;
    for (const { root } of this.rows) {
      if (root === next) next = next.nextElementSibling;
      else this.body.insertBefore(root, next);
    }
  }
}
