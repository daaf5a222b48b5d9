/** What every trial reported, as columns that grow at their end. */

import type { ReportColumns, TrialId } from '../protocol/messages';

/** The reports of one trial. Only the first `n` entries of each array count. */
export interface Curve {
  readonly trial: TrialId;
  readonly n: number;
  readonly run: Int32Array;
  readonly time: Float64Array;
  readonly resource: Float64Array;
  readonly metrics: readonly Float64Array[];
}

interface GrowingCurve {
  trial: TrialId;
  n: number;
  run: Int32Array;
  time: Float64Array;
  resource: Float64Array;
  metrics: Float64Array[];
}

const FIRST_CAPACITY = 16;

/**
 * The reports of a run by trial. Reports are only ever added, so that views may remember how much
 * of a curve they have drawn; nothing is copied but when an array is full.
 */
export class CurveBook {
  private readonly curves = new Map<TrialId, GrowingCurve>();
  private total = 0;

  constructor(readonly metricNames: readonly string[]) {}

  get nReports(): number {
    return this.total;
  }

  get(trial: TrialId): Curve | undefined {
    return this.curves.get(trial);
  }

  all(): IterableIterator<Curve> {
    return this.curves.values();
  }

  get size(): number {
    return this.curves.size;
  }

  /** Index of a metric's column, -1 if nobody reported it. */
  metricIndex(name: string): number {
    return this.metricNames.indexOf(name);
  }

  /** Adds reports; returns the trials that they belong to. */
  append(columns: ReportColumns): Set<TrialId> {
    const touched = new Set<TrialId>();
    const sources = this.metricNames.map((name) => {
      const at = columns.metricNames.indexOf(name);
      return at < 0 ? undefined : columns.metrics[at];
    });
    for (let i = 0; i < columns.n; i++) {
      const trial = columns.trial[i] ?? 0;
      const curve = this.reserve(trial);
      const at = curve.n;
      curve.run[at] = columns.run[i] ?? 0;
      curve.time[at] = columns.time[i] ?? Number.NaN;
      curve.resource[at] = columns.resource[i] ?? Number.NaN;
      for (let m = 0; m < sources.length; m++) {
        const target = curve.metrics[m];
        if (target !== undefined) target[at] = sources[m]?.[i] ?? Number.NaN;
      }
      curve.n = at + 1;
      touched.add(trial);
    }
    this.total += columns.n;
    return touched;
  }

  private reserve(trial: TrialId): GrowingCurve {
    let curve = this.curves.get(trial);
    if (curve === undefined) {
      curve = {
        trial,
        n: 0,
        run: new Int32Array(FIRST_CAPACITY),
        time: new Float64Array(FIRST_CAPACITY),
        resource: new Float64Array(FIRST_CAPACITY),
        metrics: this.metricNames.map(() => new Float64Array(FIRST_CAPACITY)),
      };
      this.curves.set(trial, curve);
    } else if (curve.n === curve.run.length) {
      const capacity = curve.n * 2;
      curve.run = grown(curve.run, new Int32Array(capacity));
      curve.time = grown(curve.time, new Float64Array(capacity));
      curve.resource = grown(curve.resource, new Float64Array(capacity));
      curve.metrics = curve.metrics.map((old) => grown(old, new Float64Array(capacity)));
    }
    return curve;
  }
}

function grown<T extends Int32Array | Float64Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
