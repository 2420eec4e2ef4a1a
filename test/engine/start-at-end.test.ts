// A start position that is found by looking is durable before anything behind it is read: no crash makes the next look skip a line.

import { expect, test } from 'vitest';
import type { Points } from '../../src/base/runtime.js';
import {
  type CollectSink,
  collectSink,
  defineJob,
  fileLines,
  type RunOptions,
  silentLogger,
} from '../../src/index.js';
import { PROTOCOL_STEPS } from '../../src/task/effect.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, livingActors, settle, startJob } from './virtual-job.js';

const OPTIONS = { follow: true, start: 'end', pollIntervalMs: 2 } as const;

/** What functions have seen, in all attempts: each of it has to be committed. */
function followJob(paths: readonly string[], sink: CollectSink<string>, seen: Set<string>) {
  return defineJob('follow', (env) => {
    env
      .from(fileLines(paths, OPTIONS), { uid: 'lines' })
      .map((line) => {
        seen.add(line);
        return line;
      })
      .uid('seen')
      .sinkTo(sink, { uid: 'out' });
  });
}

const LINES_MAX = 200;

/** Appends a line to each file, again and again. */
function writeLines(
  runtime: VirtualRuntime,
  paths: readonly string[],
  everyMs: number,
): () => readonly string[] {
  const written: string[] = [];
  let n = 0;
  const next = (): void => {
    for (const path of paths) {
      runtime.disk.append(path, `${path} ${n}\n`);
      written.push(`${path} ${n}`);
    }
    n += 1;
    // Not for ever: a job that hangs is found by there being nothing left to do.
    if (n < LINES_MAX) runtime.timers.after(everyMs, next);
  };
  runtime.timers.after(everyMs, next);
  return () => [...written];
}

function expectNothingSkipped(
  committed: readonly string[],
  seen: ReadonlySet<string>,
  written: readonly string[],
): void {
  expect(new Set(committed).size).toBe(committed.length);
  for (const line of seen) expect(committed).toContain(line);
  for (const path of new Set(written.map((line) => line.split(' ')[0]))) {
    const of = (lines: readonly string[]) => lines.filter((line) => line.startsWith(`${path} `));
    const read = of(committed);
    expect(read).toEqual(
      of(written)
        .slice(of(written).indexOf(read[0] ?? ''))
        .slice(0, read.length),
    );
    expect(read.length).toBeGreaterThan(3);
  }
}

const steps = PROTOCOL_STEPS.flatMap((step) =>
  [1, 2].flatMap((nth) => [null, 7].map((intervalMs) => [step, nth, intervalMs] as const)),
);

test.each(steps)(
  'a crash at %s, time %i, with interval %s skips no line that was read',
  async (step, nth, intervalMs) => {
    let hits = 0;
    const points: Points = {
      hit: (name) => {
        if (name !== step) return;
        hits += 1;
        if (hits === nth) throw new Error(`crash at ${step}`);
      },
    };
    const runtime = virtualRuntime({ seed: 1, points });
    const paths = ['/a', '/b'];
    for (const path of paths) runtime.disk.write(path, 'old 1\nold 2\n');
    const written = writeLines(runtime, paths, 3);
    const [sink, seen] = [collectSink<string>(), new Set<string>()];
    const handle = await startJob(runtime, followJob(paths, sink, seen), {
      logger: silentLogger,
      parallelism: 2,
      checkpoint: { dir: '/job', intervalMs },
      restart: { kind: 'fixedDelay', attempts: 20, delayMs: 5 },
    });
    await runtime.advance(150);
    const stopped = await settle(
      runtime,
      handle.stop().then(
        () => null,
        (error: unknown) => error,
      ),
    );
    // The stop itself may be what fails; the job then runs on, and can be stopped again.
    if (stopped !== null) {
      await runtime.advance(50);
      await settle(runtime, handle.stop());
    }
    expectNothingSkipped(sink.committed(), seen, written());
  },
);

type Options = Omit<RunOptions, 'runtime' | 'actorHost'>;
const ON_DISK: Options = { logger: silentLogger, checkpoint: { dir: '/job', intervalMs: null } };

test('without an interval a checkpoint is taken at once, and only one', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  runtime.disk.write('/a', 'old\n');
  const written = writeLines(runtime, ['/a'], 3);
  const [sink, seen] = [collectSink<string>(), new Set<string>()];
  const handle = await startJob(runtime, followJob(['/a'], sink, seen), ON_DISK);
  await runtime.advance(100);
  expect((await settle(runtime, handle.status())).checkpointsCompleted).toBe(1);
  expect(seen.size).toBeGreaterThan(20);
  await settle(runtime, handle.stop());
  expectNothingSkipped(sink.committed(), seen, written());
});

test('the second run goes on where the first one was, and takes no checkpoint at once', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  runtime.disk.write('/a', 'old\n');
  const written = writeLines(runtime, ['/a'], 3);
  const seen = new Set<string>();
  const all: string[] = [];
  for (const checkpoints of [1, 0]) {
    const sink = collectSink<string>();
    const handle = await startJob(runtime, followJob(['/a'], sink, seen), ON_DISK);
    await runtime.advance(50);
    expect((await settle(runtime, handle.status())).checkpointsCompleted).toBe(checkpoints);
    await settle(runtime, handle.stop());
    all.push(...sink.committed());
    await runtime.advance(20);
  }
  expectNothingSkipped(all, seen, written());
  expect(all.length).toBeGreaterThan(35);
});

test('without checkpoints it reads at once', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  runtime.disk.write('/a', 'old\n');
  writeLines(runtime, ['/a'], 3);
  const [sink, seen] = [collectSink<string>(), new Set<string>()];
  const handle = await startJob(runtime, followJob(['/a'], sink, seen), { logger: silentLogger });
  await runtime.advance(30);
  await settle(runtime, handle.cancel());
  expect(sink.committed().length).toBeGreaterThan(5);
});

test('a file that is not there yet is read from its beginning', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const [sink, seen] = [collectSink<string>(), new Set<string>()];
  const handle = await startJob(runtime, followJob(['/late'], sink, seen), ON_DISK);
  await runtime.advance(20);
  runtime.disk.write('/late', 'one\ntwo\n');
  await runtime.advance(20);
  await settle(runtime, handle.stop());
  expect(sink.committed()).toEqual(['one', 'two']);
});

/** Every checkpoint is refused by the source until `open` is called. */
function closedGate(): { readonly points: Points; open(): void } {
  let closed = true;
  return {
    points: {
      hit: (name) => {
        if (closed && name === 'snapshot.started') throw new Error('no snapshot');
      },
    },
    open: () => {
      closed = false;
    },
  };
}

test('while it waits nothing is read, whatever else happens; another source reads on', async () => {
  const gate = closedGate();
  const runtime = virtualRuntime({ seed: 1, points: gate.points });
  runtime.disk.write('/a', 'old\n');
  const written = writeLines(runtime, ['/a'], 3);
  const [sink, seen, others] = [collectSink<string>(), new Set<string>(), new Set<number>()];
  const job = defineJob('both', (env) => {
    const other = env.from([1, 2, 3], { uid: 'array' }).map((n) => {
      others.add(n);
      return `array ${n}`;
    });
    const lines = env.from(fileLines('/a', OPTIONS), { uid: 'lines' }).map((line) => {
      seen.add(line);
      return line;
    });
    other.union(lines).sinkTo(sink, { uid: 'out' });
  });
  const restart = { kind: 'fixedDelay', attempts: 1_000, delayMs: 5 } as const;
  const handle = await startJob(runtime, job, { ...ON_DISK, restart });
  await runtime.advance(100);
  expect([...seen]).toEqual([]);
  expect([...others]).toEqual([1, 2, 3]);
  gate.open();
  await runtime.advance(100);
  await settle(runtime, handle.stop());
  const committed = sink.committed();
  expect(committed.filter((text) => text.startsWith('array'))).toEqual(['array 1', 'array 2', 'array 3']);
  expectNothingSkipped(
    committed.filter((text) => !text.startsWith('array')),
    seen,
    written(),
  );
});

test.each(['stop', 'drain', 'savepoint', 'cancel'] as const)(
  '%s before the first checkpoint',
  async (what) => {
    const runtime = virtualRuntime({ seed: 1 });
    runtime.disk.write('/a', 'old\n');
    const [sink, seen] = [collectSink<string>(), new Set<string>()];
    const handle = await startJob(runtime, followJob(['/a'], sink, seen), ON_DISK);
    runtime.disk.append('/a', 'one\n');
    if (what === 'savepoint') {
      await settle(runtime, handle.savepoint('/sp'));
      await settle(runtime, handle.stop());
      const again = collectSink<string>();
      const from = { ...ON_DISK, checkpoint: { dir: '/other', intervalMs: null }, from: '/sp' };
      runtime.disk.append('/a', 'two\n');
      const second = await startJob(runtime, followJob(['/a'], again, seen), from);
      await runtime.advance(30);
      await settle(runtime, second.stop());
      // Whether the savepoint came before the first line or behind it, the second is not skipped.
      expect(again.committed()).toContain('two');
    } else if (what === 'cancel') {
      await settle(runtime, handle.cancel());
    } else {
      await settle(runtime, handle.stop({ drain: what === 'drain' }));
      expect((await finishJob(runtime, handle)).state).toBe(what === 'drain' ? 'FINISHED' : 'SUSPENDED');
    }
    expect(['one', 'two']).toEqual(expect.arrayContaining([...seen]));
  },
);

test('nothing is read while the first checkpoint is slow, so a crash before it skips nothing', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  runtime.disk.write('/a', 'old\n');
  const written = writeLines(runtime, ['/a'], 3);
  const [sink, seen] = [collectSink<string>(), new Set<string>()];
  const restart = { kind: 'fixedDelay', attempts: 9, delayMs: 1 } as const;
  const handle = await startJob(runtime, followJob(['/a'], sink, seen), { ...ON_DISK, restart });
  runtime.faults.keyValues = (operation) => (operation === 'commit' ? { delayMs: 40 } : null);
  await runtime.advance(30);
  expect(written().length).toBeGreaterThan(5);
  expect((await settle(runtime, handle.status())).checkpointsCompleted).toBe(0);
  expect([...seen]).toEqual([]);
  const source = handle.system.find(livingActors(handle.system).find((path) => path.includes('file')) ?? '');
  if (source === null) throw new Error('no actor of the source is alive');
  handle.system.crash(source, new Error('killed'));
  runtime.faults.keyValues = null;
  await runtime.advance(100);
  await settle(runtime, handle.stop());
  expectNothingSkipped(sink.committed(), seen, written());
});

test.each(['stop', 'drain', 'cancel'] as const)('%s while it waits reads nothing', async (what) => {
  const runtime = virtualRuntime({ seed: 1 });
  runtime.disk.write('/a', 'old\n');
  const written = writeLines(runtime, ['/a'], 3);
  const [sink, seen] = [collectSink<string>(), new Set<string>()];
  const handle = await startJob(runtime, followJob(['/a'], sink, seen), ON_DISK);
  runtime.faults.keyValues = (operation) => (operation === 'commit' ? { delayMs: 40 } : null);
  await runtime.advance(10);
  const ended = what === 'cancel' ? handle.cancel() : handle.stop({ drain: what === 'drain' });
  await runtime.advance(10);
  expect([...seen]).toEqual([]);
  await settle(runtime, ended);
  runtime.faults.keyValues = null;
  if (what === 'drain') return;
  const next = await startJob(runtime, followJob(['/a'], sink, seen), ON_DISK);
  await runtime.advance(60);
  await settle(runtime, next.stop());
  // Stopped, its place is known: behind what was there at the first start. Cancelled, it looks again.
  if (what === 'stop') expect(sink.committed()[0]).toBe('/a 0');
  expectNothingSkipped(sink.committed(), seen, written());
});
