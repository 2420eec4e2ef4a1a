// The failures of a job, for people and for its last error.
//
// Owns:    which failures belong together: one root per attempt, the others of the same attempt suppressed under it.
// Not:     what is done about them (job-machine.ts).
//
// H1. Bounded in both directions: FAILURE_HISTORY_MAX entries with as many suppressed ones each; the counts go on.

import { FAILURE_HISTORY_MAX } from '../base/limits.js';

export interface JobFailure {
  /** 0: no attempt had begun. */
  readonly attempt: number;
  /** Monotonic. */
  readonly atMs: number;
  readonly error: unknown;
  /** Failures of the same attempt after the first one; usually its echo. */
  readonly suppressed: readonly unknown[];
  /** How many there were, also beyond those kept. */
  readonly suppressedCount: number;
}

export class FailureHistory {
  #entries: readonly JobFailure[] = [];

  /** Oldest first. */
  get entries(): readonly JobFailure[] {
    return this.#entries;
  }

  root(attempt: number, atMs: number, error: unknown): void {
    const entry: JobFailure = { attempt, atMs, error, suppressed: [], suppressedCount: 0 };
    this.#entries = [...this.#entries, entry].slice(-FAILURE_HISTORY_MAX);
  }

  /** One more failure of an attempt that has failed already. */
  echo(attempt: number, error: unknown): void {
    const last = this.#entries[this.#entries.length - 1];
    if (last === undefined || last.attempt !== attempt) return;
    const merged: JobFailure = {
      ...last,
      suppressed: [...last.suppressed, error].slice(0, FAILURE_HISTORY_MAX),
      suppressedCount: last.suppressedCount + 1,
    };
    this.#entries = [...this.#entries.slice(0, -1), merged];
  }

  /** The last failure, and everything that went before or with it. */
  summary(): { readonly error: unknown; readonly suppressed: readonly unknown[] } {
    const last = this.#entries[this.#entries.length - 1];
    const earlier = this.#entries.slice(0, -1).flatMap((entry) => [entry.error, ...entry.suppressed]);
    return { error: last?.error, suppressed: [...earlier, ...(last?.suppressed ?? [])] };
  }
}
