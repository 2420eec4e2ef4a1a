import { expect, test } from 'vitest';
import { arraySource, iterableSource } from '../../src/connectors/array-source.js';
import { asyncIterableSource, readableStreamSource } from '../../src/connectors/async-source.js';
import { verifySource } from '../../src/testing/source-contract.js';
import { SourceProbe } from './source-probe.js';

const numbers = Array.from({ length: 100 }, (_, index) => index);

async function* later(from: number, to: number): AsyncGenerator<number> {
  for (let value = from; value < to; value += 1) {
    if (value % 7 === 0) await Promise.resolve();
    yield value;
  }
}

function* sync(to: number): Generator<number> {
  for (let value = 0; value < to; value += 1) yield value;
}

function stream(from: number, to: number): ReadableStream<number> {
  let next = from;
  return new ReadableStream({
    pull(controller) {
      if (next < to) controller.enqueue(next);
      else controller.close();
      next += 1;
    },
  });
}

test('an array keeps the contract', () => verifySource(() => arraySource(numbers), { expected: numbers }));

test('a set is an iterable that can be replayed', async () => {
  expect(iterableSource(new Set(numbers)).replayable).toBe(true);
  await verifySource(() => iterableSource(new Set(numbers)), { expected: numbers });
});

test('a generator object can be read once only, and says so', async () => {
  expect(iterableSource(sync(3)).replayable).toBe(false);
  await verifySource(() => iterableSource(sync(100)), { expected: numbers, runs: 5 });
});

test('a factory of async iterables is replayed from the position', () =>
  verifySource(() => asyncIterableSource((position) => later(position, 100)), { expected: numbers }));

test('an async iterable can be read once only', async () => {
  expect(asyncIterableSource(later(0, 3)).replayable).toBe(false);
  await verifySource(() => asyncIterableSource(later(0, 100)), { expected: numbers, runs: 5 });
});

test('a readable stream is read to its end, and a factory of streams is replayed', async () => {
  await verifySource(() => readableStreamSource(stream(0, 100)), { expected: numbers, runs: 5 });
  await verifySource(() => readableStreamSource((position) => stream(position, 100)), {
    expected: numbers,
    runs: 15,
  });
});

test('an iterator that is read once goes on where it stands, and what is lost is told', async () => {
  const source = iterableSource(sync(10));
  const first = await new SourceProbe(source).open();
  await first.poll(6);
  await first.close();
  const second = await new SourceProbe(source).open([{ id: 'all', position: 2 }]);
  expect(await second.readAll()).toEqual([6, 7, 8, 9]);
  expect(second.counts).toEqual({ 'source.recordsLost': 4 });
  expect(second.warnings).toHaveLength(1);
});

test('what was pulled ahead of an async iterable stays for the next attempt', async () => {
  const source = asyncIterableSource(later(0, 1_000));
  const first = await new SourceProbe(source).open();
  while (first.values.length < 5) await first.poll(2);
  await first.close();
  const second = await new SourceProbe(source).open([{ id: 'all', position: first.values.length }]);
  const all = Array.from({ length: 1_000 }, (_, index) => index);
  expect([...first.values, ...(await second.readAll())]).toEqual(all);
  expect(second.warnings).toEqual([]);
});

test('an iterable that has become shorter is refused at the restore', async () => {
  const opening = new SourceProbe(iterableSource(new Set([1, 2]))).open([{ id: 'all', position: 3 }]);
  await expect(opening).rejects.toThrow(/has 2 values now, but 3 of it were read before/);
});

test('an iterator that threw fails every attempt: it never looks finished', async () => {
  const source = iterableSource(
    (function* () {
      yield 1;
      throw new Error('broken tap');
    })(),
  );
  const first = await new SourceProbe(source).open();
  await first.poll();
  expect(first.values).toEqual([1]);
  await expect(first.poll()).rejects.toThrow(/has thrown.*at value 1/);
  const second = await new SourceProbe(source).open([{ id: 'all', position: 1 }]);
  await expect(second.poll()).rejects.toMatchObject({ code: 'WEIR_CONNECTOR', unrecoverable: true });
});

test('an async iterable that throws hands over what came before', async () => {
  const probe = await new SourceProbe(
    asyncIterableSource(async function* () {
      yield* later(0, 3);
      throw new Error('connection reset');
    }),
  ).open();
  while (probe.values.length < 3) await probe.poll();
  await expect(probe.poll()).rejects.toMatchObject({
    position: 'value 3',
    cause: new Error('connection reset'),
  });
});

test('an async iterator is pulled ahead by one batch at most', async () => {
  let pulled = 0;
  const next = async (): Promise<IteratorResult<number>> => {
    pulled += 1;
    return { done: false, value: pulled };
  };
  const endless = asyncIterableSource(() => ({ [Symbol.asyncIterator]: () => ({ next }) }));
  const probe = await new SourceProbe(endless).open();
  await probe.poll(1);
  await probe.runtime.advance(1_000);
  expect(pulled).toBeLessThanOrEqual(1 + 256);
});

test('closing lets an iterator that was opened for this reader clean up', async () => {
  let cleaned = 0;
  const source = asyncIterableSource(async function* () {
    try {
      yield* later(0, 1_000);
    } finally {
      cleaned += 1;
    }
  });
  const probe = await new SourceProbe(source).open();
  await probe.poll();
  await probe.close();
  expect(await probe.poll()).toMatchObject({ kind: 'nothing' });
  await probe.runtime.advance(1);
  expect(cleaned).toBe(1);
});

test('a poll that waits for a stream settles when the reader is closed', async () => {
  const probe = await new SourceProbe(readableStreamSource(new ReadableStream<number>())).open();
  const pending = probe.startPoll();
  await probe.close();
  expect(await probe.settle(pending)).toMatchObject({ kind: 'nothing' });
});
