// Exceptions in process.nextTick and queueMicrotask, which stay Node's own: their order is repeatable.
//
// Owns:    where an exception goes that leaves such a callback inside of a step.
// Not:     rejected promises that nobody handles: Node reports them to the process.
//
// Q1. It becomes an exception of a step, as that of a timer would: the run ends with it. Left alone, Node would report it
//     to the process from the middle of a drain, and a throwing tick corrupts Node's stack of async contexts for good.

import type { InStep, PatchSet } from './simulated-globals-patches.js';
import { isCallable } from './simulated-globals-patches.js';

export function patchTicks(set: PatchSet): void {
  set.function(process, 'nextTick', deferred);
  set.function(globalThis, 'queueMicrotask', deferred);
}

const deferred: InStep = (surroundings, [callback, ...args], original) => {
  // The original rejects what is no function.
  if (!isCallable(callback)) return original(callback);
  const guarded = (...given: readonly unknown[]): void => {
    try {
      Reflect.apply(callback, undefined, given as never[]);
    } catch (error) {
      surroundings.after(0, () => {
        throw error;
      });
    }
  };
  return original(guarded, ...args);
};
