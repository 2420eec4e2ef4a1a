// The numbers of `tuning` change how fast a job runs, and never what it answers.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { run } from '../../actors/run.js';
import { defineJob } from '../../src/api/define-job.js';
import type { Tuning } from '../../src/base/tuning.js';
import { collectSink } from '../../src/connectors/collect-sink.js';
import { generator } from '../../src/connectors/generator.js';
import { type KeyedContext, KeyedProcessFunction } from '../../src/operators/process-function.js';
import { valueState } from '../../src/operators/state-handles.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { type Counted, countingJob, expectExactlyOnce } from './counting-job.js';
import { finishJob, killRandomly, startJob } from './virtual-job.js';

const RECORDS = 400;

const tunings = fc.record(
  {
    batchRecordsMax: fc.constantFrom(1, 2, 7, 256),
    pollRecordsMax: fc.constantFrom(1, 2, 7, 256),
    channelCapacityElements: fc.integer({ min: 2, max: 9 }),
    snapshotSliceEntries: fc.constantFrom(1, 2, 5, 256),
    snapshotChunkBytes: fc.constantFrom(64, 200, 1_000),
    snapshotChunksInFlightMax: fc.integer({ min: 1, max: 3 }),
    snapshotRemovalsFloor: fc.constantFrom(0, 2, 1_024),
    incrementalChainMax: fc.integer({ min: 1, max: 4 }),
    storeBatchBytesMax: fc.constantFrom(1, 300, 10_000),
  },
  { requiredKeys: [] },
);

test('every order is counted once, whatever the tuning, under kills', async () => {
  await fc.assert(
    fc.asyncProperty(tunings, fc.nat(1_000), async (tuning, seed) => {
      const runtime = virtualRuntime({ seed });
      const sink = collectSink<Counted>();
      const handle = await startJob(runtime, countingJob(RECORDS, sink), {
        parallelism: 2,
        tuning,
        restart: { kind: 'fixedDelay', attempts: 100, delayMs: 5 },
        checkpoint: { dir: '/job', intervalMs: 30 },
      });
      killRandomly(runtime, handle, runtime.random('kills'), 3, 60);
      await finishJob(runtime, handle);
      expectExactlyOnce(sink.committed(), RECORDS);
    }),
    { numRuns: 25 },
  );
});

class Keep extends KeyedProcessFunction<number, string, string> {
  private readonly kept = valueState<string>('kept');

  override onElement(value: string, context: KeyedContext<number, string>): void {
    this.kept.set(value);
    context.emit(value);
  }
}

test.each([
  ['chunks of the default size', {}, 100_000, 400],
  ['small chunks', { snapshotChunkBytes: 64 }, 100, 400],
] as readonly (readonly [string, Partial<Tuning>, number, number])[])(
  'a slice of many large values waits for the store: %s',
  async (_, tuning, bytes, keys) => {
    const runtime = virtualRuntime({ seed: 1 });
    const sink = collectSink<number>();
    const padding = 'x'.repeat(bytes);
    const job = defineJob('large', (env) => {
      env
        .from(generator({ count: keys, ratePerSecond: 2_000, seed: 1, make: (id) => `${id} ${padding}` }), {
          uid: 'in',
        })
        .keyBy((value) => Number.parseInt(value, 10))
        .process(Keep)
        .uid('keep')
        .map((value) => Number.parseInt(value, 10))
        .sinkTo(sink, { uid: 'out' });
    });
    const handle = await startJob(runtime, job, {
      tuning,
      restart: { kind: 'none' },
      checkpoint: { dir: '/job', intervalMs: 150, incremental: false },
    });
    expect((await finishJob(runtime, handle)).state).toBe('FINISHED');
    expect(sink.committed().length).toBe(keys);
  },
);

test('a tuning that makes no sense is refused with all problems before anything starts', async () => {
  const job = countingJob(1, collectSink<Counted>());
  const tuning = { batchRecordsMax: 0, pollRecordsMax: 1.5, chunks: 3 } as Partial<Tuning>;
  const refused = run(job, { runtime: virtualRuntime({ seed: 1 }), tuning });
  await expect(refused).rejects.toMatchObject({ code: 'WEIR_CONFIG' });
  await expect(refused).rejects.toThrow(
    /batchRecordsMax is a whole number of 1 to 256, got 0; pollRecordsMax .*got 1\.5; there is no "chunks"/,
  );
});
