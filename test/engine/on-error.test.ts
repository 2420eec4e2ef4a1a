// Poison records in whole jobs: the job goes on, letters come exactly once, and nothing depends on how the job is cut up.

import { expect, test } from 'vitest';
import { randomStream } from '../../src/base/random-stream.js';
import {
  collectSink,
  type DeadLetter,
  deadLetter,
  defineJob,
  generator,
  type KeyedContext,
  KeyedProcessFunction,
  type Logger,
  monotonous,
  type RunOptions,
  sideOutput,
  silentLogger,
  sum,
  tumbling,
  valueState,
  withTimestamps,
} from '../../src/index.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, killRandomly, startJob } from './virtual-job.js';

interface Order {
  readonly id: number;
  readonly customer: string;
  readonly cents: number;
}

const RECORDS = 400;
const lines = Array.from({ length: RECORDS }, (_, id) => {
  if (id % 17 === 5) return `{"id":${id}`;
  if (id % 23 === 7) return JSON.stringify({ id, cents: id });
  return JSON.stringify({ id, customer: `c${id % 7}`, cents: id % 11 === 3 ? -1 : id });
});

/** Adds up, and refuses what is negative after it has added it. */
class Balance extends KeyedProcessFunction<string, Order, string> {
  private readonly balance = valueState<number>('balance');
  override onElement({ id, cents }: Order, context: KeyedContext<string, string>): void {
    const now = (this.balance.get() ?? 0) + cents;
    this.balance.set(now);
    context.timers.event(id + 3);
    context.emit(`${id} ${context.key} ${now}`);
    if (cents < 0) throw new RangeError(`order ${id} is negative`);
  }
  override onTimer(at: number, context: KeyedContext<string, string>): void {
    context.emit(`timer ${at} ${context.key} ${this.balance.get()}`);
    if (at % 50 === 0) throw new Error('a timer that fails');
  }
}

const unread = sideOutput<DeadLetter<string>>('unread');
const refused = sideOutput<DeadLetter<Order>>('refused');

function shop(ratePerSecond?: number) {
  const results = collectSink<string>();
  const letters = collectSink<string>();
  const job = defineJob('shop', (env) => {
    const orders = env
      .from(source(ratePerSecond), { uid: 'lines', parallelism: 1 })
      .map((line) => JSON.parse(line) as Order)
      .uid('parse')
      .setParallelism(1)
      .onError(deadLetter(unread));
    const timed = orders
      .assignTimestamps(({ id }) => id, monotonous({ everyMs: 0 }))
      .uid('timed')
      .setParallelism(1);
    const balances = timed
      .keyBy(({ customer }) => customer)
      .process(Balance)
      .uid('balances')
      .onError(deadLetter(refused));
    const windows = timed
      .keyBy(({ customer }) => customer)
      .window(tumbling(100))
      .aggregate(
        sum(({ cents }: Order) => cents),
        (customer, window, cents) => {
          if (window.start === 100) throw new Error('no such window');
          return `window ${window.start} ${customer} ${cents}`;
        },
      )
      .uid('windows')
      .onError('skip');
    balances.union(windows).sinkTo(results, { uid: 'results' });
    orders
      .getSideOutput(unread)
      .union(balances.getSideOutput(refused))
      .map((letter) => JSON.stringify(letter))
      .uid('shown')
      .sinkTo(letters, { uid: 'letters' });
  });
  return { job, results, letters };
}

/** With a rate it takes time, so that something can happen meanwhile. */
const source = (ratePerSecond: number | undefined) =>
  generator({
    count: RECORDS,
    ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
    lanes: 1,
    seed: 1,
    make: (seq): string => lines[seq] ?? '',
  });

type Options = Omit<RunOptions, 'runtime' | 'actorHost'>;

const PLAIN: Options = { logger: silentLogger, parallelism: 1 };

async function finish(options: Options, kills = 0, seed = 1) {
  const { job, results, letters } = shop(kills === 0 ? undefined : 500);
  const runtime: VirtualRuntime = virtualRuntime({ seed });
  const handle = await startJob(runtime, job, options);
  const killed = killRandomly(runtime, handle, randomStream(seed, 'kills'), kills, 20);
  const result = await finishJob(runtime, handle);
  return {
    result,
    killed,
    results: [...results.committed()].sort(),
    letters: [...letters.committed()].sort(),
  };
}

const keyless = lines.filter(
  (line) => line.startsWith('{') && line.endsWith('}') && !line.includes('customer'),
);
const negative = lines.filter((line) => line.includes('customer') && line.includes('-1'));

test('the job goes on without the poison, and every letter says what failed', async () => {
  const { result, results, letters } = await finish(PLAIN);
  expect(result).toMatchObject({ state: 'FINISHED', restarts: 0 });
  const read = letters.map((text) => JSON.parse(text) as DeadLetter<unknown>);
  const of = (operator: string, trigger: string) =>
    read.filter((letter) => letter.operator === operator && letter.trigger === trigger);
  expect(
    of('map', 'record')
      .map(({ record }) => record)
      .sort(),
  ).toEqual(lines.filter((line) => !line.endsWith('}')).sort());
  expect(of('map', 'record')[0]).toMatchObject({ position: null, key: null, error: { name: 'SyntaxError' } });
  const elements = of('keyedProcess', 'record');
  expect(elements.filter(({ error }) => error.code === 'WEIR_KEY')).toHaveLength(keyless.length);
  expect(elements.filter(({ error }) => error.name === 'RangeError')).toHaveLength(negative.length);
  expect(of('keyedProcess', 'timer').every(({ timestamp }) => Number(timestamp) % 50 === 0)).toBe(true);
  expect(of('keyedProcess', 'timer').length).toBeGreaterThan(3);
  expect(result.deadLetters).toBe(letters.length);
  // Keyless records meet the windows as well, and one window fails for each customer.
  expect(result.skippedRecords).toBe(keyless.length + 7);
  expect(results.some((text) => text.startsWith('window 100'))).toBe(false);
  expect(results.filter((text) => text.startsWith('window'))).toHaveLength(21);
  // No balance has ever gone down.
  expect(results.some((text) => text.includes('-1'))).toBe(false);
});

test.each([
  { parallelism: 1, chaining: false },
  { parallelism: 3 },
  { parallelism: 2, tuning: { batchRecordsMax: 1, pollRecordsMax: 1, channelCapacityElements: 2 } },
  { parallelism: 3, development: false },
] as const)('results and letters are the same with %j', async (options) => {
  const { results, letters } = await finish({ ...PLAIN, ...options });
  const expected = await finish(PLAIN);
  expect(results).toEqual(expected.results);
  expect(letters).toEqual(expected.letters);
});

test.each([1, 2, 3, 4, 5, 6])(
  'results and letters come exactly once when actors die at random (seed %i)',
  async (seed) => {
    const { killed, results, letters } = await finish(
      {
        logger: silentLogger,
        parallelism: 1 + (seed % 3),
        tuning: { pollRecordsMax: 3, batchRecordsMax: 2 },
        checkpoint: { dir: '/job', intervalMs: 5 },
        restart: { kind: 'fixedDelay', attempts: 1_000, delayMs: 1 },
      },
      8,
      seed,
    );
    const expected = await finish(PLAIN);
    expect(killed.length).toBeGreaterThan(3);
    expect(results).toEqual(expected.results);
    expect(letters).toEqual(expected.letters);
  },
);

test('the first failure, the tenth and the hundredth of an operator are told, with record and error', async () => {
  const told: Record<string, unknown>[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (fields, message) => void (message.includes('sent to the dead letters') && told.push(fields)),
    child: () => logger,
  };
  await finish({ logger, parallelism: 1 });
  expect(told.map(({ failures }) => failures)).toEqual([1, 1, 10, 10]);
  expect(told.map(({ record }) => record)).toContain('"{\\"id\\":5"');
});

const unmade = sideOutput<DeadLetter<number>>('unmade');

/** Every thirteenth record cannot be made, every seventh has no time. */
function badSource(kills: boolean) {
  const results = collectSink<string>();
  const letters = collectSink<string>();
  const job = defineJob('source', (env) => {
    const numbers = env.from(
      generator({
        count: RECORDS,
        ...(kills ? { ratePerSecond: 500 } : {}),
        seed: 1,
        make(seq) {
          if (seq % 13 === 5) throw new RangeError(`no ${seq}`);
          return seq;
        },
      }),
      {
        uid: 'numbers',
        watermarks: withTimestamps((n: number) => (n % 7 === 3 ? Number.NaN : n), monotonous({ everyMs: 0 })),
        onError: deadLetter(unmade),
      },
    );
    numbers
      .map((n) => `${n}`)
      .uid('text')
      .sinkTo(results, { uid: 'results' });
    numbers
      .getSideOutput(unmade)
      .map((letter) => JSON.stringify(letter))
      .uid('shown')
      .sinkTo(letters, { uid: 'letters' });
  });
  return { job, results, letters };
}

async function finishSource(options: Options, kills = 0, seed = 1) {
  const { job, results, letters } = badSource(kills > 0);
  const runtime = virtualRuntime({ seed });
  const handle = await startJob(runtime, job, options);
  killRandomly(runtime, handle, randomStream(seed, 'kills'), kills, 20);
  const result = await finishJob(runtime, handle);
  const numeric = (a: string, b: string): number => Number(a) - Number(b);
  return {
    result,
    results: [...results.committed()].sort(numeric),
    letters: [...letters.committed()].sort(),
  };
}

const all = Array.from({ length: RECORDS }, (_, n) => n);

test('a source: what it cannot make, and what has no time, with its position', async () => {
  const { result, results, letters } = await finishSource(PLAIN);
  const good = all.filter((n) => n % 13 !== 5 && n % 7 !== 3);
  expect(results).toEqual(good.map(String));
  expect(result.deadLetters).toBe(RECORDS - good.length);
  const read = letters.map((text) => JSON.parse(text) as DeadLetter<number>);
  expect(read.map(({ record }) => record).sort((a, b) => Number(a) - Number(b))).toEqual(
    all.filter((n) => n % 13 === 5 || n % 7 === 3),
  );
  for (const { record, position } of read) expect(position).toBe(`seq ${record}`);
  expect(read.find(({ record }) => record === 18)?.error).toEqual({
    name: 'RangeError',
    message: 'no 18',
    code: null,
  });
  expect(read.find(({ record }) => record === 10)?.error).toMatchObject({ code: 'WEIR_USER_CODE' });
});

test.each([
  { chaining: false },
  { parallelism: 3 },
  { tuning: { batchRecordsMax: 2, pollRecordsMax: 3, channelCapacityElements: 2 } },
] as const)('letters of a source are the same with %j', async (options) => {
  const { results, letters } = await finishSource({ ...PLAIN, ...options });
  const expected = await finishSource(PLAIN);
  expect(results).toEqual(expected.results);
  expect(letters).toEqual(expected.letters);
});

test.each([1, 2, 3, 4])(
  'letters of a source come exactly once when actors die at random (seed %i)',
  async (seed) => {
    const { results, letters } = await finishSource(
      {
        logger: silentLogger,
        parallelism: 1 + (seed % 3),
        checkpoint: { dir: '/job', intervalMs: 5 },
        restart: { kind: 'fixedDelay', attempts: 1_000, delayMs: 1 },
      },
      20,
      seed,
    );
    const expected = await finishSource(PLAIN);
    expect(results).toEqual(expected.results);
    expect(letters).toEqual(expected.letters);
  },
);

test('without a policy the first one ends the job, as any failure of a function', async () => {
  const job = defineJob('source', (env) => {
    env
      .from(generator({ count: 9, seed: 1, make: (seq) => JSON.parse(seq === 5 ? '{' : '1') as number }))
      .print();
  });
  const runtime = virtualRuntime({ seed: 1 });
  const handle = await startJob(runtime, job, { logger: silentLogger, restart: { kind: 'none' } });
  await expect(finishJob(runtime, handle)).rejects.toMatchObject({
    cause: { operator: 'generator', position: 'seq 5' },
  });
});
