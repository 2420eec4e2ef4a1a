// The job actor itself dies: what was asked of it is answered all the same, and what it held is let go.

import { expect, test } from 'vitest';
import type { JobHandle } from '../../actors/job-handle.js';
import { JobFailedError } from '../../src/base/errors.js';
import { collectSink } from '../../src/connectors/collect-sink.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { type Counted, countingJob, expectExactlyOnce } from './counting-job.js';
import { finishJob, settle, startJob } from './virtual-job.js';

const checkpoint = { dir: '/job', intervalMs: 100 };

function kill(handle: JobHandle, path: string): void {
  const ref = handle.system.find(path);
  if (ref !== null) handle.system.crash(ref, new Error(`killed ${path}`));
}

test.each(['/job', '/job/attempt-1', '/job/attempt-1/coordinator'])(
  'a savepoint that was asked for before %s died is answered',
  async (path) => {
    const runtime = virtualRuntime({ seed: 1 });
    const sink = collectSink<Counted>();
    const handle = await startJob(runtime, countingJob(1_500, sink), {
      parallelism: 2,
      checkpoint,
      restart: { kind: 'fixedDelay', attempts: 10, delayMs: 10 },
    });
    // Before the attempt runs, so that the wish has to wait for the first coordinator.
    const early = handle.savepoint('/early').then(
      () => 'done',
      () => 'refused',
    );
    await runtime.advance(1);
    kill(handle, path);
    const late = handle.savepoint('/late').then(
      () => 'done',
      () => 'refused',
    );
    expect(['done', 'refused']).toContain(await settle(runtime, early));
    expect(['done', 'refused']).toContain(await settle(runtime, late));
    expect((await settle(runtime, handle.status())).state).not.toBe('FINISHED');
    await finishJob(runtime, handle);
    expectExactlyOnce(sink.committed(), 1_500);
  },
);

test('a job actor that dies without end fails the job, and lets its directory go', async () => {
  const runtime = virtualRuntime({ seed: 2 });
  const sink = collectSink<Counted>();
  const handle = await startJob(runtime, countingJob(1_500, sink), { checkpoint });
  const dying = (): void => {
    kill(handle, '/job');
    runtime.timers.after(20, dying);
  };
  dying();
  const failure = settle(runtime, handle.finished);
  await expect(failure).rejects.toThrow(JobFailedError);
  await expect(failure).rejects.toThrow(/job actor died more than 10 times .* killed \/job/);
  const again = await startJob(runtime, countingJob(1_500, sink), { checkpoint });
  expect((await finishJob(runtime, again)).state).toBe('FINISHED');
  expectExactlyOnce(sink.committed(), 1_500);
});
