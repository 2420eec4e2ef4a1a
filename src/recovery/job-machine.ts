// The life of a job over its attempts: running, failing, restarting, ending.
//
// Owns:    the state of the job, the history of its failures, and what happens next.
// Not:     how long to wait before a restart (restart-strategy.ts), executing an attempt (actors/).
//
// J1. At most one attempt lives: the next one begins after the last one has stopped whole (semantics 5.32).
// J2. Terminal states are final. FAILED carries the last failure and the earlier ones (5.33).
// J3. A failure that says that a restart cannot help skips the strategy (5.34).
// J4. What comes from an attempt that is not the current one changes nothing. Further failures of an attempt that is being
//     stopped are its echo: listed as suppressed, not counted again.
// J5. A cancel wins over a restart and over a failure, and loses against an end that has already been reached.
// J6. A stop that could not be finished restarts the job at once, without asking the strategy: nothing is broken, but the
//     sources stand still (5.20).
// J7. A failure that comes again and again at the same record ends the job (repeated-failure.ts).
// J8. While no attempt has ever begun, somebody waits for `run`: it may fail to begin a few times only, whatever the strategy.

import { assert, unreachable } from '../base/assert.js';
import { isUnrecoverable } from '../base/errors.js';
import { FIRST_BEGINS_MAX, POISON_REPEATS_MAX } from '../base/limits.js';
import type { RandomStream } from '../base/runtime.js';
import { isStopFailure } from '../checkpoint/stop-failed-error.js';
import { FailureHistory, type JobFailure } from './failure-history.js';
import { RepeatedFailure } from './repeated-failure.js';
import type { RestartStrategy } from './restart-strategy.js';

export type { JobFailure } from './failure-history.js';

export type JobState =
  | 'CREATED'
  | 'RUNNING'
  | 'FAILING'
  | 'FAILED'
  | 'RESTARTING'
  | 'CANCELLING'
  | 'CANCELED'
  | 'FINISHED'
  | 'SUSPENDED';

/** All times are monotonic milliseconds. */
export type JobInput =
  | { readonly kind: 'start' }
  /** The attempt has been given its number and its subtasks exist. */
  | { readonly kind: 'attemptBegun'; readonly attempt: number }
  /** The store could not be opened, or the checkpoint does not fit. No attempt exists. */
  | { readonly kind: 'beginFailed'; readonly error: unknown; readonly nowMs: number }
  | {
      readonly kind: 'attemptFailed';
      readonly attempt: number;
      readonly error: unknown;
      readonly nowMs: number;
    }
  /** Every actor of the attempt is gone. */
  | { readonly kind: 'attemptStopped'; readonly attempt: number }
  | { readonly kind: 'restartDue' }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'checkpointCompleted'; readonly attempt: number }
  /** The attempt has done all there was to do, or the stop that was asked for. */
  | { readonly kind: 'attemptDone'; readonly attempt: number; readonly end: 'FINISHED' | 'SUSPENDED' };

export interface JobLimits {
  /** Failures in a row at the same record that end the job. Null: as many as it takes. */
  readonly repeatsMax: number | null;
  /** Failures to begin before any attempt has begun. Null: one has, in an earlier life of the job actor. */
  readonly firstBeginsMax: number | null;
}

export type JobEffect =
  /** Open the store if need be, take the next attempt number, restore, spawn: answered by `attemptBegun` or `beginFailed`. */
  | { readonly kind: 'beginAttempt' }
  /** Answered by `attemptStopped`. */
  | { readonly kind: 'stopAttempt'; readonly attempt: number }
  /** Answered by `restartDue`. */
  | { readonly kind: 'scheduleRestart'; readonly delayMs: number }
  | { readonly kind: 'end'; readonly state: 'FINISHED' | 'SUSPENDED' | 'CANCELED' }
  | {
      readonly kind: 'fail';
      readonly error: unknown;
      readonly suppressed: readonly unknown[];
      readonly why: string;
      /** Where `why` has one of its own, beside that of the error. */
      readonly remedy: string | undefined;
    };

type Phase =
  | { readonly kind: 'created' }
  | { readonly kind: 'beginning' }
  /** From the moment the subtasks exist: being restored is part of running. */
  | { readonly kind: 'running'; readonly attempt: number }
  /** The attempt is being stopped; then what is in `next` happens. */
  | { readonly kind: 'stopping'; readonly attempt: number; readonly next: Next }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'ended'; readonly state: JobState };

const POISON_REMEDY =
  "Correct the function or the record, or leave such records out: onError(deadLetter(tag)) behind the operator sends them to a side output, onError('skip') drops them.";

type Next =
  | { readonly kind: 'restart'; readonly delayMs: number }
  | { readonly kind: 'fail'; readonly why: string; readonly remedy?: string }
  | { readonly kind: 'end'; readonly state: 'FINISHED' | 'SUSPENDED' | 'CANCELED' };

export class JobMachine {
  readonly #failures = new FailureHistory();
  readonly #repeated = new RepeatedFailure();
  readonly #limits: JobLimits;
  #firstBegins = 0;
  readonly #random: RandomStream;
  #strategy: RestartStrategy;
  #phase: Phase = { kind: 'created' };
  #canceling = false;
  #restarts = 0;
  #attempt = 0;

  /** `random`: for the jitter of back-offs. */
  constructor(strategy: RestartStrategy, random: RandomStream, limits: Partial<JobLimits> = {}) {
    this.#strategy = strategy;
    this.#random = random;
    this.#limits = { repeatsMax: POISON_REPEATS_MAX, firstBeginsMax: FIRST_BEGINS_MAX, ...limits };
  }

  get state(): JobState {
    const phase = this.#phase;
    switch (phase.kind) {
      case 'created':
        return 'CREATED';
      case 'beginning':
        if (this.#canceling) return 'CANCELLING';
        return this.#restarts > 0 ? 'RESTARTING' : 'CREATED';
      case 'running':
        return 'RUNNING';
      case 'stopping':
        return this.#stoppingState(phase.next);
      case 'waiting':
        return 'RESTARTING';
      default:
        return phase.state;
    }
  }

  /** The attempt that began last; 0 before the first. */
  get attempt(): number {
    return this.#attempt;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Newest last, at most FAILURE_HISTORY_MAX. */
  get failures(): readonly JobFailure[] {
    return this.#failures.entries;
  }

  step(input: JobInput): readonly JobEffect[] {
    if (this.#phase.kind === 'ended') return [];
    switch (input.kind) {
      case 'start':
        assert(this.#phase.kind === 'created', 'a job starts once', { phase: this.#phase.kind });
        return this.#begin();
      case 'attemptBegun':
        return this.#begun(input.attempt);
      case 'beginFailed':
        return this.#beginFailed(input.error, input.nowMs);
      case 'attemptFailed':
        return this.#failed(input.attempt, input.error, input.nowMs);
      case 'attemptDone':
        return this.#isCurrent(input.attempt)
          ? this.#stop(input.attempt, { kind: 'end', state: input.end })
          : [];
      case 'checkpointCompleted':
        if (this.#isCurrent(input.attempt)) this.#repeated.progressed();
        return [];
      case 'attemptStopped':
        return this.#stopped(input.attempt);
      case 'restartDue':
        return this.#phase.kind === 'waiting' ? this.#begin() : [];
      case 'cancel':
        return this.#cancel();
      default:
        return unreachable(input);
    }
  }

  #begin(): readonly JobEffect[] {
    this.#phase = { kind: 'beginning' };
    return [{ kind: 'beginAttempt' }];
  }

  #begun(attempt: number): readonly JobEffect[] {
    assert(this.#phase.kind === 'beginning', 'an attempt begins when asked for', {
      phase: this.#phase.kind,
      attempt,
    });
    this.#attempt = attempt;
    if (this.#canceling) return this.#stop(attempt, { kind: 'end', state: 'CANCELED' });
    this.#phase = { kind: 'running', attempt };
    return [];
  }

  #beginFailed(error: unknown, nowMs: number): readonly JobEffect[] {
    if (this.#phase.kind !== 'beginning') return [];
    const { firstBeginsMax } = this.#limits;
    this.#firstBegins += 1;
    let next = this.#judge(this.#attempt, error, nowMs);
    if (this.#attempt === 0 && firstBeginsMax !== null && this.#firstBegins >= firstBeginsMax) {
      if (next.kind === 'restart')
        next = { kind: 'fail', why: `it could not begin ${this.#firstBegins} times` };
    }
    return this.#next(this.#canceling ? { kind: 'end', state: 'CANCELED' } : next);
  }

  #failed(attempt: number, error: unknown, nowMs: number): readonly JobEffect[] {
    if (this.#isCurrent(attempt)) return this.#stop(attempt, this.#judge(attempt, error, nowMs));
    if (this.#phase.kind === 'stopping' || this.#phase.kind === 'waiting')
      this.#failures.echo(attempt, error);
    return [];
  }

  #judge(attempt: number, error: unknown, nowMs: number): Next {
    this.#failures.root(attempt, nowMs, error);
    if (isUnrecoverable(error)) return { kind: 'fail', why: 'a restart cannot help' };
    if (isStopFailure(error)) return { kind: 'restart', delayMs: 0 };
    const repeats = this.#repeated.failed(error);
    const { repeatsMax } = this.#limits;
    if (repeatsMax !== null && repeats >= repeatsMax) {
      return { kind: 'fail', why: `${repeats} times in a row at the same record`, remedy: POISON_REMEDY };
    }
    this.#strategy = this.#strategy.next(nowMs, this.#random);
    if (this.#strategy.canRestart) return { kind: 'restart', delayMs: this.#strategy.delayMs };
    return { kind: 'fail', why: this.#strategy.whyNot };
  }

  #stop(attempt: number, next: Next): readonly JobEffect[] {
    this.#phase = { kind: 'stopping', attempt, next };
    return [{ kind: 'stopAttempt', attempt }];
  }

  #stopped(attempt: number): readonly JobEffect[] {
    const phase = this.#phase;
    if (phase.kind !== 'stopping' || phase.attempt !== attempt) return [];
    const canceled = this.#canceling && phase.next.kind !== 'end';
    return this.#next(canceled ? { kind: 'end', state: 'CANCELED' } : phase.next);
  }

  #next(next: Next): readonly JobEffect[] {
    switch (next.kind) {
      case 'restart':
        this.#restarts += 1;
        this.#phase = { kind: 'waiting' };
        return [{ kind: 'scheduleRestart', delayMs: next.delayMs }];
      case 'fail':
        this.#phase = { kind: 'ended', state: 'FAILED' };
        return [{ kind: 'fail', ...this.#failures.summary(), why: next.why, remedy: next.remedy }];
      case 'end':
        this.#phase = { kind: 'ended', state: next.state };
        return [{ kind: 'end', state: next.state }];
      default:
        return unreachable(next);
    }
  }

  #cancel(): readonly JobEffect[] {
    const phase = this.#phase;
    this.#canceling = true;
    switch (phase.kind) {
      case 'created':
      case 'waiting':
        return this.#next({ kind: 'end', state: 'CANCELED' });
      case 'running':
        return this.#stop(phase.attempt, { kind: 'end', state: 'CANCELED' });
      default:
        // It takes effect when the attempt has begun, or has stopped.
        return [];
    }
  }

  #stoppingState(next: Next): JobState {
    switch (next.kind) {
      case 'end':
        // The work is done; what is left is putting things away. A cancel that came before is what ends it.
        return next.state === 'CANCELED' ? 'CANCELLING' : 'RUNNING';
      case 'restart':
        return this.#canceling ? 'CANCELLING' : 'RESTARTING';
      default:
        return this.#canceling ? 'CANCELLING' : 'FAILING';
    }
  }

  #isCurrent(attempt: number): boolean {
    return this.#phase.kind === 'running' && this.#phase.attempt === attempt;
  }
}
