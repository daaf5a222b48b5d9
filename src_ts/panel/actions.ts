/** Everything that the panel can ask the kernel to do, with the words for it. */

import type { Source } from '../client/source';
import { isObject, type Json, type JsonObject } from '../protocol/json';
import type { CommandName, Header, Outcome, TrialId } from '../protocol/messages';
import { plural } from '../state/format';
import { isDrivenByJob, patienceWords } from '../state/remote';
import { Store } from '../state/store';
import { ask, type Question } from './confirm';
import type { Notice, Notices } from './notices';

const DONE_MARK_MS = 1200;
/** What a job was asked is told for so long, and counted in the job's line until it answers. */
const ASKED_JOB_MS = 6000;

export class Actions {
  /** How many commands wait for the answer of a job elsewhere. */
  readonly waiting = new Store(0);

  constructor(
    private readonly source: Source,
    private readonly notices: Notices,
    private readonly root: HTMLElement,
    private readonly signal: AbortSignal,
  ) {}

  /** Why nothing can be asked now; null if it can. */
  obstacle(): string | null {
    const { kind } = this.source.link.value;
    if (kind === 'static') return 'This is a saved picture: no kernel is connected.';
    if (kind === 'offline') return 'The kernel is gone.';
    if (kind === 'connecting') return 'Connecting to the kernel …';
    const header = this.source.state.value?.header;
    if (header === undefined) return 'The run is not there yet.';
    if (header.readOnly) return 'This saved run is open for reading only.';
    if (header.state === 'finished' || header.state === 'failed') {
      return 'The run is over: resume it in a cell to go on with it.';
    }
    if (!header.controls) return 'Nobody takes commands for this run now.';
    return null;
  }

  /**
   * Sends a command; the button and a notice tell how it goes.
   *
   * @param what what is done, for the notice: "Pause trial 17".
   */
  async send(
    cmd: CommandName,
    args: JsonObject,
    what: string,
    button: HTMLElement | null = null,
  ): Promise<Outcome> {
    const obstacle = this.obstacle();
    if (obstacle !== null) {
      this.notices.show('error', `${what}: ${obstacle}`);
      return { ok: false, error: obstacle };
    }
    mark(button, 'asked');
    const header = this.source.state.value?.header;
    const job = header?.remote ?? null;
    const asked =
      header === undefined || job === null ? 'asked …' : `asked, ${patienceWords(header, job)}`;
    const notice = this.notices.show('asked', `${what}: ${asked}`);
    const outcome = await (job === null
      ? this.source.command(cmd, args)
      : this.askJob(cmd, args, notice));
    if (this.signal.aborted) return outcome;
    if (outcome.ok) {
      mark(button, 'done');
      notice.update('done', `${what}: ${doneText(cmd, outcome.result)}`);
    } else {
      mark(button, 'refused');
      notice.update('error', `${what}: ${outcome.error}`);
    }
    setTimeout(() => mark(button, null), DONE_MARK_MS);
    return outcome;
  }

  private async askJob(cmd: CommandName, args: JsonObject, notice: Notice): Promise<Outcome> {
    const timer = setTimeout(() => notice.dismiss(), ASKED_JOB_MS);
    this.waiting.set(this.waiting.value + 1);
    const outcome = await this.source.command(cmd, args);
    clearTimeout(timer);
    this.waiting.set(this.waiting.value - 1);
    return outcome;
  }

  pauseRun(button: HTMLElement | null): void {
    void this.send('pause_run', {}, 'Pause the run', button);
  }

  resumeRun(button: HTMLElement | null): void {
    void this.send('resume_run', {}, 'Resume the run', button);
  }

  async stopRun(button: HTMLElement | null): Promise<void> {
    const header = this.source.state.value?.header;
    const decision = await ask(this.root, stopQuestion(header), this.signal);
    if (decision === null) return;
    await this.send('stop_run', { keep: decision.option }, 'Stop the run', button);
  }

  setWorkers(n: number, button: HTMLElement | null): Promise<Outcome> {
    return this.send('set_workers', { n_workers: n }, `Set ${plural(n, 'worker')}`, button);
  }

  setSpeed(speed: number | null, control: HTMLElement | null): void {
    void this.send('set_speed', { speed }, 'Set the speed', control);
  }

  step(button: HTMLElement | null): void {
    void this.send('step', { count: 1 }, 'Go one step', button);
  }

  pauseTrials(ids: readonly TrialId[], button: HTMLElement | null): void {
    void this.send('pause_trial', { trial_ids: [...ids] }, `Pause ${named(ids)}`, button);
  }

  resumeTrials(ids: readonly TrialId[], button: HTMLElement | null): void {
    void this.send('resume_trial', { trial_ids: [...ids] }, `Resume ${named(ids)}`, button);
  }

  async stopTrials(ids: readonly TrialId[], button: HTMLElement | null): Promise<void> {
    const decision = await ask(
      this.root,
      {
        title: `Stop ${named(ids)}?`,
        text: `${ids.length === 1 ? 'It ends' : 'They end'} for good and cannot be resumed. What was reported stays.`,
        action: ids.length === 1 ? 'Stop the trial' : `Stop ${ids.length} trials`,
        danger: true,
      },
      this.signal,
    );
    if (decision !== null) {
      await this.send('stop_trial', { trial_ids: [...ids] }, `Stop ${named(ids)}`, button);
    }
  }

  enqueue(config: JsonObject, button: HTMLElement | null): Promise<Outcome> {
    return this.send('enqueue', { config }, 'Add a configuration', button);
  }

  save(button: HTMLElement | null): void {
    void this.send('save', {}, 'Save the run', button);
  }
}

/** What is asked before a run is stopped. */
export function stopQuestion(header: Header | undefined): Question {
  const title = 'Stop the run?';
  const action = 'Stop the run';
  const isRemote = isDrivenByJob(header);
  if (isRemote && header?.state === 'starting') {
    return {
      title,
      text: 'No trial has begun. SageMaker ends the job, and what was sent stays there.',
      action,
      danger: true,
    };
  }
  const running = header?.busyWorkers ?? 0;
  const now =
    running === 0 ? '' : `${plural(running, 'trial')} ${running === 1 ? 'runs' : 'run'} now. `;
  const job = isRemote ? ', and the job ends' : '';
  return {
    title,
    text: `${now}No new trial starts after that${job}; the run stays saved and can be resumed later.`,
    action,
    danger: true,
    option: {
      label: 'Keep running trials at their checkpoints, to go on with them later',
      initial: true,
    },
  };
}

export function named(ids: readonly TrialId[]): string {
  return ids.length === 1 ? `trial ${ids[0]}` : `${ids.length} trials`;
}

function mark(button: HTMLElement | null, phase: 'asked' | 'done' | 'refused' | null): void {
  if (button === null) return;
  if (phase === null) delete button.dataset.phase;
  else button.dataset.phase = phase;
  button.setAttribute('aria-busy', String(phase === 'asked'));
}

const WAITS = 'next, when a worker is free';

function doneText(cmd: CommandName, result: Json): string {
  if (cmd === 'edit_space' && typeof result === 'object' && result !== null) {
    const version = (result as JsonObject).version;
    return typeof version === 'number' ? `done, now version ${version}` : 'done';
  }
  if (cmd === 'resume_trial' && isObject(result) && Array.isArray(result.waiting)) {
    const waits = result.waiting.length;
    if (waits > 0) return waits === 1 ? WAITS : `${waits} ${WAITS}`;
  }
  return 'done';
}
