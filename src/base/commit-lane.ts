// The order of commits of one environment, and what a failed one means for the rest.
//
// Owns:    the queue, group commit, the deadline, poisoning and fencing. Real and virtual stores share it.
// Not:     how a transaction is carried out (the store behind it).
//
// A1. At most one transaction is in flight. What is committed meanwhile goes together into the next one,
//     each commit whole: all of its writes are in one transaction.
// A2. The first transaction that throws or misses its deadline poisons the lane: that commit, all queued ones
//     and all later ones reject, and nothing is written again.
// A3. A transaction that is overdue is abandoned: nobody waits for it, `abandoned` tells when it settled after all.

import { messageOf, StoreError } from './errors.js';
import type { StoreWrite, Timers } from './runtime.js';
import { encodeStoreKey } from './store-keys.js';

/** One write with its key encoded and its bytes copied; a null value removes the row. */
export interface LaneWrite {
  readonly table: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** Copies, so that the caller may go on with its buffers. Throws StoreError for a key that cannot be one. */
export function laneWrites(writes: readonly StoreWrite[]): readonly LaneWrite[] {
  return writes.map((write) => ({
    table: write.table,
    key: encodeStoreKey(write.key),
    value: write.kind === 'put' ? new Uint8Array(write.value) : null,
  }));
}

/** What became of a transaction. Throwing means that the outcome is unknown. `refused`: nothing was written. */
export type TransactionOutcome =
  | { readonly kind: 'committed' }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'refused'; readonly error: StoreError };

export interface CommitLaneOptions {
  readonly directory: string;
  readonly deadlineMs: number;
  readonly timers: Timers;
  transact(writes: readonly LaneWrite[]): Promise<TransactionOutcome>;
}

export type LaneState =
  | { readonly kind: 'open' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'poisoned'; readonly error: StoreError }
  | { readonly kind: 'fenced'; readonly error: StoreError };

interface PendingCommit {
  readonly writes: readonly LaneWrite[];
  readonly bytes: number;
  resolve(): void;
  reject(error: StoreError): void;
}

type Verdict =
  | TransactionOutcome
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'overdue' };

/** Bytes of values that go into one transaction when several commits wait; a single larger commit still goes whole. */
const GROUP_BYTES_MAX = 16 * 1024 * 1024;

export class CommitLane {
  readonly #options: CommitLaneOptions;
  #state: LaneState = { kind: 'open' };
  #queue: PendingCommit[] = [];
  #running: Promise<void> | null = null;
  #abandoned: Promise<void> | null = null;

  constructor(options: CommitLaneOptions) {
    this.#options = options;
  }

  get state(): LaneState {
    return this.#state;
  }

  /** Resolves when the transaction that was given up has settled after all; null when there is none. */
  get abandoned(): Promise<void> | null {
    return this.#abandoned;
  }

  /** Queues the writes; resolves when their transaction is durable. */
  commit(writes: readonly LaneWrite[]): Promise<void> {
    const refusal = this.#refusal();
    if (refusal !== null) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      const bytes = writes.reduce((sum, write) => sum + (write.value?.byteLength ?? 0), 0);
      this.#queue.push({ writes, bytes, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Takes no more commits; resolves when the queued ones have settled, at the latest after their deadlines. */
  async close(): Promise<void> {
    if (this.#state.kind === 'open') this.#state = { kind: 'closed' };
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const group = this.#takeGroup();
      const verdict = await this.#attempt(group.flatMap((commit) => commit.writes));
      this.#conclude(group, verdict);
    }
    this.#running = null;
  }

  #takeGroup(): PendingCommit[] {
    let size = 1;
    let bytes = this.#queue[0]?.bytes ?? 0;
    for (const next of this.#queue.slice(1)) {
      bytes += next.bytes;
      if (bytes > GROUP_BYTES_MAX) break;
      size += 1;
    }
    return this.#queue.splice(0, size);
  }

  #attempt(writes: readonly LaneWrite[]): Promise<Verdict> {
    return new Promise((resolve) => {
      const settled = this.#options
        .transact(writes)
        .then(resolve, (error: unknown) => resolve({ kind: 'failed', error }));
      const deadline = this.#options.timers.after(this.#options.deadlineMs, () => {
        this.#abandoned = settled;
        resolve({ kind: 'overdue' });
      });
      void settled.then(() => deadline.cancel());
    });
  }

  #conclude(group: readonly PendingCommit[], verdict: Verdict): void {
    if (verdict.kind === 'committed' || verdict.kind === 'refused') {
      for (const commit of group) {
        if (verdict.kind === 'committed') commit.resolve();
        else commit.reject(verdict.error);
      }
      return;
    }
    const error = verdict.kind === 'fenced' ? this.#fencedError() : this.#poisonedError(verdict);
    this.#state = { kind: verdict.kind === 'fenced' ? 'fenced' : 'poisoned', error };
    for (const commit of [...group, ...this.#queue.splice(0)]) commit.reject(error);
  }

  #refusal(): StoreError | null {
    if (this.#state.kind === 'open') return null;
    if (this.#state.kind !== 'closed') return this.#state.error;
    return new StoreError('WEIR_STORE', `The store in ${this.#options.directory} is closed.`, {
      remedy: 'Commit before closing it.',
    });
  }

  #fencedError(): StoreError {
    const { directory } = this.#options;
    return new StoreError(
      'WEIR_STORE_FENCED',
      `Another process has taken over the store in ${directory}; nothing was written.`,
      {
        remedy: 'Let the newer owner go on; this one must stop.',
        unrecoverable: true,
      },
    );
  }

  #poisonedError(
    verdict: { readonly kind: 'overdue' } | { readonly kind: 'failed'; readonly error: unknown },
  ): StoreError {
    const { directory, deadlineMs } = this.#options;
    const remedy =
      'Check the disk (space, errors in the system log), then open the store again; whether the last commit is in it is unknown.';
    if (verdict.kind === 'overdue') {
      const text = `A commit to the store in ${directory} has not settled within ${deadlineMs} ms.`;
      return new StoreError('WEIR_STORE_POISONED', text, { remedy });
    }
    const text = `A commit to the store in ${directory} failed: ${messageOf(verdict.error)}.`;
    return new StoreError('WEIR_STORE_POISONED', text, { remedy, cause: verdict.error });
  }
}
