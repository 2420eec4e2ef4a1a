// Ready-made watermark strategies.
//
// Owns:    how far the watermark stays behind (semantics 2.3 to 2.5).
// Not:     merging and idleness (split-watermarks.ts, timestamp-operator.ts), where it is emitted (src/task).
//
// W1. A watermark t says that no record with a timestamp of t or less will follow: it stays below the highest timestamp seen,
//     by one even when records come in order, because an equal one may still follow.
// W2. By default the clock decides when a watermark is sent, as in Flink: so whether a record is late depends on how fast its
//     source was read. With `everyMs` records decide, and results depend on the records alone.

import { ConfigError } from '../base/errors.js';
import { addTime, MIN_TIMESTAMP } from '../base/timestamps.js';
import type { WatermarkGenerator, WatermarkStrategy } from './watermark-strategy.js';

export interface StrategyOptions {
  /** Without a record for longer than this, a source split or a channel no longer holds back the others. Default: never. */
  readonly idlenessMs?: number;
}

export interface AscendingOptions extends StrategyOptions {
  /**
   * Milliseconds of event time from one watermark to the next: it is sent right behind the record that raises it by so much or
   * more; 0: behind every record that raises it. Then what is late depends on the records alone, not on the clock, so a job
   * that reads the same input faster or slower has the same results. Default: by the clock, every 200 ms, which costs less and
   * makes records late or not depending on how fast they were read.
   */
  readonly everyMs?: number;
  /**
   * How far one record may raise the watermark, in milliseconds. A record from the future, a wrong clock or a wrong unit, then
   * makes nothing late that is not this far behind; records that go on from there raise it step by step. The first record
   * sets it freely. Default: any distance.
   */
  readonly advanceMaxMs?: number;
}

/** Records come at most `boundMs` later than a record with a higher timestamp; what comes later still is late. */
export function boundedOutOfOrderness(
  boundMs: number,
  options: AscendingOptions = {},
): WatermarkStrategy<unknown> {
  checkDuration('boundedOutOfOrderness', boundMs, 0);
  return ascending(`bounded out of orderness ${boundMs} ms`, boundMs, options);
}

/** Timestamps never fall, within each source split. */
export function monotonous(options: AscendingOptions = {}): WatermarkStrategy<unknown> {
  return ascending('monotonous', 0, options);
}

/**
 * `watermarkOf` looks at each record and answers the watermark that it carries, or null. Use it where the data says how far
 * it is: a marker record, the end of a group.
 */
export function punctuated<T>(
  watermarkOf: (value: T, timestamp: number) => number | null,
  options: StrategyOptions = {},
): WatermarkStrategy<T> {
  const generator: WatermarkGenerator<T> = { onRecord: watermarkOf, onPeriodic: () => null };
  return strategy('punctuated', options, () => generator);
}

/** No watermark before the end of input: for jobs that use processing time only. */
export function noWatermarks(): WatermarkStrategy<unknown> {
  const generator: WatermarkGenerator<unknown> = { onRecord: () => null, onPeriodic: () => null };
  return strategy('no watermarks', {}, () => generator);
}

/** A strategy with a generator of your own: one is made per source split, or per subtask in the middle of a stream. */
export function customWatermarks<T>(
  createGenerator: () => WatermarkGenerator<T>,
  options: StrategyOptions = {},
): WatermarkStrategy<T> {
  return strategy('custom watermarks', options, createGenerator);
}

/** The same strategy with event time taken from the record: milliseconds since 1970. */
export function withTimestamps<T>(
  timestamp: (value: T, recordTimestamp: number) => number,
  base: WatermarkStrategy<T>,
): WatermarkStrategy<T> {
  return { ...base, timestamp, createGenerator: () => base.createGenerator() };
}

/** The same strategy, idle when no record came for longer than `idlenessMs`. */
export function withIdleness<T>(base: WatermarkStrategy<T>, idlenessMs: number): WatermarkStrategy<T> {
  checkDuration('withIdleness', idlenessMs, 1);
  return { ...base, idlenessMs, createGenerator: () => base.createGenerator() };
}

function ascending(name: string, boundMs: number, options: AscendingOptions): WatermarkStrategy<unknown> {
  const { everyMs, advanceMaxMs } = options;
  if (everyMs !== undefined) checkDuration(`everyMs of ${name}`, everyMs, 0);
  if (advanceMaxMs !== undefined) checkDuration(`advanceMaxMs of ${name}`, advanceMaxMs, 1);
  const stepMs = advanceMaxMs ?? Number.POSITIVE_INFINITY;
  return strategy(name, options, () =>
    everyMs === undefined
      ? new ClockedGenerator(boundMs, stepMs)
      : new RecordGenerator(boundMs, stepMs, Math.max(1, everyMs)),
  );
}

/** The highest timestamp so far, raised by one record at most by `stepMs`. */
function raised(highest: number, timestamp: number, stepMs: number): number {
  if (timestamp <= highest) return highest;
  return highest === MIN_TIMESTAMP ? timestamp : Math.min(timestamp, highest + stepMs);
}

class ClockedGenerator implements WatermarkGenerator<unknown> {
  private readonly boundMs: number;
  private readonly stepMs: number;
  private highest: number = MIN_TIMESTAMP;

  constructor(boundMs: number, stepMs: number) {
    this.boundMs = boundMs;
    this.stepMs = stepMs;
  }

  onRecord(_value: unknown, timestamp: number): null {
    if (timestamp > this.highest) this.highest = raised(this.highest, timestamp, this.stepMs);
    return null;
  }

  onPeriodic(): number | null {
    return this.highest === MIN_TIMESTAMP ? null : addTime(this.highest, -this.boundMs - 1);
  }
}

class RecordGenerator implements WatermarkGenerator<unknown> {
  private readonly boundMs: number;
  private readonly stepMs: number;
  private readonly everyMs: number;
  private highest: number = MIN_TIMESTAMP;
  /** The highest timestamp when the last watermark was sent. */
  private sentAt: number = MIN_TIMESTAMP;

  constructor(boundMs: number, stepMs: number, everyMs: number) {
    this.boundMs = boundMs;
    this.stepMs = stepMs;
    this.everyMs = everyMs;
  }

  onRecord(_value: unknown, timestamp: number): number | null {
    if (timestamp <= this.highest) return null;
    this.highest = raised(this.highest, timestamp, this.stepMs);
    if (this.sentAt !== MIN_TIMESTAMP && this.highest - this.sentAt < this.everyMs) return null;
    this.sentAt = this.highest;
    return addTime(this.highest, -this.boundMs - 1);
  }

  /** Nothing is left to the clock (W2): MAX says the rest when the input ends. */
  onPeriodic(): null {
    return null;
  }
}

function strategy<T>(
  name: string,
  options: StrategyOptions,
  createGenerator: () => WatermarkGenerator<T>,
): WatermarkStrategy<T> {
  const { idlenessMs } = options;
  if (idlenessMs !== undefined) checkDuration(name, idlenessMs, 1);
  return { name, timestamp: null, createGenerator, idlenessMs: idlenessMs ?? null };
}

function checkDuration(what: string, durationMs: number, leastMs: number): void {
  if (Number.isFinite(durationMs) && durationMs >= leastMs) return;
  throw new ConfigError(
    `Expected ${what} with a duration of at least ${leastMs} ms, got ${String(durationMs)}.`,
    {
      remedy: 'Give a number of milliseconds, for example seconds(5).',
    },
  );
}
