// The input of a scenario: records that wait outside of the job, in splits, and can be read again.
//
// Owns:    the replayable source, its pace, and the faults of reading.
// Not:     making the records (scenario input), poisoned or late ones (input-faults.ts).
//
// I1. Record i is in split i modulo the number of splits; a split is in order.
// I2. The pace is by the monotonic clock. While a fault of the plan has not fired, the last part of the records trickles, so that
//     there is still a job to hit; it ends all the same.

import { ConnectorError } from '../base/errors.js';
import { randomBelow } from '../base/random-stream.js';
import type { Runtime, TimerHandle } from '../base/runtime.js';
import type { Polled, Source, SourceContext, SourceReader, SourceSplit } from '../operators/source.js';
import type { Arsenal } from './arsenal.js';
import { InjectedFault } from './injected.js';
import type { OpenConnectors } from './open-connectors.js';

export interface WorldInputOptions<T> {
  readonly records: readonly T[];
  readonly timestamps: readonly number[];
  readonly splits: number;
  /** Records of one poll, at most. Default 6. */
  readonly pollRecordsMax?: number;
  /** Virtual milliseconds that a poll takes, at most: it answers later, as a source does that waits for a broker. Default: at once. */
  readonly pollMs?: number;
  /** Between two records of the whole input. 0: as fast as the job takes them. */
  readonly gapMs: number;
  /** Null in a run without faults. */
  readonly arsenal: Arsenal | null;
  /** Where readers report that they are open. */
  readonly connectors?: OpenConnectors;
}

/** From here on the records trickle while a fault is still to come. */
const TRICKLE_FROM = 0.6;
const TRICKLE_MS = 3;
const POLL_RECORDS_MAX = 6;

export function worldInput<T>(options: WorldInputOptions<T>): Source<T, number> {
  return {
    name: 'scenario input',
    bounded: true,
    replayable: true,
    parallelismMax: options.splits,
    discover: () =>
      Array.from({ length: options.splits }, (_, split) => ({ id: String(split), position: 0 })),
    open: (splits, context) => new WorldReader(options, splits, context),
    describe: (split, position, offset) => `split ${split}, record ${position + offset}`,
  };
}

interface Split {
  readonly id: string;
  readonly number: number;
  next: number;
}

class WorldReader<T> implements SourceReader<T, number> {
  readonly #options: WorldInputOptions<T>;
  readonly #runtime: Runtime;
  readonly #random: ReturnType<Runtime['random']>;
  readonly #name: string;
  #splits: Split[];
  #turn = 0;
  /** Of the answer that is under way. */
  #pending: TimerHandle | null = null;
  /** Virtual time at which the first record of this reader was due. */
  readonly #startMs: number;
  readonly #startIndex: number;

  constructor(
    options: WorldInputOptions<T>,
    splits: readonly SourceSplit<number>[],
    { runtime, subtask, operator }: SourceContext,
  ) {
    this.#options = options;
    this.#runtime = runtime;
    options.connectors?.opened(this, `reader ${operator}/${subtask}`, runtime);
    this.#random = runtime.random(`world input ${subtask}`);
    this.#name = operator;
    this.#splits = splits.map(({ id, position }) => ({ id, number: Number(id), next: position }));
    this.#startMs = runtime.clock.monotonicMs();
    const firsts = this.#splits.map((split) => this.#indexOf(split, split.next));
    this.#startIndex = firsts.length === 0 ? 0 : Math.min(...firsts);
  }

  poll(recordsMax: number): Polled<T, number> | Promise<Polled<T, number>> {
    const { pollMs } = this.#options;
    if (pollMs === undefined) return this.#answer(recordsMax);
    return new Promise<void>((resolve) => {
      this.#pending = this.#runtime.timers.after(randomBelow(this.#random, pollMs + 1), resolve);
    }).then(() => this.#answer(recordsMax));
  }

  #answer(recordsMax: number): Polled<T, number> {
    const { arsenal } = this.#options;
    if (arsenal !== null) {
      const failure = arsenal.strike('source.fail', () => true, this.#name);
      if (failure !== null) throw new InjectedFault(failure.index, `reading ${this.#name} fails`);
      const stall = arsenal.strike('source.stall', () => true, this.#name);
      if (stall !== null) return { kind: 'nothing', retryMs: Math.max(1, stall.parameter('ms')) };
    }
    const split = this.#nextSplit();
    if (split === null) return { kind: 'nothing', retryMs: 1_000 };
    const left = this.#lengthOf(split) - split.next;
    if (left <= 0) {
      this.#splits = this.#splits.filter((other) => other !== split);
      return { kind: 'splitEnd', split: split.id };
    }
    const trickles = this.#trickles(split);
    const due = this.#dueOf(split);
    if (due === 0) return { kind: 'nothing', retryMs: trickles ? TRICKLE_MS : 1 };
    const most = trickles
      ? 1
      : 1 + randomBelow(this.#random, this.#options.pollRecordsMax ?? POLL_RECORDS_MAX);
    return this.#take(split, Math.min(recordsMax, left, due, most));
  }

  close(): void {
    this.#options.connectors?.closed(this);
    this.#pending?.cancel();
    this.#splits = [];
  }

  #take(split: Split, count: number): Polled<T, number> {
    const values: T[] = [];
    const timestamps: number[] = [];
    for (let offset = 0; offset < count; offset += 1) {
      const index = this.#indexOf(split, split.next + offset);
      const value = this.#options.records[index];
      if (value === undefined)
        throw new ConnectorError(`The input has no record ${index}.`, { operator: this.#name });
      values.push(value);
      timestamps.push(this.#options.timestamps[index] ?? 0);
    }
    split.next += count;
    return { kind: 'records', split: split.id, values, timestamps, next: split.next };
  }

  #nextSplit(): Split | null {
    this.#turn += 1;
    return this.#splits[this.#turn % this.#splits.length] ?? null;
  }

  #trickles(split: Split): boolean {
    if (this.#options.arsenal?.pending !== true) return false;
    return this.#indexOf(split, split.next) > this.#options.records.length * TRICKLE_FROM;
  }

  /** How many records of the split may be read by now. */
  #dueOf(split: Split): number {
    const gapMs = this.#options.gapMs + (this.#trickles(split) ? TRICKLE_MS : 0);
    if (gapMs === 0) return Number.POSITIVE_INFINITY;
    const elapsedMs = this.#runtime.clock.monotonicMs() - this.#startMs;
    const dueIndex = this.#startIndex + elapsedMs / gapMs;
    return Math.max(0, Math.ceil((dueIndex - this.#indexOf(split, split.next)) / this.#options.splits));
  }

  #indexOf(split: Split, position: number): number {
    return position * this.#options.splits + split.number;
  }

  #lengthOf(split: Split): number {
    return Math.ceil((this.#options.records.length - split.number) / this.#options.splits);
  }
}
