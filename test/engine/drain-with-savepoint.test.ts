// A stop that drains and leaves a savepoint: the savepoint is whole, and the job ends once (semantics 5.20).

import { expect, test } from 'vitest';
import { defineJob } from '../../src/api/define-job.js';
import { type CollectSink, collectSink } from '../../src/connectors/collect-sink.js';
import { generator } from '../../src/connectors/generator.js';
import { boundedOutOfOrderness } from '../../src/operators/watermark-generators.js';
import { count } from '../../src/operators/windows/aggregates.js';
import { tumbling } from '../../src/operators/windows/window-assigners.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { type Counted, countingJob, expectExactlyOnce } from './counting-job.js';
import { finishJob, settle, startJob } from './virtual-job.js';

function windowJob(sink: CollectSink<number>) {
  return defineJob('windows', (env) => {
    env
      .from(generator({ ratePerSecond: 1_000, seed: 1, make: (id) => id, timestamp: (id) => id }), {
        uid: 'ids',
      })
      .assignTimestamps((id) => id, boundedOutOfOrderness(0))
      .keyBy((id) => id % 5)
      .window(tumbling(1_000_000))
      .aggregate(count())
      .sinkTo(sink, { uid: 'out' });
  });
}

test.each(
  [1, 2, 3].flatMap((parallelism) => [null, 20, 100].map((intervalMs) => [parallelism, intervalMs] as const)),
)(
  'a drained job leaves a whole savepoint at parallelism %i and interval %s',
  async (parallelism, intervalMs) => {
    const runtime = virtualRuntime({ seed: 1 });
    const sink = collectSink<number>();
    const checkpoint = { dir: '/job', intervalMs };
    const handle = await startJob(runtime, windowJob(sink), { parallelism, checkpoint });
    await runtime.advance(500);
    const result = await settle(runtime, handle.stop({ drain: true, savepoint: '/sp' }));
    expect(result).toMatchObject({ state: 'FINISHED', restarts: 0, savepoint: { directory: '/sp' } });
    expect(sink.committed()).toHaveLength(5);
  },
);

test('a savepoint that is being written when the job ends is answered before the job ends', async () => {
  for (let atMs = 450; atMs <= 560; atMs += 10) {
    const runtime = virtualRuntime({ seed: 4 });
    const sink = collectSink<Counted>();
    const checkpoint = { dir: '/job', intervalMs: 15 };
    const handle = await startJob(runtime, countingJob(500, sink), { parallelism: 2, checkpoint });
    await runtime.advance(atMs);
    const taken = await settle(
      runtime,
      handle.savepoint('/sp').then(
        ({ directory }) => directory,
        (error: unknown) => String(error),
      ),
    );
    expect(taken).not.toMatch(/attempt ended before/);
    expect((await finishJob(runtime, handle)).state).toBe('FINISHED');
    expectExactlyOnce(sink.committed(), 500);
  }
});
