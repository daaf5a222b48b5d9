/** A kernel in the page: answers the protocol for a simulated run. */

import type { Transport, TransportEvents } from '../client/transport';
import type { JsonObject } from '../protocol/json';
import { generator, type SimulatedRun } from './simulated_run';

export class SimulatedKernel {
  private events: TransportEvents | null = null;
  private sentReports = 0;
  private sentBest = 0;
  private sentFlags = 0;
  private lastSeq = 0;
  private attached = false;

  constructor(
    readonly run: SimulatedRun,
    private readonly answerAfterMs = 40,
  ) {}

  readonly factory = async (events: TransportEvents): Promise<Transport> => {
    this.events = events;
    return { path: 'control', send: (message) => this.receive(message), dispose: () => undefined };
  };

  die(): void {
    this.events?.closed('the kernel has stopped or is starting again');
  }

  /** Sends what is new. */
  publish(): void {
    if (!this.attached) return;
    const { run } = this;
    const reports = run.reports.slice(this.sentReports);
    this.send(
      {
        kind: 'delta',
        run: 'demo',
        seq: run.seq,
        since: this.lastSeq,
        header: run.header(),
        trials: [...run.changedTrials].map((id) => run.trials[id]?.row),
        rungs: run.changedEntries,
        best: run.best.slice(this.sentBest),
        flags: run.flags.slice(this.sentFlags),
        reports: { n: reports.length, columns: this.specs() },
      },
      this.buffers(reports),
    );
    this.mark();
  }

  private mark(): void {
    this.lastSeq = this.run.seq;
    this.sentReports = this.run.reports.length;
    this.sentBest = this.run.best.length;
    this.sentFlags = this.run.flags.length;
    this.run.changedTrials.clear();
    this.run.changedEntries = [];
  }

  private specs(): { name: string; dtype: string }[] {
    return this.run.columns.map((name, i) => ({ name, dtype: i < 2 ? 'int32' : 'float64' }));
  }

  private buffers(reports: readonly number[][]): ArrayBuffer[] {
    return this.run.columns.map((_, i) => {
      const column = reports.map((row) => row[i] ?? Number.NaN);
      return i < 2 ? Int32Array.from(column).buffer : Float64Array.from(column).buffer;
    });
  }

  private send(message: object, buffers: ArrayBuffer[] = []): void {
    // As over a wire: nothing is shared.
    this.events?.message(JSON.parse(JSON.stringify({ v: 1, ...message })), buffers);
  }

  private receive(message: JsonObject): void {
    setTimeout(() => this.answer(message), this.answerAfterMs);
  }

  private answer(message: JsonObject): void {
    const { run } = this;
    const kind = String(message.kind);
    const { client, id } = message;
    if (kind === 'hello') {
      this.send({
        kind: 'welcome',
        client,
        runs: [{ run: 'demo', name: 'digits-mlp', state: run.state }],
        run: message.run,
        path: 'control',
      });
      if (message.run !== null) this.snapshot();
    } else if (kind === 'resync') this.snapshot();
    else if (kind === 'command') {
      const error = this.carryOut(String(message.cmd), message.args as JsonObject);
      this.send({ kind: 'ack', client, id, ok: error === null, result: {}, error });
      this.publish();
    } else if (kind === 'query') {
      this.send({
        kind: 'answer',
        client,
        id,
        ok: true,
        result: this.tell(String(message.what), message.args as JsonObject),
      });
    }
  }

  private snapshot(): void {
    const { run } = this;
    this.attached = true;
    this.mark();
    this.send(
      {
        kind: 'snapshot',
        run: 'demo',
        seq: run.seq,
        header: run.header(),
        trials: run.trials.map(({ row }) => row),
        reports: { n: run.reports.length, columns: this.specs(), thinned: false },
        rungs: run.rungColumns(),
        flags: run.flags,
        best: run.best,
      },
      this.buffers(run.reports),
    );
  }

  // biome-ignore lint/complexity/noExcessiveCognitiveComplexity: a list of commands, in a demonstration
  private carryOut(cmd: string, args: JsonObject): string | null {
    const { run } = this;
    run.seq += 1;
    const ids = (args.trial_ids ?? []) as readonly number[];
    const status = { pause_trial: 'Paused', resume_trial: 'InProgress', stop_trial: 'Stopped' }[
      cmd
    ];
    if (status !== undefined) {
      for (const id of ids) {
        const row = run.trials[id]?.row;
        if (row === undefined) return `there is no trial ${id}`;
        row.status = status;
        row.paused_by = cmd === 'pause_trial' ? 'user' : null;
        run.changedTrials.add(id);
      }
    } else if (cmd === 'pause_run') run.state = 'paused';
    else if (cmd === 'resume_run') run.state = 'running';
    else if (cmd === 'stop_run') {
      run.state = 'finished';
      run.why = 'stopped from the panel';
    } else if (cmd === 'set_workers') run.nWorkers = Number(args.n_workers);
    else if (cmd === 'edit_space') {
      run.spaceVersion += 1;
      run.flags.push({ t: run.time, kind: 'space', text: null, details: {} });
    } else if (cmd === 'enqueue') return 'this kernel is only a simulation';
    return null;
  }

  private tell(what: string, args: JsonObject): unknown {
    if (what === 'preview_space')
      return {
        errors: {},
        changes: Object.keys(args.space ?? {}),
        outside: 14,
        running_go_on: [1, 2],
      };
    if (what === 'saved_runs') {
      return [
        {
          path: '/home/ada/synetune/digits-1',
          name: 'digits-1',
          state: 'finished',
          best: 0.9711,
          trials: 42,
          started: Date.now() / 1000 - 4000,
          remote: null,
        },
        {
          path: '/home/ada/synetune/digits-0',
          name: 'digits-0',
          state: 'running',
          best: 0.9502,
          trials: 12,
          started: Date.now() / 1000 - 9000,
          remote: {
            job: 'digits-0-abc',
            is_over: false,
            looked_at: Date.now() / 1000 - 400,
          },
        },
      ];
    }
    if (what !== 'trial') return {};
    const random = generator(Number(args.trial_id));
    const row = this.run.trials[Number(args.trial_id)]?.row;
    const started = Number(row?.started ?? 0);
    return {
      statuses: [
        { t: started, status: 'InProgress', cause: 'scheduler', reason: { kind: 'random' } },
        {
          t: started + 3,
          status: 'Paused',
          cause: 'scheduler',
          reason: {
            kind: 'rung',
            level: 1,
            value: 0.614,
            rank: 5,
            size: 12,
            goes_on: false,
            cutoff: 0.66,
          },
        },
        {
          t: started + 9,
          status: 'InProgress',
          cause: 'scheduler',
          reason: { kind: 'promoted', level: 1, to_level: 3, value: 0.614, rank: 4, size: 14 },
        },
      ],
      log: {
        stdout: Array.from(
          { length: 12 },
          (_, i) => `epoch ${i + 1}: accuracy ${(0.5 + 0.04 * i + 0.02 * random()).toFixed(4)}`,
        ),
        stderr: [],
      },
    };
  }
}
