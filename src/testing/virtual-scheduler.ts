// Virtual time and the order of everything that runs in it.
//
// Owns:    the queue of callbacks, the timers, the clocks, and the loop that executes them one by one.
// Not:     what runs (virtual-runtime.ts), files and stores.
//
// A1. One callback at a time; its microtasks have all run before the next callback starts.
// A2. The same seed and the same program give the same order, on every machine.
// A4. Every step goes into a hash: two runs with one hash did the same things in the same order at the same times.
// A3. Time jumps to the next timer when nothing can run, and creeps by 1 ms after many steps in a row: otherwise a
//     source that never rests would keep every timer from firing.

import { assert, present } from '../base/assert.js';
import { randomBelow, randomStream } from '../base/random-stream.js';
import type { TimerHandle } from '../base/runtime.js';
import { inMacrotask, synchronousDrain } from './microtasks.js';
import { RollingHash } from './rolling-hash.js';
import { TimerHeap, type VirtualTimer } from './timer-heap.js';

/** What can run next: lanes that hold tasks, the one that has waited longest first. */
export interface Candidates {
  readonly length: number;
  name(index: number): string;
  /** Number of the lane, from 0 in the order in which lanes came to be. */
  lane(index: number): number;
  /** Step at which the lane last became ready. */
  readySince(index: number): number;
}

/** Picks the index of a candidate; called only when there are several. */
export type Choose = (candidates: Candidates) => number;

export interface SchedulerOptions {
  readonly seed: number;
  /** `fifo`: in the order of submission. `random`: a seeded choice between the heads of the lanes. A function chooses itself. */
  readonly order: 'fifo' | 'random' | Choose;
  /** Something enqueued a task while the loop ran, but not from within a step: a wake-up from outside of the simulation. */
  readonly onForeignWake?: (lane: string) => void;
  readonly startWallMs: number;
  readonly busyStepsPerMs: number;
  readonly stepsMax: number;
}

type Progress = 'stopped' | 'idle' | 'more';

/** Steps after which the loop lets the real event loop turn, so that a test's own time limit can fire. */
const SLICE_STEPS = 4_096;

export class VirtualScheduler implements Candidates {
  readonly #options: SchedulerOptions;
  readonly #choose: Choose | null;
  readonly #timers = new TimerHeap();
  /** Lanes that hold tasks, longest ready first; with order `fifo` there is only one, and it stays. */
  readonly #ready: Lane[] = [];
  readonly #lanes = new Map<string, Lane>();
  readonly #hash = new RollingHash();
  #nowMs = 0;
  #wallOffsetMs: number;
  /** Wall milliseconds that pass per millisecond, less one; and since when. */
  #drift = 0;
  #driftSinceMs = 0;
  #steps = 0;
  #stepsSinceJump = 0;
  #running = false;
  #inStep = false;
  /** Timers come due between steps, as they should. */
  #releasing = false;
  #drain: (() => void) | null | undefined = undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#choose = chooserOf(options);
    this.#wallOffsetMs = options.startWallMs;
  }

  /** Monotonic virtual time, from 0. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs + Math.round((this.#nowMs - this.#driftSinceMs) * this.#drift);
  }

  /** Callbacks executed so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Of everything that has run: which lane, in what order, at what time, and what was noted. */
  get hash(): string {
    return this.#hash.text();
  }

  /** True in the middle of a step, its microtasks included where they can be told apart. */
  get inStep(): boolean {
    return this.#inStep;
  }

  /** Makes an observation part of the hash. */
  note(text: string): void {
    this.#hash.addText(text);
  }

  /** Moves the wall clock alone, as an operator or NTP does. */
  jumpWall(deltaMs: number): void {
    this.#wallOffsetMs += deltaMs;
  }

  /** Lets the wall clock run fast (0.05: five per cent) or slow from now on. */
  driftWall(fraction: number): void {
    this.#wallOffsetMs = this.wallMs - this.#nowMs;
    this.#driftSinceMs = this.#nowMs;
    this.#drift = fraction;
  }

  /** Appends to a lane; tasks of one lane never overtake each other. */
  enqueue(lane: string, task: () => void): void {
    if (this.#running && !this.#inStep && !this.#releasing && this.#drain !== null)
      this.#options.onForeignWake?.(lane);
    const name = this.#choose === null ? 'all' : lane;
    let found = this.#lanes.get(name);
    if (found === undefined) {
      found = new Lane(name, this.#lanes.size);
      this.#lanes.set(name, found);
    }
    if (found.isEmpty) {
      found.readySince = this.#steps;
      this.#ready.push(found);
    }
    found.push(task);
  }

  /** Candidates: for the function that chooses. */
  get length(): number {
    return this.#ready.length;
  }

  name(index: number): string {
    return present(this.#ready[index], 'a candidate at the index').name;
  }

  lane(index: number): number {
    return present(this.#ready[index], 'a candidate at the index').number;
  }

  readySince(index: number): number {
    return present(this.#ready[index], 'a candidate at the index').readySince;
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
    this.#inStep = true;
    try {
      task();
      this.#drain?.();
    } finally {
      this.#inStep = false;
    }
  }

  #releaseDueTimers(): void {
    this.#releasing = true;
    for (
      let timer = this.#timers.takeDue(this.#nowMs);
      timer !== null;
      timer = this.#timers.takeDue(this.#nowMs)
    ) {
      const due: VirtualTimer = timer;
      this.enqueue('timers', () => due.fire());
    }
    this.#releasing = false;
  }

  #take(): (() => void) | undefined {
    const ready = this.#ready;
    if (ready.length === 0) return undefined;
    const index = ready.length > 1 && this.#choose !== null ? this.#choose(this) : 0;
    const lane = present(ready[index], 'the choice is one of the candidates');
    const task = lane.shift();
    if (lane.isEmpty) {
      if (index === 0) ready.shift();
      else ready.splice(index, 1);
    }
    this.#hash.add(lane.number, this.#nowMs);
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

function chooserOf(options: SchedulerOptions): Choose | null {
  if (options.order === 'fifo') return null;
  if (options.order !== 'random') return options.order;
  const choices = randomStream(options.seed, 'scheduler');
  return (candidates) => randomBelow(choices, candidates.length);
}

class Lane {
  readonly name: string;
  /** In the order in which lanes came to be: the same in every run of one seed. */
  readonly number: number;
  readySince = 0;
  #tasks: (() => void)[] = [];
  #head = 0;

  constructor(name: string, number: number) {
    this.name = name;
    this.number = number;
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
