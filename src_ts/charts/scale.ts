/** Axes: from values to the unit interval and back, their ticks, and how they grow. */

/** More digits are not told apart by a number's 64 bits, nor by the eye. */
const MOST_DIGITS = 12;

export type ScaleKind = 'linear' | 'log';

/** An axis; `min < max`, and both positive if it is logarithmic. */
export interface Scale {
  readonly kind: ScaleKind;
  readonly min: number;
  readonly max: number;
}

export interface Extent {
  readonly min: number;
  readonly max: number;
}

export interface Tick {
  readonly value: number;
  readonly label: string;
}

/** Position of a value on the axis: 0 at `min`, 1 at `max`; NaN if the axis cannot show it. */
export function position(scale: Scale, value: number): number {
  if (scale.kind === 'linear') return (value - scale.min) / (scale.max - scale.min);
  if (value <= 0) return Number.NaN;
  return Math.log(value / scale.min) / Math.log(scale.max / scale.min);
}

export function valueAt(scale: Scale, at: number): number {
  if (scale.kind === 'linear') return scale.min + at * (scale.max - scale.min);
  return scale.min * (scale.max / scale.min) ** at;
}

/** From values to pixels, for inner loops. Goes from `from` (at min) to `to` (at max). */
export function projector(scale: Scale, from: number, to: number): (value: number) => number {
  const length = to - from;
  if (scale.kind === 'linear') {
    const slope = length / (scale.max - scale.min);
    const offset = from - scale.min * slope;
    return (value) => value * slope + offset;
  }
  const slope = length / Math.log(scale.max / scale.min);
  const offset = from - Math.log(scale.min) * slope;
  return (value) => (value > 0 ? Math.log(value) * slope + offset : Number.NaN);
}

/** A scale that holds the extent, with room where there is but one value. */
export function scaleFor(kind: ScaleKind, extent: Extent | null): Scale {
  if (extent === null)
    return kind === 'log' ? { kind, min: 0.1, max: 1 } : { kind, min: 0, max: 1 };
  let { min, max } = extent;
  if (kind === 'log') {
    if (max <= 0) return { kind, min: 0.1, max: 1 };
    if (min <= 0) min = Math.min(max / 1000, 1e-3);
    if (max / min < 1.0001) return { kind, min: min / 1.5, max: max * 1.5 };
    return { kind, min, max };
  }
  if (max - min < 1e-12 * Math.max(1, Math.abs(max))) {
    const room = Math.max(Math.abs(max) * 0.1, 1e-6);
    min -= room;
    max += room;
  }
  return { kind, min, max };
}

export function union(a: Extent | null, b: Extent | null): Extent | null {
  if (a === null || b === null) return a ?? b;
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}

/**
 * The extent shown so far, grown so that it holds the data: never smaller, and by a good step, so
 * that axes do not move with each report.
 *
 * @param slack share of the data's range that is added where it has to grow.
 */
export function grow(shown: Extent | null, data: Extent | null, slack: number): Extent | null {
  if (data === null) return shown;
  const room = (data.max - data.min) * slack;
  if (shown === null) return { min: data.min - room / 2, max: data.max + room };
  return {
    min: data.min < shown.min ? data.min - room / 2 : shown.min,
    max: data.max > shown.max ? data.max + room : shown.max,
  };
}

/**
 * Extent of values without the wild ones on the bad side: one diverged trial must not flatten all
 * others. The good side is always whole.
 */
export function robustExtent(values: Float64Array, better: 'min' | 'max'): Extent | null {
  const sorted = values.filter((v) => Number.isFinite(v)).sort();
  const n = sorted.length;
  if (n === 0) return null;
  const at = (q: number): number => sorted[Math.min(n - 1, Math.floor(q * n))] ?? 0;
  const min = at(0);
  const max = at(1);
  if (n < 8) return { min, max };
  const spread = at(0.9) - at(0.1);
  return better === 'max'
    ? { min: Math.max(min, at(0.1) - 2 * spread), max }
    : { min, max: Math.min(max, at(0.9) + 2 * spread) };
}

/** Round values along the axis, about `count` of them. */
export function ticks(scale: Scale, count: number): Tick[] {
  return scale.kind === 'log' ? logTicks(scale, count) : linearTicks(scale, count);
}

function linearTicks(scale: Scale, count: number): Tick[] {
  const span = scale.max - scale.min;
  if (!(span > 0) || count < 1) return [];
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const factor = raw / power;
  const step = power * (factor < 1.5 ? 1 : factor < 3.5 ? 2 : factor < 7.5 ? 5 : 10);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const result: Tick[] = [];
  for (let i = Math.ceil(scale.min / step - 1e-9); i * step <= scale.max + step * 1e-9; i++) {
    const value = i * step;
    result.push({ value, label: tickLabel(value, decimals, step) });
  }
  return result;
}

function logTicks(scale: Scale, count: number): Tick[] {
  const low = Math.log10(scale.min);
  const high = Math.log10(scale.max);
  const decades = high - low;
  const result: Tick[] = [];
  const every = Math.max(1, Math.ceil(decades / Math.max(1, count)));
  const inner = decades < 1.2 ? [1, 2, 3, 5, 7] : decades < count / 2 ? [1, 2, 5] : [1];
  for (let exponent = Math.floor(low); exponent <= high; exponent++) {
    if (every > 1 && exponent % every !== 0) continue;
    for (const factor of inner) {
      const value = factor * 10 ** exponent;
      if (value < scale.min * 0.9999 || value > scale.max * 1.0001) continue;
      result.push({ value, label: tickLabel(value, Math.max(0, -exponent)) });
    }
  }
  return result.length >= 2 ? result : linearTicks({ ...scale, kind: 'linear' }, count);
}

/** @param step distance of neighbouring ticks: labels have the digits that tell them apart. */
function tickLabel(value: number, decimals: number, step = Math.abs(value)): string {
  const size = Math.abs(value);
  if (size < step * 1e-9 || size === 0) return '0';
  if (size >= 1e6 || (size < 1e-3 && decimals > 3)) {
    const digits = Math.ceil(Math.log10(size / step) - 1e-9);
    const [mantissa = '', exponent = ''] = value
      .toExponential(Math.min(MOST_DIGITS, Math.max(1, digits)))
      .split('e');
    const short = mantissa.replace(/\.?0+$/, '');
    return `${short}e${exponent.replace('+', '')}`.replace(/^-/, '−');
  }
  const text = value.toFixed(Math.min(decimals, MOST_DIGITS));
  return (size >= 1e4 ? Number(text).toLocaleString('en-US') : text).replace(/^-/, '−');
}
