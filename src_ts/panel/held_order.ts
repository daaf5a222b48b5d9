/** The order of rows while the pointer is over them: nothing moves under it. */

import type { TrialId, TrialRow } from '../protocol/messages';

/** Rows in the order to show, and how many new ones are kept back. */
export interface Arranged {
  readonly rows: readonly TrialRow[];
  readonly waiting: number;
}

export class HeldOrder {
  private order: readonly TrialId[] = [];
  private key = '';

  /**
   * @param rows as they are sorted and filtered now.
   * @param key what the user asked for: if it changes, so does the order.
   * @param held whether the order of before is to stay; rows keep it, and new ones wait.
   */
  arrange(rows: readonly TrialRow[], key: string, held: boolean): Arranged {
    if (!held || key !== this.key || this.order.length === 0) {
      this.order = rows.map((row) => row.id);
      this.key = key;
      return { rows, waiting: 0 };
    }
    const now = new Map(rows.map((row) => [row.id, row]));
    const kept = this.order.map((id) => now.get(id)).filter((row) => row !== undefined);
    this.order = kept.map((row) => row.id);
    return { rows: kept, waiting: rows.length - kept.length };
  }
}
