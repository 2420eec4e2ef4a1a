// Persistent actors: what was answered is never lost, and recovery gives the same state.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import type { ActorRef, ActorSystem, Reply } from '../../actors/kernel/actor.js';
import { PERSISTENT_ACTOR_TABLES } from '../../actors/kernel/journal.js';
import { type PersistentActorOptions, persistentActor } from '../../actors/kernel/persistent-actor.js';
import { actorSystem } from '../../actors/kernel/system.js';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import type { KeyValueEnvironment, Runtime } from '../../src/base/runtime.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { gate } from './kernel-bench.js';

type Command =
  | { readonly kind: 'deposit'; readonly amount: number; readonly reply: Reply<number> }
  | { readonly kind: 'read'; readonly reply: Reply<number> };
type Event = { readonly deposited: number };
interface Account {
  readonly balance: number;
}
type Options = PersistentActorOptions<Account, Command, Event>;

function account(environment: KeyValueEnvironment, more: Partial<Options> = {}): Options {
  return {
    id: 'account-1',
    environment,
    initial: { balance: 0 },
    onCommand: (_state, command) => (command.kind === 'deposit' ? [{ deposited: command.amount }] : []),
    onEvent: ({ balance }, { deposited }) => ({ balance: balance + deposited }),
    afterCommand: ({ balance }, { reply }) => reply.resolve(balance),
    snapshotEvery: 3,
    ...more,
  };
}

const deposit =
  (amount: number) =>
  (reply: Reply<number>): Command => ({ kind: 'deposit', amount, reply });
const read = (reply: Reply<number>): Command => ({ kind: 'read', reply });
const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

function open(runtime: Runtime, directory = 'actors'): Promise<KeyValueEnvironment> {
  return runtime.keyValues.open(directory, { tables: PERSISTENT_ACTOR_TABLES, commitDeadlineMs: 1_000 });
}

/** Awaits something that needs virtual time to pass. */
async function on<T>(runtime: VirtualRuntime, promise: Promise<T>): Promise<T> {
  const outcome = promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  let settled: Awaited<typeof outcome> | null = null;
  void outcome.then((result) => {
    settled = result;
  });
  await runtime.run(() => settled !== null);
  const result = await outcome;
  if ('error' in result) throw result.error;
  return result.value;
}

function systemOn(runtime: Runtime): ActorSystem {
  return actorSystem({ runtime, host: 'dispatch', supervision: { restartsMax: 3 } });
}

test('events are durable before they are applied and answered', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const environment = await on(runtime, open(runtime));
  const log: string[] = [];
  const watched: KeyValueEnvironment = {
    owner: environment.owner,
    commit: async (writes) => {
      log.push('commit begins');
      await environment.commit(writes);
      log.push('durable');
    },
    get: (table, key) => environment.get(table, key),
    range: (table, options) => environment.range(table, options),
    keys: (table, options) => environment.keys(table, options),
    close: () => environment.close(),
  };
  const ref = systemOn(runtime).spawn(
    persistentActor(
      account(watched, {
        onEvent: ({ balance }, { deposited }) => {
          log.push('applied');
          return { balance: balance + deposited };
        },
        afterCommand: ({ balance }, { reply }) => {
          log.push('answered');
          reply.resolve(balance);
        },
      }),
    ),
  );
  expect(await on(runtime, systemOn(runtime).ask(ref, deposit(5)))).toBe(5);
  expect(log).toEqual(['commit begins', 'durable', 'applied', 'answered']);
});

test('a restart replays the snapshot and the events since', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const environment = await on(runtime, open(runtime));
  const system = systemOn(runtime);
  const ref = system.spawn(persistentActor(account(environment)), { restart: 'permanent' });
  for (const amount of [1, 2, 3, 4]) await on(runtime, system.ask(ref, deposit(amount)));
  expect(environment.keys('actorEvents', {})).toEqual([['account-1', 4]]);
  system.crash(ref, new Error('fault'));
  expect(await on(runtime, system.ask(ref, read))).toBe(10);
  expect(await on(runtime, system.ask(ref, deposit(1)))).toBe(11);
});

test('after the death of the process the next one finds everything that was answered', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }),
      fc.nat({ max: 40 }),
      async (seed, amounts, crashSteps) => {
        let runtime = virtualRuntime({ seed });
        runtime.faults.keyValues = (operation) => (operation === 'commit' ? { delayMs: seed % 3 } : null);
        const system = systemOn(runtime);
        const ref = system.spawn(persistentActor(account(await on(runtime, open(runtime)))));
        let answered = 0;
        const feed = async (): Promise<void> => {
          for (const amount of amounts) answered = await system.ask(ref, deposit(amount));
        };
        // Its questions end with the process.
        feed().catch(() => undefined);
        const until = runtime.steps + crashSteps;
        await runtime.run(() => runtime.steps >= until);
        runtime = runtime.crashProcess();
        runtime.faults.keyValues = null;
        const next = systemOn(runtime);
        const heir = next.spawn(persistentActor(account(await on(runtime, open(runtime)))));
        const balance = await on(runtime, next.ask(heir, read));
        const sums = amounts.map((_, index) =>
          amounts.slice(0, index + 1).reduce((sum, amount) => sum + amount, 0),
        );
        expect([0, ...sums]).toContain(balance);
        // One command may have been stored without being answered; none can have been answered without being stored.
        expect(balance).toBeGreaterThanOrEqual(answered);
      },
    ),
    { numRuns: 200 },
  );
});

test('a failing commit fails the actor, is not tried again, and nothing is read from the suspect store', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const environment = await on(runtime, open(runtime));
  const system = systemOn(runtime);
  const ref = system.spawn(persistentActor(account(environment)), { restart: 'permanent' });
  expect(await on(runtime, system.ask(ref, deposit(1)))).toBe(1);
  let commits = 0;
  runtime.faults.keyValues = (operation) => {
    commits += operation === 'commit' ? 1 : 0;
    return 'rejectVisible';
  };
  const error = await on(runtime, errorOf(system.ask(ref, deposit(2))));
  expect(error).toMatchObject({
    name: 'AskFailedError',
    reason: 'handlerFailed',
    cause: { name: 'StoreError' },
  });
  runtime.faults.keyValues = null;
  // Each restart refuses to recover from the poisoned environment, so that the limit is reached and the failure goes up.
  const failure = await on(runtime, system.terminated);
  expect(failure).toMatchObject({ name: 'RestartLimitError', cause: { name: 'StoreError' } });
  expect(commits).toBe(1);
});

test('a supervisor that opens the store anew brings its persistent actors back', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const system = systemOn(runtime);
  let child: ActorRef<Command> | null = null;
  system.spawn<never>(
    async (context) => {
      const environment = await open(runtime);
      child = context.spawn(persistentActor(account(environment)), { restart: 'permanent' });
      return { onMessage: () => undefined, postStop: () => environment.close() };
    },
    { restart: 'permanent', supervision: { restartsMax: 0 } },
  );
  await runtime.advance(100);
  const current = (): ActorRef<Command> => child ?? system.spawn(() => ({ onMessage: () => undefined }));
  expect(await on(runtime, system.ask(current(), deposit(7)))).toBe(7);
  runtime.faults.keyValues = (operation) => (operation === 'commit' ? 'reject' : null);
  await on(runtime, errorOf(system.ask(current(), deposit(1))));
  runtime.faults.keyValues = null;
  await runtime.advance(5_000);
  expect(await on(runtime, system.ask(current(), read))).toBe(7);
});

test('a life that was abandoned while it stored is waited for, and its successor sees what landed', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const environment = await on(runtime, open(runtime));
  const system = systemOn(runtime);
  const ref = system.spawn(persistentActor(account(environment)), { restart: 'permanent' });
  expect(await on(runtime, system.ask(ref, deposit(1)))).toBe(1);
  runtime.faults.keyValues = () => ({ delayMs: 500 });
  const lost = errorOf(system.ask(ref, deposit(10)));
  await runtime.advance(100);
  system.crash(ref, new Error('fault'));
  runtime.faults.keyValues = null;
  expect(await on(runtime, lost)).toMatchObject({ name: 'AskFailedError' });
  expect(await on(runtime, system.ask(ref, deposit(100)))).toBe(111);
  expect(environment.keys('actorEvents', {}).length + 3 * environment.keys('actorSnapshots', {}).length).toBe(
    3,
  );
});

test('a life that was abandoned before it stored stores nothing any more', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const environment = await on(runtime, open(runtime));
  const system = systemOn(runtime);
  const door = gate();
  const slow = account(environment, {
    async onCommand(_state, command) {
      if (command.kind === 'read') return [];
      if (command.amount === 10) await door.promise;
      return [{ deposited: command.amount }];
    },
  });
  const ref = system.spawn(persistentActor(slow), { restart: 'permanent' });
  const lost = errorOf(system.ask(ref, deposit(10)));
  await runtime.advance(10);
  system.crash(ref, new Error('fault'));
  expect(await on(runtime, system.ask(ref, deposit(1)))).toBe(1);
  door.open();
  await runtime.advance(10);
  expect(await on(runtime, lost)).toMatchObject({ name: 'AskFailedError' });
  system.crash(ref, new Error('fault'));
  expect(await on(runtime, system.ask(ref, read))).toBe(1);
});

test('a snapshot is written after so many events, not at every command that follows', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const environment = await on(runtime, open(runtime));
  const system = systemOn(runtime);
  const ref = await on(runtime, system.spawnStarted(persistentActor(account(environment))));
  let commits = 0;
  runtime.faults.keyValues = (operation) => {
    commits += operation === 'commit' ? 1 : 0;
    return null;
  };
  for (let n = 0; n < 7; n += 1) await on(runtime, system.ask(ref, deposit(1)));
  await runtime.advance(10);
  expect(commits).toBe(7 + 2);
});

test('two living actors cannot have the same id', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const environment = await on(runtime, open(runtime));
  const system = systemOn(runtime);
  await on(runtime, system.spawnStarted(persistentActor(account(environment))));
  const second = errorOf(system.spawnStarted(persistentActor(account(environment))));
  expect(await on(runtime, second)).toMatchObject({
    message: expect.stringMatching(/"account-1" is already running/),
  });
});

test('what was changed on disk is noticed: a flipped byte, a missing event, a foreign version', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const environment = await on(runtime, open(runtime));
  const system = systemOn(runtime);
  const first = await on(
    runtime,
    system.spawnStarted(persistentActor(account(environment, { snapshotEvery: Infinity }))),
  );
  for (const amount of [1, 2, 3]) await on(runtime, system.ask(first, deposit(amount)));
  await on(runtime, system.stop(first));
  const key = ['account-1', 2] as const;
  const good = environment.get('actorEvents', key) ?? new Uint8Array();
  const damages: [Uint8Array | null, RegExp][] = [
    [
      good.map((byte, at) => (at === good.length - 1 ? byte ^ 1 : byte)),
      /event 2 does not match its checksum/,
    ],
    [good.map((byte, at) => (at === 0 ? 9 : byte)), /event 2 has version 9/],
    [good.slice(0, 2), /event 2 has 2 bytes/],
    [null, /event 2 is missing, next is 3/],
  ];
  for (const [bytes, message] of damages) {
    const table = 'actorEvents';
    const write =
      bytes === null
        ? ({ kind: 'remove', table, key } as const)
        : ({ kind: 'put', table, key, value: bytes } as const);
    await on(runtime, environment.commit([write]));
    const started = errorOf(system.spawnStarted(persistentActor(account(environment))));
    expect(await on(runtime, started)).toMatchObject({
      name: 'StoreError',
      message: expect.stringMatching(message),
    });
  }
});

test('a command without events writes nothing, and one that does not return an array is an error of the user', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const environment = await on(runtime, open(runtime));
  const system = systemOn(runtime);
  const ref = system.spawn(persistentActor(account(environment)));
  expect(await on(runtime, system.ask(ref, read))).toBe(0);
  expect(environment.keys('actorEvents', {})).toEqual([]);
  const wrong = account(environment, { id: 'wrong', onCommand: () => undefined as unknown as Event[] });
  const error = await on(runtime, errorOf(system.ask(system.spawn(persistentActor(wrong)), deposit(1))));
  expect(error).toMatchObject({ cause: { name: 'UserCodeError' } });
  expect(() => persistentActor(account(environment, { snapshotEvery: 0 }))).toThrow(
    /snapshotEvery is at least 1/,
  );
});

const directories: string[] = [];
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

test('on LMDB: the state is there when the program comes back', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'weir-actors-'));
  directories.push(directory);
  const runtime = nodeRuntime();
  for (const [amount, balance] of [
    [1, 1],
    [2, 3],
    [3, 6],
    [4, 10],
    [5, 15],
  ] as const) {
    const environment = await open(runtime, directory);
    const system = actorSystem({ runtime });
    const ref = system.spawn(persistentActor(account(environment)));
    expect(await system.ask(ref, deposit(amount))).toBe(balance);
    await system.shutdown();
    await environment.close();
  }
});
