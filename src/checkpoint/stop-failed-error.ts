// The error of a stop that could not be finished.
//
// Owns:    telling it apart from failures of the job: its sources stand still, so the job must restart and go on, whatever
//          its restart strategy says about failures (semantics 5.20).

import { CheckpointError, messageOf } from '../base/errors.js';

export class StopFailedError extends CheckpointError {
  constructor(cause: unknown) {
    super(`The job could not be stopped with a savepoint and goes on: ${messageOf(cause)}`, { cause });
  }
}

/** True when the error, or an error that caused it, is a failed stop. */
export function isStopFailure(thrown: unknown): boolean {
  let error: unknown = thrown;
  for (let depth = 0; depth < 16 && error instanceof Error; depth += 1) {
    if (error instanceof StopFailedError) return true;
    error = error.cause;
  }
  return false;
}
