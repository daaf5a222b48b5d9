/** A run of ASHA that never was, in the wire's own form: for looking at the panel without Jupyter. */

import { SPACE } from './simulated_space';

type Wire = Record<string, unknown>;

export interface SimulationOptions {
  readonly nTrials: number;
  readonly nWorkers: number;
  readonly maxEpochs: number;
  readonly rungs: boolean;
  readonly objectives: readonly string[];
  readonly failing: boolean;
  readonly resource: boolean;
}

interface SimTrial {
  row: Wire;
  quality: number;
  speed: number;
  epoch: number;
  target: number;
}

/** Small, seeded and good enough. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export class SimulatedRun {
  readonly random = generator(7);
  readonly trials: SimTrial[] = [];
  readonly reports: number[][] = [];
  readonly rungs = new Map<number, Wire[]>();
  readonly best: number[][] = [];
  readonly flags: Wire[] = [];
  state = 'running';
  why: string | null = null;
  time = 0;
  seq = 0;
  nWorkers: number;
  changedTrials = new Set<number>();
  changedEntries: Wire[] = [];
  spaceVersion = 0;
  remote: Wire | null = null;
  waitsFor: string | null = null;
  private readonly levels: number[];

  constructor(readonly options: SimulationOptions) {
    this.nWorkers = options.nWorkers;
    this.levels = [];
    for (let level = 1; level < options.maxEpochs; level *= 3) this.levels.push(level);
    if (!options.rungs) this.levels = [];
  }

  get columns(): string[] {
    return ['trial', 'run', 'time', 'resource', ...this.options.objectives];
  }

  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { row } of this.trials) {
      const status = String(row.status);
      counts[status] = (counts[status] ?? 0) + 1;
    }
    return counts;
  }

  private running(): SimTrial[] {
    return this.trials.filter(({ row }) => row.status === 'InProgress');
  }

  /** One second of the run. */
  step(seconds: number): void {
    this.time += seconds;
    this.seq += 1;
    if (this.state !== 'running') return;
    while (this.running().length < this.nWorkers && this.startNext());
    for (const trial of this.running()) {
      if (this.random() < 0.55) this.report(trial);
    }
    if (this.running().length === 0 && this.trials.length >= this.options.nTrials) {
      this.state = 'finished';
      this.why = `${this.trials.length} trials were started (max_num_trials_started)`;
    }
  }

  private startNext(): boolean {
    for (const [i, level] of this.levels.entries()) {
      const entries = this.rungs.get(level) ?? [];
      const sorted = [...entries].sort((a, b) => Number(b.value) - Number(a.value));
      const best = sorted.slice(0, Math.floor(sorted.length / 3));
      const next = best.find((entry) => entry.promoted === false);
      const trial = next === undefined ? undefined : this.trials[Number(next.trial)];
      if (next === undefined || trial?.row.status !== 'Paused') continue;
      next.promoted = true;
      next.promoted_at = this.time;
      this.changedEntries.push(next);
      const { row } = trial;
      row.status = 'InProgress';
      row.paused_by = null;
      row.run = Number(row.run) + 1;
      trial.target = this.levels[i + 1] ?? this.options.maxEpochs;
      this.changedTrials.add(Number(row.id));
      return true;
    }
    if (this.trials.length >= this.options.nTrials) return false;
    this.trials.push(this.fresh());
    return true;
  }

  private fresh(): SimTrial {
    const id = this.trials.length;
    const { random } = this;
    const lr = 10 ** (-5 + 5 * random());
    const units = Math.round(8 * 32 ** random());
    const activation = ['relu', 'tanh', 'logistic'][Math.floor(random() * 3)] ?? 'relu';
    const quality =
      0.985 -
      0.05 * (Math.log10(lr) + 2.4) ** 2 -
      (activation === 'logistic' ? 0.06 : 0) -
      0.12 / Math.sqrt(units) -
      0.03 * random();
    this.changedTrials.add(id);
    const row: Wire = {
      id,
      status: 'InProgress',
      paused_by: null,
      config: {
        learning_rate: lr,
        weight_decay: 10 ** (-7 + 6 * random()),
        n_units: units,
        batch_size: 16 + Math.floor(random() * 240),
        activation,
        epochs: this.options.maxEpochs,
      },
      space_version: this.spaceVersion,
      run: 0,
      origin: 'scheduler',
      started: this.time,
      ended: null,
      n_reports: 0,
      last: {},
      best: null,
      resource: null,
      rung: null,
      bracket: this.options.rungs ? 0 : null,
      error: null,
      reason: { kind: id === 0 ? 'points_to_evaluate' : 'random', index: 0 },
      decision: null,
    };
    return {
      row,
      quality: Math.max(0.1, quality),
      speed: 0.25 + 0.5 * random(),
      epoch: 0,
      target: this.levels[0] ?? this.options.maxEpochs,
    };
  }

  private report(trial: SimTrial): void {
    const { row } = trial;
    const id = Number(row.id);
    this.changedTrials.add(id);
    if (this.options.failing || (this.random() < 0.004 && id % 7 === 3)) {
      row.status = 'Failed';
      row.ended = this.time;
      row.error =
        'Traceback (most recent call last):\n  File "train.py", line 12, in <module>\n    main()\nValueError: hidden_layer_sizes must be > 0, got [0].';
      return;
    }
    trial.epoch += 1;
    const reach = 1 - Math.exp(-trial.speed * trial.epoch ** 0.8);
    const value = 0.1 + (trial.quality - 0.1) * reach + (this.random() - 0.5) * 0.012;
    const values = this.options.objectives.map((_, i) =>
      i === 0 ? value : 1.8 - 1.6 * value + 0.1 * this.random(),
    );
    this.reports.push([id, Number(row.run), this.time, trial.epoch, ...values]);
    row.n_reports = Number(row.n_reports) + 1;
    row.resource = trial.epoch;
    row.last = Object.fromEntries(this.options.objectives.map((name, i) => [name, values[i]]));
    if (row.best === null || value > Number(row.best)) row.best = value;
    const last = this.best.at(-1)?.[2] ?? Number.NEGATIVE_INFINITY;
    if (value > last)
      this.best.push([this.time, id, value, this.trials.length, this.reports.length]);
    if (trial.epoch >= this.options.maxEpochs) {
      if (this.options.rungs) this.enterRung(trial, this.options.maxEpochs, value, null);
      row.status = 'Completed';
      row.ended = this.time;
    } else if (trial.epoch >= trial.target) {
      this.enterRung(trial, trial.target, value, false);
      row.status = 'Paused';
      row.paused_by = 'scheduler';
    }
  }

  private enterRung(trial: SimTrial, level: number, value: number, goesOn: boolean | null): void {
    const entries = this.rungs.get(level) ?? [];
    this.rungs.set(level, entries);
    const values = [...entries.map((one) => Number(one.value)), value].sort((a, b) => b - a);
    const size = values.length;
    const cutoff = size >= 3 ? (values[Math.floor(size / 3) - 1] ?? null) : null;
    const entry: Wire = {
      bracket: 0,
      level,
      trial: trial.row.id,
      value,
      at: this.time,
      cutoff: goesOn === null ? null : cutoff,
      rank: goesOn === null ? null : values.indexOf(value) + 1,
      size: goesOn === null ? null : size,
      goes_on: goesOn,
      promoted: false,
      promoted_at: null,
    };
    entries.push(entry);
    this.changedEntries.push(entry);
    trial.row.rung = level;
    trial.row.decision = { ...entry, kind: goesOn === null ? 'max_resource' : 'rung' };
  }

  header(): Wire {
    const { options } = this;
    return {
      name: 'digits-mlp',
      state: this.state,
      why: this.why,
      read_only: false,
      metric_names: options.objectives,
      metric_modes: options.objectives.map((_, i) => (i === 0 ? 'max' : 'min')),
      resource_attr: options.resource ? 'epoch' : null,
      max_resource: options.resource ? options.maxEpochs : null,
      scheduler: {
        name: options.rungs ? 'ASHA' : 'RandomSearch',
        metric_names: options.objectives,
        metric_mode: options.objectives.map((_, i) => (i === 0 ? 'max' : 'min')),
        ...(options.rungs
          ? {
              type: 'promotion',
              resource_attr: 'epoch',
              max_resource: options.maxEpochs,
              reduction_factor: 3,
              rung_levels: [this.levels],
              pauses_trials: true,
            }
          : {}),
      },
      config_space: SPACE,
      space_version: this.spaceVersion,
      hyperparameters: ['learning_rate', 'weight_decay', 'n_units', 'batch_size', 'activation'],
      n_workers: this.nWorkers,
      busy_workers: this.running().length,
      started_at: 1.79e9,
      tuner_time: this.time,
      wall_now: 1.79e9 + this.time,
      deadline: 600,
      counts: this.counts(),
      num_reports: this.reports.length,
      waits_for: this.waitsFor,
      saved_at: 1.79e9 + this.time - 2,
      path: '/home/ada/synetune/digits-mlp-2026-11-20-10-00-00-123',
      controls: true,
      stop_criterion: { max_wallclock_time: 600, max_num_trials_started: options.nTrials },
      progress: Math.min(1, this.time / 600),
      simulation: null,
      remote: this.remote,
      backend: 'PythonBackend',
    };
  }

  rungColumns(): Wire[] {
    return [...this.rungs].map(([level, entries]) => ({
      bracket: 0,
      level,
      entries,
      cutoff: entries.at(-1)?.cutoff ?? null,
    }));
  }
}
