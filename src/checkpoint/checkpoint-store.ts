// The contract of the store that makes checkpoints durable.
//
// Owns:    what the store actor may ask for, and what each answer promises.
// Not:     the protocol between subtasks and coordinator (coordinator-machine.ts).
//
// P1. A promise of a write resolves when the write is durable, not when it is visible.
// P2. After one failed or overdue commit the store is poisoned: it takes no write until it is reopened.
// P3. `beginAttempt` durably invalidates everything above the chosen checkpoint before it answers.
// P4. A manifest that names a chunk which is not durable is refused (WEIR_STORE_INCOMPLETE): retention may have freed what an
//     increment was built on.
// P5. Writes of an attempt below the current one are refused (WEIR_STORE_FENCED) and counted.

import type { AttemptNumber, CheckpointId } from '../base/ids.js';
import type { Manifest, SegmentRef } from './manifest.js';

export interface Chunk {
  readonly operator: string;
  readonly subtask: number;
  readonly checkpoint: CheckpointId;
  readonly attempt: AttemptNumber;
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** A checkpoint that was there but could not be used. */
export interface RejectedCheckpoint {
  readonly checkpoint: number;
  readonly reason: string;
  /** It had been completed, so results that it covers may have been committed. False: a dead attempt wrote it too late. */
  readonly completed: boolean;
}

export interface BegunAttempt {
  readonly attempt: AttemptNumber;
  /** Ids given out from now on are above this one, also above those of checkpoints that never completed. */
  readonly lastCheckpointId: number;
  /** The newest completed checkpoint whose manifest and chunks are all intact; null at a first start. */
  readonly latest: Manifest | null;
  readonly rejected: readonly RejectedCheckpoint[];
}

/** Numbers that are taken elsewhere, by the job whose savepoint this one starts from. */
export interface NumbersInUse {
  readonly attempt: number;
  readonly checkpoint: number;
}

/** Anything that segments can be read from: the job's store, or a savepoint. */
export interface SegmentReader {
  /** Chunks in order, checksums verified. Throws StoreError naming the row when one is missing or damaged. */
  readSegment(segment: SegmentRef): Iterable<Uint8Array>;
}

export interface StoreCounters {
  readonly fencedWrites: number;
  readonly commits: number;
  readonly bytesWritten: number;
  readonly checkpointsRetained: number;
}

export interface CheckpointStore extends SegmentReader {
  /** Number of this ownership of the directory. */
  readonly owner: number;
  /**
   * Ends the attempt before, reopens a broken environment, and chooses the checkpoint to start from. The numbers that it
   * gives out are above `above`: names of files and transactions contain them, and a job that starts from the savepoint of
   * another directory may meet what that job has left.
   * Throws RestoreError when checkpoints are there and none is intact; StoreError when the store cannot be written.
   */
  beginAttempt(above?: NumbersInUse): Promise<BegunAttempt>;
  /** Reserves ids durably, so that an id is never used twice even if nothing else of it was written. */
  reserveCheckpointIds(upTo: CheckpointId): Promise<void>;
  /** The bytes are the store's from now on: do not change them. Chunks of aborted checkpoints are refused. */
  putChunk(chunk: Chunk): Promise<void>;
  /** Writes the manifest and, in the same transaction, drops what retention no longer needs (shared segments are kept). */
  complete(manifest: Manifest): Promise<void>;
  /** Forgets the chunks of a checkpoint that will never complete. */
  discard(checkpoint: CheckpointId, attempt: AttemptNumber): Promise<void>;
  /** Drops all completed checkpoints: the next start begins from nothing. Their chunks go with the next attempt. */
  forgetAll(): Promise<void>;
  /**
   * Copies a checkpoint whose chunks are in this store, self-contained, into another directory, new or empty. It need not be
   * completed here: a savepoint that is no stop never is. Throws CheckpointError; the directory is then of no use.
   */
  exportSavepoint(manifest: Manifest, directory: string): Promise<void>;
  /** Completed checkpoints, oldest first. */
  manifests(): readonly Manifest[];
  counters(): StoreCounters;
  close(): Promise<void>;
}

/** An opened savepoint (or the directory of a job that is not running), read-only. */
export interface SavepointReader extends SegmentReader {
  readonly manifest: Manifest;
  close(): Promise<void>;
}
