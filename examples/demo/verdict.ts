// Holds the committed files of the demo against the truth.
//
// Owns:    reading the files as any reader of the directory would, and comparing.
//
// V1. Only files that a reader can see count; what a crash left unfinished must not be among them.
// V2. Both ways are checked: every order is there once, and every sum of a minute and category is the true one, once.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MinuteRevenue, type Order, revenueKey, trueRevenue } from './orders.js';

export interface Verdict {
  readonly orders: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Sum of all orders in the files, and of all orders that were generated. */
  readonly centsInFiles: number;
  readonly centsTrue: number;
  readonly windows: number;
  /** Windows that are missing, there twice, or have another sum than the orders they stand for. */
  readonly windowsWrong: number;
  readonly ok: boolean;
}

export function verdictOf(
  directories: { readonly orders: string; readonly revenue: string },
  generated: { readonly orders: number; readonly ratePerSecond: number },
): Verdict {
  const seen = new Uint8Array(generated.orders);
  let duplicated = 0;
  let strangers = 0;
  let centsInFiles = 0;
  for (const order of rows<Order>(directories.orders)) {
    centsInFiles += order.cents;
    if (seen[order.id] === undefined) strangers += 1;
    else if (seen[order.id] === 0) seen[order.id] = 1;
    else duplicated += 1;
  }
  const lost = seen.reduce((none, there) => none + (there === 0 ? 1 : 0), 0);
  const truth = trueRevenue(generated.orders, generated.ratePerSecond);
  const centsTrue = [...truth.values()].reduce((sum, cents) => sum + cents, 0);
  const windowsWrong = wrongWindows([...rows<MinuteRevenue>(directories.revenue)], truth);
  const ok = lost + duplicated + strangers + windowsWrong === 0 && centsInFiles === centsTrue;
  const orders = generated.orders - lost;
  return { orders, lost, duplicated, centsInFiles, centsTrue, windows: truth.size, windowsWrong, ok };
}

function wrongWindows(found: readonly MinuteRevenue[], truth: ReadonlyMap<string, number>): number {
  const open = new Map(truth);
  let wrong = 0;
  for (const { minute, category, cents } of found) {
    const key = revenueKey(minute, category);
    if (open.get(key) !== cents) wrong += 1;
    open.delete(key);
  }
  return wrong + open.size;
}

function* rows<T>(directory: string): Iterable<T> {
  for (const name of readdirSync(directory)) {
    if (!name.endsWith('.ndjson')) continue;
    for (const line of readFileSync(join(directory, name), 'utf8').split('\n')) {
      if (line !== '') yield JSON.parse(line) as T;
    }
  }
}
