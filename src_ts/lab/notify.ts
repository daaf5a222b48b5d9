/** A notification where a run needs the user and its panel may be out of sight. */

import { Notification } from '@jupyterlab/apputils';
import type { Source } from '../client/source';
import { failure } from '../panel/banner';
import type { Settings } from './settings';

const told = new Set<string>();

/** Tells once for each run of the page, and only what happens while somebody watches it live. */
export function watchFailures(source: Source, settings: Settings, signal: AbortSignal): void {
  let before = source.state.value;
  source.state.subscribe((run) => {
    const first = before === null || before.run !== run?.run;
    before = run;
    if (run === null || !source.live || run.header.readOnly) return;
    const text =
      run.header.state === 'failed' ? (run.header.why ?? 'The run failed.') : failure(run);
    if (text === null) return;
    const key = `${run.run}|${run.header.startedAt ?? 0}`;
    if (told.has(key)) return;
    told.add(key);
    if (first || !settings.value.notifyOnFailure) return;
    Notification.error(`${run.header.name}: ${text}`, { autoClose: 10_000 });
  }, signal);
}
