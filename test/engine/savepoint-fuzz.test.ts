// A savepoint that a disk has damaged, or that somebody has changed who knows the format: it is refused with a way out, or the
// job ends. It never hangs, never takes the process down, and never touches a file outside of the directories of the job.
//
//   WEIR_FUZZ_RUNS=20000 npx vitest run test/engine/savepoint-fuzz.test.ts
//   WEIR_FUZZ_SEED=817 WEIR_FUZZ_RUNS=1 ...     one run again

import { expect, test } from 'vitest';
import { defineJob, type JobDefinition } from '../../src/api/define-job.js';
import { decode, encode } from '../../src/base/codec.js';
import { UserCodeError, WeirError } from '../../src/base/errors.js';
import { randomStream } from '../../src/base/random-stream.js';
import { fileLines } from '../../src/connectors/file-lines.js';
import { BEGINNING } from '../../src/connectors/file-mark.js';
import { fileSink } from '../../src/connectors/file-sink.js';
import { type KeyedContext, KeyedProcessFunction } from '../../src/operators/process-function.js';
import { listState, mapState, valueState } from '../../src/operators/state-handles.js';
import { boundedOutOfOrderness } from '../../src/operators/watermark-generators.js';
import { count } from '../../src/operators/windows/aggregates.js';
import { session, tumbling } from '../../src/operators/windows/window-assigners.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import type { StoreImage } from '../../src/testing/virtual-stores.js';
import { changeManifest, damageRow, tamperWithRow } from './savepoint-damage.js';
import { finishJob, settle, startJob } from './virtual-job.js';

const RUNS = Number(process.env['WEIR_FUZZ_RUNS'] ?? 40);
const FIRST_SEED = Number(process.env['WEIR_FUZZ_SEED'] ?? 1);

const INPUT = '/in/readings.log';
const SECRET = '/etc/secret';
const LINES = 120;
const TIMEOUT_MS = 15_000 + RUNS * 200;
/** What a job may touch. */
const ITS_OWN = ['/in', '/out', '/sp', '/job'];
/** Far more than the longest of these runs takes. */
const STEPS_MAX = 400_000;

interface Reading {
  readonly user: string;
  readonly at: number;
}

class Everything extends KeyedProcessFunction<string, Reading, string> {
  last = valueState<{ readonly at: number; readonly by: string }>('last');
  times = listState<number>('times');
  marks = mapState<string, bigint>('marks');
  fresh = valueState<string>('fresh', { ttl: 1e9 });
  freshTimes = listState<number>('freshTimes', { ttl: 1e9 });

  override onElement({ user, at }: Reading, context: KeyedContext<string, string>): void {
    const before = this.last.get();
    this.last.set({ at, by: user });
    this.times.add(at);
    this.marks.set(String(at % 3), (this.marks.get(String(at % 3)) ?? 0n) + 1n);
    this.fresh.set(`${user}@${at}`);
    this.freshTimes.add(at);
    context.timers.event(at + 50);
    context.emit(`${user} ${at} after ${before?.at ?? 'nothing'}`);
  }

  override onTimer(at: number, context: KeyedContext<string, string>): void {
    const times = [...this.times.get()].length + [...this.freshTimes.get()].length;
    context.emit(`timer ${at} ${times} ${this.marks.get('0') ?? 0n} ${this.fresh.get() ?? ''}`);
  }
}

const job: JobDefinition = defineJob('readings', (env) => {
  const readings = env
    .from(fileLines(INPUT, { ratePerSecond: 1_000 }), { uid: 'lines' })
    .map((line): Reading => {
      const [user = '', at = ''] = line.split(' ');
      return { user, at: Number(at) };
    })
    .uid('parsed')
    .assignTimestamps(({ at }) => at, boundedOutOfOrderness(5))
    .uid('timed')
    .keyBy(({ user }) => user);
  readings.process(Everything).uid('everything').sinkTo(fileSink('/out/all'), { uid: 'all' });
  readings
    .window(tumbling(40))
    .aggregate(count())
    .uid('windows')
    .sinkTo(fileSink('/out/windows'), { uid: 'counts' });
  readings
    .window(session(3))
    .aggregate(count())
    .uid('sessions')
    .sinkTo(fileSink('/out/sessions'), { uid: 'visits' });
});
const UIDS = ['lines', 'parsed', 'timed', 'everything', 'windows', 'sessions', 'all', 'counts', 'visits'];

const input = Array.from({ length: LINES }, (_, at) => `user-${at % 4} ${at}\n`).join('');

interface Taken {
  readonly savepoint: StoreImage;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

function machine(seed: number): VirtualRuntime {
  const runtime = virtualRuntime({ seed, stepsMax: STEPS_MAX });
  runtime.disk.write(INPUT, input);
  runtime.disk.write(SECRET, 'secret 1\n');
  return runtime;
}

async function filesBelow(runtime: VirtualRuntime, directory: string): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  const names = await settle(runtime, runtime.files.list(directory));
  for (const name of names) {
    const path = `${directory}/${name}`;
    const stat = await settle(runtime, runtime.files.stat(path));
    if (stat?.kind === 'directory') for (const entry of await filesBelow(runtime, path)) found.set(...entry);
    else found.set(path, runtime.disk.read(path) ?? new Uint8Array(0));
  }
  return found;
}

/** A savepoint with prepared files in it, as the process dies right behind it. */
async function takeSavepoint(): Promise<Taken> {
  const runtime = machine(1);
  const handle = await startJob(runtime, job, { checkpoint: { dir: '/first', intervalMs: null } });
  await runtime.advance(60);
  await settle(runtime, handle.savepoint('/sp'));
  const savepoint = runtime.stores.find('/sp');
  if (savepoint === undefined) throw new Error('there is a savepoint');
  const next = runtime.crashProcess({ unsynced: 'kept' });
  return { savepoint, files: await filesBelow(next, '/out') };
}

interface Outcome {
  readonly error: unknown;
  /** Committed lines, sorted. */
  readonly lines: readonly string[];
  readonly outside: readonly string[];
}

async function restore(taken: Taken, seed: number, spoil: (image: StoreImage) => void): Promise<Outcome> {
  const runtime = machine(seed);
  for (const [path, content] of taken.files) runtime.disk.write(path, content);
  await settle(runtime, runtime.files.makeDirectory('/sp'));
  runtime.stores.adopt('/sp', taken.savepoint);
  const image = runtime.stores.find('/sp');
  if (image === undefined) throw new Error('the savepoint was adopted');
  spoil(image);
  const outside: string[] = [];
  runtime.faults.files = (operation, path) => {
    if (!ITS_OWN.some((own) => path === own || path.startsWith(`${own}/`)) || path.includes('..'))
      outside.push(`${operation} ${path}`);
    return null;
  };
  let error: unknown = null;
  try {
    const restart = { kind: 'fixedDelay', attempts: 2, delayMs: 10 } as const;
    const options = { checkpoint: { dir: '/job', intervalMs: 50 }, from: '/sp', restart };
    await finishJob(runtime, await startJob(runtime, job, options));
  } catch (thrown) {
    error = thrown;
  }
  runtime.faults.files = null;
  if (runtime.disk.readText(SECRET) !== 'secret 1\n') outside.push('the secret is not there any more');
  const files = [...(await filesBelow(runtime, '/out'))].filter(([path]) => !path.includes('/.weir/'));
  const lines = files.flatMap(([, content]) => Buffer.from(content).toString('utf8').split('\n')).sort();
  return { error, lines: lines.filter((line) => line !== ''), outside };
}

/** Errors of Weir with a remedy, or of the user's own functions that were given state of another type. */
function isRefusal(thrown: unknown): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof UserCodeError || (error instanceof WeirError && error.remedy !== undefined))
      return true;
  }
  return false;
}

function expectHarmless(outcome: Outcome, what: string): void {
  expect(outcome.outside, what).toEqual([]);
  if (outcome.error === null || isRefusal(outcome.error)) return;
  throw new Error(`${what}: no refusal with a remedy`, { cause: outcome.error });
}

test('a savepoint that is whole brings the results of a run without it', async () => {
  const taken = await takeSavepoint();
  const whole = await restore(taken, 2, () => undefined);
  expect(whole.error).toBeNull();
  const runtime = machine(3);
  await finishJob(runtime, await startJob(runtime, job, { checkpoint: { dir: '/job', intervalMs: 50 } }));
  const files = [...(await filesBelow(runtime, '/out'))];
  const lines = files.flatMap(([, content]) => Buffer.from(content).toString('utf8').split('\n')).sort();
  expect(whole.lines).toEqual(lines.filter((line) => line !== ''));
});

test('a damaged savepoint is refused with a way out, or brings the right results', {
  timeout: TIMEOUT_MS,
}, async () => {
  const taken = await takeSavepoint();
  const { lines } = await restore(taken, 2, () => undefined);
  let refused = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed += 1) {
    const random = randomStream(seed, 'damage');
    let what = '';
    const outcome = await restore(taken, seed, (image) => {
      what = `seed ${seed}: ${damageRow(image, random)}`;
    });
    expectHarmless(outcome, what);
    if (outcome.error === null) expect(outcome.lines, what).toEqual(lines);
    else refused += 1;
  }
  if (RUNS > 20) expect(refused).toBeGreaterThan(RUNS / 4);
});

test('a savepoint that was tampered with does no harm', { timeout: TIMEOUT_MS }, async () => {
  const taken = await takeSavepoint();
  let refused = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + 2 * RUNS; seed += 1) {
    const random = randomStream(seed, 'tampering');
    let what = '';
    const outcome = await restore(taken, seed, (image) => {
      what = `seed ${seed}: ${tamperWithRow(image, random, { uids: UIDS })}`;
    });
    expectHarmless(outcome, what);
    if (outcome.error !== null) refused += 1;
  }
  if (RUNS > 20) expect(refused).toBeGreaterThan(RUNS / 4);
});

/** The savepoint with another split of the source of lines. */
function withSplit(image: StoreImage, change: (split: object) => object): void {
  changeManifest(image, (manifest) => ({
    ...manifest,
    operators: manifest.operators.map((operator) => ({
      ...operator,
      subtasks: operator.subtasks.map((subtask) =>
        operator.uid !== 'lines' || subtask === null
          ? subtask
          : {
              ...subtask,
              lists: subtask.lists.map((list) => ({
                ...list,
                items: list.items.map((item) => encode(change(decode(item) as object))),
              })),
            },
      ),
    })),
  }));
}

test.each([SECRET, '/in/../etc/secret', '../etc/secret'])(
  'no file but those of the job is read, also not %s that a savepoint says was announced',
  async (id) => {
    const taken = await takeSavepoint();
    for (const ended of [false, true]) {
      const outcome = await restore(taken, 2, (image) =>
        withSplit(image, (split) => ({ ...split, id, ended, announced: true, position: BEGINNING })),
      );
      expect(outcome.outside).toEqual([]);
      expect(outcome.lines.join()).not.toContain('secret');
      if (!ended) expect(String(outcome.error)).toContain('is not one of its own');
    }
  },
);
