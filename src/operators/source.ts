// The contract of a source: how records and their positions enter a job.
//
// Owns:    what a connector must provide so that a job can read from it exactly once.
// Not:     pacing, barriers, watermarks, offsets in checkpoints: the engine does these (src/task).
//
// S1. A position names the first record that has not been handed over yet. Records and the position after them arrive in
//     one answer, so the engine can never store a position whose records it has not emitted.
// S2. `open` at a position yields the same records in the same order as the first time, if the source is replayable.
// S3. The reader is asked for one poll at a time, and for nothing after `close`.

import type { Logger } from '../base/logger.js';
import type { Runtime } from '../base/runtime.js';

/** An independently readable part: a file, a partition, a lane of a generator. `position` must survive the codec. */
export interface SourceSplit<P = unknown> {
  /** Unique within the source, stable over restarts. */
  readonly id: string;
  readonly position: P;
}

export interface SourceContext {
  readonly operator: string;
  readonly subtask: number;
  readonly parallelism: number;
  readonly attempt: number;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** Aborted on stop, cancel and failure: a pending poll should settle soon afterwards. */
  readonly signal: AbortSignal;
  /** Something odd that must not stop the job (a rotated file, an invalid record): counted and logged. */
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  count(metric: string, delta: number): void;
}

/** What a source has read and cannot make a record of. The job says what becomes of it (`onError`); by default it fails. */
export interface Rejected {
  /** How many of the values of the same answer stand before it. */
  readonly before: number;
  /** As it was read: a line, the bytes of a message. Must survive the codec, since it may become a dead letter. */
  readonly record: unknown;
  /** What was thrown. An `unrecoverable` one ends the job, whatever `onError` says. */
  readonly error: unknown;
  /** Where it stands, for people: `orders.csv:17`. */
  readonly position?: string;
}

export type Polled<T, P = unknown> =
  /** At most as many as asked for, all of one split; `next` is the position after the last of them. May be empty to move a position. */
  | {
      readonly kind: 'records';
      readonly split: string;
      readonly values: readonly T[];
      /** Event time per record, where the source knows it. */
      readonly timestamps?: readonly number[];
      /** What stood among them and is no record, in order. `next` is behind it as well. */
      readonly rejected?: readonly Rejected[];
      readonly next: P;
    }
  /** Nothing at the moment; ask again after so long. (A reader that can wait for data does so inside `poll` instead.) */
  | { readonly kind: 'nothing'; readonly retryMs: number }
  /** This split has no more records, ever. */
  | { readonly kind: 'splitEnd'; readonly split: string }
  /** New splits for this subtask, to be stored in the next checkpoint. */
  | { readonly kind: 'newSplits'; readonly splits: readonly SourceSplit<P>[] };

export interface SourceReader<T, P = unknown> {
  /** One call at a time. A promise may stay open until data comes; barriers pass meanwhile. */
  poll(recordsMax: number): Polled<T, P> | Promise<Polled<T, P>>;
  /** Everything up to the positions in that checkpoint will never be asked for again. Best effort (semantics 5.13). */
  onCheckpointComplete?(positions: readonly SourceSplit<P>[]): void | Promise<void>;
  /** Once, also while a poll is pending. */
  close(): void | Promise<void>;
}

export interface Source<T, P = unknown> {
  /** For people: `array`, `file access.log`. */
  readonly name: string;
  /** True when it ends by itself. The job ends when all its sources have. */
  readonly bounded: boolean;
  /** False when what was read cannot be read again (a socket): the job's guarantee is then at most the sink's input. */
  readonly replayable: boolean;
  /** How many subtasks can read: `1` when there is one indivisible reader. */
  readonly parallelismMax?: number;
  /**
   * All splits of the source as it is now, at every start and restart; the engine spreads them over the subtasks and keeps their
   * positions. Called in every subtask: it must give the same splits everywhere. `known`: those of the checkpoint, of all subtasks, at
   * their positions; empty at a first start. A split that is new is read from the position given here, a known one goes on where it
   * was. A known one that is missing here is an error, unless it had ended, or `allowNonRestoredState` says to leave it behind.
   */
  discover(
    context: SourceContext,
    known: readonly SourceSplit<P>[],
  ): readonly SourceSplit<P>[] | Promise<readonly SourceSplit<P>[]>;
  /**
   * For positions that are found by looking (the end of a file, the latest offset, a time): the split with the position that was found.
   * Called for each split that is not at its end, before `open`. When the position is another one, nothing of this source is
   * read before a checkpoint with it is complete, and one is triggered at once; so a failure cannot make the next look skip what
   * came after the first one. Without checkpoints there is nothing to wait for.
   */
  resolve?(split: SourceSplit<P>, context: SourceContext): SourceSplit<P> | Promise<SourceSplit<P>>;
  /** Starts reading the given splits from their positions. No splits: the subtask is idle (semantics 2.10). */
  open(
    splits: readonly SourceSplit<P>[],
    context: SourceContext,
  ): SourceReader<T, P> | Promise<SourceReader<T, P>>;
  /** For error messages: where the record `offset` records after `position` stands. */
  describe?(split: string, position: P, offset: number): string;
}
