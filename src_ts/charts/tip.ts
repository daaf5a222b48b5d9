/** What the tooltips say. */

import { type Child, h } from '../dom/dom';
import type { TrialRow } from '../protocol/messages';
import { formatNumber, formatShort, formatValue } from '../state/format';
import type { RunState } from '../state/run';
import { resourceWord, shownStatus, statusPhrase } from '../state/sentences';

const MAX_HYPERPARAMETERS = 6;

export function trialTitle(trial: TrialRow): HTMLElement {
  return h(
    'div',
    { class: 'stl-tip-title' },
    h('span', { class: 'stl-mark', data: { status: shownStatus(trial) } }),
    `Trial ${trial.id}`,
    h('span', { class: 'stl-tip-dim' }, statusPhrase(trial)),
  );
}

export function tipLine(name: string, value: string): HTMLElement {
  return h('div', { class: 'stl-tip-line' }, h('span', {}, name), h('b', {}, value));
}

export function configLines(state: RunState, trial: TrialRow): Child[] {
  const names = state.header.hyperparameters;
  const lines: Child[] = names
    .slice(0, MAX_HYPERPARAMETERS)
    .map((name) => tipLine(name, formatValue(trial.config[name])));
  if (names.length > MAX_HYPERPARAMETERS) {
    lines.push(
      h('div', { class: 'stl-tip-dim' }, `and ${names.length - MAX_HYPERPARAMETERS} more`),
    );
  }
  return lines;
}

/** For one report of a trial. */
export function reportLines(
  state: RunState,
  trial: TrialRow,
  metric: string,
  at: { readonly resource: number; readonly value: number },
): Child[] {
  return [
    trialTitle(trial),
    tipLine(metric, formatNumber(at.value, 4)),
    tipLine(resourceWord(state.header), formatShort(at.resource)),
    h('hr'),
    ...configLines(state, trial),
  ];
}
