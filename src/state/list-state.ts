// List state: one list per key (semantics 4.3, 4.11).
//
// Owns:    the list of the key in hand, with or without a time to live per element.
// Not:     sharing the array with readers (list-cell.ts).
//
// V1. A changed list is written whole into the next increment; a map state writes single entries.
// V2. A list that is empty has no entry.

import { StateError } from '../base/errors.js';
import type { ListState } from './descriptors.js';
import type { MapKey } from './key.js';
import { ListCell } from './list-cell.js';
import type { PutCheck } from './put-check.js';
import type { StateCore } from './state-core.js';
import type { Entry, Space, Table } from './table.js';
import type { Ttl } from './ttl.js';

export class KeyedListState<T> implements ListState<T> {
  private readonly core: StateCore;
  private readonly table: Table;
  private readonly ttl: Ttl | null;
  private readonly puts: PutCheck;
  private readonly space: Space;
  private readonly entries: Map<MapKey, Entry>;

  constructor(core: StateCore, table: Table, ttl: Ttl | null) {
    this.core = core;
    this.table = table;
    this.ttl = ttl;
    this.puts = core.putCheck(table.name);
    const { space, entries } = table.openUnnamed();
    this.space = space;
    this.entries = entries;
  }

  get(): readonly T[] {
    const entry = this.find();
    if (this.ttl !== null) {
      const items = entry === undefined ? [] : this.ttl.readList(entry);
      if (entry !== undefined) this.lend(entry, items);
      this.ttl.sweep();
      return items as readonly T[];
    }
    if (entry === undefined) return [];
    if (this.core.capture !== null) this.core.capture.save(entry);
    const items = (entry.value as ListCell).lend();
    this.lend(entry, items);
    return (this.core.freeze ? Object.freeze(items) : items) as readonly T[];
  }

  add(value: T): void {
    this.append([this.checked(value)]);
  }

  addAll(values: Iterable<T>): void {
    this.append(Array.from(values, (value) => this.checked(value)));
  }

  set(values: Iterable<T>): void {
    const items = Array.from(values, (value) => this.checked(value));
    if (items.length === 0) return this.clear();
    this.table.put(this.space, this.core.requireKey(this.table.name), new ListCell(items));
    if (this.ttl !== null) this.ttl.sweep();
  }

  clear(): void {
    const entry = this.find();
    if (entry !== undefined) this.table.remove(entry);
    if (this.ttl !== null) this.ttl.sweep();
  }

  private append(items: unknown[]): void {
    const entry = this.find();
    if (items.length === 0) return;
    if (entry === undefined) {
      this.table.add(this.space, this.core.requireKey(this.table.name), new ListCell(items));
    } else {
      const { core } = this;
      if (entry.epoch !== core.epoch || core.undo !== null) core.change(entry);
      const own = (entry.value as ListCell).own();
      for (const item of items) own.push(item);
    }
    if (this.ttl !== null) this.ttl.sweep();
  }

  private lend(entry: Entry, items: readonly unknown[]): void {
    if (this.core.lent !== null) for (const item of items) this.core.lent.lend(entry, item);
  }

  private find(): Entry | undefined {
    const { key } = this.core;
    if (key === undefined) throw this.core.noKey(this.table.name);
    return this.entries.get(key);
  }

  /** The element as it is stored. */
  private checked(value: T): unknown {
    if (value === null || value === undefined) {
      throw new StateError(`An element of list state "${this.table.name}" is never ${String(value)}.`, {
        ...this.core.place,
        remedy: 'Leave the element out, or store a value that says that there is none.',
        poison: true,
      });
    }
    this.puts.admit(value);
    return this.ttl === null ? value : this.ttl.stamp(value);
  }
}
