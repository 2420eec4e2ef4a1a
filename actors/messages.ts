// Every message between the actors of a job: the whole protocol on one page.
//
// Owns:    the closed unions of what each kind of actor understands.
// Not:     what travels inside channels (src/elements), what machines decide (src/task, src/checkpoint, src/recovery).
//
// P1. Only `job` and `store` outlive an attempt. Messages to them carry the attempt number, and they drop stale ones.
// P2. Elements go into the data lane; everything else is control and never waits for data space (semantics 6.2).

import type { AttemptNumber, CheckpointId, SubtaskId } from '../src/base/ids.js';
import type { Chunk } from '../src/checkpoint/checkpoint-store.js';
import type { CoordinatorStatus, DeclineCause, StopMode } from '../src/checkpoint/coordinator-protocol.js';
import type { Manifest, SubtaskSnapshot } from '../src/checkpoint/manifest.js';
import type { MachineStatus, TaskInput } from '../src/task/effect.js';
import type { BegunJob } from './begin-job.js';
import type { ActorRef, Reply } from './kernel/actor.js';

/** The other end of a channel. */
export interface Peer {
  readonly ref: ActorRef<SubtaskMessage>;
  /** Number of the channel at the other end. */
  readonly channel: number;
}

export type SubtaskMessage =
  | TaskInput
  /** Once, before `start`: who is at the other end of each outgoing and incoming channel. */
  | { readonly kind: 'connect'; readonly outputs: readonly Peer[]; readonly inputs: readonly Peer[] }
  /** A call of the connector rejected, or the store refused a chunk: fail with this. */
  | { readonly kind: 'callFailed'; readonly error: unknown }
  | { readonly kind: 'status'; readonly reply: Reply<SubtaskStatus> };

export interface SubtaskStatus extends MachineStatus {
  readonly subtask: SubtaskId;
  /** By `uid.counter`. */
  readonly counters: Readonly<Record<string, number>>;
  /** Actor at the other end of the channel that holds the watermark back. */
  readonly heldBackByPath: string | null;
}

export type CoordinatorMessage =
  | { readonly kind: 'subtasks'; readonly refs: ReadonlyMap<SubtaskId, ActorRef<SubtaskMessage>> }
  /** `awaiting`: these read nothing before a checkpoint is complete. */
  | { readonly kind: 'started'; readonly awaiting: readonly SubtaskId[] }
  | { readonly kind: 'tick' }
  /** The last notice may not have reached every sink. */
  | { readonly kind: 'notifyAgain' }
  | {
      readonly kind: 'acknowledged';
      readonly attempt: AttemptNumber;
      readonly subtask: SubtaskId;
      readonly checkpoint: CheckpointId;
      readonly snapshot: SubtaskSnapshot;
    }
  | {
      readonly kind: 'declined';
      readonly attempt: AttemptNumber;
      readonly subtask: SubtaskId;
      readonly checkpoint: CheckpointId;
      readonly cause: DeclineCause;
      readonly reason: string;
    }
  | { readonly kind: 'finished'; readonly attempt: AttemptNumber; readonly subtask: SubtaskId }
  /** A sink has committed everything up to this checkpoint. */
  | {
      readonly kind: 'committed';
      readonly attempt: AttemptNumber;
      readonly subtask: SubtaskId;
      readonly checkpoint: CheckpointId;
    }
  | {
      readonly kind: 'savepoint';
      readonly requestId: string;
      readonly directory: string | null;
      readonly stop: StopMode | null;
    }
  | { readonly kind: 'idsReserved'; readonly upTo: CheckpointId }
  | { readonly kind: 'storeCompleted'; readonly checkpoint: CheckpointId }
  | { readonly kind: 'storeFailed'; readonly checkpoint: CheckpointId; readonly error: unknown }
  | { readonly kind: 'exported'; readonly checkpoint: CheckpointId }
  | { readonly kind: 'exportFailed'; readonly checkpoint: CheckpointId; readonly error: unknown }
  | { readonly kind: 'storeBroken'; readonly error: unknown }
  | { readonly kind: 'status'; readonly reply: Reply<CoordinatorStatus> };

export type AttemptMessage =
  | { readonly kind: 'ready'; readonly subtask: SubtaskId; readonly awaitsCheckpoint: boolean }
  /** Without checkpoints: this subtask is done. */
  | { readonly kind: 'finished'; readonly subtask: SubtaskId };

export type StoreMessage =
  | { readonly kind: 'putChunk'; readonly chunk: Chunk; readonly from: ActorRef<SubtaskMessage> }
  | { readonly kind: 'reserveIds'; readonly upTo: CheckpointId; readonly from: ActorRef<CoordinatorMessage> }
  | { readonly kind: 'complete'; readonly manifest: Manifest; readonly from: ActorRef<CoordinatorMessage> }
  | { readonly kind: 'discard'; readonly checkpoint: CheckpointId; readonly attempt: AttemptNumber }
  | {
      readonly kind: 'export';
      readonly manifest: Manifest;
      readonly directory: string;
      readonly from: ActorRef<CoordinatorMessage>;
    }
  /** A write has settled; the store actor tells itself. */
  | { readonly kind: 'settled'; readonly report: () => void };

/** How an attempt that did not fail has ended. */
export type AttemptOutcome =
  | { readonly kind: 'finished' }
  | {
      readonly kind: 'stopped';
      readonly mode: StopMode;
      readonly checkpoint: CheckpointId;
      readonly directory: string | null;
    };

export type JobMessage =
  | { readonly kind: 'attemptRunning'; readonly attempt: AttemptNumber }
  | { readonly kind: 'attemptFailed'; readonly attempt: AttemptNumber; readonly error: unknown }
  | { readonly kind: 'attemptDone'; readonly attempt: AttemptNumber; readonly outcome: AttemptOutcome }
  | {
      readonly kind: 'savepointDone';
      readonly requestId: string;
      readonly checkpoint: CheckpointId;
      readonly directory: string | null;
    }
  | { readonly kind: 'savepointFailed'; readonly requestId: string; readonly error: unknown }
  | {
      readonly kind: 'checkpointCompleted';
      readonly attempt: AttemptNumber;
      readonly checkpoint: CheckpointId;
      readonly durationMs: number;
      readonly bytes: number;
    }
  | { readonly kind: 'attemptStopped'; readonly attempt: AttemptNumber }
  | { readonly kind: 'restartDue' }
  | { readonly kind: 'cancel' }
  | {
      readonly kind: 'requestSavepoint';
      readonly requestId: string;
      readonly directory: string | null;
      readonly stop: StopMode | null;
    }
  /** The store is open, the attempt has its number, state is assigned: spawn. */
  /** `begin` is the request that this answers: one of an earlier life of the job actor is nobody's. */
  | { readonly kind: 'begun'; readonly begin: symbol; readonly job: BegunJob }
  | { readonly kind: 'beginFailed'; readonly begin: symbol; readonly error: unknown }
  /** Who lives at the moment: the handle asks the subtasks itself, so that a busy one does not hold up the job. */
  | { readonly kind: 'status'; readonly reply: Reply<LivingActors> };

export interface LivingActors {
  readonly subtasks: ReadonlyMap<SubtaskId, ActorRef<SubtaskMessage>>;
  readonly coordinator: ActorRef<CoordinatorMessage> | null;
}
