// F01 to F04, F06, F14, F16, F17, S7 to S12: what a failure does to the one who failed, and to nobody else.

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ActorContext, StopReason } from '../../actors/kernel/actor.js';
import { ActorStoppedError, HandlerTimeoutError } from '../../actors/kernel/actor-errors.js';
import { gate, isConserved, kernelBench } from './kernel-bench.js';

const unhandled: unknown[] = [];
const record = (error: unknown): void => void unhandled.push(error);

beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', record);
});

afterEach(async () => {
  // Node reports unhandled rejections when the microtasks of a macrotask are done.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', record);
  expect(unhandled).toEqual([]);
});

test('a failed actor stops by default, its message is a dead letter, and its watchers learn why', async () => {
  const { system, letters, settle } = kernelBench();
  const reasons: StopReason[] = [];
  const boom = new Error('boom');
  const ref = system.spawn<number>(() => ({
    onMessage() {
      throw boom;
    },
  }));
  system.spawn<never>((context) => {
    context.watch(ref);
    return { onMessage: () => undefined, onSignal: ({ reason }) => void reasons.push(reason) };
  });
  ref.offer(1);
  ref.offer(2);
  await settle();
  expect(reasons).toEqual([{ kind: 'failed', error: boom }]);
  expect(letters.map(({ message, reason, error }) => [message, reason, error])).toEqual([
    [1, 'handlerFailed', boom],
    [2, 'failed', null],
  ]);
  expect(isConserved(system.conservation())).toBe(true);
});

test('a restart keeps ref and mailbox and runs the setup anew; the failed message is not handled again', async () => {
  const { system, letters, settle } = kernelBench();
  const log: string[] = [];
  let lives = 0;
  const ref = system.spawn<string>(
    () => {
      lives += 1;
      const life = lives;
      return {
        onMessage(message) {
          log.push(`${life}:${message}`);
          if (message === 'bad') throw new Error('bad');
        },
      };
    },
    { restart: 'permanent', name: 'p' },
  );
  for (const message of ['a', 'bad', 'b']) ref.offer(message);
  await settle();
  ref.offer('c');
  await settle();
  expect(log).toEqual(['1:a', '1:bad', '2:b', '2:c']);
  expect(letters.map(({ message }) => message)).toEqual(['bad']);
  expect(system.find('/p')).toBe(ref);
  expect(system.snapshot().children[0]).toMatchObject({ restarts: 1, state: 'running', lastError: 'bad' });
});

test('redeliver tries the failed message again in front of the others, so many times, then gives it up', async () => {
  const { system, letters, settle } = kernelBench({ supervision: { restartsMax: 10 } });
  const log: string[] = [];
  const ref = system.spawn<string>(
    () => ({
      onMessage(message) {
        log.push(message);
        if (message === 'bad') throw new Error('bad');
      },
    }),
    { restart: 'permanent', onFailedMessage: { redeliver: 2 } },
  );
  ref.offer('bad');
  ref.offer('good');
  await settle();
  expect(log).toEqual(['bad', 'bad', 'bad', 'good']);
  expect(letters.map(({ message, reason }) => [message, reason])).toEqual([['bad', 'handlerFailed']]);
  expect(system.conservation()).toEqual({ sent: 2, handled: 1, deadLettered: 1, dropped: 0, queued: 0 });
});

test('a message that succeeds when it is tried again is handled once', async () => {
  const { system, letters, settle } = kernelBench();
  let calls = 0;
  const ref = system.spawn<string>(
    () => ({
      onMessage() {
        calls += 1;
        if (calls === 1) throw new Error('first time');
      },
    }),
    { restart: 'permanent', onFailedMessage: { redeliver: 1 } },
  );
  ref.offer('once');
  await settle();
  expect(calls).toBe(2);
  expect(letters).toEqual([]);
  expect(system.conservation()).toMatchObject({ sent: 1, handled: 1 });
});

test('each message has tries of its own', async () => {
  const { system, letters, settle } = kernelBench({ supervision: { restartsMax: 10 } });
  const log: string[] = [];
  const ref = system.spawn<string>(
    () => ({
      onMessage(message) {
        log.push(message);
        if (log.filter((other) => other === message).length === 1) throw new Error('first time');
      },
    }),
    { restart: 'permanent', onFailedMessage: { redeliver: 1 } },
  );
  ref.offer('a');
  ref.offer('b');
  await settle();
  expect(log).toEqual(['a', 'a', 'b', 'b']);
  expect(letters).toEqual([]);
});

test('a rejection after the actor was abandoned is attributed to it and never unhandled', async () => {
  const { system, settle, log, runtime } = kernelBench();
  const door = gate();
  const ref = system.spawn<string>(() => ({ onMessage: () => door.promise }), {
    name: 'slow',
    stopTimeoutMs: 100,
  });
  ref.offer('m');
  await settle();
  const stopped = system.stop(ref);
  await runtime.advance(200);
  await stopped;
  door.fail(new Error('much too late'));
  await settle();
  const late = log.filter(({ message }) => message.includes('failed late'));
  expect(late.map(({ fields }) => fields)).toEqual([{ actor: '/slow', error: 'much too late' }]);
});

test('a crash ends a life at once while its handler awaits; what the handler does later has no effect', async () => {
  const { system, letters, settle } = kernelBench();
  const door = gate();
  const log: string[] = [];
  const errors: unknown[] = [];
  let lives = 0;
  const ref = system.spawn<string>(
    (context) => {
      lives += 1;
      const life = lives;
      return {
        async onMessage(message) {
          log.push(`${life} begins ${message}`);
          if (message !== 'slow') return;
          await door.promise;
          log.push(`${life} goes on`);
          try {
            context.spawn(() => ({ onMessage: () => undefined }));
          } catch (error) {
            errors.push(error);
          }
        },
      };
    },
    { restart: 'permanent' },
  );
  ref.offer('slow');
  ref.offer('next');
  await settle();
  system.crash(ref, new Error('fault'));
  await settle();
  expect(log).toEqual(['1 begins slow', '2 begins next']);
  door.open();
  await settle();
  expect(log).toEqual(['1 begins slow', '2 begins next', '1 goes on']);
  expect(errors[0]).toBeInstanceOf(ActorStoppedError);
  expect(system.snapshot().children).toHaveLength(1);
  expect(letters.map(({ message }) => message)).toEqual(['slow']);
  expect(system.conservation()).toEqual({ sent: 2, handled: 1, deadLettered: 1, dropped: 0, queued: 0 });
});

test('an actor can crash itself, before and after an await, without wedging', async () => {
  const { system, settle } = kernelBench({ supervision: { restartsMax: 10 } });
  const log: string[] = [];
  const ref = system.spawn<string>(
    (context) => ({
      async onMessage(message) {
        log.push(message);
        if (message === 'at once') system.crash(context.self, new Error('at once'));
        await Promise.resolve();
        if (message === 'later') system.crash(context.self, new Error('later'));
        if (message === 'and throw') {
          system.crash(context.self, new Error('and throw'));
          throw new Error('thrown on top');
        }
      },
    }),
    { restart: 'permanent' },
  );
  for (const message of ['at once', 'later', 'and throw', 'last']) ref.offer(message);
  await settle();
  expect(log).toEqual(['at once', 'later', 'and throw', 'last']);
  expect(system.snapshot().children[0]).toMatchObject({ restarts: 3, state: 'running' });
  expect(system.conservation()).toEqual({ sent: 4, handled: 1, deadLettered: 3, dropped: 0, queued: 0 });
});

test('a handler that never settles is found by its deadline; the next life goes on with the mailbox', async () => {
  const { system, letters, runtime, settle } = kernelBench();
  const log: string[] = [];
  const ref = system.spawn<string>(
    () => ({
      onMessage(message) {
        log.push(message);
        return message === 'hang' ? new Promise<void>(() => undefined) : Promise.resolve();
      },
    }),
    { restart: 'permanent', handlerTimeoutMs: 1_000 },
  );
  ref.offer('fine');
  await runtime.advance(900);
  ref.offer('hang');
  ref.offer('next');
  await runtime.advance(990);
  expect(log).toEqual(['fine', 'hang']);
  await runtime.advance(20);
  expect(log).toEqual(['fine', 'hang', 'next']);
  expect(letters[0]?.error).toBeInstanceOf(HandlerTimeoutError);
  await settle();
});

test('a setup that fails counts as a failure, and no message is handled without a behavior', async () => {
  const { system, failures, settle } = kernelBench({ supervision: { restartsMax: 3 } });
  let setups = 0;
  const handled: string[] = [];
  const ref = system.spawn<string>(
    () => {
      setups += 1;
      throw new Error(`setup ${setups}`);
    },
    { restart: 'permanent' },
  );
  ref.offer('m');
  await settle();
  expect(setups).toBe(4);
  expect(handled).toEqual([]);
  expect(failures).toHaveLength(1);
  expect(await system.terminated).toMatchObject({ name: 'RestartLimitError' });
});

test('a setup that returns no behavior is a failure', async () => {
  const { system, settle } = kernelBench();
  const setup = () => undefined as unknown as { onMessage(): void };
  await Promise.all([expect(system.spawnStarted(setup)).rejects.toThrow(/returned no behavior/), settle()]);
});

test('spawnStarted resolves after an async setup, rejects with its failure, and does not restart then', async () => {
  const { system, runtime } = kernelBench();
  const log: string[] = [];
  const fine = system.spawnStarted<string>(async (context) => {
    await new Promise<void>((resolve) => void context.runtime.timers.after(50, resolve));
    log.push('set up');
    return { onMessage: (message) => void log.push(message) };
  });
  void fine.then((ref) => {
    log.push('started');
    ref.offer('message');
  });
  let setups = 0;
  const broken = system.spawnStarted<string>(
    () => {
      setups += 1;
      throw new Error('no way');
    },
    { restart: 'permanent' },
  );
  const rejected = expect(broken).rejects.toThrow('no way');
  await runtime.advance(100);
  await rejected;
  expect(log).toEqual(['set up', 'started', 'message']);
  expect(setups).toBe(1);
  expect(system.snapshot().children).toHaveLength(1);
});

test('messages sent before the setup has settled wait for it', async () => {
  const { system, settle } = kernelBench();
  const door = gate();
  const seen: string[] = [];
  const ref = system.spawn<string>(async () => {
    await door.promise;
    return { onMessage: (message) => void seen.push(message) };
  });
  ref.offer('early');
  ref.control('control');
  await settle();
  expect(seen).toEqual([]);
  expect(system.snapshot().children[0]?.state).toBe('starting');
  door.open();
  await settle();
  expect(seen).toEqual(['control', 'early']);
});

test('a ref of an ended actor never reaches the actor that took its name', async () => {
  const { system, letters, settle } = kernelBench();
  const seen: string[] = [];
  const setup = () => ({ onMessage: (message: string) => void seen.push(message) });
  const old = system.spawn(setup, { name: 'shop' });
  await settle();
  const stopped = system.stop(old);
  await settle();
  await stopped;
  old.offer('to nobody');
  const young = system.spawn(setup, { name: 'shop' });
  await settle();
  expect(young.path).toBe(old.path);
  expect(young.incarnation).not.toBe(old.incarnation);
  old.offer('stale');
  old.control('stale too');
  await old.send('stale three');
  await settle();
  expect(seen).toEqual([]);
  expect(letters.map(({ reason }) => reason)).toEqual(['stopped', 'staleRef', 'staleRef', 'staleRef']);
  expect(isConserved(system.conservation())).toBe(true);
});

test('a name is taken as long as its actor is not gone', async () => {
  const { system, settle } = kernelBench();
  const door = gate();
  const ref = system.spawn<string>(() => ({ onMessage: () => undefined, postStop: () => door.promise }), {
    name: 'one',
  });
  await settle();
  const stopped = system.stop(ref);
  await settle();
  expect(() => system.spawn(() => ({ onMessage: () => undefined }), { name: 'one' })).toThrow(
    /taken by a living sibling/,
  );
  door.open();
  await settle();
  await stopped;
  system.spawn(() => ({ onMessage: () => undefined }), { name: 'one' });
});

test('a stop that arrives while a handler awaits lets it finish, and handles nothing after it', async () => {
  const { system, letters, settle } = kernelBench();
  const door = gate();
  const log: string[] = [];
  const ref = system.spawn<string>(() => ({
    async onMessage(message) {
      log.push(`begin ${message}`);
      await door.promise;
      log.push(`end ${message}`);
    },
    postStop: ({ kind }) => void log.push(`stopped ${kind}`),
  }));
  ref.offer('a');
  ref.offer('b');
  await settle();
  const stopped = system.stop(ref);
  await settle();
  expect(log).toEqual(['begin a']);
  door.open();
  await settle();
  await stopped;
  expect(log).toEqual(['begin a', 'end a', 'stopped shutdown']);
  expect(letters.map(({ message, reason }) => [message, reason])).toEqual([['b', 'stopped']]);
});

test('a crash in the middle of an orderly stop ends it at once', async () => {
  const { system, settle } = kernelBench();
  const reasons: string[] = [];
  const ref = system.spawn<string>(() => ({ onMessage: () => new Promise<void>(() => undefined) }));
  system.spawn<never>((context) => {
    context.watch(ref);
    return { onMessage: () => undefined, onSignal: ({ reason }) => void reasons.push(reason.kind) };
  });
  ref.offer('hang');
  await settle();
  const stopped = system.stop(ref);
  await settle();
  expect(reasons).toEqual([]);
  system.crash(ref, new Error('now'));
  await settle();
  await stopped;
  expect(reasons).toEqual(['killed']);
});

test('preRestart runs on the failed life before the next one begins, postStop only where there is none', async () => {
  const { system, settle } = kernelBench({ supervision: { restartsMax: 10 } });
  const log: string[] = [];
  const plain = system.spawn<string>(
    () => {
      log.push('plain setup');
      return {
        onMessage: () => {
          throw new Error('x');
        },
        postStop: ({ kind }) => void log.push(`plain postStop ${kind}`),
      };
    },
    { restart: 'permanent' },
  );
  plain.offer('fail');
  await settle();
  expect(log).toEqual(['plain setup', 'plain postStop failed', 'plain setup']);
  log.length = 0;
  const door = gate();
  const both = system.spawn<string>(
    () => {
      log.push('setup');
      return {
        onMessage: () => {
          throw new Error('y');
        },
        async preRestart(error) {
          log.push(`preRestart ${String(error)}`);
          await door.promise;
        },
        postStop: () => void log.push('postStop'),
      };
    },
    { restart: 'permanent' },
  );
  both.offer('fail');
  await settle();
  expect(log).toEqual(['setup', 'preRestart Error: y']);
  door.open();
  await settle();
  expect(log).toEqual(['setup', 'preRestart Error: y', 'setup']);
});

test('a last hook that throws is logged, one that hangs is abandoned, and neither holds up the end', async () => {
  const { system, log, runtime } = kernelBench();
  const throwing = system.spawn<string>(() => ({
    onMessage: () => undefined,
    postStop: () => {
      throw new Error('hook');
    },
  }));
  const hanging = system.spawn<string>(
    () => ({ onMessage: () => undefined, postStop: () => new Promise<void>(() => undefined) }),
    { stopTimeoutMs: 500 },
  );
  await runtime.advance(1);
  const stopped = Promise.all([system.stop(throwing), system.stop(hanging)]);
  await runtime.advance(499);
  expect(system.snapshot().children).toHaveLength(1);
  await runtime.advance(2);
  await stopped;
  expect(log.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
    'the last hook of an actor failed',
    'actor abandoned',
  ]);
});

test('the last hook of an abandoned life waits for its handler, and nothing waits for the hook', async () => {
  const { system, settle } = kernelBench();
  const door = gate();
  const log: string[] = [];
  let lives = 0;
  const ref = system.spawn<string>(
    () => {
      lives += 1;
      const life = lives;
      log.push(`setup ${life}`);
      return {
        onMessage: () => door.promise,
        postStop: ({ kind }) => void log.push(`postStop ${life} ${kind}`),
      };
    },
    { restart: 'permanent' },
  );
  ref.offer('slow');
  await settle();
  system.crash(ref, new Error('fault'));
  await settle();
  expect(log).toEqual(['setup 1', 'setup 2']);
  door.open();
  await settle();
  expect(log).toEqual(['setup 1', 'setup 2', 'postStop 1 failed']);
});

test('a setup that finishes after it was abandoned has its behavior closed', async () => {
  const { system, settle } = kernelBench();
  const door = gate();
  const log: string[] = [];
  const ref = system.spawn<string>(async () => {
    await door.promise;
    return { onMessage: () => void log.push('handled'), postStop: () => void log.push('closed') };
  });
  ref.offer('m');
  await settle();
  system.crash(ref, new Error('fault'));
  await settle();
  expect(system.snapshot().children).toEqual([]);
  door.open();
  await settle();
  expect(log).toEqual(['closed']);
});

test('the AbortSignal of a life is aborted when it stops or fails, not before', async () => {
  const { system, settle } = kernelBench({ supervision: { restartsMax: 5 } });
  const signals: AbortSignal[] = [];
  const ref = system.spawn<string>(
    ({ signal }) => {
      signals.push(signal);
      return {
        onMessage: () => {
          throw new Error('x');
        },
      };
    },
    { restart: 'permanent' },
  );
  await settle();
  expect(signals[0]?.aborted).toBe(false);
  ref.offer('fail');
  await settle();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  const stopped = system.stop(ref);
  await settle();
  await stopped;
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
});

test('timers of a life are gone with it', async () => {
  const { system, runtime } = kernelBench({ supervision: { restartsMax: 5 } });
  const seen: string[] = [];
  let lives = 0;
  const ref = system.spawn<string>(
    (context) => {
      lives += 1;
      if (lives === 1) context.after(100, 'timer of life 1');
      return {
        onMessage(message) {
          seen.push(message);
          if (message === 'fail') throw new Error('x');
        },
      };
    },
    { restart: 'permanent' },
  );
  ref.offer('fail');
  await runtime.advance(500);
  expect(seen).toEqual(['fail']);
  expect(lives).toBe(2);
});

test('a life that is over can do nothing through its old context', async () => {
  const { system, settle } = kernelBench();
  let leaked: ActorContext<string> | null = null;
  const ref = system.spawn<string>((context) => {
    leaked = context;
    return { onMessage: () => undefined };
  });
  await settle();
  const other = system.spawn<string>(() => ({ onMessage: () => undefined }));
  const stopped = system.stop(ref);
  await settle();
  await stopped;
  const context = leaked as unknown as ActorContext<string>;
  expect(() => context.spawn(() => ({ onMessage: () => undefined }))).toThrow(ActorStoppedError);
  expect(() => context.after(1, 'x')).toThrow(ActorStoppedError);
  expect(() => context.every(1, 'x')).toThrow(ActorStoppedError);
  expect(() => context.watch(other)).toThrow(ActorStoppedError);
  expect(() => context.link(other)).toThrow(ActorStoppedError);
  expect(() => context.stash()).toThrow(ActorStoppedError);
  await expect(context.ask(other, () => 'q')).rejects.toThrow(ActorStoppedError);
  await expect(context.stop()).rejects.toThrow(ActorStoppedError);
  await expect(context.spawnStarted(() => ({ onMessage: () => undefined }))).rejects.toThrow(
    ActorStoppedError,
  );
});
