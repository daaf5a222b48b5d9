import { describe, expect, it } from 'vitest';
import { makeTrial } from '../testing/fixtures';
import { HeldOrder } from './held_order';

const rows = (...ids: number[]) => ids.map((id) => makeTrial({ id }));
const ids = (arranged: { rows: readonly { id: number }[] }) => arranged.rows.map((row) => row.id);

describe('the order of rows', () => {
  it('follows the sort while the pointer is elsewhere', () => {
    const order = new HeldOrder();
    expect(ids(order.arrange(rows(0, 1), 'a', false))).toEqual([0, 1]);
    expect(ids(order.arrange(rows(2, 1, 0), 'a', false))).toEqual([2, 1, 0]);
  });

  it('stays under the pointer, and new rows wait', () => {
    const order = new HeldOrder();
    order.arrange(rows(1, 0), 'a', false);
    const held = order.arrange(rows(3, 2, 0, 1), 'a', true);
    expect(ids(held)).toEqual([1, 0]);
    expect(held.waiting).toBe(2);
    expect(ids(order.arrange(rows(3, 2, 0, 1), 'a', false))).toEqual([3, 2, 0, 1]);
  });

  it('shows rows as they are now, and drops those that are gone', () => {
    const order = new HeldOrder();
    order.arrange(rows(0, 1, 2), 'a', false);
    const now = [makeTrial({ id: 2, status: 'Completed' }), makeTrial({ id: 0 })];
    const held = order.arrange(now, 'a', true);
    expect(ids(held)).toEqual([0, 2]);
    expect(held.rows[1]?.status).toBe('Completed');
  });

  it('obeys a new sort or filter at once', () => {
    const order = new HeldOrder();
    order.arrange(rows(0, 1), 'a', false);
    expect(ids(order.arrange(rows(1, 0), 'b', true))).toEqual([1, 0]);
  });
});
