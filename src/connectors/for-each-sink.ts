// The sink that is a function of the user.
//
// Owns:    calling it, one record at a time, in order.
// Not:     retries and batching: write a Sink for those (docs/connectors.md).

import { refuseLater } from '../base/at-once.js';
import { ConfigError, UserCodeError } from '../base/errors.js';
import type { PlainSink } from '../operators/sink.js';

export interface ForEachSinkOptions {
  /** Shown to people. Default: the name of the function. */
  readonly name?: string;
  /** `idempotent` when calling it twice with a record has the effect of calling it once. Default `atLeastOnce`. */
  readonly guarantee?: 'atLeastOnce' | 'idempotent';
  /** Most subtasks that may call it. Default: as many as the job has. */
  readonly parallelismMax?: number;
}

/**
 * Calls `handle` for each record; a promise that it answers is awaited before the next one: that is the backpressure.
 * What it throws fails the attempt, and after the restart it is called again from the last checkpoint on.
 */
export function forEachSink<T>(
  handle: (value: T, timestamp: number) => void | Promise<void>,
  options: ForEachSinkOptions = {},
): PlainSink<T> {
  if (typeof handle !== 'function') {
    throw new ConfigError(`forEachSink takes a function, got ${typeof handle}.`);
  }
  const name = options.name ?? (handle.name === '' ? 'forEach' : `forEach ${handle.name}`);
  const writer = {
    write: (values: readonly T[], timestamps: readonly number[]): void | Promise<void> =>
      callFrom(0, values, timestamps, handle),
    flush() {
      // Every call has settled when `write` has.
    },
    close() {
      // Nothing was opened.
    },
  };
  const sink: PlainSink<T> = { name, guarantee: options.guarantee ?? 'atLeastOnce', open: () => writer };
  return options.parallelismMax === undefined ? sink : { ...sink, parallelismMax: options.parallelismMax };
}

/** Synchronous as long as the function is: a promise per record would cost more than most functions do. */
function callFrom<T>(
  first: number,
  values: readonly T[],
  timestamps: readonly number[],
  handle: (value: T, timestamp: number) => void | Promise<void>,
): void | Promise<void> {
  for (let index = first; index < values.length; index += 1) {
    const answer: unknown = handle(values[index] as T, timestamps[index] as number);
    // Numbers and the like are what a short arrow function answers without meaning to.
    if (typeof answer !== 'object' || answer === null) continue;
    const pending = promiseOf(answer);
    if (pending !== null) return pending.then(() => callFrom(index + 1, values, timestamps, handle));
  }
}

/** The promise to wait for, or null. Throws for a generator: nobody would run it. */
function promiseOf(answer: object): Promise<unknown> | null {
  if ('then' in answer && typeof answer.then === 'function') return Promise.resolve(answer);
  refuseLater('the function of forEachSink', answer);
  if (!('next' in answer && typeof answer.next === 'function')) return null;
  throw new UserCodeError('Expected the function of forEachSink to write the record, got a generator.', {
    remedy: 'Write it as a plain or an async function: nobody would run a generator.',
    unrecoverable: true,
  });
}
