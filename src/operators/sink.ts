// The contract of a sink: how results leave a job.
//
// Owns:    what a connector must provide so that results leave at least once, idempotently, or exactly once.
// Not:     when to prepare and when to commit: the engine does that (src/task/sink-machine.ts).
//
// C1. Writes since the last `prepare` belong to the checkpoint that the next `prepare` is told.
// C2. Nothing that was not committed is visible to readers. Nothing is committed before its checkpoint is complete.
// C3. `commit` is idempotent: after a crash the same committables are committed again.
// C4. Commits of one writer run one at a time, in checkpoint order, and stop at the first that is not ok.

import type { Logger } from '../base/logger.js';
import type { Runtime } from '../base/runtime.js';

export interface SinkContext {
  readonly operator: string;
  /** Identity over restarts: uid, or one derived from the graph. Prefix of transaction names. */
  readonly uid: string;
  readonly job: string;
  readonly subtask: number;
  readonly parallelism: number;
  /** In every durable name, so that what an older attempt left can be told apart. */
  readonly attempt: number;
  /** True when checkpoints are on: without them, `prepare` and `commit` happen once, at the end of input. */
  readonly checkpointing: boolean;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  count(metric: string, delta: number): void;
}

export type CommitOutcome =
  | { readonly kind: 'ok' }
  /** It did not happen. The attempt fails and the commit is tried again after the restore. */
  | { readonly kind: 'failed'; readonly error: unknown }
  /** It may have happened. As `failed`: `commit` is idempotent and finds out. */
  | { readonly kind: 'unknown'; readonly error: unknown };

/** A writer for sinks `atLeastOnce` and `idempotent`. */
export interface SinkWriter<T> {
  /** A promise holds back the next call: that is the backpressure. The arrays are the writer's to keep. */
  write(values: readonly T[], timestamps: readonly number[]): void | Promise<void>;
  /** At the barrier and at the end: resolves when everything written so far is safe outside. */
  flush(): void | Promise<void>;
  /** Once, on every end. */
  close(): void | Promise<void>;
}

/** A writer for sinks `transactional`. `C` describes one prepared transaction and must survive the codec. */
export interface TransactionalWriter<T, C> {
  /**
   * Before the first write of an attempt. `commit`: prepared transactions of the restored checkpoint that this subtask must
   * commit now. `known`: all of them, over all subtasks. Subtask 0 also aborts what older attempts left and `known` does
   * not contain (semantics 5.22).
   */
  recover(restored: { readonly commit: readonly C[]; readonly known: readonly C[] }): void | Promise<void>;
  write(values: readonly T[], timestamps: readonly number[]): void | Promise<void>;
  /** At the barrier: make what was written since the last call durable but invisible, and describe it. Empty: nothing to commit. */
  prepare(checkpoint: number): readonly C[] | Promise<readonly C[]>;
  commit(checkpoint: number, committables: readonly C[]): CommitOutcome | Promise<CommitOutcome>;
  /** Once, on every end: abort what is not prepared. What is prepared stays, for the recovery. */
  close(): void | Promise<void>;
}

interface SinkBase {
  /** For people: `files out/hits`, `print late`. */
  readonly name: string;
  /** How many subtasks can write: `1` for a sink that keeps a total order. */
  readonly parallelismMax?: number;
  /**
   * Once per run, when the job has ended for good: null, or why it failed. For a sink whose results the program itself reads,
   * such as `collectSink`; a sink to the outside has its writers' `close`.
   */
  jobEnded?(error: unknown): void;
}

export interface PlainSink<T> extends SinkBase {
  /** `idempotent`: writing a record twice has the effect of writing it once. */
  readonly guarantee: 'atLeastOnce' | 'idempotent';
  open(context: SinkContext): SinkWriter<T> | Promise<SinkWriter<T>>;
}

export interface TransactionalSink<T, C = unknown> extends SinkBase {
  readonly guarantee: 'transactional';
  open(context: SinkContext): TransactionalWriter<T, C> | Promise<TransactionalWriter<T, C>>;
}

export type Sink<T> = PlainSink<T> | TransactionalSink<T>;
