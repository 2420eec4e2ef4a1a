// Records are values: no consumer's change reaches another, and in development a change in place fails where it is made.

import { expect, test } from 'vitest';
import type { RunOptions } from '../../actors/run-options.js';
import { defineJob, type JobDefinition } from '../../src/api/define-job.js';
import { registerType } from '../../src/base/class-registry.js';
import { arraySource } from '../../src/connectors/array-source.js';
import { collectSink } from '../../src/connectors/collect-sink.js';
import { type KeyedContext, KeyedProcessFunction } from '../../src/operators/process-function.js';
import type { Source } from '../../src/operators/source.js';
import { valueState } from '../../src/operators/state-handles.js';
import { monotonous, withTimestamps } from '../../src/operators/watermark-generators.js';
import { tumbling } from '../../src/operators/windows/window-assigners.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, startJob } from './virtual-job.js';

interface Item {
  id: number;
  price: number;
}
const items = (): Item[] => [
  { id: 1, price: 10 },
  { id: 2, price: 20 },
];

async function failureOf(job: JobDefinition, options: RunOptions = {}): Promise<string> {
  const runtime = virtualRuntime({ seed: 1 });
  const handle = await startJob(runtime, job, options);
  const error = await finishJob(runtime, handle).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  let text = '';
  for (let cause = error; cause instanceof Error; cause = cause.cause) text += `${cause.message}\n`;
  return text;
}

function doubled(item: Item): Item {
  item.price *= 2;
  return item;
}

test.each([true, false])('a map that changes its record is named, with chaining %s', async (chaining) => {
  const job = defineJob('prices', (env) => {
    const all = env.from(arraySource(items()));
    all.map(doubled).name('double').sinkTo(collectSink<Item>());
    all.map((item) => item.price).sinkTo(collectSink<number>());
  });
  const text = await failureOf(job, { chaining });
  expect(text).toContain("Cannot assign to read only property 'price'");
  expect(text).toContain('operator "double"');
  expect(text).toContain('change a copy, `{ ...record, field: value }`');
});

test('what one map of a fused row answers is frozen for the next', async () => {
  const job = defineJob('row', (env) => {
    env
      .from(arraySource([1]))
      .map((id): Item => ({ id, price: 1 }))
      .map(doubled)
      .name('second')
      .sinkTo(collectSink<Item>());
  });
  expect(await failureOf(job)).toContain('operator "second"');
});

test('in production nothing is frozen, and nothing is checked record by record', async () => {
  const sink = collectSink<Item>();
  const job = defineJob('prices', (env) => {
    env.from(arraySource(items())).map(doubled).sinkTo(sink);
  });
  expect(await failureOf(job, { development: false })).toBe('');
  expect(sink.committed().map((item) => item.price)).toEqual([20, 40]);
  expect(sink.committed().some((item) => Object.isFrozen(item))).toBe(false);
});

test('instances of classes in records are neither frozen nor looked into', async () => {
  class Lazy {
    cache: { value: number | null } = { value: null };
    get value(): number {
      this.cache.value ??= 7;
      return this.cache.value;
    }
  }
  const sink = collectSink<number>();
  const job = defineJob('lazy', (env) => {
    env
      .from(arraySource([{ lazy: new Lazy() }]))
      .map((record) => record.lazy.value)
      .sinkTo(sink);
  });
  expect(await failureOf(job)).toBe('');
  expect(sink.committed()).toEqual([7]);
});

test('an array that is changed after it was given to a job is read as it was', async () => {
  const sink = collectSink<number>();
  const given = [1, 2, 3];
  const source = arraySource(given);
  given.length = 1;
  given[0] = 99;
  const job = defineJob('array', (env) => {
    env.from(source).sinkTo(sink);
  });
  expect(await failureOf(job)).toBe('');
  expect(sink.committed()).toEqual([1, 2, 3]);
});

class Seen extends KeyedProcessFunction<number, Item, number> {
  readonly seen = valueState<Set<number>>('seen');
  override onElement(item: Item, context: KeyedContext<number, number>): void {
    const seen = this.seen.get() ?? new Set<number>();
    const isNew = seen.size === 0;
    seen.add(item.price);
    if (isNew) this.seen.set(seen);
    context.emit(seen.size);
  }
}

test('a Set of state that is changed without set fails the call that did it, with operator, state and key', async () => {
  const job = defineJob('distinct', (env) => {
    env
      .from(
        arraySource([
          { id: 5, price: 1 },
          { id: 5, price: 2 },
        ]),
      )
      .keyBy((item) => item.id)
      .process(Seen)
      .name('distinct')
      .sinkTo(collectSink<number>());
  });
  const text = await failureOf(job);
  expect(text).toContain('A value of state "seen" was changed in place and not put back (Set, key 5)');
  expect(text).toContain('operator "distinct"');
  expect(text).toContain('Use set');
});

class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
}

class Total extends KeyedProcessFunction<number, Item, number> {
  readonly total = valueState<Money>('total');
  override onElement(item: Item, context: KeyedContext<number, number>): void {
    const total = new Money((this.total.get()?.cents ?? 0) + item.price);
    this.total.set(total);
    context.emit(total.cents);
  }
}

const totals = (sink = collectSink<number>()): JobDefinition =>
  defineJob('totals', (env) => {
    env
      .from(
        arraySource([
          { id: 5, price: 1 },
          { id: 5, price: 2 },
        ]),
      )
      .keyBy((item) => item.id)
      .process(Total)
      .name('totals')
      .sinkTo(sink);
  });

test.each([true, false])(
  'an unregistered class in state is refused when it is put, development %s',
  async (development) => {
    const text = await failureOf(totals(), { development });
    expect(text).toContain('State "total" is given a value that would not come back from a checkpoint');
    expect(text).toContain('an instance of Money at value.');
    expect(text).toContain('operator "totals"');
    expect(text).toContain('registerType(Money');
  },
);

test('a registered class in state is a value like any other', async () => {
  registerType(Money, {
    name: 'test/Money',
    encode: (money) => money.cents,
    decode: (cents, Type) => new Type(cents),
  });
  const sink = collectSink<number>();
  expect(await failureOf(totals(sink), { checkpoint: { dir: '/totals', intervalMs: 10 } })).toBe('');
  expect(sink.committed()).toEqual([1, 3]);
});

test('an accumulator of windows that would not come back is refused when it grows', async () => {
  class Basket {}
  const job = defineJob('baskets', (env) => {
    env
      .from(arraySource(items()), { watermarks: withTimestamps((item: Item) => item.id, monotonous()) })
      .keyBy((item) => item.id)
      .window(tumbling(10))
      .aggregate({
        createAccumulator: (): { baskets: Basket[] } => ({ baskets: [] }),
        add: (sums) => ({ baskets: [...sums.baskets, new Basket()] }),
        getResult: (sums) => sums.baskets.length,
      })
      .name('baskets')
      .sinkTo(collectSink<number>());
  });
  const text = await failureOf(job);
  expect(text).toContain('an instance of Basket at value.baskets[0].');
  expect(text).toContain('operator "baskets"');
});

test('a position of a source that would not come back is refused by the checkpoint, with the source', async () => {
  const job = defineJob('positions', (env) => {
    env
      .from({
        name: 'odd',
        bounded: false,
        replayable: true,
        parallelismMax: 1,
        discover: () => [{ id: 'all', position: new Map<string, Money>() }],
        open() {
          let given = false;
          return {
            poll() {
              if (given) return { kind: 'nothing', retryMs: 5 };
              given = true;
              return { kind: 'records', split: 'all', values: [1], next: new Map([['at', new Cursor()]]) };
            },
            close: () => undefined,
          };
        },
      } as Source<number, unknown>)
      .sinkTo(collectSink<number>());
  });
  const text = await failureOf(job, { checkpoint: { dir: '/odd', intervalMs: 10 } });
  expect(text).toContain(
    'The position of source "odd" is given a value that would not come back from a checkpoint',
  );
  expect(text).toContain('an instance of Cursor at value.position.get("at").');
});

class Cursor {}
