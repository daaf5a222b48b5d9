/** Geometry of the rungs view: a column a rung, a dot a trial, swarmed where dots meet. */

import type { RungEntry, TrialRow } from '../protocol/messages';
import type { Rung } from '../state/rungs';
import { isBeyond, type RungCounts, rungCounts, rungHead, shownStatus } from '../state/sentences';
import type { Project } from './curves_geometry';
import type { Box } from './surface';

export type DotKind = 'running' | 'paused' | 'stopped' | 'failed' | 'completed' | 'passed';

export interface Dot {
  readonly trial: number;
  readonly entry: RungEntry | null;
  readonly column: number;
  readonly x: number;
  readonly y: number;
  readonly kind: DotKind;
}

export interface RungBox {
  readonly level: number;
  readonly center: number;
  readonly halfWidth: number;
  /** `27 in`, `9 up`, `4 wait`, `14 out`. */
  readonly head: readonly string[];
  readonly counts: RungCounts;
  readonly cutoffY: number | null;
  readonly cutoff: number | null;
}

export interface Hairline {
  readonly trial: number;
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

export interface RungLayout {
  readonly columns: readonly RungBox[];
  readonly dots: readonly Dot[];
  readonly links: readonly Hairline[];
  readonly radius: number;
}

/** A trial under way to its next rung. */
export interface Traveller {
  readonly row: TrialRow;
  readonly value: number | null;
}

export function layoutRungs(
  rungs: readonly Rung[],
  levels: readonly number[],
  trials: (id: number) => TrialRow | undefined,
  travellers: readonly Traveller[],
  box: Box,
  projectY: Project,
): RungLayout {
  const width = (box.right - box.left) / Math.max(1, levels.length);
  const most = Math.max(1, ...rungs.map((rung) => rung.entries.size));
  const radius = most > 400 ? 1.8 : most > 120 ? 2.4 : most > 40 ? 3 : 3.6;
  const columns: RungBox[] = [];
  const dots: Dot[] = [];
  const where = new Map<number, Dot>();
  const links: Hairline[] = [];
  const put = (dot: Dot): void => {
    const before = where.get(dot.trial);
    if (before !== undefined) {
      links.push({ trial: dot.trial, x0: before.x, y0: before.y, x1: dot.x, y1: dot.y });
    }
    dots.push(dot);
    where.set(dot.trial, dot);
  };
  for (const [i, level] of levels.entries()) {
    const rung = rungs.find((one) => one.level === level);
    const entries = [...(rung?.entries.values() ?? [])];
    const counts = rungCounts(entries, trials);
    const column: RungBox = {
      level,
      center: box.left + (i + 0.5) * width,
      halfWidth: Math.max(6, Math.min(width * 0.36, 70)),
      head: rungHead(counts),
      counts,
      cutoff: rung?.cutoff ?? null,
      cutoffY: finiteOrNull(projectY(rung?.cutoff ?? Number.NaN)),
    };
    columns.push(column);
    swarm(entries, i, column, radius, projectY, trials, levels).forEach(put);
  }
  for (const { row, value } of travellers) {
    const dot = travel(row, value, levels, columns, where.get(row.id), projectY, box);
    if (dot !== null) put(dot);
  }
  return { columns, dots, links, radius };
}

function swarm(
  entries: readonly RungEntry[],
  column: number,
  { center, halfWidth }: RungBox,
  radius: number,
  projectY: Project,
  trials: (id: number) => TrialRow | undefined,
  levels: readonly number[],
): Dot[] {
  // By arrival, so that a newcomer moves nobody.
  const ordered = [...entries].sort((a, b) => a.at - b.at || a.trial - b.trial);
  const spacing = radius * 2 + 1;
  const bins = new Map<number, number>();
  const placed: { entry: RungEntry; y: number; bin: number; place: number }[] = [];
  for (const entry of ordered) {
    const y = projectY(entry.value ?? Number.NaN);
    if (Number.isNaN(y)) continue;
    const bin = Math.round(y / spacing);
    const place = bins.get(bin) ?? 0;
    bins.set(bin, place + 1);
    placed.push({ entry, y, bin, place });
  }
  return placed.map(({ entry, y, bin, place }) => {
    const full = bins.get(bin) ?? 1;
    const room = Math.floor(full / 2) * spacing;
    const step = room > halfWidth ? (halfWidth / room) * spacing : spacing;
    const side = place % 2 === 0 ? 1 : -1;
    return {
      trial: entry.trial,
      entry,
      column,
      x: center + side * Math.ceil(place / 2) * step,
      y,
      kind: kindOf(trials(entry.trial), entry, levels),
    };
  });
}

/** How a dot looks: by what became of the trial, where this is as far as it got. */
export function kindOf(
  row: TrialRow | undefined,
  entry: RungEntry,
  levels: readonly number[],
): DotKind {
  if (row === undefined) return 'passed';
  const isTop = entry.level === levels.at(-1);
  if (!isTop && (entry.promoted || isBeyond(row, entry.level))) return 'passed';
  switch (shownStatus(row)) {
    case 'Paused':
    case 'Pausing':
      return 'paused';
    case 'Stopped':
    case 'Stopping':
      return 'stopped';
    case 'Failed':
      return 'failed';
    case 'Completed':
      return 'completed';
    default:
      return isTop ? 'completed' : 'passed';
  }
}

/** Where a running trial is between its last rung and the next one. */
function travel(
  row: TrialRow,
  value: number | null,
  levels: readonly number[],
  columns: readonly RungBox[],
  last: Dot | undefined,
  projectY: Project,
  box: Box,
): Dot | null {
  const y = projectY(value ?? Number.NaN);
  if (Number.isNaN(y)) return null;
  const from = last === undefined ? -1 : last.column;
  const next = columns[from + 1];
  if (next === undefined) return null;
  const startX = last?.x ?? box.left + 4;
  const startLevel = levels[from] ?? 0;
  const share = ((row.resource ?? startLevel) - startLevel) / (next.level - startLevel);
  const x = startX + (next.center - startX) * Math.min(0.92, Math.max(0.1, share));
  return { trial: row.id, entry: null, column: from, x, y, kind: 'running' };
}

export function nearestDot(dots: readonly Dot[], x: number, y: number, reach: number): Dot | null {
  let found: Dot | null = null;
  let least = reach * reach;
  for (const dot of dots) {
    const distance = (dot.x - x) ** 2 + (dot.y - y) ** 2;
    if (distance <= least) {
      least = distance;
      found = dot;
    }
  }
  return found;
}

/** The dot next to another in the direction of an arrow key. */
export function neighbour(dots: readonly Dot[], from: Dot, dx: number, dy: number): Dot {
  let best = from;
  let least = Number.POSITIVE_INFINITY;
  for (const dot of dots) {
    if (dot === from) continue;
    const along = (dot.x - from.x) * dx + (dot.y - from.y) * dy;
    const across = Math.abs((dot.x - from.x) * dy) + Math.abs((dot.y - from.y) * dx);
    if (along <= 0.5) continue;
    const cost = along + across * 2;
    if (cost < least) {
      least = cost;
      best = dot;
    }
  }
  return best;
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
