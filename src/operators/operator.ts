// The contract between a task and the operators that it runs.
//
// Owns:    what an operator may do and when it is called.
// Not:     user functions (src/api), the chain that drives operators (src/task/chain.ts).
//
// O1. An operator handles one call at a time and never returns a promise (semantics X2).
// O2. Everything that influences later output is in its state (semantics X3).
// O3. An operator that can emit without end looks at `output.full` between emissions and suspends.

import type { Logger } from '../base/logger.js';
import type { KeyedBackend } from '../state/keyed-backend.js';
import type { OperatorStateStore } from '../state/operator-state.js';

/** Where an operator puts results. */
export interface Output {
  emit(value: unknown, timestamp: number): void;
  /** A side output is known by its tag's name (semantics 1.14). */
  side(tag: string, value: unknown, timestamp: number): void;
  /** True while the task has no room downstream. Emitting is still allowed, up to the overdraft of limits.ts. */
  readonly full: boolean;
}

/** Work that was cut short because the output was full. Called again when there is room; true when done. */
export type Suspended = () => boolean;

export interface OperatorMetrics {
  /** Adds to a counter of this operator and subtask; names as in semantics 6.9 to 6.13. */
  count(name: string, delta: number): void;
}

/** What a call of a user's function was for. */
export type TrialOf =
  | { readonly trigger: 'record'; readonly record: unknown; readonly timestamp: number }
  | { readonly trigger: 'timer'; readonly timestamp: number }
  | {
      readonly trigger: 'window';
      readonly window: { readonly start: number; readonly end: number };
      readonly contents: unknown;
      readonly timestamp: number;
    };

/** For operators whose poison records are left out (`onError`): a call that fails leaves nothing behind. */
export interface Trials {
  /** Runs `call`, whose results leave when it is through. A failure that only concerns this call is dealt with here. */
  run(of: TrialOf, call: () => void): void;
}

export interface OperatorContext {
  /** Name for people, unique within the job. */
  readonly name: string;
  /** Identity of state: the uid, or one derived from the graph. */
  readonly uid: string;
  readonly declaredAt: string | undefined;
  readonly subtask: number;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly attempt: number;
  readonly output: Output;
  readonly operatorState: OperatorStateStore;
  /** Keyed state and timers; null on a stream without key. */
  readonly keyed: KeyedBackend | null;
  readonly logger: Logger;
  readonly metrics: OperatorMetrics;
  /** Null: a failure is a failure of the subtask. An operator that makes several calls in one of its own runs each through it. */
  readonly trials: Trials | null;
  /** Wall clock of the call in hand, read once per call of the task. */
  processingTimeMs(): number;
  /** The highest watermark that this operator has been given; MIN_TIMESTAMP before the first. */
  currentWatermark(): number;
  /**
   * To be called by an operator that stopped emitting because `output.full`: the task calls `work` when there is
   * room, before anything else reaches this operator, again and again until it answers true.
   */
  suspend(work: Suspended): void;
  /** For operators that make watermarks themselves (`forwardsWatermarks: false`): takes effect behind what they emitted so far. */
  emitWatermark(time: number): void;
  emitIdle(idle: boolean): void;
  /** Wakes `onProcessingTime` at this wall-clock time; one alarm per operator, the earliest wins. */
  alarm(wallMs: number): void;
}

export interface Operator {
  /** Before the first record and after `keyed`/`operatorState` were restored. */
  open(context: OperatorContext): void;
  onRecord(value: unknown, timestamp: number): void;
  /** Second input of a two-input operator. */
  onRecord2?(value: unknown, timestamp: number): void;
  /**
   * Handles a whole batch from index `from` on and answers the index of the first record not handled; it may stop
   * early only when `interrupted()` says so, which it asks after every emission; nothing else changes the answer. Absent: the
   * task loops over `onRecord`.
   */
  onBatch?(
    values: readonly unknown[],
    timestamps: readonly number[],
    from: number,
    interrupted: () => boolean,
  ): number;
  /**
   * Fires what the new watermark makes due. False: suspended because the output is full, or for a turn because it has worked
   * long enough; called again with the same time.
   */
  onWatermark?(time: number): boolean;
  /** False for operators that swallow watermarks of upstream and make their own; MAX passes all the same (semantics 2.7). */
  readonly forwardsWatermarks?: boolean;
  /** The clock has reached an alarm. False: suspended, called again. */
  onProcessingTime?(wallMs: number): boolean;
  /** Input has ended for good, after MAX; may emit. False: suspended, called again. Not called on suspend, cancel, failure. */
  onEnd?(): boolean;
  /** The moment of the barrier: bring everything that lives outside state into state. No emission. */
  onSnapshot?(): void;
  onCheckpointComplete?(checkpoint: number): void;
  /** Exactly once, also when `open` failed. */
  close(): void;
}
