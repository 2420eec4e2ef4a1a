// Wall time for intervals and processing-time timers: it never stands still and never goes back.
//
// Owns:    the rule by which wall and monotonic time become one.
// Not:     time for people and for stored rows, which is the wall clock as it is.
//
// S1. Between two readings it advances by at least what the monotonic clock says: a wall clock that is set back (fault F50)
//     delays nothing.
// S2. It follows a wall clock that is set forward, or a machine that has slept.

import type { Clock } from './runtime.js';

export class SteadyClock {
  readonly #clock: Clock;
  #nowMs: number;
  #readMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#nowMs = clock.wallMs();
    this.#readMs = clock.monotonicMs();
  }

  /** Milliseconds since 1970 UTC, give or take what the wall clock was set back by since this clock was made. */
  nowMs(): number {
    const monotonicMs = this.#clock.monotonicMs();
    // Whole milliseconds, as the wall clock has them; what is left over counts at the next reading.
    const elapsedMs = Math.floor(monotonicMs - this.#readMs);
    this.#readMs += elapsedMs;
    this.#nowMs = Math.max(this.#nowMs + elapsedMs, this.#clock.wallMs());
    return this.#nowMs;
  }
}
