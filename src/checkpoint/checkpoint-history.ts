// Counters and the last checkpoints, for people.
//
// Owns:    counting each checkpoint once, at its end; the bounded list of records.
// Not:     any decision: nothing reads this to decide.

import type { CheckpointId } from '../base/ids.js';
import { CHECKPOINT_HISTORY_MAX } from '../base/limits.js';
import type { CheckpointRecord, CoordinatorCounters } from './coordinator-protocol.js';
import type { SubtaskSnapshot } from './manifest.js';

type Counter = keyof CoordinatorCounters;

export class CheckpointHistory {
  readonly #counters: Record<Counter, number> = {
    triggered: 0,
    completed: 0,
    exported: 0,
    aborted: 0,
    unknown: 0,
    failed: 0,
    stale: 0,
    ignored: 0,
  };
  #records: readonly CheckpointRecord[] = [];
  #lastCompleted: CheckpointId | null = null;

  count(counter: 'triggered' | 'failed' | 'stale' | 'ignored'): void {
    this.#counters[counter] += 1;
  }

  ended(record: CheckpointRecord): void {
    this.#counters[record.outcome] += 1;
    this.#records = [...this.#records, record].slice(-CHECKPOINT_HISTORY_MAX);
    if (record.outcome === 'completed') {
      this.#lastCompleted = Math.max(this.#lastCompleted ?? 0, record.checkpoint) as CheckpointId;
    }
  }

  get lastCompleted(): CheckpointId | null {
    return this.#lastCompleted;
  }

  get records(): readonly CheckpointRecord[] {
    return this.#records;
  }

  counters(): CoordinatorCounters {
    return { ...this.#counters };
  }
}

/** Keyed bytes that this checkpoint added; the segments of older checkpoints that it names are not counted. */
export function bytesOf(checkpoint: CheckpointId, snapshots: Iterable<SubtaskSnapshot>): number {
  let bytes = 0;
  for (const snapshot of snapshots) {
    for (const operator of snapshot.operators) {
      for (const segment of operator.keyed) if (segment.checkpoint === checkpoint) bytes += segment.bytes;
    }
  }
  return bytes;
}
