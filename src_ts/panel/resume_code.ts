/** The code that goes on with a run, for the user to read and run. */

import { h } from '../dom/dom';
import { isObject } from '../protocol/json';
import { isDrivenByJob } from '../state/remote';
import type { PanelContext } from './context';

interface Words {
  readonly title: string;
  readonly text: string;
  readonly run: string;
}

const TRUST =
  'It loads the saved tuner, which may run code that was saved with it: do so only with runs that you trust.';
const WORDS = {
  resume: {
    title: 'Resume this run',
    text: `This goes on with the run in a cell of the notebook. ${TRUST}`,
    run: 'Resume now',
  },
  resume_job: {
    title: 'Resume this run',
    text: `The job is over. This goes on with the run where the notebook is, or as another job. ${TRUST}`,
    run: 'Resume now',
  },
  find: {
    title: 'Find this run again',
    text: 'The job goes on without this notebook. In another one, or after a restart of the kernel, this shows the run again; nothing of it is executed here.',
    run: 'Run now',
  },
} as const satisfies Record<string, Words>;
type Kind = keyof typeof WORDS;

/** Asks the kernel for the code, else writes it here, and shows it. */
export async function showCode(context: PanelContext, path: string | null): Promise<void> {
  const told = path === null ? null : await askedCode(context, path);
  if (context.signal.aborted) return;
  const header = context.source.state.value?.header;
  const kind = header?.path === path && isDrivenByJob(header) ? 'find' : 'resume';
  const [known, code] = told ?? [kind, writtenCode(kind, JSON.stringify(path ?? 'path/of/run'))];
  codeDialog(context, code, WORDS[known]);
}

async function askedCode(context: PanelContext, path: string): Promise<[Kind, string] | null> {
  if (!context.source.live) return null;
  const outcome = await context.source.query('resume_code', { path });
  const result = outcome.ok ? outcome.result : null;
  if (!isObject(result) || typeof result.code !== 'string') return null;
  const kind = (Object.keys(WORDS) as Kind[]).find((one) => one === result.kind);
  return [kind ?? 'resume', result.code];
}

function writtenCode(kind: Kind, run: string): string {
  return kind === 'find'
    ? `from synetune_lab.remote import RemoteRun\n\nRemoteRun.attach(${run})`
    : `from synetune_lab import Tuner\n\ntuner = Tuner.resume(${run})\ntuner.start()\ntuner`;
}

function codeDialog(context: PanelContext, code: string, words: Words): void {
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
    words.run,
  );
  const close = h('button', { class: 'stl-button', attrs: { type: 'button' } }, 'Close');
  const dialog = h(
    'dialog',
    { class: 'stl-dialog stl-dialog-wide', aria: { label: words.title } },
    h('h3', {}, words.title),
    h('p', {}, words.text),
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
