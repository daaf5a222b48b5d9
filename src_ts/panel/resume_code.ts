/** The code that goes on with a run, for the user to read and run. */

import { h } from '../dom/dom';
import { isObject } from '../protocol/json';
import type { PanelContext } from './context';

/** Asks the kernel for the code, else writes it here, and shows it. */
export async function showCode(context: PanelContext, path: string | null): Promise<void> {
  let code = `from synetune_lab import Tuner\n\ntuner = Tuner.resume(${JSON.stringify(path ?? 'path/of/the/run')})\ntuner.start()\ntuner`;
  if (context.source.live && path !== null) {
    const outcome = await context.source.query('resume_code', { path });
    if (context.signal.aborted) return;
    const { result } = outcome.ok ? outcome : { result: null };
    if (isObject(result) && typeof result.code === 'string') code = result.code;
  }
  codeDialog(context, code);
}

function codeDialog(context: PanelContext, code: string): void {
  const scope = new AbortController();
  const options = { signal: scope.signal };
  const insert = context.host.insertCode;
  const copy = h(
    'button',
    { class: 'stl-button', data: { action: 'copy-code' }, attrs: { type: 'button' } },
    'Copy',
  );
  const put = h(
    'button',
    { class: 'stl-button', data: { action: 'insert-code' }, attrs: { type: 'button' } },
    'Put into a new cell',
  );
  const resume = h(
    'button',
    {
      class: 'stl-button stl-primary',
      data: { action: 'resume-saved' },
      attrs: { type: 'button' },
    },
    'Resume now',
  );
  const close = h('button', { class: 'stl-button', attrs: { type: 'button' } }, 'Close');
  const dialog = h(
    'dialog',
    { class: 'stl-dialog stl-dialog-wide', aria: { label: 'Resume this run' } },
    h('h3', {}, 'Resume this run'),
    h(
      'p',
      {},
      'This goes on with the run in a cell of the notebook. It loads the saved tuner, which may run code that was saved with it: do so only with runs that you trust.',
    ),
    h('pre', { class: 'stl-code', attrs: { tabindex: '0' } }, code),
    h(
      'div',
      { class: 'stl-dialog-buttons' },
      close,
      copy,
      ...(insert === undefined ? [] : [put, resume]),
    ),
  );
  const finish = (): void => {
    if (scope.signal.aborted) return;
    scope.abort();
    if (dialog.open) dialog.close();
    dialog.remove();
  };
  close.addEventListener('click', finish, options);
  copy.addEventListener(
    'click',
    () => {
      void navigator.clipboard?.writeText(code);
      context.notices.show('done', 'The code is in the clipboard');
      finish();
    },
    options,
  );
  for (const [button, run] of [
    [put, false],
    [resume, true],
  ] as const) {
    button.addEventListener(
      'click',
      () => {
        insert?.(code, run);
        finish();
      },
      options,
    );
  }
  dialog.addEventListener('close', finish, options);
  context.signal.addEventListener('abort', finish, options);
  context.root.append(dialog);
  dialog.showModal();
}
