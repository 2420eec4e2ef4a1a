// Virtual timers behind setTimeout, setInterval and setImmediate.
//
// Owns:    the objects that these functions return inside of a step, and the functions that clear them.
// Not:     their promise forms (simulated-globals-timer-promises.ts), the queue of timers (the scheduler).
//
// T1. A cleared timer never fires. Clearing takes objects and their numbers, virtual or real, inside of a step or not.
// T2. A callback runs in the async context (AsyncLocalStorage) in which its timer was set, as in Node.
// T3. `unref` is remembered and answered, and changes nothing: virtual time goes on as long as a run wants it to.

import { AsyncResource } from 'node:async_hooks';
import timers from 'node:timers';
import type { TimerHandle } from '../base/runtime.js';
import { type InStep, isCallable, type PatchSet } from './simulated-globals-patches.js';
import type { SimulatedSurroundings } from './simulated-globals-surroundings.js';

const DELAY_MAX_MS = 2 ** 31 - 1;
/** Far above the numbers that Node gives to real timers, so that a number tells which of them it means. */
const FIRST_NUMBER = 2 ** 40;

interface Numbers {
  last: number;
  readonly timers: Map<number, SimulatedTimer>;
}

const numbersOf = new WeakMap<SimulatedSurroundings, Numbers>();

export function patchTimers(set: PatchSet): void {
  const setTimeout = timerSetter((surroundings, ms, run) => new SimulatedTimer(surroundings, ms, null, run));
  const setInterval = timerSetter((surroundings, ms, run) => new SimulatedTimer(surroundings, ms, ms, run));
  const setImmediate: InStep = (surroundings, [callback, ...args], original) => {
    if (!isCallable(callback)) return original(callback);
    return new SimulatedImmediate(surroundings, () => Reflect.apply(callback, undefined, args as never[]));
  };
  for (const owner of [globalThis, timers]) {
    set.functions(owner, { setTimeout, setInterval, setImmediate });
    // Outside of a step too: a virtual timer may be cleared by code that cleans up after the run.
    for (const name of ['clearTimeout', 'clearInterval', 'clearImmediate']) patchClear(set, owner, name);
  }
  set.function(AbortSignal, 'timeout', (surroundings, [delayMs], original) => {
    // The original rejects what is no delay.
    if (!Number.isInteger(delayMs) || Number(delayMs) < 0 || Number(delayMs) >= 2 ** 32)
      return original(delayMs);
    const controller = new AbortController();
    surroundings.after(Number(delayMs), () =>
      controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
    );
    return controller.signal;
  });
}

function timerSetter(
  make: (
    surroundings: SimulatedSurroundings,
    delayMs: number,
    run: (timer: SimulatedTimer) => void,
  ) => SimulatedTimer,
): InStep {
  return (surroundings, [callback, delay, ...args], original) => {
    // The original rejects what is no function.
    if (!isCallable(callback)) return original(callback);
    return make(surroundings, delayOf(delay), (timer) => Reflect.apply(callback, timer, args as never[]));
  };
}

// Node's rule: what is no delay, or too long, is one millisecond.
function delayOf(delay: unknown): number {
  const delayMs = typeof delay === 'bigint' || typeof delay === 'symbol' ? 1 : Number(delay);
  return delayMs >= 1 && delayMs <= DELAY_MAX_MS ? Math.trunc(delayMs) : 1;
}

function patchClear(set: PatchSet, owner: object, name: string): void {
  const original: unknown = Reflect.get(owner, name);
  if (!isCallable(original)) return;
  const clear = (timer?: unknown): unknown => {
    const simulated = simulatedTimer(timer, set.current());
    if (simulated === null) return Reflect.apply(original, undefined, [timer] as never[]);
    simulated.close();
    return undefined;
  };
  set.value(owner, name, Object.defineProperty(clear, 'name', { value: name, configurable: true }));
}

function simulatedTimer(
  timer: unknown,
  surroundings: SimulatedSurroundings | null,
): SimulatedTimer | SimulatedImmediate | null {
  if (timer instanceof SimulatedTimer || timer instanceof SimulatedImmediate) return timer;
  if (surroundings === null || (typeof timer !== 'number' && typeof timer !== 'string')) return null;
  return numbersOf.get(surroundings)?.timers.get(Number(timer)) ?? null;
}

/** What setTimeout and setInterval return: a look-alike of Node's Timeout. */
class SimulatedTimer {
  readonly #surroundings: SimulatedSurroundings;
  readonly #context = new AsyncResource('Timeout');
  readonly #delayMs: number;
  readonly #repeatMs: number | null;
  readonly #run: (timer: SimulatedTimer) => void;
  #pending: TimerHandle | null = null;
  #state: 'open' | 'closed' = 'open';
  #number: number | null = null;
  #ref = true;

  constructor(
    surroundings: SimulatedSurroundings,
    delayMs: number,
    repeatMs: number | null,
    run: (timer: SimulatedTimer) => void,
  ) {
    this.#surroundings = surroundings;
    this.#delayMs = delayMs;
    this.#repeatMs = repeatMs;
    this.#run = run;
    this.#arm(delayMs);
  }

  ref(): this {
    this.#ref = true;
    return this;
  }

  unref(): this {
    this.#ref = false;
    return this;
  }

  hasRef(): boolean {
    return this.#ref;
  }

  /** Starts anew from now, even after it has fired; a cleared timer stays cleared. */
  refresh(): this {
    if (this.#state === 'open') this.#arm(this.#delayMs);
    return this;
  }

  close(): this {
    this.#state = 'closed';
    this.#pending?.cancel();
    this.#pending = null;
    if (this.#number !== null) numbersOf.get(this.#surroundings)?.timers.delete(this.#number);
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The number by which it can be cleared, given when it is asked for. */
  [Symbol.toPrimitive](): number {
    if (this.#number === null) {
      const numbers = numbersOf.get(this.#surroundings) ?? { last: FIRST_NUMBER, timers: new Map() };
      numbersOf.set(this.#surroundings, numbers);
      numbers.last += 1;
      this.#number = numbers.last;
      if (this.#state === 'open') numbers.timers.set(this.#number, this);
    }
    return this.#number;
  }

  #arm(delayMs: number): void {
    this.#pending?.cancel();
    this.#pending = this.#surroundings.after(delayMs, () => this.#fire());
  }

  #fire(): void {
    this.#pending = null;
    try {
      this.#context.runInAsyncScope(this.#run, undefined, this);
    } finally {
      // A callback that threw does not end its interval, and one that called refresh has armed it.
      if (this.#repeatMs !== null && this.#state === 'open' && this.#pending === null)
        this.#arm(this.#repeatMs);
    }
  }
}

/** What setImmediate returns. */
class SimulatedImmediate {
  readonly #pending: TimerHandle;
  #ref = true;

  constructor(surroundings: SimulatedSurroundings, run: () => void) {
    const context = new AsyncResource('Immediate');
    this.#pending = surroundings.after(0, () => context.runInAsyncScope(run));
  }

  ref(): this {
    this.#ref = true;
    return this;
  }

  unref(): this {
    this.#ref = false;
    return this;
  }

  hasRef(): boolean {
    return this.#ref;
  }

  close(): void {
    this.#pending.cancel();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
