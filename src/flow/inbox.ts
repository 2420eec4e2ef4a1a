// Elements that wait to be handled by one subtask, channel by channel.
//
// Owns:    a bounded FIFO per channel, whose turn it is, how many credits go back to each sender.
// Not:     which channels are blocked (alignment.ts), handling elements (src/task).
//
// I1. No channel holds more than its capacity: a breach means that a sender ignored its credits, and is a crash.
// I2. A channel is a sequence without gap. What came twice is dropped and counted; what is missing is a crash (F12, F13).
// I3. Channels take turns: a busy one delays another by one element, not by its backlog.
// I4. credits given + elements held + credits owed = capacity, for each channel at any time. A blocked channel therefore
//     costs only its own credits.

import { assert, present } from '../base/assert.js';
import { CREDIT_RETURN_ELEMENTS } from '../base/limits.js';
import type { Element } from '../elements/element.js';

export interface Taken {
  readonly element: Element;
  /** Credits to give back to the sender now; they are counted as given. */
  readonly credits: number;
}

interface Lane {
  readonly slots: (Element | undefined)[];
  head: number;
  size: number;
  /** The number that the next element must carry. */
  expected: number;
  /** Elements taken since credits were last given back. */
  owed: number;
}

export class Inbox {
  private readonly lanes: Lane[];
  private readonly capacity: number;
  private readonly creditBatch: number;
  private turn = 0;
  private held = 0;
  private dropped = 0;

  constructor(channels: number, capacity: number) {
    this.capacity = capacity;
    // Half of a small channel at most, so that the sender never runs dry while credits gather.
    this.creditBatch = Math.max(1, Math.min(CREDIT_RETURN_ELEMENTS, Math.floor(capacity / 2)));
    this.lanes = Array.from({ length: channels }, () => ({
      slots: new Array<Element | undefined>(capacity).fill(undefined),
      head: 0,
      size: 0,
      expected: 0,
      owed: 0,
    }));
  }

  /** Elements held, over all channels. */
  get size(): number {
    return this.held;
  }

  /** Elements that came a second time and were dropped. */
  get duplicates(): number {
    return this.dropped;
  }

  /** False: it has been here before and is dropped. */
  put(channel: number, seq: number, element: Element): boolean {
    const lane = this.lane(channel);
    if (seq < lane.expected) {
      this.dropped += 1;
      return false;
    }
    assert(seq === lane.expected, 'elements of a channel arrive without gap', {
      channel,
      expected: lane.expected,
      got: seq,
    });
    assert(lane.size < this.capacity, 'a sender obeys its credits', { channel, capacity: this.capacity });
    lane.slots[(lane.head + lane.size) % this.capacity] = element;
    lane.size += 1;
    lane.expected += 1;
    this.held += 1;
    return true;
  }

  /** The channel whose turn it is among those that hold something and are not blocked; null: nothing to read. */
  next(isBlocked: (channel: number) => boolean): number | null {
    if (this.held === 0) return null;
    const count = this.lanes.length;
    for (let step = 0; step < count; step += 1) {
      const channel = (this.turn + step) % count;
      if (this.lane(channel).size > 0 && !isBlocked(channel)) return channel;
    }
    return null;
  }

  /** Removes the oldest element of a channel that holds one. */
  take(channel: number): Taken {
    const lane = this.lane(channel);
    const element = present(lane.slots[lane.head], 'an element in the channel that is read');
    lane.slots[lane.head] = undefined;
    lane.head = (lane.head + 1) % this.capacity;
    lane.size -= 1;
    lane.owed += 1;
    this.held -= 1;
    this.turn = (channel + 1) % this.lanes.length;
    return { element, credits: this.settle(lane) };
  }

  private settle(lane: Lane): number {
    if (lane.owed < this.creditBatch) return 0;
    const credits = lane.owed;
    lane.owed = 0;
    return credits;
  }

  private lane(channel: number): Lane {
    return present(this.lanes[channel], 'a channel of this subtask');
  }
}
