// How a job is run: the options of `run`, their defaults, and the check that they make sense together.
//
// Owns:    RunOptions and their resolved form.
// Not:     what a job is (src/api), running it (run.ts).

import { ConfigError } from '../src/base/errors.js';
import {
  CHECKPOINT_INTERVAL_MS,
  CHECKPOINT_TIMEOUT_MS,
  CHECKPOINTS_CONCURRENT_MAX,
  CHECKPOINTS_RETAINED,
  POISON_REPEATS_MAX,
  STORE_COMMIT_DEADLINE_MS,
} from '../src/base/limits.js';
import type { Logger } from '../src/base/logger.js';
import type { Runtime } from '../src/base/runtime.js';
import { shownValue } from '../src/base/shown-text.js';
import type { Tuning } from '../src/base/tuning.js';
import type { RestartOptions } from '../src/recovery/restart-strategy.js';
import type { ActorInterceptor } from './kernel/actor.js';

export interface CheckpointOptions {
  /** Directory of the job's checkpoints; created when absent; belongs to one job. */
  readonly dir: string;
  /** Between periodic checkpoints. Default 10,000. Null: only savepoints, and the final checkpoint of a bounded job. */
  readonly intervalMs?: number | null;
  /** `exactlyOnce` (default) aligns barriers; `atLeastOnce` does not wait for slow channels and may repeat records after a failure. */
  readonly mode?: 'exactlyOnce' | 'atLeastOnce';
  /** A checkpoint that takes longer is given up. Default 600,000. */
  readonly timeoutMs?: number;
  /** Between the end of a checkpoint and the next periodic one. Default 0. */
  readonly minPauseMs?: number;
  /** Checkpoints under way at a time. Default 1. */
  readonly concurrentMax?: number;
  /** Consecutive failed checkpoints that the job survives. Default 0. */
  readonly tolerableFailures?: number;
  /** Completed checkpoints kept. Default and least 2: the older one is the way out when the newer cannot be read. */
  readonly retained?: number;
  /** What `cancel` does to the checkpoints: keep them (default), or delete them, so that the next start begins from nothing. */
  readonly onCancel?: 'retain' | 'delete';
  /** Write only what changed since the last completed checkpoint. Default true. */
  readonly incremental?: boolean;
  /** A write that has not settled after this long counts as a broken disk. Default 30,000. */
  readonly storeDeadlineMs?: number;
}

export interface RunOptions {
  /** Subtasks of every operator that does not say otherwise. Default 1. */
  readonly parallelism?: number;
  /** Key groups; fixed by the first checkpoint. Default: semantics of Flink, at least 128. */
  readonly maxParallelism?: number;
  /** Without it nothing survives a failure, and sinks commit at the end of input. */
  readonly checkpoint?: CheckpointOptions;
  /** Default: exponential delay with checkpoints, none without. */
  readonly restart?: RestartOptions;
  /**
   * When a failure is no accident but the record's: `repeatsMax` failures in a row with the same error at the same record end the
   * job, whatever its restart strategy. Default 3. Null: never. Only failures of user functions count, not those of sources,
   * sinks and disks.
   */
  readonly poison?: { readonly repeatsMax: number | null };
  /** Directory of a savepoint to start from. */
  readonly from?: string;
  /**
   * Leave state behind that no operator of the job claims, and take the type of keys for granted. Default false: unclaimed
   * state is an error, and so is a first key of another type than those of the restored state.
   */
  readonly allowNonRestoredState?: boolean;
  /**
   * Go on from an older checkpoint when the newest one is damaged. With transactional sinks that repeats what they committed
   * after the older one, so the default is to refuse then; without such sinks the default is to go on.
   */
  readonly allowOlderCheckpoint?: boolean;
  /** Default true. False: every operator is an actor of its own. */
  readonly chaining?: boolean;
  /**
   * Look for mistakes that production cannot afford to look for: freeze records and what goes into state, check that it can be
   * stored, notice what is changed in place. Default: unless NODE_ENV is production. See docs/records.md.
   */
  readonly development?: boolean;
  /**
   * Default: warnings and errors to standard error, as the environment variable WEIR_LOG says (silent, error, warn, info, debug).
   * `silentLogger` says nothing; pino fits as it is.
   */
  readonly logger?: Logger;
  /** Default: Node. Tests and simulation pass a virtual one. */
  readonly runtime?: Runtime;
  /** What schedules actors: nact (default), or the runtime's own dispatch, as virtual time needs it. */
  readonly actorHost?: 'nact' | 'dispatch';
  /** For fault injection: sees every spawn and every message of the job's actors. Default: none, at no cost. */
  readonly interceptor?: ActorInterceptor;
  /** Messages that an actor handles in one turn, at most. Default 1,024; simulation interleaves more with fewer. */
  readonly turnMessagesMax?: number;
  /**
   * For tests and simulation: sizes of batches, polls, channels and snapshots. They change speed and memory, never results;
   * the defaults fit nearly every job.
   */
  readonly tuning?: Partial<Tuning>;
  /** Cancels the job when aborted. */
  readonly signal?: AbortSignal;
}

export interface ResolvedCheckpoint {
  readonly dir: string;
  readonly intervalMs: number | null;
  readonly mode: 'exactlyOnce' | 'atLeastOnce';
  readonly timeoutMs: number;
  readonly minPauseMs: number;
  readonly concurrentMax: number;
  readonly tolerableFailures: number;
  readonly retained: number;
  readonly onCancel: 'retain' | 'delete';
  readonly incremental: boolean;
  readonly storeDeadlineMs: number;
}

/** Throws ConfigError with all problems. */
export function resolveCheckpoint(options: CheckpointOptions): ResolvedCheckpoint {
  const resolved: ResolvedCheckpoint = {
    dir: options.dir,
    intervalMs: options.intervalMs === undefined ? CHECKPOINT_INTERVAL_MS : options.intervalMs,
    mode: options.mode ?? 'exactlyOnce',
    timeoutMs: options.timeoutMs ?? CHECKPOINT_TIMEOUT_MS,
    minPauseMs: options.minPauseMs ?? 0,
    concurrentMax: options.concurrentMax ?? CHECKPOINTS_CONCURRENT_MAX,
    tolerableFailures: options.tolerableFailures ?? 0,
    retained: options.retained ?? CHECKPOINTS_RETAINED,
    onCancel: options.onCancel ?? 'retain',
    incremental: options.incremental ?? true,
    storeDeadlineMs: options.storeDeadlineMs ?? STORE_COMMIT_DEADLINE_MS,
  };
  const problems = problemsOf(resolved);
  if (problems.length > 0)
    throw new ConfigError(`Checkpoint options do not make sense: ${problems.join('; ')}.`);
  return resolved;
}

/** Throws ConfigError. */
export function resolveRepeatsMax(poison: RunOptions['poison']): number | null {
  const repeatsMax = poison === undefined ? POISON_REPEATS_MAX : poison.repeatsMax;
  if (repeatsMax === null || (Number.isSafeInteger(repeatsMax) && repeatsMax >= 1)) return repeatsMax;
  throw new ConfigError(
    `poison.repeatsMax is a whole number of at least 1, or null, got ${shownValue(repeatsMax)}.`,
    {
      remedy: 'Correct it, or leave it out for the default.',
    },
  );
}

function problemsOf(options: ResolvedCheckpoint): string[] {
  const problems: string[] = [];
  const atLeast = (name: keyof ResolvedCheckpoint, min: number, value: unknown): void => {
    const fits = typeof value === 'number' && Number.isFinite(value) && value >= min;
    if (!fits) problems.push(`${name} is a number of at least ${min}, got ${String(value)}`);
  };
  if (typeof options.dir !== 'string' || options.dir === '') problems.push('dir names a directory');
  if (options.intervalMs !== null) atLeast('intervalMs', 1, options.intervalMs);
  atLeast('timeoutMs', 1, options.timeoutMs);
  atLeast('minPauseMs', 0, options.minPauseMs);
  atLeast('concurrentMax', 1, options.concurrentMax);
  atLeast('tolerableFailures', 0, options.tolerableFailures);
  atLeast('retained', CHECKPOINTS_RETAINED, options.retained);
  atLeast('storeDeadlineMs', 1, options.storeDeadlineMs);
  if (options.onCancel !== 'retain' && options.onCancel !== 'delete') {
    problems.push(`onCancel is "retain" or "delete", got ${JSON.stringify(options.onCancel)}`);
  }
  if (options.mode !== 'exactlyOnce' && options.mode !== 'atLeastOnce') {
    problems.push(`mode is "exactlyOnce" or "atLeastOnce", got ${JSON.stringify(options.mode)}`);
  }
  return problems;
}
