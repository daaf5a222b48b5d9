/** The header of a run, whole (snapshot) or in part (delta). */

import { Fields, readNumber, readString } from './json';
import {
  type Header,
  type Mode,
  PHASES,
  type Remote,
  type SchedulerInfo,
  type Simulation,
  STATUSES,
  type TrialStatus,
} from './messages';

type Reader<T> = (fields: Fields, key: string) => T;

const strings: Reader<readonly string[]> = (fields, key) => fields.list(key, readString);
const readMode = (value: unknown): Mode => (value === 'max' ? 'max' : 'min');
const text: Reader<string | null> = (fields, key) => fields.stringOrNull(key);
const amount: Reader<number | null> = (fields, key) => fields.numberOrNull(key);
const count: Reader<number> = (fields, key) => fields.numberOrNull(key) ?? 0;

/** For each field: its name on the wire and how it is read. */
const HEADER: { readonly [K in keyof Header]: readonly [string, Reader<Header[K]>] } = {
  name: ['name', (fields, key) => fields.string(key)],
  state: ['state', (fields, key) => fields.word(key, PHASES)],
  why: ['why', text],
  readOnly: ['read_only', (fields, key) => fields.boolean(key, false)],
  metricNames: ['metric_names', strings],
  metricModes: ['metric_modes', (fields, key) => fields.list(key, readMode)],
  resourceAttr: ['resource_attr', text],
  maxResource: ['max_resource', amount],
  scheduler: ['scheduler', (fields, key) => readScheduler(fields.raw(key))],
  configSpace: ['config_space', (fields, key) => fields.object(key)],
  spaceVersion: ['space_version', count],
  hyperparameters: ['hyperparameters', strings],
  nWorkers: ['n_workers', count],
  busyWorkers: ['busy_workers', count],
  startedAt: ['started_at', amount],
  tunerTime: ['tuner_time', count],
  wallNow: ['wall_now', amount],
  deadline: ['deadline', amount],
  counts: ['counts', (fields, key) => readCounts(fields.raw(key))],
  numReports: ['num_reports', count],
  waitsFor: ['waits_for', text],
  savedAt: ['saved_at', amount],
  path: ['path', text],
  controls: ['controls', (fields, key) => fields.boolean(key, true)],
  stopCriterion: ['stop_criterion', (fields, key) => fields.objectOrNull(key)],
  progress: ['progress', amount],
  backend: ['backend', text],
  simulation: ['simulation', (fields, key) => readSimulation(fields.objectOrNull(key))],
  remote: ['remote', (fields, key) => readRemote(fields.objectOrNull(key))],
};

export function readHeader(value: unknown, where: string): Header {
  const fields = Fields.of(value, where);
  const result: Partial<Record<keyof Header, unknown>> = {};
  for (const name of headerKeys()) {
    const [wire, read] = HEADER[name];
    result[name] = read(fields, wire);
  }
  return result as Header;
}

/** Only the fields that are there. */
export function readPartialHeader(value: unknown, where: string): Partial<Header> {
  if (value === undefined || value === null) return {};
  const fields = Fields.of(value, where);
  const result: Partial<Record<keyof Header, unknown>> = {};
  for (const name of headerKeys()) {
    const [wire, read] = HEADER[name];
    if (fields.has(wire)) result[name] = read(fields, wire);
  }
  return result as Partial<Header>;
}

function headerKeys(): (keyof Header)[] {
  return Object.keys(HEADER) as (keyof Header)[];
}

function readCounts(value: unknown): Readonly<Record<TrialStatus, number>> {
  const fields = Fields.of(value ?? {}, 'header.counts');
  return Object.fromEntries(
    STATUSES.map((status) => [status, fields.numberOrNull(status) ?? 0]),
  ) as Record<TrialStatus, number>;
}

function readScheduler(value: unknown): SchedulerInfo {
  const fields = Fields.of(value ?? {}, 'header.scheduler');
  return {
    name: fields.stringOrNull('name') ?? 'scheduler',
    type: fields.stringOrNull('type'),
    resourceAttr: fields.stringOrNull('resource_attr'),
    maxResource: fields.numberOrNull('max_resource'),
    reductionFactor: fields.numberOrNull('reduction_factor'),
    rungLevels: fields.list('rung_levels', (levels, where) =>
      Array.isArray(levels) ? levels.map((level, i) => readNumber(level, `${where}[${i}]`)) : [],
    ),
    pausesTrials: fields.boolean('pauses_trials', false),
  };
}

function readRemote(value: unknown): Remote | null {
  if (value === null) return null;
  const fields = Fields.of(value, 'header.remote');
  const url = fields.stringOrNull('url');
  return {
    job: fields.string('job'),
    // It becomes a link, and nothing but a page may be behind that.
    url: url?.startsWith('https://') === true ? url : null,
    heardAt: fields.numberOrNull('heard_at'),
    trouble: fields.stringOrNull('trouble'),
  };
}

function readSimulation(value: unknown): Simulation | null {
  if (value === null) return null;
  return { speed: Fields.of(value, 'header.simulation').numberOrNull('speed') };
}
