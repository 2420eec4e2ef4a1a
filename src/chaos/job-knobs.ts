// The numbers that shape a simulated run of a job, and the options that they become.
//
// Owns:    which knobs there are, their bounds, their meaning.
// Not:     drawing them (draw-plan.ts), shrinking them (shrink.ts).

import type { CheckpointOptions, RunOptions } from '../../actors/run-options.js';
import { randomBelow, randomStream } from '../base/random-stream.js';
import type { KnobInfo, Knobs } from './execution.js';
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
    restartDelayMs: knob('delay', 0, 5, 30),
    /** Seeds the choices between options that are not numbers: chaining, incremental snapshots, checkpoints under way. */
    options: knob('delay', 0, 0, 63),
    /** 1: a completed checkpoint is restored alone and run to the end (oracle O4). */
    shadow: knob('delay', 0, 0, 1),
    /** Hours by which the wall clock is wrong from the start. */
    wallSkewHours: knob('delay', 0, 0, 48),
  };
}

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
  const retained = plain ? 2 : 2 + randomBelow(random, 3);
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
  return {
    chaining,
    restart,
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
