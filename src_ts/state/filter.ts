/**
 * The filter of the trial table: `lr<0.01 and state=paused`, `not failed`, `relu or units>=128`.
 *
 * Grammar: `or` of `and` of terms; a term is `not term`, `( ... )`, `field op value`, a state's name,
 * or a word that is looked for in the configuration. `and` may be left out. `~` means "contains".
 */

import type { Header, TrialRow } from '../protocol/messages';
import { STATUS_WORD, shownStatus } from './sentences';

export type RowTest = (row: TrialRow) => boolean;
export type Filter =
  | { readonly ok: true; readonly test: RowTest }
  | { readonly ok: false; readonly error: string };

type FieldValue = number | string | boolean | null;
type Getter = (row: TrialRow) => FieldValue;
type Operator = '<' | '<=' | '>' | '>=' | '=' | '!=' | '~';

interface Token {
  readonly kind: 'word' | 'text' | 'op' | 'open' | 'close';
  readonly text: string;
}

class FilterError extends Error {}

const TOKEN = /\s*(?:"([^"]*)"|'([^']*)'|(<=|>=|!=|==|[<>=~≤≥≠])|([()])|([^\s()<>=!~"'≤≥≠]+))/y;
const OPERATORS: Readonly<Record<string, Operator>> = {
  '<': '<',
  '<=': '<=',
  '≤': '<=',
  '>': '>',
  '>=': '>=',
  '≥': '>=',
  '=': '=',
  '==': '=',
  '!=': '!=',
  '≠': '!=',
  '~': '~',
};

export function parseFilter(text: string, header: Header): Filter {
  if (text.trim() === '') return { ok: true, test: () => true };
  try {
    return { ok: true, test: new Parser(tokens(text), fieldsOf(header)).whole() };
  } catch (error) {
    if (error instanceof FilterError) return { ok: false, error: error.message };
    throw error;
  }
}

function fieldsOf(header: Header): Map<string, Getter> {
  const fields = new Map<string, Getter>();
  const add = (name: string, get: Getter): void => {
    fields.set(name.toLowerCase(), get);
  };
  for (const name of [...Object.keys(header.configSpace), ...header.hyperparameters]) {
    add(name, (row) => plain(row.config[name]));
  }
  for (const name of header.metricNames) add(name, (row) => plain(row.last[name]));
  if (header.resourceAttr !== null) add(header.resourceAttr, (row) => row.resource);
  const own: Record<string, Getter> = {
    id: (row) => row.id,
    trial: (row) => row.id,
    state: (row) => STATUS_WORD[shownStatus(row)],
    status: (row) => STATUS_WORD[shownStatus(row)],
    rung: (row) => row.rung,
    bracket: (row) => row.bracket,
    best: (row) => row.best,
    reports: (row) => row.nReports,
    runs: (row) => row.run + 1,
    origin: (row) => row.origin,
    version: (row) => row.spaceVersion,
    time: (row) => (row.ended === null || row.started === null ? null : row.ended - row.started),
    error: (row) => row.error,
  };
  for (const [name, get] of Object.entries(own)) if (!fields.has(name)) add(name, get);
  return fields;
}

function plain(value: unknown): FieldValue {
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') {
    return value;
  }
  return value === null || value === undefined ? null : JSON.stringify(value);
}

function tokens(text: string): Token[] {
  const result: Token[] = [];
  let at = 0;
  while (text.slice(at).trim() !== '') {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) throw new FilterError(notUnderstood(text.slice(at).trim()));
    at = TOKEN.lastIndex;
    result.push(tokenOf(match));
  }
  return result;
}

function tokenOf([, double, single, op, bracket, word]: RegExpExecArray): Token {
  const quoted = double ?? single;
  if (quoted !== undefined) return { kind: 'text', text: quoted };
  if (op !== undefined) return { kind: 'op', text: op };
  if (bracket !== undefined) return { kind: bracket === '(' ? 'open' : 'close', text: bracket };
  return { kind: 'word', text: word ?? '' };
}

function notUnderstood(rest: string): string {
  const isQuote = rest.startsWith('"') || rest.startsWith("'");
  return isQuote ? 'a quotation mark is not closed' : `'${rest.slice(0, 12)}' is not understood`;
}

class Parser {
  private at = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly fields: ReadonlyMap<string, Getter>,
  ) {}

  whole(): RowTest {
    const test = this.any();
    if (this.at < this.tokens.length) throw new FilterError('a bracket is closed but not opened');
    return test;
  }

  private any(): RowTest {
    const parts = [this.all()];
    while (this.takeWord('or')) parts.push(this.all());
    return parts.length === 1 ? (parts[0] as RowTest) : (row) => parts.some((part) => part(row));
  }

  private all(): RowTest {
    const parts = [this.term()];
    for (;;) {
      const next = this.tokens[this.at];
      if (next === undefined || next.kind === 'close' || isWord(next, 'or')) break;
      this.takeWord('and');
      parts.push(this.term());
    }
    return parts.length === 1 ? (parts[0] as RowTest) : (row) => parts.every((part) => part(row));
  }

  private term(): RowTest {
    const token = this.tokens[this.at++];
    if (token === undefined) throw new FilterError('something is missing at the end');
    if (token.kind === 'open') {
      const inner = this.any();
      if (this.tokens[this.at++]?.kind !== 'close') throw new FilterError("')' is missing");
      return inner;
    }
    if (isWord(token, 'not')) {
      const inner = this.term();
      return (row) => !inner(row);
    }
    if (token.kind === 'op' || token.kind === 'close') {
      throw new FilterError(`'${token.text}' needs something before it`);
    }
    const op = this.tokens[this.at];
    if (op?.kind !== 'op') return bareWord(token.text);
    this.at++;
    const value = this.tokens[this.at++];
    if (value === undefined || (value.kind !== 'word' && value.kind !== 'text')) {
      throw new FilterError(`'${token.text} ${op.text}' needs a value`);
    }
    return comparison(this.field(token.text), OPERATORS[op.text] ?? '=', value.text);
  }

  private field(name: string): Getter {
    const get = this.fields.get(name.toLowerCase());
    if (get !== undefined) return get;
    const near = nearest(name.toLowerCase(), [...this.fields.keys()]);
    throw new FilterError(
      `there is no '${name}'${near === null ? '' : `; did you mean '${near}'?`}`,
    );
  }

  private takeWord(word: string): boolean {
    const next = this.tokens[this.at];
    if (next === undefined || !isWord(next, word)) return false;
    this.at++;
    return true;
  }
}

function isWord(token: Token, word: string): boolean {
  return token.kind === 'word' && token.text.toLowerCase() === word;
}

function bareWord(word: string): RowTest {
  const wanted = word.toLowerCase();
  return (row) =>
    STATUS_WORD[shownStatus(row)] === wanted ||
    String(row.id) === wanted ||
    Object.values(row.config).some(
      (value) => typeof value === 'string' && value.toLowerCase().includes(wanted),
    ) ||
    (row.error?.toLowerCase().includes(wanted) ?? false);
}

function comparison(get: Getter, op: Operator, text: string): RowTest {
  const number = Number(text);
  const wanted = text.toLowerCase();
  return (row) => {
    const value = get(row);
    if (value === null)
      return op === '!=' && wanted !== 'none' ? true : op === '=' && wanted === 'none';
    if (op === '~') return String(value).toLowerCase().includes(wanted);
    if (typeof value === 'number' && text !== '' && !Number.isNaN(number)) {
      return compare(value, number, op);
    }
    return compare(String(value).toLowerCase(), wanted, op);
  };
}

function compare<T extends number | string>(a: T, b: T, op: Operator): boolean {
  switch (op) {
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    case '!=':
      return a !== b;
    default:
      return a === b;
  }
}

function nearest(name: string, names: readonly string[]): string | null {
  let best: string | null = null;
  let least = Math.max(2, Math.ceil(name.length / 3)) + 1;
  for (const other of names) {
    const distance = other.startsWith(name) ? 1 : editDistance(name, other);
    if (distance < least) {
      least = distance;
      best = other;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
