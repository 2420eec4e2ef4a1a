// Exactly once at the sink while actors of every kind die at random moments, in virtual time.

import { expect, test } from 'vitest';
import { defineJob } from '../../src/api/define-job.js';
import { randomStream } from '../../src/base/random-stream.js';
import { type CollectSink, collectSink } from '../../src/connectors/collect-sink.js';
import { generator } from '../../src/connectors/generator.js';
import { type KeyedContext, KeyedProcessFunction } from '../../src/operators/process-function.js';
import { valueState } from '../../src/operators/state-handles.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, killRandomly, startJob } from './virtual-job.js';

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

function countingJob(sink: CollectSink<Counted>) {
  return defineJob('counting', (env) => {
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
      .sinkTo(sink, { uid: 'out' });
  });
}

function expectExactlyOnce(rows: readonly Counted[]): void {
  expect(rows.map((row) => row.id).sort((a, b) => a - b)).toEqual(
    Array.from({ length: RECORDS }, (_, id) => id),
  );
  for (let user = 0; user < USERS; user += 1) {
    const nths = rows.filter((row) => row.user === user).map((row) => row.nth);
    expect(nths.sort((a, b) => a - b)).toEqual(nths.map((_, index) => index + 1));
  }
}

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
  'nothing is lost or repeated when actors die at random (seed %i)',
  async (seed) => {
    const runtime = virtualRuntime({ seed });
    const sink = collectSink<Counted>();
    const parallelism = 1 + (seed % 3);
    const handle = await startJob(runtime, countingJob(sink), {
      parallelism,
      checkpoint: { dir: '/job', intervalMs: 100 },
      restart: { kind: 'fixedDelay', attempts: 1_000, delayMs: 10 },
    });
    const kills = killRandomly(runtime, handle, randomStream(seed, 'kills'), 12, 150);
    const result = await finishJob(runtime, handle);
    expect(result.state).toBe('FINISHED');
    expect(kills.length).toBeGreaterThan(5);
    expectExactlyOnce(sink.committed());
  },
);
