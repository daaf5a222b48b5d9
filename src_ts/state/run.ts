/** The state of a run as the kernel told it: a pure fold over its messages. */

import { emptyColumns } from '../protocol/columns';
import type {
  BestPoint,
  Delta,
  Flag,
  Header,
  Snapshot,
  TrialId,
  TrialRow,
} from '../protocol/messages';
import { CurveBook } from './curves';
import { type RungBook, rungsFrom, withEntries } from './rungs';

export interface RunState {
  readonly run: string;
  /** Number of the last record that this state holds. */
  readonly seq: number;
  readonly header: Header;
  /** By trial id; ids without a trial are undefined. */
  readonly trials: readonly (TrialRow | undefined)[];
  readonly nTrials: number;
  /** Shared by all states since one snapshot and only ever added to. */
  readonly curves: CurveBook;
  readonly rungs: RungBook;
  readonly flags: readonly Flag[];
  readonly best: readonly BestPoint[];
  readonly thinned: boolean;
  /** When the last message came, in milliseconds of the caller's clock. */
  readonly receivedAtMs: number;
  /** Trials that changed with the last message; null after a snapshot: all. */
  readonly touched: ReadonlySet<TrialId> | null;
}

export type Folded =
  | { readonly kind: 'state'; readonly state: RunState }
  /** The delta does not follow on this state: ask for a snapshot. */
  | { readonly kind: 'gap' }
  /** Old news. */
  | { readonly kind: 'same' };

/** The state after a message. Never changes `state`, but for its curves, which only grow. */
export function fold(state: RunState | null, message: Snapshot | Delta, nowMs: number): Folded {
  if (message.kind === 'snapshot') return { kind: 'state', state: fromSnapshot(message, nowMs) };
  if (state === null) return { kind: 'gap' };
  if (message.seq <= state.seq && message.since < state.seq) return { kind: 'same' };
  if (message.since !== state.seq) return { kind: 'gap' };
  return { kind: 'state', state: withDelta(state, message, nowMs) };
}

export function fromSnapshot(snapshot: Snapshot, nowMs: number): RunState {
  const names =
    snapshot.reports.metricNames.length > 0
      ? snapshot.reports.metricNames
      : snapshot.header.metricNames;
  const curves = new CurveBook(names);
  curves.append(snapshot.reports);
  const trials = placed([], snapshot.trials);
  return {
    run: snapshot.run,
    seq: snapshot.seq,
    header: snapshot.header,
    trials,
    nTrials: snapshot.trials.length,
    curves,
    rungs: rungsFrom(snapshot.rungs),
    flags: snapshot.flags,
    best: snapshot.best,
    thinned: snapshot.thinned,
    receivedAtMs: nowMs,
    touched: null,
  };
}

function withDelta(state: RunState, delta: Delta, nowMs: number): RunState {
  const curves = curvesFor(state, delta);
  const touched = delta.reports === null ? new Set<TrialId>() : curves.append(delta.reports);
  for (const row of delta.trials) touched.add(row.id);
  const fresh = delta.trials.filter((row) => state.trials[row.id] === undefined).length;
  return {
    ...state,
    seq: delta.seq,
    header: { ...state.header, ...delta.header },
    trials: delta.trials.length === 0 ? state.trials : placed(state.trials, delta.trials),
    nTrials: state.nTrials + fresh,
    curves,
    rungs: withEntries(state.rungs, delta.rungs),
    flags: delta.flags.length === 0 ? state.flags : [...state.flags, ...delta.flags],
    best: delta.best.length === 0 ? state.best : [...state.best, ...delta.best],
    receivedAtMs: nowMs,
    touched: curves === state.curves ? touched : null,
  };
}

/** The book itself, or a copy with more columns if a metric is reported for the first time. */
function curvesFor(state: RunState, delta: Delta): CurveBook {
  const known = state.curves.metricNames;
  const fresh = delta.reports?.metricNames.filter((name) => !known.includes(name)) ?? [];
  if (fresh.length === 0) return state.curves;
  const book = new CurveBook([...known, ...fresh]);
  for (const curve of state.curves.all()) {
    book.append({
      ...emptyColumns(known),
      n: curve.n,
      trial: new Int32Array(curve.n).fill(curve.trial),
      run: curve.run,
      time: curve.time,
      resource: curve.resource,
      metrics: curve.metrics,
    });
  }
  return book;
}

function placed(
  trials: readonly (TrialRow | undefined)[],
  rows: readonly TrialRow[],
): (TrialRow | undefined)[] {
  const result = trials.slice();
  for (const row of rows) result[row.id] = row;
  return result;
}

/** The trials of a state, in the order of their ids. */
export function trialsOf(state: RunState): TrialRow[] {
  return state.trials.filter((row) => row !== undefined);
}

/** Seconds of the run's own time by now. */
export function tunerTimeNow(state: RunState, nowMs: number): number {
  const { header } = state;
  const isHeard = header.remote === null || header.remote.trouble === null;
  const ticks = isHeard && (header.state === 'running' || header.state === 'stopping');
  // Simulated time comes with each message; in between, only a speed that is known carries it on.
  const pace = header.simulation === null ? 1 : (header.simulation.speed ?? 0);
  const passed = ticks ? Math.max(0, nowMs - state.receivedAtMs) / 1000 : 0;
  return header.tunerTime + pace * passed;
}

export function mainMetric(header: Header): { name: string; mode: 'min' | 'max' } {
  return { name: header.metricNames[0] ?? 'metric', mode: header.metricModes[0] ?? 'min' };
}
