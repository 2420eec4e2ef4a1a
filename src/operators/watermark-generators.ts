// Ready-made watermark strategies.
//
// Owns:    how far the watermark stays behind (semantics 2.3 to 2.5).
// Not:     merging and idleness (split-watermarks.ts, timestamp-operator.ts), where it is emitted (src/task).
//
// W1. A watermark t says that no record with a timestamp of t or less will follow: it stays below the highest timestamp seen,
//     by one even when records come in order, because an equal one may still follow.

import { ConfigError } from '../base/errors.js';
import { addTime, MIN_TIMESTAMP } from '../base/timestamps.js';
import type { WatermarkGenerator, WatermarkStrategy } from './watermark-strategy.js';

export interface StrategyOptions {
  /** Without a record for longer than this, a source split or a channel no longer holds back the others. Default: never. */
  readonly idlenessMs?: number;
}

/** Records come at most `boundMs` later than a record with a higher timestamp; what comes later still is late. */
export function boundedOutOfOrderness(
  boundMs: number,
  options: StrategyOptions = {},
): WatermarkStrategy<unknown> {
  checkDuration('boundedOutOfOrderness', boundMs, 0);
  return strategy(`bounded out of orderness ${boundMs} ms`, options, () => new BoundedGenerator(boundMs));
}

/** Timestamps never fall, within each source split. */
export function monotonous(options: StrategyOptions = {}): WatermarkStrategy<unknown> {
  return strategy('monotonous', options, () => new BoundedGenerator(0));
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

class BoundedGenerator implements WatermarkGenerator<unknown> {
  private readonly boundMs: number;
  private highest: number = MIN_TIMESTAMP;

  constructor(boundMs: number) {
    this.boundMs = boundMs;
  }

  onRecord(_value: unknown, timestamp: number): null {
    if (timestamp > this.highest) this.highest = timestamp;
    return null;
  }

  onPeriodic(): number | null {
    return this.highest === MIN_TIMESTAMP ? null : addTime(this.highest, -this.boundMs - 1);
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
