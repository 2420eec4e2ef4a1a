// Whose code is running, also after an await: for messages that a handler sends when what it waited for has come.
//
// Owns:    the one place where asynchronous context is used.
// Not:     whose code it is (actor-door.ts).

import { AsyncLocalStorage } from 'node:async_hooks';

// One for all runs: on Node 20 every storage that was ever used costs something at every promise.
const storage = new AsyncLocalStorage<{ readonly of: Whose<unknown>; readonly somebody: unknown }>();

/** Remembers somebody for all that follows from a call, over its promises. */
export class Whose<T> {
  /** What `work` does, and whatever it awaits, is done by `somebody`. */
  run<R>(somebody: T, work: () => R): R {
    return storage.run({ of: this, somebody }, work);
  }

  /** Null: by nobody who has been named. */
  get now(): T | null {
    const found = storage.getStore();
    // What this one has put in is of its own type.
    return found?.of === this ? (found.somebody as T) : null;
  }
}
