// How event time enters a stream: where a record's timestamp comes from and how far behind the watermark stays.
//
// Owns:    the public strategy and generator contracts.
// Not:     the operator and the source that run them (timestamp-operator.ts, src/task).

/** Makes watermarks for one split or one subtask (semantics 2.3 to 2.6). */
export interface WatermarkGenerator<in T> {
  /** Per record. An answer is a watermark to send right after this record (punctuated); null: none. */
  onRecord(value: T, timestamp: number): number | null;
  /** Periodically, and once more at the end: the watermark as of now, or null while there is none. */
  onPeriodic(): number | null;
}

export interface WatermarkStrategy<in T> {
  readonly name: string;
  /** Event time of a record, ms. Null: keep the timestamp that the record has. */
  readonly timestamp: ((value: T, recordTimestamp: number) => number) | null;
  createGenerator(): WatermarkGenerator<T>;
  /** A channel or split without record for longer than this no longer holds back the others. Null: never idle. */
  readonly idlenessMs: number | null;
}
