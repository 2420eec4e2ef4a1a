// S6: watch, death pact, link.

import { expect, test } from 'vitest';
import type { ActorRef, ActorSetup, StopReason } from '../../actors/kernel/actor.js';
import { kernelBench } from './kernel-bench.js';

const idle: ActorSetup<unknown> = () => ({ onMessage: () => undefined });

/** An actor that fails with every message. */
const failing: ActorSetup<unknown> = () => ({
  onMessage(message) {
    throw message;
  },
});

function observer(ref: ActorRef<never>, heard: [string, StopReason['kind']][]): ActorSetup<unknown> {
  return (context) => {
    context.watch(ref);
    return {
      onMessage: () => undefined,
      onSignal: ({ path, reason }) => void heard.push([path, reason.kind]),
    };
  };
}

test('a watcher hears of the end once, with the reason', async () => {
  const { system, settle } = kernelBench();
  const heard: [string, StopReason['kind']][] = [];
  const stopped = system.spawn(idle, { name: 'stopped' });
  const failed = system.spawn(failing, { name: 'failed' });
  const normal = system.spawn<string>((context) => ({ onMessage: () => context.stop() }), { name: 'normal' });
  for (const ref of [stopped, failed, normal]) system.spawn(observer(ref, heard));
  await settle();
  void system.stop(stopped);
  failed.offer('boom');
  normal.offer('stop');
  await settle();
  expect(heard).toEqual([
    ['/stopped', 'shutdown'],
    ['/failed', 'failed'],
    ['/normal', 'normal'],
  ]);
});

test('watching a dead actor tells its end at once', async () => {
  const { system, settle } = kernelBench();
  const heard: [string, StopReason['kind']][] = [];
  const ref = system.spawn(failing, { name: 'dead' });
  ref.offer('x');
  await settle();
  system.spawn(observer(ref, heard));
  await settle();
  expect(heard).toEqual([['/dead', 'failed']]);
});

test('watching twice tells once, and not after unwatch, even when the signal is queued already', async () => {
  const { system, settle } = kernelBench();
  const heard: string[] = [];
  const [a, b] = [system.spawn(idle), system.spawn(idle)];
  system.spawn<string>((context) => {
    context.watch(a);
    context.watch(a);
    context.watch(b);
    // Its own stop comes first in this turn, so that the signal waits in the control lane when unwatch is called.
    context.after(0, 'unwatch');
    return {
      async onMessage() {
        const gone = system.stop(b);
        await gone;
        context.unwatch(b);
      },
      onSignal: ({ path }) => void heard.push(path),
    };
  });
  await settle();
  void system.stop(a);
  await settle();
  expect(heard).toEqual([a.path]);
});

test('a restart is not an end: watchers hear nothing of it', async () => {
  const { system, settle } = kernelBench();
  const heard: [string, StopReason['kind']][] = [];
  const ref = system.spawn(failing, { restart: 'permanent', name: 'p' });
  system.spawn(observer(ref, heard));
  ref.offer('once');
  await settle();
  expect(heard).toEqual([]);
  expect(system.snapshot().children[0]?.restarts).toBe(1);
});

test('messages sent before the end are handled before the signal of the end', async () => {
  const { system, settle } = kernelBench();
  const log: string[] = [];
  system.spawn<string>((context) => {
    const child = context.spawn<string>((inner) => ({
      onMessage() {
        context.self.control('result');
        return inner.stop();
      },
    }));
    context.watch(child);
    child.offer('go');
    return { onMessage: (message) => void log.push(message), onSignal: () => void log.push('terminated') };
  });
  await settle();
  expect(log).toEqual(['result', 'terminated']);
});

test('death pact: a watcher without onSignal fails with the watched actor', async () => {
  const { system, settle } = kernelBench();
  const heard: [string, StopReason['kind']][] = [];
  const ref = system.spawn(idle, { name: 'vital' });
  const watcher = system.spawn<never>(
    (context) => {
      context.watch(ref);
      return { onMessage: () => undefined };
    },
    { name: 'watcher' },
  );
  system.spawn(observer(watcher, heard));
  await settle();
  void system.stop(ref);
  await settle();
  expect(heard).toEqual([['/watcher', 'failed']]);
});

test('watchWith delivers a message of the watcher instead', async () => {
  const { system, settle } = kernelBench();
  const seen: string[] = [];
  const ref = system.spawn(idle);
  system.spawn<string>((context) => {
    context.watchWith(ref, 'it is gone');
    return { onMessage: (message) => void seen.push(message) };
  });
  await settle();
  void system.stop(ref);
  await settle();
  expect(seen).toEqual(['it is gone']);
  expect(system.conservation()).toMatchObject({ sent: 1, handled: 1 });
});

test('linked actors fail together; a normal end does not', async () => {
  const { system, settle } = kernelBench();
  const pair = (names: readonly [string, string]): readonly [ActorRef<unknown>, ActorRef<unknown>] => {
    const first = system.spawn(failing, { name: names[0] });
    const second = system.spawn(
      (context) => {
        context.link(first);
        return { onMessage: () => undefined };
      },
      { name: names[1] },
    );
    return [first, second];
  };
  const [a] = pair(['a', 'b']);
  const [c, d] = pair(['c', 'd']);
  await settle();
  a.offer('fail');
  await settle();
  expect(system.find('/b')).toBe(null);
  void system.stop(c);
  await settle();
  expect(system.find('/d')).toBe(d);
});

test('a link works in both directions, and to a failed actor it fails at once', async () => {
  const { system, settle, log } = kernelBench();
  const first = system.spawn(idle, { name: 'first' });
  const second = system.spawn(
    (context) => {
      context.link(first);
      return { onMessage: () => undefined };
    },
    { name: 'second' },
  );
  await settle();
  system.crash(second, new Error('fault'));
  await settle();
  expect(system.find('/first')).toBe(null);
  // The failure went along the link once, and did not come back.
  expect(log.filter(({ level }) => level === 'warn')).toHaveLength(2);
  system.spawn(
    (context) => {
      context.link(first);
      return { onMessage: () => undefined };
    },
    { name: 'third' },
  );
  await settle();
  expect(system.find('/third')).toBe(null);
  expect(
    log.some(({ fields }) => String(fields['error']).includes('is linked to /first, which failed')),
  ).toBe(true);
});

test('an actor can watch neither itself nor what is no ref', async () => {
  const { system, settle } = kernelBench();
  const errors: unknown[] = [];
  system.spawn<never>((context) => {
    const attempts = [
      () => context.watch(context.self),
      () => context.watch({ path: '/x', incarnation: 1 } as unknown as ActorRef<never>),
    ];
    for (const attempt of attempts) {
      try {
        attempt();
      } catch (error) {
        errors.push(error instanceof Error ? error.message : error);
      }
    }
    return { onMessage: () => undefined };
  });
  await settle();
  expect(errors).toEqual([expect.stringMatching(/cannot watch itself/), expect.stringMatching(/not a ref/)]);
});
