// One stored value per key: the ground of value, reducing and aggregating state.
//
// Owns:    reading and writing the entry of the key in hand, with or without a time to live.
// Not:     what the value means (value-state.ts, folding-state.ts).
//
// The methods are split so that a fold looks its entry up once.

import type { MapKey } from './key.js';
import type { PutCheck } from './put-check.js';
import type { StateCore } from './state-core.js';
import type { Entry, Space, Table } from './table.js';
import type { Stamped, Ttl } from './ttl.js';

export class ValueCell {
  readonly ttl: Ttl | null;
  readonly puts: PutCheck;
  private readonly core: StateCore;
  private readonly table: Table;
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

  find(): Entry | undefined {
    const { key } = this.core;
    if (key === undefined) throw this.core.noKey(this.table.name);
    return this.entries.get(key);
  }

  /** The value of the key in hand, as a reader of state gets it. */
  get(): unknown {
    const entry = this.find();
    const value = entry === undefined ? undefined : this.read(entry);
    if (this.ttl !== null) this.ttl.sweep();
    return value;
  }

  /** The running snapshot takes its image first: the reader may change what it gets. */
  private read(entry: Entry): unknown {
    if (this.core.undo !== null) this.core.undo.lent(entry);
    if (this.ttl === null && this.core.capture !== null) this.core.capture.save(entry);
    const value = this.ttl === null ? entry.value : this.ttl.read(entry);
    if (this.core.lent !== null) this.core.lent.lend(entry, value);
    return value;
  }

  /** As `read`, for folding: what has expired does not count, whoever may still see it. */
  readToFold(entry: Entry): unknown {
    if (this.core.undo !== null) this.core.undo.lent(entry);
    if (this.core.capture !== null) this.core.capture.save(entry);
    if (this.ttl === null) return entry.value;
    const stamped = entry.value as Stamped;
    return this.ttl.isExpired(stamped, this.core.processingTimeMs()) ? undefined : stamped.value;
  }

  /** `entry` is what `find` answered for the same key. */
  write(entry: Entry | undefined, value: unknown): void {
    const { core, ttl } = this;
    if (core.lent !== null) core.lent.put(value);
    const stored = ttl === null ? value : ttl.stamp(value);
    if (entry === undefined) {
      this.table.add(this.space, core.requireKey(this.table.name), stored);
    } else {
      if (entry.epoch !== core.epoch || core.undo !== null) core.change(entry);
      entry.value = stored;
    }
    if (ttl !== null) ttl.sweep();
  }

  clear(): void {
    const entry = this.find();
    if (entry !== undefined) this.table.remove(entry);
    if (this.ttl !== null) this.ttl.sweep();
  }
}
