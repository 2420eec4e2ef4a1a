// Where messages go that nobody will handle: told to the listener, one after the other, with the reason.
//
// Owns:    the listener, and the asks whose message was lost.
// Not:     counting: every actor counts its own (cell.ts).
//
// D1. The listener is user code: it may throw (logged), and it may send, which can make further dead letters.
//     Those are told after the current one, never from within it.

import { messageOf } from '../../src/base/errors.js';
import type { Logger } from '../../src/base/logger.js';
import type { DeadLetter } from './actor.js';
import { RingBuffer } from './ring-buffer.js';

export class DeadLetters {
  readonly #listener: ((letter: DeadLetter) => void) | null;
  readonly #logger: Logger;
  readonly #untold: RingBuffer<DeadLetter> = new RingBuffer();
  /** Messages that carry a `Reply`, with what to do when they are lost: the asker need not wait for its time-out. */
  readonly #asks: WeakMap<object, (letter: DeadLetter) => void> = new WeakMap();
  #telling = false;

  constructor(listener: ((letter: DeadLetter) => void) | null, logger: Logger) {
    this.#listener = listener;
    this.#logger = logger;
  }

  /** `lost` is called if this very message becomes a dead letter. */
  expect(message: unknown, lost: (letter: DeadLetter) => void): void {
    if (typeof message === 'object' && message !== null) this.#asks.set(message, lost);
  }

  publish(letter: DeadLetter): void {
    const { message } = letter;
    this.#logger.debug({ path: letter.path, reason: letter.reason }, 'dead letter');
    if (typeof message === 'object' && message !== null) this.#asks.get(message)?.(letter);
    if (this.#listener === null) return;
    this.#untold.push(letter);
    if (this.#telling) return;
    this.#telling = true;
    while (this.#untold.length > 0) this.#tell(this.#listener, this.#untold.shift());
    this.#telling = false;
  }

  #tell(listener: (letter: DeadLetter) => void, letter: DeadLetter): void {
    try {
      listener(letter);
    } catch (error) {
      this.#logger.error({ path: letter.path, error: messageOf(error) }, 'onDeadLetter threw');
    }
  }
}
