// What a failure of user code or of a connector does to a job, and what the user is told.

import { expect, test } from 'vitest';
import { defineJob } from '../../src/api/define-job.js';
import { JobFailedError, UserCodeError } from '../../src/base/errors.js';
import { randomStream } from '../../src/base/random-stream.js';
import { collectSink } from '../../src/connectors/collect-sink.js';
import { generator } from '../../src/connectors/generator.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, killRandomly, settle, startJob } from './virtual-job.js';

async function failureOf(promise: Promise<unknown>): Promise<JobFailedError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof JobFailedError) return error;
    throw error;
  }
  throw new Error('the job did not fail');
}

test('a function that throws every time ends the job with operator, position and cause', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  let calls = 0;
  const job = defineJob('poison', (env) => {
    env
      .from(['a', 'b', 'c', 'd'], { uid: 'letters' })
      .map((letter) => {
        calls += 1;
        if (letter === 'c') throw new TypeError('cannot read c');
        return letter;
      })
      .name('parse')
      .sinkTo(collectSink<string>());
  });
  const handle = await startJob(runtime, job, { restart: { kind: 'fixedDelay', attempts: 2, delayMs: 5 } });
  const error = await failureOf(settle(runtime, handle.finished));
  expect(calls).toBe(9);
  expect(error.message).toContain('3 times in a row at the same record');
  const cause = error.cause as UserCodeError;
  expect(cause).toBeInstanceOf(UserCodeError);
  expect(cause.operator).toBe('parse');
  expect(cause.position).toBe('index 2');
  expect(cause.declaredAt).toContain('failures.test.ts');
  expect((cause.cause as Error).message).toBe('cannot read c');
});

test('an undefined key is refused with the name of the operator that keys by it', async () => {
  const runtime = virtualRuntime({ seed: 2 });
  const job = defineJob('keyless', (env) => {
    env
      .from([{ user: 'a' }, {} as { user: string }])
      .keyBy((value) => value.user)
      .reduce((_, value) => value)
      .name('latest')
      .sinkTo(collectSink());
  });
  for (const parallelism of [1, 3]) {
    const handle = await startJob(runtime, job, { parallelism });
    const error = await failureOf(settle(runtime, handle.finished));
    expect(error.message).toContain('"latest"');
    expect(error.message).toContain('undefined');
  }
});

test('at-least-once repeats, and never loses', async () => {
  const runtime = virtualRuntime({ seed: 3 });
  const sink = collectSink<number>();
  const job = defineJob('loose', (env) => {
    env
      .from(generator({ count: 3_000, ratePerSecond: 2_000, seed: 1, make: (id) => id }), { uid: 'ids' })
      .keyBy((id) => id % 5)
      .reduce((_, id) => id)
      .uid('last')
      .sinkTo(sink, { uid: 'out' });
  });
  const handle = await startJob(runtime, job, {
    parallelism: 2,
    checkpoint: { dir: '/job', intervalMs: 50, mode: 'atLeastOnce' },
    restart: { kind: 'fixedDelay', attempts: 100, delayMs: 5 },
  });
  killRandomly(runtime, handle, randomStream(3, 'kills'), 8, 150);
  expect((await finishJob(runtime, handle)).state).toBe('FINISHED');
  expect(new Set(sink.committed()).size).toBe(3_000);
});

test('a job without checkpoints does not restart by itself', async () => {
  const runtime = virtualRuntime({ seed: 4 });
  const job = defineJob('bare', (env) => {
    env
      .from([1])
      .map(() => {
        throw new Error('once is enough');
      })
      .sinkTo(collectSink());
  });
  const handle = await startJob(runtime, job, {});
  const error = await failureOf(settle(runtime, handle.finished));
  expect(error.message).toContain('once is enough');
});
