// The numbers that shape a simulated run of a job, and the options that they become.
//
// Owns:    which knobs there are, their bounds, their meaning.
// Not:     drawing them (draw-plan.ts), shrinking them (shrink.ts).

import type { CheckpointOptions, RunOptions } from '../../actors/run-options.js';
import { randomBelow, randomStream } from '../base/random-stream.js';
import { drawnTuning } from './drawn-tuning.js';
import type { KnobInfo, Knobs } from './execution.js';
import { SHADOWS } from './job-cuts.js';
import type { JobScenarioOptions } from './scenario-options.js';
import { STRATEGIES, type Strategy } from './schedule.js';

const knob = (
  level: KnobInfo['level'],
  least: number,
  normal: number,
  max: number,
  min: number = least,
): KnobInfo => ({ level, least, default: normal, max, min });

/** `records` is set by the scenario. */
export function jobKnobs(records: number): Readonly<Record<string, KnobInfo>> {
  return {
    parallelism: knob('parallelism', 1, 2, 3),
    records: knob('input', 1, records, records, Math.min(records, 24)),
    intervalMs: knob('delay', 10, 25, 80),
    gapUs: knob('delay', 0, 600, 1_500),
    strategy: knob('delay', 0, 0, STRATEGIES.length - 1),
    turnMessages: knob('delay', 1, 8, 64),
    stepsPerMs: knob('delay', 20, 60, 400),
    latencyMs: knob('delay', 0, 1, 12),
    /** Most virtual milliseconds that a commit of the store takes: meanwhile records change what a snapshot is still to write. */
    commitMs: knob('delay', 0, 0, 6),
    restartDelayMs: knob('delay', 0, 5, 30),
    /** Seeds the choices between options that are not numbers: chaining, incremental snapshots, checkpoints under way. */
    options: knob('delay', 0, 0, 63),
    /** What is restored alone and run to the end (oracle O4): see `SHADOWS` of job-cuts.ts. */
    shadow: knob('delay', 0, 0, SHADOWS.length - 1),
    /** 1: whoever stops the job takes a savepoint with it, and goes on from that in a new directory. */
    base: knob('delay', 0, 0, 1),
    /** Seeds the sizes of batches, polls, channels and snapshots. 0: as in production. */
    tuning: knob('delay', 0, 0, 1_023),
    /** Which number of key groups the job has; 0: the default. With few of them most keys lie at the end of a range. */
    keyGroups: knob('delay', 0, 0, KEY_GROUPS.length - 1),
    /** Hours by which the wall clock is wrong from the start. */
    wallSkewHours: knob('delay', 0, 0, 48),
  };
}

/** At least as many as subtasks that a rescale may ask for. */
const KEY_GROUPS: readonly (number | null)[] = [null, 4, 5, 6, 7, 11, 16];

export function strategyOf(knobs: Knobs): Strategy {
  return STRATEGIES[knobs['strategy'] ?? 0] ?? 'uniform';
}

/** A checkpoint that stands still is given up after this long, so that a job whose messages were lost recovers. */
const CHECKPOINT_TIMEOUT_MS = 4_000;
/** Above the slowest write that counts as slow (F37): one that takes longer has hung. */
const STORE_DEADLINE_MS = 40_000;
const RESTARTS_MAX = 150;
const EXPONENTIAL_MAX_MS = 2_000;

export type ScenarioRunOptions = NonNullable<JobScenarioOptions<unknown, unknown>['run']>;

/** Options of a run; what the scenario says wins. */
export function runOptionsOf(
  knobs: Knobs,
  given: ScenarioRunOptions,
  directory: string,
  parallelism: number | null,
): Omit<RunOptions, 'runtime'> & { readonly checkpoint: CheckpointOptions } {
  const of = (name: string, normal: number): number => knobs[name] ?? normal;
  const random = randomStream(of('options', 0), 'options');
  const plain = of('options', 0) === 0;
  const chaining = plain || random.next() < 0.7;
  const incremental = plain || random.next() < 0.7;
  const concurrentMax = plain ? 1 : 1 + randomBelow(random, 2);
  const tolerableFailures = plain ? 0 : randomBelow(random, 3);
  const retained = plain ? 2 : 2 + randomBelow(random, 4);
  const delayMs = of('restartDelayMs', 5);
  const exponential = !plain && random.next() < 0.4;
  const restart: RunOptions['restart'] = exponential
    ? {
        kind: 'exponentialDelay',
        initialDelayMs: Math.max(1, delayMs),
        maxDelayMs: EXPONENTIAL_MAX_MS,
        attempts: RESTARTS_MAX,
      }
    : { kind: 'fixedDelay', attempts: RESTARTS_MAX, delayMs };
  const maxParallelism = KEY_GROUPS[of('keyGroups', 0)] ?? null;
  return {
    chaining,
    restart,
    tuning: drawnTuning(of('tuning', 0)),
    ...(maxParallelism === null ? {} : { maxParallelism }),
    turnMessagesMax: Math.max(1, of('turnMessages', 8)),
    ...given,
    parallelism: parallelism ?? given.parallelism ?? of('parallelism', 1),
    actorHost: 'dispatch',
    checkpoint: {
      intervalMs: of('intervalMs', 25),
      timeoutMs: CHECKPOINT_TIMEOUT_MS,
      storeDeadlineMs: STORE_DEADLINE_MS,
      incremental,
      concurrentMax,
      tolerableFailures,
      retained,
      ...given.checkpoint,
      dir: directory,
    },
  };
}
