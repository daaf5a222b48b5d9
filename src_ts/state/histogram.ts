/** What was tried of a hyperparameter, and how good it was. */

import type { Json } from '../protocol/json';
import type { TrialRow } from '../protocol/messages';
import type { Entry, SpaceScale } from './space';

export interface Bin {
  readonly count: number;
  /** Mean standing of its trials: 1 is the best of all, 0 the worst; NaN if none has a value. */
  readonly standing: number;
}

/** Standing of each trial by its best value: 1 for the best, 0 for the worst. */
export function standings(rows: readonly TrialRow[], mode: 'min' | 'max'): Map<number, number> {
  const valued = rows.filter((row) => row.best !== null);
  const sign = mode === 'max' ? 1 : -1;
  valued.sort((a, b) => sign * ((a.best ?? 0) - (b.best ?? 0)));
  const last = Math.max(1, valued.length - 1);
  return new Map(valued.map((row, i) => [row.id, valued.length === 1 ? 1 : i / last]));
}

/** Place of a value on the entry's axis, from 0 to 1. */
export function placeOf(scale: SpaceScale, lower: number, upper: number, value: number): number {
  const map = mapping(scale);
  const span = map(upper) - map(lower);
  return span === 0 ? 0.5 : (map(value) - map(lower)) / span;
}

/** The value at a place. */
export function valueAtPlace(
  scale: SpaceScale,
  lower: number,
  upper: number,
  place: number,
): number {
  const map = mapping(scale);
  const at = map(lower) + place * (map(upper) - map(lower));
  if (scale === 'log') return Math.exp(at);
  return scale === 'reverse log' ? 1 - Math.exp(-at) : at;
}

function mapping(scale: SpaceScale): (value: number) => number {
  if (scale === 'log') return (value) => Math.log(Math.max(value, 1e-300));
  if (scale === 'reverse log') return (value) => -Math.log(Math.max(1e-300, 1 - value));
  return (value) => value;
}

/** Bins over a range in its own scale. Values outside of it are left out. */
export function rangeBins(
  rows: readonly TrialRow[],
  name: string,
  entry: Extract<Entry, { kind: 'range' }>,
  standing: ReadonlyMap<number, number>,
  nBins: number,
): Bin[] {
  const groups: TrialRow[][] = Array.from({ length: nBins }, () => []);
  for (const row of rows) {
    const value = row.config[name];
    if (typeof value !== 'number') continue;
    const place = placeOf(entry.scale, entry.lower, entry.upper, value);
    if (!(place >= -1e-9 && place <= 1 + 1e-9)) continue;
    groups[Math.max(0, Math.min(nBins - 1, Math.floor(place * nBins)))]?.push(row);
  }
  return groups.map((group) => binOf(group, standing));
}

export function choiceBins(
  rows: readonly TrialRow[],
  name: string,
  categories: readonly Json[],
  standing: ReadonlyMap<number, number>,
): Bin[] {
  return categories.map((category) => {
    const wanted = JSON.stringify(category);
    return binOf(
      rows.filter((row) => JSON.stringify(row.config[name] ?? null) === wanted),
      standing,
    );
  });
}

function binOf(rows: readonly TrialRow[], standing: ReadonlyMap<number, number>): Bin {
  const known = rows.map((row) => standing.get(row.id)).filter((one) => one !== undefined);
  const sum = known.reduce((a, b) => a + b, 0);
  return { count: rows.length, standing: known.length === 0 ? Number.NaN : sum / known.length };
}
