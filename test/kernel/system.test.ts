// S14, S20, S22: the system as a whole: snapshot, dead letters, coordinated shutdown.

import { expect, test } from 'vitest';
import type { ActorSetup, DeadLetter, Reply } from '../../actors/kernel/actor.js';
import { ActorStoppedError } from '../../actors/kernel/actor-errors.js';
import { actorSystem } from '../../actors/kernel/system.js';
import { ConfigError } from '../../src/base/errors.js';
import { gate, kernelBench } from './kernel-bench.js';

const idle: ActorSetup<unknown> = () => ({ onMessage: () => undefined });

test('the snapshot shows the tree with states, depths, restarts and last errors', async () => {
  const { system, settle } = kernelBench();
  const door = gate();
  const top = system.spawn<string>(
    (context) => {
      const child = context.spawn<string>(() => ({ onMessage: () => door.promise }), {
        name: 'child',
        mailbox: { capacity: 9 },
      });
      child.offer('in hand');
      child.offer('queued');
      child.control('control');
      return {
        onMessage: () => {
          throw new Error('top failed');
        },
      };
    },
    { name: 'top', restart: 'permanent' },
  );
  await settle();
  top.offer('fail');
  door.open();
  await settle();
  const snapshot = system.snapshot();
  expect(snapshot).toMatchObject({ path: '/', state: 'running' });
  expect(snapshot.children).toHaveLength(1);
  expect(snapshot.children[0]).toMatchObject({
    path: '/top',
    state: 'running',
    restarts: 1,
    lastError: 'top failed',
    counts: { sent: 1, handled: 0, deadLettered: 1, dropped: 0, queued: 0 },
  });
  expect(snapshot.children[0]?.children[0]).toMatchObject({
    path: '/top/child',
    capacity: 9,
    restarts: 0,
    lastError: null,
  });
});

test('shutdown runs the phases in order, then stops the actors in reverse order of their start', async () => {
  const { system, runtime } = kernelBench();
  const log: string[] = [];
  const door = gate();
  for (const name of ['a', 'b']) {
    system.spawn(() => ({ onMessage: () => undefined, postStop: () => void log.push(`stop ${name}`) }), {
      name,
    });
  }
  system.onShutdown('beforeActorsStop', 'last', () => void log.push('last'));
  system.onShutdown('serviceUnbind', 'unbind', async () => {
    log.push('unbind begins');
    await door.promise;
    log.push('unbind ends');
  });
  system.onShutdown('serviceUnbind', 'beside', () => void log.push('beside'));
  system.onShutdown('beforeServiceUnbind', 'first', () => void log.push('first'));
  await runtime.advance(1);
  const shutdown = system.shutdown();
  expect(system.shutdown()).toBe(shutdown);
  await runtime.advance(10);
  expect(log).toEqual(['first', 'unbind begins', 'beside']);
  door.open();
  await runtime.advance(10);
  await shutdown;
  expect(log).toEqual(['first', 'unbind begins', 'beside', 'unbind ends', 'last', 'stop b', 'stop a']);
  expect(await system.terminated).toBe(null);
});

test('work of the shutdown that throws or hangs is logged and does not hold it up', async () => {
  const { system, runtime, log } = kernelBench({ shutdownPhaseTimeoutMs: 200 });
  system.onShutdown('serviceUnbind', 'throws', () => {
    throw new Error('no');
  });
  system.onShutdown('serviceRequestsDone', 'hangs', () => new Promise<void>(() => undefined));
  const shutdown = system.shutdown();
  await runtime.advance(250);
  await shutdown;
  expect(log.map(({ message, fields }) => [message, fields['work'] ?? fields['unfinished']])).toEqual([
    ['work of the shutdown failed', 'throws'],
    ['shutdown goes on without waiting longer', ['hangs']],
  ]);
});

test('after the shutdown messages are dead letters, spawns are refused, and nothing is scheduled', async () => {
  const { system, letters, runtime } = kernelBench();
  const ref = system.spawn(idle);
  const pending = system.ask(ref, () => 'q').catch((error: unknown) => error);
  const shutdown = system.shutdown();
  await runtime.advance(1);
  await shutdown;
  expect(await pending).toBeInstanceOf(ActorStoppedError);
  letters.length = 0;
  expect(ref.offer('too late')).toBe(true);
  expect(letters.map(({ reason }) => reason)).toEqual(['systemStopped']);
  expect(() => system.spawn(idle)).toThrow(ActorStoppedError);
  await expect(system.spawnStarted(idle)).rejects.toThrow(ActorStoppedError);
  await expect(system.ask(ref, () => 'q')).rejects.toThrow(ActorStoppedError);
  expect(system.snapshot()).toMatchObject({ state: 'stopped', children: [] });
  const before = runtime.nowMs;
  await runtime.run();
  expect(runtime.nowMs).toBe(before);
});

test('a listener of dead letters may throw and may send: it is told the next ones in order', async () => {
  const told: unknown[] = [];
  const bench = kernelBench({
    onDeadLetter: (letter: DeadLetter) => {
      told.push(letter.message);
      if (letter.message === 'first') ref.offer('second');
      if (letter.message === 'throw') throw new Error('listener');
    },
  });
  const ref = bench.system.spawn(idle);
  await bench.settle();
  void bench.system.stop(ref);
  await bench.settle();
  ref.offer('first');
  ref.offer('throw');
  expect(told).toEqual(['first', 'second', 'throw']);
  expect(bench.log.at(-1)).toMatchObject({ level: 'error', message: 'onDeadLetter threw' });
});

test('a listener that answers each dead letter with another does not nest', async () => {
  let told = 0;
  const bench = kernelBench({
    onDeadLetter: () => {
      told += 1;
      if (told < 50_000) ref.offer(told);
    },
  });
  const ref = bench.system.spawn(idle);
  await bench.settle();
  void bench.system.stop(ref);
  await bench.settle();
  ref.offer(0);
  expect(told).toBe(50_000);
});

test('autoShutdown of the system: the end of its significant actor is its end', async () => {
  const { system, settle } = kernelBench({ supervision: { autoShutdown: 'anySignificant' } });
  const job = system.spawn<string>((context) => ({ onMessage: () => context.stop() }), { significant: true });
  system.spawn(idle);
  job.offer('done');
  await settle();
  expect(await system.terminated).toBe(null);
});

test('actors that spawn under system names, find each other by path', async () => {
  const { system, settle } = kernelBench();
  const ref = system.spawn(idle, { name: 'shop' });
  await settle();
  expect(system.find('/shop')).toBe(ref);
  expect(system.find('/')).toBe(null);
  expect(system.find('/nobody')).toBe(null);
});

test('a context stops its own children only', async () => {
  const { system, settle } = kernelBench();
  const stranger = system.spawn(idle, { name: 'stranger' });
  const errors: unknown[] = [];
  const ref = system.spawn<string>((context) => {
    const child = context.spawn(idle, { name: 'child' });
    return {
      async onMessage() {
        await context.stop(child);
        await context.stop(child);
        expect(context.children()).toEqual([]);
        await context.stop(stranger).catch((error: unknown) => errors.push(error));
      },
    };
  });
  ref.offer('go');
  await settle();
  expect(errors[0]).toMatchObject({ name: 'ActorError' });
  expect(system.find('/stranger')).toBe(stranger);
});

test('options that make no sense are refused', () => {
  expect(() => actorSystem({ turnMs: 0 })).toThrow(ConfigError);
  expect(() => actorSystem({ supervision: { restartsMax: -1 } })).toThrow(/restartsMax is a whole number/);
  const { system } = kernelBench();
  expect(() => system.onShutdown('someday' as 'serviceUnbind', 'x', () => undefined)).toThrow(ConfigError);
});

test('two systems in one process do not meet', async () => {
  const one = actorSystem({ name: 'same' });
  const two = actorSystem({ name: 'same' });
  const setup =
    (name: string): ActorSetup<Reply<string>> =>
    () => ({ onMessage: (reply) => reply.resolve(name) });
  const a = await one.spawnStarted(setup('one'), { name: 'x' });
  const b = await two.spawnStarted(setup('two'), { name: 'x' });
  const question = (reply: Reply<string>): Reply<string> => reply;
  expect(await Promise.all([one.ask(a, question), two.ask(b, question)])).toEqual(['one', 'two']);
  await one.shutdown();
  expect(await two.ask(b, question)).toBe('two');
  await two.shutdown();
});
