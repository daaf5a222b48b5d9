import { describe, expect, it } from 'vitest';
import { CurveBook } from '../state/curves';
import { rungsOf, withEntries } from '../state/rungs';
import { makeState, makeTrial } from '../testing/fixtures';
import { bestX, countAt, steps } from './best_geometry';
import { columnsOf, dataExtents, nearestCurve, thinned, traceCurve } from './curves_geometry';
import { layoutRungs, nearestDot, neighbour } from './rungs_geometry';
import { grow, position, projector, robustExtent, scaleFor, ticks, valueAt } from './scale';

const identity = (value: number): number => value;

describe('axes', () => {
  it.each(['linear', 'log'] as const)('%s: a position leads back to its value', (kind) => {
    const scale = scaleFor(kind, { min: 0.01, max: 10 });
    for (const value of [0.01, 0.3, 10]) {
      expect(valueAt(scale, position(scale, value))).toBeCloseTo(value, 10);
      expect(projector(scale, 100, 500)(value)).toBeCloseTo(100 + 400 * position(scale, value), 8);
    }
  });

  it('logarithmic ones cannot show what is not positive', () => {
    const scale = scaleFor('log', { min: 0.1, max: 1 });
    expect(position(scale, 0)).toBeNaN();
    expect(projector(scale, 0, 1)(-1)).toBeNaN();
  });

  it('make room for a single value', () => {
    const scale = scaleFor('linear', { min: 3, max: 3 });
    expect(scale.min).toBeLessThan(3);
    expect(scale.max).toBeGreaterThan(3);
  });

  it('only grow', () => {
    const shown = grow(null, { min: 0, max: 1 }, 0.1);
    expect(grow(shown, { min: 0.2, max: 0.8 }, 0.1)).toEqual(shown);
    expect(grow(shown, { min: 0, max: 2 }, 0.1)).toEqual({ min: -0.05, max: 2.2 });
  });

  it('leave out a value gone wild, but never a good one', () => {
    const losses = Float64Array.from([...Array.from({ length: 40 }, (_, i) => i / 40), 1e9]);
    expect(robustExtent(losses, 'min')?.max).toBeLessThan(10);
    expect(robustExtent(losses, 'max')?.max).toBe(1e9);
    expect(robustExtent(Float64Array.of(Number.NaN), 'min')).toBeNull();
  });

  it('have round ticks', () => {
    expect(ticks({ kind: 'linear', min: 0, max: 1 }, 5).map((tick) => tick.label)).toEqual([
      '0',
      '0.2',
      '0.4',
      '0.6',
      '0.8',
      '1.0',
    ]);
    expect(ticks({ kind: 'log', min: 1, max: 1000 }, 3).map((tick) => tick.value)).toEqual([
      1, 10, 100, 1000,
    ]);
    expect(ticks({ kind: 'log', min: 1, max: 27 }, 6).map((tick) => tick.value)).toEqual([
      1, 2, 5, 10, 20,
    ]);
  });

  it('have labels that can be told apart, however narrow the range', () => {
    for (const [min, max] of [
      [1.8e9, 1.8e9 + 4],
      [0.12345001, 0.12345009],
      [1e-7, 1.00001e-7],
      [-5e6, -5e6 + 2],
    ] as const) {
      const labels = ticks({ kind: 'linear', min, max }, 5).map((tick) => tick.label);
      expect(labels.length).toBeGreaterThan(2);
      expect(new Set(labels).size).toBe(labels.length);
    }
    expect(ticks({ kind: 'linear', min: 0, max: 4e6 }, 4).map((tick) => tick.label)).toEqual([
      '0',
      '1e6',
      '2e6',
      '3e6',
      '4e6',
    ]);
  });
});

function bookOf(
  points: readonly (readonly [trial: number, run: number, x: number, y: number])[],
): CurveBook {
  const book = new CurveBook(['m']);
  book.append({
    n: points.length,
    trial: Int32Array.from(points, ([trial]) => trial),
    run: Int32Array.from(points, ([, run]) => run),
    time: Float64Array.from(points, (_, i) => i),
    resource: Float64Array.from(points, ([, , x]) => x),
    metricNames: ['m'],
    metrics: [Float64Array.from(points, ([, , , y]) => y)],
  });
  return book;
}

function trace(book: CurveBook, gapPx?: number): string {
  const curve = book.get(0);
  const columns = curve === undefined ? null : columnsOf(curve, 0, 'resource');
  if (curve === undefined || columns === null) throw new Error('no curve');
  const path: string[] = [];
  const sink = {
    moveTo: (x: number, y: number) => path.push(`M${x},${y}`),
    lineTo: (x: number, y: number) => path.push(`L${x},${y}`),
  };
  traceCurve(curve, columns, 0, curve.n, identity, identity, sink, gapPx);
  return path.join(' ');
}

describe('learning curves', () => {
  it('break where the trial was paused', () => {
    const book = bookOf([
      [0, 0, 1, 1],
      [0, 0, 2, 2],
      [0, 1, 3, 3],
      [0, 1, 4, 4],
    ]);
    expect(trace(book)).toBe('M1,1 L2,2 M3,3 L4,4');
    expect(trace(book, 9)).toBe('M1,1 L2,2 L2.25,2.25 M2.75,2.75 L3,3 L4,4');
    const far = bookOf([
      [0, 0, 0, 0],
      [0, 1, 100, 0],
    ]);
    expect(trace(far, 10)).toBe('M0,0 L45,0 M55,0 L100,0');
  });

  it('break at a value that cannot be shown', () => {
    expect(
      trace(
        bookOf([
          [0, 0, 1, 1],
          [0, 0, 2, 2],
          [0, 0, 3, Number.NaN],
          [0, 0, 4, 4],
          [0, 0, 5, 5],
        ]),
      ),
    ).toBe('M1,1 L2,2 M4,4 L5,5');
  });

  it('show a report that is alone', () => {
    expect(trace(bookOf([[0, 0, 1, 1]]))).toBe('M1,1 M-1,1 L3,1 M1,1');
  });

  it('are found by the pointer between their reports', () => {
    const book = bookOf([
      [0, 0, 0, 0],
      [0, 0, 100, 100],
      [1, 0, 0, 50],
      [1, 0, 100, 50],
    ]);
    const hit = nearestCurve(book.all(), 0, 'resource', identity, identity, 70, 66, 20);
    expect(hit).toMatchObject({ trial: 0, index: 1, x: 100, y: 100 });
    expect(nearestCurve(book.all(), 0, 'resource', identity, identity, 20, 52, 20)?.trial).toBe(1);
    expect(nearestCurve(book.all(), 0, 'resource', identity, identity, 50, 900, 20)).toBeNull();
  });

  it('keep their extremes when there are more reports than pixels', () => {
    const n = 5000;
    const x = Float64Array.from({ length: n }, (_, i) => i / 100);
    const y = new Float64Array(n);
    y[1234] = 9;
    y[4321] = -9;
    const kept = thinned({ x, y }, n, 50, identity);
    expect(kept?.length).toBeLessThan(260);
    expect(kept?.includes(1234)).toBe(true);
    expect(kept?.includes(4321)).toBe(true);
    expect(thinned({ x, y }, 100, 50, identity)).toBeNull();
  });

  it('give axes that hold the best value', () => {
    const book = bookOf(Array.from({ length: 9000 }, (_, i) => [i, 0, 1, i === 8999 ? 0.99 : 0.5]));
    expect(dataExtents(book.all(), 9000, 0, 'resource', 'max').y?.max).toBe(0.99);
  });
});

describe('rungs', () => {
  const state = makeState();
  const [first] = [...(rungsOf(state.rungs, 0)[0]?.entries.values() ?? [])];
  if (first === undefined) throw new Error('an entry is expected');
  const values = [0.5, 0.5, 0.5, 0.9];
  const entries = values.map((value, trial) => ({
    ...first,
    trial,
    value,
    at: trial,
    promoted: trial === 3,
  }));
  const above = { ...first, trial: 3, level: 3, value: 0.95, at: 9 };
  const book = withEntries(state.rungs, [...entries, above]);
  const rows = [0, 1, 2, 3].map((id) =>
    makeTrial({ id, status: 'Paused', rung: id === 3 ? 3 : 1, resource: id === 3 ? 3 : 1 }),
  );
  const box = { left: 0, right: 400, top: 0, bottom: 100 };
  const runner = makeTrial({ id: 9, resource: 1, rung: null });
  const layout = layoutRungs(
    rungsOf(book, 0),
    [1, 3, 9],
    (id) => rows[id],
    [{ row: runner, value: 0.2 }],
    box,
    (v) => 100 - 100 * v,
  );

  it('count who is in, went up and waits', () => {
    expect(layout.columns.map((column) => column.head.join(' · '))).toEqual([
      '4 in · 1 up · 3 wait',
      '1 in · 1 wait',
      '0 in',
    ]);
  });

  it('put dots at their metric, beside each other where they meet', () => {
    const dots = layout.dots.filter((dot) => dot.column === 0 && dot.y === 50);
    expect(dots).toHaveLength(3);
    expect(new Set(dots.map((dot) => dot.x)).size).toBe(3);
    expect(dots[0]?.x).toBeCloseTo(400 / 6);
  });

  it('lead a promoted trial to its next rung by a hair-line', () => {
    const link = layout.links.find((one) => one.trial === 3);
    expect(link?.x1).toBeGreaterThan(link?.x0 ?? 0);
    expect(layout.dots.filter((dot) => dot.trial === 3).map((dot) => dot.kind)).toEqual([
      'passed',
      'paused',
    ]);
  });

  it('show a running trial on its way', () => {
    expect(layout.dots.find((dot) => dot.trial === 9)).toMatchObject({
      kind: 'running',
      column: -1,
    });
  });

  it('are walked through by pointer and arrows', () => {
    const dot = nearestDot(layout.dots, 400 / 6 + 1, 51, 10);
    expect(dot?.trial).toBe(0);
    if (dot === null) return;
    expect(neighbour(layout.dots, dot, 1, 0).x).toBeGreaterThan(dot.x);
    expect(neighbour(layout.dots, dot, 0, -1).y).toBeLessThan(dot.y);
  });
});

describe('the best so far', () => {
  const points = [
    { time: 1, trial: 0, value: 0.5, nTrials: 1, nReports: 1 },
    { time: 4, trial: 2, value: 0.7, nTrials: 3, nReports: 9 },
  ];

  it('goes in steps up to now', () => {
    expect(steps(points, 'time', 10)).toEqual([
      [1, 0.5],
      [4, 0.5],
      [4, 0.7],
      [10, 0.7],
    ]);
    expect(points.map((point) => bestX(point, 'trials'))).toEqual([1, 3]);
  });

  it('places flags on other axes', () => {
    expect(countAt([0, 1, 2, 5], 2)).toBe(3);
    expect(countAt([], 2)).toBe(0);
  });
});
