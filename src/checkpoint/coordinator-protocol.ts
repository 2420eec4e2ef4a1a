// What goes into the coordinator of checkpoints, and what comes out.
//
// Owns:    configuration, inputs, effects, and the status that people see.
// Not:     the decisions (coordinator-machine.ts), the actor that carries them out.
//
// C1. Every input carries the monotonic time at which it is handled. The machine has no clock.
// C2. Inputs that name an attempt are ignored and counted unless it is the machine's own.

import type { AttemptNumber, CheckpointId, SubtaskId } from '../base/ids.js';
import type { BarrierPurpose } from '../elements/element.js';
import type { SubtaskSnapshot } from './manifest.js';
import type { StopFailedError } from './stop-failed-error.js';

export interface CoordinatorConfig {
  /** Shown in the status. How barriers align is decided in the subtasks; coordinating is the same for both. */
  readonly mode: 'exactlyOnce' | 'atLeastOnce';
  /** Milliseconds between periodic triggers; null: only savepoints and the final checkpoint. */
  readonly intervalMs: number | null;
  /** A checkpoint that has not been acknowledged by all after so long is aborted. */
  readonly timeoutMs: number;
  /** Between the end of a checkpoint and the next periodic trigger; above 0 it allows one checkpoint at a time. */
  readonly minPauseMs: number;
  /** Checkpoints between trigger and durable manifest. */
  readonly concurrentMax: number;
  /** Consecutive failures that the attempt survives (semantics 5.11). */
  readonly tolerableFailures: number;
  /** All subtasks: a checkpoint is complete when each of them has acknowledged. */
  readonly subtasks: readonly SubtaskId[];
  /** Those that are told to emit the barrier. */
  readonly sources: readonly SubtaskId[];
  /** Every id given out is above this one. */
  readonly lastCheckpointId: number;
}

export type StopMode = 'suspend' | 'drain';

/** A decline that a subtask cannot help is not counted as a failure (semantics 5.11). */
export type DeclineCause =
  /** The snapshot failed, or its chunks could not be made durable. */
  | 'failed'
  /** A newer barrier came first (semantics 5.5). */
  | 'subsumed'
  /** The subtask is not running yet, or is closing. */
  | 'notReady';

interface Timed {
  /** Monotonic time. */
  readonly nowMs: number;
}

interface FromSubtask extends Timed {
  readonly attempt: AttemptNumber;
  readonly subtask: SubtaskId;
}

export type CoordinatorInput =
  /** All subtasks have been restored and run. `atOnce`: some wait for a checkpoint before they read anything. */
  | (Timed & { readonly kind: 'started'; readonly atOnce: boolean })
  /** The moment asked for by `wakeAt`, or any other. */
  | (Timed & { readonly kind: 'tick' })
  | (FromSubtask & {
      readonly kind: 'acknowledged';
      readonly checkpoint: CheckpointId;
      readonly snapshot: SubtaskSnapshot;
    })
  | (FromSubtask & {
      readonly kind: 'declined';
      readonly checkpoint: CheckpointId;
      readonly cause: DeclineCause;
      readonly reason: string;
    })
  /** The subtask has seen the end of its data and has finished; it waits for the final checkpoint. */
  | (FromSubtask & { readonly kind: 'finished' })
  /** `directory` null: a stop that leaves its checkpoint in the job's own store only. */
  | (Timed & {
      readonly kind: 'savepointRequested';
      readonly requestId: string;
      readonly directory: string | null;
      readonly stop: StopMode | null;
    })
  | (Timed & { readonly kind: 'idsReserved'; readonly upTo: CheckpointId })
  | (Timed & { readonly kind: 'storeCompleted'; readonly checkpoint: CheckpointId })
  | (Timed & { readonly kind: 'storeFailed'; readonly checkpoint: CheckpointId; readonly error: unknown })
  | (Timed & { readonly kind: 'exported'; readonly checkpoint: CheckpointId })
  | (Timed & { readonly kind: 'exportFailed'; readonly checkpoint: CheckpointId; readonly error: unknown })
  /** The store takes no more writes (reserving ids failed, or it said so by itself). */
  | (Timed & { readonly kind: 'storeBroken'; readonly error: unknown })
  /** The attempt ends, for whatever reason. Nothing of it is a failure of a checkpoint. */
  | (Timed & { readonly kind: 'attemptEnded'; readonly reason: string });

/** Everything that the manifest of a checkpoint says and that the coordinator knows. */
export interface CheckpointDraft {
  readonly checkpoint: CheckpointId;
  readonly attempt: AttemptNumber;
  readonly purpose: BarrierPurpose;
  /** From the trigger to the last acknowledgement. */
  readonly durationMs: number;
  /** Every operator of every subtask had finished before its barrier. */
  readonly jobFinished: boolean;
  readonly snapshots: ReadonlyMap<SubtaskId, SubtaskSnapshot>;
}

export type AbortReason =
  | 'expired'
  | 'declined'
  | 'subsumed'
  | 'storeFailed'
  /** It was built on a checkpoint whose bytes retention has freed; not a failure, the next one is built on nothing. */
  | 'baseGone'
  /** Union state with some subtasks finished and others not cannot be restored (semantics 5.19). */
  | 'partlyFinished'
  | 'jobFinished'
  | 'attemptEnded';

export type CoordinatorEffect =
  /** `store.reserveCheckpointIds`, then `idsReserved`. */
  | { readonly kind: 'reserveIds'; readonly upTo: CheckpointId }
  | {
      readonly kind: 'trigger';
      readonly checkpoint: CheckpointId;
      readonly purpose: BarrierPurpose;
      readonly sources: readonly SubtaskId[];
    }
  /** Replaces the alarm set before; null: none is needed. */
  | { readonly kind: 'wakeAt'; readonly atMs: number | null }
  /** `store.complete`, then `storeCompleted` or `storeFailed`. */
  | { readonly kind: 'writeManifest'; readonly draft: CheckpointDraft }
  /** `store.exportSavepoint`, then `exported` or `exportFailed`. */
  | { readonly kind: 'exportSavepoint'; readonly draft: CheckpointDraft; readonly directory: string }
  /** To all subtasks; covers all lower ids too (semantics 5.13). */
  | { readonly kind: 'notifyComplete'; readonly checkpoint: CheckpointId }
  /** To all subtasks: `checkpoint` will never complete; its data belongs to the next one (semantics 5.14). */
  | {
      readonly kind: 'notifyAborted';
      readonly checkpoint: CheckpointId;
      readonly reason: AbortReason;
      readonly detail: string;
    }
  /** `store.discard`. */
  | { readonly kind: 'discard'; readonly checkpoint: CheckpointId }
  | {
      readonly kind: 'savepointDone';
      readonly requestId: string;
      readonly checkpoint: CheckpointId;
      readonly directory: string | null;
      readonly stop: StopMode | null;
    }
  /** Answers whoever asked. A stop that failed after its trigger also gives `stopFailed`. */
  | { readonly kind: 'savepointFailed'; readonly requestId: string; readonly error: unknown }
  /** For the job: sources stand still and the stop cannot be finished, so it must restart (semantics 5.20). Not a failure. */
  | { readonly kind: 'stopFailed'; readonly requestId: string; readonly error: StopFailedError }
  | { readonly kind: 'failAttempt'; readonly error: unknown };

export interface CheckpointRecord {
  readonly checkpoint: CheckpointId;
  readonly purpose: BarrierPurpose['kind'];
  readonly triggeredMs: number;
  readonly endedMs: number;
  /** `unknown`: the store broke, or the attempt ended, while the manifest was being written. */
  readonly outcome: 'completed' | 'exported' | 'aborted' | 'unknown';
  readonly reason: AbortReason | null;
  readonly detail: string;
  readonly acknowledged: number;
  /** Keyed bytes written by this checkpoint itself, without the older segments that it names. */
  readonly bytes: number;
}

export interface CoordinatorCounters {
  readonly triggered: number;
  readonly completed: number;
  /** Savepoints that were written without being a checkpoint of the job. */
  readonly exported: number;
  readonly aborted: number;
  readonly unknown: number;
  /** Aborted ones that counted towards `tolerableFailures`. */
  readonly failed: number;
  /** Messages of another attempt. */
  readonly stale: number;
  /** Duplicates, and answers for checkpoints that are not pending. */
  readonly ignored: number;
}

export interface CoordinatorStatus {
  readonly phase: 'created' | 'running' | 'stopping' | 'done' | 'closed';
  readonly mode: CoordinatorConfig['mode'];
  readonly pending: readonly {
    readonly checkpoint: CheckpointId;
    readonly purpose: BarrierPurpose['kind'];
    readonly stage: 'collecting' | 'writing' | 'exporting';
    readonly triggeredMs: number;
    readonly acknowledged: number;
    /** Subtasks still missing: who holds the checkpoint up. */
    readonly missing: readonly SubtaskId[];
  }[];
  readonly lastCompleted: CheckpointId | null;
  readonly consecutiveFailures: number;
  readonly counters: CoordinatorCounters;
  /** Newest last, at most CHECKPOINT_HISTORY_MAX. */
  readonly history: readonly CheckpointRecord[];
}
