// Sources over values that arrive later: async iterables and readable streams.
//
// Owns:    reading ahead by a bounded number of values, so that a poll answers a batch.
// Not:     values that are already there (array-source.ts).
//
// B1. At most READ_AHEAD_RECORDS_MAX values have been pulled and not handed over.
// B2. A factory is asked for a new iterable from each position, and is replayable; a single iterable is read once: what was
//     pulled stays with the source, so that the next attempt in the same process continues without a gap after the last poll.

import { ConnectorError } from '../base/errors.js';
import { READ_AHEAD_RECORDS_MAX } from '../base/limits.js';
import type { Polled, Source, SourceContext, SourceReader } from '../operators/source.js';
import { idleReader, NOTHING_LEFT } from './idle-reader.js';
import { onlySplit } from './restored-position.js';

const SPLIT = 'all';

export interface AsyncSourceOptions {
  /** Shown to people. Default `async iterable` or `readable stream`. */
  readonly name?: string;
  /** False for an input that never ends. Default true. */
  readonly bounded?: boolean;
}

/** A stream of the web, of Node, of a fetch response: the global type, because a narrower one would spoil inference. */
export type ReadableStreamLike<T> = ReadableStream<T>;

/**
 * The values of an async iterable. Given as a factory `(position) => iterable`, where `position` is the number of values
 * read before, the source is replayable; given as an iterable it can be read once only. One subtask reads.
 */
export function asyncIterableSource<T>(
  input: AsyncIterable<T> | ((position: number) => AsyncIterable<T>),
  options: AsyncSourceOptions = {},
): Source<T, number> {
  if (typeof input === 'function') {
    return source(
      options,
      'async iterable',
      (position) => new AsyncPump(input(position)[Symbol.asyncIterator](), position),
    );
  }
  return source(options, 'async iterable', new AsyncPump(input[Symbol.asyncIterator](), 0));
}

/** The chunks of a ReadableStream; a factory `(position) => stream` makes it replayable. The stream stays locked. */
export function readableStreamSource<T>(
  input: ReadableStreamLike<T> | ((position: number) => ReadableStreamLike<T>),
  options: AsyncSourceOptions = {},
): Source<T, number> {
  if (typeof input === 'function') {
    return source(
      options,
      'readable stream',
      (position) => new AsyncPump(streamIterator(input(position)), position),
    );
  }
  return source(options, 'readable stream', new AsyncPump(streamIterator(input), 0));
}

function source<T>(
  options: AsyncSourceOptions,
  name: string,
  pump: AsyncPump<T> | ((position: number) => AsyncPump<T>),
): Source<T, number> {
  return {
    name: options.name ?? name,
    bounded: options.bounded ?? true,
    replayable: typeof pump === 'function',
    parallelismMax: 1,
    discover: () => [{ id: SPLIT, position: 0 }],
    open(splits, context) {
      const split = onlySplit(splits, SPLIT, context);
      if (split === null) return idleReader;
      if (typeof pump === 'function') return new AsyncReader(pump(split.position), context, true);
      pump.goOn(split.position, context);
      return new AsyncReader(pump, context, false);
    },
    describe: (_split, position, offset) => `value ${position + offset}`,
  };
}

class AsyncReader<T> implements SourceReader<T, number> {
  private readonly pump: AsyncPump<T>;
  private readonly context: SourceContext;
  private readonly owned: boolean;
  private state: 'reading' | 'ended' | 'closed' = 'reading';

  constructor(pump: AsyncPump<T>, context: SourceContext, owned: boolean) {
    this.pump = pump;
    this.context = context;
    this.owned = owned;
  }

  poll(recordsMax: number): Polled<T, number> | Promise<Polled<T, number>> {
    if (this.state !== 'reading') return NOTHING_LEFT;
    this.pump.fill();
    return this.pump.ready ? this.answer(recordsMax) : this.pump.wait().then(() => this.answer(recordsMax));
  }

  close(): void {
    if (this.state === 'closed') return;
    const unfinished = this.state === 'reading';
    this.state = 'closed';
    this.pump.wake();
    // A single iterable stays open for the next attempt.
    if (unfinished && this.owned) this.pump.abandon(this.context);
  }

  private answer(recordsMax: number): Polled<T, number> {
    // Closed while waiting: what has come in belongs to whoever reads next.
    if (this.state !== 'reading') return NOTHING_LEFT;
    const values = this.pump.take(recordsMax);
    if (values.length > 0) return { kind: 'records', split: SPLIT, values, next: this.pump.taken };
    this.state = 'ended';
    return { kind: 'splitEnd', split: SPLIT };
  }
}

/** Pulls from an async iterator ahead of the polls. */
class AsyncPump<T> {
  /** Values handed over so far. */
  taken: number;
  private readonly iterator: AsyncIterator<T>;
  private ahead: T[] = [];
  private state:
    | { readonly kind: 'open' }
    | { readonly kind: 'done' }
    | { readonly kind: 'failed'; readonly cause: unknown } = {
    kind: 'open',
  };
  private pulling = false;
  private waiting: (() => void) | null = null;

  constructor(iterator: AsyncIterator<T>, taken: number) {
    this.iterator = iterator;
    this.taken = taken;
  }

  /** A poll can be answered now: with values, the end, or the failure. */
  get ready(): boolean {
    return this.ahead.length > 0 || this.state.kind !== 'open';
  }

  goOn(position: number, context: SourceContext): void {
    const lost = this.taken - position;
    if (lost > 0) {
      context.warn('values were read before the failure and cannot be read again', { lost });
      context.count('source.recordsLost', lost);
    }
    this.taken = position;
  }

  /** Starts pulling, unless it is under way. It stops by itself when enough is there. */
  fill(): void {
    if (this.pulling || this.state.kind !== 'open' || this.ahead.length >= READ_AHEAD_RECORDS_MAX) return;
    this.pulling = true;
    void this.pull();
  }

  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  wake(): void {
    const waiting = this.waiting;
    this.waiting = null;
    waiting?.();
  }

  take(recordsMax: number): readonly T[] {
    if (this.ahead.length === 0 && this.state.kind === 'failed') {
      throw new ConnectorError('The async iterable of the source has thrown.', {
        position: `value ${this.taken}`,
        cause: this.state.cause,
      });
    }
    const all = this.ahead.length <= recordsMax;
    const values = all ? this.ahead : this.ahead.splice(0, recordsMax);
    if (all) this.ahead = [];
    this.taken += values.length;
    return values;
  }

  /** Lets the iterator clean up. An async generator may be stuck in its own wait, so nobody waits for it here. */
  abandon(context: SourceContext): void {
    if (this.state.kind !== 'open') return;
    const returned = this.iterator.return?.();
    returned?.catch((error: unknown) =>
      context.warn('an async iterator threw when it was closed', { error }),
    );
  }

  private async pull(): Promise<void> {
    try {
      while (this.state.kind === 'open' && this.ahead.length < READ_AHEAD_RECORDS_MAX) {
        const result = await this.iterator.next();
        if (result.done === true) this.state = { kind: 'done' };
        else this.ahead.push(result.value);
        this.wake();
      }
    } catch (cause) {
      this.state = { kind: 'failed', cause };
      this.wake();
    } finally {
      this.pulling = false;
    }
  }
}

function streamIterator<T>(stream: ReadableStream<T>): AsyncIterator<T> {
  const reader = stream.getReader();
  return {
    async next() {
      const { done, value } = await reader.read();
      return done ? { done: true, value: undefined } : { done: false, value };
    },
    async return() {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}
