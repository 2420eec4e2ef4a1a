// Functions of users answer at once.
//
// Owns:    what counts as an answer that comes later, and the error that refuses it: one for all places that call a user.
// Not:     what else is wrong with an answer, and where waiting is allowed (sources and sinks).
//
// A1. A promise, anything with `then`, and anything that is iterated with `for await` come later.
// A2. Refusing takes over the promise: its rejection is nobody's any more, so it never ends the process.

import { type ErrorPlace, UserCodeError } from './errors.js';

/** Only for `instanceof`: true for what native async generators answer. For loops in which looking up properties costs too much. */
export const AsyncIteration: new () => object = asyncIteration();

/** True for a promise, a thenable, an async iterator or an async iterable. */
export function isLater(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const { then, [Symbol.asyncIterator]: iterate } = value as Record<PropertyKey, unknown>;
  return typeof then === 'function' || typeof iterate === 'function';
}

/** The error for `doing` (`the key selector`), which has answered something that comes later. No restart mends it. */
export function laterError(doing: string, answer: object, place: ErrorPlace): UserCodeError {
  const isThenable = 'then' in answer && typeof answer.then === 'function';
  // The function goes on running; whatever becomes of it, the failure that counts is the one reported here.
  if (isThenable) (answer as PromiseLike<unknown>).then(ignore, ignore);
  return new UserCodeError(
    `Expected ${doing} to answer at once, got ${isThenable ? 'a promise' : 'an async iterator'}; operators are synchronous, because records, timers and barriers would otherwise run between its halves.`,
    {
      ...place,
      remedy: isThenable
        ? 'Make the function synchronous: prepare what it needs before the job starts, or do the waiting in the source or the sink.'
        : 'Write it without `async`, as a plain function or, where results may be yielded, as a generator; do the waiting in the source or the sink.',
      unrecoverable: true,
    },
  );
}

/** Throws `laterError` for an answer that comes later. */
export function refuseLater(doing: string, answer: unknown, place: ErrorPlace = {}): void {
  if (isLater(answer)) throw laterError(doing, answer, place);
}

function asyncIteration(): new () => object {
  async function* none(): AsyncGenerator<never, void, void> {
    // What it does does not matter: its prototype is what all native async iterators inherit from.
  }
  function AsyncIteration(): void {
    // Never called.
  }
  AsyncIteration.prototype = Object.getPrototypeOf(Object.getPrototypeOf(none.prototype));
  return AsyncIteration as never;
}

function ignore(): void {
  // See A2.
}
