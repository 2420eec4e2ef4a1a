// Time to live of state entries.
//
// Owns:    when a stored value has expired, what a reader gets then, and how expired entries leave.
// Not:     the options as users see them (descriptors.ts).
//
// L1. A value has expired when its last access plus the time to live is at or before the clock (semantics 4.8); the sum
//     saturates.
// L2. Reading refreshes only what has not expired.
// L3. The sweep of an access runs after it, whatever the access was and whether it found anything, so that it cannot take
//     what was asked for, and so that state is swept however it is used.
// L4. The sweep keeps its place between accesses. What has left the table meanwhile is not touched again: a map that was
//     cleared, a space that was dropped.

import { StateError } from '../base/errors.js';
import { STATE_TTL_SWEEP_ENTRIES } from '../base/limits.js';
import { addTime, MAX_TIMESTAMP } from '../base/timestamps.js';
import type { TtlOptions } from './descriptors.js';
import { ListCell } from './list-cell.js';
import type { StateCore } from './state-core.js';
import { type Entry, PRUNED, type Space, type Table } from './table.js';

/** A value with the processing time of its last access. Replaced, never changed. */
export interface Stamped {
  readonly at: number;
  readonly value: unknown;
}

export class Ttl {
  readonly refreshesOnRead: boolean;
  readonly returnsExpired: boolean;
  readonly sweepsOnEveryRecord: boolean;
  private readonly core: StateCore;
  private readonly table: Table;
  private readonly ttlMs: number;
  private readonly sweepEntries: number;
  private spaces: Iterator<Space> | null = null;
  private space: Space | null = null;
  private entries: Iterator<Entry> | null = null;

  constructor(core: StateCore, table: Table, options: TtlOptions) {
    if (!(options.ttlMs > 0)) {
      throw new StateError(
        `The time to live of state "${table.name}" is above 0 ms; got ${options.ttlMs}.`,
        core.place,
      );
    }
    this.core = core;
    this.table = table;
    this.ttlMs = Math.min(options.ttlMs, MAX_TIMESTAMP);
    this.refreshesOnRead = options.update === 'onReadAndWrite';
    this.returnsExpired = options.visibility === 'returnExpiredIfNotCleanedUp';
    this.sweepEntries = options.cleanup?.entriesPerAccess ?? STATE_TTL_SWEEP_ENTRIES;
    this.sweepsOnEveryRecord = options.cleanup?.onEveryRecord ?? false;
    if (options.cleanup?.onFullSnapshot ?? true) table.prune = (image, nowMs) => this.prune(image, nowMs);
  }

  stamp(value: unknown): Stamped {
    return { at: this.core.processingTimeMs(), value };
  }

  isExpired(stamped: Stamped, nowMs: number): boolean {
    return addTime(stamped.at, this.ttlMs) <= nowMs;
  }

  /** What a reader gets; undefined when it is expired and stays hidden. Removes what has expired. */
  read(entry: Entry): unknown {
    const { core } = this;
    const stamped = entry.value as Stamped;
    const nowMs = core.processingTimeMs();
    if (this.isExpired(stamped, nowMs)) {
      this.table.remove(entry);
      return this.returnsExpired ? stamped.value : undefined;
    }
    if (this.refreshesOnRead && stamped.at !== nowMs) {
      if (entry.epoch !== core.epoch || core.undo !== null) core.change(entry);
      entry.value = { at: nowMs, value: stamped.value };
    } else if (core.capture !== null) {
      core.capture.save(entry);
    }
    return stamped.value;
  }

  /** The elements of a list that a reader gets, which stay when they have not expired. */
  readList(entry: Entry): readonly unknown[] {
    const { core } = this;
    const items = (entry.value as ListCell).items as Stamped[];
    const nowMs = core.processingTimeMs();
    const live = items.filter((item) => !this.isExpired(item, nowMs));
    const refreshed = this.refreshesOnRead ? live.map((item) => ({ at: nowMs, value: item.value })) : live;
    if (this.refreshesOnRead || live.length < items.length) this.replaceList(entry, refreshed);
    else if (core.capture !== null) core.capture.save(entry);
    return (this.returnsExpired ? items : live).map((item) => item.value);
  }

  /** Looks at the next few entries of the table and removes those that have expired. */
  sweep(): void {
    const nowMs = this.core.processingTimeMs();
    for (let count = 0; count < this.sweepEntries; count += 1) {
      const entry = this.nextEntry();
      if (entry === null) return;
      if (this.table.kind === 'list') this.expireList(entry, nowMs);
      else if (this.isExpired(entry.value as Stamped, nowMs)) this.table.remove(entry);
    }
  }

  private expireList(entry: Entry, nowMs: number): void {
    const items = (entry.value as ListCell).items as Stamped[];
    const live = items.filter((item) => !this.isExpired(item, nowMs));
    if (live.length < items.length) this.replaceList(entry, live);
  }

  private replaceList(entry: Entry, items: Stamped[]): void {
    if (items.length === 0) {
      this.table.remove(entry);
      return;
    }
    const { core } = this;
    if (entry.epoch !== core.epoch || core.undo !== null) core.change(entry);
    entry.value = new ListCell(items);
  }

  private prune(image: unknown, nowMs: number): unknown {
    if (this.table.kind !== 'list') return this.isExpired(image as Stamped, nowMs) ? PRUNED : image;
    const live = (image as Stamped[]).filter((item) => !this.isExpired(item, nowMs));
    return live.length === 0 ? PRUNED : live;
  }

  /** Null at the end of a round, and when there is nothing: the next call begins again. */
  private nextEntry(): Entry | null {
    for (;;) {
      if (this.space !== null && this.entries !== null && !this.space.gone) {
        const { value: entry, done } = this.entries.next();
        if (done !== true) return entry;
      }
      this.spaces ??= this.table.spaces.values();
      const { value: space, done } = this.spaces.next();
      this.space = done === true ? null : space;
      this.entries = done === true ? null : space.entries();
      if (done === true) {
        this.spaces = null;
        return null;
      }
    }
  }
}
