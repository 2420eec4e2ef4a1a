// Connectors that stop for a moment now and then, so that a job under proof is not in step with itself.
//
// Owns:    wrapping a source and a transactional sink with stalls of random length.
// Not:     what they read and write.
//
// S1. Without stalls all barriers of a checkpoint arrive together, and an engine that did not align them would look right.
//     With them channels fill unevenly, senders run out of credits, and calls are under way when somebody dies.
// S2. A stall draws from the runtime: in virtual time the seed decides it. What is stalled when its subtask ends does nothing.

import { randomBelow } from '../../src/base/random-stream.js';
import type { RandomStream, Runtime } from '../../src/base/runtime.js';
import type { TransactionalSink } from '../../src/operators/sink.js';
import type { Polled, Source } from '../../src/operators/source.js';

/** One call in so many stalls. */
const STALL_EVERY = { poll: 12, write: 10, prepare: 4, commit: 3 };
const TRICKLE_MS = 4;

export interface StallOptions {
  readonly mostMs: number;
  /** True: from this position on, one record at a time, because there is still something to wait for. */
  readonly trickle: (position: unknown) => boolean;
}

class Stall {
  private readonly runtime: Runtime;
  private readonly random: RandomStream;
  private readonly mostMs: number;
  ended = false;

  constructor(runtime: Runtime, purpose: string, mostMs: number) {
    this.runtime = runtime;
    this.random = runtime.random(purpose);
    this.mostMs = mostMs;
  }

  /** Null: go on at once. */
  next(call: keyof typeof STALL_EVERY): Promise<void> | null {
    if (randomBelow(this.random, STALL_EVERY[call]) > 0) return null;
    return this.pause(1 + randomBelow(this.random, this.mostMs));
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.runtime.timers.after(delayMs, resolve);
    });
  }
}

export function stallingSource<T, P>(source: Source<T, P>, options: StallOptions): Source<T, P> {
  return {
    ...source,
    async open(splits, context) {
      const reader = await source.open(splits, context);
      const stall = new Stall(context.runtime, `stalls of source ${context.subtask}`, options.mostMs);
      let position: unknown = null;
      const poll = async (recordsMax: number): Promise<Polled<T, P>> => {
        const polled = await reader.poll(recordsMax);
        if (polled.kind === 'records') position = polled.next;
        return polled;
      };
      return {
        onCheckpointComplete: (positions) => reader.onCheckpointComplete?.(positions),
        poll(recordsMax): Polled<T, P> | Promise<Polled<T, P>> {
          const trickles = options.trickle(position);
          const pause = stall.next('poll') ?? (trickles ? stall.pause(TRICKLE_MS) : null);
          if (pause === null) return poll(recordsMax);
          return pause.then(() =>
            stall.ended ? { kind: 'nothing', retryMs: 1 } : poll(trickles ? 1 : recordsMax),
          );
        },
        close() {
          stall.ended = true;
          return reader.close();
        },
      };
    },
  };
}

export function stallingSink<T, C>(
  sink: TransactionalSink<T, C>,
  { mostMs }: StallOptions,
): TransactionalSink<T, C> {
  return {
    ...sink,
    async open(context) {
      const writer = await sink.open(context);
      const stall = new Stall(context.runtime, `stalls of sink ${context.subtask}`, mostMs);
      return {
        recover: (restored) => writer.recover(restored),
        async write(values, timestamps) {
          await stall.next('write');
          if (!stall.ended) await writer.write(values, timestamps);
        },
        async prepare(checkpoint) {
          await stall.next('prepare');
          return stall.ended ? [] : writer.prepare(checkpoint);
        },
        async commit(checkpoint, committables) {
          await stall.next('commit');
          if (stall.ended) return { kind: 'failed', error: new Error('the sink was closed during a stall') };
          return writer.commit(checkpoint, committables);
        },
        close() {
          stall.ended = true;
          return writer.close();
        },
      };
    },
  };
}
