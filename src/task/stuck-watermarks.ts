// Notices that records flow but event time stands still, and who holds it back.
//
// Owns:    comparing looks at the subtasks of one attempt.
// Not:     asking the subtasks (actors/watch-actor.ts), saying it to people (the logger).
//
// B1. Nothing is said about a job that does not use event time: somebody's watermark must have moved.
// B2. A subtask is named once for each time that it gets stuck.

import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../base/timestamps.js';

/** What one look at a subtask has shown. */
export interface Look {
  readonly subtask: string;
  readonly recordsIn: number;
  readonly watermark: number;
  /** Sender of the channel whose watermark is the lowest; null when none holds anything back. */
  readonly heldBackBy: string | null;
}

export interface StuckWatermark {
  readonly subtask: string;
  readonly heldBackBy: string;
  readonly watermark: number;
  /** Records that came in since the watermark moved last. */
  readonly records: number;
}

interface Seen {
  readonly watermark: number;
  /** `recordsIn` when this watermark was seen first. */
  readonly recordsIn: number;
  readonly looks: number;
}

export class StuckWatermarks {
  private readonly looksMax: number;
  private readonly seen = new Map<string, Seen>();

  /** `looksMax`: looks in a row without progress before a subtask counts as stuck. */
  constructor(looksMax: number) {
    this.looksMax = looksMax;
  }

  observe(looks: readonly Look[]): readonly StuckWatermark[] {
    const inUse = looks.some(({ watermark }) => watermark > MIN_TIMESTAMP);
    const stuck: StuckWatermark[] = [];
    for (const look of looks) {
      const before = this.seen.get(look.subtask);
      if (before === undefined || before.watermark !== look.watermark) {
        this.seen.set(look.subtask, { watermark: look.watermark, recordsIn: look.recordsIn, looks: 0 });
        continue;
      }
      const records = look.recordsIn - before.recordsIn;
      this.seen.set(look.subtask, { ...before, looks: before.looks + 1 });
      const { heldBackBy, watermark } = look;
      if (!inUse || heldBackBy === null || records <= 0 || watermark >= MAX_TIMESTAMP) continue;
      if (before.looks + 1 === this.looksMax)
        stuck.push({ subtask: look.subtask, heldBackBy, watermark, records });
    }
    return stuck;
  }
}
