// The mailbox of one actor: a bounded data lane, senders that wait for room, a control lane, a stash.
//
// Owns:    what is queued, in which order it is taken, and what happens when the data lane is full.
// Not:     counting (cell.ts), dead letters (dead-letters.ts), when a message is handled (cell.ts).
//
// M1. Order of taking: control, then returned (unstashed or to be tried again), then data.
// M2. The data lane never exceeds its capacity; stash and returned messages together have the same bound.
// M3. Somebody waits for room only while there is none: every slot that frees goes to the sender who waited longest.
//     So an offer can never overtake a sender who waits.

import { assert } from '../../src/base/assert.js';
import type { Overflow } from './actor.js';
import { RingBuffer } from './ring-buffer.js';

/** A sender that waits for room; in a list, so that taking one back costs nothing. */
interface Waiting {
  readonly message: unknown;
  readonly admit: () => void;
  next: Waiting | null;
  previous: Waiting | null;
}

/** Takes the message back if it is still waiting, and says whether it was. */
export type TakeBack = () => boolean;

export class Mailbox {
  readonly capacity: number;
  readonly overflow: Overflow;
  readonly data: RingBuffer<unknown> = new RingBuffer();
  readonly control: RingBuffer<unknown> = new RingBuffer();
  readonly returned: RingBuffer<unknown> = new RingBuffer();
  readonly stash: RingBuffer<unknown> = new RingBuffer();
  #first: Waiting | null = null;
  #last: Waiting | null = null;

  constructor(capacity: number, overflow: Overflow) {
    this.capacity = capacity;
    this.overflow = overflow;
  }

  hasRoom(): boolean {
    return this.data.length < this.capacity;
  }

  isEmpty(): boolean {
    return this.data.length === 0 && this.control.length === 0 && this.returned.length === 0;
  }

  /** The oldest data message; the longest waiting sender gets its place. The caller has looked at `data.length`. */
  takeData(): unknown {
    const message = this.data.shift();
    if (this.#first !== null) this.#admitFirst(this.#first);
    return message;
  }

  /** Queues a sender; `admit` runs when its message has entered the data lane. */
  wait(message: unknown, admit: () => void): TakeBack {
    assert(!this.hasRoom(), 'senders wait only for a full mailbox', { length: this.data.length });
    const waiting: Waiting = { message, admit, next: null, previous: this.#last };
    if (this.#last === null) this.#first = waiting;
    else this.#last.next = waiting;
    this.#last = waiting;
    return () => {
      if (!this.#isListed(waiting)) return false;
      this.#unlink(waiting);
      return true;
    };
  }

  /** Messages of senders who still wait, in order, each with its `admit`; they wait no longer. */
  takeWaiting(): { readonly message: unknown; readonly admit: () => void }[] {
    const all: Waiting[] = [];
    for (let at = this.#first; at !== null; at = this.#first) {
      this.#unlink(at);
      all.push(at);
    }
    return all;
  }

  hasRoomInStash(): boolean {
    return this.stash.length + this.returned.length < this.capacity;
  }

  /** Puts the stash in front of everything but control, oldest first. */
  unstash(): void {
    while (this.stash.length > 0) this.returned.unshift(this.stash.pop());
  }

  #admitFirst(waiting: Waiting): void {
    this.#unlink(waiting);
    this.data.push(waiting.message);
    waiting.admit();
  }

  #isListed(waiting: Waiting): boolean {
    return waiting.previous !== null || this.#first === waiting;
  }

  #unlink(waiting: Waiting): void {
    if (waiting.previous === null) this.#first = waiting.next;
    else waiting.previous.next = waiting.next;
    if (waiting.next === null) this.#last = waiting.previous;
    else waiting.next.previous = waiting.previous;
    waiting.next = null;
    waiting.previous = null;
  }
}
