// Sources over values in memory: arrays, and anything that can be iterated.
//
// Owns:    positions as counts of values, replay by index or by skipping.
// Not:     values that arrive later (async-source.ts).
//
// A1. An iterable that answers a fresh iterator each time is replayed from its beginning, skipping.
// A2. An iterator that is its own iterable can be read once only: the source goes on where it stands and says what was lost.

import { ConfigError, ConnectorError } from '../base/errors.js';
import { SKIP_BURST_RECORDS } from '../base/limits.js';
import type { Polled, Source, SourceContext, SourceReader, SourceSplit } from '../operators/source.js';
import { idleReader, NOTHING_LEFT } from './idle-reader.js';
import { onlySplit } from './restored-position.js';

const SPLIT = 'all';

/**
 * The values of an array as it is now, in order: the source keeps a copy of the array, not of the values. Replayable; one subtask
 * reads. Records are values: do not change those in the array while a job reads them.
 */
export function arraySource<T>(items: readonly T[]): Source<T, number> {
  if (!Array.isArray(items)) {
    throw new ConfigError(`arraySource takes an array, got ${typeof items}.`, {
      remedy: 'Use iterableSource for other iterables, asyncIterableSource for asynchronous ones.',
    });
  }
  const kept = items.slice();
  return {
    name: 'array',
    bounded: true,
    replayable: true,
    parallelismMax: 1,
    discover: () => [{ id: SPLIT, position: 0 }],
    open: (splits, context) => arrayReader(kept, onlySplit(splits, SPLIT, context)),
    describe: (_split, position, offset) => `index ${position + offset}`,
  };
}

function arrayReader<T>(items: readonly T[], split: SourceSplit<number> | null): SourceReader<T, number> {
  let next = split?.position ?? null;
  return {
    poll(recordsMax) {
      if (next === null) return NOTHING_LEFT;
      if (next >= items.length) {
        next = null;
        return { kind: 'splitEnd', split: SPLIT };
      }
      const values = items.slice(next, next + recordsMax);
      next += values.length;
      return { kind: 'records', split: SPLIT, values, next };
    },
    close() {
      next = null;
    },
  };
}

/**
 * The values of an iterable, in order. Replayable when every `[Symbol.iterator]()` starts again (a Set, a Map, an object with a
 * generator method); an iterator, or what a generator function answered, runs once only, and the job's guarantee says so.
 * One subtask reads. The iterable may be endless.
 */
export function iterableSource<T>(iterable: Iterable<T>): Source<T, number> {
  const iterator = iterable[Symbol.iterator]();
  // An iterator that is iterable answers itself; asking it changes nothing.
  const once = iterator === (iterable as unknown) ? new IteratorCursor(iterator, 0, false) : null;
  return {
    name: once === null ? 'iterable' : 'iterator',
    bounded: true,
    replayable: once === null,
    parallelismMax: 1,
    discover: () => [{ id: SPLIT, position: 0 }],
    open(splits, context) {
      const split = onlySplit(splits, SPLIT, context);
      if (split === null) return idleReader;
      if (once === null) return replay(iterable, split.position, context).then(iteratorReader);
      once.goOn(split.position, context);
      return iteratorReader(once);
    },
    describe: (_split, position, offset) => `value ${position + offset}`,
  };
}

async function replay<T>(
  iterable: Iterable<T>,
  position: number,
  context: SourceContext,
): Promise<IteratorCursor<T>> {
  const iterator = iterable[Symbol.iterator]();
  for (let skipped = 0; skipped < position && !context.signal.aborted; skipped += 1) {
    // An endless iterable and a position far behind its end must not keep a job from being cancelled.
    if (skipped % SKIP_BURST_RECORDS === SKIP_BURST_RECORDS - 1)
      await new Promise<void>((resolve) => context.runtime.dispatch(resolve));
    if (iterator.next().done !== true) continue;
    throw new ConnectorError(
      `The iterable has ${skipped} values now, but ${position} of it were read before.`,
      {
        operator: context.operator,
        subtask: context.subtask,
        remedy: 'Give the job the same values as before, or start it without the old checkpoint.',
        unrecoverable: true,
      },
    );
  }
  return new IteratorCursor(iterator, position, true);
}

function iteratorReader<T>(cursor: IteratorCursor<T>): SourceReader<T, number> {
  let state: 'reading' | 'ended' | 'closed' = 'reading';
  return {
    poll(recordsMax) {
      if (state !== 'reading') return NOTHING_LEFT;
      const polled = cursor.poll(recordsMax);
      if (polled.kind === 'splitEnd') state = 'ended';
      return polled;
    },
    close() {
      if (state === 'reading') cursor.abandon();
      state = 'closed';
    },
  };
}

/** An iterator and how far it has been read. One that runs once only is shared by all attempts. */
class IteratorCursor<T> {
  private readonly iterator: Iterator<T>;
  private readonly replayable: boolean;
  private taken: number;
  // What it threw. Asked again, it would look finished, and the job would end as if all were well.
  private failure: { readonly cause: unknown } | null = null;

  constructor(iterator: Iterator<T>, taken: number, replayable: boolean) {
    this.iterator = iterator;
    this.taken = taken;
    this.replayable = replayable;
  }

  goOn(position: number, context: SourceContext): void {
    const lost = this.taken - position;
    if (lost > 0) {
      context.warn('values of an iterator were read before the failure and cannot be read again', { lost });
      context.count('source.recordsLost', lost);
    }
    this.taken = position;
  }

  poll(recordsMax: number): Polled<T, number> {
    const values: T[] = [];
    while (this.failure === null && values.length < recordsMax) {
      const result = this.step();
      if (result === null || result.done === true) break;
      values.push(result.value);
    }
    this.taken += values.length;
    if (values.length > 0) return { kind: 'records', split: SPLIT, values, next: this.taken };
    if (this.failure === null) return { kind: 'splitEnd', split: SPLIT };
    throw new ConnectorError('The iterable of the source has thrown.', {
      position: `value ${this.taken}`,
      // Code of the user that waits for nothing: what it throws here, it will throw here again.
      identity: { kind: 'position', text: `value ${this.taken}` },
      cause: this.failure.cause,
      unrecoverable: !this.replayable,
    });
  }

  /** Lets a fresh iterator clean up. One that runs once only stays open: the next attempt goes on reading it. */
  abandon(): void {
    if (this.replayable && this.failure === null) this.iterator.return?.();
  }

  private step(): IteratorResult<T> | null {
    try {
      return this.iterator.next();
    } catch (cause) {
      this.failure = { cause };
      return null;
    }
  }
}
