/** What a view of a run needs. */

import type { RunState } from '../state/run';
import type { Store } from '../state/store';
import type { UiState } from '../state/ui';
import type { ChartTheme } from './theme';

export interface ViewContext {
  readonly state: Store<RunState | null>;
  readonly ui: Store<UiState>;
  readonly theme: Store<ChartTheme>;
  readonly signal: AbortSignal;
}
