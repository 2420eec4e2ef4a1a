// What the processes of one simulated machine park share: time, the disk, the stores, the network, the faults.
//
// Owns:    simulated processes, and the fate of their operations when they die.
// Not:     the Runtime that a process sees (virtual-runtime.ts).
//
// A1. Nothing of a dead process runs: not its callbacks, not its timers, not the continuations of its I/O.
// A2. An operation in flight when its process dies has either taken effect or not, by a seeded choice;
//     of one lane always a prefix, as an operating system would have done it. Where a test asks for it, some land late,
//     as on a disk that is shared between hosts.

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

/** What becomes of operations in flight when their process dies, beside those that took effect or not at once. */
export interface LateWrites {
  /** Chance of each lane with operations in flight that they land late rather than at once or never. */
  readonly probability: number;
  readonly delayMsMax: number;
}

let running: VirtualProcess | null = null;

/** The process whose step runs at the moment; null outside of steps. */
export function runningProcess(): VirtualProcess | null {
  return running?.isRunning ? running : null;
}

export class VirtualProcess {
  readonly number: number;
  /** Processes on one host see each other's locks; on different hosts only the disk is shared. */
  readonly host: string;
  readonly #scheduler: VirtualScheduler;
  readonly #inFlight = new Set<Operation>();
  #alive = true;
  /** What came due while the process was paused; null: it is not paused. */
  #parked: (() => void)[] | null = null;

  constructor(number: number, host: string, scheduler: VirtualScheduler) {
    this.number = number;
    this.host = host;
    this.#scheduler = scheduler;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** True in the middle of one of its steps. */
  get isRunning(): boolean {
    return running === this && this.#scheduler.inStep;
  }

  get paused(): boolean {
    return this.#parked !== null;
  }

  /** Runs the callback in a step of its own, if the process still lives then. */
  enqueue(lane: string, callback: () => void): void {
    if (!this.#alive) return;
    this.#scheduler.enqueue(lane, () => this.execute(callback));
  }

  /** Runs the callback now, later if the process is paused, never if it is dead. */
  execute(callback: () => void): void {
    if (!this.#alive) return;
    if (this.#parked !== null) {
      this.#parked.push(callback);
      return;
    }
    running = this;
    callback();
  }

  /** An operation on something outside the process: takes effect in a step of its own, after `delayMs`. */
  perform<T>(lane: string, delayMs: number, apply: () => T | typeof NEVER): Promise<T> {
    return new Promise((resolve, reject) => {
      // What a dead process still asks for reaches nobody.
      if (!this.#alive) return;
      const operation: Operation = { lane, apply: () => void apply() };
      this.#inFlight.add(operation);
      const complete = (): void => {
        if (!this.#inFlight.delete(operation)) return;
        try {
          const result = apply();
          // The world goes on while a process is paused; the process learns of it later.
          if (result !== NEVER) this.execute(() => resolve(result));
        } catch (error) {
          this.execute(() => reject(error));
        }
      };
      if (delayMs > 0) this.#scheduler.after(delayMs, complete);
      else this.#scheduler.enqueue(lane, complete);
    });
  }

  /** As SIGSTOP: nothing of it runs until `resume`; what it has asked of the world happens. */
  pause(): void {
    this.#parked ??= [];
  }

  resume(): void {
    const parked = this.#parked ?? [];
    this.#parked = null;
    for (const callback of parked) this.enqueue('resumed', callback);
  }

  /** Ends the process. In-flight operations take effect or not, a prefix per lane; some of them late. */
  kill(choices: RandomStream, late: LateWrites | null): void {
    assert(this.#alive, 'a process dies once', { process: this.number });
    const fates = new Map<string, 'at once' | 'late' | 'never'>();
    let delayMs = 0;
    for (const operation of this.#inFlight) {
      const before = fates.get(operation.lane) ?? 'at once';
      let fate: 'at once' | 'late' | 'never' = choices.next() < 0.5 ? 'never' : before;
      if (before === 'never') fate = 'never';
      if (fate === 'at once' && late !== null && choices.next() < late.probability) fate = 'late';
      fates.set(operation.lane, fate);
      if (fate === 'at once') applyUnseen(operation);
      if (fate !== 'late' || late === null) continue;
      // Later ones of a lane land later: they never overtake each other.
      delayMs += Math.ceil(choices.next() * late.delayMsMax);
      this.#scheduler.after(delayMs, () => applyUnseen(operation));
    }
    this.#inFlight.clear();
    this.#alive = false;
    this.#parked = null;
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
