import { describe, expect, it } from 'vitest';
import { makeState, makeTrial } from '../testing/fixtures';
import { consequences, readPreview } from './consequences';
import { rangeBins, standings } from './histogram';
import { applyEdit, complaint, parseValue, readEntry } from './space';

describe('the space', () => {
  const space = makeState().header.configSpace;

  it('reads ranges, choices and constants', () => {
    expect(readEntry(space.learning_rate)).toMatchObject({
      kind: 'range',
      scale: 'log',
      integer: false,
    });
    expect(readEntry(space.activation)).toMatchObject({ kind: 'choice', ordered: false });
    expect(readEntry(space.epochs)).toEqual({ kind: 'constant', value: 27 });
  });

  it('writes an edit into the form of the entry', () => {
    const edit = { kind: 'range', lower: 0.001, upper: 0.1, scale: 'log' } as const;
    expect(applyEdit(space.learning_rate, edit)).toEqual({
      domain_cls: 'Float',
      domain_kwargs: { lower: 0.001, upper: 0.1 },
      sampler_cls: 'LogUniform',
      sampler_kwargs: { base: 10 },
    });
    expect(applyEdit(space.learning_rate, { ...edit, scale: 'linear' })).toMatchObject({
      sampler_cls: 'Uniform',
    });
    expect(applyEdit(space.activation, { kind: 'constant', value: 'relu' })).toBe('relu');
  });

  it('sees at once what is not possible', () => {
    const entry = readEntry(space.learning_rate);
    const edit = { kind: 'range', lower: 0, upper: 1, scale: 'log' } as const;
    expect(complaint(entry, edit)).toMatch(/above 0/);
    expect(complaint(entry, { ...edit, lower: 2 })).toMatch(/above the upper/);
    expect(complaint(entry, { ...edit, lower: Number.NaN })).toMatch(/numbers/);
    expect(complaint(entry, { ...edit, lower: 0.1 })).toBeNull();
    expect(complaint(readEntry(space.activation), { kind: 'choice', categories: [] })).toMatch(
      /at least one/,
    );
  });

  it('tells values from text', () => {
    expect([parseValue('1e-3'), parseValue('true'), parseValue('relu')]).toEqual([
      0.001,
      true,
      'relu',
    ]);
  });

  it('counts what was tried and how good it was', () => {
    const rows = [
      makeTrial({ id: 0, best: 0.9, config: { learning_rate: 1e-5 } }),
      makeTrial({ id: 1, best: 0.1, config: { learning_rate: 1 } }),
      makeTrial({ id: 2, best: 0.5, config: { learning_rate: 1 } }),
    ];
    const entry = readEntry(space.learning_rate);
    if (entry.kind !== 'range') throw new Error('a range is expected');
    const bins = rangeBins(rows, 'learning_rate', entry, standings(rows, 'max'), 5);
    expect(bins.map((bin) => bin.count)).toEqual([1, 0, 0, 0, 2]);
    expect(bins[0]?.standing).toBe(1);
    expect(bins[4]?.standing).toBe(0.25);
  });

  it('says what follows from an edit', () => {
    const preview = readPreview({
      errors: {},
      outside: 14,
      kept: 9,
      dropped: 5,
      running_go_on: [1, 2],
      changes: [],
    });
    expect(consequences(preview, 42)).toBe(
      '14 of 42 trials fall outside: 9 still inform the model, 5 do not; 2 running trials go on',
    );
  });
});
