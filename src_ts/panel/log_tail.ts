/** The end of a trial's log, kept at its end unless the reader has scrolled up. */

import { h, setHidden, setText } from '../dom/dom';
import { isObject } from '../protocol/json';

export class LogTail {
  readonly root: HTMLElement;
  private readonly out = h('pre', {
    class: 'stl-log',
    aria: { label: 'Output' },
    attrs: { tabindex: '0' },
  });
  private readonly err = h('pre', {
    class: 'stl-log stl-log-err',
    aria: { label: 'Errors' },
    attrs: { tabindex: '0' },
  });

  constructor() {
    this.root = h('div', { class: 'stl-logs' }, this.out, this.err);
    this.clear('');
  }

  clear(text: string): void {
    setText(this.out, text);
    setText(this.err, '');
    setHidden(this.err, true);
  }

  show(log: unknown): void {
    const fields = isObject(log) ? log : {};
    const out = linesOf(fields.stdout);
    const err = linesOf(fields.stderr);
    keepEnd(this.out, out === '' ? 'nothing printed yet' : out);
    setHidden(this.err, err === '');
    keepEnd(this.err, err);
  }
}

function linesOf(value: unknown): string {
  if (!Array.isArray(value)) return typeof value === 'string' ? value : '';
  return value
    .filter((line) => typeof line === 'string')
    .map((line) => line.replace(/\r?\n$/, ''))
    .join('\n');
}

function keepEnd(element: HTMLElement, text: string): void {
  if (element.textContent === text) return;
  const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 8;
  element.textContent = text;
  if (atEnd) element.scrollTop = element.scrollHeight;
}
