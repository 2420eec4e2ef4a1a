// Keeps a source at a rate, by the monotonic clock.
//
// Owns:    when record number n may leave.
// Not:     waiting: the reader answers "nothing, ask again after so long".
//
// P1. Over any stretch without a stall, record n leaves n / rate after record 0: errors do not add up.
// P2. After a stall at most PACE_CATCH_UP_MS worth of records leave at once.

import { ConfigError } from '../base/errors.js';
import { PACE_CATCH_UP_MS, PACE_TICK_MS } from '../base/limits.js';

export class Pacer {
  private readonly ratePerMs: number;
  private originMs: number;
  private readonly first: number;

  /** Record `first` may leave at `nowMs`, its successors one by one at the rate. */
  constructor(ratePerSecond: number, first: number, nowMs: number) {
    this.ratePerMs = ratePerSecond / 1000;
    this.first = first;
    this.originMs = nowMs;
  }

  /** One past the highest number that may leave now. `next`: the number that would leave first. */
  dueBefore(next: number, nowMs: number): number {
    const lateMs = nowMs - this.dueMs(next);
    if (lateMs > PACE_CATCH_UP_MS) this.originMs += lateMs - PACE_CATCH_UP_MS;
    // The small addition absorbs rounding: a record due at 3.0000000001 ms is due at 3 ms.
    return this.first + Math.floor((nowMs - this.originMs) * this.ratePerMs + 1e-6) + 1;
  }

  /** How long to wait for record `next`, but at least one tick. */
  waitMs(next: number, nowMs: number): number {
    return Math.max(PACE_TICK_MS, Math.ceil(this.dueMs(next) - nowMs));
  }

  private dueMs(number: number): number {
    return this.originMs + (number - this.first) / this.ratePerMs;
  }
}

/** The option of a source, checked: null when there is no limit. */
export function checkedRate(operator: string, ratePerSecond: number | undefined): number | null {
  if (ratePerSecond === undefined) return null;
  if (Number.isFinite(ratePerSecond) && ratePerSecond > 0) return ratePerSecond;
  throw new ConfigError(
    `ratePerSecond is a positive number of records per second, got ${String(ratePerSecond)}.`,
    {
      operator,
      remedy: 'Leave it out for no limit.',
    },
  );
}
