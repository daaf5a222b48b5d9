/** Geometry of the best value so far: steps. */

import type { BestPoint, Flag } from '../protocol/messages';
import type { Extent } from './scale';

export type BestBy = 'time' | 'trials' | 'reports';

export function bestX(point: BestPoint, by: BestBy): number {
  if (by === 'time') return point.time;
  return by === 'trials' ? point.nTrials : point.nReports;
}

/** Corners of the step line, up to where the run is now. */
export function steps(
  points: readonly BestPoint[],
  by: BestBy,
  nowX: number,
): (readonly [number, number])[] {
  const result: (readonly [number, number])[] = [];
  let last: number | null = null;
  for (const point of points) {
    const x = bestX(point, by);
    if (last !== null) result.push([x, last]);
    result.push([x, point.value]);
    last = point.value;
  }
  if (last !== null) result.push([Math.max(nowX, result.at(-1)?.[0] ?? nowX), last]);
  return result;
}

export function extentOf(values: Iterable<number>): Extent | null {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return max < min ? null : { min, max };
}

/** How many trials had started, or reports had come, at a time: to place flags on other axes. */
export function countAt(times: readonly number[], t: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) <= t) low = middle + 1;
    else high = middle;
  }
  return low;
}

const FLAG_NAMES: Readonly<Record<string, string>> = {
  space: 'space edited',
  workers: 'workers changed',
  paused: 'run paused',
  resumed: 'run resumed',
  stop_criterion: 'stopping criterion changed',
  enqueued: 'configuration added',
};

export function flagText(flag: Flag): string {
  return flag.text ?? FLAG_NAMES[flag.kind] ?? flag.kind.replaceAll('_', ' ');
}
