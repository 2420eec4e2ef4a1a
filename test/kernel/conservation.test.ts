// K1, K2, K4, O9, O12: whatever is done to actors in whatever order, no message is lost or handled twice, no two
// handlers of an actor overlap, and nothing becomes an unhandled rejection.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type {
  ActorContext,
  ActorRef,
  ActorSnapshot,
  ActorSystem,
  Behavior,
  DeadLetter,
  Overflow,
  RestartType,
} from '../../actors/kernel/actor.js';
import { ActorStoppedError, MailboxFullError } from '../../actors/kernel/actor-errors.js';
import { actorSystem } from '../../actors/kernel/system.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { type Gate, gate, isConserved } from './kernel-bench.js';

/** What the handler does with a message. */
type Task =
  | 'note'
  | 'await'
  | 'hold'
  | 'throw'
  | 'reject'
  | 'stash'
  | 'unstash'
  | 'stop'
  | 'crashSelf'
  | 'awaitThenThrow';

interface Message {
  readonly id: number;
  readonly task: Task;
}

type Deed =
  | { readonly kind: 'offer' | 'send' | 'control'; readonly actor: number; readonly task: Task }
  | { readonly kind: 'abortableSend'; readonly actor: number; readonly task: Task; readonly abort: boolean }
  | { readonly kind: 'stop' | 'crash' | 'respawn'; readonly actor: number }
  | { readonly kind: 'release' }
  | { readonly kind: 'releaseFailing' }
  | { readonly kind: 'advance'; readonly ms: number };

interface Settings {
  readonly overflow: Overflow;
  readonly capacity: number;
  readonly restart: RestartType;
  readonly redeliver: number;
  readonly asyncSetup: boolean;
  readonly hasHook: boolean;
}

const unhandled: unknown[] = [];
const record = (error: unknown): void => void unhandled.push(error);
beforeAll(() => void process.on('unhandledRejection', record));
afterAll(() => void process.off('unhandledRejection', record));

class Zoo {
  readonly runtime: VirtualRuntime;
  readonly system: ActorSystem;
  readonly letters: DeadLetter[] = [];
  readonly refs: ActorRef<Message>[] = [];
  /** Messages that the kernel has taken, by id; and how often each was handled to its end. */
  readonly taken: Set<number> = new Set();
  readonly handled: Map<number, number> = new Map();
  /** Order of the beginnings of handlers per actor, of data messages that were never stashed or tried again. */
  readonly violations: string[] = [];
  readonly #gates: Gate[] = [];
  readonly #settings: readonly Settings[];
  #ids = 0;

  constructor(seed: number, order: 'fifo' | 'random', settings: readonly Settings[]) {
    this.runtime = virtualRuntime({ seed, order });
    this.#settings = settings;
    this.system = actorSystem({
      runtime: this.runtime,
      host: 'dispatch',
      turnMessagesMax: 3,
      supervision: { restartsMax: 1_000 },
      onDeadLetter: (letter) => {
        this.letters.push(letter);
        this.check('in onDeadLetter');
      },
    });
    for (const index of settings.keys()) this.spawn(index);
  }

  spawn(index: number): void {
    const own = this.#settings[index];
    if (own === undefined || this.system.find(`/a${index}`) !== null) return;
    const { overflow, capacity, restart, redeliver, asyncSetup, hasHook } = own;
    const setup = (context: ActorContext<Message>): Behavior<Message> => this.#behavior(context, hasHook);
    this.refs[index] = this.system.spawn<Message>(
      asyncSetup ? (context) => Promise.resolve().then(() => setup(context)) : setup,
      {
        name: `a${index}`,
        mailbox: { overflow, capacity },
        restart,
        onFailedMessage: redeliver === 0 ? 'deadLetter' : { redeliver },
        stopTimeoutMs: 20,
        handlerTimeoutMs: 60,
      },
    );
  }

  message(task: Task): Message {
    this.#ids += 1;
    return { id: this.#ids, task };
  }

  release(failing: boolean): void {
    const held = this.#gates.shift();
    if (failing) held?.fail(new Error('released with a failure'));
    else held?.open();
  }

  releaseAll(): void {
    while (this.#gates.length > 0) this.release(false);
  }

  check(where: string): void {
    if (!isConserved(this.system.conservation())) this.violations.push(`system not conserved ${where}`);
    const visit = (actor: ActorSnapshot): void => {
      if (!isConserved(actor.counts)) this.violations.push(`${actor.path} not conserved ${where}`);
      actor.children.forEach(visit);
    };
    visit(this.system.snapshot());
  }

  #behavior(context: ActorContext<Message>, hasHook: boolean): Behavior<Message> {
    let active = 0;
    const behavior: Behavior<Message> = {
      onMessage: (message) => {
        active += 1;
        if (active > 1) this.violations.push(`${context.path}: two handlers at once`);
        return this.#tracked(context, message, () => {
          active -= 1;
        });
      },
    };
    if (!hasHook) return behavior;
    const postStop = (): void => {
      if (active > 0) this.violations.push(`${context.path}: hook beside a handler`);
    };
    return { ...behavior, postStop };
  }

  #tracked(context: ActorContext<Message>, message: Message, ended: () => void): Promise<void> | undefined {
    let result: Promise<void> | undefined;
    try {
      result = this.#handle(context, message);
    } finally {
      if (result === undefined) ended();
    }
    return result?.finally(ended);
  }

  #handle(context: ActorContext<Message>, message: Message): Promise<void> | undefined {
    this.check('in a handler');
    switch (message.task) {
      case 'note':
        return this.#done(message);
      case 'await':
        return Promise.resolve().then(() => this.#done(message));
      case 'hold': {
        const door = gate();
        this.#gates.push(door);
        return door.promise.then(() => {
          // After its life was fenced the result of a handler counts for nothing.
          if (!isFenced(context)) this.#done(message);
        });
      }
      case 'throw':
        throw new Error('thrown');
      case 'reject':
        return Promise.reject(new Error('rejected'));
      case 'awaitThenThrow':
        return Promise.resolve().then(() => {
          throw new Error('thrown late');
        });
      case 'stash':
        return void context.stash();
      case 'unstash':
        context.unstashAll();
        return this.#done(message);
      case 'stop':
        void context.stop();
        return this.#done(message);
      case 'crashSelf':
        this.system.crash(context.self, new Error('crashed itself'));
        return undefined;
    }
  }

  #done({ id }: Message): undefined {
    this.handled.set(id, (this.handled.get(id) ?? 0) + 1);
    return undefined;
  }
}

function isFenced(context: ActorContext<Message>): boolean {
  try {
    context.receiveTimeout(null);
    return false;
  } catch (error) {
    return error instanceof ActorStoppedError;
  }
}

async function perform(zoo: Zoo, deed: Deed): Promise<void> {
  if (deed.kind === 'advance') return zoo.runtime.advance(deed.ms);
  if (deed.kind === 'release' || deed.kind === 'releaseFailing') {
    zoo.release(deed.kind === 'releaseFailing');
    // A crash between the end of a handler and the microtask in which the kernel learns of it is a crash in the handler.
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    return;
  }
  const index = deed.actor % zoo.refs.length;
  const ref = zoo.refs[index];
  if (ref === undefined) return;
  switch (deed.kind) {
    case 'respawn':
      return zoo.spawn(index);
    case 'stop':
      return void zoo.system.stop(ref);
    case 'crash':
      return zoo.system.crash(ref, new Error('fault'));
    case 'control': {
      const message = zoo.message(deed.task);
      zoo.taken.add(message.id);
      return ref.control(message);
    }
    case 'offer': {
      const message = zoo.message(deed.task);
      try {
        if (ref.offer(message)) zoo.taken.add(message.id);
      } catch (error) {
        if (!(error instanceof MailboxFullError)) throw error;
      }
      return;
    }
    case 'send':
    case 'abortableSend': {
      const message = zoo.message(deed.task);
      const controller = new AbortController();
      ref.send(message, { signal: controller.signal }).then(
        () => void zoo.taken.add(message.id),
        () => undefined,
      );
      if (deed.kind === 'abortableSend' && deed.abort) controller.abort();
    }
  }
}

const task = fc.constantFrom<Task[]>(
  ...([
    'note',
    'note',
    'note',
    'note',
    'note',
    'await',
    'note',
    'await',
    'hold',
    'throw',
    'reject',
    'stash',
    'unstash',
    'stop',
    'crashSelf',
    'awaitThenThrow',
  ] as Task[]),
);
const actor = fc.nat({ max: 2 });
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('offer', 'send', 'control'), actor, task }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('abortableSend'), actor, task, abort: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('stop', 'crash', 'respawn', 'respawn'), actor }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('release', 'releaseFailing') }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.constantFrom(0, 1, 25, 100) }) },
) as fc.Arbitrary<Deed>;

const settings: fc.Arbitrary<Settings> = fc.record({
  overflow: fc.constantFrom<Overflow[]>('backpressure', 'fail', 'dropNewest', 'dropOldest'),
  capacity: fc.integer({ min: 1, max: 4 }),
  restart: fc.constantFrom<RestartType[]>('permanent', 'permanent', 'transient', 'temporary'),
  redeliver: fc.nat({ max: 2 }),
  asyncSetup: fc.boolean(),
  hasHook: fc.boolean(),
});

const RUNS = Number(process.env['WEIR_MODEL_RUNS'] ?? 1_000);

test('every message is handled, dead, or dropped exactly once, whatever happens to the actors', async () => {
  const seen = { handled: 0, dead: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.constantFrom<('fifo' | 'random')[]>('fifo', 'random'),
      fc.array(settings, { minLength: 1, maxLength: 3 }),
      fc.array(deed, { minLength: 15, maxLength: 60 }),
      async (seed, order, own, deeds) => {
        const zoo = new Zoo(seed, order, own);
        for (const next of deeds) {
          await perform(zoo, next);
          zoo.check(`after ${JSON.stringify(next)}`);
        }
        const shutdown = zoo.system.shutdown();
        await zoo.runtime.advance(500);
        zoo.releaseAll();
        await shutdown;
        await zoo.runtime.advance(1);
        zoo.check('at the end');
        expect(zoo.violations).toEqual([]);
        expect(zoo.system.conservation().queued).toBe(0);
        const dead = zoo.letters.map(({ message }) => (message as Message).id);
        const handled = [...zoo.handled.keys()];
        expect([...handled, ...dead].sort(byNumber)).toEqual([...zoo.taken].sort(byNumber));
        expect([...zoo.handled.values()].every((times) => times === 1)).toBe(true);
        expect(unhandled).toEqual([]);
        seen.handled += handled.length;
        seen.dead += dead.length;
      },
    ),
    { numRuns: RUNS },
  );
  expect(seen.handled).toBeGreaterThan(RUNS);
  expect(seen.dead).toBeGreaterThan(RUNS);
});

function byNumber(a: number, b: number): number {
  return a - b;
}
