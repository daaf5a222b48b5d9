/** The columns of the trial table, its order, and the table as a file. */

import type { Json } from '../protocol/json';
import type { Header, TrialRow } from '../protocol/messages';
import { exactValue, formatDuration, formatNumber, formatValue } from './format';
import { resourceWord, statusPhrase } from './sentences';
import type { SortBy } from './ui';

export type ColumnKind = 'mark' | 'text' | 'number' | 'curve' | 'actions';

export interface Column {
  readonly id: string;
  readonly title: string;
  readonly kind: ColumnKind;
  readonly widthCss: number;
  /** May be hidden by the user. */
  readonly optional: boolean;
  text(row: TrialRow): string;
  /** In full, for a tooltip. */
  exact(row: TrialRow): string;
  sortKey(row: TrialRow): number | string | null;
}

interface ColumnSpec {
  readonly id: string;
  readonly title: string;
  readonly kind: ColumnKind;
  readonly widthCss: number;
  readonly optional?: boolean;
  readonly value: (row: TrialRow) => Json;
  readonly text?: (row: TrialRow) => string;
}

function column(spec: ColumnSpec): Column {
  return {
    id: spec.id,
    title: spec.title,
    kind: spec.kind,
    widthCss: spec.widthCss,
    optional: spec.optional ?? true,
    text: spec.text ?? ((row) => formatValue(spec.value(row))),
    exact: (row) => exactValue(spec.value(row)),
    sortKey(row) {
      const value = spec.value(row);
      if (value === null || typeof value === 'number' || typeof value === 'string') return value;
      return exactValue(value);
    },
  };
}

const STATE_ORDER = [
  'InProgress',
  'Pausing',
  'Stopping',
  'Pending',
  'Paused',
  'Completed',
  'Stopped',
  'Failed',
];

/** The columns for a run. */
export function columnsFor(header: Header, sample: readonly TrialRow[]): Column[] {
  const resource = resourceWord(header);
  const result: Column[] = [
    column({
      id: 'id',
      title: 'trial',
      kind: 'mark',
      widthCss: 62,
      optional: false,
      value: (row) => row.id,
      text: (row) => String(row.id),
    }),
    {
      ...column({
        id: 'state',
        title: 'state',
        kind: 'text',
        widthCss: 116,
        value: (row) => statusPhrase(row),
      }),
      sortKey: (row) => STATE_ORDER.indexOf(row.status),
    },
    column({
      id: 'resource',
      title: resource,
      kind: 'number',
      widthCss: width(resource, 58),
      value: (row) => (header.resourceAttr === null ? row.nReports : row.resource),
    }),
  ];
  for (const [i, name] of header.metricNames.entries()) {
    result.push(
      column({
        id: `metric:${name}`,
        title: name,
        kind: 'number',
        widthCss: width(name, 76),
        optional: i > 0,
        value: (row) => row.last[name] ?? null,
        text: (row) => metricText(row.last[name]),
      }),
    );
  }
  result.push(
    column({
      id: 'best',
      title: 'best',
      kind: 'number',
      widthCss: 76,
      value: (row) => row.best,
      text: (row) => formatNumber(row.best, 4),
    }),
    column({
      id: 'curve',
      title: 'curve',
      kind: 'curve',
      widthCss: 92,
      value: (row) => row.nReports,
    }),
  );
  for (const name of header.hyperparameters) {
    result.push(hyperparameter(name, sample));
  }
  result.push(
    column({
      id: 'time',
      title: 'started',
      kind: 'number',
      widthCss: 70,
      value: (row) => row.started,
      text: (row) => formatDuration(row.started),
    }),
    column({
      id: 'actions',
      title: '',
      kind: 'actions',
      widthCss: 74,
      optional: false,
      value: () => null,
      text: () => '',
    }),
  );
  return result;
}

function hyperparameter(name: string, sample: readonly TrialRow[]): Column {
  const isNumber = sample.every((row) => typeof (row.config[name] ?? 0) === 'number');
  const longest = Math.max(0, ...sample.map((row) => formatValue(row.config[name]).length));
  return column({
    id: `hp:${name}`,
    title: name,
    kind: isNumber ? 'number' : 'text',
    widthCss: Math.min(190, width(name, Math.max(64, longest * 7.2 + 18))),
    value: (row) => row.config[name] ?? null,
  });
}

function width(title: string, least: number): number {
  return Math.max(least, Math.min(170, title.length * 7 + 20));
}

function metricText(value: Json | undefined): string {
  return typeof value === 'number' ? formatNumber(value, 4) : formatValue(value ?? null);
}

/** The rows in order. Trials without a value come last, whichever way; equal ones by id. */
export function sorted(
  rows: readonly TrialRow[],
  columns: readonly Column[],
  sort: SortBy,
): TrialRow[] {
  const by = columns.find((one) => one.id === sort.column) ?? columns[0];
  if (by === undefined) return [...rows];
  const sign = sort.descending ? -1 : 1;
  const keyed = rows.map((row) => ({ row, key: by.sortKey(row) }));
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) {
      if (a.key === b.key) return a.row.id - b.row.id;
      return a.key === null ? 1 : -1;
    }
    const order =
      typeof a.key === 'number' && typeof b.key === 'number'
        ? a.key - b.key
        : String(a.key).localeCompare(String(b.key), 'en', { numeric: true });
    return order === 0 ? a.row.id - b.row.id : order * sign;
  });
  return keyed.map(({ row }) => row);
}

/** The table as comma-separated values, with full precision. */
export function toCsv(rows: readonly TrialRow[], columns: readonly Column[]): string {
  const used = columns.filter((one) => one.kind !== 'actions' && one.kind !== 'curve');
  const lines = [used.map((one) => quoted(one.title)).join(',')];
  for (const row of rows) {
    lines.push(
      used.map((one) => quoted(one.id === 'state' ? one.text(row) : exactOf(one, row))).join(','),
    );
  }
  return `${lines.join('\r\n')}\r\n`;
}

function exactOf(one: Column, row: TrialRow): string {
  const text = one.exact(row);
  return text === 'null' ? '' : text;
}

function quoted(text: string): string {
  // A leading = + - @ of a text would be run as a formula by spreadsheet programs.
  const safe = /^[=+@]|^-(?![\d.])/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
