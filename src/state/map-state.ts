// Map state: one map per key, each of its entries an entry of its own (semantics 4.4, 4.11).
//
// Owns:    access by (key in hand, key of the map), iteration, time to live per entry.
// Not:     how maps are held: a space of the table per key (table.ts).
//
// M1. A change writes one entry into the next increment, and takes one image, however large the map is.
// M2. A map that is empty does not exist: removing the last entry removes the key (T3 of table.ts).

import type { MapState } from './descriptors.js';
import { canonicalKey, originalKey } from './key.js';
import type { PutCheck } from './put-check.js';
import type { StateCore } from './state-core.js';
import type { Entry, Space, Table } from './table.js';
import type { Stamped, Ttl } from './ttl.js';

export class KeyedMapState<K, V> implements MapState<K, V> {
  private readonly core: StateCore;
  private readonly table: Table;
  private readonly ttl: Ttl | null;
  private readonly puts: PutCheck;

  constructor(core: StateCore, table: Table, ttl: Ttl | null) {
    this.core = core;
    this.table = table;
    this.ttl = ttl;
    this.puts = core.putCheck(table.name);
  }

  get(key: K): V | undefined {
    const entry = this.find(key);
    const value = entry === undefined ? undefined : this.read(entry);
    if (this.ttl !== null) this.ttl.sweep();
    return value as V | undefined;
  }

  set(key: K, value: V): void {
    const { core, table, ttl } = this;
    this.puts.admit(value);
    const mapKey = canonicalKey(key, core.place);
    const space = table.open(core.requireKey(table.name));
    table.put(space, mapKey, ttl === null ? value : ttl.stamp(value));
    if (ttl !== null) ttl.sweep();
  }

  delete(key: K): boolean {
    const entry = this.find(key);
    const visible = entry !== undefined && this.isVisible(entry);
    if (visible) this.table.remove(entry);
    if (this.ttl !== null) this.ttl.sweep();
    return visible;
  }

  has(key: K): boolean {
    const entry = this.find(key);
    const visible = entry !== undefined && this.isVisible(entry);
    if (this.ttl !== null) this.ttl.sweep();
    return visible;
  }

  *entries(): IterableIterator<[K, V]> {
    for (const entry of this.present()) yield [originalKey(entry.key) as K, this.read(entry) as V];
  }

  *keys(): IterableIterator<K> {
    for (const entry of this.present()) yield originalKey(entry.key) as K;
  }

  *values(): IterableIterator<V> {
    for (const entry of this.present()) yield this.read(entry) as V;
  }

  get size(): number {
    const space = this.space();
    if (this.ttl === null) return space === undefined ? 0 : space.size;
    let visible = 0;
    if (space !== undefined) for (const entry of space.entries()) if (this.isVisible(entry)) visible += 1;
    this.ttl.sweep();
    return visible;
  }

  isEmpty(): boolean {
    return this.size === 0;
  }

  clear(): void {
    const space = this.space();
    if (space !== undefined) this.table.drop(space);
    if (this.ttl !== null) this.ttl.sweep();
  }

  private space(): Space | undefined {
    const { key } = this.core;
    if (key === undefined) throw this.core.noKey(this.table.name);
    return this.table.spaces.get(key);
  }

  private find(key: K): Entry | undefined {
    const space = this.space();
    return space === undefined ? undefined : space.get(canonicalKey(key, this.core.place));
  }

  private read(entry: Entry): unknown {
    if (this.core.undo !== null) this.core.undo.lent(entry);
    if (this.ttl === null && this.core.capture !== null) this.core.capture.save(entry);
    const value = this.ttl === null ? entry.value : this.ttl.read(entry);
    if (this.core.lent !== null) this.core.lent.lend(entry, value);
    return value;
  }

  /** Whether a read would answer it. What has expired and stays hidden leaves at once: nobody may ever ask for it again. */
  private isVisible(entry: Entry): boolean {
    const { ttl } = this;
    if (ttl === null || ttl.returnsExpired) return true;
    if (!ttl.isExpired(entry.value as Stamped, this.core.processingTimeMs())) return true;
    this.table.remove(entry);
    return false;
  }

  /** The entries that were there when the iteration began and still are. */
  private *present(): IterableIterator<Entry> {
    const space = this.space();
    try {
      if (space === undefined) return;
      for (const entry of [...space.entries()]) {
        // A cleared map keeps its entries for the running snapshot.
        if (space.gone) return;
        if (space.get(entry.key) === entry && this.isVisible(entry)) yield entry;
      }
    } finally {
      // Also for a loop that was left early: a map may never be used in any other way.
      if (this.ttl !== null) this.ttl.sweep();
    }
  }
}
