// Event time that stands still while records flow is said aloud, with the name of who holds it back.

import { expect, test } from 'vitest';
import { defineJob } from '../../src/api/define-job.js';
import { type Logger, silentLogger } from '../../src/base/logger.js';
import { collectSink } from '../../src/connectors/collect-sink.js';
import { generator } from '../../src/connectors/generator.js';
import { boundedOutOfOrderness, withIdleness } from '../../src/operators/watermark-generators.js';
import { count } from '../../src/operators/windows/aggregates.js';
import { tumbling } from '../../src/operators/windows/window-assigners.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { settle, startJob } from './virtual-job.js';

async function warningsOf(
  idle: boolean,
): Promise<{ readonly warnings: readonly string[]; readonly results: number }> {
  const runtime = virtualRuntime({ seed: 1 });
  const warnings: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (_fields, message) => {
      warnings.push(message);
    },
    child: () => logger,
  };
  const sink = collectSink<number>();
  const watermarks = idle ? withIdleness(boundedOutOfOrderness(0), 1_000) : boundedOutOfOrderness(0);
  const job = defineJob('silent-partition', (env) => {
    const busy = env.from(
      generator({ ratePerSecond: 100, seed: 1, make: (id) => id, timestamp: (id) => id * 10 }),
      { uid: 'busy', watermarks },
    );
    // It answers once in a virtual day.
    const silent = env.from(
      generator({ ratePerSecond: 1 / 86_400, seed: 2, make: (id) => id + 1, timestamp: () => 1 }),
      { uid: 'silent', watermarks },
    );
    busy
      .union(silent)
      .keyBy(() => 'all')
      .window(tumbling(1_000))
      .aggregate(count())
      .sinkTo(sink);
  });
  const handle = await startJob(runtime, job, { logger });
  await runtime.advance(60_000);
  await settle(runtime, handle.cancel());
  return { warnings, results: sink.committed().length };
}

test('the channel that holds event time back is named once', async () => {
  const { warnings, results } = await warningsOf(false);
  expect(results).toBe(0);
  const stuck = warnings.filter((message) => message.includes('event time stands still'));
  expect(stuck).toHaveLength(1);
  expect(stuck[0]).toMatch(/\/job\/attempt-1\/1-/);
});

test('with idleness windows fire and nothing is said (T2.8)', async () => {
  const { warnings, results } = await warningsOf(true);
  expect(results).toBeGreaterThan(30);
  expect(warnings.filter((message) => message.includes('event time stands still'))).toEqual([]);
});
