// One commit at a time: the order of writes of an attempt, and chunks of many callers in few transactions.
//
// Owns:    batching, order, and what happens to everybody when a commit fails.
// Not:     which writes are right (lmdb-checkpoint-store.ts), deadlines (the key-value environment).
//
// Q1. Writes are committed in the order in which they were submitted; a later one is not begun before the earlier one has
//     settled. So a manifest can never be durable without the chunks that were submitted before it.
// Q2. Rows are built, and bytes copied, when their batch begins: memory is one batch, however many callers wait.
// Q3. After a commit of which the outcome is not known, nothing is written any more (contract, P2).

import { messageOf, StoreError } from '../base/errors.js';
import { STORE_BATCH_BYTES_MAX } from '../base/limits.js';
import type { KeyValueEnvironment, StoreWrite } from '../base/runtime.js';

export interface Write {
  /** Bytes of values that `rows` will have, about. */
  readonly bytes: number;
  /** True: a batch of its own, because its rows depend on what the writes before it have changed. */
  readonly alone: boolean;
  /** Called once, when all earlier writes have settled. May throw: then nothing of this write is committed. */
  rows(): readonly StoreWrite[];
  /** Called when the rows are durable, before the caller is told. */
  durable(): void;
}

interface Waiting {
  readonly write: Write;
  resolve(): void;
  reject(error: unknown): void;
}

interface Built {
  readonly waiting: Waiting;
  readonly rows: readonly StoreWrite[];
}

export class WriteQueue {
  readonly #environment: KeyValueEnvironment;
  readonly #batchBytesMax: number;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;
  #refusal: StoreError | null = null;
  #failure: StoreError | null = null;
  #commits = 0;
  #bytesWritten = 0;

  /** `batchBytesMax`: of the rows of one transaction; a larger write is one of its own. */
  constructor(environment: KeyValueEnvironment, batchBytesMax: number = STORE_BATCH_BYTES_MAX) {
    this.#environment = environment;
    this.#batchBytesMax = batchBytesMax;
  }

  /**
   * The failure after which the environment takes no write any more, or null. It may have come after `stop`, of the commit that
   * was in flight then: who owns the store must learn of it all the same.
   */
  get failure(): StoreError | null {
    return this.#failure;
  }

  /** Why nothing is accepted any more, or null. */
  get refusal(): StoreError | null {
    return this.#refusal;
  }

  get commits(): number {
    return this.#commits;
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Resolves when the write is durable. */
  submit(write: Write): Promise<void> {
    if (this.#refusal !== null) return Promise.reject(this.#refusal);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Accepts nothing more, rejects what waits, and resolves when the commit in flight has settled. */
  async stop(reason: StoreError): Promise<void> {
    this.#refuse(reason);
    await this.#running;
  }

  /** Resolves when everything submitted so far has settled. */
  async drain(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #run(): Promise<void> {
    // One turn later, so that callers of the same macrotask share a transaction.
    await null;
    while (this.#waiting.length > 0) await this.#commit(this.#build(this.#takeBatch()));
    this.#running = null;
  }

  #takeBatch(): readonly Waiting[] {
    let size = 1;
    let bytes = this.#waiting[0]?.write.bytes ?? 0;
    if (this.#waiting[0]?.write.alone !== true) {
      for (const { write } of this.#waiting.slice(1)) {
        bytes += write.bytes;
        if (write.alone || bytes > this.#batchBytesMax) break;
        size += 1;
      }
    }
    return this.#waiting.splice(0, size);
  }

  #build(batch: readonly Waiting[]): readonly Built[] {
    const built: Built[] = [];
    for (const waiting of batch) {
      try {
        built.push({ waiting, rows: waiting.write.rows() });
      } catch (error) {
        waiting.reject(error);
      }
    }
    return built;
  }

  async #commit(batch: readonly Built[]): Promise<void> {
    const rows = batch.flatMap((built) => built.rows);
    try {
      if (rows.length > 0) await this.#environment.commit(rows);
    } catch (error) {
      return this.#failed(batch, error);
    }
    if (rows.length > 0) this.#commits += 1;
    for (const row of rows) if (row.kind === 'put') this.#bytesWritten += row.value.byteLength;
    for (const { waiting } of batch) settle(waiting);
  }

  #failed(batch: readonly Built[], thrown: unknown): void {
    const error = asStoreError(thrown);
    for (const { waiting } of batch) waiting.reject(error);
    // A refused commit (no space, say) has changed nothing: the next one may succeed.
    if (error.code === 'WEIR_STORE') return;
    this.#failure ??= error;
    this.#refuse(error);
  }

  #refuse(reason: StoreError): void {
    this.#refusal ??= reason;
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }
}

function settle(waiting: Waiting): void {
  try {
    waiting.write.durable();
    waiting.resolve();
  } catch (error) {
    waiting.reject(error);
  }
}

/** What is not a StoreError says nothing about what was written, so the worst is assumed. */
function asStoreError(thrown: unknown): StoreError {
  if (thrown instanceof StoreError) return thrown;
  return new StoreError(
    'WEIR_STORE_POISONED',
    `A commit of the checkpoint store failed: ${messageOf(thrown)}.`,
    {
      cause: thrown,
      remedy: 'Check the disk; the job reopens the store when it restarts.',
    },
  );
}
