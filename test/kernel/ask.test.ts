// S17, F15: questions end exactly once, and late answers go nowhere but to the dead letters.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ActorRef, Reply } from '../../actors/kernel/actor.js';
import { ActorStoppedError, AskFailedError, AskTimeoutError } from '../../actors/kernel/actor-errors.js';
import { gate, isConserved, kernelBench } from './kernel-bench.js';

interface Question {
  readonly text: string;
  readonly reply: Reply<string>;
}

const question = (text: string) => (reply: Reply<string>) => ({ text, reply });

/** Settles a promise to its error, so that nothing is unhandled while virtual time passes. */
const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

test('an ask resolves with the answer, or rejects with the error that was answered', async () => {
  const { system, settle } = kernelBench();
  const ref = system.spawn<Question>(() => ({
    onMessage: ({ text, reply }) =>
      text === 'hard' ? reply.reject(new Error('too hard')) : reply.resolve(`${text}!`),
  }));
  const easy = system.ask(ref, question('easy'));
  const hard = errorOf(system.ask(ref, question('hard')));
  await settle();
  expect(await easy).toBe('easy!');
  expect(await hard).toMatchObject({ message: 'too hard' });
});

test('after the time-out the answer is a dead letter and does not reach the next question', async () => {
  const { system, letters, runtime } = kernelBench();
  const held: Reply<string>[] = [];
  const ref = system.spawn<Question>(() => ({ onMessage: ({ reply }) => void held.push(reply) }), {
    name: 'slow',
  });
  const first = errorOf(system.ask(ref, question('one'), { timeoutMs: 100 }));
  await runtime.advance(101);
  expect(await first).toBeInstanceOf(AskTimeoutError);
  expect(await first).toMatchObject({
    message: expect.stringMatching(/Actor \/slow: no answer within 100 ms/),
  });
  const second = system.ask(ref, question('two'), { timeoutMs: 100 });
  await runtime.advance(1);
  held[0]?.resolve('late');
  held[1]?.resolve('in time');
  expect(await second).toBe('in time');
  held[1]?.resolve('again');
  expect(letters.map(({ message, reason, path }) => [message, reason, path])).toEqual([
    ['late', 'lateReply', '/'],
    ['again', 'lateReply', '/'],
  ]);
  expect(isConserved(system.conservation())).toBe(true);
});

test('an abort rejects with its reason, and the answer comes late', async () => {
  const { system, letters, settle } = kernelBench();
  const held: Reply<string>[] = [];
  const ref = system.spawn<Question>(() => ({ onMessage: ({ reply }) => void held.push(reply) }));
  const controller = new AbortController();
  const asked = errorOf(system.ask(ref, question('q'), { signal: controller.signal }));
  await settle();
  controller.abort('no longer needed');
  expect(await asked).toBe('no longer needed');
  held[0]?.resolve('late');
  expect(letters.map(({ reason }) => reason)).toEqual(['lateReply']);
  expect(await errorOf(system.ask(ref, question('q'), { signal: AbortSignal.abort('before') }))).toBe(
    'before',
  );
});

test('a question that waits for room is taken back by its time-out', async () => {
  const { system, runtime } = kernelBench();
  const door = gate();
  const seen: string[] = [];
  const ref = system.spawn<Question>(
    () => ({
      onMessage({ text }) {
        seen.push(text);
        return door.promise;
      },
    }),
    { mailbox: { capacity: 1 } },
  );
  const all = ['a', 'b', 'c'].map((text) => errorOf(system.ask(ref, question(text), { timeoutMs: 50 })));
  await runtime.advance(60);
  expect((await Promise.all(all)).every((error) => error instanceof AskTimeoutError)).toBe(true);
  door.open();
  await runtime.advance(1);
  expect(seen).toEqual(['a', 'b']);
});

test('a question to a dead actor fails at once, one that its actor takes into the grave too', async () => {
  const { system, runtime, settle } = kernelBench();
  const ref = system.spawn<Question>(() => ({ onMessage: () => new Promise<void>(() => undefined) }));
  const inHand = errorOf(system.ask(ref, question('in hand')));
  const queued = errorOf(system.ask(ref, question('queued')));
  await settle();
  system.crash(ref, new Error('fault'));
  await settle();
  expect(await inHand).toBeInstanceOf(AskFailedError);
  expect(await inHand).toMatchObject({ reason: 'handlerFailed', cause: { message: 'fault' } });
  expect(await queued).toMatchObject({ reason: 'failed' });
  expect(await errorOf(system.ask(ref, question('dead')))).toMatchObject({ reason: 'failed' });
  expect(await errorOf(system.ask(ref as unknown as ActorRef<string>, () => 'no object'))).toMatchObject({
    reason: 'failed',
  });
  expect(runtime.nowMs).toBeLessThan(10);
});

const unhandled: unknown[] = [];
const record = (error: unknown): void => void unhandled.push(error);
beforeAll(() => void process.on('unhandledRejection', record));
afterAll(() => void process.off('unhandledRejection', record));

test('an asker that ends loses its questions, without an unhandled rejection', async () => {
  const { system, letters, settle } = kernelBench();
  const held: Reply<string>[] = [];
  const errors: unknown[] = [];
  const ref = system.spawn<Question>(() => ({ onMessage: ({ reply }) => void held.push(reply) }));
  const asker = system.spawn<string>(
    (context) => ({
      async onMessage() {
        // The second promise is never awaited: it must not become an unhandled rejection either.
        void context.ask(ref, question('unwatched'));
        errors.push(await errorOf(context.ask(ref, question('watched'))));
      },
    }),
    { name: 'asker' },
  );
  asker.offer('go');
  await settle();
  system.crash(asker, new Error('fault'));
  await settle();
  expect(errors).toHaveLength(1);
  expect(errors[0]).toBeInstanceOf(ActorStoppedError);
  held[1]?.resolve('late');
  expect(letters.at(-1)).toMatchObject({ reason: 'lateReply', path: '/asker' });
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled).toEqual([]);
});

test('questions of a failed life end with it, not with its last hook', async () => {
  const { system, settle } = kernelBench();
  const errors: unknown[] = [];
  const ref = system.spawn<Question>(() => ({ onMessage: () => undefined }));
  const asker = system.spawn<string>((context) => ({
    onMessage() {
      context.ask(ref, question('q')).catch((error: unknown) => errors.push(error));
    },
    postStop: () => new Promise<void>(() => undefined),
  }));
  asker.offer('go');
  await settle();
  system.crash(asker, new Error('fault'));
  await settle();
  expect(errors).toHaveLength(1);
});

test('a stopping actor may still wait for the answer that its handler needs', async () => {
  const { system, settle } = kernelBench();
  const log: string[] = [];
  const held: Reply<string>[] = [];
  const ref = system.spawn<Question>(() => ({ onMessage: ({ reply }) => void held.push(reply) }));
  const asker = system.spawn<string>((context) => ({
    async onMessage() {
      log.push(await context.ask(ref, question('q')));
    },
    postStop: () => void log.push('stopped'),
  }));
  asker.offer('go');
  await settle();
  const stopped = system.stop(asker);
  await settle();
  held[0]?.resolve('answer');
  await settle();
  await stopped;
  expect(log).toEqual(['answer', 'stopped']);
});

test('a question whose making throws rejects and leaves nothing behind', async () => {
  const { system, runtime } = kernelBench();
  const ref = system.spawn<Question>(() => ({ onMessage: () => undefined }));
  const asked = system.ask<Question, string>(ref, () => {
    throw new Error('cannot make');
  });
  expect(await errorOf(asked)).toMatchObject({ message: 'cannot make' });
  await runtime.run();
  expect(runtime.nowMs).toBeLessThan(10);
});
