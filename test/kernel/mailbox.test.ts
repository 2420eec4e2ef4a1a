// K3, F08 to F10, S13, S16: what a full mailbox does, and what it never does.

import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import type { ActorRef, ActorSetup, Overflow } from '../../actors/kernel/actor.js';
import { MailboxFullError } from '../../actors/kernel/actor-errors.js';
import { ConfigError } from '../../src/base/errors.js';
import { type Gate, gate, isConserved, type KernelBench, kernelBench } from './kernel-bench.js';

interface HeldActor {
  readonly ref: ActorRef<unknown>;
  readonly door: Gate;
  readonly seen: unknown[];
}

/** An actor that holds its first message until the gate opens, so that the mailbox behind it fills. */
function heldActor(bench: KernelBench, overflow: Overflow, capacity: number): HeldActor {
  const door = gate();
  const seen: unknown[] = [];
  const setup: ActorSetup<unknown> = () => ({
    onMessage(message) {
      seen.push(message);
      return message === 'hold' ? door.promise : undefined;
    },
  });
  const ref: ActorRef<unknown> = bench.system.spawn(setup, { name: 'held', mailbox: { overflow, capacity } });
  return { ref, door, seen };
}

test('backpressure: offer answers false when full, and the bound is never exceeded', async () => {
  const bench = kernelBench();
  const { ref, door, seen } = heldActor(bench, 'backpressure', 3);
  ref.offer('hold');
  await bench.settle();
  const answers = [1, 2, 3, 4, 5].map((n) => ref.offer(n));
  expect(answers).toEqual([true, true, true, false, false]);
  expect(bench.system.snapshot().children[0]).toMatchObject({
    queued: 3,
    capacity: 3,
    counts: { queued: 4 },
  });
  door.open();
  await bench.settle();
  expect(seen).toEqual(['hold', 1, 2, 3]);
  expect(bench.letters).toEqual([]);
});

test('backpressure: send waits for room, the longest waiting sender first, and offer never overtakes', async () => {
  const bench = kernelBench();
  const { ref, door, seen } = heldActor(bench, 'backpressure', 1);
  ref.offer('hold');
  await bench.settle();
  const entered: string[] = [];
  for (const message of ['a', 'b', 'c']) void ref.send(message).then(() => entered.push(message));
  await bench.settle();
  expect(entered).toEqual(['a']);
  expect(ref.offer('late')).toBe(false);
  expect(isConserved(bench.system.conservation())).toBe(true);
  door.open();
  await bench.settle();
  expect(entered).toEqual(['a', 'b', 'c']);
  expect(seen).toEqual(['hold', 'a', 'b', 'c']);
});

test('an aborted send takes its waiting message back and rejects with the reason', async () => {
  const bench = kernelBench();
  const { ref, door, seen } = heldActor(bench, 'backpressure', 1);
  ref.offer('hold');
  await bench.settle();
  const controller = new AbortController();
  const results: unknown[] = [];
  const first = ref.send('fills');
  const taken = ref
    .send('taken back', { signal: controller.signal })
    .catch((error: unknown) => results.push(error));
  const last = ref.send('last');
  controller.abort('changed my mind');
  await taken;
  expect(results).toEqual(['changed my mind']);
  door.open();
  await bench.settle();
  await Promise.all([first, last]);
  expect(seen).toEqual(['hold', 'fills', 'last']);
  await expect(ref.send('x', { signal: AbortSignal.abort('too late') })).rejects.toBe('too late');
  expect(bench.system.conservation()).toMatchObject({ sent: 3, handled: 3, queued: 0 });
});

test('an abort after the message entered changes nothing', async () => {
  const bench = kernelBench();
  const { ref, door, seen } = heldActor(bench, 'backpressure', 1);
  const controller = new AbortController();
  ref.offer('hold');
  await bench.settle();
  ref.offer('fills');
  const sent = ref.send('in', { signal: controller.signal });
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
  door.open();
  await bench.settle();
  await sent;
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  controller.abort();
  await bench.settle();
  expect(seen).toEqual(['hold', 'fills', 'in']);
});

test('fail: offer throws and send rejects, naming the actor and what to do', async () => {
  const bench = kernelBench();
  const { ref } = heldActor(bench, 'fail', 1);
  ref.offer('hold');
  await bench.settle();
  ref.offer('fills');
  expect(() => ref.offer('one too many')).toThrow(MailboxFullError);
  await expect(ref.send('one too many')).rejects.toThrow(
    /Actor \/held: its mailbox holds 1 messages.*raise mailbox.capacity/,
  );
  expect(bench.system.conservation()).toMatchObject({ sent: 2, dropped: 0 });
});

test('dropNewest: exactly what does not fit is dropped, each a dead letter', async () => {
  const bench = kernelBench();
  const { ref, door, seen } = heldActor(bench, 'dropNewest', 2);
  ref.offer('hold');
  await bench.settle();
  for (const n of [1, 2, 3, 4]) expect(ref.offer(n)).toBe(true);
  expect(bench.letters.map(({ message, reason }) => [message, reason])).toEqual([
    [3, 'dropNewest'],
    [4, 'dropNewest'],
  ]);
  door.open();
  await bench.settle();
  expect(seen).toEqual(['hold', 1, 2]);
  expect(bench.system.conservation()).toEqual({
    sent: 5,
    handled: 3,
    deadLettered: 0,
    dropped: 2,
    queued: 0,
  });
});

test('dropOldest: the oldest makes room, each a dead letter', async () => {
  const bench = kernelBench();
  const { ref, door, seen } = heldActor(bench, 'dropOldest', 2);
  ref.offer('hold');
  await bench.settle();
  for (const n of [1, 2, 3]) ref.offer(n);
  await ref.send(4);
  expect(bench.letters.map(({ message, reason }) => [message, reason])).toEqual([
    [1, 'dropOldest'],
    [2, 'dropOldest'],
  ]);
  door.open();
  await bench.settle();
  expect(seen).toEqual(['hold', 3, 4]);
  expect(isConserved(bench.system.conservation())).toBe(true);
});

test('a full data lane holds up neither control messages nor a stop', async () => {
  const bench = kernelBench();
  const { ref, door, seen } = heldActor(bench, 'backpressure', 1);
  ref.offer('hold');
  await bench.settle();
  ref.offer('data');
  ref.control('control');
  const stopped = bench.system.stop(ref);
  door.open();
  await bench.settle();
  await stopped;
  expect(seen).toEqual(['hold']);
  expect(bench.letters.map(({ message, reason }) => [message, reason])).toEqual([
    ['control', 'stopped'],
    ['data', 'stopped'],
  ]);
});

test('senders who wait for an actor that ends are told by a dead letter, not left waiting', async () => {
  const bench = kernelBench();
  const { ref } = heldActor(bench, 'backpressure', 1);
  ref.offer('hold');
  await bench.settle();
  ref.offer('queued');
  const waiting = ref.send('waiting');
  bench.system.crash(ref, new Error('crash'));
  await waiting;
  expect(bench.letters.map(({ message, reason }) => [message, reason])).toEqual([
    ['hold', 'handlerFailed'],
    ['queued', 'failed'],
    ['waiting', 'failed'],
  ]);
  expect(isConserved(bench.system.conservation())).toBe(true);
});

test('a turn ends after its message budget, so that a busy actor does not starve another', async () => {
  const bench = kernelBench({ turnMessagesMax: 10 });
  const log: string[] = [];
  const busy = bench.system.spawn<string>(() => ({ onMessage: () => void log.push('busy') }));
  const other = bench.system.spawn<string>(() => ({ onMessage: () => void log.push('other') }));
  await bench.settle();
  for (let n = 0; n < 100; n += 1) busy.offer('work');
  other.offer('work');
  await bench.settle();
  expect(log.indexOf('other')).toBe(10);
  expect(log.length).toBe(101);
});

test('a turn ends after its time budget', async () => {
  const bench = kernelBench({ turnMs: 5 });
  const log: string[] = [];
  let nowMs = 0;
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
  const timed = kernelBench({ turnMs: 5, runtime: { ...bench.runtime, clock } });
  const slow = timed.system.spawn<string>(() => ({
    onMessage() {
      nowMs += 1;
      log.push('slow');
    },
  }));
  const other = timed.system.spawn<string>(() => ({ onMessage: () => void log.push('other') }));
  await bench.settle();
  for (let n = 0; n < 100; n += 1) slow.offer('work');
  other.offer('work');
  await bench.settle();
  // The clock is looked at between every sixteen messages.
  expect(log.indexOf('other')).toBeLessThanOrEqual(16);
});

test('a spawn with senseless options is refused, with everything that is wrong', () => {
  const { system } = kernelBench();
  const setup: ActorSetup<never> = () => ({ onMessage: () => undefined });
  expect(() => system.spawn(setup, { mailbox: { capacity: 0 }, stopTimeoutMs: -1 })).toThrow(ConfigError);
  expect(() => system.spawn(setup, { mailbox: { capacity: 0 }, stopTimeoutMs: -1 })).toThrow(
    /capacity is a whole number of at least 1, got 0; stopTimeoutMs/,
  );
  expect(() => system.spawn(setup, { name: 'a/b' })).toThrow(/no slash/);
});
