// How the failures of a job are told: the first one whole, its repetitions in a line, the last one with the way out.
//
// Owns:    the fields of the log entries, and the error that ends the job.
// Not:     what counts as the same failure (src/recovery/repeated-failure.ts), the lines (src/base/error-report.ts).

import { chainText, reportError } from '../src/base/error-report.js';
import { JobFailedError, messageOf } from '../src/base/errors.js';
import type { LogFields } from '../src/base/logger.js';
import type { JobEffect } from '../src/recovery/job-machine.js';
import { sayTheSame } from '../src/recovery/repeated-failure.js';

export class ToldFailures {
  private last: string | null = null;

  /** `error` is its text; with `report`, the lines of the whole chain of causes, when it was not told just before. */
  fieldsOf(error: unknown): LogFields {
    const text = messageOf(error);
    const again = this.last !== null && sayTheSame(this.last, text);
    this.last = text;
    if (again) return { error: text };
    return { error: text, report: reportError(error, { verbose: false, directory: null }) };
  }
}

/** The error that ends the job. */
export function jobFailure(job: string, failed: JobEffect & { readonly kind: 'fail' }): JobFailedError {
  const { error, suppressed, why } = failed;
  const last = messageOf(error);
  // The last failure is often an echo of another one: a store that hung cannot be opened again.
  const before = suppressed.map(messageOf).findLast((text) => !sayTheSame(text, last));
  const echo = before === undefined ? '' : `; before that: ${before}`;
  return new JobFailedError(`Job "${job}" failed (${why}${echo}): ${chainText(error)}`, {
    cause: error,
    suppressed,
    remedy: failed.remedy,
  });
}
