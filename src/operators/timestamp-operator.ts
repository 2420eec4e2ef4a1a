// Event time assigned in the middle of a stream.
//
// Owns:    new timestamps, watermarks and idleness of one subtask (semantics 2.5 to 2.7, 2.9).
// Not:     event time at sources, which is kept per split (split-watermarks.ts).
//
// A1. Upstream watermarks and idleness end here; MAX alone passes, after the generator's last word (2.17).
// A2. Watermarks rise: what is not above the last one is dropped (2.6).
// A3. While the stream is idle its generator is not asked by the clock: receivers would ignore what it says (2.12), and an operator
//     in the same actor must see what one in another would.

import { WATERMARK_INTERVAL_MS } from '../base/limits.js';
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../base/timestamps.js';
import { IdlenessClock } from './idleness.js';
import { Leap } from './leap.js';
import type { Operator, OperatorContext } from './operator.js';
import { checkWatermark, createGenerator, GENERATING } from './timestamp-assigner.js';
import { recordFunction } from './timestamp-record.js';
import { userError } from './user-code.js';
import type { WatermarkGenerator, WatermarkStrategy } from './watermark-strategy.js';

/** Gives each record the timestamp of the strategy and makes its watermarks. `intervalMs` 0: punctuated ones only. */
export function timestampOperator<T>(
  strategy: WatermarkStrategy<T>,
  intervalMs: number = WATERMARK_INTERVAL_MS,
): Operator {
  return new TimestampOperator(strategy as WatermarkStrategy<unknown>, intervalMs);
}

interface Running {
  readonly context: OperatorContext;
  readonly generator: WatermarkGenerator<unknown>;
  /** Gives the record its time, emits it, asks the generator. */
  readonly record: (value: unknown, recordTimestamp: number) => void;
}

class TimestampOperator implements Operator {
  readonly forwardsWatermarks = false;
  private readonly strategy: WatermarkStrategy<unknown>;
  private readonly intervalMs: number;
  private readonly idleness: IdlenessClock | null;
  /** Null before the start, after MAX and after the end: nothing is made of what comes then. */
  private running: Running | null = null;
  private emitted: number = MIN_TIMESTAMP;
  private idle = false;

  constructor(strategy: WatermarkStrategy<unknown>, intervalMs: number) {
    this.strategy = strategy;
    this.intervalMs = intervalMs;
    this.idleness = strategy.idlenessMs === null ? null : new IdlenessClock(strategy.idlenessMs);
  }

  open(context: OperatorContext): void {
    const generator = createGenerator(this.strategy, context);
    const answered = (answer: unknown): void => this.emit(context, answer);
    const { strategy } = this;
    const { output, logger } = context;
    const leap = new Leap(logger);
    const record = recordFunction({ strategy, place: context, output, generator, leap, answered });
    this.running = { context, generator, record };
    if (this.intervalMs > 0) context.alarm(context.processingTimeMs() + this.intervalMs);
  }

  onRecord(value: unknown, recordTimestamp: number): void {
    const { running } = this;
    if (running === null) return;
    if (this.idleness !== null) this.wake(running.context, this.idleness);
    running.record(value, recordTimestamp);
  }

  onWatermark(time: number): boolean {
    if (time >= MAX_TIMESTAMP && this.running !== null) {
      this.emitPeriodic(this.running.context, this.running.generator);
      this.running = null;
    }
    return true;
  }

  onProcessingTime(wallMs: number): boolean {
    const { running } = this;
    if (running === null) return true;
    const { context, generator } = running;
    this.emitPeriodic(context, generator);
    const pausedMs = context.output.full ? this.intervalMs : 0;
    if (this.idleness?.check(wallMs, pausedMs) === true && !this.idle) {
      this.idle = true;
      context.emitIdle(true);
    }
    context.alarm(wallMs + this.intervalMs);
    return true;
  }

  close(): void {
    this.running = null;
  }

  private emitPeriodic(context: OperatorContext, generator: WatermarkGenerator<unknown>): void {
    if (this.idle) return;
    let time: number | null;
    try {
      time = generator.onPeriodic();
    } catch (cause) {
      throw userError(context, GENERATING, cause);
    }
    if (time !== null) this.emit(context, time);
  }

  private emit(context: OperatorContext, answer: unknown): void {
    const time = checkWatermark(context, answer);
    if (time === null || time <= this.emitted) return;
    this.emitted = time;
    context.emitWatermark(time);
  }

  /** A record came: the stream is not idle. */
  private wake(context: OperatorContext, idleness: IdlenessClock): void {
    idleness.touch();
    if (!this.idle) return;
    this.idle = false;
    context.emitIdle(false);
  }
}
