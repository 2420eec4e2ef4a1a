// What `run` gives back: the running job in the hands of the person who started it.
//
// Owns:    the public handle and the shapes that it answers.
// Not:     carrying out what is asked (job-actor.ts).

import type { CoordinatorStatus } from '../src/checkpoint/coordinator-protocol.js';
import type { GuaranteeReport } from '../src/graph/job-plan.js';
import type { JobState } from '../src/recovery/job-machine.js';
import type { ActorSnapshot, ActorSystem } from './kernel/actor.js';
import type { SubtaskStatus } from './messages.js';

export interface SavepointResult {
  readonly checkpoint: number;
  /** Absent for a stop that left its checkpoint in the job's own directory. */
  readonly directory: string | null;
}

export interface StopOptions {
  /** True: sources end, windows fire, everything is flushed; the job is not meant to go on. False (default): suspend, to go on later. */
  readonly drain?: boolean;
  /** Directory for the savepoint. Absent: the checkpoint stays in the job's own directory, from which the job goes on. */
  readonly savepoint?: string;
}

export interface JobResult {
  readonly state: 'FINISHED' | 'SUSPENDED' | 'CANCELED';
  readonly attempts: number;
  readonly restarts: number;
  readonly checkpointsCompleted: number;
  /** Of a stop. */
  readonly savepoint: SavepointResult | null;
  /** Records that sources have read in all attempts of this run; what was read again after a restart counts again. */
  readonly recordsIn: number;
  /** Records that sinks were given in all attempts. */
  readonly recordsOut: number;
  /** Records that came too late for all of their windows and had no side output to go to, in all attempts. */
  readonly lateRecords: number;
  /** Records, timers and windows that failed and were left out by `onError('skip')`, in all attempts. */
  readonly skippedRecords: number;
  /** Those that were sent to dead letters, in all attempts. */
  readonly deadLetters: number;
  /** Everything that operators and connectors have counted in all attempts, by `uid.counter`. */
  readonly counters: Readonly<Record<string, number>>;
}

export interface JobStatus {
  readonly job: string;
  readonly state: JobState;
  readonly attempt: number;
  readonly restarts: number;
  /** Monotonic milliseconds since `run`. */
  readonly uptimeMs: number;
  readonly recordsIn: number;
  readonly checkpointsCompleted: number;
  readonly checkpointsFailed: number;
  readonly lastCheckpoint: {
    readonly id: number;
    readonly durationMs: number;
    readonly bytes: number;
  } | null;
  readonly lastFailure: string | null;
  readonly subtasks: readonly SubtaskStatus[];
  readonly coordinator: CoordinatorStatus | null;
}

export interface JobHandle {
  readonly name: string;
  /** What the job promises end to end, and why not more. */
  readonly guarantee: GuaranteeReport;
  /** Resolves when the job has ended by itself, by `stop` or by `cancel`; rejects with JobFailedError when it failed for good. */
  readonly finished: Promise<JobResult>;
  status(): Promise<JobStatus>;
  /** A self-contained, relocatable copy of the job's state in an empty directory; the job goes on. */
  savepoint(directory: string): Promise<SavepointResult>;
  /** Ends the job with a savepoint. If the savepoint fails, the job goes on and this rejects. */
  stop(options?: StopOptions): Promise<JobResult>;
  /** Ends the job at once: nothing more is committed. */
  cancel(): Promise<JobResult>;
  /** The actor tree: mailbox depths, restarts, last errors. */
  actors(): ActorSnapshot;
  /** For fault injection: the system that the job's actors live in. */
  readonly system: ActorSystem;
  /** Cancels the job if it still runs, and waits for its end. */
  [Symbol.asyncDispose](): Promise<void>;
}
