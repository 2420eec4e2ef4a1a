// How keyed state lies in memory: a table per state name, a space per namespace, an entry per key.
//
// Owns:    finding, adding, removing entries; the copy-on-write step before each change.
// Not:     what values mean (value-state.ts and the other accessors), writing snapshots (keyed-snapshot.ts).
//
// T1. Before an entry changes in an epoch for the first time, the running snapshot has taken its image. An epoch begins
//     with each snapshot, so on the hot path this costs one comparison of integers: `entry.epoch !== host.epoch`. While a
//     call can be taken back, each of its changes takes the slow way (undo-log.ts).
// T2. The entries of a space, and the spaces of a table, are in the order in which they were created.
// T3. A space without entries does not exist, except the one without name: memory goes back to where it was.
// T4. Key groups are not tables of their own. A Map per key group costs a quarter of the speed at 100,000 keys and buys
//     nothing while a job runs: only a restore with another parallelism asks for the key group of a key, and it can
//     compute it from the key.
//
// Namespaces per kind: none for value, list, reducing and aggregating state; the key for map state (entries are its map's
// entries); the window for window state, so that a window is dropped at once with all its keys; time and window for timers.

import { present } from '../base/assert.js';
import type { MapKey } from './key.js';
import type { StateShape } from './state-shape.js';
import type { ImageOf, UndoLog } from './undo-log.js';

export type StateKind =
  | 'value'
  | 'list'
  | 'map'
  | 'reducing'
  | 'aggregating'
  | 'window'
  | 'eventTimers'
  | 'processingTimers';

/** Null: no namespace. Numbers: `[start, end]` of a window; `[time]` or `[time, start, end]` of timers. */
export type Namespace = null | MapKey | readonly number[];

/** An image of which nothing is left to write. */
export const PRUNED: unique symbol = Symbol('pruned');

export class Entry<V = unknown> {
  readonly key: MapKey;
  readonly space: Space;
  value: V;
  /** Of the last change. */
  epoch: number;
  /**
   * The epoch of birth, negative, until a snapshot has taken its image; then the epoch of that snapshot. One number for
   * both keeps an entry at 64 bytes, a cache line.
   */
  mark: number;

  constructor(key: MapKey, space: Space, value: V, epoch: number) {
    this.key = key;
    this.space = space;
    this.value = value;
    this.epoch = epoch;
    this.mark = -epoch;
  }

  /** Epochs of births are asked about only while they may be the current one. */
  isBornIn(epoch: number): boolean {
    return this.mark === -epoch;
  }
}

/** The running snapshot, as tables see it. */
export interface Capture {
  /** Takes the image of an entry if the snapshot still needs it. */
  save(entry: Entry): void;
  /** A space is gone from its table; entries of it that the snapshot still needs must be taken from here. */
  orphan(space: Space): void;
}

/** What the tables of one operator subtask share. */
export interface TableHost {
  readonly epoch: number;
  readonly capture: Capture | null;
  /** Of the call in hand, if it can be taken back. */
  readonly undo: UndoLog | null;
  /** Entries in all tables. */
  liveEntries: number;
  /** The slow part of T1. */
  change(entry: Entry): void;
  /** An entry, or with key null a whole space, that a snapshot may have seen is gone: increments must say so. */
  noteRemoval(table: Table, namespace: Namespace, key: MapKey | null): void;
}

/** The entries of one namespace. One entry needs no Map: timers, sessions and small maps come by the million. */
export class Space {
  readonly table: Table;
  readonly namespace: Namespace;
  readonly born: number;
  /** Of the last change of any entry. */
  epoch: number;
  one: Entry | null = null;
  many: Map<MapKey, Entry> | null = null;
  /** It has left its table. A dropped space keeps its entries for the running snapshot, and nobody else may take them for state. */
  gone = false;

  constructor(table: Table, namespace: Namespace, epoch: number) {
    this.table = table;
    this.namespace = namespace;
    if (namespace === null) this.many = new Map();
    this.born = epoch;
    this.epoch = epoch;
  }

  get size(): number {
    return this.many === null ? (this.one === null ? 0 : 1) : this.many.size;
  }

  get(key: MapKey): Entry | undefined {
    if (this.many !== null) return this.many.get(key);
    return this.one !== null && this.one.key === key ? this.one : undefined;
  }

  /** Entries in order of creation; those added meanwhile are met as well, those removed are not. */
  entries(): IterableIterator<Entry> {
    return this.many === null ? new FewEntries(this) : this.many.values();
  }

  insert(entry: Entry): void {
    if (this.many !== null) {
      this.many.set(entry.key, entry);
    } else if (this.one === null) {
      this.one = entry;
    } else {
      this.many = new Map([
        [this.one.key, this.one],
        [entry.key, entry],
      ]);
      this.one = null;
    }
  }

  delete(key: MapKey): void {
    if (this.many !== null) this.many.delete(key);
    else this.one = null;
  }
}

/** The entries of a space that had at most one when the iteration began, by the rules of an iterator of a Map. */
class FewEntries implements IterableIterator<Entry> {
  private readonly space: Space;
  private met: Entry | null = null;
  private rest: Iterator<Entry> | null = null;

  constructor(space: Space) {
    this.space = space;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Entry> {
    const { one, many } = this.space;
    if (many !== null) return this.nextOf(many);
    if (one === null || one === this.met) return { done: true, value: undefined };
    this.met = one;
    return { done: false, value: one };
  }

  private nextOf(many: Map<MapKey, Entry>): IteratorResult<Entry> {
    this.rest ??= many.values();
    const step = this.rest.next();
    return step.done !== true && step.value === this.met ? this.rest.next() : step;
  }
}

export class Table {
  readonly name: string;
  readonly kind: StateKind;
  /** Values are held with the time of their last access. */
  readonly stamped: boolean;
  readonly host: TableHost;
  readonly spaces: Map<MapKey, Space> = new Map();
  /** As declared, or as the restored snapshot says until it is declared; null: nothing is known. */
  shape: StateShape | null = null;
  /** For full snapshots: leaves expired parts out of an image, and answers PRUNED when nothing remains. */
  prune: ((image: unknown, nowMs: number) => unknown) | null = null;
  /** For calls that are taken back: how a value is kept that is changed in place. Null: as its kind is. */
  image: ImageOf | null = null;
  private windowSpan: number | null = null;

  constructor(host: TableHost, name: string, kind: StateKind, stamped: boolean) {
    this.host = host;
    this.name = name;
    this.kind = kind;
    this.stamped = stamped;
  }

  get isEmpty(): boolean {
    for (const space of this.spaces.values()) if (space.size > 0) return false;
    return true;
  }

  find(namespace: Namespace): Space | undefined {
    return this.spaces.get(this.indexOf(namespace));
  }

  /** As `find([start, end])`, without the array: asked for each record and window. */
  findWindow(start: number, end: number): Space | undefined {
    return this.spaces.get(this.indexOfWindow(start, end));
  }

  /** The space of a namespace, made if it does not exist. The caller puts an entry into it at once (T3). */
  open(namespace: Namespace): Space {
    const index = this.indexOf(namespace);
    let space = this.spaces.get(index);
    if (space === undefined) {
      space = this.createSpace(namespace);
      this.spaces.set(index, space);
    }
    return space;
  }

  /** The space without name: its Map exists for good, so that accessors can keep hold of it. */
  openUnnamed(): { readonly space: Space; readonly entries: Map<MapKey, Entry> } {
    const space = this.open(null);
    return { space, entries: present(space.many, 'the Map of a space without name') };
  }

  /** The space has no entry of this key yet. */
  add(space: Space, key: MapKey, value: unknown): Entry {
    const { host } = this;
    const entry = new Entry(key, space, value, host.epoch);
    space.insert(entry);
    space.epoch = host.epoch;
    host.liveEntries += 1;
    if (host.undo !== null) host.undo.added(entry);
    return entry;
  }

  put(space: Space, key: MapKey, value: unknown): Entry {
    const entry = space.get(key);
    if (entry === undefined) return this.add(space, key, value);
    const { host } = this;
    if (entry.epoch !== host.epoch || host.undo !== null) host.change(entry);
    entry.value = value;
    return entry;
  }

  remove(entry: Entry): void {
    const { host } = this;
    const { space } = entry;
    if (entry.epoch !== host.epoch || host.undo !== null) host.change(entry);
    if (host.undo !== null) host.undo.removed(entry);
    if (!entry.isBornIn(host.epoch)) host.noteRemoval(this, space.namespace, entry.key);
    space.delete(entry.key);
    host.liveEntries -= 1;
    if (space.size === 0 && space.namespace !== null) this.detach(space);
  }

  /** Removes a space with all its entries in constant time. */
  drop(space: Space): void {
    const { host } = this;
    if (host.capture !== null) host.capture.orphan(space);
    if (space.born !== host.epoch) host.noteRemoval(this, space.namespace, null);
    host.liveEntries -= space.size;
    this.detach(space);
    if (host.undo !== null) host.undo.dropped(space);
  }

  /** Takes `remove` back. */
  putBack(entry: Entry): void {
    const { space } = entry;
    space.insert(entry);
    this.host.liveEntries += 1;
    if (space.gone) this.queue(space);
  }

  /** Takes `drop` back. */
  attach(space: Space): void {
    this.host.liveEntries += space.size;
    this.queue(space);
  }

  protected queue(space: Space): void {
    space.gone = false;
    this.spaces.set(this.indexOf(space.namespace), space);
  }

  protected createSpace(namespace: Namespace): Space {
    return new Space(this, namespace, this.host.epoch);
  }

  protected detach(space: Space): void {
    space.gone = true;
    this.spaces.delete(this.indexOf(space.namespace));
  }

  /** A namespace as key of `spaces`. */
  indexOf(namespace: Namespace): MapKey {
    if (namespace === null) return '';
    if (typeof namespace !== 'object') return namespace;
    const [first, second] = namespace;
    if (first === undefined) return '';
    if (second === undefined) return first;
    return this.kind === 'window' ? this.indexOfWindow(first, second) : namespace.join(':');
  }

  /**
   * Windows of one length, the usual case, are told apart by their start alone: composing a string for each record would
   * cost more than everything else.
   */
  private indexOfWindow(start: number, end: number): MapKey {
    this.windowSpan ??= end - start;
    return end - start === this.windowSpan ? start : `${start}:${end}`;
  }
}
