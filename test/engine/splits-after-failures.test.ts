// New, gone and announced splits where a job starts from a savepoint, is rescaled, or fails before it has a checkpoint with them.

import { expect, test } from 'vitest';
import {
  collectSink,
  defineJob,
  type Polled,
  type RunOptions,
  type Source,
  silentLogger,
} from '../../src/index.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, livingActors, settle, startJob } from './virtual-job.js';

/** By id, how many numbers a split has. */
type Shelf = Map<string, number>;

interface Extras {
  /** Not listed, but announced by whoever reads the first listed split from its beginning. */
  readonly announced?: readonly string[];
  /** Gets the splits of each opening. */
  readonly opened?: string[];
}

/** Endless: one number a poll and 1 ms, split by split. */
function shelfSource(shelf: Shelf, { announced = [], opened = [] }: Extras): Source<string, number> {
  const listed = (): readonly string[] => [...shelf.keys()].filter((id) => !announced.includes(id));
  return {
    name: 'shelf',
    bounded: false,
    replayable: true,
    discover: () => listed().map((id) => ({ id, position: 0 })),
    open(splits) {
      opened.push(splits.map(({ id }) => id).join(' '));
      const at = new Map(splits.map(({ id, position }) => [id, position]));
      let news = at.get(listed()[0] ?? '') === 0 ? announced : [];
      let rests = false;
      return {
        poll(): Polled<string, number> {
          const splits = news.map((id) => ({ id, position: 0 }));
          news = [];
          for (const { id } of splits) at.set(id, 0);
          if (splits.length > 0) return { kind: 'newSplits', splits };
          rests = !rests;
          if (rests) return { kind: 'nothing', retryMs: 1 };
          for (const [split, from] of at) {
            if (from >= (shelf.get(split) ?? 0)) continue;
            at.set(split, from + 1);
            return { kind: 'records', split, values: [`${split}${from}`], next: from + 1 };
          }
          return { kind: 'nothing', retryMs: 5 };
        },
        close: () => undefined,
      };
    },
  };
}

const all = (shelf: Shelf) =>
  [...shelf].flatMap(([id, n]) => Array.from({ length: n }, (_, value) => `${id}${value}`)).sort();

type Options = Omit<RunOptions, 'runtime' | 'actorHost'>;
const ON_DISK: Options = {
  logger: silentLogger,
  checkpoint: { dir: '/job', intervalMs: 10 },
  restart: { kind: 'fixedDelay', attempts: 9, delayMs: 1 },
};

async function begin(runtime: VirtualRuntime, shelf: Shelf, options: Options, extras: Extras = {}) {
  const sink = collectSink<string>();
  const job = defineJob('shelf', (env) => {
    env.from(shelfSource(shelf, extras), { uid: 'shelf' }).sinkTo(sink, { uid: 'out' });
  });
  return { sink, handle: await startJob(runtime, job, options) };
}

async function runFor(
  runtime: VirtualRuntime,
  ms: number,
  shelf: Shelf,
  options: Options,
  extras: Extras = {},
): Promise<readonly string[]> {
  const { sink, handle } = await begin(runtime, shelf, options, extras);
  await runtime.advance(ms);
  await settle(runtime, handle.stop());
  return sink.committed();
}

function killSource({ system }: Awaited<ReturnType<typeof startJob>>): void {
  const source = system.find(livingActors(system).find((path) => path.includes('shelf')) ?? '');
  if (source === null) throw new Error('no actor of the source is alive');
  system.crash(source, new Error('killed'));
}

const RESCALED = [
  [1, 20],
  [3, 20],
  [2, 500],
] as const;

test('with another parallelism each time, a split that is new each time is read once', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const shelf: Shelf = new Map();
  const read: string[] = [];
  for (const [parallelism, ms] of RESCALED) {
    shelf.set(`of ${parallelism} `, 50);
    read.push(...(await runFor(runtime, ms, shelf, { ...ON_DISK, parallelism })));
  }
  expect(read.sort()).toEqual(all(shelf));
});

test('splits that a reader has announced are read on with another parallelism, though nobody lists them', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const shelf: Shelf = new Map([
    ['a', 40],
    ['m', 40],
    ['n', 40],
  ]);
  const read: string[] = [];
  for (const [parallelism, ms] of RESCALED) {
    read.push(...(await runFor(runtime, ms, shelf, { ...ON_DISK, parallelism }, { announced: ['m', 'n'] })));
  }
  expect(read.sort()).toEqual(all(shelf));
});

test('a split that was announced, then listed, then taken out is refused by name', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const shelf: Shelf = new Map([
    ['a', 90],
    ['n', 90],
  ]);
  await runFor(runtime, 20, shelf, ON_DISK, { announced: ['n'] });
  await runFor(runtime, 20, shelf, ON_DISK);
  shelf.delete('n');
  const { handle } = await begin(runtime, shelf, ON_DISK);
  await runtime.advance(20);
  // Read on in silence it would never end.
  const stopped = settle(runtime, handle.stop());
  await expect(stopped).rejects.toThrow('The job has failed');
  await expect(finishJob(runtime, handle)).rejects.toMatchObject({ cause: { code: 'WEIR_RESTORE' } });
});

test('from a savepoint, new splits are read and known ones go on', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const shelf: Shelf = new Map([
    ['a', 50],
    ['b', 50],
  ]);
  const { sink, handle } = await begin(runtime, shelf, { ...ON_DISK, parallelism: 2 });
  await runtime.advance(30);
  await settle(runtime, handle.stop({ savepoint: '/savepoint' }));
  shelf.set('c', 9);
  const checkpoint = { dir: '/other', intervalMs: 10 };
  const second = await runFor(runtime, 400, shelf, {
    ...ON_DISK,
    ...{ checkpoint, from: '/savepoint', parallelism: 3 },
  });
  expect([...sink.committed(), ...second].sort()).toEqual(all(shelf));
});

test('a crash before the first checkpoint that has a new split gives it to the same subtask, from its beginning', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const shelf: Shelf = new Map([
    ['a', 30],
    ['b', 30],
  ]);
  const first = await runFor(runtime, 20, shelf, { ...ON_DISK, parallelism: 2 });
  shelf.set('c', 30);
  const opened: string[] = [];
  const checkpoint = { dir: '/job', intervalMs: 60_000 };
  const { sink, handle } = await begin(
    runtime,
    shelf,
    { ...ON_DISK, checkpoint, parallelism: 2 },
    { opened },
  );
  await runtime.advance(15);
  killSource(handle);
  await runtime.advance(400);
  expect((await settle(runtime, handle.status())).checkpointsCompleted).toBe(0);
  await settle(runtime, handle.stop());
  expect(opened.slice(2).sort()).toEqual(opened.slice(0, 2).sort());
  expect([...first, ...sink.committed()].sort()).toEqual(all(shelf));
});

test('a split that is gone at a restart ends the job by name, without further restarts', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const shelf: Shelf = new Map([
    ['a', 300],
    ['b', 300],
  ]);
  const opened: string[] = [];
  const { handle } = await begin(runtime, shelf, { ...ON_DISK, parallelism: 2 }, { opened });
  await runtime.advance(35);
  shelf.delete('b');
  killSource(handle);
  await expect(finishJob(runtime, handle)).rejects.toMatchObject({
    cause: { code: 'WEIR_RESTORE', message: expect.stringMatching(/- b\n/) },
  });
  expect(opened.length).toBe(2);
});
