/** What happened, in words: made from the numbers that the scheduler gave as its reasons. */

import type { Header, Reason, RungEntry, TrialRow, TrialStatus } from '../protocol/messages';
import { formatNumber, formatShort, ordinal, plural } from './format';
import { mainMetric } from './run';

export const STATUS_WORD: Readonly<Record<TrialStatus, string>> = {
  Pending: 'pending',
  InProgress: 'running',
  Pausing: 'pausing',
  Paused: 'paused',
  Stopping: 'stopping',
  Stopped: 'stopped',
  Completed: 'completed',
  Failed: 'failed',
};

export const PHASE_WORD = {
  starting: 'Starting',
  running: 'Running',
  paused: 'Paused',
  stopping: 'Stopping',
  finished: 'Finished',
  failed: 'Failed',
} as const;

/** The status as it is shown: a trial that was ended at its full resource is complete. */
export function shownStatus(trial: TrialRow): TrialStatus {
  const atEnd = trial.decision?.kind === 'max_resource';
  return trial.status === 'Stopped' && atEnd ? 'Completed' : trial.status;
}

/** `paused by you`, `running`. */
export function statusPhrase(trial: TrialRow): string {
  const word = STATUS_WORD[shownStatus(trial)];
  if (trial.status === 'Paused' && trial.pausedBy === 'user') return 'paused by you';
  if (trial.status === 'Stopped' && trial.decision?.goesOn === false) return 'stopped early';
  return word;
}

/** `epoch 9`, or `report 9` where trials have no resource. */
export function resourcePhrase(header: Header, value: number): string {
  return `${resourceWord(header)} ${formatShort(value)}`;
}

export function resourceWord(header: Header): string {
  return header.resourceAttr ?? 'report';
}

/** `ASHA · promotion · η 3`. */
export function methodPhrase(header: Header): string {
  const { scheduler } = header;
  const parts = [scheduler.name];
  if (scheduler.type !== null) parts.push(scheduler.type);
  if (scheduler.reductionFactor !== null) parts.push(`η ${formatShort(scheduler.reductionFactor)}`);
  return parts.join(' · ');
}

/** `2 run · 9 wait · 30 ended · 1 failed`. */
export function countsPhrase(header: Header): string {
  const { counts } = header;
  const parts: string[] = [];
  const add = (n: number, word: string): void => {
    if (n > 0) parts.push(`${n} ${word}`);
  };
  add(counts.InProgress + counts.Pausing + counts.Stopping, 'run');
  add(counts.Pending, 'start');
  add(counts.Paused, 'wait');
  add(counts.Completed + counts.Stopped, 'ended');
  add(counts.Failed, 'failed');
  return parts.join(' · ');
}

export function nTrials(header: Header): number {
  return Object.values(header.counts).reduce((sum, n) => sum + n, 0);
}

/** Why a trial went on or not at a rung: `0.914 is 5th of 12, 4 go on`. */
export function rungSentence(
  at: Pick<RungEntry, 'value' | 'rank' | 'size' | 'cutoff' | 'goesOn'>,
  eta: number | null,
): string {
  const value = formatNumber(at.value, 4);
  if (at.rank === null || at.size === null) {
    return at.cutoff === null ? value : `${value}, the cut is at ${formatNumber(at.cutoff, 4)}`;
  }
  const place = `${value} is ${ordinal(at.rank)} of ${at.size}`;
  if (eta !== null && eta > 1) {
    const goOn = Math.floor(at.size / eta);
    if (goOn === 0) {
      const missing = Math.ceil(eta) - at.size;
      return `${place}; ${plural(missing, 'more trial')} needed before one goes on`;
    }
    return `${place}, ${goOn} ${goOn === 1 ? 'goes' : 'go'} on`;
  }
  return at.cutoff === null ? place : `${place}, the cut is at ${formatNumber(at.cutoff, 4)}`;
}

/** The sentence for a dot of the rungs view. */
export function entrySentence(
  header: Header,
  trial: TrialRow | undefined,
  entry: RungEntry,
): string {
  const where = resourcePhrase(header, entry.level);
  const because = rungSentence(entry, header.scheduler.reductionFactor);
  const what = entryOutcome(header, trial, entry);
  return `Trial ${entry.trial} ${what} ${where}: ${because}`;
}

function entryOutcome(header: Header, trial: TrialRow | undefined, entry: RungEntry): string {
  const isLast = trial === undefined || trial.rung === null || trial.rung <= entry.level;
  if (header.maxResource !== null && entry.level >= header.maxResource) return 'came to its end at';
  if (entry.promoted) return 'was promoted from';
  if (!isLast) return 'went on at';
  if (trial?.status === 'Failed') return 'failed after';
  if (trial?.status === 'Paused' || trial?.status === 'Pausing') return 'paused at';
  if (entry.goesOn === false) {
    return header.scheduler.pausesTrials ? 'paused at' : 'was stopped at';
  }
  return 'goes on at';
}

/** Where a configuration comes from, or why a trial was resumed. */
export function reasonSentence(header: Header, reason: Reason | null, origin = ''): string {
  if (reason === null) return origin === 'user' ? 'added by you' : '';
  return SENTENCES[reason.kind]?.(header, reason) ?? reason.kind.replaceAll('_', ' ');
}

const SENTENCES: Readonly<Record<string, (header: Header, reason: Reason) => string>> = {
  random: () => 'drawn at random',
  grid: (_, { index }) => (index === null ? 'next of the grid' : `number ${index + 1} of the grid`),
  points_to_evaluate: (_, { index }) =>
    index === null
      ? 'one of the configurations to try first'
      : `number ${index + 1} of the configurations to try first`,
  enqueued: () => 'added by you',
  model: modelSentence,
  evolved: () => 'evolved from good ones before it',
  mutant: () => 'a mutant of a good one',
  exploit: (_, { trial }) =>
    `goes on from the checkpoint of trial ${trial ?? '?'}, changed a little`,
  exploited: (_, { trial }) => `among the worst: replaced by a copy of trial ${trial ?? '?'}`,
  median(header, reason) {
    const where = reason.level === null ? 'that point' : resourcePhrase(header, reason.level);
    return `worse than most at ${where}: ${rungSentence(reason, null)}`;
  },
  max_resource: (header, { level }) =>
    level === null
      ? 'reached the full resource'
      : `reached the full ${resourcePhrase(header, level)}`,
  promoted(header, reason) {
    const from = reason.level === null ? '' : ` from ${resourcePhrase(header, reason.level)}`;
    const to = reason.toLevel === null ? '' : ` to ${formatShort(reason.toLevel)}`;
    return `promoted${from}${to}: ${rungSentence(reason, null)}`;
  },
  rung(header, reason) {
    const where = reason.level === null ? 'the rung' : resourcePhrase(header, reason.level);
    const verb = reason.goesOn === false ? 'held' : 'went on';
    return `${verb} at ${where}: ${rungSentence(reason, header.scheduler.reductionFactor)}`;
  },
};

/** What the model expects of a configuration, as far as it says so. */
function modelSentence(header: Header, { mean, std, incumbent, level }: Reason): string {
  if (mean === null) return 'chosen by the model';
  const spread = std === null ? '' : ` ± ${formatNumber(std, 2)}`;
  const where = level === null ? '' : ` at ${resourcePhrase(header, level)}`;
  const best = incumbent === null ? '' : `, and ${formatNumber(incumbent, 4)} of the best so far`;
  return `chosen by the model: it expects ${formatNumber(mean, 4)}${spread}${where}${best}`;
}

/** Heads of a column of the rungs view: `27 in · 9 up · 4 wait`. */
export function rungHead(counts: RungCounts): string[] {
  return RUNG_WORDS.map((word, i) => ({ word, count: counts[i] ?? 0 }))
    .filter(({ count }, i) => count > 0 || i === 0)
    .map(({ word, count }) => `${count} ${word}`);
}

/** How many came in, went up, wait to go up, are out: stopped or failed there. */
export type RungCounts = readonly [inside: number, up: number, waiting: number, out: number];
export const RUNG_WORDS = ['in', 'up', 'wait', 'out'] as const;

/** Whether a trial got further than a level. */
export function isBeyond(row: TrialRow, level: number): boolean {
  return (row.rung ?? 0) > level || (row.resource ?? 0) > level;
}

export function rungCounts(
  entries: Iterable<RungEntry>,
  trials: (id: number) => TrialRow | undefined,
): RungCounts {
  let [inside, up, waiting, out] = [0, 0, 0, 0];
  for (const entry of entries) {
    inside++;
    const row = trials(entry.trial);
    if (entry.promoted || (row !== undefined && isBeyond(row, entry.level))) up++;
    else if (row?.status === 'Paused' || row?.status === 'Pausing') waiting++;
    else if (row?.status === 'Failed' || (entry.goesOn === false && row?.status !== 'InProgress'))
      out++;
  }
  return [inside, up, waiting, out];
}

/** `best 0.971 accuracy` needs a direction in words for those who can't see the curve. */
export function metricPhrase(header: Header): string {
  const { name, mode } = mainMetric(header);
  return `${name}, ${mode === 'max' ? 'higher' : 'lower'} is better`;
}
