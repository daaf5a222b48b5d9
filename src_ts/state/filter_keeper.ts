/** The test of the table's filter, parsed when it changes rather than at each frame. */

import type { Header } from '../protocol/messages';
import { parseFilter, type RowTest } from './filter';
import type { RunState } from './run';
import type { UiState } from './ui';

const all: RowTest = () => true;

export class FilterKeeper {
  private text = '';
  private names: Header['hyperparameters'] | null = null;
  private kept: RowTest = all;

  /** Whether a trial passes; all do as long as the filter is empty or can't be read. */
  test(run: RunState, ui: UiState): RowTest {
    const { hyperparameters } = run.header;
    if (ui.filter !== this.text || hyperparameters !== this.names) {
      this.text = ui.filter;
      this.names = hyperparameters;
      const filter = ui.filter.trim() === '' ? null : parseFilter(ui.filter, run.header);
      this.kept = filter?.ok === true ? filter.test : all;
    }
    return this.kept;
  }
}
