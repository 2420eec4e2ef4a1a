// Virtual time for node:timers/promises, and so for `util.promisify(setTimeout)`, which answers the same functions.
//
// Owns:    setTimeout, setImmediate, setInterval and the scheduler of that module, with their AbortSignal.
// Not:     the timers with callbacks (simulated-globals-timers.ts).
//
// W1. An aborted wait rejects with an AbortError whose cause is the reason, and leaves no timer behind.

import timersPromises from 'node:timers/promises';
import type { TimerHandle } from '../base/runtime.js';
import { type InStep, type PatchSet, propertyOf } from './simulated-globals-patches.js';
import type { SimulatedSurroundings } from './simulated-globals-surroundings.js';

type Original = (...args: readonly unknown[]) => unknown;

export function patchTimerPromises(set: PatchSet): void {
  const setTimeout: InStep = (surroundings, [delay, value, options], original) =>
    wait(surroundings, options, delayOf(delay), value, () => original(delay, value, options));
  const setImmediate: InStep = (surroundings, [value, options], original) =>
    wait(surroundings, options, 0, value, () => original(value, options));
  set.functions(timersPromises, { setTimeout, setImmediate, setInterval });
  const { scheduler } = timersPromises;
  if (propertyOf(scheduler, 'wait') === undefined) return;
  set.function(scheduler, 'wait', (surroundings, [delay, options], original) =>
    wait(surroundings, options, delayOf(delay), undefined, () => original(delay, options)),
  );
  set.function(scheduler, 'yield', (surroundings, _args, original) =>
    wait(surroundings, undefined, 0, undefined, () => original()),
  );
}

// Options that Node would refuse go to Node, which refuses them.
function wait(
  surroundings: SimulatedSurroundings,
  options: unknown,
  delayMs: number | null,
  value: unknown,
  refuse: Original,
): unknown {
  const signal = signalOf(options);
  if (signal === 'wrong' || delayMs === null) return refuse();
  if (signal?.aborted === true) return Promise.reject(abortError(signal));
  return new Promise((resolve, reject) => {
    let timer: TimerHandle | null = null;
    const abort = (): void => {
      timer?.cancel();
      if (signal !== null) reject(abortError(signal));
    };
    timer = surroundings.after(delayMs, () => {
      signal?.removeEventListener('abort', abort);
      resolve(value);
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

const setInterval: InStep = (surroundings, [delay, value, options], original) => {
  const signal = signalOf(options);
  const delayMs = delayOf(delay);
  return signal === 'wrong' || delayMs === null
    ? original(delay, value, options)
    : ticks(surroundings, delayMs, value, signal);
};

// Ticks that nobody fetched in time are kept and handed out at once, as Node does.
async function* ticks(
  surroundings: SimulatedSurroundings,
  delayMs: number,
  value: unknown,
  signal: AbortSignal | null,
): AsyncGenerator<unknown, void> {
  refuseAborted(signal);
  let waiting = 0;
  let wake: () => void = () => undefined;
  const tick = (): void => {
    waiting += 1;
    timer = surroundings.after(delayMs, tick);
    wake();
  };
  let timer = surroundings.after(delayMs, tick);
  const abort = (): void => {
    timer.cancel();
    wake();
  };
  signal?.addEventListener('abort', abort, { once: true });
  try {
    for (;;) {
      refuseAborted(signal);
      if (waiting === 0) await new Promise<void>((resolve) => (wake = resolve));
      for (; waiting > 0; waiting -= 1) yield value;
    }
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', abort);
  }
}

// Null: not a number, which newer versions of Node refuse and older ones take for 1 ms.
function delayOf(delay: unknown): number | null {
  if (delay === undefined) return 1;
  if (typeof delay !== 'number') return null;
  return delay >= 1 && delay <= 2 ** 31 - 1 ? Math.trunc(delay) : 1;
}

function signalOf(options: unknown): AbortSignal | null | 'wrong' {
  if (options === undefined) return null;
  if (typeof options !== 'object' || options === null) return 'wrong';
  const signal: unknown = Reflect.get(options, 'signal');
  if (signal === undefined) return null;
  return signal instanceof AbortSignal ? signal : 'wrong';
}

function refuseAborted(signal: AbortSignal | null): void {
  if (signal?.aborted === true) throw abortError(signal);
}

function abortError(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' });
}
