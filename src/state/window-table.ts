// Window state: a table per window, an entry per key in it.
//
// Owns:    access by (window, key in hand); the order of windows; dropping a window in constant time.
// Not:     when a window fires or is dropped, what an accumulator is (src/operators).
//
// W1. Accumulators are changed in place, after `touch`. What is changed without it may be missing from an increment and may
//     tear a running snapshot.
// W2. An entry is good until it is deleted or its window is dropped; do not keep one beyond the call in hand.

import { RestoreError, StateError } from '../base/errors.js';
import { shownValue } from '../base/shown-text.js';
import type { MapKey } from './key.js';
import type { StateCore } from './state-core.js';
import type { Entry, Space, Table } from './table.js';
import type { ImageOf } from './undo-log.js';

/** From `start` up to and without `end`, in milliseconds. A namespace that is a mere number n is the window [n, n). */
export interface Window {
  readonly start: number;
  readonly end: number;
}

/** What an operator sees of an entry. `value` may be assigned or changed in place after `touch`. */
export interface WindowEntry<A> {
  /** For `KeyedBackend.setMapKey`; the key itself is `currentKey()` after that. */
  readonly key: MapKey;
  value: A;
}

export class WindowTable<A> {
  private readonly core: StateCore;
  private readonly table: Table;
  /** The window used last: records come in runs of the same window. */
  private last: Space | null = null;
  private lastStart = 0;
  private lastEnd = 0;
  /** No window ends before this; exact unless `earliestStale`. */
  private earliest: number = Number.POSITIVE_INFINITY;
  private earliestStale = true;

  constructor(core: StateCore, table: Table) {
    this.core = core;
    this.table = table;
  }

  /** The entry of the key in hand. For reading: call `touch` before changing it. */
  get(start: number, end: number): WindowEntry<A> | undefined {
    const { key } = this.core;
    if (key === undefined) throw this.core.noKey(this.table.name);
    const space = this.space(start, end);
    return space === undefined ? undefined : (space.get(key) as Entry<A> | undefined);
  }

  /** Before each change of an entry's value: one comparison, unless a snapshot began since the last one. */
  touch(entry: WindowEntry<A>): void {
    const touched = entry as Entry<A>;
    const { core } = this;
    if (touched.epoch !== core.epoch || core.undo !== null) core.change(touched);
  }

  /** Sets the value of the key in hand, creating entry and window as needed. */
  put(start: number, end: number, value: A): WindowEntry<A> {
    const key = this.core.requireKey(this.table.name);
    const space = this.space(start, end) ?? this.open(start, end);
    return this.table.put(space, key, value) as Entry<A>;
  }

  /** Removes the entry of the key in hand; true when there was one. The last one takes its window with it. */
  delete(start: number, end: number): boolean {
    const key = this.core.requireKey(this.table.name);
    const space = this.space(start, end);
    const entry = space?.get(key);
    if (space === undefined || entry === undefined) return false;
    this.table.remove(entry);
    if (space.size === 0) this.forget(end);
    return true;
  }

  /** Removes a window with all its entries, in constant time. True when there was one. */
  drop(start: number, end: number): boolean {
    const space = this.space(start, end);
    if (space === undefined) return false;
    this.table.drop(space);
    this.forget(end);
    return true;
  }

  /** Keys that have an entry in this window. */
  size(start: number, end: number): number {
    return this.space(start, end)?.size ?? 0;
  }

  /**
   * The entries of a window in the order in which keys came. May be read on later, after a suspension: entries deleted
   * meanwhile are left out, entries added meanwhile are met.
   */
  entries(start: number, end: number): IterableIterator<WindowEntry<A>> {
    const space = this.space(start, end);
    return (space === undefined ? [].values() : space.entries()) as IterableIterator<Entry<A>>;
  }

  /** All windows, by end, then by start. */
  windows(): Window[] {
    return this.windowsUpTo(Number.POSITIVE_INFINITY);
  }

  /** The windows whose `end` is at most this, in the same order. Cheap when there are none. */
  windowsUpTo(end: number): Window[] {
    if (this.earliestStale) this.findEarliest();
    if (end < this.earliest) return [];
    const due: Window[] = [];
    for (const space of this.table.spaces.values()) {
      const window = windowOf(space);
      if (window.end <= end) due.push(window);
    }
    return due.sort((a, b) => a.end - b.end || a.start - b.start);
  }

  /** Restored contents that are none of this operator's. Throws RestoreError for the first. */
  expectAll(isContents: (value: unknown) => boolean): void {
    for (const space of this.table.spaces.values()) {
      for (const { value } of space.entries()) {
        if (isContents(value)) continue;
        throw new RestoreError(`State "${this.table.name}" holds what is no window: ${shownValue(value)}.`, {
          ...this.core.place,
          remedy: 'The snapshot is damaged, or was not written by Weir: restore another one.',
        });
      }
    }
  }

  /** How an accumulator is kept that a call may have to be given back. Default: as a copy. */
  imagedBy(image: ImageOf): void {
    this.table.image = image;
  }

  /** Changes were taken back behind this table. */
  refresh(): void {
    this.last = null;
    this.earliestStale = true;
  }

  private space(start: number, end: number): Space | undefined {
    if (this.last !== null && start === this.lastStart && end === this.lastEnd) return this.last;
    const space = this.table.findWindow(start, end);
    if (space !== undefined) this.remember(space, start, end);
    return space;
  }

  private open(start: number, end: number): Space {
    if (!(start <= end)) {
      throw new StateError(`A window ends at or after its start; got [${start}, ${end}).`, this.core.place);
    }
    const space = this.table.open([start, end]);
    if (end < this.earliest) this.earliest = end;
    this.remember(space, start, end);
    return space;
  }

  private remember(space: Space, start: number, end: number): void {
    this.last = space;
    this.lastStart = start;
    this.lastEnd = end;
  }

  private forget(end: number): void {
    this.last = null;
    if (end <= this.earliest) this.earliestStale = true;
  }

  private findEarliest(): void {
    this.earliest = Number.POSITIVE_INFINITY;
    for (const space of this.table.spaces.values())
      this.earliest = Math.min(this.earliest, windowOf(space).end);
    this.earliestStale = false;
  }
}

function windowOf(space: Space): Window {
  const { namespace } = space;
  if (namespace === null || typeof namespace !== 'object') return { start: 0, end: 0 };
  const [start = 0, end = start] = namespace;
  return { start, end };
}
