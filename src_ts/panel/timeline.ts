/** What happened to a trial, with the reasons. */

import { h } from '../dom/dom';
import { isObject } from '../protocol/json';
import { type Header, type Reason, STATUSES, type TrialStatus } from '../protocol/messages';
import { readReason } from '../protocol/rows';
import { formatDuration } from '../state/format';
import { reasonSentence, STATUS_WORD } from '../state/sentences';

export interface TimelineEntry {
  readonly t: number;
  readonly status: TrialStatus;
  readonly cause: string | null;
  readonly reason: Reason | null;
}

export function readTimeline(value: unknown): TimelineEntry[] {
  if (!Array.isArray(value)) return [];
  const result: TimelineEntry[] = [];
  for (const entry of value) {
    if (!isObject(entry)) continue;
    const status = STATUSES.find((one) => one === entry.status);
    if (status === undefined) continue;
    result.push({
      t: typeof entry.t === 'number' ? entry.t : 0,
      status,
      cause: typeof entry.cause === 'string' ? entry.cause : null,
      reason: readReason(entry.reason),
    });
  }
  return result;
}

const CAUSE: Readonly<Record<string, string>> = {
  user: 'asked by you',
  run: 'with the whole run',
  crash: 'after the kernel was lost',
  script: 'by the script',
  scheduler: 'by the scheduler',
};

/** Why, in words; empty where there is nothing to add. */
export function causeText(header: Header, entry: TimelineEntry): string {
  const sentence = reasonSentence(header, entry.reason);
  if (sentence !== '') return sentence;
  if (entry.cause === null || entry.cause === 'script') return '';
  return CAUSE[entry.cause] ?? entry.cause;
}

/** Passing states that last a moment are left out once the next one is there. */
export function timelineItems(header: Header, entries: readonly TimelineEntry[]): HTMLElement[] {
  const passing = new Set<TrialStatus>(['Pausing', 'Stopping', 'Pending']);
  return entries
    .map((entry, i) => {
      const next = entries[i + 1];
      const before = entries[i - 1];
      if (passing.has(entry.status) && next !== undefined) return null;
      // The reason belongs to the passing state that led here.
      const told = entry.reason === null && before !== undefined && passing.has(before.status);
      return { entry, words: causeText(header, told ? before : entry) };
    })
    .filter((one) => one !== null)
    .map(({ entry, words }) =>
      h(
        'li',
        {},
        h('time', {}, formatDuration(entry.t)),
        h('span', { class: 'stl-mark', data: { status: entry.status } }),
        h('span', {}, h('b', {}, STATUS_WORD[entry.status]), words === '' ? '' : ` · ${words}`),
      ),
    );
}
