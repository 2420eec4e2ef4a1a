// S18, F17: timers, receive time-out, stash.

import { expect, test } from 'vitest';
import type { TimerHandle } from '../../src/base/runtime.js';
import { gate, isConserved, kernelBench } from './kernel-bench.js';

test('after delivers once, every at a fixed rate, and a cancelled timer nothing', async () => {
  const { system, runtime } = kernelBench();
  const seen: [number, string][] = [];
  let ticks: TimerHandle | null = null;
  const ref = system.spawn<string>((context) => {
    context.after(50, 'once');
    ticks = context.every(100, 'tick');
    context.after(20, 'never').cancel();
    return { onMessage: (message) => void seen.push([runtime.nowMs, message]) };
  });
  await runtime.advance(350);
  expect(seen).toEqual([
    [50, 'once'],
    [100, 'tick'],
    [200, 'tick'],
    [300, 'tick'],
  ]);
  (ticks as TimerHandle | null)?.cancel();
  await runtime.advance(1_000);
  expect(seen).toHaveLength(4);
  expect(system.conservation()).toMatchObject({ sent: 4, handled: 4, queued: 0 });
  expect(ref.path).toBe('/$1');
});

test('a timer that went off can be cancelled until its message is handled', async () => {
  const { system, runtime, settle } = kernelBench();
  const door = gate();
  const seen: string[] = [];
  let timer: TimerHandle | null = null;
  const ref = system.spawn<string>((context) => {
    timer = context.after(10, 'timer');
    return {
      async onMessage(message) {
        seen.push(message);
        if (message === 'hold') await door.promise;
      },
    };
  });
  ref.offer('hold');
  await runtime.advance(50);
  (timer as TimerHandle | null)?.cancel();
  door.open();
  await settle();
  expect(seen).toEqual(['hold']);
});

test('ticks do not pile up behind a slow handler', async () => {
  const { system, runtime } = kernelBench();
  const door = gate();
  const seen: string[] = [];
  const ref = system.spawn<string>((context) => {
    context.every(10, 'tick');
    return {
      async onMessage(message) {
        seen.push(message);
        if (message === 'hold') await door.promise;
      },
    };
  });
  ref.offer('hold');
  await runtime.advance(1_000);
  expect(seen).toEqual(['hold']);
  door.open();
  await runtime.advance(5);
  expect(seen).toEqual(['hold', 'tick']);
});

test('timers end with their actor', async () => {
  const { system, runtime, settle } = kernelBench();
  const ref = system.spawn<string>((context) => {
    context.every(10, 'tick');
    context.after(1_000, 'later');
    context.receiveTimeout(500);
    return { onMessage: () => undefined, onReceiveTimeout: () => undefined };
  });
  await runtime.advance(25);
  void system.stop(ref);
  await settle();
  const before = runtime.nowMs;
  await runtime.run();
  expect(runtime.nowMs).toBe(before);
});

test('a timer that went off while the handler hung dies with that life', async () => {
  const { system, runtime } = kernelBench();
  const seen: string[] = [];
  let lives = 0;
  const ref = system.spawn<string>(
    (context) => {
      lives += 1;
      const life = lives;
      context.after(10, `timer of life ${life}`);
      return {
        onMessage: (message) => {
          seen.push(`${message} in life ${life}`);
          return message === 'hang' ? new Promise<void>(() => undefined) : undefined;
        },
      };
    },
    { restart: 'permanent', handlerTimeoutMs: 50 },
  );
  ref.offer('hang');
  await runtime.advance(1_000);
  expect(seen).toEqual(['hang in life 1', 'timer of life 2 in life 2']);
});

test('the receive time-out fires after silence, again and again, and not while messages come', async () => {
  const { system, runtime } = kernelBench();
  const at: number[] = [];
  const ref = system.spawn<string>((context) => {
    context.receiveTimeout(100);
    return {
      onMessage: (message) => (message === 'off' ? context.receiveTimeout(null) : undefined),
      onReceiveTimeout: () => void at.push(runtime.nowMs),
    };
  });
  for (const wait of [60, 60, 60]) {
    await runtime.advance(wait);
    ref.offer('message');
  }
  expect(at).toEqual([]);
  await runtime.advance(250);
  expect(at).toEqual([280, 380]);
  ref.offer('off');
  await runtime.advance(1_000);
  expect(at).toEqual([280, 380]);
});

test('a receive time-out without a handler for it is a failure with a remedy', async () => {
  const { system, runtime, log } = kernelBench();
  system.spawn<string>((context) => {
    context.receiveTimeout(10);
    return { onMessage: () => undefined };
  });
  await runtime.advance(20);
  expect(log.map(({ fields }) => String(fields['error']))[0]).toMatch(/Add onReceiveTimeout/);
});

test('stash puts messages aside, unstashAll brings them back first and in order', async () => {
  const { system, settle } = kernelBench();
  const handled: string[] = [];
  let isOpen = false;
  const ref = system.spawn<string>((context) => ({
    onMessage(message) {
      if (message === 'open') {
        isOpen = true;
        return context.unstashAll();
      }
      if (!isOpen) return context.stash();
      handled.push(message);
    },
  }));
  for (const message of ['a', 'b', 'open', 'c']) ref.offer(message);
  await settle();
  expect(handled).toEqual(['a', 'b', 'c']);
  expect(system.conservation()).toEqual({ sent: 4, handled: 4, deadLettered: 0, dropped: 0, queued: 0 });
});

test('stashed messages count as queued, survive a restart in front, and at the end are dead letters', async () => {
  const { system, letters, settle } = kernelBench();
  const handled: string[] = [];
  let lives = 0;
  const ref = system.spawn<string>(
    (context) => {
      lives += 1;
      const life = lives;
      return {
        onMessage(message) {
          if (message === 'fail') throw new Error('x');
          if (life === 1 || message === 'keep') return context.stash();
          handled.push(message);
        },
      };
    },
    { restart: 'permanent' },
  );
  for (const message of ['a', 'b']) ref.offer(message);
  await settle();
  expect(system.conservation()).toMatchObject({ sent: 2, handled: 0, queued: 2 });
  for (const message of ['fail', 'c', 'keep']) ref.offer(message);
  await settle();
  expect(handled).toEqual(['a', 'b', 'c']);
  void system.stop(ref);
  await settle();
  expect(letters.map(({ message, reason }) => [message, reason])).toEqual([
    ['fail', 'handlerFailed'],
    ['keep', 'stashLost'],
  ]);
  expect(isConserved(system.conservation())).toBe(true);
});

test('the stash is bounded by the capacity, and needs a message in hand', async () => {
  const { system, settle, log } = kernelBench();
  const ref = system.spawn<string>(
    (context) => ({
      onMessage(message) {
        context.stash();
        if (message === 'twice') context.stash();
      },
    }),
    { mailbox: { capacity: 3 }, name: 'hoarder' },
  );
  for (const message of ['a', 'b', 'c']) ref.offer(message);
  await settle();
  ref.offer('d');
  await settle();
  expect(log.map(({ fields }) => String(fields['error'])).at(-1)).toMatch(
    /undefined|its stash holds 3 messages/,
  );
  const other = system.spawn<string>((context) => ({
    onMessage() {
      context.stash();
      context.stash();
    },
  }));
  other.offer('twice');
  await settle();
  expect(log.some(({ fields }) => String(fields['error']).includes('no message in hand'))).toBe(true);
});
