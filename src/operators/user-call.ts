// One call of a user's function that may emit: the output it sees, and what becomes of its answer.
//
// Owns:    when emitting is allowed, how much, and whose failure a failure is.
//
// C1. Emission is only possible while the function runs (semantics 1.2): a stray callback gets an error, not an output.
// C2. A failure of the chain below is not the function's to catch: it is remembered and thrown again when the call ends.
// C3. One call emits at most EMISSION_OVERDRAFT_RECORDS_MAX records; more must come from a generator, which can be suspended.

import { TimestampMissingError } from '../base/errors.js';
import { EMISSION_OVERDRAFT_RECORDS_MAX } from '../base/limits.js';
import { MIN_TIMESTAMP } from '../base/timestamps.js';
import type { LentValues } from '../state/lent-values.js';
import { Emission, isIterator } from './emission.js';
import type { OperatorContext } from './operator.js';
import { contractError, expectNow, userError } from './user-code.js';

export class UserCall {
  readonly context: OperatorContext;
  private readonly emission: Emission;
  private readonly doing: string;
  /** What the function has in hand of its state; null in production. */
  private readonly lent: LentValues | null;
  /** Of the record or timer in hand; MIN_TIMESTAMP: none. */
  private timestamp: number = MIN_TIMESTAMP;
  /** What results carry. */
  private resultTimestamp: number = MIN_TIMESTAMP;
  private running = false;
  private emitted = 0;
  private below: { readonly error: unknown } | null = null;

  constructor(context: OperatorContext, doing: string) {
    this.context = context;
    this.doing = doing;
    this.lent = context.keyed?.lent ?? null;
    this.emission = new Emission(context, doing, (cause) => this.failed(cause));
  }

  /** True while a generator is not through. */
  get pending(): boolean {
    return this.emission.pending;
  }

  /** Before the function is called. A processing-time timer has a time, but its results have no event time. */
  enter(timestamp: number, resultTimestamp: number = timestamp): void {
    this.timestamp = timestamp;
    this.resultTimestamp = resultTimestamp;
    this.emitted = 0;
    this.running = true;
  }

  /** After the function returned. False: its generator is suspended; `resume` goes on. */
  leave(answer: unknown): boolean {
    const done = this.take(answer);
    if (done && this.lent !== null) this.lent.verify();
    return done;
  }

  private take(answer: unknown): boolean {
    this.running = false;
    this.rethrowBelow();
    if (typeof answer !== 'object' || answer === null) return true;
    // Before iterators: an async one has `next` as well, and would never say that it is done.
    expectNow(this.context, this.doing, answer);
    if (isIterator(answer)) return this.emission.startIterator(this.guarded(answer), this.resultTimestamp);
    if (!(Symbol.iterator in answer)) return true;
    throw contractError(
      this.context,
      `Expected ${this.doing} to return nothing or to be a generator, got an iterable that nobody would read.`,
      'Call context.emit for each result, or write a generator function and `yield*` the iterable.',
    );
  }

  /** After the function threw. */
  failed(cause: unknown): unknown {
    this.running = false;
    this.rethrowBelow();
    return userError(this.context, this.doing, cause);
  }

  resume(): boolean {
    const done = this.emission.resume();
    if (done && this.lent !== null) this.lent.verify();
    return done;
  }

  close(): void {
    this.emission.close();
  }

  emit(value: unknown): void {
    this.check(value);
    try {
      this.context.output.emit(value, this.resultTimestamp);
    } catch (error) {
      throw this.remember(error);
    }
  }

  side(tag: { readonly name: string }, value: unknown): void {
    this.check(value);
    try {
      this.context.output.side(tag.name, value, this.resultTimestamp);
    } catch (error) {
      throw this.remember(error);
    }
  }

  get hasTimestamp(): boolean {
    return this.timestamp > MIN_TIMESTAMP;
  }

  requireTimestamp(): number {
    if (this.hasTimestamp) return this.timestamp;
    throw new TimestampMissingError('The timestamp of a record was asked for, and it has none.', {
      operator: this.context.name,
      subtask: this.context.subtask,
      declaredAt: this.context.declaredAt,
      remedy: 'Assign timestamps at the source or with assignTimestamps, or ask context.hasTimestamp first.',
    });
  }

  private check(value: unknown): void {
    if (!this.running) {
      throw contractError(
        this.context,
        `Something was emitted after ${this.doing} had returned.`,
        'Emit during the call only: what happens later belongs into a timer, or into a source.',
      );
    }
    this.emitted += 1;
    if (value instanceof Promise) expectNow(this.context, `what ${this.doing} emits`, value);
    if (this.emitted <= EMISSION_OVERDRAFT_RECORDS_MAX) return;
    throw this.remember(
      contractError(
        this.context,
        `One call of ${this.doing} emitted more than ${EMISSION_OVERDRAFT_RECORDS_MAX} records.`,
        'Write it as a generator function (`*onElement`) that yields its results: it is suspended while there is no room.',
      ),
    );
  }

  private remember(error: unknown): unknown {
    this.below ??= { error };
    return error;
  }

  private rethrowBelow(): void {
    if (this.below !== null) throw this.below.error;
  }

  /** The body of a generator runs inside `next`: that is when it may emit by other means. */
  private guarded(iterator: Iterator<unknown>): Iterator<unknown> {
    const call = this;
    return {
      next() {
        call.running = true;
        call.emitted = 0;
        try {
          return iterator.next();
        } finally {
          call.running = false;
          call.rethrowBelow();
        }
      },
      return() {
        return iterator.return?.() ?? { done: true, value: undefined };
      },
    };
  }
}
