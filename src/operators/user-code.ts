// Where functions of users meet the engine.
//
// Owns:    how what they throw, or wrongly return, becomes an error that names the operator.
// Not:     calling them (each operator does that itself, so that its call site stays its own).
//
// U1. A failure is wrapped once, by the operator whose function threw; it passes through the operators above untouched.
// U2. A function that answers later is refused: records, timers and barriers would run between its halves (X2).

import { InvariantError } from '../base/assert.js';
import { refuseLater } from '../base/at-once.js';
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

/** As `contractError`, when the record is to blame rather than the program. */
export function poisonError(place: CodePlace, problem: string, remedy: string): UserCodeError {
  return new UserCodeError(problem, { ...placeOf(place), remedy, unrecoverable: true, poison: true });
}

/** Throws when a function has answered a promise or an async iterator. To be asked of every answer of a user's function. */
export function expectNow(place: CodePlace, doing: string, answer: unknown, index?: number): void {
  refuseLater(doing, answer, placeOf(place, index));
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
