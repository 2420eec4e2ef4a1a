// Timers of virtual time, soonest first.
//
// Owns:    order (by due time, then by the order of their making) and cancelling.
// Not:     when time passes (virtual-scheduler.ts).
//
// A1. A cancelled timer never fires and does not make time jump.

import type { TimerHandle } from '../base/runtime.js';

export interface VirtualTimer {
  /** Runs the callback unless the timer was cancelled meanwhile. */
  fire(): void;
}

interface Entry extends VirtualTimer {
  readonly dueMs: number;
  readonly seq: number;
  cancelled: boolean;
}

export class TimerHeap {
  readonly #heap: Entry[] = [];
  #made = 0;

  add(dueMs: number, callback: () => void): TimerHandle {
    const entry: Entry = {
      dueMs,
      seq: this.#made,
      cancelled: false,
      fire() {
        if (!entry.cancelled) callback();
      },
    };
    this.#made += 1;
    this.#heap.push(entry);
    this.#up(this.#heap.length - 1);
    return {
      cancel() {
        entry.cancelled = true;
      },
    };
  }

  /** Due time of the soonest live timer, or null. */
  nextDueMs(): number | null {
    return this.#first()?.dueMs ?? null;
  }

  /** Removes and returns the soonest live timer that is due at `nowMs`, or null. */
  takeDue(nowMs: number): VirtualTimer | null {
    const first = this.#first();
    if (first === undefined || first.dueMs > nowMs) return null;
    this.#removeFirst();
    return first;
  }

  #first(): Entry | undefined {
    while (this.#heap[0]?.cancelled) this.#removeFirst();
    return this.#heap[0];
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down(0);
  }

  #up(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfLess(index, parent)) return;
      index = parent;
    }
  }

  #down(start: number): void {
    let index = start;
    for (;;) {
      const left = 2 * index + 1;
      const smaller = this.#less(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfLess(smaller, index)) return;
      index = smaller;
    }
  }

  #swapIfLess(child: number, parent: number): boolean {
    const lower = this.#heap[child];
    const upper = this.#heap[parent];
    if (lower === undefined || upper === undefined || !this.#less(child, parent)) return false;
    this.#heap[child] = upper;
    this.#heap[parent] = lower;
    return true;
  }

  #less(a: number, b: number): boolean {
    const first = this.#heap[a];
    const second = this.#heap[b];
    if (first === undefined || second === undefined) return false;
    return first.dueMs < second.dueMs || (first.dueMs === second.dueMs && first.seq < second.seq);
  }
}
