/** The rows of a run: trials, rung entries, flags, points of the best value. */

import { Fields, isObject, ProtocolError } from './json';
import {
  type BestPoint,
  type Flag,
  type Reason,
  type RungColumn,
  type RungEntry,
  STATUSES,
  type TrialRow,
} from './messages';

export function readReason(value: unknown): Reason | null {
  if (!isObject(value) || typeof value.kind !== 'string') return null;
  const fields = Fields.of(value, 'reason');
  return {
    kind: fields.string('kind'),
    bracket: fields.numberOrNull('bracket'),
    level: fields.numberOrNull('level'),
    toLevel: fields.numberOrNull('to_level'),
    value: fields.numberOrNull('value'),
    cutoff: fields.numberOrNull('cutoff'),
    rank: fields.numberOrNull('rank'),
    size: fields.numberOrNull('size'),
    goesOn: fields.booleanOrNull('goes_on'),
    index: fields.numberOrNull('index'),
    trial: fields.numberOrNull('trial'),
    mean: fields.numberOrNull('mean'),
    std: fields.numberOrNull('std'),
    incumbent: fields.numberOrNull('incumbent'),
  };
}

export function readTrial(value: unknown, where: string): TrialRow {
  const fields = Fields.of(value, where);
  return {
    id: fields.number('id'),
    status: fields.word('status', STATUSES),
    pausedBy: fields.stringOrNull('paused_by'),
    config: fields.object('config'),
    spaceVersion: fields.numberOrNull('space_version') ?? 0,
    run: fields.numberOrNull('run') ?? 0,
    origin: fields.stringOrNull('origin') ?? 'scheduler',
    started: fields.numberOrNull('started'),
    ended: fields.numberOrNull('ended'),
    nReports: fields.numberOrNull('n_reports') ?? 0,
    last: fields.object('last'),
    best: fields.numberOrNull('best'),
    resource: fields.numberOrNull('resource'),
    rung: fields.numberOrNull('rung'),
    bracket: fields.numberOrNull('bracket'),
    error: fields.stringOrNull('error'),
    reason: readReason(fields.raw('reason')),
    decision: readReason(fields.raw('decision')),
  };
}

export function readRungEntry(value: unknown, where: string): RungEntry {
  const fields = Fields.of(value, where);
  return {
    bracket: fields.numberOrNull('bracket') ?? 0,
    level: fields.number('level'),
    trial: fields.number('trial'),
    value: fields.numberOrNull('value'),
    at: fields.numberOrNull('at') ?? 0,
    cutoff: fields.numberOrNull('cutoff'),
    rank: fields.numberOrNull('rank'),
    size: fields.numberOrNull('size'),
    goesOn: fields.booleanOrNull('goes_on'),
    promoted: fields.boolean('promoted', false),
    promotedAt: fields.numberOrNull('promoted_at'),
  };
}

export function readRungColumn(value: unknown, where: string): RungColumn {
  const fields = Fields.of(value, where);
  return {
    bracket: fields.numberOrNull('bracket') ?? 0,
    level: fields.number('level'),
    entries: fields.list('entries', readRungEntry),
    cutoff: fields.numberOrNull('cutoff'),
  };
}

export function readFlag(value: unknown, where: string): Flag {
  const fields = Fields.of(value, where);
  return {
    t: fields.numberOrNull('t') ?? 0,
    kind: fields.string('kind'),
    text: fields.stringOrNull('text'),
    details: fields.object('details'),
  };
}

/** `[time, trial_id, value, n_trials_started, n_reports]`. */
export function readBest(value: unknown, where: string): BestPoint {
  if (!Array.isArray(value)) throw new ProtocolError(`${where} must be a list of five numbers`);
  const [time, trial, best, nTrials, nReports] = value.map((entry) =>
    typeof entry === 'number' ? entry : Number.NaN,
  );
  if (time === undefined || trial === undefined || best === undefined) {
    throw new ProtocolError(`${where} must be a list of five numbers`);
  }
  return { time, trial, value: best, nTrials: nTrials ?? 0, nReports: nReports ?? 0 };
}
