// Watermarks of a source subtask: one generator per split, one output.
//
// Owns:    timestamps of source records, the merge over splits, idleness of each split (semantics 2.8, 2.10, 2.13).
// Not:     when it is asked, and MAX at the end of input (src/task).
//
// S1. Each split has a generator of its own: reading one split fast makes no record of another late.
// S2. A split that has ended, or is idle, holds back nobody. Without any other split the subtask is idle; it never says MAX,
//     because further splits may come.
// S3. The idle clocks stand still while the subtask is paused: a healthy source that is held back is not idle (2.9).

import { assert } from '../base/assert.js';
import { WeirError } from '../base/errors.js';
import { type Logger, silentLogger } from '../base/logger.js';
import { MAX_TIMESTAMP } from '../base/timestamps.js';
import type { Watermark, WatermarkStatus } from '../elements/element.js';
import { WatermarkMerge } from '../flow/watermark-merge.js';
import { IdlenessClock } from './idleness.js';
import { Leap } from './leap.js';
import { checkWatermark, createGenerator, GENERATING } from './timestamp-assigner.js';
import { type BatchFunction, batchFunction } from './timestamp-record.js';
import { type CodePlace, userError } from './user-code.js';
import type { WatermarkGenerator, WatermarkStrategy } from './watermark-strategy.js';

export type WatermarkEmission = Watermark | WatermarkStatus;

/** An emission among the records of a batch. */
export interface PlacedEmission {
  /** How many records of the batch stand before it. */
  readonly after: number;
  readonly emission: WatermarkEmission;
}

interface Split {
  readonly channel: number;
  readonly generator: WatermarkGenerator<unknown>;
  readonly idleness: IdlenessClock | null;
  idle: boolean;
}

/** No generator may say what only the end of input says (S2). */
const HIGHEST = MAX_TIMESTAMP - 1;

export class SplitWatermarks {
  private readonly strategy: WatermarkStrategy<unknown>;
  private readonly place: CodePlace;
  private readonly assign: BatchFunction;
  private readonly splits = new Map<string, Split>();
  /** One channel per split; channel 0 stands in for the splits of a subtask that has none. */
  private readonly merge: WatermarkMerge;
  private readonly freeChannels: number[] = [];
  private channels: number;
  private pausedSinceMs: number | null = null;
  private pausedMs = 0;

  constructor(
    strategy: WatermarkStrategy<never>,
    splits: readonly string[],
    place: CodePlace,
    logger: Logger = silentLogger,
  ) {
    this.strategy = strategy as WatermarkStrategy<unknown>;
    this.place = place;
    this.assign = batchFunction({ strategy: this.strategy, place, leap: new Leap(logger) });
    this.channels = Math.max(1, splits.length);
    this.merge = new WatermarkMerge(this.channels);
    for (const [channel, id] of splits.entries()) this.add(id, channel);
  }

  /** Before the first record: a subtask without splits is idle at once. */
  start(nowMs: number): readonly WatermarkEmission[] {
    if (this.splits.size > 0) return this.periodic(nowMs);
    this.freeChannels.push(0);
    return this.merge.status(0, true);
  }

  splitAdded(id: string, _nowMs: number): readonly WatermarkEmission[] {
    assert(!this.splits.has(id), 'a split is added once', { id });
    const channel = this.freeChannels.pop() ?? this.channels++;
    this.add(id, channel);
    return this.merge.open(channel);
  }

  /** Its generator has the last word, then it no longer counts. */
  splitEnded(id: string, _nowMs: number): readonly WatermarkEmission[] {
    const split = this.splits.get(id);
    if (split === undefined) return [];
    const last = this.periodicOf(split);
    this.splits.delete(id);
    this.freeChannels.push(split.channel);
    return [...last, ...this.merge.status(split.channel, true)];
  }

  /**
   * Writes the event times of one split's records into `timestamps`, and answers what is to be emitted among them: a watermark
   * takes effect behind the record that it was the answer to, however many records were read at once (2.5). `leaveOut` is told
   * of a record that the strategy throws at, or throws itself; without it such an error is thrown.
   */
  onRecords(
    id: string,
    values: readonly unknown[],
    timestamps: number[],
    _nowMs: number,
    leaveOut: ((index: number, error: unknown) => void) | null = null,
  ): readonly PlacedEmission[] {
    const split = this.splits.get(id);
    assert(split !== undefined, 'records come from a split that has not ended', { id });
    if (values.length === 0) return [];
    split.idleness?.touch();
    const placed: PlacedEmission[] = [];
    const place = (after: number, emissions: readonly WatermarkEmission[]): void => {
      for (const emission of emissions) placed.push({ after, emission });
    };
    if (split.idle) {
      split.idle = false;
      place(0, this.merge.status(split.channel, false));
    }
    const answered = (answer: unknown, index: number): void => place(index + 1, this.rise(split, answer));
    if (leaveOut === null) this.assign(values, timestamps, split.generator, answered);
    else this.assignWhatCan(split, values, timestamps, answered, leaveOut);
    return placed;
  }

  /** Goes on behind each record that fails. */
  private assignWhatCan(
    split: Split,
    values: readonly unknown[],
    timestamps: number[],
    answered: (answer: unknown, index: number) => void,
    leaveOut: (index: number, error: unknown) => void,
  ): void {
    for (let from = 0; from < values.length; ) {
      const times = timestamps.slice(from);
      const first = from;
      try {
        this.assign(values.slice(from), times, split.generator, (answer, index) =>
          answered(answer, first + index),
        );
        from = values.length;
      } catch (error) {
        const index = error instanceof WeirError ? error.batchIndex : undefined;
        if (index === undefined) throw error;
        from += index + 1;
        leaveOut(first + index, error);
      } finally {
        for (const [index, time] of times.entries()) timestamps[first + index] = time;
      }
    }
  }

  periodic(nowMs: number): readonly WatermarkEmission[] {
    const pausedMs = this.takePausedMs(nowMs);
    const emissions: WatermarkEmission[] = [];
    for (const split of this.splits.values()) {
      emissions.push(...this.periodicOf(split));
      if (split.idleness === null || !split.idleness.check(nowMs, pausedMs) || split.idle) continue;
      split.idle = true;
      emissions.push(...this.merge.status(split.channel, true));
    }
    return emissions;
  }

  /** At the end of input, before MAX: the last word of all generators. */
  finish(): readonly WatermarkEmission[] {
    return [...this.splits.values()].flatMap((split) => this.periodicOf(split));
  }

  /** Whether the subtask could read at the moment; to be called whenever that changes, or more often. */
  setPaused(paused: boolean, nowMs: number): void {
    if (paused === (this.pausedSinceMs !== null)) return;
    if (this.pausedSinceMs !== null) this.pausedMs += nowMs - this.pausedSinceMs;
    this.pausedSinceMs = paused ? nowMs : null;
  }

  private takePausedMs(nowMs: number): number {
    let total = this.pausedMs;
    if (this.pausedSinceMs !== null) {
      total += nowMs - this.pausedSinceMs;
      this.pausedSinceMs = nowMs;
    }
    this.pausedMs = 0;
    return total;
  }

  private add(id: string, channel: number): void {
    const { strategy } = this;
    const generator = createGenerator(strategy, this.place);
    const idleness = strategy.idlenessMs === null ? null : new IdlenessClock(strategy.idlenessMs);
    this.splits.set(id, { channel, generator, idleness, idle: false });
  }

  private periodicOf(split: Split): readonly WatermarkEmission[] {
    let answer: unknown;
    try {
      answer = split.generator.onPeriodic();
    } catch (cause) {
      throw userError(this.place, GENERATING, cause);
    }
    return this.rise(split, answer);
  }

  private rise(split: Split, answer: unknown): readonly WatermarkEmission[] {
    const time = checkWatermark(this.place, answer);
    return time === null ? [] : this.merge.watermark(split.channel, Math.min(time, HIGHEST));
  }
}
