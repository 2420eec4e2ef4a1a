// An actor whose state survives restarts, of the actor and of the program: a journal of events and a snapshot.
//
// Owns:    the order of deciding, storing, applying and answering.
// Not:     rows and commits (journal.ts).
//
// P1. Events are durable before they are applied, and applied before `afterCommand` runs: what was answered is never lost.
// P2. State is what the events make of it: after a recovery it is the same as before the end.
// P3. A failing commit fails the actor and is not tried again: its supervisor decides, and may open the store anew.

import { decode, encode } from '../../src/base/codec.js';
import { ConfigError, UserCodeError } from '../../src/base/errors.js';
import { ACTOR_SNAPSHOT_EVENTS } from '../../src/base/limits.js';
import type { KeyValueEnvironment } from '../../src/base/runtime.js';
import type { ActorContext, ActorSetup, Behavior } from './actor.js';
import { Journal } from './journal.js';

export interface PersistentActorOptions<S, C, E> {
  /** Names the state on disk, over restarts of the program. One living actor per id. */
  readonly id: string;
  /** From `openActorStore`, best opened by whoever supervises the actors on it: a failed store is opened anew, not reused. */
  readonly environment: KeyValueEnvironment;
  /** State before the first event. Each life begins with a copy. */
  readonly initial: S;
  /** Decides what the command leads to, without changing the state: an empty array for nothing. */
  onCommand(state: S, command: C, context: ActorContext<C>): readonly E[] | Promise<readonly E[]>;
  /** The state after the event. Also called in recovery, so it has no other effects. */
  onEvent(state: S, event: E): S;
  /** When the events are durable and applied: the place to answer. Not called in recovery. */
  afterCommand?(state: S, command: C, events: readonly E[]): void | Promise<void>;
  /** Events between two snapshots, Infinity for none. Default 100. */
  readonly snapshotEvery?: number;
}

/** The setup of a persistent actor, for `spawn`. State and events are stored as by structuredClone, without functions. */
export function persistentActor<S, C, E>(options: PersistentActorOptions<S, C, E>): ActorSetup<C> {
  const { id, snapshotEvery = ACTOR_SNAPSHOT_EVENTS } = options;
  if (!(snapshotEvery >= 1)) {
    throw new ConfigError(`Persistent actor "${id}": snapshotEvery is at least 1, got ${snapshotEvery}.`);
  }
  return async (context) => {
    let isOver = false;
    context.signal.addEventListener('abort', () => {
      isOver = true;
    });
    const journal = new Journal(options.environment, id, () => isOver);
    const actor = new PersistentActor(options, context, journal);
    await actor.recover();
    return actor;
  };
}

class PersistentActor<S, C, E> implements Behavior<C> {
  readonly #options: PersistentActorOptions<S, C, E>;
  readonly #context: ActorContext<C>;
  readonly #journal: Journal;
  readonly #snapshotEvery: number;
  #state: S;

  constructor(options: PersistentActorOptions<S, C, E>, context: ActorContext<C>, journal: Journal) {
    this.#options = options;
    this.#context = context;
    this.#journal = journal;
    this.#snapshotEvery = options.snapshotEvery ?? ACTOR_SNAPSHOT_EVENTS;
    // A copy, because a life that changed it in place must not change where the next one begins.
    this.#state = decode(encode(options.initial)) as S;
  }

  recover(): Promise<void> {
    return this.#journal.recover({
      restore: (state) => {
        this.#state = state as S;
      },
      apply: (event) => {
        this.#state = this.#options.onEvent(this.#state, event as E);
      },
    });
  }

  async onMessage(command: C): Promise<void> {
    const events = await this.#options.onCommand(this.#state, command, this.#context);
    if (!Array.isArray(events)) {
      throw new UserCodeError(
        `onCommand of persistent actor "${this.#options.id}" returned no array of events.`,
        {
          remedy: 'Return the events that the command leads to, or an empty array.',
        },
      );
    }
    if (events.length > 0) {
      await this.#journal.append(events);
      for (const event of events) this.#state = this.#options.onEvent(this.#state, event);
    }
    await this.#options.afterCommand?.(this.#state, command, events);
    if (this.#journal.eventsSinceSnapshot >= this.#snapshotEvery) await this.#journal.snapshot(this.#state);
  }

  postStop(): void {
    this.#journal.close();
  }
}
