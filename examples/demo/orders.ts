// The orders of the demo, and the truth about them.
//
// Owns:    what order n is, and the sums that any correct run must arrive at.
// Not:     streams: nothing here knows of Weir, so that the truth cannot share a mistake with it.
//
// O1. Order n is a function of n alone: whoever replays it gets the same one.

export const CATEGORIES: readonly string[] = ['books', 'garden', 'kitchen', 'music', 'toys'];

/** Event time runs this much faster than the clock on the wall: a minute of the shop passes in a second and a half. */
const SHOP_SPEED = 40;
const OPENED_AT: number = Date.UTC(2026, 0, 5, 9);
/** Orders reach the stream up to this much late, in shop time. */
export const DISORDER_MS = 4_000;
const MINUTE_MS = 60_000;

export interface Order {
  readonly id: number;
  readonly category: string;
  readonly cents: number;
  readonly at: number;
}

export interface MinuteRevenue {
  readonly minute: number;
  readonly category: string;
  readonly cents: number;
}

export function orderOf(id: number, ratePerSecond: number): Order {
  const dice = scramble(id);
  return {
    id,
    category: CATEGORIES[dice % CATEGORIES.length] ?? '',
    cents: 100 + ((dice >>> 3) % 9_900),
    at:
      OPENED_AT +
      Math.floor((id * 1_000 * SHOP_SPEED) / ratePerSecond) +
      DISORDER_MS -
      ((dice >>> 17) % DISORDER_MS),
  };
}

export function minuteOf(order: Order): number {
  return order.at - (order.at % MINUTE_MS);
}

/** Revenue by `revenueKey`, summed up in one loop. */
export function trueRevenue(orders: number, ratePerSecond: number): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (let id = 0; id < orders; id += 1) {
    const order = orderOf(id, ratePerSecond);
    const key = revenueKey(minuteOf(order), order.category);
    sums.set(key, (sums.get(key) ?? 0) + order.cents);
  }
  return sums;
}

export function revenueKey(minute: number, category: string): string {
  return `${minute} ${category}`;
}

/** Well mixed 32 bits of a number, without sign. */
function scramble(value: number): number {
  let mixed = Math.imul(value ^ 0x9e3779b9, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
