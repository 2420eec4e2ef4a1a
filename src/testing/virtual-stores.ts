// The stores on a virtual disk: what is visible, what is flushed, who owns them.
//
// Owns:    tables in memory, what a power cut leaves of them, bytes that a test damages.
// Not:     commits and their failures (virtual-key-values.ts).

import { assert } from '../base/assert.js';
import type { LaneWrite } from '../base/commit-lane.js';
import type { RandomStream, StoreKey } from '../base/runtime.js';
import { encodeStoreKey } from '../base/store-keys.js';
import { type SortedRow, SortedRows } from './sorted-rows.js';
import { normalPath } from './virtual-paths.js';

export class StoreImage {
  /** Number of the last owner; a commit of an earlier one is fenced. */
  owner = 0;
  /** The process that the last owner was. */
  ownerProcess = 0;
  /** Who holds the lock of the directory; null when it is free. */
  holder: { readonly host: string; readonly process: number; isAlive(): boolean } | null = null;
  #visible = new Map<string, SortedRows>();
  #flushed = new Map<string, SortedRows>();
  #unflushed: (readonly LaneWrite[])[] = [];
  /** Takes the last synced transaction back. */
  #undo: readonly LaneWrite[] = [];

  table(name: string): SortedRows | undefined {
    return this.#visible.get(name);
  }

  createTables(names: readonly string[]): void {
    for (const name of names) {
      if (!this.#visible.has(name)) this.#visible.set(name, new SortedRows());
      if (!this.#flushed.has(name)) this.#flushed.set(name, new SortedRows());
    }
  }

  /** As a transaction does that was synced. */
  write(writes: readonly LaneWrite[]): void {
    this.#undo = writes.map(({ table, key }) => ({
      table,
      key,
      value: this.#flushed.get(table)?.get(key) ?? null,
    }));
    // A sync makes everything durable that was written before it.
    for (const earlier of this.#unflushed.splice(0)) apply(this.#flushed, earlier);
    apply(this.#visible, writes);
    apply(this.#flushed, writes);
  }

  /** As a transaction does whose sync failed: it can be read, and may be gone after a power cut. */
  writeUnflushed(writes: readonly LaneWrite[]): void {
    apply(this.#visible, writes);
    this.#unflushed.push(writes);
  }

  losePower(choices: RandomStream): void {
    for (const writes of this.#unflushed.splice(0)) {
      if (choices.next() < 0.5) break;
      apply(this.#flushed, writes);
    }
    this.#visible = new Map([...this.#flushed].map(([name, rows]) => [name, rows.copy()]));
  }

  /** Rows of a table in the order of their keys, as a test looks at them. */
  rows(name: string): readonly SortedRow[] {
    return this.#visible.get(name)?.range(undefined, undefined) ?? [];
  }

  /** Tables that the last synced transaction wrote to. */
  get lastTables(): readonly string[] {
    return [...new Set(this.#undo.map(({ table }) => table))];
  }

  /** As LMDB does with a torn meta page: the root before the last synced transaction counts again. */
  revertLast(): void {
    apply(this.#visible, this.#undo);
    apply(this.#flushed, this.#undo);
    this.#undo = [];
  }

  /** Another store with the durable rows of this one, and without an owner. */
  fork(): StoreImage {
    const fork = new StoreImage();
    fork.owner = this.owner;
    for (const [name, rows] of this.#flushed) {
      fork.#flushed.set(name, rows.copy());
      fork.#visible.set(name, rows.copy());
    }
    return fork;
  }

  /** Changes or removes a row behind the back of its owner, as a failing disk does. */
  damage(table: string, key: Uint8Array, change: (value: Uint8Array) => Uint8Array | null): void {
    for (const tables of [this.#visible, this.#flushed]) {
      const rows = tables.get(table);
      const value = rows?.get(key);
      assert(rows !== undefined && value !== undefined, 'the row to damage exists', { table });
      const damaged = change(new Uint8Array(value));
      if (damaged === null) rows.remove(key);
      else rows.put(key, damaged);
    }
  }
}

export class VirtualStores {
  readonly #images = new Map<string, StoreImage>();

  find(directory: string): StoreImage | undefined {
    return this.#images.get(normalPath(directory));
  }

  /** Every store of the machine. */
  all(): readonly { readonly directory: string; readonly image: StoreImage }[] {
    return [...this.#images].map(([directory, image]) => ({ directory, image }));
  }

  findOrCreate(directory: string): StoreImage {
    const found = this.find(directory);
    if (found !== undefined) return found;
    const image = new StoreImage();
    this.#images.set(normalPath(directory), image);
    return image;
  }

  /**
   * Changes the bytes of one row, visible and durable, or removes it (null): a flipped bit, a lost manifest.
   * Throws InvariantError when there is no such row.
   */
  damage(
    directory: string,
    table: string,
    key: StoreKey,
    change: (value: Uint8Array) => Uint8Array | null,
  ): void {
    this.findOrCreate(directory).damage(table, encodeStoreKey(key), change);
  }

  /** Puts the durable rows of a store of another machine into this one. */
  adopt(directory: string, from: StoreImage): void {
    this.#images.set(normalPath(directory), from.fork());
  }

  losePower(choices: RandomStream): void {
    for (const image of this.#images.values()) image.losePower(choices);
  }
}

function apply(tables: Map<string, SortedRows>, writes: readonly LaneWrite[]): void {
  for (const { table, key, value } of writes) {
    const rows = tables.get(table);
    if (value === null) rows?.remove(key);
    else rows?.put(key, value);
  }
}
