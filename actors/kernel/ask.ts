// A question with one answer, a time limit and a way to take it back.
//
// Owns:    the Reply, the time-out, and what happens to answers that come too late.
// Not:     delivery: the question is a message like any other.
//
// Q1. A question ends exactly once: answered, rejected, timed out, aborted, lost, or its asker is gone.
// Q2. An answer after the end is a dead letter (`lateReply`); it never reaches another question.
// Q3. A question whose message becomes a dead letter fails at once, with the reason.

import { ACTOR_ASK_TIMEOUT_MS } from '../../src/base/limits.js';
import type { Timers } from '../../src/base/runtime.js';
import type { ActorRef, AskOptions, DeadLetter, Reply } from './actor.js';
import { ActorStoppedError, AskFailedError, AskTimeoutError } from './actor-errors.js';
import type { DeadLetters } from './dead-letters.js';
import { LocalRef, type Tally } from './receiver.js';

/** Who asks: an actor, whose questions end with its life, or the system. */
export interface Asker {
  readonly path: string;
  readonly incarnation: number;
  /** Questions under way, as what to call when nobody waits for their answers any more. */
  readonly asks: Set<() => void>;
}

export interface AskPorts {
  readonly timers: Timers;
  readonly deadLetters: DeadLetters;
  /** Late answers are counted here: they belong to no mailbox. */
  readonly retired: Tally;
}

export function ask<Q, R>(
  ports: AskPorts,
  asker: Asker,
  ref: ActorRef<Q>,
  make: (reply: Reply<R>) => Q,
  options: AskOptions = {},
): Promise<R> {
  if (options.signal?.aborted === true) return Promise.reject(options.signal.reason);
  const question = new Question<R>(ports, asker, ref.path, options);
  question.put(ref, make);
  return question.answer;
}

class Question<R> implements Reply<R> {
  readonly answer: Promise<R>;
  readonly #ports: AskPorts;
  readonly #asker: Asker;
  readonly #path: string;
  readonly #signal: AbortSignal | undefined;
  readonly #timeout: { cancel(): void };
  readonly #cancel: () => void;
  readonly #onAbort: () => void;
  /** While the question waits for room in the mailbox. */
  #sending: AbortController | null = null;
  #isOpen = true;
  #settle: { resolve(answer: R): void; reject(error: unknown): void } = { resolve: nowhere, reject: nowhere };

  constructor(ports: AskPorts, asker: Asker, path: string, options: AskOptions) {
    const { timeoutMs = ACTOR_ASK_TIMEOUT_MS, signal } = options;
    this.#ports = ports;
    this.#asker = asker;
    this.#path = path;
    this.#signal = signal;
    this.answer = new Promise<R>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#timeout = ports.timers.after(timeoutMs, () => this.#fail(new AskTimeoutError(path, timeoutMs)));
    this.#onAbort = () => this.#fail(signal?.reason);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#cancel = () => {
      // Nobody may be awaiting any more: the asker is gone, and its end has been told in other ways.
      this.answer.catch(nowhere);
      this.#fail(new ActorStoppedError(asker.path, `it waited for an answer of ${path}`));
    };
    asker.asks.add(this.#cancel);
  }

  put<Q>(ref: ActorRef<Q>, make: (reply: Reply<R>) => Q): void {
    try {
      const message = make({
        resolve: (answer) => this.resolve(answer),
        reject: (error) => this.reject(error),
      });
      this.#ports.deadLetters.expect(message, (letter) => this.#lost(letter));
      const ended = LocalRef.receiverOf(ref)?.ended ?? null;
      if (!ref.offer(message)) this.#waitForRoom(ref, message);
      else if (ended !== null) this.#fail(new AskFailedError(this.#path, ended.kind, null));
    } catch (error) {
      this.#fail(error);
    }
  }

  resolve(answer: R): void {
    if (this.#close()) this.#settle.resolve(answer);
    else this.#late(answer);
  }

  reject(error: unknown): void {
    if (!this.#fail(error)) this.#late(error);
  }

  #waitForRoom<Q>(ref: ActorRef<Q>, message: Q): void {
    const sending = new AbortController();
    this.#sending = sending;
    ref.send(message, { signal: sending.signal }).catch((error: unknown) => this.#fail(error));
  }

  #lost(letter: DeadLetter): void {
    this.#fail(new AskFailedError(this.#path, letter.reason, letter.error));
  }

  #late(message: unknown): void {
    const { path, incarnation } = this.#asker;
    this.#ports.retired.sent += 1;
    this.#ports.retired.deadLettered += 1;
    this.#ports.deadLetters.publish({ path, incarnation, reason: 'lateReply', message, error: null });
  }

  #fail(error: unknown): boolean {
    const wasOpen = this.#close();
    if (wasOpen) this.#settle.reject(error);
    return wasOpen;
  }

  /** Q1. True the first time. */
  #close(): boolean {
    if (!this.#isOpen) return false;
    this.#isOpen = false;
    this.#timeout.cancel();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#asker.asks.delete(this.#cancel);
    this.#sending?.abort();
    return true;
  }
}

function nowhere(): void {
  // The place of a promise's functions until it has them, and of a rejection that nobody waits for.
}
