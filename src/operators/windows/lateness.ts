// What comes too late for its window.
//
// Owns:    how far event time has come for a window operator; which windows that leaves open; where late records go.
// Not:     the windows.
//
// L1. A window is late when its last timestamp plus the allowed lateness is at or below the watermark (semantics 3.7, 3.8).
// L2. How far time has come is part of the snapshot of window operators, unlike the watermark itself, which is derived anew
//     after a restore (2.18). Without it, a window that has fired and gone could be opened again by a record that was late
//     before the failure, and its key would get a second, partial result: somebody downstream could tell.
// L3. Subtasks of one operator have received the same watermarks at a barrier; after a rescale the lowest stored value counts.

import { RestoreError, TimestampMissingError } from '../../base/errors.js';
import { Tenfold } from '../../base/tenfold.js';
import { addTime, MAX_TIMESTAMP, MIN_TIMESTAMP, showTime } from '../../base/timestamps.js';
import type { OperatorListState } from '../../state/operator-state.js';
import type { OperatorContext } from '../operator.js';
import type { OutputTag } from '../side-output.js';
import { shown } from '../user-code.js';

export interface LatenessOptions {
  /** How long after its end a window stays, for late records. Default 0. */
  readonly allowedLatenessMs: number;
  /** Where late records go; null: they are dropped and counted. */
  readonly lateTag: OutputTag<unknown> | null;
}

const STATE = 'window.time';
/** Name of the counter for records that were late and had no side output to go to. */
export const LATE_RECORDS_DROPPED = 'numLateRecordsDropped';

export class Lateness {
  /** All windows whose last timestamp is at or below this have fired. */
  reached: number;
  private readonly context: OperatorContext;
  private readonly allowedMs: number;
  private readonly lateTag: OutputTag<unknown> | null;
  /** Records dropped by this subtask in this attempt. */
  private readonly dropped = new Tenfold();
  private readonly stored: OperatorListState<number>;

  constructor(context: OperatorContext, options: LatenessOptions) {
    this.context = context;
    this.allowedMs = options.allowedLatenessMs;
    this.lateTag = options.lateTag;
    this.stored = context.operatorState.union<number>(STATE);
    const restored = this.stored.get();
    if (restored.some((time) => typeof time !== 'number' || Number.isNaN(time))) {
      throw new RestoreError(`How far time had come is no number in the checkpoint: ${shown(restored)}.`, {
        operator: context.name,
        subtask: context.subtask,
        remedy: 'The snapshot is damaged, or was not written by Weir: restore another one.',
      });
    }
    this.reached = restored.length === 0 ? MIN_TIMESTAMP : restored.reduce((a, b) => Math.min(a, b));
  }

  /** When the contents of a window that ends after `lastTimestamp` go. */
  cleanupTime(lastTimestamp: number): number {
    return addTime(lastTimestamp, this.allowedMs);
  }

  isLate(lastTimestamp: number): boolean {
    return this.cleanupTime(lastTimestamp) <= this.reached;
  }

  /** A record all of whose windows are late. */
  divert(value: unknown, timestamp: number): void {
    const { context, lateTag } = this;
    if (lateTag !== null) return context.output.side(lateTag.name, value, timestamp);
    context.metrics.count(LATE_RECORDS_DROPPED, 1);
    if (this.dropped.step()) this.tell(value, timestamp);
  }

  private tell(value: unknown, timestamp: number): void {
    this.context.logger.warn(
      {
        dropped: this.dropped.count,
        record: shown(value),
        timestamp: showTime(timestamp),
        watermark: showTime(this.reached),
      },
      'a record came too late for all of its windows and was dropped; a watermark that is far ahead of the records came from one with a timestamp in the future (advanceMaxMs bounds that), otherwise allow more lateness, or read such records with sideOutputLateData',
    );
  }

  /** A job that was drained and is started again begins anew: MAX would make everything late for ever. */
  onSnapshot(): void {
    const worth = this.reached > MIN_TIMESTAMP && this.reached < MAX_TIMESTAMP;
    this.stored.set(worth ? [this.reached] : []);
  }

  timestampMissing(): TimestampMissingError {
    const { name, subtask, declaredAt } = this.context;
    return new TimestampMissingError('A record without timestamp reached an event-time window.', {
      operator: name,
      subtask,
      declaredAt,
      remedy: 'Assign timestamps at the source (watermarks) or with assignTimestamps before the window.',
    });
  }
}
