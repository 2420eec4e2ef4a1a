// What a user writes for `process`: functions with a life cycle, and the contexts that they are given.
//
// Owns:    the public classes and interfaces.
// Not:     running them (process-operator.ts, keyed-process-operator.ts).
//
// P1. `onElement` and `onTimer` return nothing, or are generator functions (`*onElement`): each yield is an emission, and the
//     function is suspended there while there is no room downstream. Plain functions call `context.emit`.
// P2. A context is good during the call that it was given to; what is emitted afterwards is an error, not an output.

import type { Logger } from '../base/logger.js';
import type { OperatorStateStore } from '../state/operator-state.js';
import type { OutputTag } from './side-output.js';

export interface OpenContext {
  readonly name: string;
  readonly subtask: number;
  readonly parallelism: number;
  readonly attempt: number;
  readonly logger: Logger;
  /** State of the subtask, not of a key: lists that are spread over the subtasks, or given to all, after a rescale. */
  readonly operatorState: OperatorStateStore;
  /** Adds to a counter of this operator. */
  count(name: string, delta: number): void;
}

export interface ProcessContext<O> {
  /** To the main output, with the timestamp of the record or event-time timer in hand. */
  emit(value: O): void;
  /** To a side output, with the same timestamp. */
  side<T>(tag: OutputTag<T>, value: T): void;
  /** Event time of the record in hand. TimestampMissingError when it has none: ask `hasTimestamp`, or assign timestamps. */
  readonly timestamp: number;
  readonly hasTimestamp: boolean;
  /** The highest watermark so far; Number.MIN_SAFE_INTEGER before the first. A record is late when it is not above this. */
  readonly currentWatermark: number;
  /**
   * True when all input has ended, or the job is being drained: the last watermark fires all event-time timers, and nothing comes
   * after it. A timer that sets itself again should stop then; one that does not is given up after 10,080 rings, with a warning.
   */
  readonly inputEnded: boolean;
  /** Wall clock of this call, milliseconds since 1970. Not the same when the job replays. */
  readonly currentProcessingTime: number;
}

/** Timers of the key in hand. A timer is its timestamp: registering it twice fires it once (semantics 1.8). */
export interface ProcessTimers {
  /** Fires when the watermark reaches `timestamp`; if it has already, with the next watermark. */
  event(timestamp: number): void;
  /** Fires when the wall clock reaches `timestamp`. Not at the end of bounded input. */
  processing(timestamp: number): void;
  deleteEvent(timestamp: number): void;
  deleteProcessing(timestamp: number): void;
}

export interface KeyedContext<K, O> extends ProcessContext<O> {
  readonly key: K;
  readonly timers: ProcessTimers;
}

export interface TimerContext<K, O> extends KeyedContext<K, O> {
  readonly domain: 'event' | 'processing';
}

/** What `onElement` and `onTimer` may return (P1). */
// biome-ignore lint/suspicious/noConfusingVoidType: methods without a return statement have the type void, not undefined.
export type Emitted<O> = void | Iterator<O, unknown, unknown>;

/** The methods of a function on a stream without key. */
export interface ProcessMethods<I, O> {
  /** Once per subtask and attempt, before the first record. */
  open?(context: OpenContext): void;
  onElement(value: I, context: ProcessContext<O>): Emitted<O>;
  /** Once, on every end, also when `open` threw. */
  close?(): void;
}

/** The methods of a function on a keyed stream. */
export interface KeyedProcessMethods<K, I, O> {
  open?(context: OpenContext): void;
  /** Late records come here too: compare `context.timestamp` with `context.currentWatermark` (semantics 1.7). */
  onElement(value: I, context: KeyedContext<K, O>): Emitted<O>;
  onTimer?(timestamp: number, context: TimerContext<K, O>): Emitted<O>;
  close?(): void;
}

/** Base class for `process` on a stream without key. */
export abstract class ProcessFunction<I, O> implements ProcessMethods<I, O> {
  open(_context: OpenContext): void {
    // Most functions have nothing to prepare.
  }
  abstract onElement(value: I, context: ProcessContext<O>): Emitted<O>;
  close(): void {
    // Most functions hold nothing.
  }
}

/** Base class for `process` on a keyed stream. State is declared as fields: `seen = valueState<boolean>('seen')`. */
export abstract class KeyedProcessFunction<K, I, O> implements KeyedProcessMethods<K, I, O> {
  open(_context: OpenContext): void {
    // Most functions have nothing to prepare.
  }
  abstract onElement(value: I, context: KeyedContext<K, O>): Emitted<O>;
  onTimer(_timestamp: number, _context: TimerContext<K, O>): Emitted<O> {
    // Without timers it is never called.
  }
  close(): void {
    // Most functions hold nothing.
  }
}
