// Where functions of users meet the engine.
//
// Owns:    how what they throw, or wrongly return, becomes an error that names the operator.
// Not:     calling them (each operator does that itself, so that its call site stays its own).
//
// U1. A failure is wrapped once, by the operator whose function threw; it passes through the operators above untouched.
// U2. A function that answers a promise is refused: records, timers and barriers would run between its halves (X2).

import { InvariantError } from '../base/assert.js';
import { type ErrorPlace, messageOf, UserCodeError, WeirError } from '../base/errors.js';
import { shownText, shownValue } from '../base/shown-text.js';

/** Whose function it is; an operator context is one. */
export interface CodePlace {
  readonly name: string;
  readonly subtask: number;
  readonly declaredAt: string | undefined;
}

/** The error to throw after `doing` (`"map"`, `the key selector`) has thrown. `index`: of the record in its batch. */
export function userError(place: CodePlace, doing: string, cause: unknown, index?: number): unknown {
  if (cause instanceof InvariantError) return cause;
  if (cause instanceof WeirError && cause.operator !== undefined) return cause;
  return new UserCodeError(`${capital(doing)} threw: ${messageOf(cause)}.`, {
    ...placeOf(place, index),
    cause,
    ...(changesFrozen(cause) ? { remedy: FROZEN_REMEDY, unrecoverable: true } : {}),
  });
}

const FROZEN_REMEDY =
  'Records and what comes out of state are values, and are frozen in development: change a copy, `{ ...record, field: value }`; for state, `set` the copy.';

/** True for what V8 throws when frozen data is changed. */
function changesFrozen(cause: unknown): boolean {
  return (
    cause instanceof TypeError &&
    /^Cannot (assign to read only property|delete property|add property|define property|redefine property)|object is not extensible$/.test(
      cause.message,
    )
  );
}

/** The error for a function that broke its contract without throwing. No restart mends it. */
export function contractError(
  place: CodePlace,
  problem: string,
  remedy: string,
  index?: number,
): UserCodeError {
  return new UserCodeError(problem, { ...placeOf(place, index), remedy, unrecoverable: true });
}

/** The error for a promise where a value was expected. */
export function promiseError(
  place: CodePlace,
  doing: string,
  promise: PromiseLike<unknown>,
  index?: number,
): UserCodeError {
  // The function goes on running; whatever becomes of it, the failure that counts is the one reported here.
  promise.then(ignore, ignore);
  return contractError(
    place,
    `${capital(doing)} answered a promise; operators are synchronous, because records, timers and barriers would otherwise run between its halves.`,
    'Make the function synchronous: prepare what it needs in `open`, or do the waiting in the source or the sink.',
    index,
  );
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** A value for an error message: short, escaped. */
export function shown(value: unknown): string {
  return typeof value === 'function' ? `function ${shownText(value.name)}` : shownValue(value);
}

function placeOf(place: CodePlace, index?: number): ErrorPlace {
  const named = { operator: place.name, subtask: place.subtask, declaredAt: place.declaredAt };
  return index === undefined ? named : { ...named, batchIndex: index };
}

/** `onElement of class Dedup`: a method as its author wrote it; of an object literal, the method alone. */
export function methodOf(instance: object, method: string): string {
  const { name } = instance.constructor ?? {};
  return name === undefined || name === '' || name === 'Object'
    ? method
    : `${method} of class ${shownText(name)}`;
}

/** Words become the beginning of a sentence; a name stays as it was written. */
function capital(text: string): string {
  return /^(?:the|a) /.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

function ignore(): void {
  // See promiseError.
}
