// A damaged newest checkpoint: what a job may do with the older one depends on what it has committed since.

import { expect, test } from 'vitest';
import { defineJob } from '../../src/api/define-job.js';
import { RestoreError } from '../../src/base/errors.js';
import { silentLogger } from '../../src/base/logger.js';
import { openCheckpointStore } from '../../src/checkpoint/lmdb-checkpoint-store.js';
import { CHUNKS, chunkKey, segmentsOf } from '../../src/checkpoint/store-rows.js';
import { collectSink } from '../../src/connectors/collect-sink.js';
import { forEachSink } from '../../src/connectors/for-each-sink.js';
import { generator } from '../../src/connectors/generator.js';
import type { Sink } from '../../src/operators/sink.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, settle, startJob } from './virtual-job.js';

const RECORDS = 1_000;
const checkpoint = { dir: '/job', intervalMs: 100, incremental: false };

const jobInto = (sink: Sink<number>) =>
  defineJob('damaged', (env) => {
    env
      .from(generator({ count: RECORDS, ratePerSecond: 1_000, seed: 1, make: (id) => id }), { uid: 'ids' })
      .keyBy((id) => id % 5)
      .reduce((_, id) => id)
      .uid('last')
      .sinkTo(sink, { uid: 'out' });
  });

/** Runs for half a second, suspends, and flips a byte of the newest checkpoint. */
async function damagedJob(runtime: VirtualRuntime, sink: Sink<number>): Promise<void> {
  const handle = await startJob(runtime, jobInto(sink), { checkpoint });
  await runtime.advance(550);
  await settle(runtime, handle.stop());
  const store = await settle(
    runtime,
    openCheckpointStore({ runtime, directory: '/job', job: 'damaged', logger: silentLogger }),
  );
  const begun = await settle(runtime, store.beginAttempt());
  const newest = begun.latest;
  if (newest === null) throw new Error('the job has completed checkpoints');
  await settle(runtime, store.close());
  const [segment] = segmentsOf(newest);
  if (segment === undefined) throw new Error('the newest checkpoint has state');
  runtime.stores.damage('/job', CHUNKS, chunkKey(segment, 0), (bytes) => {
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    return bytes;
  });
}

test('a job with transactional sinks refuses to go back behind what it committed', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const sink = collectSink<number>();
  await damagedJob(runtime, sink);
  const before = [...sink.committed()];
  const start = startJob(runtime, jobInto(sink), { checkpoint });
  await expect(start).rejects.toThrow(RestoreError);
  await expect(start).rejects.toThrow(
    /was completed and is damaged .* \/job|in \/job was completed and is damaged/,
  );
  expect(sink.committed()).toEqual(before);
});

test('it goes back when the user allows it, and repeats exactly what lay between', async () => {
  const runtime = virtualRuntime({ seed: 2 });
  const sink = collectSink<number>();
  await damagedJob(runtime, sink);
  const handle = await startJob(runtime, jobInto(sink), { checkpoint, allowOlderCheckpoint: true });
  await finishJob(runtime, handle);
  const rows = sink.committed();
  expect(new Set(rows).size).toBe(RECORDS);
  expect(rows.length).toBeGreaterThan(RECORDS);
});

test('a job that may repeat anyway goes on from the older checkpoint by itself', async () => {
  const runtime = virtualRuntime({ seed: 3 });
  const seen = new Set<number>();
  const sink = forEachSink<number>((id) => {
    seen.add(id);
  });
  await damagedJob(runtime, sink);
  await finishJob(runtime, await startJob(runtime, jobInto(sink), { checkpoint }));
  expect(seen.size).toBe(RECORDS);
});
