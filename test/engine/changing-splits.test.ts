// A source that has other splits than its checkpoint: new ones are read, gone ones are told.

import { expect, test } from 'vitest';
import {
  collectSink,
  defineJob,
  fileLines,
  generator,
  type Logger,
  type Polled,
  type RunOptions,
  type Source,
  silentLogger,
} from '../../src/index.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, livingActors, settle, startJob } from './virtual-job.js';

type Shelf = Map<string, readonly number[]>;

/** Reads one number a poll and 1 ms, split by split; `endless`: its splits never end. */
function shelfSource(shelf: Shelf, endless: boolean): Source<string, number> {
  return {
    name: 'shelf',
    bounded: !endless,
    replayable: true,
    discover: () => [...shelf.keys()].map((id) => ({ id, position: 0 })),
    open(splits) {
      let rests = false;
      const at = new Map(splits.map(({ id, position }) => [id, position]));
      return {
        poll(): Polled<string, number> {
          rests = !rests;
          if (rests) return { kind: 'nothing', retryMs: 1 };
          for (const [split, from] of at) {
            const value = shelf.get(split)?.[from];
            if (value === undefined && endless) continue;
            if (value === undefined) {
              at.delete(split);
              return { kind: 'splitEnd', split };
            }
            at.set(split, from + 1);
            return { kind: 'records', split, values: [`${split}${value}`], next: from + 1 };
          }
          return { kind: 'nothing', retryMs: 5 };
        },
        close: () => undefined,
      };
    },
  };
}

const numbers = (n: number) => Array.from({ length: n }, (_, index) => index);
const all = (id: string, n: number) => numbers(n).map((value) => `${id}${value}`);

function shelfJob(shelf: Shelf, endless = true) {
  const sink = collectSink<string>();
  const job = defineJob('shelf', (env) => {
    env.from(shelfSource(shelf, endless), { uid: 'shelf' }).sinkTo(sink, { uid: 'out' });
  });
  return { job, sink };
}

type Options = Omit<RunOptions, 'runtime' | 'actorHost'>;
const ON_DISK: Options = { logger: silentLogger, checkpoint: { dir: '/job', intervalMs: 10 } };

/** Lets the job run for so long, stops it, and answers what it has committed. */
async function runFor(
  runtime: VirtualRuntime,
  ms: number,
  shelf: Shelf,
  options: Options,
): Promise<readonly string[]> {
  const { job, sink } = shelfJob(shelf);
  const handle = await startJob(runtime, job, options);
  await runtime.advance(ms);
  await settle(runtime, handle.stop());
  return sink.committed();
}

test.each([
  [1, 1],
  [2, 2],
  [1, 3],
  [3, 2],
])(
  'a split that is new is read from its beginning, the others go on (parallelism %i, then %i)',
  async (before, after) => {
    const runtime = virtualRuntime({ seed: 1 });
    const first = await runFor(
      runtime,
      40,
      new Map([
        ['a', numbers(100)],
        ['b', numbers(20)],
      ]),
      { ...ON_DISK, parallelism: before },
    );
    const grown: Shelf = new Map([
      ['new', numbers(30)],
      ['a', numbers(100)],
      ['b', numbers(20)],
      ['c', numbers(5)],
    ]);
    const second = await runFor(runtime, 400, grown, { ...ON_DISK, parallelism: after });
    expect(first.length).toBeGreaterThan(10);
    expect([...first, ...second].sort()).toEqual(
      [...all('a', 100), ...all('b', 20), ...all('c', 5), ...all('new', 30)].sort(),
    );
  },
);

test('a split that appears while the job runs is read after the next restart, once', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const shelf: Shelf = new Map([['a', numbers(60)]]);
  const { job, sink } = shelfJob(shelf);
  const handle = await startJob(runtime, job, {
    ...ON_DISK,
    parallelism: 2,
    restart: { kind: 'fixedDelay', attempts: 9, delayMs: 1 },
  });
  for (const [ms, id] of [
    [15, 'b'],
    [15, 'c'],
    [15, null],
  ] as const) {
    await runtime.advance(ms);
    if (id !== null) shelf.set(id, numbers(10));
    const path = livingActors(handle.system).find((each) => each.includes('shelf')) ?? '';
    const source = handle.system.find(path);
    if (source === null) throw new Error('no actor of the source is alive');
    handle.system.crash(source, new Error('killed'));
  }
  await runtime.advance(300);
  await settle(runtime, handle.stop());
  expect([...sink.committed()].sort()).toEqual([...all('a', 60), ...all('b', 10), ...all('c', 10)].sort());
});

test('a split that is gone before its end is refused by name; allowNonRestoredState leaves it behind, and says so', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const shelf: Shelf = new Map([
    ['a', numbers(50)],
    ['b', numbers(50)],
    ['d', []],
  ]);
  const first = await runFor(runtime, 30, shelf, { ...ON_DISK, parallelism: 2 });
  const rest: Shelf = new Map([
    ['a', numbers(50)],
    ['c', numbers(3)],
  ]);
  const { job } = shelfJob(rest);
  const refused = await startJob(runtime, job, ON_DISK);
  await expect(finishJob(runtime, refused)).rejects.toMatchObject({
    cause: {
      code: 'WEIR_RESTORE',
      message: expect.stringMatching(/"shelf" does not .*\n {2}- b\n {2}- d\n.*allowNonRestoredState/),
    },
  });
  const warned: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (fields, message) =>
      void (message.includes('left behind') && warned.push(...(fields['splits'] as string[]))),
    child: () => logger,
  };
  const second = await runFor(runtime, 300, rest, {
    ...ON_DISK,
    parallelism: 2,
    logger,
    allowNonRestoredState: true,
  });
  expect(warned.sort()).toEqual(['b', 'd']);
  const read = [...first, ...second];
  expect(read.filter((text) => !text.startsWith('b')).sort()).toEqual(
    [...all('a', 50), ...all('c', 3)].sort(),
  );
  // It has been forgotten for good.
  const third = await runFor(runtime, 30, rest, ON_DISK);
  expect(third).toEqual([]);
});

test('a split that had ended may be gone', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const shelf: Shelf = new Map([
    ['a', numbers(5)],
    ['b', numbers(60)],
  ]);
  const { job, sink } = shelfJob(shelf, false);
  const handle = await startJob(runtime, job, { ...ON_DISK, parallelism: 1 });
  await runtime.advance(30);
  await settle(runtime, handle.stop());
  const { job: again, sink: more } = shelfJob(new Map([['b', numbers(60)]]), false);
  const result = await finishJob(runtime, await startJob(runtime, again, ON_DISK));
  expect(result.state).toBe('FINISHED');
  expect([...sink.committed(), ...more.committed()].sort()).toEqual([...all('a', 5), ...all('b', 60)].sort());
});

test('fileLines: a file that is added to the job is read, one that is taken out of it is refused', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const write = (path: string, lines: readonly string[]) => runtime.disk.write(path, `${lines.join('\n')}\n`);
  write('/a', all('a', 40));
  write('/b', all('b', 40));
  write('/c', all('c', 40));
  const begin = async (paths: readonly string[]) => {
    const sink = collectSink<string>();
    const job = defineJob('files', (env) => {
      env
        .from(fileLines(paths, { follow: true, ratePerSecond: 1_000, pollIntervalMs: 5 }), { uid: 'files' })
        .sinkTo(sink, { uid: 'out' });
    });
    return { sink, handle: await startJob(runtime, job, ON_DISK) };
  };
  const run = async (paths: readonly string[], ms: number) => {
    const { handle, sink } = await begin(paths);
    await runtime.advance(ms);
    await settle(runtime, handle.stop());
    return sink.committed();
  };
  const first = await run(['/a', '/b'], 20);
  const second = await run(['/a', '/b', '/c'], 500);
  expect([...first, ...second].sort()).toEqual([...all('a', 40), ...all('b', 40), ...all('c', 40)].sort());
  const { handle } = await begin(['/a', '/c']);
  await expect(finishJob(runtime, handle)).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/- \/b\n/) },
  });
});

test('a generator keeps its lanes when its rate changes', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const run = async (ratePerSecond: number, ms: number | null) => {
    const sink = collectSink<number>();
    const job = defineJob('rate', (env) => {
      env
        .from(generator({ ratePerSecond, count: 300, seed: 1, make: (seq) => seq }), { uid: 'numbers' })
        .sinkTo(sink, { uid: 'out' });
    });
    const handle = await startJob(runtime, job, ON_DISK);
    if (ms === null) await finishJob(runtime, handle);
    else {
      await runtime.advance(ms);
      await settle(runtime, handle.stop());
    }
    return sink.committed();
  };
  const read = [...(await run(1_000, 100)), ...(await run(5_000, null))];
  expect([...read].sort((a, b) => a - b)).toEqual(numbers(300));
});

test('a source that lists a split twice is refused by name', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const source: Source<string, number> = {
    ...shelfSource(new Map([['a', numbers(5)]]), false),
    discover: () => ['a', 'a'].map((id) => ({ id, position: 0 })),
  };
  const job = defineJob('twins', (env) => {
    env.from(source, { uid: 'shelf' }).sinkTo(collectSink<string>(), { uid: 'out' });
  });
  const run = startJob(runtime, job, { logger: silentLogger, parallelism: 2 });
  const failure = await run.then((handle) => finishJob(runtime, handle)).catch((error: unknown) => error);
  expect(String(failure)).toMatch(/lists the split "a" twice/);
});
