// The timers of one time domain: a table whose spaces are ordered by time.
//
// Owns:    finding the next timer; a heap of spaces by time.
// Not:     when timers fire (timers.ts).
//
// Q1. A space holds the timers of one timestamp and window; its heap position follows it, so that removing is exact and a
//     timer that is moved again and again leaves nothing behind.
// Q2. Timers of one timestamp are in the order in which they were registered, those of one window together. A restore keeps
//     this order, except that timers which left while the snapshot was being written come first.

import { type Entry, type Namespace, Space, Table } from './table.js';
import type { Window } from './window-table.js';

const NOT_QUEUED = -1;

export class TimerSpace extends Space {
  readonly time: number;
  readonly window: Window | null;
  /** Tie-breaker: spaces created earlier come first. */
  readonly order: number;
  position: number = NOT_QUEUED;
  private cursor: Iterator<Entry> | null = null;

  constructor(table: Table, namespace: readonly number[], order: number) {
    super(table, namespace, table.host.epoch);
    const [time = 0, start, end] = namespace;
    this.time = time;
    this.window = start === undefined || end === undefined ? null : { start, end };
    this.order = order;
  }

  /**
   * The next timer in order. It is removed before the next call, or skipped. A Map that loses its entries from the front
   * makes each new iterator walk over the gap, so one iterator is kept.
   */
  next(): Entry | null {
    if (this.many === null) return this.one;
    for (let round = 0; round < 2; round += 1) {
      this.cursor ??= this.many.values();
      const { value, done } = this.cursor.next();
      if (done !== true) return value;
      this.cursor = null;
    }
    return null;
  }
}

export class TimerTable extends Table {
  private readonly heap: TimerSpace[] = [];
  private created = 0;

  top(): TimerSpace | undefined {
    return this.heap[0];
  }

  /** Takes a space out of the order without removing its timers. */
  unqueue(space: TimerSpace): void {
    const { heap } = this;
    const at = space.position;
    if (at === NOT_QUEUED) return;
    space.position = NOT_QUEUED;
    const last = heap.pop();
    if (last === undefined || last === space) return;
    this.place(last, at);
    this.siftUp(last);
    this.siftDown(last);
  }

  /** What does not hold of the order, for audits. A space out of the order is one whose timers wait for nothing. */
  disorder(): string[] {
    const found: string[] = [];
    for (const [at, space] of this.heap.entries()) {
      const parent = this.heap[(at - 1) >> 1];
      if (space.position !== at) found.push(`the space of time ${space.time} is not where it says`);
      if (at > 0 && parent !== undefined && isBefore(space, parent))
        found.push(`time ${space.time} is behind a later one`);
      if (space.gone || this.find(space.namespace) !== space)
        found.push(`time ${space.time} is queued without a timer`);
    }
    return found;
  }

  protected override createSpace(namespace: Namespace): Space {
    this.created += 1;
    const space = new TimerSpace(this, namespace as readonly number[], this.created);
    this.place(space, this.heap.length);
    this.siftUp(space);
    return space;
  }

  protected override queue(space: Space): void {
    super.queue(space);
    this.place(space as TimerSpace, this.heap.length);
    this.siftUp(space as TimerSpace);
  }

  protected override detach(space: Space): void {
    super.detach(space);
    this.unqueue(space as TimerSpace);
  }

  private place(space: TimerSpace, at: number): void {
    this.heap[at] = space;
    space.position = at;
  }

  private siftUp(space: TimerSpace): void {
    for (;;) {
      const at = space.position;
      const parent = this.heap[(at - 1) >> 1];
      if (at === 0 || parent === undefined || !isBefore(space, parent)) return;
      this.place(space, parent.position);
      this.place(parent, at);
    }
  }

  private siftDown(space: TimerSpace): void {
    for (;;) {
      const at = space.position;
      const left = this.heap[2 * at + 1];
      const right = this.heap[2 * at + 2];
      const child = right !== undefined && left !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || !isBefore(child, space)) return;
      this.place(space, child.position);
      this.place(child, at);
    }
  }
}

function isBefore(a: TimerSpace, b: TimerSpace): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
