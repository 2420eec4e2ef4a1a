// An actor in the hands of a test: keeps what it is sent, and lets the test wait for it.
//
// Owns:    the queue of what came, and waiting with a limit in virtual time.
// Not:     judging more than "this part is equal".
//
// P1. Messages are taken in the order in which they came; what was expected and did not come is said together with what did.

import { inspect, isDeepStrictEqual } from 'node:util';
import type { ActorRef, ActorSystem } from '../../actors/kernel/actor.js';
import type { Runtime } from '../base/runtime.js';
import { type Duration, durationMs } from './durations.js';

export interface Probe<M> {
  readonly ref: ActorRef<M>;
  /** Takes the next message, which must have all parts of `pattern`; else, or when none comes in time, it rejects. Default within `'3s'`, of virtual time. */
  expect(pattern: Partial<M>, options?: { readonly within?: Duration }): Promise<M>;
  /** Takes the next message, whatever it is. */
  next(options?: { readonly within?: Duration }): Promise<M>;
  /** Rejects when a message comes within this time. */
  expectNothing(within?: Duration): Promise<void>;
  /** What came and was not taken. */
  readonly waiting: readonly M[];
}

/** What a probe expected has not come. */
export class ProbeError extends Error {
  override readonly name = 'ProbeError';
}

const WITHIN_DEFAULT: Duration = '3s';

export class AppProbe<M> implements Probe<M> {
  readonly ref: ActorRef<M>;
  readonly #runtime: Runtime;
  readonly #came: M[] = [];
  #wake: (() => void) | null = null;

  constructor(system: ActorSystem, runtime: Runtime, name: string) {
    this.#runtime = runtime;
    this.ref = system.spawn<M>(() => ({ onMessage: (message) => this.#take(message) }), { name });
  }

  get waiting(): readonly M[] {
    return [...this.#came];
  }

  next({ within = WITHIN_DEFAULT }: { readonly within?: Duration } = {}): Promise<M> {
    return this.#taken('a message', within);
  }

  async expect(
    pattern: Partial<M>,
    { within = WITHIN_DEFAULT }: { readonly within?: Duration } = {},
  ): Promise<M> {
    const message = await this.#taken(shown(pattern), within);
    for (const [part, wanted] of Object.entries(pattern)) {
      const got = (message as Readonly<Record<string, unknown>>)[part];
      if (isDeepStrictEqual(got, wanted)) continue;
      throw new ProbeError(`Expected ${shown(pattern)}, got ${shown(message)}.`);
    }
    return message;
  }

  async expectNothing(within: Duration = WITHIN_DEFAULT): Promise<void> {
    const found = await this.#wait(durationMs(within, 'within'));
    if (found === null) return;
    throw new ProbeError(`Expected no message within ${within}, got ${shown(found.message)}.`);
  }

  async #taken(what: string, within: Duration): Promise<M> {
    const found = await this.#wait(durationMs(within, 'within'));
    if (found === null) throw new ProbeError(`Expected ${what} within ${within}, and nothing came.`);
    return found.message;
  }

  #take(message: M): void {
    this.#came.push(message);
    this.#wake?.();
  }

  async #wait(ms: number): Promise<{ readonly message: M } | null> {
    if (this.#came.length === 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#runtime.timers.after(ms, resolve);
        this.#wake = () => {
          timer.cancel();
          resolve();
        };
      });
      this.#wake = null;
    }
    if (this.#came.length === 0) return null;
    const [message] = this.#came.splice(0, 1);
    return { message: message as M };
  }
}

/** One line, whatever it is: JSON refuses bigints, and refs and replies have nothing to show. */
function shown(value: unknown): string {
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 4 });
}
