// K1, K2, K3, K6: how messages reach handlers.

import { expect, test } from 'vitest';
import { actorSystem } from '../../actors/kernel/system.js';
import { gate, isConserved, kernelBench } from './kernel-bench.js';

test('messages of one sender are handled in the order of sending', async () => {
  const { system, settle } = kernelBench();
  const seen: number[] = [];
  const ref = system.spawn<number>(() => ({ onMessage: (n) => void seen.push(n) }));
  for (let n = 0; n < 100; n += 1) ref.offer(n);
  await settle();
  expect(seen).toEqual([...new Array(100).keys()]);
  expect(system.conservation()).toEqual({ sent: 100, handled: 100, deadLettered: 0, dropped: 0, queued: 0 });
});

test('a handler that awaits keeps the next message waiting', async () => {
  const { system, settle } = kernelBench();
  const log: string[] = [];
  const doors = [gate(), gate()];
  const ref = system.spawn<number>(() => ({
    async onMessage(n) {
      log.push(`begin ${n}`);
      await doors[n]?.promise;
      log.push(`end ${n}`);
    },
  }));
  ref.offer(0);
  ref.offer(1);
  await settle();
  expect(log).toEqual(['begin 0']);
  doors[0]?.open();
  await settle();
  expect(log).toEqual(['begin 0', 'end 0', 'begin 1']);
  expect(isConserved(system.conservation())).toBe(true);
});

test('control messages overtake queued data, and the order within each lane stays', async () => {
  const { system, settle } = kernelBench();
  const seen: string[] = [];
  const ref = system.spawn<string>(() => ({ onMessage: (m) => void seen.push(m) }));
  ref.offer('d1');
  ref.offer('d2');
  ref.control('c1');
  ref.control('c2');
  await settle();
  expect(seen).toEqual(['c1', 'c2', 'd1', 'd2']);
});

test('a handler never runs inside the call of the sender', async () => {
  const { system, settle } = kernelBench();
  const log: string[] = [];
  const ref = system.spawn<string>(() => ({ onMessage: (m) => void log.push(m) }));
  ref.offer('handled');
  log.push('sent');
  await settle();
  ref.control('handled');
  log.push('sent');
  await settle();
  expect(log).toEqual(['sent', 'handled', 'sent', 'handled']);
});

test('the system works on nact and the real clock as it does on virtual time', async () => {
  const system = actorSystem({ name: 'real' });
  const answer = await system.ask<{ n: number; reply: { resolve(n: number): void } }, number>(
    system.spawn(() => ({ onMessage: ({ n, reply }) => reply.resolve(n + 1) })),
    (reply) => ({ n: 41, reply }),
  );
  expect(answer).toBe(42);
  await system.shutdown();
  expect(await system.terminated).toBe(null);
});
