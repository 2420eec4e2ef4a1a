// A savepoint is data from outside. Damaged at random or forged with checksums that fit, it is refused, or the job ends: it never
// hangs, never reaches outside of the job's directories, and what is wrong with it is told as an error of Weir.
//
// WEIR_FUZZ_RUNS=5000 npx vitest run test/checkpoint/hostile-savepoints.test.ts looks longer.

import { expect, test } from 'vitest';
import { WeirError } from '../../src/base/errors.js';
import { randomBelow, randomStream } from '../../src/base/random-stream.js';
import {
  count,
  defineJob,
  fileLines,
  fileSink,
  type KeyedContext,
  KeyedProcessFunction,
  listState,
  mapState,
  monotonous,
  session,
  silentLogger,
  tumbling,
  valueState,
  withTimestamps,
} from '../../src/index.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import type { StoreImage } from '../../src/testing/virtual-stores.js';
import { settle, startJob } from '../engine/virtual-job.js';
import { damaged, forged } from './hostile-bytes.js';

const RUNS = Number(process.env['WEIR_FUZZ_RUNS'] ?? 250);
const LINES = 60;
const SECRET = 'SECRET';

class Everything extends KeyedProcessFunction<string, string, string> {
  private readonly seen = valueState<number>('seen');
  private readonly list = listState<string>('list', { ttl: 1_000_000 });
  private readonly map = mapState<string, number>('map');
  override onElement(line: string, context: KeyedContext<string, string>): void {
    this.seen.set((this.seen.get() ?? 0) + 1);
    this.list.add(line);
    this.map.set(line.slice(0, 3), line.length);
    context.timers.event(context.timestamp + 1_000);
    context.emit(`${context.key} ${this.seen.get()}`);
  }
  override onTimer(at: number, context: KeyedContext<string, string>): void {
    context.emit(`${context.key} ${at} ${this.list.get().length} ${[...this.map.keys()].length}`);
  }
}

const job = defineJob('everything', (env) => {
  const lines = env.from(fileLines(['/in/a', '/in/b'], { ratePerSecond: 1_000 }), {
    uid: 'lines',
    watermarks: withTimestamps((line: string) => Number(line.split(' ')[1]), monotonous()),
  });
  const keyed = lines.keyBy((line) => `k${Number(line.split(' ')[1]) % 4}`);
  const windows = keyed.window(tumbling(10)).allowedLateness(5).aggregate(count()).uid('windows').map(String);
  const sessions = keyed
    .window(session(3))
    .process(function* (key, window, elements) {
      yield `${key} ${window.start} ${elements.length}`;
    })
    .uid('sessions');
  keyed
    .process(Everything)
    .uid('everything')
    .union(windows, sessions)
    .sinkTo(fileSink('/out'), { uid: 'files' });
});

function machine(): VirtualRuntime {
  const runtime = virtualRuntime({ seed: 1 });
  for (const directory of ['/in', '/outside', '/out']) runtime.disk.makeDirectory(directory);
  for (const name of ['a', 'b'])
    runtime.disk.write(`/in/${name}`, Array.from({ length: LINES }, (_, n) => `${name} ${n}\n`).join(''));
  runtime.disk.write('/outside/secret', `${SECRET} 1\n${SECRET} 2\n`);
  return runtime;
}

/** The savepoint, and the files that its transactions speak of. */
interface Whole {
  readonly image: StoreImage;
  readonly files: ReadonlyMap<string, string>;
}

async function savepoint(): Promise<Whole> {
  const runtime = machine();
  const handle = await startJob(runtime, job, {
    logger: silentLogger,
    parallelism: 2,
    checkpoint: { dir: '/job', intervalMs: 20 },
  });
  await runtime.advance(30);
  await settle(runtime, handle.stop({ savepoint: '/sp' }));
  const image = runtime.stores.find('/sp');
  if (image === undefined) throw new Error('there is no savepoint');
  const files = runtime.disk.list('/out').filter((name) => !name.startsWith('.'));
  return {
    image: image.fork(),
    files: new Map(files.map((name) => [name, runtime.disk.readText(`/out/${name}`) ?? ''])),
  };
}

interface Ended {
  readonly state: 'finished' | 'refused';
  readonly error: unknown;
  readonly runtime: VirtualRuntime;
}

async function start({ image, files }: Whole, parallelism: number): Promise<Ended> {
  const runtime = machine();
  for (const [name, text] of files) runtime.disk.write(`/out/${name}`, text);
  runtime.disk.makeDirectory('/sp');
  runtime.stores.adopt('/sp', image);
  // Whatever hangs leaves nothing to do in virtual time: `settle` then says so, and that error is none of Weir's.
  try {
    const handle = await startJob(runtime, job, {
      ...{ logger: silentLogger, parallelism, from: '/sp' },
      checkpoint: { dir: '/job', intervalMs: 20 },
      restart: { kind: 'fixedDelay', attempts: 2, delayMs: 1 },
    });
    await settle(runtime, handle.finished);
    return { state: 'finished', error: null, runtime };
  } catch (error) {
    return { state: 'refused', error, runtime };
  }
}

function expectHarmless({ state, error, runtime }: Ended, what: string): void {
  if (state === 'refused') {
    // What the job failed with, or what refused it: an error of Weir, and not a slip of the engine over what it was given.
    const told = (error as Error).cause ?? error;
    expect(told, `${what}: ${(told as Error).stack}`).toBeInstanceOf(WeirError);
  }
  expect(runtime.disk.readText('/outside/secret'), what).toBe(`${SECRET} 1\n${SECRET} 2\n`);
  expect(runtime.disk.list('/outside'), what).toEqual(['secret']);
  for (const name of runtime.disk.list('/out').filter((each) => !each.startsWith('.')))
    expect(runtime.disk.readText(`/out/${name}`), what).not.toContain(SECRET);
  expect(['in', 'out', 'outside', 'job', 'sp']).toEqual(expect.arrayContaining([...runtime.disk.list('/')]));
}

test('the savepoint itself is whole: the job ends from it', async () => {
  const ended = await start(await savepoint(), 2);
  expect(ended.error).toBe(null);
  expect(ended.state).toBe('finished');
});

test.each([
  ['damaged at random', damaged],
  ['forged with checksums that fit', forged],
] as const)('a savepoint %s does no harm', async (name, spoil) => {
  const whole = await savepoint();
  let refused = 0;
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const random = randomStream(seed, name);
    const image = whole.image.fork();
    const what = `seed ${seed}: ${spoil(image, random)}`;
    const ended = await start({ ...whole, image }, 1 + randomBelow(random, 3));
    expectHarmless(ended, what);
    if (ended.state === 'refused') refused += 1;
  }
  expect(refused).toBeGreaterThan(RUNS / 4);
});
