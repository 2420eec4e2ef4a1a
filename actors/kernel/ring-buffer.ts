// A FIFO that can also be filled from the front, without allocation per entry.
//
// Owns:    the slots.
// Not:     bounds (mailbox.ts): it grows to whatever it is given.
//
// R1. A slot that was taken is cleared, so that a handled message can be collected.

const SLOTS_MIN = 8;

export class RingBuffer<T> {
  length = 0;
  // Most actors never use most of their lanes, so an empty ring has no slots.
  #slots: (T | undefined)[] = [];
  #head = 0;
  #mask = -1;

  push(entry: T): void {
    if (this.length > this.#mask) this.#grow();
    this.#slots[(this.#head + this.length) & this.#mask] = entry;
    this.length += 1;
  }

  /** Puts an entry in front of all others. */
  unshift(entry: T): void {
    if (this.length > this.#mask) this.#grow();
    this.#head = (this.#head - 1) & this.#mask;
    this.#slots[this.#head] = entry;
    this.length += 1;
  }

  /** The oldest entry. The caller has looked at `length`: an empty ring has nothing to give. */
  shift(): T {
    const entry = this.#slots[this.#head] as T;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & this.#mask;
    this.length -= 1;
    return entry;
  }

  /** The newest entry, under the same condition as `shift`. */
  pop(): T {
    const index = (this.#head + this.length - 1) & this.#mask;
    const entry = this.#slots[index] as T;
    this.#slots[index] = undefined;
    this.length -= 1;
    return entry;
  }

  #grow(): void {
    const old = this.#slots;
    const grown = new Array<T | undefined>(Math.max(SLOTS_MIN, old.length * 2)).fill(undefined);
    for (let i = 0; i < this.length; i += 1) grown[i] = old[(this.#head + i) & this.#mask];
    this.#slots = grown;
    this.#head = 0;
    this.#mask = grown.length - 1;
  }
}
