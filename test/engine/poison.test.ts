// A failure that no restart can mend ends the job, with one report; others do not.

import { expect, test } from 'vitest';
import type { RunOptions } from '../../actors/run-options.js';
import { defineJob, type JobDefinition } from '../../src/api/define-job.js';
import { reportError } from '../../src/base/error-report.js';
import { JobFailedError, type UserCodeError } from '../../src/base/errors.js';
import { randomStream } from '../../src/base/random-stream.js';
import { collectSink } from '../../src/connectors/collect-sink.js';
import { generator } from '../../src/connectors/generator.js';
import { monotonous } from '../../src/operators/watermark-generators.js';
import { count } from '../../src/operators/windows/aggregates.js';
import { tumbling } from '../../src/operators/windows/window-assigners.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { settle, startJob } from './virtual-job.js';

const FOREVER = { kind: 'fixedDelay', attempts: 1_000, delayMs: 5 } as const;

async function failureOf(job: JobDefinition, options: Partial<RunOptions> = {}): Promise<JobFailedError> {
  const runtime = virtualRuntime({ seed: 1 });
  const handle = await startJob(runtime, job, {
    checkpoint: { dir: '/job', intervalMs: 20 },
    restart: FOREVER,
    ...options,
  });
  const error = await settle(
    runtime,
    handle.finished.then(
      () => null,
      (failure: unknown) => failure,
    ),
  );
  if (error instanceof JobFailedError) return error;
  throw new Error('the job did not fail');
}

interface Reading {
  readonly id: number;
  readonly text: string;
}

function readings(options: { readonly bad: number; readonly behindKey: boolean }): JobDefinition {
  const parse = ({ id, text }: Reading): number => {
    if (id === options.bad) throw new TypeError(`cannot read ${text}`);
    return id;
  };
  return defineJob('readings', (env) => {
    const source = env.from(
      generator({
        count: 300,
        ratePerSecond: 1_000,
        seed: 1,
        make: (id): Reading => ({ id, text: `\x1b[2Jx${id}` }),
      }),
      { uid: 'readings' },
    );
    if (options.behindKey) {
      source
        .keyBy(({ id }) => id % 5)
        .process({
          onElement(value: Reading) {
            parse(value);
          },
        })
        .name('parse')
        .uid('parse')
        .sinkTo(collectSink());
    } else source.map(parse).name('parse').sinkTo(collectSink());
  });
}

test.each([
  ['in the chain of the source', { bad: 177, behindKey: false }, /^seq 177$/],
  ['behind a partitioning', { bad: 177, behindKey: true }, /^record \d+ of this subtask$/],
])('a record that always fails %s ends the job with one report', async (_name, options, position) => {
  for (const parallelism of [1, 2]) {
    const error = await failureOf(readings(options), { parallelism });
    expect(error.message).toContain('(3 times in a row at the same record');
    const cause = error.cause as UserCodeError;
    expect(cause.position).toMatch(position);
    expect(cause.record).toBe("{ id: 177, text: '\\x1B[2Jx177' }");
    const report = reportError(error, { verbose: false, directory: null }).join('\n');
    expect(report).toContain('operator "parse"');
    expect(report).toContain("record  { id: 177, text: '\\x1B[2Jx177' }");
    expect(report).toMatch(/declared at .*poison\.test\.ts:\d+/);
    expect(report).toMatch(/thrown at .*poison\.test\.ts:\d+:\d+ \(TypeError\)/);
    expect(report).toContain('what to do: Correct the function or the record');
    expect(report.match(/cannot read/g)?.length).toBe(1);
  }
});

test('the count is an option, and can be switched off', async () => {
  const job = readings({ bad: 3, behindKey: false });
  const twice = await failureOf(job, { poison: { repeatsMax: 2 } });
  expect(twice.message).toContain('(2 times in a row');
  const never = await failureOf(job, { poison: { repeatsMax: null }, restart: { ...FOREVER, attempts: 6 } });
  expect(never.message).toContain('restarted 6 times');
  await expect(failureOf(job, { poison: { repeatsMax: 0 } })).rejects.toThrow('poison.repeatsMax');
});

test('a failure that moves from record to record is no poison', async () => {
  const random = randomStream(1, 'luck');
  const job = defineJob('unlucky', (env) => {
    env
      .from(generator({ count: 400, seed: 1, make: (id) => id }), { uid: 'ids' })
      .map((id) => {
        if (random.next() < 0.02) throw new Error('unlucky');
        return id;
      })
      .sinkTo(collectSink());
  });
  const error = await failureOf(job, { restart: { ...FOREVER, attempts: 20 } });
  expect(error.message).toContain('restarted 20 times');
});

test('a window and a timer that always fail name their key', async () => {
  const job = defineJob('windows', (env) => {
    env
      .from(generator({ count: 200, ratePerSecond: 1_000, seed: 1, make: (id) => id }), { uid: 'ids' })
      .assignTimestamps((id) => id, monotonous())
      .keyBy((id) => `user ${id % 3}`)
      .window(tumbling(50))
      .aggregate(count(), (key, window, n) => {
        if (key === 'user 1' && window.start === 50) throw new RangeError('no such user');
        return n;
      })
      .name('hits')
      .sinkTo(collectSink());
  });
  const error = await failureOf(job);
  expect(error.message).toContain('3 times in a row');
  expect((error.cause as UserCodeError).position).toContain('key "user 1" at watermark');
});

test('a generator that cannot make a record tells why, where, and at which record', async () => {
  const job = defineJob('maker', (env) => {
    env
      .from(
        generator({
          count: 100,
          seed: 1,
          make: (id) => {
            if (id === 42) throw new TypeError('undefined is no name');
            return id;
          },
        }),
      )
      .sinkTo(collectSink());
  });
  const error = await failureOf(job);
  expect(error.message).toContain('3 times in a row');
  expect(error.message).toContain('undefined is no name');
  expect(error.message).toMatch(/thrown at .*poison\.test\.ts/);
  expect((error.cause as UserCodeError).operator).toBe('generator');
});

test.each([
  [
    'a promise',
    (env) =>
      env
        .from([1])
        .map(async (n) => n)
        .sinkTo(collectSink()),
  ],
  [
    'a missing timestamp',
    (env) =>
      env
        .from([1])
        .keyBy((n) => n)
        .window(tumbling(10))
        .aggregate(count())
        .sinkTo(collectSink()),
  ],
  [
    'a key that is no key',
    (env) =>
      env
        .from([1])
        .keyBy(() => undefined)
        .reduce((a) => a)
        .sinkTo(collectSink()),
  ],
] satisfies [string, JobDefinition['build']][])(
  '%s ends the job at the first attempt',
  async (_name, build) => {
    const error = await failureOf(defineJob('wrong', build));
    expect(error.message).toContain('a restart cannot help');
    expect(error.suppressed).toEqual([]);
  },
);
