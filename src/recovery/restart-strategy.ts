// Whether and when a failed job is started again.
//
// Owns:    the four strategies (semantics 5.27 to 5.30) as immutable values.
// Not:     waiting, errors that no restart can help (job-machine.ts).
//
// S1. `next` answers the strategy after one more failure; `canRestart` and `delayMs` are about that failure and change
//     nothing when they are read.
// S2. Exponential delay: failures while a back-off is running are merged into it; they are one trouble, not many.
// S3. The delay stays within [initialDelayMs, maxDelayMs], jitter included.

import { ConfigError } from '../base/errors.js';
import type { RandomStream } from '../base/runtime.js';

export type RestartOptions =
  | { readonly kind: 'none' }
  /** `attempts` restarts, default 1, each after `delayMs`, default 1000. */
  | { readonly kind: 'fixedDelay'; readonly attempts?: number; readonly delayMs?: number }
  /** Gives up at more than `failuresMax` (default 1) failures within `intervalMs` (default 60,000). */
  | {
      readonly kind: 'failureRate';
      readonly failuresMax?: number;
      readonly intervalMs?: number;
      readonly delayMs?: number;
    }
  /** Defaults: 1000 ms, times 1.5, at most 60,000 ms, jitter 0.1, reset after an hour without failure, no limit of attempts. */
  | {
      readonly kind: 'exponentialDelay';
      readonly initialDelayMs?: number;
      readonly multiplier?: number;
      readonly maxDelayMs?: number;
      readonly jitter?: number;
      readonly resetAfterMs?: number;
      /** Null: as often as it takes. */
      readonly attempts?: number | null;
    };

export interface RestartStrategy {
  /** False: the last failure is final. True before the first failure. */
  readonly canRestart: boolean;
  /** Milliseconds from the last failure to the restart. */
  readonly delayMs: number;
  /** For people: the rule that `canRestart: false` comes from. */
  readonly whyNot: string;
  /** After one more failure at `nowMs`, monotonic. `random` is for jitter and is drawn from at most once. */
  next(nowMs: number, random: RandomStream): RestartStrategy;
}

/** What a job without a strategy of its own gets (semantics 5.27). */
export function defaultRestartOptions(checkpointing: boolean): RestartOptions {
  return checkpointing ? { kind: 'exponentialDelay' } : { kind: 'none' };
}

/** Throws ConfigError for numbers that make no sense. */
export function restartStrategy(options: RestartOptions): RestartStrategy {
  switch (options.kind) {
    case 'none':
      return none(true);
    case 'fixedDelay':
      return fixedDelay(
        {
          attempts: count(options.attempts, 1, 'attempts'),
          delayMs: delay(options.delayMs, 1000, 'delayMs'),
        },
        0,
      );
    case 'failureRate':
      return failureRate(
        {
          failuresMax: count(options.failuresMax, 1, 'failuresMax'),
          intervalMs: delay(options.intervalMs, 60_000, 'intervalMs'),
          delayMs: delay(options.delayMs, 1000, 'delayMs'),
        },
        [],
      );
    case 'exponentialDelay':
      return exponentialDelay(exponentialPlan(options), null);
  }
}

function none(canRestart: boolean): RestartStrategy {
  return { canRestart, delayMs: 0, whyNot: 'the job has no restart strategy', next: () => none(false) };
}

interface FixedPlan {
  readonly attempts: number;
  readonly delayMs: number;
}

function fixedDelay(plan: FixedPlan, failures: number): RestartStrategy {
  return {
    canRestart: failures <= plan.attempts,
    delayMs: plan.delayMs,
    whyNot: `it has been restarted ${plan.attempts} times, as often as its strategy allows`,
    next: () => fixedDelay(plan, failures + 1),
  };
}

interface RatePlan {
  readonly failuresMax: number;
  readonly intervalMs: number;
  readonly delayMs: number;
}

/** `failures`: times of the last failuresMax + 1 of them; more are not needed to tell. */
function failureRate(plan: RatePlan, failures: readonly number[]): RestartStrategy {
  const latest = failures[failures.length - 1] ?? 0;
  const within = failures.filter((time) => latest - time <= plan.intervalMs).length;
  return {
    canRestart: within <= plan.failuresMax,
    delayMs: plan.delayMs,
    whyNot: `it has failed more than ${plan.failuresMax} times within ${plan.intervalMs} ms`,
    next: (nowMs) => failureRate(plan, [...failures, nowMs].slice(-(plan.failuresMax + 1))),
  };
}

interface ExponentialPlan {
  readonly initialDelayMs: number;
  readonly multiplier: number;
  readonly maxDelayMs: number;
  readonly jitter: number;
  readonly resetAfterMs: number;
  readonly attempts: number | null;
}

interface Backoff {
  /** Failures that led to a restart, over the life of the job. */
  readonly failures: number;
  /** Of them, since the last reset. */
  readonly step: number;
  readonly delayMs: number;
  readonly restartAtMs: number;
}

function exponentialDelay(plan: ExponentialPlan, backoff: Backoff | null): RestartStrategy {
  return {
    canRestart: backoff === null || plan.attempts === null || backoff.failures <= plan.attempts,
    delayMs: backoff?.delayMs ?? 0,
    whyNot: `it has been restarted ${plan.attempts ?? 0} times, as often as its strategy allows`,
    next: (nowMs, random) => exponentialDelay(plan, afterFailure(plan, backoff, nowMs, random)),
  };
}

function afterFailure(
  plan: ExponentialPlan,
  before: Backoff | null,
  nowMs: number,
  random: RandomStream,
): Backoff {
  // Strictly before: an attempt that fails in the very millisecond of its restart is a new failure. Merging it would
  // restart it again with no delay, for ever.
  if (before !== null && nowMs < before.restartAtMs) {
    return { ...before, delayMs: before.restartAtMs - nowMs };
  }
  const calm = before === null || nowMs - before.restartAtMs >= plan.resetAfterMs;
  const step = calm ? 1 : before.step + 1;
  const delayMs = delayOf(plan, step, random);
  return { failures: (before?.failures ?? 0) + 1, step, delayMs, restartAtMs: nowMs + delayMs };
}

function delayOf(plan: ExponentialPlan, step: number, random: RandomStream): number {
  const exact = Math.min(plan.maxDelayMs, plan.initialDelayMs * plan.multiplier ** (step - 1));
  const jittered = plan.jitter === 0 ? exact : exact * (1 + plan.jitter * (2 * random.next() - 1));
  return Math.floor(Math.min(plan.maxDelayMs, Math.max(plan.initialDelayMs, jittered)));
}

function exponentialPlan(
  options: Extract<RestartOptions, { readonly kind: 'exponentialDelay' }>,
): ExponentialPlan {
  const plan: ExponentialPlan = {
    initialDelayMs: delay(options.initialDelayMs, 1000, 'initialDelayMs'),
    multiplier: options.multiplier ?? 1.5,
    maxDelayMs: delay(options.maxDelayMs, 60_000, 'maxDelayMs'),
    jitter: options.jitter ?? 0.1,
    resetAfterMs: delay(options.resetAfterMs, 3_600_000, 'resetAfterMs'),
    attempts: options.attempts == null ? null : count(options.attempts, 0, 'attempts'),
  };
  if (!(plan.multiplier >= 1)) throw wrong('multiplier', 'at least 1', plan.multiplier);
  if (!(plan.jitter >= 0 && plan.jitter <= 1)) throw wrong('jitter', 'between 0 and 1', plan.jitter);
  if (plan.maxDelayMs < plan.initialDelayMs) {
    throw wrong('maxDelayMs', `at least initialDelayMs (${plan.initialDelayMs})`, plan.maxDelayMs);
  }
  return plan;
}

function count(value: number | undefined, otherwise: number, name: string): number {
  if (value === undefined) return otherwise;
  if (!Number.isSafeInteger(value) || value < 0) throw wrong(name, 'a whole number of at least 0', value);
  return value;
}

function delay(value: number | undefined, otherwise: number, name: string): number {
  if (value === undefined) return otherwise;
  if (!Number.isFinite(value) || value < 0)
    throw wrong(name, 'a number of milliseconds of at least 0', value);
  return value;
}

function wrong(name: string, expected: string, got: number): ConfigError {
  return new ConfigError(`The restart strategy expects ${name} to be ${expected}, got ${got}.`, {
    remedy: 'Correct it, or leave it out for the default.',
  });
}
