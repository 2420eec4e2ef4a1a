// When a stream that could deliver records has none.
//
// Owns:    the clock of one split or subtask that counts time without record (semantics 2.9).
// Not:     telling anybody.
//
// I1. The clock starts at the first check that saw no record since the check before, and must exceed the limit.
// I2. It stands still while the subtask could not have read a record: a stream that is held back is not idle.

export class IdlenessClock {
  private readonly limitMs: number;
  private active = true;
  private countedMs: number | null = null;
  private lastMs = 0;

  constructor(limitMs: number) {
    this.limitMs = limitMs;
  }

  /** A record came. */
  touch(): void {
    this.active = true;
  }

  /** To be asked periodically. `pausedMs`: how much of the time since the last check nothing could have been read. */
  check(nowMs: number, pausedMs: number): boolean {
    const elapsedMs = nowMs - this.lastMs - pausedMs;
    this.lastMs = nowMs;
    if (this.active) {
      this.active = false;
      this.countedMs = null;
      return false;
    }
    if (this.countedMs === null) this.countedMs = 0;
    else if (elapsedMs > 0) this.countedMs += elapsedMs;
    return this.countedMs > this.limitMs;
  }
}
