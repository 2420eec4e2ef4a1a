// A stop that drains and leaves a savepoint: the savepoint is whole, and the job ends once (semantics 5.20).

import { expect, test } from 'vitest';
import { defineJob } from '../../src/api/define-job.js';
import type { Points } from '../../src/base/runtime.js';
import { type CollectSink, collectSink } from '../../src/connectors/collect-sink.js';
import { generator } from '../../src/connectors/generator.js';
import { boundedOutOfOrderness } from '../../src/operators/watermark-generators.js';
import { count } from '../../src/operators/windows/aggregates.js';
import { tumbling } from '../../src/operators/windows/window-assigners.js';
import { PROTOCOL_STEPS } from '../../src/task/effect.js';
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

    // It is whole: a job that starts from it has nothing left to do, and says nothing twice, also with more subtasks.
    const before = [...sink.committed()];
    for (const wider of [parallelism, 4]) {
      const from = { parallelism: wider, checkpoint: { dir: `/from-${wider}` }, from: '/sp' };
      const again = await finishJob(runtime, await startJob(runtime, windowJob(sink), from));
      expect(again.state).toBe('FINISHED');
    }
    expect(sink.committed()).toEqual(before);
  },
);

test.each(PROTOCOL_STEPS)(
  'a crash at %s during a drain with savepoint loses nothing and leaves the job able to end',
  async (step) => {
    let armed = false;
    let crashes = 0;
    const points: Points = {
      hit: (name) => {
        if (!armed || name !== step) return;
        armed = false;
        crashes += 1;
        throw new Error(`crash at ${step}`);
      },
    };
    const runtime = virtualRuntime({ seed: 1, points });
    const sink = collectSink<number>();
    const options = {
      parallelism: 2,
      checkpoint: { dir: '/job', intervalMs: null },
      restart: { kind: 'fixedDelay', attempts: 20, delayMs: 10 },
    } as const;
    const handle = await startJob(runtime, windowJob(sink), options);
    await runtime.advance(500);
    armed = true;
    const drain = (savepoint: string): Promise<unknown> =>
      settle(
        runtime,
        handle.stop({ drain: true, savepoint }).catch((error: unknown) => error),
      );
    // The job either ends, or runs on as if nothing had been asked.
    const answers: unknown[] = [];
    for (const directory of ['/sp', '/sp-2', '/sp-3']) {
      answers.push(await drain(directory));
      if (!(answers.at(-1) instanceof Error)) break;
      await runtime.advance(200);
    }
    const state = await settle(runtime, handle.status()).then((status) => status.state);
    expect([state, ...answers.map(String)]).toContain('FINISHED');
    expect((await finishJob(runtime, handle)).state).toBe('FINISHED');
    expect(crashes).toBeLessThanOrEqual(1);
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
