// What outlives the job actor: how to run the job, what was asked of it, how far it has come.
//
// Owns:    the promises of the handle and the counters of the status, shared by handle and job actor.
// Not:     the job's life (job-actor.ts).
//
// W1. A request is answered exactly once, also when the job ends first, or has ended before.

import { CheckpointError, JobFailedError } from '../src/base/errors.js';
import type { Logger } from '../src/base/logger.js';
import type { Runtime } from '../src/base/runtime.js';
import type { Tuning } from '../src/base/tuning.js';
import type { StopMode } from '../src/checkpoint/coordinator-protocol.js';
import type { JobPlan } from '../src/graph/job-plan.js';
import { DEAD_LETTERS, RECORDS_SKIPPED } from '../src/operators/poison.js';
import { LATE_RECORDS_DROPPED } from '../src/operators/windows/lateness.js';
import type { JobState } from '../src/recovery/job-machine.js';
import type { RestartOptions } from '../src/recovery/restart-strategy.js';
import type { StoreKeeper } from './begin-job.js';
import type { JobResult, SavepointResult } from './job-handle.js';
import type { SubtaskStatus } from './messages.js';
import type { ResolvedCheckpoint } from './run-options.js';

export interface JobWiring {
  readonly plan: JobPlan;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly checkpoint: ResolvedCheckpoint | null;
  /** Savepoint to start from. */
  readonly from: string | null;
  readonly allowNonRestoredState: boolean;
  readonly allowOlderCheckpoint: boolean;
  readonly development: boolean;
  readonly restart: RestartOptions;
  readonly tuning: Tuning;
  readonly repeatsMax: number | null;
  readonly stores: StoreKeeper;
  readonly requests: JobRequests;
  readonly progress: JobProgress;
}

type Totals = Pick<
  JobResult,
  'recordsIn' | 'recordsOut' | 'lateRecords' | 'skippedRecords' | 'deadLetters' | 'counters'
>;

export class JobProgress {
  state: JobState = 'CREATED';
  attempt = 0;
  restarts = 0;
  checkpointsCompleted = 0;
  lastCheckpoint: { readonly id: number; readonly durationMs: number; readonly bytes: number } | null = null;
  lastFailure: string | null = null;
  /** Attempts of jobs without a store are counted here. */
  attemptsInMemory = 0;

  private recordsIn = 0;
  private recordsOut = 0;
  private readonly counters = new Map<string, number>();

  /** An abandoned subtask is not heard of: what it has counted is missing from the totals. */
  subtaskEnded(role: 'source' | 'operator' | 'sink', { recordsIn, counters }: SubtaskStatus): void {
    if (role === 'source') this.recordsIn += recordsIn;
    if (role === 'sink') this.recordsOut += recordsIn;
    for (const [name, n] of Object.entries(counters))
      this.counters.set(name, (this.counters.get(name) ?? 0) + n);
  }

  totals(): Totals {
    const sum = (counter: string): number =>
      [...this.counters].reduce((all, [name, n]) => (name.endsWith(`.${counter}`) ? all + n : all), 0);
    return {
      recordsIn: this.recordsIn,
      recordsOut: this.recordsOut,
      lateRecords: sum(LATE_RECORDS_DROPPED),
      skippedRecords: sum(RECORDS_SKIPPED),
      deadLetters: sum(DEAD_LETTERS),
      counters: Object.fromEntries(this.counters),
    };
  }

  completed(checkpoint: {
    readonly checkpoint: number;
    readonly durationMs: number;
    readonly bytes: number;
  }): void {
    this.checkpointsCompleted += 1;
    this.lastCheckpoint = {
      id: checkpoint.checkpoint,
      durationMs: checkpoint.durationMs,
      bytes: checkpoint.bytes,
    };
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

interface SavepointWish {
  readonly requestId: string;
  readonly directory: string | null;
  readonly stop: StopMode | null;
  readonly answer: Deferred<SavepointResult>;
}

export class JobRequests {
  readonly end: Deferred<JobResult> = deferred();
  readonly firstBegin: Deferred<void> = deferred();
  private readonly savepoints = new Map<string, SavepointWish>();
  /** Checkpoint of a stop that is to end the job. */
  private stoppedWith: number | null = null;
  private undone: Deferred<never> = deferred();
  /** Why nothing is answered any more; null while the job lives. */
  private over: string | null = null;

  constructor() {
    // Whoever does not ask must not be killed by an unhandled rejection; the handle hands out the same promises.
    this.end.promise.catch(ignore);
    this.firstBegin.promise.catch(ignore);
    this.undone.promise.catch(ignore);
  }

  savepoint(requestId: string, directory: string | null, stop: StopMode | null): Promise<SavepointResult> {
    const known = this.savepoints.get(requestId);
    if (known !== undefined) return known.answer.promise;
    const wish: SavepointWish = { requestId, directory, stop, answer: deferred() };
    wish.answer.promise.catch(ignore);
    if (this.over === null) this.savepoints.set(requestId, wish);
    else wish.answer.reject(new CheckpointError(this.over));
    return wish.answer.promise;
  }

  /** Wishes without an answer: told to every attempt that begins to run; a coordinator knows those it has already. */
  waiting(): readonly SavepointWish[] {
    return [...this.savepoints.values()];
  }

  /** Whether any attempt has begun, also in an earlier life of the job actor. */
  hasBegun = false;

  begun(): void {
    this.hasBegun = true;
    this.firstBegin.resolve();
  }

  savepointDone(requestId: string, result: SavepointResult): void {
    const wish = this.savepoints.get(requestId);
    if (wish?.stop === 'suspend') this.stoppedWith = result.checkpoint;
    wish?.answer.resolve(result);
    this.savepoints.delete(requestId);
  }

  /** Rejects when a stop whose checkpoint was complete has not ended the job, and the job goes on. */
  get stopUndone(): Promise<never> {
    return this.undone.promise;
  }

  /** A drained job has nothing left to do, and ends after the restart as well. */
  restarting(): void {
    const { stoppedWith, undone } = this;
    if (stoppedWith === null) return;
    this.stoppedWith = null;
    this.undone = deferred();
    this.undone.promise.catch(ignore);
    undone.reject(
      new CheckpointError(
        `The job was to stop with checkpoint ${stoppedWith}, which is complete, but failed before all of its results were committed. It has restarted from it, and goes on.`,
        { remedy: 'Look at the failure, and stop the job again.' },
      ),
    );
  }

  savepointFailed(requestId: string, error: unknown): void {
    this.savepoints.get(requestId)?.answer.reject(error);
    this.savepoints.delete(requestId);
  }

  ended(result: JobResult): void {
    this.rejectSavepoints(`The job is ${result.state}.`);
    this.end.resolve(result);
    this.firstBegin.resolve();
  }

  /** `run` rejects with the cause itself: nothing had begun that could be said to have failed. */
  failed(error: unknown): void {
    this.rejectSavepoints('The job has failed.');
    this.end.reject(error);
    this.firstBegin.reject(error instanceof JobFailedError ? (error.cause ?? error) : error);
  }

  private rejectSavepoints(message: string): void {
    this.over = message;
    for (const wish of this.savepoints.values()) wish.answer.reject(new CheckpointError(message));
    this.savepoints.clear();
  }
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = ignore;
  let reject: (error: unknown) => void = ignore;
  const promise = new Promise<T>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  return { promise, resolve, reject };
}

function ignore(): void {
  // The promise itself carries the news; see the constructor.
}
