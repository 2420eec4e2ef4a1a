// The whole process dies, again and again, with whatever the disk had not synced: simulated kill -9 and power loss.

import { expect, test } from 'vitest';
import { run } from '../../actors/run.js';
import { defineJob } from '../../src/api/define-job.js';
import { randomStream } from '../../src/base/random-stream.js';
import { ndjson } from '../../src/connectors/file-format.js';
import { fileSink } from '../../src/connectors/file-sink.js';
import { generator } from '../../src/connectors/generator.js';
import { type KeyedContext, KeyedProcessFunction } from '../../src/operators/process-function.js';
import { valueState } from '../../src/operators/state-handles.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';

interface Order {
  readonly id: number;
  readonly user: number;
}
interface Counted extends Order {
  readonly nth: number;
}

const RECORDS = 3_000;
const USERS = 7;

class Count extends KeyedProcessFunction<number, Order, Counted> {
  seen = valueState<number>('seen');

  override onElement(order: Order, context: KeyedContext<number, Counted>): void {
    const nth = (this.seen.get() ?? 0) + 1;
    this.seen.set(nth);
    context.emit({ ...order, nth });
  }
}

const job = defineJob('counting', (env) => {
  env
    .from(
      generator({
        count: RECORDS,
        ratePerSecond: 1_000,
        seed: 1,
        make: (id): Order => ({ id, user: id % USERS }),
      }),
      { uid: 'orders' },
    )
    .keyBy((order) => order.user)
    .process(Count)
    .uid('count')
    .sinkTo(fileSink<Counted>('/out', { format: ndjson() }), { uid: 'files' });
});

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
      const parallelism = 1 + (seed % 3);
      if (await runFor(runtime, 50 + random.next() * 700, parallelism)) break;
      crashes += 1;
      runtime = runtime.crashProcess({ unsynced: random.next() < 0.5 ? 'lost' : 'kept' });
    }
    expect(crashes).toBeGreaterThan(3);
    const rows = committed(runtime);
    expect(rows.map((row) => row.id).sort((a, b) => a - b)).toEqual(
      Array.from({ length: RECORDS }, (_, id) => id),
    );
    for (let user = 0; user < USERS; user += 1) {
      const nths = rows.filter((row) => row.user === user).map((row) => row.nth);
      expect(nths.sort((a, b) => a - b)).toEqual(nths.map((_, index) => index + 1));
    }
    expect(runtime.disk.list('/out').filter((name) => !name.endsWith('.ndjson'))).toEqual([]);
  },
);
