/** The keys, and what the marks mean. */

import { h } from '../dom/dom';
import type { PanelContext } from './context';

const KEYS: readonly (readonly [string, string])[] = [
  ['p', 'pause the run, or resume it'],
  ['s', 'stop the run (asks first)'],
  ['e', 'edit the configuration space'],
  ['f', 'filter the trials'],
  ['?', 'this help'],
  ['Esc', 'close what is open, then back to the notebook'],
  ['↑ ↓ Home End', 'walk through the table; in charts, through trials and dots'],
  ['Space', 'select a trial; Shift or Ctrl with a click selects more'],
  ['Enter', 'open the trial'],
  ['drag, Ctrl + wheel', 'zoom the curves; double click or 0 shows all'],
];

const MARKS: readonly (readonly [string, string])[] = [
  ['InProgress', 'running'],
  ['Paused', 'paused: it may go on'],
  ['Completed', 'completed'],
  ['Stopped', 'stopped early'],
  ['Failed', 'failed'],
];

export function showHelp(context: PanelContext): void {
  const scope = new AbortController();
  const options = { signal: scope.signal };
  const close = h(
    'button',
    { class: 'stl-button stl-primary', attrs: { type: 'button' } },
    'Close',
  );
  const dialog = h(
    'dialog',
    { class: 'stl-dialog stl-dialog-wide', aria: { label: 'Help' } },
    h('h3', {}, 'Keys'),
    h(
      'dl',
      { class: 'stl-keys' },
      ...KEYS.flatMap(([key, text]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, text)]),
    ),
    h('h3', {}, 'Marks'),
    h(
      'ul',
      { class: 'stl-mark-list' },
      ...MARKS.map(([status, text]) =>
        h('li', {}, h('span', { class: 'stl-mark', data: { status } }), text),
      ),
    ),
    h('h3', {}, 'Filter'),
    h(
      'p',
      {},
      'Compare any column: ',
      h('code', {}, 'learning_rate<0.01 and state=paused'),
      ', ',
      h('code', {}, 'not failed'),
      ', ',
      h('code', {}, '(relu or tanh) best>=0.9'),
      '.',
    ),
    h('div', { class: 'stl-dialog-buttons' }, close),
  );
  const finish = (): void => {
    if (scope.signal.aborted) return;
    scope.abort();
    if (dialog.open) dialog.close();
    dialog.remove();
  };
  close.addEventListener('click', finish, options);
  dialog.addEventListener('close', finish, options);
  context.signal.addEventListener('abort', finish, options);
  context.root.append(dialog);
  dialog.showModal();
}
