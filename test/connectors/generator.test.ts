import fc from 'fast-check';
import { expect, test } from 'vitest';
import { generator } from '../../src/connectors/generator.js';
import { verifySource } from '../../src/testing/source-contract.js';
import { SourceProbe } from './source-probe.js';

const order = (seq: number, random: { next(): number }) => ({
  seq,
  amount: Math.floor(random.next() * 1_000),
});

test('a generator keeps the contract, paced or not', async () => {
  const expected = await truth(1_000, 7);
  await verifySource(() => generator({ seed: 7, count: 1_000, make: order }), { expected });
  await verifySource(() => generator({ seed: 7, count: 300, make: order, ratePerSecond: 1_000 }), {
    expected: expected.slice(0, 300),
    runs: 15,
  });
});

test('an endless generator is replayed too', () =>
  verifySource(() => generator({ seed: 7, make: order }), { recordsTotal: 2_000, runs: 10 }));

test('one subtask alone sees all records in order, whatever the rate', async () => {
  for (const ratePerSecond of [undefined, 50, 1_000, 40_000]) {
    const limit = ratePerSecond === undefined ? {} : { ratePerSecond };
    const probe = await new SourceProbe(
      generator({ seed: 1, count: 700, make: (seq) => seq, ...limit }),
    ).open();
    expect(await probe.readAll()).toEqual(Array.from({ length: 700 }, (_, seq) => seq));
  }
});

test('record n is the same whatever lanes, rate and order of reading', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 100_000 }),
      async (lanes, rate) => {
        const source = generator({ seed: 'abc', count: 200, make: order, lanes, ratePerSecond: rate });
        const probe = await new SourceProbe(source).open();
        const records = [...(await probe.readAll(13))].sort((a, b) => a.seq - b.seq);
        expect(records).toEqual(await truth(200, 'abc'));
      },
    ),
    { numRuns: 15 },
  );
});

test('other seeds give other records, and draws are spread evenly', async () => {
  const draws = async (seed: number): Promise<readonly number[]> =>
    (
      await new SourceProbe(generator({ seed, count: 4_000, make: (_seq, random) => random.next() })).open()
    ).readAll();
  const [one, two] = [await draws(1), await draws(2)];
  const shared = new Set(one.filter((draw) => two.includes(draw)));
  expect(shared.size).toBeLessThan(5);
  for (let bucket = 0; bucket < 10; bucket += 1) {
    const inBucket = one.filter((draw) => Math.floor(draw * 10) === bucket).length;
    expect(inBucket).toBeGreaterThan(320);
    expect(inBucket).toBeLessThan(480);
  }
});

test('a paced generator emits record n when n / rate has passed', async () => {
  const probe = await new SourceProbe(
    generator({ seed: 1, count: 2_001, ratePerSecond: 1_000, make: (seq) => seq }),
  ).open();
  const startMs = probe.runtime.nowMs;
  while (probe.values.length < 2_001) {
    const polled = await probe.poll();
    const passedMs = probe.runtime.nowMs - startMs;
    expect(probe.values.length).toBeLessThanOrEqual(passedMs + 1);
    expect(probe.values.length).toBeGreaterThan(passedMs - 10);
    if (polled.kind === 'nothing') await probe.runtime.advance(polled.retryMs);
  }
});

test('after a stall a paced generator catches up on one second at most', async () => {
  const probe = await new SourceProbe(
    generator({ seed: 1, ratePerSecond: 1_000, make: (seq) => seq }),
  ).open();
  await probe.readAvailable();
  await probe.runtime.advance(60_000);
  expect((await probe.readAvailable()).length).toBeLessThanOrEqual(1_002);
  await probe.runtime.advance(2_000);
  expect((await probe.readAvailable()).length).toBeLessThanOrEqual(1_002);
});

test('a generator restored with another rate keeps its lanes and loses nothing', async () => {
  const fast = await new SourceProbe(generator({ seed: 1, count: 5_000, make: (seq) => seq })).open();
  while (fast.values.length < 1_200) await fast.poll(100);
  const splits = [...fast.positions].map(([id, position]) => ({ id, position }));
  const slow = await new SourceProbe(
    generator({ seed: 1, count: 5_000, ratePerSecond: 900, make: (seq) => seq }),
  ).open(splits);
  const all = [...fast.values, ...(await slow.readAll())].sort((a, b) => a - b);
  expect(all).toEqual(Array.from({ length: 5_000 }, (_, seq) => seq));
});

test('event times come with the records', async () => {
  const source = generator({
    seed: 1,
    count: 3,
    make: (seq) => ({ at: seq * 10 }),
    timestamp: ({ at }) => at + 5,
  });
  const probe = await new SourceProbe(source).open();
  expect(await probe.poll()).toMatchObject({ kind: 'records', timestamps: [5, 15, 25] });
});

test('what `make` throws is told among the records, with its number', async () => {
  const source = generator({
    seed: 1,
    make: (seq) => {
      if (seq === 3) throw new Error('no stock');
      return seq;
    },
  });
  const probe = await new SourceProbe(source).open();
  expect(await probe.poll()).toMatchObject({
    values: [0, 1, 2],
    next: 4,
    rejected: [{ before: 3, record: 3, position: 'seq 3', error: { code: 'WEIR_USER_CODE' } }],
  });
  expect(await probe.poll()).toMatchObject({ values: { length: 252 } });
});

test('wrong options are refused at once', () => {
  expect(() => generator({ seed: 1, make: order, count: -1 })).toThrow(/count is a whole number/);
  expect(() => generator({ seed: 1, make: order, lanes: 0 })).toThrow(/lanes/);
  expect(() => generator({ seed: 1, make: order, ratePerSecond: 0 })).toThrow(
    /ratePerSecond is a positive number/,
  );
});

async function truth(
  count: number,
  seed: number | string,
): Promise<readonly { seq: number; amount: number }[]> {
  return await (await new SourceProbe(generator({ seed, count, make: order, lanes: 1 })).open()).readAll();
}
