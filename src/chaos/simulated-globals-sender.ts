// Whose code is running, also after an await: for messages that a handler sends when what it waited for has come.
//
// Owns:    the one place where asynchronous context is used.
// Not:     whose code it is (app-run.ts).

import { AsyncLocalStorage } from 'node:async_hooks';

/** Remembers somebody for all that follows from a call, over its promises. */
export class Whose<T> {
  readonly #storage: AsyncLocalStorage<T> = new AsyncLocalStorage<T>();

  /** What `work` does, and whatever it awaits, is done by `somebody`. */
  run<R>(somebody: T, work: () => R): R {
    return this.#storage.run(somebody, work);
  }

  /** Null: by nobody who has been named. */
  get now(): T | null {
    return this.#storage.getStore() ?? null;
  }
}
