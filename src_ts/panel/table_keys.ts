/** The trial table by keyboard and click: moving, selecting, opening. */

import type { TrialId, TrialRow } from '../protocol/messages';
import { toggled } from '../state/ui';
import type { PanelContext } from './context';

interface Rows {
  rows(): readonly TrialRow[];
  reveal(index: number): void;
}

const PAGE = 10;

export class TableKeys {
  /** The row that arrows start from. */
  current: TrialId | null = null;
  private anchor: TrialId | null = null;

  constructor(
    private readonly context: PanelContext,
    grid: HTMLElement,
    private readonly table: Rows,
  ) {
    grid.addEventListener('keydown', (event) => this.key(event), { signal: context.signal });
  }

  /** A click: alone opens, with a key held selects. */
  pick(id: TrialId, event: MouseEvent): void {
    const { ui } = this.context;
    this.current = id;
    if (event.shiftKey && this.anchor !== null) this.selectRange(this.anchor, id);
    else if (event.ctrlKey || event.metaKey) {
      this.anchor = id;
      ui.update({ selected: toggled(ui.value.selected, id) });
    } else {
      this.anchor = id;
      ui.update({ selected: new Set([id]) });
      this.context.openTrial(id);
    }
  }

  private key(event: KeyboardEvent): void {
    if (!this.moved(event) && !this.chosen(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  private moved(event: KeyboardEvent): boolean {
    const rows = this.table.rows();
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: PAGE,
      PageUp: -PAGE,
      Home: -rows.length,
      End: rows.length,
    };
    const step = steps[event.key];
    if (step === undefined) return false;
    const at = rows.findIndex((row) => row.id === this.current);
    const index = Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + step));
    const row = rows[index];
    if (row === undefined) return true;
    this.current = row.id;
    if (event.shiftKey && this.anchor !== null) this.selectRange(this.anchor, row.id);
    this.context.ui.update({ hovered: row.id });
    this.table.reveal(index);
    return true;
  }

  private chosen(event: KeyboardEvent): boolean {
    const { ui } = this.context;
    if (event.key === 'a' && (event.ctrlKey || event.metaKey)) {
      ui.update({ selected: new Set(this.table.rows().map((row) => row.id)) });
      return true;
    }
    if (this.current === null) return false;
    if (event.key === 'Enter') this.context.openTrial(this.current);
    else if (event.key === ' ') {
      this.anchor = this.current;
      ui.update({ selected: toggled(ui.value.selected, this.current) });
    } else return false;
    return true;
  }

  private selectRange(from: TrialId, to: TrialId): void {
    const rows = this.table.rows();
    const a = rows.findIndex((row) => row.id === from);
    const b = rows.findIndex((row) => row.id === to);
    if (a < 0 || b < 0) return;
    const range = rows.slice(Math.min(a, b), Math.max(a, b) + 1).map((row) => row.id);
    this.context.ui.update({ selected: new Set(range) });
  }
}
