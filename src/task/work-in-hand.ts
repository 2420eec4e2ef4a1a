// What a chain is working on, for error messages: a record of its batch, the rest of one, or time.
//
// Owns:    telling which record was in hand when something failed.
// Not:     the work itself (chain.ts), where the record stands (actors/place-in-hand.ts).
//
// H1. Costs a field per batch, watermark and suspension, nothing per record.

/** The record that is being handled. */
export interface RecordInHand {
  /** In the batch in hand. */
  readonly index: number;
  /** Among those that the chain has been given, from 1. */
  readonly number: number;
  readonly value: unknown;
  readonly timestamp: number;
}

/** The index moves while the batch is worked through. */
export interface BatchInHand {
  readonly values: readonly unknown[];
  readonly timestamps: readonly number[];
  readonly index: number;
}

export class WorkInHand {
  /** The batch that was given last: work that is suspended in one of its records outlives its job. */
  private batch: BatchInHand | null = null;
  private work: 'record' | 'rest' | 'time' = 'time';

  given(batch: BatchInHand): void {
    this.batch = batch;
  }

  atRecord(): void {
    this.work = 'record';
  }

  /** A watermark, a timer, or the end. */
  atTime(): void {
    this.work = 'time';
  }

  /** What was being worked on waits for room, and goes on later. */
  suspended(): void {
    if (this.work === 'record') this.work = 'rest';
  }

  /** Work on time in the middle of a record. When it fails, it is time that has failed. */
  interrupt(step: () => void): void {
    const { work } = this;
    this.work = 'time';
    step();
    this.work = work;
  }

  /** `batchIndex` where the error knows it. Null: no record is in hand. `recordsIn`: with the batch in hand. */
  record(batchIndex: number | undefined, recordsIn: number): RecordInHand | null {
    const { batch } = this;
    if (batch === null || this.work === 'time') return null;
    const index = batchIndex ?? (this.work === 'rest' ? batch.index - 1 : batch.index);
    const timestamp = batch.timestamps[index];
    if (timestamp === undefined) return null;
    return {
      index,
      number: recordsIn - batch.values.length + index + 1,
      value: batch.values[index],
      timestamp,
    };
  }
}
