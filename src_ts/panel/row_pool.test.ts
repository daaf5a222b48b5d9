import { describe, expect, it } from 'vitest';
import { makeTrial } from '../testing/fixtures';
import { RowPool } from './row_pool';

function shown(pool: RowPool, ...ids: number[]) {
  const trials = ids.map((id) => makeTrial({ id }));
  const rows = pool.arrange(trials);
  for (const [i, row] of rows.entries()) row.trial = trials[i] ?? null;
  return rows;
}

describe('the rows of the table', () => {
  it('stay with their trials as others come and go', () => {
    const body = document.createElement('div');
    const pool = new RowPool(body);
    const [one, two, three] = shown(pool, 1, 2, 3);
    const later = shown(pool, 4, 1, 2);
    expect(later[1]).toBe(one);
    expect(later[2]).toBe(two);
    expect(later[0]).toBe(three); // recycled
    expect([...body.children]).toEqual(later.map((row) => row.root));
  });

  it('are hidden where there are more than trials', () => {
    const body = document.createElement('div');
    const pool = new RowPool(body);
    shown(pool, 1, 2, 3);
    const [left] = shown(pool, 2);
    expect([...body.children].filter((row) => !(row as HTMLElement).hidden)).toEqual([left?.root]);
    expect(body.children).toHaveLength(3);
    shown(pool, 5, 6, 2);
    expect(body.children).toHaveLength(3);
  });
});
