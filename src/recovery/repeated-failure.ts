// Whether a job fails at the same record again and again: then no restart will mend it.
//
// Owns:    what makes two failures the same, and how often in a row the last one has happened.
// Not:     what follows from it (job-machine.ts), which record was in hand (the task knows).
//
// P1. Only a failure at a record counts, in code that does no I/O: a broken disk or a lost connection is no record's fault.
//     Failures without a record change nothing.
// P2. The same failure: operator, code, record, and the message without its numbers and ids, which differ from one attempt to
//     the next.
// P3. A record that is known by its position in the source cannot come again once a checkpoint covers it. One that is known by
//     its content can: there a completed checkpoint is progress, and the count begins anew.

import { type RecordIdentity, WeirError } from '../base/errors.js';
import { FAILURE_CAUSES_MAX } from '../base/limits.js';

interface Failure {
  readonly key: string;
  readonly kind: RecordIdentity['kind'];
}

export class RepeatedFailure {
  #last: Failure | null = null;
  #times = 0;

  /** How often in a row the job has now failed like this; 0 for a failure that does not count. */
  failed(error: unknown): number {
    const failure = failureOf(error);
    if (failure === null) return 0;
    this.#times = failure.key === this.#last?.key ? this.#times + 1 : 1;
    this.#last = failure;
    return this.#times;
  }

  /** A checkpoint was completed. */
  progressed(): void {
    if (this.#last?.kind === 'content') this.#last = null;
  }
}

/** Whether two failures say the same, apart from numbers and ids. */
export function sayTheSame(one: string, other: string): boolean {
  return withoutNumbers(one) === withoutNumbers(other);
}

function failureOf(thrown: unknown): Failure | null {
  let error = thrown;
  for (let depth = 0; depth < FAILURE_CAUSES_MAX && error instanceof Error; depth += 1) {
    const identity = identityOf(error);
    if (identity !== null) {
      const { operator, code } = error as WeirError;
      const words = withoutNumbers(causeText(error));
      return {
        key: JSON.stringify([operator, code, identity.kind, identity.text, words]),
        kind: identity.kind,
      };
    }
    error = error.cause;
  }
  return null;
}

/** A source that names the position itself, as for a record that it could not make, knows it exactly. */
function identityOf(error: Error): RecordIdentity | null {
  if (!(error instanceof WeirError)) return null;
  if (error.identity !== undefined) return error.identity;
  if (error.code !== 'WEIR_USER_CODE' || error.position === undefined) return null;
  return { kind: 'position', text: error.position };
}

/** What was thrown, without the place that Weir has added. */
function causeText(error: Error): string {
  const { cause } = error;
  if (cause instanceof Error) return `${cause.name}: ${cause.message}`;
  return cause === undefined ? error.message.replace(/ \[[^\n]*$/, '') : typeof cause;
}

function withoutNumbers(text: string): string {
  return text.replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{8,}\b|\d+/gi, '#');
}
