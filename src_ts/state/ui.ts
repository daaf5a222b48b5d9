/** What belongs to one panel alone and is never told to the kernel. */

import type { TrialId } from '../protocol/messages';

export interface SortBy {
  readonly column: string;
  readonly descending: boolean;
}

export type Drawer = 'none' | 'space' | 'log' | 'enqueue' | 'criterion' | 'saved';

export interface UiState {
  readonly selected: ReadonlySet<TrialId>;
  readonly hovered: TrialId | null;
  /** The trial whose details are open. */
  readonly opened: TrialId | null;
  readonly filter: string;
  readonly sort: SortBy;
  readonly hiddenColumns: ReadonlySet<string>;
  readonly metric: string | null;
  /** null: time where each trial reports once, else the resource. */
  readonly xAxis: 'resource' | 'time' | null;
  /** null: as the resource levels suggest. */
  readonly logX: boolean | null;
  readonly logY: boolean;
  readonly bracket: number | null;
  readonly bestBy: 'time' | 'trials' | 'reports';
  readonly drawer: Drawer;
}

export function initialUi(): UiState {
  return {
    selected: new Set(),
    hovered: null,
    opened: null,
    filter: '',
    sort: { column: 'id', descending: true },
    hiddenColumns: new Set(['time']),
    metric: null,
    xAxis: null,
    logX: null,
    logY: false,
    bracket: null,
    bestBy: 'time',
    drawer: 'none',
  };
}

export function toggled<T>(set: ReadonlySet<T>, value: T): ReadonlySet<T> {
  const result = new Set(set);
  if (!result.delete(value)) result.add(value);
  return result;
}
