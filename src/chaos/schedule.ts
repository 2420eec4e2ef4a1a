// Which of the tasks that could run does run: six strategies, recorded and replayed.
//
// Owns:    the choices of one run.
// Not:     what the tasks are (src/testing/virtual-scheduler.ts).
//
// S1. Tasks of one lane keep their order, so every choice gives a legal history.
// S2. A choice is an index into the candidates, the one that has waited longest first: 0 is "oldest first", which is where
//     shrinking pulls a schedule.
// S3. Recorded choices replayed under the same seed, plan and program give the same run, whatever strategy made them.

import { randomBelow, randomStream } from '../base/random-stream.js';
import type { RandomStream } from '../base/runtime.js';
import type { Candidates, Choose } from '../testing/virtual-scheduler.js';

/**
 * `uniform`: any. `priority`: lanes have random priorities, which change at a few points: finds what needs few inversions.
 * `starve`: one lane gets its turn only when nothing else can run. `runToBlock`: stays with a lane until it has nothing to do.
 * `latency`: each lane is slow or fast. `barrierAdversary`: at every barrier, half of the lanes stand still for a while,
 * so that channels drift apart.
 */
export const STRATEGIES = [
  'uniform',
  'priority',
  'starve',
  'runToBlock',
  'latency',
  'barrierAdversary',
] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** How often priorities change in the first steps of a run. */
const PRIORITY_CHANGES = 4;
const PRIORITY_CHANGE_STEPS = 6_000;
/** Choices for which half of the lanes stand still after a barrier. */
const ADVERSARY_CHOICES = 96;
/** A starved lane changes now and then: another victim, another history. */
const STARVED_CHOICES = 1_500;

export interface ScheduleOptions {
  readonly seed: number;
  readonly strategy: Strategy;
  /** Choices to make again; after the last one, the oldest task runs. Null: the strategy chooses. */
  readonly replay: readonly number[] | null;
}

export class Schedule {
  readonly recorded: number[] = [];
  readonly choose: Choose;
  readonly #random: RandomStream;
  #barriers = 0;

  constructor({ seed, strategy, replay }: ScheduleOptions) {
    this.#random = randomStream(seed, `schedule ${strategy}`);
    const pick = replay === null ? this.#strategy(strategy) : replayed(replay);
    this.choose = (candidates) => {
      const choice = pick(candidates);
      this.recorded.push(choice);
      return choice;
    };
  }

  /** A barrier enters the job. */
  barrier(): void {
    this.#barriers += 1;
  }

  #strategy(strategy: Strategy): Choose {
    const random = this.#random;
    switch (strategy) {
      case 'uniform':
        return (candidates) => randomBelow(random, candidates.length);
      case 'priority':
        return byPriority(random);
      case 'starve':
        return starving(random);
      case 'runToBlock':
        return runToBlock(random);
      case 'latency':
        return byLatency(random);
      case 'barrierAdversary':
        return adversary(random, () => this.#barriers);
    }
  }
}

function replayed(choices: readonly number[]): Choose {
  let next = 0;
  return (candidates) => {
    const choice = choices[next] ?? 0;
    next += 1;
    return choice % candidates.length;
  };
}

/** A number per lane, drawn when the lane is first seen. */
class LaneNumbers {
  readonly #random: RandomStream;
  readonly #values: number[] = [];

  constructor(random: RandomStream) {
    this.#random = random;
  }

  of(lane: number): number {
    while (this.#values.length <= lane) this.#values.push(this.#random.next());
    return this.#values[lane] ?? 0;
  }

  set(lane: number, value: number): void {
    this.of(lane);
    this.#values[lane] = value;
  }
}

function byPriority(random: RandomStream): Choose {
  const priorities = new LaneNumbers(random);
  const changes = new Set(
    Array.from({ length: PRIORITY_CHANGES }, () => randomBelow(random, PRIORITY_CHANGE_STEPS)),
  );
  let made = 0;
  return (candidates) => {
    const best = highest(candidates, (lane) => priorities.of(lane));
    if (changes.has(made)) priorities.set(candidates.lane(best), -made);
    made += 1;
    return best;
  };
}

function starving(random: RandomStream): Choose {
  let made = 0;
  let victim = -1;
  return (candidates) => {
    if (made % STARVED_CHOICES === 0) victim = candidates.lane(randomBelow(random, candidates.length));
    made += 1;
    const choice = randomBelow(random, candidates.length);
    if (candidates.lane(choice) !== victim) return choice;
    return (choice + 1) % candidates.length;
  };
}

function runToBlock(random: RandomStream): Choose {
  let current = -1;
  return (candidates) => {
    for (let index = 0; index < candidates.length; index += 1) {
      if (candidates.lane(index) === current) return index;
    }
    const choice = randomBelow(random, candidates.length);
    current = candidates.lane(choice);
    return choice;
  };
}

function byLatency(random: RandomStream): Choose {
  const latencies = new LaneNumbers(random);
  return (candidates) => highest(candidates, (lane) => random.next() * latencies.of(lane));
}

function adversary(random: RandomStream, barriers: () => number): Choose {
  let held = new LaneNumbers(random);
  let seen = 0;
  let left = 0;
  return (candidates) => {
    if (barriers() !== seen) {
      seen = barriers();
      held = new LaneNumbers(random);
      left = ADVERSARY_CHOICES;
    }
    const choice = randomBelow(random, candidates.length);
    if (left === 0) return choice;
    left -= 1;
    for (let step = 0; step < candidates.length; step += 1) {
      const index = (choice + step) % candidates.length;
      if (held.of(candidates.lane(index)) < 0.5) return index;
    }
    return choice;
  };
}

function highest(candidates: Candidates, value: (lane: number) => number): number {
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < candidates.length; index += 1) {
    const own = value(candidates.lane(index));
    if (own > most) {
      most = own;
      best = index;
    }
  }
  return best;
}
