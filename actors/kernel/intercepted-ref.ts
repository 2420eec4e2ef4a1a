// The ref of an actor whose messages somebody intercepts.
//
// Owns:    asking the interceptor, for each message, before the mailbox is.
// Not:     any fault (src/chaos).
//
// I1. Without an interceptor nothing is asked: refs are then the plain ones, so that the door costs nothing.
// I2. A message that the interceptor takes counts as sent only when it is delivered: what it drops was lost on the way.

import type { ActorInterceptor, SendOptions } from './actor.js';
import { LocalRef, type Receiver } from './receiver.js';

const ENTERED: Promise<void> = Promise.resolve();

export class InterceptedRef<M> extends LocalRef<M> {
  readonly #interceptor: ActorInterceptor;

  constructor(receiver: Receiver, interceptor: ActorInterceptor) {
    super(receiver);
    this.#interceptor = interceptor;
  }

  override send(message: M, options?: SendOptions): Promise<void> {
    return this.#taken('data', message) ? ENTERED : super.send(message, options);
  }

  override offer(message: M): boolean {
    return this.#taken('data', message) || super.offer(message);
  }

  override control(message: M): void {
    if (!this.#taken('control', message)) super.control(message);
  }

  #taken(lane: 'data' | 'control', message: M): boolean {
    const deliver = (arriving: unknown): void => {
      if (lane === 'control') return super.control(arriving as M);
      // A mailbox that refuses when it is full refuses here too; the sender has long gone on.
      super.send(arriving as M).catch(() => undefined);
    };
    return this.#interceptor.entering(this, lane, message, deliver);
  }
}
