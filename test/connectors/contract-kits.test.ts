// The kits must catch what they are there for: each of these connectors has one planted fault.

import { expect, test } from 'vitest';
import { arraySource } from '../../src/connectors/array-source.js';
import type { CommitOutcome, TransactionalSink, TransactionalWriter } from '../../src/operators/sink.js';
import type { Source, SourceReader } from '../../src/operators/source.js';
import { verifySink } from '../../src/testing/sink-contract.js';
import { verifySource } from '../../src/testing/source-contract.js';

const numbers = Array.from({ length: 60 }, (_, index) => index);

type NumberReader = SourceReader<number, number>;

/** An array source whose reader is changed by `spoil`. */
function spoiled(
  spoil: (reader: NumberReader, position: number) => Partial<NumberReader>,
): Source<number, number> {
  const good = arraySource(numbers);
  return {
    ...good,
    async open(splits, context) {
      const reader = await good.open(splits, context);
      const bound = { poll: reader.poll.bind(reader), close: reader.close.bind(reader) };
      return { ...bound, ...spoil(bound, splits[0]?.position ?? 0) };
    },
  };
}

test.each<[string, () => Source<number, number>, RegExp]>([
  [
    'a position that is one too low',
    () =>
      spoiled((reader) => ({
        async poll(recordsMax) {
          const polled = await reader.poll(recordsMax);
          return polled.kind === 'records' ? { ...polled, next: polled.next - 1 } : polled;
        },
      })),
    /differs from one straight reading: record \d+ is/,
  ],
  [
    'a position that is one too high',
    () =>
      spoiled((reader) => ({
        async poll(recordsMax) {
          const polled = await reader.poll(recordsMax);
          return polled.kind === 'records' ? { ...polled, next: polled.next + 1 } : polled;
        },
      })),
    /differs from one straight reading/,
  ],
  [
    'more records than asked for',
    () => spoiled((reader) => ({ poll: (max) => reader.poll(max + 1) })),
    /asked for \d+ records, got/,
  ],
  [
    'a close that never settles',
    () => spoiled(() => ({ close: () => new Promise(() => undefined) })),
    /close.* never settles/,
  ],
  [
    'a poll that stays open after close',
    () =>
      spoiled((reader) => {
        let polls = 0;
        return {
          poll(recordsMax) {
            polls += 1;
            return polls > 7 ? new Promise(() => undefined) : reader.poll(recordsMax);
          },
        };
      }),
    /poll.* never settles/,
  ],
  [
    'a position that no checkpoint can hold',
    () => ({
      ...arraySource(numbers),
      discover: () => [{ id: 'all', position: (() => 0) as unknown as number }],
    }),
    /the position of split "all" cannot be stored in a checkpoint/,
  ],
  [
    'splits that change',
    () => {
      const ids = ['first', 'second'];
      return { ...arraySource(numbers), discover: () => [{ id: ids.shift() ?? '', position: 0 }] };
    },
    /discover answers other splits the second time/,
  ],
  [
    'a restart that forgets the position',
    () => ({
      ...arraySource(numbers),
      open: (_splits, context) => arraySource(numbers).open([{ id: 'all', position: 0 }], context),
    }),
    /differs from one straight reading/,
  ],
])('the kit of sources catches %s, and names the seed', async (_fault, make, message) => {
  const failure = verifySource(make, { expected: numbers });
  await expect(failure).rejects.toThrow(message);
  await expect(verifySource(make, { expected: numbers })).rejects.toThrow(
    /verifySource\(\.\.\., \{ seed: \d+, runs: 1 \}\)/,
  );
});

interface Transaction {
  readonly id: string;
  readonly values: readonly number[];
}

type Writer = TransactionalWriter<number, Transaction>;

/** A sound sink in memory, which the faults are planted into. */
function memorySink(
  outside: Outside,
  spoil: (writer: Writer, outside: Outside) => Partial<Writer> = () => ({}),
) {
  const sink: TransactionalSink<number, Transaction> = {
    name: 'memory',
    guarantee: 'transactional',
    open(context) {
      let written: number[] = [];
      let counter = 0;
      const commit = (transactions: readonly Transaction[]): CommitOutcome => {
        for (const { id, values } of transactions) outside.committed.set(id, values);
        return { kind: 'ok' };
      };
      const writer: Writer = {
        recover: ({ commit: due }) => void commit(due),
        write: (values) => void written.push(...values),
        prepare() {
          counter += 1;
          const values = written;
          written = [];
          return values.length === 0
            ? []
            : [{ id: `${context.attempt}.${context.subtask}.${counter}`, values }];
        },
        commit: (_checkpoint, transactions) => commit(transactions),
        close: () => undefined,
      };
      return { ...writer, ...spoil(writer, outside) };
    },
  };
  return sink;
}

interface Outside {
  readonly committed: Map<string, readonly number[]>;
  /** Values that became visible outside of transactions. */
  readonly loose: number[];
}

async function verifyMemory(spoil?: (writer: Writer, outside: Outside) => Partial<Writer>): Promise<void> {
  let outside: Outside = { committed: new Map(), loose: [] };
  await verifySink<number>(() => memorySink(outside, spoil), {
    prepare: () => {
      outside = { committed: new Map(), loose: [] };
    },
    value: (n) => n,
    readCommitted: () => [...[...outside.committed.values()].flat(), ...outside.loose],
    crash: 'attempt',
    runs: 60,
  });
}

test('a sound sink passes', () => verifyMemory());

test.each<[string, (writer: Writer, outside: Outside) => Partial<Writer>, RegExp]>([
  [
    'values that are visible at the barrier',
    (writer, { committed }) => ({
      prepare(checkpoint) {
        const prepared = writer.prepare(checkpoint) as readonly Transaction[];
        for (const { id, values } of prepared) committed.set(id, values);
        return prepared;
      },
    }),
    /too many/,
  ],
  [
    'a commit that is not idempotent',
    (_writer, { loose }) => ({
      commit(_checkpoint, transactions) {
        for (const { values } of transactions) loose.push(...values);
        return { kind: 'ok' };
      },
    }),
    /too many/,
  ],
  ['a recovery that commits nothing', () => ({ recover: () => undefined }), /missing/],
  ['a commit that does nothing', () => ({ commit: () => ({ kind: 'ok' }) }), /missing/],
  [
    'a commit that fails',
    () => ({ commit: () => ({ kind: 'failed', error: new Error('down') }) }),
    /the commit of checkpoint 1 is failed/,
  ],
  [
    'written values that outlive a crash',
    (writer, { loose }) => ({
      write(values) {
        if (values.length > 15) loose.push(values[0] ?? 0);
        return writer.write(values.slice(values.length > 15 ? 1 : 0), []);
      },
    }),
    /too many/,
  ],
  [
    'a transaction that no checkpoint can hold',
    (writer) => ({
      prepare: (checkpoint) => [
        { ...(writer.prepare(checkpoint) as Transaction[])[0], f: () => 1 } as unknown as Transaction,
      ],
    }),
    /cannot be stored in a checkpoint/,
  ],
])('the kit of sinks catches %s, and names the seed', async (_fault, spoil, message) => {
  await expect(verifyMemory(spoil)).rejects.toThrow(message);
  await expect(verifyMemory(spoil)).rejects.toThrow(/verifySink\(\.\.\., \{ seed: \d+, runs: 1 \}\)/);
});
