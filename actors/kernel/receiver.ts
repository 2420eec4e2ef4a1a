// The receiving side of an actor, which outlives its restarts: ref, mailbox, counters, dead letters.
//
// Owns:    what `send`, `offer` and `control` do, and K4: every message is counted where it went.
// Not:     taking messages (turn.ts), lives (cell.ts).
//
// C1. `awake` is true while the kernel will look at the mailbox by itself: a wake is on its way, a turn runs, a handler
//     is awaited, or no life is running. So an offer to a busy actor costs a push, a count and one comparison.
// C2. A message is counted as sent in the moment in which it is queued, dropped, or made a dead letter.

import type { ActorRef, Conservation, DeadLetterReason, Overflow, SendOptions, StopReason } from './actor.js';
import { MailboxFullError } from './actor-errors.js';
import type { DeadLetters } from './dead-letters.js';
import { Notice } from './life.js';
import type { Mailbox } from './mailbox.js';
import type { RingBuffer } from './ring-buffer.js';

/** No message in hand. A symbol, because `undefined` is a message like any other. */
export const NOTHING: unique symbol = Symbol('nothing');

/** In front of the data lane: the message whose handler failed, to be tried again. */
export class Retry {
  readonly message: unknown;
  readonly attempt: number;
  readonly error: unknown;
  constructor(message: unknown, attempt: number, error: unknown) {
    this.message = message;
    this.attempt = attempt;
    this.error = error;
  }
}

/** Messages counted by where they went; `queued` is looked up, not counted. */
export class Tally {
  sent = 0;
  handled = 0;
  deadLettered = 0;
  dropped = 0;

  add(other: Tally): void {
    this.sent += other.sent;
    this.handled += other.handled;
    this.deadLettered += other.deadLettered;
    this.dropped += other.dropped;
  }
}

/** What the receivers of one system share. */
export interface Afterlife {
  /** Makes the ref of an actor: a plain one, unless somebody intercepts messages. */
  refOf(receiver: Receiver): LocalRef<unknown>;
  readonly deadLetters: DeadLetters;
  /** Counts of actors that have ended, and of what was sent to them since. */
  readonly retired: Tally;
  reasonAfterEnd(path: string, ended: StopReason): DeadLetterReason;
}

const ENTERED: Promise<void> = Promise.resolve();

export class LocalRef<M> implements ActorRef<M> {
  readonly path: string;
  readonly incarnation: number;
  readonly #receiver: Receiver;

  constructor(receiver: Receiver) {
    this.path = receiver.path;
    this.incarnation = receiver.incarnation;
    this.#receiver = receiver;
  }

  send(message: M, options?: SendOptions): Promise<void> {
    return this.#receiver.send(message, options?.signal);
  }

  offer(message: M): boolean {
    return this.#receiver.offer(message);
  }

  control(message: M): void {
    this.#receiver.control(message);
  }

  toString(): string {
    return `${this.path}#${this.incarnation}`;
  }

  /** The receiver behind a ref of this process, or null for any other object. */
  static receiverOf(ref: ActorRef<never>): Receiver | null {
    return ref instanceof LocalRef ? ref.#receiver : null;
  }
}

export class Receiver {
  readonly path: string;
  readonly incarnation: number;
  readonly mailbox: Mailbox;
  readonly ref: LocalRef<unknown>;
  readonly tally: Tally = new Tally();
  ended: StopReason | null = null;
  awake = true;
  /** The message whose handler runs, until it is handled, stashed, or disposed of after a failure. */
  inHand: unknown = NOTHING;
  /** How often the message in hand has failed already. */
  inHandFailures = 0;
  readonly #afterlife: Afterlife;
  readonly #wake: () => void;
  #noticesQueued = 0;

  constructor(
    at: { path: string; incarnation: number },
    mailbox: Mailbox,
    afterlife: Afterlife,
    wake: () => void,
  ) {
    this.path = at.path;
    this.incarnation = at.incarnation;
    this.mailbox = mailbox;
    this.#afterlife = afterlife;
    this.#wake = wake;
    this.ref = afterlife.refOf(this);
  }

  offer(message: unknown): boolean {
    const { mailbox } = this;
    if (this.ended === null && mailbox.data.length < mailbox.capacity) {
      mailbox.data.push(message);
      this.tally.sent += 1;
      if (!this.awake) this.#wake();
      return true;
    }
    return this.#offerWithoutRoom(message, mailbox.overflow);
  }

  send(message: unknown, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    try {
      if (this.offer(message)) return ENTERED;
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#waitForRoom(message, signal);
  }

  control(message: unknown): void {
    this.tally.sent += 1;
    if (this.ended !== null) return this.#buryAfterEnd(message, this.ended);
    this.mailbox.control.push(message);
    if (!this.awake) this.#wake();
  }

  notify(notice: Notice): void {
    if (this.ended !== null) return;
    this.#noticesQueued += 1;
    this.mailbox.control.push(notice);
    if (!this.awake) this.#wake();
  }

  /** The next control entry; the caller has looked at the length. */
  takeControl(): unknown {
    const entry = this.mailbox.control.shift();
    if (entry instanceof Notice) this.#noticesQueued -= 1;
    return entry;
  }

  /** The handler of the message in hand is done with it, unless it was stashed. */
  settleInHand(): void {
    if (this.inHand === NOTHING) return;
    this.tally.handled += 1;
    this.inHand = NOTHING;
    this.inHandFailures = 0;
  }

  /** The handler of the message in hand failed: it is tried again, up to `redeliver` times, or becomes a dead letter. */
  disposeInHand(error: unknown, redeliver: number): void {
    const message = this.inHand;
    if (message === NOTHING) return;
    const failures = this.inHandFailures + 1;
    this.inHand = NOTHING;
    this.inHandFailures = 0;
    if (failures <= redeliver) this.mailbox.returned.unshift(new Retry(message, failures, error));
    else this.#bury(message, 'handlerFailed', error);
  }

  /** After the end: everything that is still queued, and everybody who still waits, in order. */
  buryAll(reason: DeadLetterReason): void {
    const { mailbox } = this;
    this.#buryLane(mailbox.stash, 'stashLost');
    this.#buryLane(mailbox.returned, reason);
    this.#buryLane(mailbox.control, reason);
    this.#buryLane(mailbox.data, reason);
    for (const { message, admit } of mailbox.takeWaiting()) {
      admit();
      this.#bury(message, reason, null);
    }
  }

  queuedControl(): number {
    return this.mailbox.control.length - this.#noticesQueued;
  }

  queued(): number {
    const { data, returned, stash } = this.mailbox;
    const inHand = this.inHand === NOTHING ? 0 : 1;
    return data.length + returned.length + stash.length + this.queuedControl() + inHand;
  }

  counts(): Conservation {
    const { sent, handled, deadLettered, dropped } = this.tally;
    return { sent, handled, deadLettered, dropped, queued: this.queued() };
  }

  #buryLane(lane: RingBuffer<unknown>, reason: DeadLetterReason): void {
    while (lane.length > 0) {
      const entry = lane === this.mailbox.control ? this.takeControl() : lane.shift();
      if (entry instanceof Notice) continue;
      if (entry instanceof Retry) this.#bury(entry.message, 'handlerFailed', entry.error);
      else this.#bury(entry, reason, null);
    }
  }

  #offerWithoutRoom(message: unknown, overflow: Overflow): boolean {
    if (this.ended !== null) {
      this.tally.sent += 1;
      this.#buryAfterEnd(message, this.ended);
      return true;
    }
    switch (overflow) {
      case 'backpressure':
        return false;
      case 'fail':
        throw new MailboxFullError(this.path, 'mailbox', this.mailbox.capacity);
      case 'dropNewest':
        this.tally.sent += 1;
        this.#drop(message, 'dropNewest');
        return true;
      case 'dropOldest': {
        const oldest = this.mailbox.takeData();
        this.mailbox.data.push(message);
        this.tally.sent += 1;
        this.#drop(oldest, 'dropOldest');
        return true;
      }
    }
  }

  #waitForRoom(message: unknown, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        if (takeBack()) reject(signal?.reason);
      };
      const takeBack = this.mailbox.wait(message, () => {
        this.tally.sent += 1;
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #drop(message: unknown, reason: DeadLetterReason): void {
    this.tally.dropped += 1;
    this.#publish(message, reason, null);
  }

  #bury(message: unknown, reason: DeadLetterReason, error: unknown): void {
    this.tally.deadLettered += 1;
    this.#publish(message, reason, error);
  }

  #buryAfterEnd(message: unknown, ended: StopReason): void {
    this.#afterlife.retired.sent += 1;
    this.#afterlife.retired.deadLettered += 1;
    this.#bury(message, this.#afterlife.reasonAfterEnd(this.path, ended), null);
  }

  #publish(message: unknown, reason: DeadLetterReason, error: unknown): void {
    const { path, incarnation } = this;
    this.#afterlife.deadLetters.publish({ path, incarnation, reason, message, error });
  }
}
