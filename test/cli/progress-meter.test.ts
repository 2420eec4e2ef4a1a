// From statuses to figures: totals never go down, the rate is that of now, the watermark is the one furthest behind.

import { expect, test } from 'vitest';
import type { JobStatus } from '../../actors/job-handle.js';
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../../src/base/timestamps.js';
import { statusLine } from '../../src/cli/human-reporter.js';
import { ProgressMeter } from '../../src/cli/progress-meter.js';

const NOW = { wallMs: 1_000_000, monotonicMs: 5_000 };

function status(changes: Partial<JobStatus>): JobStatus {
  return {
    job: 'job',
    state: 'RUNNING',
    attempt: 1,
    restarts: 0,
    uptimeMs: 0,
    recordsIn: 0,
    checkpointsCompleted: 0,
    checkpointsFailed: 0,
    lastCheckpoint: null,
    lastFailure: null,
    subtasks: [],
    coordinator: null,
    ...changes,
  };
}

function withWatermarks(...watermarks: number[]): JobStatus {
  const subtasks = watermarks.map((watermark) => ({ watermark }));
  return status({ subtasks: subtasks as unknown as JobStatus['subtasks'] });
}

test('a restart and a subtask that does not answer take nothing off the total', () => {
  const meter = new ProgressMeter();
  const totals = [
    status({ uptimeMs: 1_000, recordsIn: 100 }),
    status({ uptimeMs: 2_000, recordsIn: 40 }),
    status({ uptimeMs: 3_000, recordsIn: 150 }),
    status({ uptimeMs: 4_000, recordsIn: 0, state: 'RESTARTING' }),
    status({ uptimeMs: 5_000, recordsIn: 10, attempt: 2 }),
    status({ uptimeMs: 6_000, recordsIn: 30, attempt: 2 }),
  ].map((one) => meter.observe(one, NOW).recordsRead);
  expect(totals).toEqual([100, 100, 150, 150, 160, 180]);
});

test('the rate follows the last seconds: a stall brings it to zero, and the beginning does not weigh for ever', () => {
  const meter = new ProgressMeter();
  const rate = (uptimeMs: number, recordsIn: number): number =>
    meter.observe(status({ uptimeMs, recordsIn }), NOW).recordsPerSecond;
  expect(rate(500, 500)).toBe(1_000);
  expect(rate(1_000, 1_000)).toBe(1_000);
  for (let ms = 1_500; ms < 4_000; ms += 500) rate(ms, 1_000);
  expect(rate(4_500, 1_000)).toBe(0);
  expect(rate(5_000, 2_000)).toBeGreaterThan(300);
});

test('the watermark is the one that is furthest behind, among those that there are', () => {
  const watermark = (...times: number[]) =>
    new ProgressMeter().observe(withWatermarks(...times), NOW).watermark;
  expect(watermark()).toEqual({ kind: 'none' });
  expect(watermark(MIN_TIMESTAMP)).toEqual({ kind: 'none' });
  expect(watermark(MIN_TIMESTAMP, 998_000, 999_000, MAX_TIMESTAMP)).toEqual({
    kind: 'at',
    timeMs: 998_000,
    lagMs: 2_000,
  });
  expect(watermark(MAX_TIMESTAMP, MAX_TIMESTAMP)).toEqual({ kind: 'end' });
});

test('the status line says state, rate, lag, checkpoints and restarts, and who holds a checkpoint up', () => {
  const meter = new ProgressMeter();
  const base = withWatermarks(997_900);
  const figures = meter.observe(
    {
      ...base,
      uptimeMs: 2_000,
      recordsIn: 24_690,
      restarts: 1,
      checkpointsFailed: 2,
      lastCheckpoint: { id: 12, durationMs: 34, bytes: 12_345 },
    },
    NOW,
  );
  const line = 'RUNNING 2.0 s | 12,345 records/s | 24,690 read | 1 restart | watermark 2.1 s behind';
  expect(statusLine(figures)).toBe(`${line} | checkpoint 12 in 34 ms, 12.3 KB | 2 failed`);
  const pending = { checkpoint: 13, elapsedMs: 2_500, missing: ['a/0', 'b/0', 'c/0', 'd/0'] };
  expect(statusLine({ ...figures, pending })).toContain(
    'checkpoint 13 takes 2.5 s, waits for a/0, b/0, c/0 and 1 more',
  );
  const old = { kind: 'at', timeMs: 0, lagMs: 1e12 } as const;
  expect(statusLine({ ...figures, watermark: old })).toContain('watermark 1970-01-01T00:00:00.000Z');
});
