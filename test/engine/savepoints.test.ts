// Savepoints, stops, rescaling: what a user asks of a running job, in virtual time.

import { expect, test } from 'vitest';
import { defineJob } from '../../src/api/define-job.js';
import { type CollectSink, collectSink } from '../../src/connectors/collect-sink.js';
import { generator } from '../../src/connectors/generator.js';
import { boundedOutOfOrderness } from '../../src/operators/watermark-generators.js';
import { count } from '../../src/operators/windows/aggregates.js';
import { tumbling } from '../../src/operators/windows/window-assigners.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { type Counted, countingJob, expectExactlyOnce, USERS } from './counting-job.js';
import { finishJob, settle, startJob } from './virtual-job.js';

const checkpoint = { dir: '/job', intervalMs: 100 };

test('a suspended job goes on from where it stopped, and nothing is lost or repeated', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const sink = collectSink<Counted>();
  const first = await startJob(runtime, countingJob(2_000, sink), { parallelism: 2, checkpoint });
  await runtime.advance(700);
  const stopped = await settle(runtime, first.stop());
  expect(stopped.state).toBe('SUSPENDED');
  const before = sink.committed().length;
  expect(before).toBeGreaterThan(100);
  expect(before).toBeLessThan(2_000);
  const second = await startJob(runtime, countingJob(2_000, sink), { parallelism: 2, checkpoint });
  expect((await finishJob(runtime, second)).state).toBe('FINISHED');
  expectExactlyOnce(sink.committed(), 2_000);
});

test.each([
  [2, 4],
  [3, 1],
  [4, 3],
  [1, 5],
])('a savepoint taken at parallelism %i is restored at %i', async (before, after) => {
  const runtime = virtualRuntime({ seed: 2 });
  const sink = collectSink<Counted>();
  const first = await startJob(runtime, countingJob(2_000, sink), { parallelism: before, checkpoint });
  await runtime.advance(900);
  const stopped = await settle(runtime, first.stop({ savepoint: '/sp' }));
  expect(stopped.savepoint?.directory).toBe('/sp');
  const second = await startJob(runtime, countingJob(2_000, sink), {
    parallelism: after,
    checkpoint: { ...checkpoint, dir: '/job2' },
    from: '/sp',
  });
  await finishJob(runtime, second);
  expectExactlyOnce(sink.committed(), 2_000);
});

test('a savepoint without stop commits nothing by itself and the job goes on', async () => {
  const runtime = virtualRuntime({ seed: 3 });
  const sink = collectSink<Counted>();
  const handle = await startJob(runtime, countingJob(1_000, sink), {
    parallelism: 2,
    checkpoint: { dir: '/job', intervalMs: null },
  });
  await runtime.advance(300);
  await settle(runtime, handle.savepoint('/sp'));
  expect(sink.committed()).toEqual([]);
  await finishJob(runtime, handle);
  expectExactlyOnce(sink.committed(), 1_000);
});

test('drain fires the windows that suspend leaves open', async () => {
  const job = (sink: CollectSink<number>) =>
    defineJob('windows', (env) => {
      env
        .from(generator({ ratePerSecond: 1_000, seed: 1, make: (id) => id, timestamp: (id) => id }), {
          uid: 'ids',
        })
        .assignTimestamps((id) => id, boundedOutOfOrderness(0))
        .keyBy(() => 'all')
        .window(tumbling(1_000_000))
        .aggregate(count())
        .sinkTo(sink, { uid: 'out' });
    });
  const suspended = collectSink<number>();
  const runtime = virtualRuntime({ seed: 4 });
  const first = await startJob(runtime, job(suspended), { checkpoint });
  await runtime.advance(500);
  await settle(runtime, first.stop());
  expect(suspended.committed()).toEqual([]);
  const drained = collectSink<number>();
  const second = await startJob(runtime, job(drained), { checkpoint });
  await runtime.advance(500);
  const result = await settle(runtime, second.stop({ drain: true }));
  expect(result.state).toBe('FINISHED');
  expect(drained.committed()).toHaveLength(1);
  expect(drained.committed()[0]).toBeGreaterThan(800);
});

test('cancel commits nothing more and resolves', async () => {
  const runtime = virtualRuntime({ seed: 5 });
  const sink = collectSink<Counted>();
  const handle = await startJob(runtime, countingJob(1_000, sink), {
    checkpoint: { dir: '/job', intervalMs: null },
  });
  await runtime.advance(300);
  const result = await settle(runtime, handle.cancel());
  expect(result.state).toBe('CANCELED');
  expect(sink.committed()).toEqual([]);
});

test('state of a uid that the job does not have is refused by name, unless it may be left behind (T4.9)', async () => {
  const runtime = virtualRuntime({ seed: 6 });
  const sink = collectSink<Counted>();
  const first = await startJob(runtime, countingJob(1_000, sink), { checkpoint });
  await runtime.advance(300);
  await settle(runtime, first.stop({ savepoint: '/sp' }));
  const renamed = countingJob(1_000, sink, 'renamed');
  const options = { checkpoint: { ...checkpoint, dir: '/job2' }, from: '/sp' };
  await expect(startJob(runtime, renamed, options)).rejects.toThrow(/"count"/);
  const allowed = await startJob(runtime, renamed, {
    ...options,
    checkpoint: { ...checkpoint, dir: '/job3' },
    allowNonRestoredState: true,
  });
  await finishJob(runtime, allowed);
  expect(sink.committed().some((row) => row.id >= USERS && row.nth === 1)).toBe(true);
});

test('a finished job has nothing left to do when it is started again', async () => {
  const runtime = virtualRuntime({ seed: 7 });
  const sink = collectSink<Counted>();
  await finishJob(runtime, await startJob(runtime, countingJob(500, sink), { parallelism: 2, checkpoint }));
  const again = await finishJob(
    runtime,
    await startJob(runtime, countingJob(500, sink), { parallelism: 2, checkpoint }),
  );
  expect(again.state).toBe('FINISHED');
  expectExactlyOnce(sink.committed(), 500);
});

test.each([
  ['retain', false],
  ['delete', true],
] as const)(
  'after a cancel that is to %s the checkpoints, a start begins anew: %s (semantics 5.15)',
  async (onCancel, anew) => {
    const runtime = virtualRuntime({ seed: 8 });
    const sink = collectSink<Counted>();
    const options = { checkpoint: { ...checkpoint, onCancel } };
    const first = await startJob(runtime, countingJob(1_000, sink), options);
    await runtime.advance(450);
    await settle(runtime, first.cancel());
    const before = sink.committed().length;
    expect(before).toBeGreaterThan(200);
    const again = collectSink<Counted>();
    await finishJob(runtime, await startJob(runtime, countingJob(1_000, again), options));
    if (anew) expectExactlyOnce(again.committed(), 1_000);
    else expect(again.committed().every((row) => row.id >= 100)).toBe(true);
  },
);

test('a stop whose results cannot be committed is told, and the job goes on from its checkpoint', async () => {
  let left = 0;
  const hit = (name: string): void => {
    if (name !== 'commit.sent' || left === 0) return;
    left -= 1;
    throw new Error('no commit');
  };
  const runtime = virtualRuntime({ seed: 1, points: { hit } });
  const sink = collectSink<Counted>();
  const handle = await startJob(runtime, countingJob(2_000, sink), {
    checkpoint: { dir: '/job', intervalMs: null },
    restart: { kind: 'fixedDelay', attempts: 9, delayMs: 10 },
  });
  await runtime.advance(300);
  left = 1;
  await expect(settle(runtime, handle.stop())).rejects.toThrow(
    /was to stop with checkpoint 1, which is complete, .* goes on\. .*stop the job again/,
  );
  await runtime.advance(100);
  expect((await settle(runtime, handle.stop())).state).toBe('SUSPENDED');
  const again = await startJob(runtime, countingJob(2_000, sink), { checkpoint });
  expect((await finishJob(runtime, again)).state).toBe('FINISHED');
  expectExactlyOnce(sink.committed(), 2_000);
});
