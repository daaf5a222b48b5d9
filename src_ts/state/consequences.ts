/** What follows from an edit of the space, in one line. */

import { isObject, type Json } from '../protocol/json';
import { plural } from './format';

export interface Preview {
  readonly errors: Readonly<Record<string, string>>;
  readonly outside: number | null;
  readonly kept: number | null;
  readonly dropped: number | null;
  readonly runningGoOn: readonly number[];
  readonly nChanges: number;
}

export function readPreview(value: Json): Preview {
  const fields = isObject(value) ? (value as Record<string, Json>) : {};
  const errors: Record<string, string> = {};
  if (isObject(fields.errors)) {
    for (const [name, text] of Object.entries(fields.errors)) errors[name] = String(text);
  }
  const number = (key: string): number | null => {
    const found = fields[key];
    return typeof found === 'number' ? found : null;
  };
  const running = fields.running_go_on;
  const changes = fields.changes;
  return {
    errors,
    outside: number('outside'),
    kept: number('kept'),
    dropped: number('dropped'),
    runningGoOn: Array.isArray(running) ? running.filter((id) => typeof id === 'number') : [],
    nChanges: Array.isArray(changes) ? changes.length : 0,
  };
}

/** "14 of 42 trials fall outside: 9 still inform the model, 5 do not; 2 running trials go on". */
export function consequences(preview: Preview, nTrials: number): string {
  const parts: string[] = [];
  const { outside, kept, dropped } = preview;
  if (outside === null || outside === 0) parts.push('all that was tried lies inside');
  else {
    const of = nTrials >= outside ? ` of ${nTrials}` : '';
    const known =
      kept !== null && dropped !== null
        ? `: ${kept} still inform the model, ${dropped} do not`
        : '';
    parts.push(`${outside}${of} trials ${outside === 1 ? 'falls' : 'fall'} outside${known}`);
  }
  const running = preview.runningGoOn.length;
  if (running > 0) {
    parts.push(`${plural(running, 'running trial')} ${running === 1 ? 'goes' : 'go'} on`);
  }
  return parts.join('; ');
}
