// Standing inside of a simulation: which process user code runs in when it reaches for a global.
//
// Owns:    the way from the running process to its clock, timers and random streams; installing the simulated globals.
// Not:     the globals (simulated-globals.ts), processes (src/testing).

import type { Timers } from '../base/runtime.js';
import { runningProcess, type VirtualProcess } from '../testing/virtual-machine.js';
import type { VirtualRuntime } from '../testing/virtual-runtime.js';
import type { Leak } from './leaks.js';
import { installSimulatedGlobals } from './simulated-globals.js';
import type { SimulatedSurroundings } from './simulated-globals-surroundings.js';

const surroundings = new WeakMap<VirtualProcess, SimulatedSurroundings>();

/** From now on code of this process sees its virtual time and its random streams; promises that it abandons are told to `rejected`. */
export function inhabit(
  machine: VirtualRuntime,
  leaked: (leak: Leak) => void,
  rejected?: (reason: unknown) => void,
): void {
  surroundings.set(machine.process, {
    wallMs: () => machine.clock.wallMs(),
    monotonicMs: () => machine.clock.monotonicMs(),
    after: (delayMs, callback) => machine.timers.after(delayMs, callback),
    random: (purpose) => machine.random(purpose),
    leaked,
    ...(rejected === undefined ? {} : { rejected }),
  });
}

/** Timers of the world outside whose callbacks run in the process that has set them: they are no timers of that process. */
export function timersFor(outside: Timers): Timers {
  return {
    after(delayMs, callback) {
      const process = runningProcess();
      return outside.after(delayMs, () => {
        if (process === null) callback();
        else process.enqueue('later', callback);
      });
    },
  };
}

/** Installs the simulated globals, until the answer is called. Nests. */
export function enterSimulation(): () => void {
  return installSimulatedGlobals(() => {
    const process = runningProcess();
    return process === null ? null : (surroundings.get(process) ?? null);
  });
}

let last: Promise<unknown> = Promise.resolve();

/**
 * Simulates one thing after another, also where tests run concurrently: runs share the globals and the log of properties. The
 * globals are put in place once for all runs of `work`: doing so for each costs more than a small program.
 */
export function inSimulation<R>(work: () => Promise<R>): Promise<R> {
  const mine = last.then(async () => {
    const leave = enterSimulation();
    try {
      return await work();
    } finally {
      leave();
    }
  });
  // Whoever comes next waits for the end, whatever it is; the failure is for the caller.
  last = mine.then(
    () => undefined,
    () => undefined,
  );
  return mine;
}
