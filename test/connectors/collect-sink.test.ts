import { expect, test } from 'vitest';
import { type CollectSink, collectSink } from '../../src/connectors/collect-sink.js';
import type { TransactionalWriter } from '../../src/operators/sink.js';
import { verifySink } from '../../src/testing/sink-contract.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { sinkContextOn } from './sink-probe.js';

test('collecting keeps the contract of a transactional sink over restarts of the job', async () => {
  let sink = collectSink<{ n: number }>();
  await verifySink(
    () => {
      sink = collectSink();
      return sink;
    },
    { readCommitted: () => sink.committed(), crash: 'attempt', runs: 80 },
  );
});

type Committable = { readonly transaction: string; readonly records: number };

function writerOf<T>(sink: CollectSink<T>, place: Parameters<typeof sinkContextOn>[1] = {}) {
  const context = sinkContextOn(virtualRuntime({ seed: 1 }), place);
  return sink.open(context) as TransactionalWriter<T, Committable>;
}

async function commitAll<T>(writer: TransactionalWriter<T, Committable>): Promise<void> {
  await writer.commit(1, await writer.prepare(1));
}

test('without checkpoints results are there at once', () => {
  const sink = collectSink<number>();
  void writerOf(sink, { checkpointing: false }).write([1, 2], [0, 0]);
  expect(sink.committed()).toEqual([1, 2]);
});

test('a loop reads results as they are committed and ends with the job', async () => {
  const sink = collectSink<number>();
  const writer = writerOf(sink);
  const read: number[] = [];
  const loop = (async () => {
    for await (const value of sink) read.push(value);
  })();
  await writer.write([1, 2], []);
  await Promise.resolve();
  expect(read).toEqual([]);
  await commitAll(writer);
  await writer.write([3], []);
  await commitAll(writer);
  sink.jobEnded(null);
  await loop;
  expect(read).toEqual([1, 2, 3]);
});

test('a loop that lags holds the writers back', async () => {
  const sink = collectSink<number>({ unreadRecordsMax: 10 });
  const writer = writerOf(sink);
  const loop = sink[Symbol.asyncIterator]();
  await writer.write(
    Array.from({ length: 20 }, (_, index) => index),
    [],
  );
  await commitAll(writer);
  let written = false;
  const held = Promise.resolve(writer.write([20], [])).then(() => {
    written = true;
  });
  for (let read = 0; read < 10; read += 1) {
    expect(written).toBe(false);
    await loop.next();
  }
  for (let read = 10; read < 20; read += 1) expect((await loop.next()).value).toBe(read);
  await held;
  expect(written).toBe(true);
});

test('a stopping attempt is not kept by a loop that has stalled', async () => {
  const sink = collectSink<number>({ unreadRecordsMax: 1 });
  const abort = new AbortController();
  const writer = writerOf(sink, { signal: abort.signal });
  sink[Symbol.asyncIterator]();
  await writer.write([1, 2], []);
  await commitAll(writer);
  const held = writer.write([3], []);
  abort.abort();
  await held;
});

test('leaving the loop drops the rest and frees the writers', async () => {
  const sink = collectSink<number>({ unreadRecordsMax: 1 });
  const writer = writerOf(sink);
  await writer.write([1, 2, 3], []);
  await commitAll(writer);
  for await (const value of sink) {
    expect(value).toBe(1);
    break;
  }
  await writer.write([4], []);
  await commitAll(writer);
  expect(sink.committed()).toEqual([]);
});

test('a job that fails ends the loop with its error, after the last result', async () => {
  const sink = collectSink<number>();
  const writer = writerOf(sink);
  await writer.write([1], []);
  await commitAll(writer);
  sink.jobEnded(new Error('job failed'));
  const read: number[] = [];
  const loop = (async () => {
    for await (const value of sink) read.push(value);
  })();
  await expect(loop).rejects.toThrow('job failed');
  expect(read).toEqual([1]);
});

test('a second loop at the same time is refused', () => {
  const sink = collectSink<number>();
  sink[Symbol.asyncIterator]();
  expect(() => sink[Symbol.asyncIterator]()).toThrow(/read by another loop already/);
});

test('transactions of an old writer can be committed in either order after a rescale', async () => {
  const sink = collectSink<number>();
  const old = writerOf(sink);
  await old.write([1], []);
  const first = await old.prepare(1);
  await old.write([2], []);
  const second = await old.prepare(2);
  const known = [...first, ...second];
  await writerOf(sink, { attempt: 2, subtask: 1 }).recover({ commit: second, known });
  await writerOf(sink, { attempt: 2, subtask: 0 }).recover({ commit: first, known });
  expect([...sink.committed()].sort()).toEqual([1, 2]);
});

test('transactions of a process that is gone are told, and no error', async () => {
  const told: string[] = [];
  const counts: Record<string, number> = {};
  const writer = writerOf(collectSink<number>(), {
    attempt: 4,
    logger: {
      ...sinkContextOn(virtualRuntime({ seed: 1 })).logger,
      warn: (_fields, message) => void told.push(message),
    },
    count: (metric, delta) => {
      counts[metric] = (counts[metric] ?? 0) + delta;
    },
  });
  const gone = [{ transaction: '3.1.0#7', records: 5 }];
  await writer.recover({ commit: gone, known: gone });
  expect(told).toHaveLength(1);
  expect(counts).toEqual({ 'sink.resultsLost': 5 });
});
