/** The messages between the panel and the kernel (version 1), as this side sees them. */

import type { Json, JsonObject } from './json';

export const PROTOCOL_VERSION = 1;
/** One comm a kernel, shared by every view of it, in every browser. */
export const COMM_TARGET = 'synetune_lab';
export const COMM_ID = 'synetune_lab:v1';
export const MIME_TYPE = 'application/vnd.synetune.dashboard+json';

export type Brand<T, Name extends string> = T & { readonly __brand?: Name };
/** Seconds of the run's own time keeper since it began. */
export type TunerSeconds = Brand<number, 'TunerSeconds'>;
/** Seconds since 1970. */
export type UnixSeconds = Brand<number, 'UnixSeconds'>;
export type TrialId = Brand<number, 'TrialId'>;

export const STATUSES = [
  'Pending',
  'InProgress',
  'Pausing',
  'Paused',
  'Stopping',
  'Stopped',
  'Completed',
  'Failed',
] as const;
export type TrialStatus = (typeof STATUSES)[number];

export const PHASES = ['starting', 'running', 'paused', 'stopping', 'finished', 'failed'] as const;
export type RunPhase = (typeof PHASES)[number];

export type Mode = 'min' | 'max';
export const LINK_PATHS = ['control', 'shell', 'widget'] as const;
export type LinkPath = (typeof LINK_PATHS)[number];

export interface SchedulerInfo {
  readonly name: string;
  readonly type: string | null;
  readonly resourceAttr: string | null;
  readonly maxResource: number | null;
  readonly reductionFactor: number | null;
  /** One list a bracket, without the maximum resource. */
  readonly rungLevels: readonly (readonly number[])[];
  readonly pausesTrials: boolean;
}

export interface Simulation {
  /** Simulated seconds a second; null for as fast as possible, 0 for standing still. */
  readonly speed: number | null;
}

/** The job that drives a run, where that is not this kernel. */
export interface Remote {
  readonly job: string;
  /** Where a browser shows the job. */
  readonly url: string | null;
  /** When the run was heard of last; null if it was not yet. */
  readonly heardAt: UnixSeconds | null;
  /** Why what is shown may be old, and what goes on regardless; null if all is well. */
  readonly trouble: string | null;
}

export interface Header {
  readonly name: string;
  readonly state: RunPhase;
  readonly why: string | null;
  readonly readOnly: boolean;
  readonly metricNames: readonly string[];
  readonly metricModes: readonly Mode[];
  readonly resourceAttr: string | null;
  readonly maxResource: number | null;
  readonly scheduler: SchedulerInfo;
  readonly configSpace: JsonObject;
  readonly spaceVersion: number;
  readonly hyperparameters: readonly string[];
  readonly nWorkers: number;
  readonly busyWorkers: number;
  readonly startedAt: UnixSeconds | null;
  readonly tunerTime: TunerSeconds;
  readonly wallNow: UnixSeconds | null;
  readonly deadline: TunerSeconds | null;
  readonly counts: Readonly<Record<TrialStatus, number>>;
  readonly numReports: number;
  readonly waitsFor: string | null;
  readonly savedAt: UnixSeconds | null;
  readonly path: string | null;
  /** Whether commands can be taken at all. */
  readonly controls: boolean;
  readonly stopCriterion: JsonObject | null;
  /** Between 0 and 1. */
  readonly progress: number | null;
  readonly backend: string | null;
  /** How fast simulated time passes; null for a run on real time. */
  readonly simulation: Simulation | null;
  /** null for a run that this kernel drives, or drove. */
  readonly remote: Remote | null;
}

/** Why a configuration was chosen, or a trial went on or not (see the scheduler's `reason`). */
export interface Reason {
  readonly kind: string;
  readonly bracket: number | null;
  readonly level: number | null;
  readonly toLevel: number | null;
  readonly value: number | null;
  readonly cutoff: number | null;
  readonly rank: number | null;
  readonly size: number | null;
  readonly goesOn: boolean | null;
  readonly index: number | null;
  /** Another trial that it is about. */
  readonly trial: number | null;
  /** What a model predicts, and the best that it knows of. */
  readonly mean: number | null;
  readonly std: number | null;
  readonly incumbent: number | null;
}

export interface TrialRow {
  readonly id: TrialId;
  readonly status: TrialStatus;
  readonly pausedBy: string | null;
  readonly config: JsonObject;
  readonly spaceVersion: number;
  readonly run: number;
  readonly origin: string;
  readonly started: TunerSeconds | null;
  readonly ended: TunerSeconds | null;
  readonly nReports: number;
  readonly last: Readonly<Record<string, Json>>;
  /** Best value of the main metric. */
  readonly best: number | null;
  readonly resource: number | null;
  /** Highest rung level reached. */
  readonly rung: number | null;
  readonly bracket: number | null;
  readonly error: string | null;
  readonly reason: Reason | null;
  readonly decision: Reason | null;
}

export interface RungEntry {
  readonly bracket: number;
  readonly level: number;
  readonly trial: TrialId;
  readonly value: number | null;
  readonly at: TunerSeconds;
  readonly cutoff: number | null;
  readonly rank: number | null;
  readonly size: number | null;
  readonly goesOn: boolean | null;
  readonly promoted: boolean;
  readonly promotedAt: TunerSeconds | null;
}

export interface RungColumn {
  readonly bracket: number;
  readonly level: number;
  readonly entries: readonly RungEntry[];
  readonly cutoff: number | null;
}

export interface Flag {
  readonly t: TunerSeconds;
  readonly kind: string;
  readonly text: string | null;
  readonly details: JsonObject;
}

export interface BestPoint {
  readonly time: TunerSeconds;
  readonly trial: TrialId;
  readonly value: number;
  readonly nTrials: number;
  readonly nReports: number;
}

/** Reports as columns: trial, run, time, resource, then one column a metric (NaN: absent). */
export interface ReportColumns {
  readonly n: number;
  readonly trial: Int32Array;
  readonly run: Int32Array;
  readonly time: Float64Array;
  readonly resource: Float64Array;
  readonly metricNames: readonly string[];
  readonly metrics: readonly Float64Array[];
}

export interface RunInfo {
  readonly run: string;
  readonly name: string;
  readonly state: string;
}

export interface Welcome {
  readonly kind: 'welcome';
  readonly client: string;
  readonly runs: readonly RunInfo[];
  readonly run: string | null;
  readonly path: LinkPath;
}
export interface Snapshot {
  readonly kind: 'snapshot';
  readonly run: string;
  readonly seq: number;
  readonly header: Header;
  readonly trials: readonly TrialRow[];
  readonly reports: ReportColumns;
  readonly thinned: boolean;
  readonly rungs: readonly RungColumn[];
  readonly flags: readonly Flag[];
  readonly best: readonly BestPoint[];
}
export interface Delta {
  readonly kind: 'delta';
  readonly run: string;
  readonly seq: number;
  /** Applies to the state with this `seq` and to no other. */
  readonly since: number;
  readonly header: Partial<Header>;
  readonly trials: readonly TrialRow[];
  readonly reports: ReportColumns | null;
  readonly rungs: readonly RungEntry[];
  readonly flags: readonly Flag[];
  readonly best: readonly BestPoint[];
}
export type Outcome =
  | { readonly ok: true; readonly result: Json }
  | { readonly ok: false; readonly error: string };
export interface Ack {
  readonly kind: 'ack';
  readonly client: string | null;
  readonly id: string;
  readonly outcome: Outcome;
}
export interface Answer {
  readonly kind: 'answer';
  readonly client: string | null;
  readonly id: string;
  readonly outcome: Outcome;
}
export interface Bye {
  readonly kind: 'bye';
  readonly run: string;
  readonly why: string | null;
}
export type ServerMessage = Welcome | Snapshot | Delta | Ack | Answer | Bye;

export type CommandName =
  | 'pause_trial'
  | 'resume_trial'
  | 'stop_trial'
  | 'pause_run'
  | 'resume_run'
  | 'stop_run'
  | 'set_workers'
  | 'edit_space'
  | 'enqueue'
  | 'set_stop_criterion'
  | 'set_speed'
  | 'step'
  | 'save';
export type QueryName =
  | 'trial'
  | 'preview_space'
  | 'rungs'
  | 'saved_runs'
  | 'open_saved'
  | 'resume_code';

export type ClientMessage =
  | { readonly kind: 'hello'; readonly client: string; readonly run: string | null }
  | { readonly kind: 'resync'; readonly client: string; readonly run: string }
  | { readonly kind: 'seen'; readonly client: string; readonly run: string; readonly seq: number }
  | {
      readonly kind: 'command';
      readonly client: string;
      readonly run: string;
      readonly id: string;
      readonly cmd: CommandName;
      readonly args: JsonObject;
    }
  | {
      readonly kind: 'query';
      readonly client: string;
      readonly run: string | null;
      readonly id: string;
      readonly what: QueryName;
      readonly args: JsonObject;
    };

/** What goes over the wire: plain JSON with the version. */
export function encodeClientMessage(message: ClientMessage): JsonObject {
  return { v: PROTOCOL_VERSION, ...message };
}

export function assertNever(value: never): never {
  throw new Error(`not handled: ${JSON.stringify(value)}`);
}
