import { expect, test } from 'vitest';
import { forEachSink } from '../../src/connectors/for-each-sink.js';
import { printSink } from '../../src/connectors/print-sink.js';
import type { SinkWriter } from '../../src/operators/sink.js';
import { verifySink } from '../../src/testing/sink-contract.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { sinkContextOn } from './sink-probe.js';

const runtime = virtualRuntime({ seed: 1 });

test('printing keeps the contract of a sink that is at least once', async () => {
  let lines: string[] = [];
  await verifySink<string>(() => printSink('', { write: (line) => void lines.push(line) }), {
    prepare: () => {
      lines = [];
    },
    value: (n) => `record ${n}`,
    readCommitted: () => lines,
  });
});

test.each([
  ['', 1, 'text', 'text'],
  ['late', 1, { at: 5, tags: ['a'] }, "late> { at: 5, tags: [ 'a' ] }"],
  ['late', 4, 10n, 'late:2> 10n'],
  ['', 4, new Map([['k', 1]]), "2> Map(1) { 'k' => 1 }"],
])('print %j on %i subtasks', async (label, parallelism, value, expected) => {
  const lines: string[] = [];
  const sink = printSink(label, { write: (line) => void lines.push(line) });
  const context = sinkContextOn(runtime, { parallelism, subtask: parallelism === 1 ? 0 : 2 });
  await ((await sink.open(context)) as SinkWriter<unknown>).write([value], [0]);
  expect(lines).toEqual([expected]);
});

test('a function as a sink keeps the contract, sync and async, also when it is idempotent', async () => {
  let seen: { n: number }[] = [];
  let keyed = new Map<number, { n: number }>();
  const prepare = (): void => {
    seen = [];
    keyed = new Map();
  };
  await verifySink<{ n: number }>(() => forEachSink((value) => void seen.push(value)), {
    prepare,
    readCommitted: () => seen,
  });
  const store = async (value: { n: number }): Promise<void> => {
    await Promise.resolve();
    keyed.set(value.n, value);
  };
  await verifySink<{ n: number }>(() => forEachSink(store, { guarantee: 'idempotent' }), {
    prepare,
    readCommitted: () => [...keyed.values()],
  });
});

test('a function that answers a promise is called for the next record when it has settled', async () => {
  const log: string[] = [];
  const sink = forEachSink<number>(async (value, timestamp) => {
    log.push(`begin ${value}@${timestamp}`);
    await Promise.resolve();
    log.push(`end ${value}`);
  });
  const writer = (await sink.open(sinkContextOn(runtime))) as SinkWriter<number>;
  await writer.write([1, 2], [10, 20]);
  expect(log).toEqual(['begin 1@10', 'end 1', 'begin 2@20', 'end 2']);
});

test('what the function throws stops the batch there', async () => {
  const seen: number[] = [];
  const sink = forEachSink<number>((value) => {
    if (value === 2) throw new Error('full');
    seen.push(value);
  });
  const writer = (await sink.open(sinkContextOn(runtime))) as SinkWriter<number>;
  expect(() => writer.write([1, 2, 3], [0, 0, 0])).toThrow('full');
  expect(seen).toEqual([1]);
});
