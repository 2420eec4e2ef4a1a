// What travels through a channel.
//
// Owns:    the closed union of elements and how they are made.
// Not:     channels, credits, order of handling (src/flow).
//
// L1. Control elements travel in the same FIFO as the records of their channel; nothing overtakes (semantics X1).
// L2. A batch is never split by a barrier: it stands before it or after it.
// L3. A batch is handed over, never shared: after sending it, the sender does not touch its arrays again.

import type { CheckpointId } from '../base/ids.js';

/** `values[i]` has event time `timestamps[i]` (MIN_TIMESTAMP when it has none). Never empty, at most BATCH_RECORDS_MAX. */
export interface Batch {
  readonly kind: 'batch';
  readonly values: unknown[];
  readonly timestamps: number[];
}

/** No further record with a timestamp of at most `time` is expected (semantics 2.1). */
export interface Watermark {
  readonly kind: 'watermark';
  readonly time: number;
}

/** Idle: do not wait for this channel's watermark. Active: it counts again. */
export interface WatermarkStatus {
  readonly kind: 'status';
  readonly idle: boolean;
}

/** What a barrier asks of everybody whom it passes. */
export type BarrierPurpose =
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'savepoint' }
  /** The savepoint of a stop: sources emit nothing after it. With `drain`, MAX and end of data went before it. */
  | { readonly kind: 'stop'; readonly drain: boolean };

export interface Barrier {
  readonly kind: 'barrier';
  readonly checkpoint: CheckpointId;
  readonly purpose: BarrierPurpose;
}

/** Checkpoint `checkpoint` will never complete: stop aligning for it, ignore late barriers of it. */
export interface BarrierCancel {
  readonly kind: 'barrierCancel';
  readonly checkpoint: CheckpointId;
}

/** Measures the way of a record without touching user functions; never counted, never in a snapshot. */
export interface LatencyMarker {
  readonly kind: 'latency';
  readonly source: string;
  readonly subtask: number;
  readonly emittedWallMs: number;
}

/** No record will follow; barriers still may, for the final checkpoint. */
export interface EndOfData {
  readonly kind: 'end';
}

export type Element =
  | Batch
  | Watermark
  | WatermarkStatus
  | Barrier
  | BarrierCancel
  | LatencyMarker
  | EndOfData;

export const END_OF_DATA: EndOfData = { kind: 'end' };
export const IDLE: WatermarkStatus = { kind: 'status', idle: true };
export const ACTIVE: WatermarkStatus = { kind: 'status', idle: false };

export function batch(values: unknown[], timestamps: number[]): Batch {
  return { kind: 'batch', values, timestamps };
}

export function watermark(time: number): Watermark {
  return { kind: 'watermark', time };
}

export function barrier(checkpoint: CheckpointId, purpose: BarrierPurpose = { kind: 'checkpoint' }): Barrier {
  return { kind: 'barrier', checkpoint, purpose };
}
