// Exactly once at the sink while actors of every kind die at random moments, in virtual time.

import { expect, test } from 'vitest';
import { randomStream } from '../../src/base/random-stream.js';
import { collectSink } from '../../src/connectors/collect-sink.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { type Counted, countingJob, expectExactlyOnce } from './counting-job.js';
import { finishJob, killRandomly, startJob } from './virtual-job.js';

const RECORDS = 3_000;

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
  'nothing is lost or repeated when actors die at random (seed %i)',
  async (seed) => {
    const runtime = virtualRuntime({ seed });
    const sink = collectSink<Counted>();
    const parallelism = 1 + (seed % 3);
    const handle = await startJob(runtime, countingJob(RECORDS, sink), {
      parallelism,
      checkpoint: { dir: '/job', intervalMs: 100 },
      restart: { kind: 'fixedDelay', attempts: 1_000, delayMs: 10 },
    });
    const kills = killRandomly(runtime, handle, randomStream(seed, 'kills'), 12, 150);
    const result = await finishJob(runtime, handle);
    expect(result.state).toBe('FINISHED');
    expect(kills.length).toBeGreaterThan(5);
    expectExactlyOnce(sink.committed(), RECORDS);
  },
);
