// What the result of a job says about all of its attempts, and what is told of records that came too late.

import { expect, test } from 'vitest';
import {
  count,
  defineJob,
  forEachSink,
  type Logger,
  monotonous,
  silentLogger,
  tumbling,
  withTimestamps,
} from '../../src/index.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, settle, startJob } from './virtual-job.js';

/** The third record is from the year 2255; what comes behind it is late. */
const TIMES = [1, 2, 9_000_000_000_000, ...Array.from({ length: 120 }, (_, n) => 10 + n)];

function windows(failAt: number | null) {
  let left = failAt;
  return defineJob('totals', (env) => {
    env
      .from(TIMES, {
        watermarks: withTimestamps((at: number) => at, monotonous({ everyMs: 0 })),
        uid: 'times',
      })
      .map((at) => {
        if (at === left) {
          left = null;
          throw new Error('once');
        }
        return at;
      })
      .keyBy(() => 'all')
      .window(tumbling(10))
      .aggregate(count())
      .uid('windows')
      .sinkTo(
        forEachSink(() => undefined),
        { uid: 'out' },
      );
  });
}

test('late records are counted in the result, told a few times with record and watermark, and print as JSON', async () => {
  const told: Record<string, unknown>[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (fields, message) => void (message.includes('too late') && told.push(fields)),
    child: () => logger,
  };
  const runtime = virtualRuntime({ seed: 1 });
  const handle = await startJob(runtime, windows(null), { logger });
  const status = await settle(runtime, handle.status());
  expect(JSON.parse(JSON.stringify(status)).subtasks.every((each: object) => 'counters' in each)).toBe(true);
  const result = await finishJob(runtime, handle);
  expect(result).toMatchObject({ recordsIn: 123, recordsOut: 2, lateRecords: 120, restarts: 0 });
  expect(JSON.parse(JSON.stringify(result)).counters).toEqual({ 'windows.numLateRecordsDropped': 120 });
  expect(told.map(({ dropped }) => dropped)).toEqual([1, 10, 100]);
  expect(told[0]).toMatchObject({ record: '10', watermark: '2255-03-14T15:59:59.999Z' });
});

test('the record that pushed the watermark is told where it comes, with its time and that of before', async () => {
  for (const inSource of [true, false]) {
    const told: Record<string, unknown>[] = [];
    const logger: Logger = {
      ...silentLogger,
      warn: (fields, message) => void (message.includes('31 days ahead') && told.push(fields)),
      child: () => logger,
    };
    const timed = withTimestamps((at: number) => at, monotonous({ everyMs: 0 }));
    const job = defineJob('leap', (env) => {
      const times = inSource
        ? env.from(TIMES, { watermarks: timed })
        : env.from(TIMES).assignTimestamps((at) => at, monotonous({ everyMs: 0 }));
      times.sinkTo(forEachSink(() => undefined));
    });
    const runtime = virtualRuntime({ seed: 1 });
    await finishJob(runtime, await startJob(runtime, job, { logger }));
    expect(told).toMatchObject([
      {
        leaps: 1,
        record: '9000000000000',
        timestamp: '2255-03-14T16:00:00.000Z',
        before: '1970-01-01T00:00:00.002Z',
      },
    ]);
  }
});

test('what was read again after a failure counts again', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const options = {
    checkpoint: { dir: '/job', intervalMs: null },
    restart: { kind: 'fixedDelay', attempts: 1, delayMs: 1 },
    logger: silentLogger,
  } as const;
  const result = await finishJob(runtime, await startJob(runtime, windows(50), options));
  expect(result.restarts).toBe(1);
  expect(result.recordsIn).toBe(246);
});
