/** Who is in which rung: entries by bracket, level and trial. */

import type { RungColumn, RungEntry, TrialId } from '../protocol/messages';

export interface Rung {
  readonly bracket: number;
  readonly level: number;
  readonly entries: ReadonlyMap<TrialId, RungEntry>;
  /** The value that a trial has to reach to go on, as far as known. */
  readonly cutoff: number | null;
}

/** Rungs by `bracket:level`. */
export type RungBook = ReadonlyMap<string, Rung>;

const key = (bracket: number, level: number): string => `${bracket}:${level}`;

export function rungsFrom(columns: readonly RungColumn[]): RungBook {
  const book = new Map<string, Rung>();
  for (const column of columns) {
    book.set(key(column.bracket, column.level), {
      bracket: column.bracket,
      level: column.level,
      entries: new Map(column.entries.map((entry) => [entry.trial, entry])),
      cutoff: column.cutoff ?? latestCutoff(column.entries),
    });
  }
  return book;
}

/** The book with changed entries; rungs that did not change are shared with the old one. */
export function withEntries(book: RungBook, changed: readonly RungEntry[]): RungBook {
  if (changed.length === 0) return book;
  const result = new Map(book);
  const fresh = new Map<string, Map<TrialId, RungEntry>>();
  for (const entry of changed) {
    const id = key(entry.bracket, entry.level);
    const old = result.get(id);
    let entries = fresh.get(id);
    if (entries === undefined) {
      entries = new Map(old?.entries);
      fresh.set(id, entries);
    }
    entries.set(entry.trial, entry);
    result.set(id, {
      bracket: entry.bracket,
      level: entry.level,
      entries,
      cutoff: entry.cutoff ?? old?.cutoff ?? null,
    });
  }
  return result;
}

export function brackets(book: RungBook): number[] {
  return [...new Set([...book.values()].map((rung) => rung.bracket))].sort((a, b) => a - b);
}

/** The rungs of a bracket, lowest level first. */
export function rungsOf(book: RungBook, bracket: number): Rung[] {
  return [...book.values()]
    .filter((rung) => rung.bracket === bracket)
    .sort((a, b) => a.level - b.level);
}

function latestCutoff(entries: readonly RungEntry[]): number | null {
  let latest: RungEntry | null = null;
  for (const entry of entries) {
    if (entry.cutoff !== null && (latest === null || entry.at >= latest.at)) latest = entry;
  }
  return latest?.cutoff ?? null;
}
