/** From what arrived to a message of this protocol. */

import { emptyColumns, readColumns, type WireBuffer } from './columns';
import { readHeader, readPartialHeader } from './header';
import { Fields, isObject, ProtocolError, toJson } from './json';
import {
  type Delta,
  LINK_PATHS,
  type Outcome,
  PROTOCOL_VERSION,
  type ServerMessage,
  type Snapshot,
} from './messages';
import { readBest, readFlag, readRungColumn, readRungEntry, readTrial } from './rows';

/**
 * Reads a message of the kernel.
 *
 * @throws ProtocolError if it is of another version or does not have the agreed form.
 */
export function decodeServerMessage(
  data: unknown,
  buffers: readonly WireBuffer[] = [],
): ServerMessage {
  const fields = Fields.of(data, 'message');
  const version = fields.raw('v');
  if (version !== PROTOCOL_VERSION) {
    throw new ProtocolError(
      `the kernel speaks version ${String(version)} of the panel's protocol, this panel version ${PROTOCOL_VERSION}: ` +
        'restart the kernel and reload the page after an update',
    );
  }
  const kind = fields.string('kind');
  switch (kind) {
    case 'welcome':
      return {
        kind,
        client: fields.string('client'),
        runs: fields.list('runs', (entry, where) => {
          const run = Fields.of(entry, where);
          return {
            run: run.string('run'),
            name: run.string('name'),
            state: run.stringOrNull('state') ?? '',
          };
        }),
        run: fields.stringOrNull('run'),
        path: fields.word('path', LINK_PATHS),
      };
    case 'snapshot':
      return readSnapshot(fields, buffers);
    case 'delta':
      return readDelta(fields, buffers);
    case 'ack':
    case 'answer':
      return {
        kind,
        client: fields.stringOrNull('client'),
        id: fields.string('id'),
        outcome: readOutcome(fields),
      };
    case 'bye':
      return { kind, run: fields.string('run'), why: fields.stringOrNull('why') };
    default:
      throw new ProtocolError(`a message of kind ${kind} is unknown`);
  }
}

function readOutcome(fields: Fields): Outcome {
  return fields.boolean('ok', false)
    ? { ok: true, result: toJson(fields.raw('result')) }
    : { ok: false, error: fields.stringOrNull('error') ?? 'refused without a reason' };
}

function readSnapshot(fields: Fields, buffers: readonly WireBuffer[]): Snapshot {
  const reports = fields.raw('reports');
  return {
    kind: 'snapshot',
    run: fields.string('run'),
    seq: fields.numberOrNull('seq') ?? 0,
    header: readHeader(fields.raw('header'), 'header'),
    trials: fields.list('trials', readTrial),
    reports: isObject(reports) ? readColumns(reports, buffers, 'reports') : emptyColumns([]),
    thinned: isObject(reports) && reports.thinned === true,
    rungs: fields.list('rungs', readRungColumn),
    flags: fields.list('flags', readFlag),
    best: fields.list('best', readBest),
  };
}

function readDelta(fields: Fields, buffers: readonly WireBuffer[]): Delta {
  const reports = fields.raw('reports');
  return {
    kind: 'delta',
    run: fields.string('run'),
    seq: fields.number('seq'),
    since: fields.number('since'),
    header: readPartialHeader(fields.raw('header'), 'header'),
    trials: fields.list('trials', readTrial),
    reports: isObject(reports) ? readColumns(reports, buffers, 'reports') : null,
    rungs: fields.list('rungs', readRungEntry),
    flags: fields.list('flags', readFlag),
    best: fields.list('best', readBest),
  };
}

export interface StaticBundle {
  readonly snapshot: Snapshot;
  readonly commId: string | null;
}

/**
 * Reads the snapshot that a notebook keeps: the same as a live one, with `schema` instead of `v`
 * and each column's `values` as a list with null for what is not a number.
 *
 * @throws ProtocolError if its form is another one.
 */
export function decodeStaticBundle(data: unknown): StaticBundle {
  const fields = Fields.of(data, 'bundle');
  const schema = fields.raw('schema');
  if (schema !== 1) {
    throw new ProtocolError(`this panel was saved in form ${String(schema)}, known is form 1`);
  }
  return { snapshot: readSnapshot(fields, []), commId: fields.stringOrNull('comm') };
}
