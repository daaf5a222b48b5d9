import { describe, expect, it } from 'vitest';
import { decoded, fixture, fixtureNames, makeDelta, makeSnapshot } from '../testing/fixtures';
import { toFloat64, toInt32 } from './columns';
import { decodeServerMessage, decodeStaticBundle } from './decode';
import { ProtocolError } from './json';
import { type ClientMessage, type Delta, encodeClientMessage } from './messages';

const FROM_KERNEL = fixtureNames().filter((name) => fixture(name).direction === 'kernel-to-client');

describe('messages of the kernel', () => {
  it('has an example of every kind', () => {
    const kinds = new Set(FROM_KERNEL.map((name) => decoded(name).kind));
    expect(kinds).toEqual(new Set(['welcome', 'snapshot', 'delta', 'ack', 'answer', 'bye']));
  });

  it.each(FROM_KERNEL)('reads %s', (name) => {
    expect(decoded(name).kind).toBe(fixture(name).message.kind);
  });

  it('turns names into camel case and columns into typed arrays', () => {
    const { header, trials, reports, rungs, best } = makeSnapshot();
    expect(header.resourceAttr).toBe('epoch');
    expect(header.scheduler.rungLevels).toEqual([[1, 3, 9]]);
    expect(header.counts.Completed).toBe(0);
    expect(trials[1]?.pausedBy).toBe('scheduler');
    expect(trials[1]?.decision).toMatchObject({ kind: 'rung', goesOn: false, toLevel: null });
    expect(rungs[0]?.entries[0]?.goesOn).toBe(false);
    expect([...reports.trial]).toEqual([0, 1, 0, 0]);
    expect(reports.metrics[0]?.[2]).toBeNaN();
    expect(best[1]).toEqual({ time: 9, trial: 0, value: 0.75, nTrials: 2, nReports: 4 });
  });

  it('keeps of a delta what is there and nothing else', () => {
    const { header } = makeDelta();
    expect(header.tunerTime).toBe(15);
    expect('nWorkers' in header).toBe(false);
    const small = decoded('delta_small');
    expect(small).toMatchObject({ trials: [], reports: null, rungs: [], flags: [], best: [] });
  });

  it('tell which job drives a run, with a link to a page and to nothing else', () => {
    const remote = { job: 'j', url: 'javascript:alert(1)', heard_at: 1, trouble: null };
    const told = (value: object): unknown => {
      const { message } = fixture('delta_remote');
      const delta = decodeServerMessage({ ...message, header: { remote: value } });
      return (delta as Delta).header.remote;
    };
    expect(told(remote)).toEqual({ job: 'j', url: null, heardAt: 1, trouble: null });
    expect(told({ ...remote, url: 'https://a.aws/x' })).toMatchObject({ url: 'https://a.aws/x' });
    expect(makeSnapshot().header.remote).toBeNull();
  });

  it('tells refusals from results', () => {
    expect(decoded('ack')).toMatchObject({ outcome: { ok: true } });
    expect(decoded('ack_refused')).toMatchObject({ outcome: { ok: false } });
  });

  it('refuses another version, with words for the user', () => {
    expect(() => decodeServerMessage({ v: 2, kind: 'bye', run: 'x' })).toThrow(
      /version 2.*restart/,
    );
  });

  it('names the place of what is wrong', () => {
    const { message, buffers } = fixture('snapshot');
    const broken = structuredClone(message) as { trials: Record<string, unknown>[] };
    const [, second] = broken.trials;
    if (second !== undefined) second.status = 'Sleeping';
    expect(() => decodeServerMessage(broken, buffers)).toThrow(/message\.trials\[1\]\.status/);
    expect(() => decodeServerMessage(message, buffers.slice(1))).toThrow(ProtocolError);
    expect(() => decodeServerMessage('hello')).toThrow(ProtocolError);
  });
});

describe('messages to the kernel', () => {
  it.each(['hello', 'hello_list', 'resync', 'seen', 'command', 'query'])('writes %s', (name) => {
    const { message } = fixture(name);
    const { v, ...rest } = message;
    expect(encodeClientMessage(rest as unknown as ClientMessage)).toEqual({ v, ...rest });
  });
});

describe('the picture that a notebook keeps', () => {
  it('is the same as the live snapshot', () => {
    const { snapshot, commId } = decodeStaticBundle(fixture('static').message);
    expect(commId).toBe('synetune_lab:v1');
    expect(snapshot).toEqual(makeSnapshot());
  });

  it('of an unknown form is refused', () => {
    expect(() => decodeStaticBundle({ schema: 7 })).toThrow(/form 7/);
  });
});

describe('columns', () => {
  it('are read from views that are not aligned', () => {
    const bytes = new Uint8Array(33);
    new DataView(bytes.buffer).setFloat64(1, 0.25, true);
    new DataView(bytes.buffer).setFloat64(9, Number.POSITIVE_INFINITY, true);
    expect([...toFloat64(new DataView(bytes.buffer, 1, 16))]).toEqual([
      0.25,
      Number.POSITIVE_INFINITY,
    ]);
    new DataView(bytes.buffer).setInt32(21, -7, true);
    expect([...toInt32(bytes.subarray(21, 25))]).toEqual([-7]);
  });

  it('are refused if their length is not that of whole numbers', () => {
    expect(() => toFloat64(new ArrayBuffer(12))).toThrow(/12 bytes/);
  });
});
