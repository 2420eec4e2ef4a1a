// When the next periodic checkpoint may be triggered.
//
// Owns:    interval and minimum pause (semantics 5.10).
// Not:     savepoints and final checkpoints, which wait for neither; how many may be pending.
//
// S1. A trigger that could not happen in time happens once, as soon as it can; the missed ones are not made up for.
// S2. The pause counts from the end of the last checkpoint, completed or not, to the next periodic trigger.

export class PeriodicSchedule {
  readonly #intervalMs: number | null;
  readonly #minPauseMs: number;
  /** Null until started, and for ever when there is no interval. */
  #nextMs: number | null = null;
  #lastEndMs: number | null = null;

  constructor(intervalMs: number | null, minPauseMs: number) {
    this.#intervalMs = intervalMs;
    this.#minPauseMs = minPauseMs;
  }

  started(nowMs: number): void {
    this.#nextMs = this.#intervalMs === null ? null : nowMs + this.#intervalMs;
  }

  triggeredPeriodic(nowMs: number): void {
    if (this.#intervalMs === null || this.#nextMs === null) return;
    // On the grid of the interval when it is kept, from now when it is not (S1).
    const onGrid = this.#nextMs + this.#intervalMs;
    this.#nextMs = onGrid > nowMs ? onGrid : nowMs + this.#intervalMs;
  }

  ended(nowMs: number): void {
    this.#lastEndMs = nowMs;
  }

  /** The moment from which a periodic trigger is allowed; null: never. */
  dueMs(): number | null {
    if (this.#nextMs === null) return null;
    if (this.#lastEndMs === null || this.#minPauseMs === 0) return this.#nextMs;
    return Math.max(this.#nextMs, this.#lastEndMs + this.#minPauseMs);
  }
}
