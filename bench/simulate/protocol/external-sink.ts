// The world outside: what the sink has prepared and committed, and whether that is exactly once.
//
// Owns:    transactions by name, the committed results, and their immediate checks (O1, O3).
// Not:     when to prepare and commit (src/task/sink-machine.ts), what an attempt recovers.
//
// X1. A commit is idempotent by name. One of a transaction that is neither prepared nor committed has lost data.
// X2. Transactions of one writer are committed in the order in which they were prepared (O3).
// X3. The checks read what is committed here, never a counter of the engine.

export interface CountedRecord {
  readonly id: number;
  readonly key: number;
  /** How many records of the key there were, this one included. */
  readonly count: number;
}

export interface SinkTransaction {
  readonly name: string;
  readonly checkpoint: number;
  readonly attempt: number;
  readonly subtask: number;
  readonly records: readonly CountedRecord[];
}

/** What is wrong with a commit. */
export interface Trouble {
  readonly oracle: 'O1' | 'O3';
  readonly message: string;
}

function lost(message: string): Trouble {
  return { oracle: 'O1', message };
}

export class ExternalSink {
  readonly prepared: Map<string, SinkTransaction> = new Map();
  readonly committed: Map<string, SinkTransaction> = new Map();
  readonly #seen: Uint8Array;
  /** Checkpoint of the last commit of each writer, by attempt and subtask. */
  readonly #lastOf: Map<string, number> = new Map();
  records = 0;

  constructor(records: number) {
    this.#seen = new Uint8Array(records);
  }

  prepare(transaction: SinkTransaction): void {
    this.prepared.set(transaction.name, transaction);
  }

  /** What went wrong, or null. */
  commit(name: string): Trouble | null {
    if (this.committed.has(name)) return null;
    const transaction = this.prepared.get(name);
    if (transaction === undefined) return lost(`transaction ${name} is to be committed and is not there`);
    this.prepared.delete(name);
    this.committed.set(name, transaction);
    let trouble = this.#overtaking(transaction);
    for (const { id } of transaction.records) {
      if (this.#seen[id] === 1) trouble ??= lost(`record ${id} is committed twice, now in ${name}`);
      this.#seen[id] = 1;
      this.records += 1;
    }
    return trouble;
  }

  #overtaking({ name, attempt, subtask, checkpoint }: SinkTransaction): Trouble | null {
    const writer = `${attempt}/${subtask}`;
    const last = this.#lastOf.get(writer) ?? 0;
    this.#lastOf.set(writer, Math.max(last, checkpoint));
    if (checkpoint >= last) return null;
    return { oracle: 'O3', message: `${name} is committed after that of checkpoint ${last}` };
  }

  /** Aborts what older attempts have left and the restored checkpoint does not know. */
  abortStrangers(known: ReadonlySet<string>, attempt: number): void {
    for (const [name, transaction] of this.prepared) {
      if (transaction.attempt < attempt && !known.has(name)) this.prepared.delete(name);
    }
  }

  copy(): ExternalSink {
    const copy = new ExternalSink(this.#seen.length);
    for (const [name, transaction] of this.committed) copy.committed.set(name, transaction);
    for (const [name, transaction] of this.prepared) copy.prepared.set(name, transaction);
    copy.#seen.set(this.#seen);
    copy.records = this.records;
    return copy;
  }

  /** At the end of input: every record once, every key counted 1 to n in the order of its checkpoints. */
  verify(keyOf: (id: number) => number): string | null {
    const missing = this.#seen.indexOf(0);
    if (missing >= 0) return `record ${missing} is missing; ${this.records} records are committed`;
    if (this.records !== this.#seen.length) return `${this.records} records instead of ${this.#seen.length}`;
    const counts: number[] = [];
    const inOrder = [...this.committed.values()].sort((a, b) => a.checkpoint - b.checkpoint);
    for (const { name, records } of inOrder) {
      for (const { id, key, count } of records) {
        if (keyOf(id) !== key) return `record ${id} has key ${key}, expected ${keyOf(id)}`;
        const expected = (counts[key] ?? 0) + 1;
        if (count !== expected) return `key ${key} counts ${count} after ${expected - 1}, in ${name}`;
        counts[key] = expected;
      }
    }
    return null;
  }
}
