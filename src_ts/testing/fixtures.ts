/// <reference types="node" />

/** The protocol's examples in tests/protocol, which the Python side tests as well. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeServerMessage } from '../protocol/decode';
import type { Delta, Header, ServerMessage, Snapshot, TrialRow } from '../protocol/messages';
import { fromSnapshot, type RunState } from '../state/run';

const FOLDER = join(process.cwd(), 'tests', 'protocol');

export interface Fixture {
  readonly name: string;
  readonly direction: string;
  readonly message: Record<string, unknown>;
  readonly buffers: readonly ArrayBuffer[];
}

interface WireFile {
  readonly direction: string;
  readonly message: Record<string, unknown>;
  readonly buffers: readonly {
    readonly dtype: string;
    readonly values: readonly (number | null)[];
  }[];
}

export function fixture(name: string): Fixture {
  const file = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as WireFile;
  const buffers = file.buffers.map(({ dtype, values }) => {
    const numbers = values.map((value) => value ?? Number.NaN);
    return dtype === 'int32' ? Int32Array.from(numbers).buffer : Float64Array.from(numbers).buffer;
  });
  return { name, direction: file.direction, message: file.message, buffers };
}

export function fixtureNames(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.replace('.json', ''));
}

export function decoded(name: string): ServerMessage {
  const { message, buffers } = fixture(name);
  return decodeServerMessage(message, buffers);
}

export function makeSnapshot(): Snapshot {
  return decoded('snapshot') as Snapshot;
}

export function makeDelta(): Delta {
  return decoded('delta') as Delta;
}

export function makeState(header: Partial<Header> = {}): RunState {
  const snapshot = makeSnapshot();
  return fromSnapshot({ ...snapshot, header: { ...snapshot.header, ...header } }, 0);
}

export function makeTrial(row: Partial<TrialRow>): TrialRow {
  const [first] = makeSnapshot().trials;
  if (first === undefined) throw new Error('the snapshot has no trial');
  return { ...first, ...row };
}
