// What the processes of one simulated machine park share: time, the disk, the stores, the network, the faults.
//
// Owns:    simulated processes, and the fate of their operations when they die.
// Not:     the Runtime that a process sees (virtual-runtime.ts).
//
// A1. Nothing of a dead process runs: not its callbacks, not its timers, not the continuations of its I/O.
// A2. An operation in flight when its process dies has either taken effect or not, by a seeded choice;
//     of one lane always a prefix, as an operating system would have done it.

import { assert } from '../base/assert.js';
import { randomStream } from '../base/random-stream.js';
import type { RandomStream } from '../base/runtime.js';
import type { VirtualScheduler } from './virtual-scheduler.js';

/** Result of an operation that never completes. */
export const NEVER: unique symbol = Symbol('never completes');

interface Operation {
  readonly lane: string;
  apply(): void;
}

export class VirtualProcess {
  readonly number: number;
  /** Processes on one host see each other's locks; on different hosts only the disk is shared. */
  readonly host: string;
  readonly #scheduler: VirtualScheduler;
  readonly #inFlight = new Set<Operation>();
  #alive = true;

  constructor(number: number, host: string, scheduler: VirtualScheduler) {
    this.number = number;
    this.host = host;
    this.#scheduler = scheduler;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Runs the callback in a step of its own, if the process still lives then. */
  enqueue(lane: string, callback: () => void): void {
    if (!this.#alive) return;
    this.#scheduler.enqueue(lane, () => {
      if (this.#alive) callback();
    });
  }

  /** An operation on something outside the process: takes effect in a step of its own, after `delayMs`. */
  perform<T>(lane: string, delayMs: number, apply: () => T | typeof NEVER): Promise<T> {
    return new Promise((resolve, reject) => {
      // What a dead process still asks for reaches nobody.
      if (!this.#alive) return;
      const operation: Operation = { lane, apply: () => void apply() };
      this.#inFlight.add(operation);
      const complete = (): void => {
        this.#inFlight.delete(operation);
        try {
          const result = apply();
          if (result !== NEVER) resolve(result);
        } catch (error) {
          reject(error);
        }
      };
      if (delayMs > 0) this.#scheduler.after(delayMs, () => this.#alive && complete());
      else this.enqueue(lane, complete);
    });
  }

  /** Ends the process. In-flight operations take effect or not, a prefix per lane. */
  kill(choices: RandomStream): void {
    assert(this.#alive, 'a process dies once', { process: this.number });
    const stopped = new Set<string>();
    for (const operation of this.#inFlight) {
      if (choices.next() < 0.5) stopped.add(operation.lane);
      if (!stopped.has(operation.lane)) applyUnseen(operation);
    }
    this.#inFlight.clear();
    this.#alive = false;
  }
}

function applyUnseen(operation: Operation): void {
  try {
    operation.apply();
  } catch {
    // The operation failed and the process that would have learned of it is gone.
  }
}

export class VirtualProcesses {
  readonly #seed: number;
  readonly #scheduler: VirtualScheduler;
  readonly choices: RandomStream;
  #started = 0;

  constructor(seed: number, scheduler: VirtualScheduler) {
    this.#seed = seed;
    this.#scheduler = scheduler;
    this.choices = randomStream(seed, 'crash');
  }

  start(host: string): VirtualProcess {
    this.#started += 1;
    return new VirtualProcess(this.#started, host, this.#scheduler);
  }

  /** Random numbers of one process: another process draws others. */
  random(process: VirtualProcess, purpose: string): RandomStream {
    return randomStream(`${this.#seed}/${process.number}`, purpose);
  }
}
