// Results that come one by one out of a user's iterable, and stop while there is no room.
//
// Owns:    the iterable in hand, and where it stands.
// Not:     whose it is: the operator decides what to do when it is through.
//
// E1. Between two items it looks at `output.full` and stops; the rest of the iterable runs when there is room again.
// E2. Only what the user's iterable throws is the user's; a failure of the chain below passes through (U1).
// E3. An iterable that is not run to its end is told so (`return`), so that its `finally` blocks run.

import type { OperatorContext } from './operator.js';
import { contractError, expectNow, shown, userError } from './user-code.js';

export class Emission {
  private readonly context: OperatorContext;
  /** What threw, for messages: `the flatMap function`. */
  private readonly doing: string;
  private readonly explain: (cause: unknown) => unknown;
  private iterator: Iterator<unknown> | null = null;
  private timestamp = 0;

  /** `explain` makes the error out of what the iterable threw. */
  constructor(
    context: OperatorContext,
    doing: string,
    explain: (cause: unknown) => unknown = (cause) => userError(context, doing, cause),
  ) {
    this.context = context;
    this.doing = doing;
    this.explain = explain;
  }

  /** True while an iterable is not through. */
  get pending(): boolean {
    return this.iterator !== null;
  }

  /** Emits the items of what a function answered, all with one timestamp. False: stopped, `resume` goes on. */
  start(answer: unknown, timestamp: number): boolean {
    if (Array.isArray(answer)) return this.startArray(answer, timestamp);
    this.iterator = this.iteratorOf(answer);
    this.timestamp = timestamp;
    return this.resume();
  }

  /** The same for an iterator that is at its beginning, such as a generator. */
  startIterator(iterator: Iterator<unknown>, timestamp: number): boolean {
    this.iterator = iterator;
    this.timestamp = timestamp;
    return this.resume();
  }

  resume(): boolean {
    const { output } = this.context;
    for (;;) {
      const step = this.next();
      if (step === null) return true;
      this.expectNow(step.value);
      output.emit(step.value, this.timestamp);
      if (output.full) return false;
    }
  }

  /** Abandons what is pending; on the way out, so what the iterable's `finally` throws is the last failure and counts. */
  close(): void {
    const { iterator } = this;
    this.iterator = null;
    try {
      iterator?.return?.();
    } catch (cause) {
      throw this.explain(cause);
    }
  }

  private startArray(items: readonly unknown[], timestamp: number): boolean {
    const { output } = this.context;
    for (let index = 0; index < items.length; index += 1) {
      this.expectNow(items[index]);
      output.emit(items[index], timestamp);
      if (output.full && index + 1 < items.length) {
        this.iterator = itemsFrom(items, index + 1);
        this.timestamp = timestamp;
        return false;
      }
    }
    return true;
  }

  /** An item is a value: a promise in the place of one is an `async` callback that slipped in. */
  private expectNow(item: unknown): void {
    if (item instanceof Promise) expectNow(this.context, `an item of ${this.doing}`, item);
  }

  /** Null at the end. */
  private next(): IteratorYieldResult<unknown> | null {
    const { iterator } = this;
    if (iterator === null) return null;
    try {
      const step = iterator.next();
      if (step.done !== true) {
        // An iterator that answers promises never says that it is done.
        if (step.done === undefined) expectNow(this.context, this.doing, step);
        return step;
      }
      this.iterator = null;
      return null;
    } catch (cause) {
      this.iterator = null;
      throw this.explain(cause);
    }
  }

  private iteratorOf(answer: unknown): Iterator<unknown> {
    expectNow(this.context, this.doing, answer);
    if (
      typeof answer === 'string' ||
      (typeof answer === 'object' && answer !== null && Symbol.iterator in answer)
    ) {
      try {
        return (answer as Iterable<unknown>)[Symbol.iterator]();
      } catch (cause) {
        throw this.explain(cause);
      }
    }
    throw contractError(
      this.context,
      `Expected ${this.doing} to answer an array or another iterable, got ${shown(answer)}.`,
      'Return [] for no result, [value] for one, or make it a generator function that yields.',
    );
  }
}

/** True for what a generator function answers: it has begun nothing yet and is run by asking it. */
export function isIterator(value: unknown): value is Iterator<unknown> {
  return typeof value === 'object' && value !== null && 'next' in value && typeof value.next === 'function';
}

function* itemsFrom(items: readonly unknown[], from: number): Generator<unknown, void, void> {
  for (let index = from; index < items.length; index += 1) yield items[index];
}
