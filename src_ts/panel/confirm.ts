/** A question that has to be answered before something that cannot be taken back. */

import { h } from '../dom/dom';

export interface Question {
  readonly title: string;
  readonly text: string;
  /** What will be done, as a verb: "Stop the run". */
  readonly action: string;
  readonly danger?: boolean;
  /** A choice that the answer comes with. */
  readonly option?: { readonly label: string; readonly initial: boolean };
}

export interface Decision {
  readonly option: boolean;
}

/** Resolves to null if the user thinks better of it. */
export function ask(
  root: HTMLElement,
  question: Question,
  signal: AbortSignal,
): Promise<Decision | null> {
  return new Promise((resolve) => {
    const scope = new AbortController();
    const before = document.activeElement;
    const box = h('input', { attrs: { type: 'checkbox' } });
    box.checked = question.option?.initial ?? false;
    const cancel = h('button', { class: 'stl-button', attrs: { type: 'button' } }, 'Cancel');
    const go = h(
      'button',
      {
        class: `stl-button ${question.danger === true ? 'stl-danger' : 'stl-primary'}`,
        data: { action: 'confirm' },
        attrs: { type: 'button' },
      },
      question.action,
    );
    const dialog = h(
      'dialog',
      { class: 'stl-dialog', role: 'alertdialog', aria: { label: question.title } },
      h('h3', {}, question.title),
      h('p', {}, question.text),
      question.option === undefined
        ? null
        : h('label', { class: 'stl-check' }, box, question.option.label),
      h('div', { class: 'stl-dialog-buttons' }, cancel, go),
    );
    const finish = (decision: Decision | null): void => {
      if (scope.signal.aborted) return;
      scope.abort();
      if (dialog.open) dialog.close();
      dialog.remove();
      if (before instanceof HTMLElement && before.isConnected)
        before.focus({ preventScroll: true });
      resolve(decision);
    };
    const options = { signal: scope.signal };
    cancel.addEventListener('click', () => finish(null), options);
    go.addEventListener('click', () => finish({ option: box.checked }), options);
    dialog.addEventListener('cancel', () => finish(null), options);
    dialog.addEventListener('close', () => finish(null), options);
    signal.addEventListener('abort', () => finish(null), options);
    root.append(dialog);
    dialog.showModal();
    (question.danger === true ? cancel : go).focus();
  });
}
