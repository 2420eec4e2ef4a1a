// What a task machine asks its actor to do, and what the actor tells it: the whole of the boundary.
//
// Owns:    the closed unions. Machines decide, actors carry out (src/task has no promise, clock or actor).
//
// F1. Effects of one step are performed in order.
// F2. Each asynchronous effect is answered by exactly one input, unless the attempt ends first.

import type { CheckpointId } from '../base/ids.js';
import type { Chunk } from '../checkpoint/checkpoint-store.js';
import type { AbortReason } from '../checkpoint/coordinator-protocol.js';
import type { SubtaskSnapshot } from '../checkpoint/manifest.js';
import type { BarrierPurpose, Element } from '../elements/element.js';
import type { CommitOutcome } from '../operators/sink.js';
import type { Polled, SourceSplit } from '../operators/source.js';

export type TaskEffect =
  | { readonly kind: 'send'; readonly channel: number; readonly seq: number; readonly element: Element }
  /** Give the sender of this incoming channel credits back. */
  | { readonly kind: 'grant'; readonly channel: number; readonly credits: number }
  /** Answered by `chunkStored`, when durable. */
  | { readonly kind: 'store'; readonly chunk: Chunk }
  | { readonly kind: 'acknowledge'; readonly checkpoint: CheckpointId; readonly snapshot: SubtaskSnapshot }
  | {
      readonly kind: 'decline';
      readonly checkpoint: CheckpointId;
      readonly cause: 'failed' | 'subsumed';
      readonly reason: string;
    }
  /** Call `step({ kind: 'work' })` soon, after whatever else is in the mailbox. */
  | { readonly kind: 'continue' }
  /** Call `step({ kind: 'alarm' })` when the clock that `step` is told has come so far; replaces an earlier wish. Null: none. */
  | { readonly kind: 'alarm'; readonly wallMs: number | null }
  /** This subtask has handled the end of its input and flushed. Barriers may still follow. */
  | { readonly kind: 'finished' }
  /** All committables of checkpoints up to this one are committed. */
  | { readonly kind: 'committed'; readonly checkpoint: CheckpointId }
  /** A protocol step has been reached: the place where faults are injected. */
  | { readonly kind: 'point'; readonly step: ProtocolStep; readonly checkpoint: number }
  // Sources: answered by `polled`, or by a failure of the actor.
  | { readonly kind: 'poll'; readonly recordsMax: number }
  | { readonly kind: 'checkpointed'; readonly positions: readonly SourceSplit[] }
  // Sinks: answered by `written`, `flushed`, `prepared`, `committed`.
  | { readonly kind: 'write'; readonly values: readonly unknown[]; readonly timestamps: readonly number[] }
  | { readonly kind: 'flush' }
  | { readonly kind: 'prepare'; readonly checkpoint: number }
  | { readonly kind: 'commit'; readonly checkpoint: number; readonly committables: readonly unknown[] };

export type TaskInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'element'; readonly channel: number; readonly seq: number; readonly element: Element }
  | { readonly kind: 'credit'; readonly channel: number; readonly credits: number }
  | { readonly kind: 'chunkStored'; readonly checkpoint: CheckpointId }
  | { readonly kind: 'chunkFailed'; readonly checkpoint: CheckpointId; readonly error: unknown }
  | { readonly kind: 'checkpointComplete'; readonly checkpoint: CheckpointId }
  | {
      readonly kind: 'checkpointAborted';
      readonly checkpoint: CheckpointId;
      readonly reason: AbortReason;
    }
  | { readonly kind: 'work' }
  | { readonly kind: 'alarm' }
  // Sources.
  | { readonly kind: 'trigger'; readonly checkpoint: CheckpointId; readonly purpose: BarrierPurpose }
  | { readonly kind: 'polled'; readonly polled: Polled<unknown> }
  // Sinks.
  | { readonly kind: 'written' }
  | { readonly kind: 'flushed' }
  | { readonly kind: 'prepared'; readonly committables: readonly unknown[] }
  | { readonly kind: 'commitOutcome'; readonly checkpoint: number; readonly outcome: CommitOutcome };

/** The steps of the checkpoint protocol at which any role may die (fault F27). */
export const PROTOCOL_STEPS = [
  'barrier.injected',
  'barrier.received',
  'barrier.aligned',
  'snapshot.started',
  'snapshot.written',
  'snapshot.flushed',
  'ack.sent',
  'ack.received',
  'metadata.written',
  'metadata.durable',
  'notify.sent',
  'prepare.done',
  'commit.sent',
  'commit.applied',
  'commit.acked',
  'checkpoint.deleted',
  'restore.read',
  'restore.applied',
  'record.afterRestore',
] as const;

export type ProtocolStep = (typeof PROTOCOL_STEPS)[number];

/** What every machine looks like to the actor that drives it. */
export interface Machine {
  /** `nowMs` is processing time: wall time that never stands still and never goes back. */
  step(input: TaskInput, nowMs: number): readonly TaskEffect[];
  readonly status: MachineStatus;
}

export interface MachineStatus {
  readonly recordsIn: number;
  readonly watermark: number;
  /** Waiting for room downstream. */
  readonly backPressured: boolean;
  readonly finished: boolean;
  readonly queuedElements: number;
  /** Input channel that holds the watermark back, where known. */
  readonly heldBackBy: number | null;
}
