import { describe, expect, it } from 'vitest';
import type { RungEntry } from '../protocol/messages';
import { decoded, makeDelta, makeSnapshot, makeState, makeTrial } from '../testing/fixtures';
import { columnsFor, sorted, toCsv } from './columns';
import { CurveBook } from './curves';
import { parseFilter } from './filter';
import { ago, formatDuration, formatNumber, formatShort, ordinal, roughly } from './format';
import { fold, tunerTimeNow } from './run';
import { rungsOf } from './rungs';
import {
  countsPhrase,
  entrySentence,
  methodPhrase,
  reasonSentence,
  rungCounts,
  rungHead,
  rungSentence,
} from './sentences';

describe('folding messages', () => {
  const before = makeState();
  const folded = fold(before, makeDelta(), 500);
  if (folded.kind !== 'state') throw new Error('the delta must apply');
  const after = folded.state;

  it('takes over what changed', () => {
    expect(after.seq).toBe(21);
    expect(after.header.spaceVersion).toBe(1);
    expect(after.header.nWorkers).toBe(2);
    expect(after.trials[1]?.status).toBe('InProgress');
    expect(after.best.at(-1)?.value).toBe(0.8);
    expect(after.flags).toHaveLength(2);
    expect(rungsOf(after.rungs, 0)[0]?.entries.get(1)?.promoted).toBe(true);
    expect([...(after.touched ?? [])]).toEqual([1]);
  });

  it('leaves the state before as it was', () => {
    expect(before.trials[1]?.status).toBe('Paused');
    expect(before.flags).toHaveLength(1);
    expect(rungsOf(before.rungs, 0)[0]?.entries.get(1)?.promoted).toBe(false);
  });

  it('adds reports to their trial without copying others', () => {
    expect(after.curves).toBe(before.curves);
    const curve = after.curves.get(1);
    expect(curve?.n).toBe(2);
    expect([...(curve?.run.subarray(0, 2) ?? [])]).toEqual([0, 1]);
  });

  it('sees a gap, and old news', () => {
    expect(fold(null, makeDelta(), 0).kind).toBe('gap');
    expect(fold(after, { ...makeDelta(), since: 22, seq: 25 }, 0).kind).toBe('gap');
    expect(fold(after, makeDelta(), 0).kind).toBe('same');
    const small = decoded('delta_small');
    expect(small.kind === 'delta' && fold(after, small, 0).kind).toBe('state');
  });

  it('lets the clock run only while the run does', () => {
    expect(tunerTimeNow(after, 2500)).toBe(17);
    const paused = { ...after, header: { ...after.header, state: 'paused' as const } };
    expect(tunerTimeNow(paused, 2500)).toBe(15);
  });

  it('keeps old reports when a metric is reported for the first time', () => {
    const delta = makeDelta();
    const reports = delta.reports;
    if (reports === null) throw new Error('the delta has reports');
    const wider = {
      ...reports,
      metricNames: ['accuracy', 'loss'],
      metrics: [...reports.metrics, Float64Array.of(0.3)],
    };
    const next = fold(makeState(), { ...delta, reports: wider }, 0);
    if (next.kind !== 'state') throw new Error('the delta must apply');
    expect(next.state.curves.get(0)?.n).toBe(3);
    expect(next.state.curves.get(0)?.metrics[1]?.[0]).toBeNaN();
    expect(next.state.curves.get(1)?.metrics[1]?.[1]).toBe(0.3);
  });
});

describe('a curve', () => {
  it('grows beyond its first arrays', () => {
    const book = new CurveBook(['m']);
    const { reports } = makeSnapshot();
    const one = {
      ...reports,
      n: 1,
      trial: Int32Array.of(5),
      metricNames: ['m'],
      metrics: [Float64Array.of(0)],
    };
    for (let i = 0; i < 100; i++) book.append({ ...one, metrics: [Float64Array.of(i)] });
    expect(book.get(5)?.n).toBe(100);
    expect(book.get(5)?.metrics[0]?.[99]).toBe(99);
    expect(book.nReports).toBe(100);
  });
});

describe('the filter', () => {
  const { header } = makeState();
  const rows = [
    makeTrial({ id: 0 }),
    makeTrial({
      id: 1,
      status: 'Paused',
      best: 0.41,
      config: { learning_rate: 0.5, activation: 'tanh' },
    }),
    makeTrial({ id: 2, status: 'Failed', error: 'ValueError: no', best: null }),
  ];
  const ids = (text: string): number[] | string => {
    const filter = parseFilter(text, header);
    return filter.ok ? rows.filter(filter.test).map((row) => row.id) : filter.error;
  };

  it.each([
    ['', [0, 1, 2]],
    ['learning_rate<0.1 and state=running', [0]],
    ['state=paused or failed', [1, 2]],
    ['not failed', [0, 1]],
    ['(tanh or valueerror) id>=1', [1, 2]],
    ['LEARNING_RATE >= 5e-1', [1]],
    ['activation="relu"', [0, 2]],
    ['activation != relu', [1]],
    ['error ~ value', [2]],
    ['best=none', [2]],
    ['accuracy ≥ 0.75', [0, 1, 2]],
    ['state!=failed and best<0.5', [1]],
  ])('%s', (text, expected) => {
    expect(ids(text)).toEqual(expected);
  });

  it.each([
    ['learning_rat<1', "there is no 'learning_rat'; did you mean 'learning_rate'?"],
    ['id <', "'id <' needs a value"],
    ['(id=1', "')' is missing"],
    ['id=1)', 'a bracket is closed but not opened'],
    ['"abc', 'a quotation mark is not closed'],
    ['= 3', "'=' needs something before it"],
    ['id=1 and', 'something is missing at the end'],
  ])('explains what is wrong with %s', (text, message) => {
    expect(ids(text)).toBe(message);
  });
});

describe('numbers and times as text', () => {
  it.each([
    [0.97112, 4, '0.9711'],
    [0.0032, 3, '0.00320'],
    [3.2e-5, 3, '3.2e-5'],
    [128, 3, '128'],
    [12400, 3, '12,400'],
    [-0.5, 3, '−0.500'],
    [Number.NaN, 3, 'NaN'],
    [Number.NEGATIVE_INFINITY, 3, '−∞'],
    [0, 3, '0'],
    [4.2e9, 3, '4.2e9'],
  ])('%d in %d digits is %s', (value, digits, text) => {
    expect(formatNumber(value, digits)).toBe(text);
  });

  it('has no idle zeros in hyperparameters', () => {
    expect(formatShort(0.5)).toBe('0.5');
    expect(formatShort(100)).toBe('100');
  });

  it('tells times', () => {
    expect([252, 3852, 200_000].map(formatDuration)).toEqual(['04:12', '1:04:12', '2 d 07:33']);
    expect([ago(0.5), ago(12), roughly(200)]).toEqual(['just now', '12 s ago', '3 min']);
    expect([1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal).join(' ')).toBe(
      '1st 2nd 3rd 4th 11th 12th 13th 21st 112th',
    );
  });
});

describe('sentences', () => {
  const { header } = makeState();

  it('say why a trial did not go on', () => {
    const at = { value: 0.914, rank: 5, size: 12, cutoff: 0.93, goesOn: false };
    expect(rungSentence(at, 3)).toBe('0.9140 is 5th of 12, 4 go on');
    expect(rungSentence({ ...at, rank: 1, size: 1 }, 3)).toBe(
      '0.9140 is 1st of 1; 2 more trials needed before one goes on',
    );
    const entry = {
      ...at,
      bracket: 0,
      level: 9,
      trial: 7,
      at: 1,
      promoted: false,
      promotedAt: null,
    };
    const row = makeTrial({ id: 7, status: 'Paused', rung: 9 });
    expect(entrySentence(header, row, entry)).toBe(
      'Trial 7 paused at epoch 9: 0.9140 is 5th of 12, 4 go on',
    );
    expect(entrySentence(header, row, { ...entry, promoted: true })).toContain(
      'was promoted from epoch 9',
    );
  });

  it('say where a configuration comes from', () => {
    const reason = {
      kind: 'grid',
      bracket: null,
      level: null,
      toLevel: null,
      value: null,
      cutoff: null,
      rank: null,
      size: null,
      goesOn: null,
      index: 2,
      trial: 7,
      mean: null,
      std: null,
      incumbent: null,
    };
    expect(reasonSentence(header, reason)).toBe('number 3 of the grid');
    expect(reasonSentence(header, { ...reason, kind: 'exploit' })).toBe(
      'goes on from the checkpoint of trial 7, changed a little',
    );
    const worse = { ...reason, kind: 'median', level: 3, value: 0.5, rank: 8, size: 9 };
    expect(reasonSentence(header, worse)).toContain('worse than most at epoch 3: 0.5');
    expect(reasonSentence(header, { ...reason, kind: 'random' })).toBe('drawn at random');
    expect(reasonSentence(header, { ...reason, kind: 'model' })).toBe('chosen by the model');
    const model = { ...reason, kind: 'model', level: 9, mean: 0.25, std: 0.031, incumbent: 0.3 };
    expect(reasonSentence(header, model)).toBe(
      'chosen by the model: it expects 0.2500 ± 0.031 at epoch 9, and 0.3000 of the best so far',
    );
    expect(reasonSentence(header, { ...reason, kind: 'some_new_thing' })).toBe('some new thing');
    expect(reasonSentence(header, null, 'user')).toBe('added by you');
  });

  it('name the method and count the trials', () => {
    expect(methodPhrase(header)).toBe('ASHA · promotion · η 3');
    expect(countsPhrase(header)).toBe('1 run · 1 wait');
  });
});

describe('the trial table', () => {
  const { header } = makeState();
  const rows = [
    makeTrial({ id: 0, best: 0.2 }),
    makeTrial({ id: 1, best: null }),
    makeTrial({ id: 2, best: 0.9 }),
  ];
  const columns = columnsFor(header, rows);

  it('sorts with missing values last, whichever way', () => {
    const order = (descending: boolean): number[] =>
      sorted(rows, columns, { column: 'best', descending }).map((row) => row.id);
    expect(order(false)).toEqual([0, 2, 1]);
    expect(order(true)).toEqual([2, 0, 1]);
  });

  it('is written with full precision and without formulas', () => {
    const row = makeTrial({ config: { learning_rate: 0.123456789, activation: '=cmd()' } });
    const text = toCsv([row], columns);
    expect(text).toContain('0.123456789');
    expect(text).toContain("'=cmd()");
  });
});

describe('the head of a rung', () => {
  const at = (trial: number, goesOn: boolean, promoted = false): RungEntry => ({
    bracket: 0,
    level: 3,
    trial,
    value: 0.5,
    at: 1,
    cutoff: null,
    rank: 1,
    size: 1,
    goesOn,
    promoted,
    promotedAt: null,
  });

  it('counts who went up, who waits and who is out', () => {
    const rows = [
      makeTrial({ id: 0, status: 'InProgress', rung: 3, resource: 5 }),
      makeTrial({ id: 1, status: 'Paused', rung: 3, resource: 3 }),
      makeTrial({ id: 2, status: 'Stopped', rung: 3, resource: 3 }),
      makeTrial({ id: 3, status: 'Failed', rung: 3, resource: 3 }),
      makeTrial({ id: 4, status: 'Completed', rung: 9, resource: 9 }),
      makeTrial({ id: 5, status: 'InProgress', rung: 3, resource: 3 }),
    ];
    const entries = rows.map((row) => at(row.id, row.id === 0 || row.id > 3));
    const counts = rungCounts(entries, (id) => rows[id]);
    expect(counts).toEqual([6, 2, 1, 2]);
    expect(rungHead(counts)).toEqual(['6 in', '2 up', '1 wait', '2 out']);
    expect(rungHead([3, 0, 0, 0])).toEqual(['3 in']);
  });
});
