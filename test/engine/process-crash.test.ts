// The whole process dies, again and again, with whatever the disk had not synced: simulated kill -9 and power loss.

import { expect, test } from 'vitest';
import { run } from '../../actors/run.js';
import { randomStream } from '../../src/base/random-stream.js';
import { ndjson } from '../../src/connectors/file-format.js';
import { fileSink } from '../../src/connectors/file-sink.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { type Counted, countingJob, expectExactlyOnce } from './counting-job.js';

const RECORDS = 3_000;

const job = countingJob(RECORDS, fileSink<Counted>('/out', { format: ndjson() }));

/** Runs until the job has finished or `forMs` have passed; true: finished. */
async function runFor(runtime: VirtualRuntime, forMs: number, parallelism: number): Promise<boolean> {
  let finished = false;
  let failure: unknown = null;
  run(job, { runtime, actorHost: 'dispatch', parallelism, checkpoint: { dir: '/job', intervalMs: 100 } })
    .then((handle) => handle.finished)
    .then(
      () => {
        finished = true;
      },
      (error) => {
        failure = error;
      },
    );
  const until = runtime.nowMs + forMs;
  await runtime.run(() => finished || failure !== null || runtime.nowMs >= until);
  if (failure !== null) throw failure;
  return finished;
}

function committed(runtime: VirtualRuntime): readonly Counted[] {
  return runtime.disk
    .list('/out')
    .filter((name) => name.endsWith('.ndjson'))
    .flatMap((name) => (runtime.disk.readText(`/out/${name}`) ?? '').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Counted);
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'committed files hold every record once after many process crashes (seed %i)',
  async (seed) => {
    const random = randomStream(seed, 'crashes');
    let runtime = virtualRuntime({ seed });
    let crashes = 0;
    for (;;) {
      // Odd seeds come back at another parallelism each time.
      const parallelism = seed % 2 === 0 ? 2 : 1 + Math.floor(random.next() * 4);
      if (await runFor(runtime, 50 + random.next() * 700, parallelism)) break;
      crashes += 1;
      runtime = runtime.crashProcess({ unsynced: random.next() < 0.5 ? 'lost' : 'kept' });
    }
    expect(crashes).toBeGreaterThan(3);
    expectExactlyOnce(committed(runtime), RECORDS);
    expect(runtime.disk.list('/out').filter((name) => !name.endsWith('.ndjson'))).toEqual([]);
  },
);
