// Virtual time and the order of everything that runs in it.
//
// Owns:    the queue of callbacks, the timers, the clocks, and the loop that executes them one by one.
// Not:     what runs (virtual-runtime.ts), files and stores.
//
// A1. One callback at a time; its microtasks have all run before the next callback starts.
// A2. The same seed and the same program give the same order, on every machine.
// A3. Time jumps to the next timer when nothing can run, and creeps by 1 ms after many steps in a row: otherwise a
//     source that never rests would keep every timer from firing.

import { assert } from '../base/assert.js';
import { randomBelow, randomStream } from '../base/random-stream.js';
import type { RandomStream, TimerHandle } from '../base/runtime.js';
import { inMacrotask, synchronousDrain } from './microtasks.js';
import { TimerHeap, type VirtualTimer } from './timer-heap.js';

export interface SchedulerOptions {
  readonly seed: number;
  /** `fifo`: in the order of submission. `random`: a seeded choice between the heads of the lanes. */
  readonly order: 'fifo' | 'random';
  readonly startWallMs: number;
  readonly busyStepsPerMs: number;
  readonly stepsMax: number;
}

type Progress = 'stopped' | 'idle' | 'more';

/** Steps after which the loop lets the real event loop turn, so that a test's own time limit can fire. */
const SLICE_STEPS = 4_096;

export class VirtualScheduler {
  readonly #options: SchedulerOptions;
  readonly #choices: RandomStream;
  readonly #timers = new TimerHeap();
  /** Lanes that hold tasks; with order `fifo` there is only one, and it stays. */
  readonly #lanes: Lane[] = [];
  #nowMs = 0;
  #wallOffsetMs: number;
  #steps = 0;
  #stepsSinceJump = 0;
  #running = false;
  #drain: (() => void) | null | undefined = undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#choices = randomStream(options.seed, 'scheduler');
    this.#wallOffsetMs = options.startWallMs;
  }

  /** Monotonic virtual time, from 0. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  /** Callbacks executed so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Moves the wall clock alone, as an operator or NTP does. */
  jumpWall(deltaMs: number): void {
    this.#wallOffsetMs += deltaMs;
  }

  /** Appends to a lane; tasks of one lane never overtake each other. */
  enqueue(lane: string, task: () => void): void {
    const name = this.#options.order === 'fifo' ? 'all' : lane;
    let found = this.#lanes.find((candidate) => candidate.name === name);
    if (found === undefined) {
      found = new Lane(name);
      this.#lanes.push(found);
    }
    found.push(task);
  }

  after(delayMs: number, callback: () => void): TimerHandle {
    return this.#timers.add(this.#nowMs + Math.max(0, delayMs), callback);
  }

  /** Executes until nothing is left, or `until` holds after a step. Throws what a callback throws. */
  async run(until?: () => boolean): Promise<void> {
    await this.#loop(Number.POSITIVE_INFINITY, until ?? (() => false));
  }

  /** Executes what is due within the next `ms` of virtual time, and what follows from it; then time has passed. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#nowMs + ms;
    await this.#loop(targetMs, () => false);
    this.#nowMs = Math.max(this.#nowMs, targetMs);
  }

  async #loop(limitMs: number, until: () => boolean): Promise<void> {
    assert(!this.#running, 'run and advance are not called while one of them is running');
    this.#running = true;
    try {
      if (this.#drain === undefined) this.#drain = await synchronousDrain();
      const stepsMax = this.#steps + this.#options.stepsMax;
      let progress: Progress = 'more';
      while (progress !== 'stopped') {
        // An idle slice gives the real event loop one turn before time jumps: work scheduled there comes first.
        const mayJump: boolean = progress === 'idle';
        progress = await inMacrotask(() => this.#slice(limitMs, until, mayJump));
        assert(
          this.#steps < stepsMax,
          'the program comes to rest; a periodic timer never does, use advance()',
          {
            steps: this.#options.stepsMax,
            nowMs: this.#nowMs,
          },
        );
      }
    } finally {
      this.#running = false;
    }
  }

  #slice(limitMs: number, until: () => boolean, mayJump: boolean): Progress {
    const slice = this.#drain === null ? 1 : SLICE_STEPS;
    for (let count = 0; count < slice; count += 1) {
      if (until() || this.#nowMs > limitMs) return 'stopped';
      this.#releaseDueTimers();
      const task = this.#take();
      if (task === undefined) {
        if (!mayJump || count > 0) return 'idle';
        return this.#jump(limitMs) ? 'more' : 'stopped';
      }
      this.#step(task);
    }
    return 'more';
  }

  #step(task: () => void): void {
    this.#steps += 1;
    this.#stepsSinceJump += 1;
    if (this.#stepsSinceJump >= this.#options.busyStepsPerMs) {
      this.#stepsSinceJump = 0;
      this.#nowMs += 1;
    }
    task();
    this.#drain?.();
  }

  #releaseDueTimers(): void {
    for (
      let timer = this.#timers.takeDue(this.#nowMs);
      timer !== null;
      timer = this.#timers.takeDue(this.#nowMs)
    ) {
      const due: VirtualTimer = timer;
      this.enqueue('timers', () => due.fire());
    }
  }

  #take(): (() => void) | undefined {
    const choice = this.#lanes.length > 1 ? randomBelow(this.#choices, this.#lanes.length) : 0;
    const lane = this.#lanes[choice];
    const task = lane?.shift();
    if (lane?.isEmpty && this.#options.order === 'random') this.#lanes.splice(choice, 1);
    return task;
  }

  #jump(limitMs: number): boolean {
    const dueMs = this.#timers.nextDueMs();
    if (dueMs === null || dueMs > limitMs) return false;
    this.#nowMs = Math.max(this.#nowMs, dueMs);
    this.#stepsSinceJump = 0;
    return true;
  }
}

class Lane {
  readonly name: string;
  #tasks: (() => void)[] = [];
  #head = 0;

  constructor(name: string) {
    this.name = name;
  }

  get isEmpty(): boolean {
    return this.#head === this.#tasks.length;
  }

  push(task: () => void): void {
    this.#tasks.push(task);
  }

  shift(): (() => void) | undefined {
    const task = this.#tasks[this.#head];
    if (task === undefined) return undefined;
    this.#head += 1;
    if (this.isEmpty) {
      this.#tasks.length = 0;
      this.#head = 0;
    } else if (this.#head >= SLICE_STEPS) {
      this.#tasks = this.#tasks.slice(this.#head);
      this.#head = 0;
    }
    return task;
  }
}
