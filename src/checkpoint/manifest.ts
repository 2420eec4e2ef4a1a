// The rows that describe a checkpoint. Stored bytes: a change here needs a decision note and a new FORMAT_VERSION.
//
// Owns:    what a subtask reports about its snapshot, and the manifest that makes a checkpoint complete.
// Not:     reading and writing them (lmdb-checkpoint-store.ts), spreading them over subtasks (assignment.ts).
//
// M1. A checkpoint exists when its manifest is flushed, and not before. It goes in after all chunks it names.
// M2. Chunks are named by (operator, subtask, checkpoint, attempt, index): two attempts never write the same row.
// M3. State is found by operator uid and state name, never by position in the graph.

import type { AttemptNumber, CheckpointId } from '../base/ids.js';

/** Raised with every incompatible change of stored bytes; newer ones are refused, older ones are read or refused by name. */
export const FORMAT_VERSION = 1;

/** A run of chunk rows written by one operator of one subtask in one checkpoint. */
export interface SegmentRef {
  readonly operator: string;
  readonly subtask: number;
  readonly checkpoint: CheckpointId;
  readonly attempt: AttemptNumber;
  readonly chunks: number;
  readonly bytes: number;
  /** Names of the registered types whose instances are in it. Absent: none. */
  readonly types?: readonly string[];
}

/**
 * Lists whose names begin so belong to the engine: positions of a source, prepared transactions of a sink. A subtask of a
 * connector that has finished runs again after a restore, reads its list, and finds that there is nothing left to do.
 */
export const CONNECTOR_STATE_PREFIX = 'weir.';

/** One named operator state: the items as the codec wrote them. */
export interface OperatorListSnapshot {
  readonly name: string;
  /** `split`: spread evenly on rescale (semantics 4.14); `union`: everybody gets all (4.15). */
  readonly redistribution: 'split' | 'union';
  readonly items: readonly Uint8Array[];
}

/** What one operator of one subtask put into a checkpoint. */
export interface OperatorSnapshot {
  readonly uid: string;
  readonly name: string;
  /** Oldest first: a full segment, then increments. Empty for an operator without keyed state. */
  readonly keyed: readonly SegmentRef[];
  readonly lists: readonly OperatorListSnapshot[];
  /** The operator has seen the end of its input and has finished. */
  readonly finished: boolean;
}

/** Acknowledgement of one subtask: the snapshots of the operators of its chain, all durable. */
export interface SubtaskSnapshot {
  readonly subtask: number;
  readonly operators: readonly OperatorSnapshot[];
}

export interface OperatorManifest {
  readonly uid: string;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** By subtask index; null where nothing was reported. */
  readonly subtasks: readonly (OperatorSnapshot | null)[];
}

export interface Manifest {
  readonly format: number;
  /** Name of the job: a directory belongs to one. */
  readonly job: string;
  readonly checkpoint: CheckpointId;
  readonly attempt: AttemptNumber;
  readonly purpose: 'checkpoint' | 'savepoint' | 'stop';
  /** Wall clock, for people. */
  readonly completedWallMs: number;
  readonly durationMs: number;
  /** All data of the job has been processed and committed with this checkpoint: a new start has nothing to do. */
  readonly jobFinished: boolean;
  readonly operators: readonly OperatorManifest[];
}
