// Poison records: what becomes of a record that makes a user's function fail.
//
// Owns:    the policies as users write them, and the form of a dead letter.
// Not:     taking back what a failed call has done (trial.ts, src/state/undo-log.ts).

import { plainWords } from '../base/error-report.js';
import { isUnrecoverable, messageOf, UserCodeError, WeirError } from '../base/errors.js';
import type { OutputTag } from './side-output.js';

/** A record, timer or window that failed, as a record of its own. */
export interface DeadLetter<T = unknown> {
  /** Name of the operator or source whose function failed. */
  readonly operator: string;
  /** What the function was called for. */
  readonly trigger: 'record' | 'timer' | 'window';
  /** The record as it came; null for timers and windows. */
  readonly record: T | null;
  /** Where the record stands in its source: `orders.csv:17`. Only in letters of sources; elsewhere null. */
  readonly position: string | null;
  /** The key in hand; null without one, and when it was the key function that failed. */
  readonly key: unknown;
  /** Event time of the record, timer or window in milliseconds; null without one. */
  readonly timestamp: number | null;
  /** The window that fired, and what it held: its elements, or its accumulator. */
  readonly window: { readonly start: number; readonly end: number; readonly contents: unknown } | null;
  readonly error: {
    readonly name: string;
    readonly message: string;
    /** `code` of the error, if it has one. */
    readonly code: string | null;
  };
}

/** Where dead letters go: a side output of the operator. */
export interface DeadLetters {
  readonly kind: 'deadLetter';
  readonly tag: OutputTag<DeadLetter>;
}

/**
 * What becomes of a record that makes a function of the operator throw. `fail`: the job fails and restarts, by the restart
 * strategy. `skip`: the record is left out, counted and told. `deadLetter(tag)`: it goes to a side output as well.
 */
export type OnError = 'fail' | 'skip' | DeadLetters;

/** Sends what fails to a side output: read it with `getSideOutput(tag)`, directly after the operator. */
export function deadLetter<T>(tag: OutputTag<DeadLetter<T>>): DeadLetters {
  return { kind: 'deadLetter', tag: tag as OutputTag<DeadLetter> };
}

/** Names of the counters. */
export const DEAD_LETTERS = 'numDeadLetters';
export const RECORDS_SKIPPED = 'numRecordsSkipped';

/** What is wrong with a policy that a user has passed, or null. */
export function problemOfPolicy(policy: unknown): string | null {
  if (policy === 'fail' || policy === 'skip') return null;
  const tag = (policy as DeadLetters | null | undefined)?.tag;
  const name: unknown = (tag as { name?: unknown } | null | undefined)?.name;
  if ((policy as DeadLetters | null)?.kind === 'deadLetter' && typeof name === 'string' && name !== '')
    return null;
  return "expected 'fail', 'skip' or deadLetter(tag) with a tag made by sideOutput(name)";
}

/** True when the record, timer or window in hand is all that has failed. The rest of the job has no reason to stop. */
export function isPoison(error: unknown): error is WeirError {
  return error instanceof WeirError && (error.poison || !isUnrecoverable(error));
}

/** What a letter says of an error: of what the user's function threw, where it threw. The same in every attempt. */
export function errorOfLetter(error: WeirError): DeadLetter['error'] {
  const thrown = error instanceof UserCodeError && error.cause !== undefined ? error.cause : error;
  const code: unknown = thrown instanceof Error ? (thrown as { code?: unknown }).code : undefined;
  return {
    name: thrown instanceof Error ? String(thrown.name) : 'Error',
    message: thrown instanceof WeirError ? plainWords(thrown) : messageOf(thrown),
    code: typeof code === 'string' ? code : null,
  };
}
