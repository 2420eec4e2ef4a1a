// What a thread or process does to itself when a fault says so.
//
// Owns:    dying, standing still, stopping.
// Not:     when that is safe, and telling it before (real-host.ts).

import type { Runtime } from '../base/runtime.js';
import type { InjectedFault } from './injected.js';
import type { PlannedDeath } from './real-news.js';

/** Entries of one block of the hoard of a thread that runs out of memory: about 4 MB. */
const HOARD_BLOCK = 500_000;
const EXIT_CODE = 7;

/** `error`: what is thrown where the death is one of an exception. */
export function dieOf(how: PlannedDeath, error: InjectedFault, runtime: Runtime): void {
  switch (how) {
    case 'kill':
      // The supervisor kills it here: nothing of this process comes after this line.
      return standStill(Number.POSITIVE_INFINITY);
    case 'abort':
      return process.abort();
    case 'exit':
      return process.exit(EXIT_CODE);
    case 'memory':
      return exhaustMemory();
    case 'uncaught':
      return runtime.dispatch(() => {
        throw error;
      });
  }
}

/** Nothing runs in this thread for so long. */
export function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0, ms);
}

/** The whole process, until somebody continues it. */
export function stopMyself(): void {
  process.kill(process.pid, 'SIGSTOP');
}

/** In blocks of plain arrays: those of numbers alone may lie outside of the heap that is limited, and many small ones take long. */
function exhaustMemory(): never {
  const hoard: unknown[][] = [];
  for (;;) hoard.push(new Array<unknown>(HOARD_BLOCK).fill(hoard));
}
