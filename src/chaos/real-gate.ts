// When a thread may be ended: never while it writes to a store.
//
// Owns:    the memory that a thread and its supervisor share, and the order in which both look at it.
// Not:     ending the thread (real-thread.ts, real-host.ts).
//
// G1. A thread that is ended in the middle of an LMDB write transaction takes the whole process with it: its locks stay.
// G2. Each side first says what it is about to do and then looks at the other, so that one of them always sees it.

import type { KeyValueEnvironment, KeyValueStores } from '../base/runtime.js';

const BUSY = 0;
const SHUT = 1;
const CELLS = 2;

export class StoreGate {
  readonly memory: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#cells = new Int32Array(memory);
  }

  /** From now on nothing begins to be written. */
  shut(): void {
    Atomics.store(this.#cells, SHUT, 1);
  }

  /** Asked after `shut`: nothing is being written, and nothing will be. */
  get isSafe(): boolean {
    return Atomics.load(this.#cells, BUSY) === 0;
  }

  /** The stores of a thread, seen by this gate. */
  guard(stores: KeyValueStores): KeyValueStores {
    return {
      open: (directory, options) =>
        this.#during(async () => this.#environment(await stores.open(directory, options))),
    };
  }

  #environment(environment: KeyValueEnvironment): KeyValueEnvironment {
    return {
      owner: environment.owner,
      commit: (writes) => this.#during(() => environment.commit(writes)),
      get: (table, key) => environment.get(table, key),
      range: (table, options) => environment.range(table, options),
      keys: (table, options) => environment.keys(table, options),
      close: () => this.#during(() => environment.close()),
    };
  }

  async #during<T>(write: () => Promise<T>): Promise<T> {
    Atomics.add(this.#cells, BUSY, 1);
    if (Atomics.load(this.#cells, SHUT) === 1) {
      Atomics.sub(this.#cells, BUSY, 1);
      // The thread is about to end: nobody waits for this any more.
      return new Promise(() => undefined);
    }
    try {
      return await write();
    } finally {
      Atomics.sub(this.#cells, BUSY, 1);
    }
  }
}
