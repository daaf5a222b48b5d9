/** Geometry of the learning curves: pure functions from columns to pixels. */

import type { TrialStatus } from '../protocol/messages';
import type { Curve } from '../state/curves';
import { type Extent, robustExtent } from './scale';

/** What a path is told; a canvas context is one. */
export interface PathSink {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
}

export type Project = (value: number) => number;
export type CurveStyle = 'running' | 'paused' | 'completed' | 'stopped' | 'failed';

export function styleOf(status: TrialStatus): CurveStyle {
  switch (status) {
    case 'Paused':
      return 'paused';
    case 'Stopped':
      return 'stopped';
    case 'Completed':
      return 'completed';
    case 'Failed':
      return 'failed';
    default:
      return 'running';
  }
}

export interface Columns {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** The columns that are shown, null if the metric was never reported. */
export function columnsOf(
  curve: Curve,
  metric: number,
  xAxis: 'resource' | 'time',
): Columns | null {
  const y = curve.metrics[metric];
  return y === undefined ? null : { x: xAxis === 'time' ? curve.time : curve.resource, y };
}

/**
 * Traces the reports `from` to `to` of a curve. A new run of the trial (it was paused in between)
 * and a value that can't be shown break the line; a report alone becomes a short dash, so that it
 * is seen.
 *
 * @param gapPx how much of the way between two runs is left open, at most half of it; infinite for
 *   all of it.
 * @returns number of points traced.
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one pass over all reports, kept whole for speed
export function traceCurve(
  curve: Curve,
  columns: Columns,
  from: number,
  to: number,
  projectX: Project,
  projectY: Project,
  sink: PathSink,
  gapPx = Number.POSITIVE_INFINITY,
): number {
  let previousRun = -1;
  let open = false;
  let alone = false;
  let lastX = 0;
  let lastY = 0;
  let traced = 0;
  for (let i = from; i < to; i++) {
    const run = curve.run[i] ?? 0;
    const px = projectX(columns.x[i] ?? Number.NaN);
    const py = projectY(columns.y[i] ?? Number.NaN);
    if (Number.isNaN(px) || Number.isNaN(py)) {
      open = false;
      continue;
    }
    if (open && run === previousRun) {
      sink.lineTo(px, py);
      alone = false;
    } else if (open && gapPx < Number.POSITIVE_INFINITY) {
      const near = (1 - Math.min(0.5, gapPx / Math.hypot(px - lastX, py - lastY))) / 2;
      sink.lineTo(lastX + (px - lastX) * near, lastY + (py - lastY) * near);
      sink.moveTo(px - (px - lastX) * near, py - (py - lastY) * near);
      sink.lineTo(px, py);
      alone = false;
    } else {
      if (alone) dash(sink, lastX, lastY);
      sink.moveTo(px, py);
      alone = true;
    }
    open = true;
    previousRun = run;
    lastX = px;
    lastY = py;
    traced++;
  }
  if (alone) dash(sink, lastX, lastY);
  return traced;
}

function dash(sink: PathSink, x: number, y: number): void {
  sink.moveTo(x - 2, y);
  sink.lineTo(x + 2, y);
  sink.moveTo(x, y);
}

/**
 * Indices to draw of a long curve: in each pixel column the first, lowest, highest and last report.
 * Null if the curve is short enough to draw every report.
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one pass over all reports, kept whole for speed
export function thinned(
  columns: Columns,
  n: number,
  widthCss: number,
  projectX: Project,
): Int32Array | null {
  if (n <= widthCss * 4) return null;
  const kept: number[] = [];
  let start = 0;
  while (start < n) {
    const pixel = Math.floor(projectX(columns.x[start] ?? 0));
    let end = start + 1;
    let low = start;
    let high = start;
    while (end < n && Math.floor(projectX(columns.x[end] ?? 0)) === pixel) {
      const y = columns.y[end] ?? Number.NaN;
      if (y < (columns.y[low] ?? Number.POSITIVE_INFINITY)) low = end;
      if (y > (columns.y[high] ?? Number.NEGATIVE_INFINITY)) high = end;
      end++;
    }
    for (const i of [start, Math.min(low, high), Math.max(low, high), end - 1]) {
      if (kept.at(-1) !== i) kept.push(i);
    }
    start = end;
  }
  return Int32Array.from(kept);
}

export interface DataExtents {
  readonly x: Extent | null;
  readonly y: Extent | null;
}

const SAMPLE = 4000;

/** What the axes have to hold: all of x, and y without the wild values on its bad side. */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one pass over all reports, kept whole for speed
export function dataExtents(
  curves: Iterable<Curve>,
  nReports: number,
  metric: number,
  xAxis: 'resource' | 'time',
  better: 'min' | 'max',
): DataExtents {
  let minX = Number.POSITIVE_INFINITY;
  let maxX = Number.NEGATIVE_INFINITY;
  let best = Number.NaN;
  const stride = Math.max(1, Math.floor(nReports / SAMPLE));
  const sample: number[] = [];
  let seen = 0;
  for (const curve of curves) {
    const columns = columnsOf(curve, metric, xAxis);
    if (columns === null) continue;
    for (let i = 0; i < curve.n; i++) {
      const x = columns.x[i] ?? Number.NaN;
      const y = columns.y[i] ?? Number.NaN;
      if (!Number.isFinite(y) || Number.isNaN(x)) continue;
      if (x < minX) minX = x;
      if (x > maxX) maxX = x;
      if (!(better === 'max' ? y <= best : y >= best)) best = y;
      if (seen++ % stride === 0) sample.push(y);
    }
  }
  if (maxX < minX) return { x: null, y: null };
  sample.push(best);
  return { x: { min: minX, max: maxX }, y: robustExtent(Float64Array.from(sample), better) };
}

export interface Hit {
  readonly trial: number;
  /** The report nearest to the pointer. */
  readonly index: number;
  readonly x: number;
  readonly y: number;
  readonly distance: number;
}

/** The curve nearest to a point, at most `reach` pixels away. */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one pass over all reports, kept whole for speed
export function nearestCurve(
  curves: Iterable<Curve>,
  metric: number,
  xAxis: 'resource' | 'time',
  projectX: Project,
  projectY: Project,
  pointerX: number,
  pointerY: number,
  reach: number,
): Hit | null {
  let found: Hit | null = null;
  let least = reach * reach;
  for (const curve of curves) {
    const columns = columnsOf(curve, metric, xAxis);
    if (columns === null) continue;
    let px = Number.NaN;
    let py = Number.NaN;
    for (let i = 0; i < curve.n; i++) {
      const x = projectX(columns.x[i] ?? Number.NaN);
      const y = projectY(columns.y[i] ?? Number.NaN);
      const joined = i > 0 && curve.run[i] === curve.run[i - 1];
      const distance = joined
        ? toSegment(pointerX, pointerY, px, py, x, y)
        : (x - pointerX) ** 2 + (y - pointerY) ** 2;
      if (distance < least) {
        least = distance;
        const index = joined && Math.abs(px - pointerX) < Math.abs(x - pointerX) ? i - 1 : i;
        const exact = index === i;
        found = {
          trial: curve.trial,
          index,
          x: exact ? x : px,
          y: exact ? y : py,
          distance: Math.sqrt(distance),
        };
      }
      px = x;
      py = y;
    }
  }
  return found;
}

/** Squared distance from a point to a segment. */
function toSegment(x: number, y: number, x0: number, y0: number, x1: number, y1: number): number {
  const dx = x1 - x0;
  const dy = y1 - y0;
  const length = dx * dx + dy * dy;
  const along =
    length === 0 ? 0 : Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / length));
  return (x0 + along * dx - x) ** 2 + (y0 + along * dy - y) ** 2;
}
