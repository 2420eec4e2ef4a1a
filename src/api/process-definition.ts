// What process() accepts, typed so that the results are inferred.
//
// Owns:    telling apart the type of what is emitted through the context and the type of what is yielded.
// Not:     what the functions may do (src/operators/process-function.ts).
//
// D1. One type for both would be settled as soon as the compiler meets the `context` parameter, before it has seen what a
//     generator yields. So `R` is what the context takes, `never` unless a class or an annotation says so, and `Y` is what is
//     yielded; the stream that results has both.

import type { FunctionDefinition } from '../operators/function-instance.js';
import type {
  Emitted,
  KeyedContext,
  KeyedProcessMethods,
  ProcessContext,
  ProcessMethods,
  TimerContext,
} from '../operators/process-function.js';
import type { TimeWindow } from '../operators/windows/window-assigners.js';

/** A class, a factory, or an object with `onElement`, for a stream without key. */
export type Process<I, R, Y> = FunctionDefinition<
  Omit<ProcessMethods<I, R>, 'onElement'> & {
    onElement(value: I, context: ProcessContext<R>): Emitted<Y>;
  }
>;

/** A class, a factory, or an object with `onElement` and perhaps `onTimer`, for a keyed stream. */
export type KeyedProcess<K, I, R, Y> = FunctionDefinition<
  Omit<KeyedProcessMethods<K, I, R>, 'onElement' | 'onTimer'> & {
    onElement(value: I, context: KeyedContext<K, R>): Emitted<Y>;
    onTimer?(timestamp: number, context: TimerContext<K, R>): Emitted<Y>;
  }
>;

/** Sees all elements of one key and window when the window fires. */
export type WindowProcessing<K, T, R, Y> = (
  key: K,
  window: TimeWindow,
  elements: readonly T[],
  context: ProcessContext<R>,
) => Emitted<Y>;
