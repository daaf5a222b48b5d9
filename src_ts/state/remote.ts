/** A run that a job elsewhere drives: where it is and how fresh what one sees is, in words. */

import type { Header, Remote } from '../protocol/messages';
import { ago, plural } from './format';
import type { RunState } from './run';

/** Whether a job drives the run now; false for a run of this kernel, and after the job's end. */
export function isDrivenByJob(header: Header | undefined): boolean {
  return header !== undefined && header.remote !== null && !isOver(header);
}

export function isOver(header: Header): boolean {
  return header.state === 'finished' || header.state === 'failed';
}

/** `heard 3 s ago`; null where there is nothing to tell. */
export function heardPhrase(run: RunState, remote: Remote, nowMs: number): string | null {
  const { header } = run;
  if (isOver(header)) return null;
  if (remote.heardAt === null) {
    return header.state === 'starting' || header.readOnly ? null : 'not heard of yet';
  }
  if (header.wallNow === null) return null;
  const since = header.wallNow - remote.heardAt + Math.max(0, nowMs - run.receivedAtMs) / 1000;
  return `heard ${ago(since)}`;
}

/** What happens to a command that was just asked: `the job answers within a few seconds`. */
export function patienceWords(header: Header, remote: Remote): string {
  if (remote.trouble !== null) return 'the job answers when it is heard of again';
  if (header.state === 'starting') return 'the job answers when it has begun';
  return 'the job answers within a few seconds';
}

/** `2 commands wait for the job`. */
export function waitingPhrase(n: number): string | null {
  return n === 0 ? null : `${plural(n, 'command')} ${n === 1 ? 'waits' : 'wait'} for the job`;
}
