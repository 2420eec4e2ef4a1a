// A crash at each step of the checkpoint protocol, and one while channels are far apart: exactly once all the same.

import { expect, test } from 'vitest';
import { defineJob } from '../../src/api/define-job.js';
import type { Points } from '../../src/base/runtime.js';
import { collectSink } from '../../src/connectors/collect-sink.js';
import { generator } from '../../src/connectors/generator.js';
import { type KeyedContext, KeyedProcessFunction } from '../../src/operators/process-function.js';
import type { TransactionalSink } from '../../src/operators/sink.js';
import { valueState } from '../../src/operators/state-handles.js';
import { PROTOCOL_STEPS, type ProtocolStep } from '../../src/task/effect.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { type Counted, countingJob, expectExactlyOnce } from './counting-job.js';
import { finishJob, startJob } from './virtual-job.js';

const restart = { kind: 'fixedDelay', attempts: 20, delayMs: 10 } as const;

/** Throws at the given hits of a step, whoever stands there. */
function crashAt(step: ProtocolStep, hits: readonly number[]): Points & { readonly crashes: () => number } {
  let seen = 0;
  let crashes = 0;
  return {
    hit: (name) => {
      if (name !== step) return;
      seen += 1;
      if (!hits.includes(seen)) return;
      crashes += 1;
      throw new Error(`crash at ${step}, hit ${seen}`);
    },
    crashes: () => crashes,
  };
}

/** Steps of a restore need a crash before them. */
function ofRestore(step: ProtocolStep): boolean {
  return step.startsWith('restore.') || step === 'record.afterRestore';
}

test.each(PROTOCOL_STEPS.flatMap((step) => [1, 3].map((parallelism) => [step, parallelism] as const)))(
  'a crash at %s loses and repeats nothing at parallelism %i (F27)',
  async (step, parallelism) => {
    const first = crashAt('ack.received', ofRestore(step) ? [40] : []);
    const main = crashAt(step, [ofRestore(step) ? 1 : 7, ofRestore(step) ? 2 : 19]);
    const points: Points = {
      hit: (name, fields) => {
        first.hit(name, fields);
        main.hit(name, fields);
      },
    };
    const runtime = virtualRuntime({ seed: 1, points });
    const sink = collectSink<Counted>();
    const handle = await startJob(runtime, countingJob(2_500, sink), {
      parallelism,
      checkpoint: { dir: '/job', intervalMs: 100 },
      restart,
    });
    expect((await finishJob(runtime, handle)).state).toBe('FINISHED');
    expect(main.crashes()).toBe(2);
    expectExactlyOnce(sink.committed(), 2_500);
  },
);

interface Numbered {
  readonly source: string;
  readonly id: number;
  readonly nth: number;
}

class Numbering extends KeyedProcessFunction<number, Omit<Numbered, 'nth'>, Numbered> {
  seen = valueState<number>('seen');

  override onElement(record: Omit<Numbered, 'nth'>, context: KeyedContext<number, Numbered>): void {
    const nth = (this.seen.get() ?? 0) + 1;
    this.seen.set(nth);
    context.emit({ ...record, nth });
  }
}

/** The same sink, each write taking its time: what is upstream of it piles up. */
function slow<T>(runtime: VirtualRuntime, sink: TransactionalSink<T>, delayMs: number): TransactionalSink<T> {
  return {
    ...sink,
    open: async (context) => {
      const writer = await sink.open(context);
      return {
        recover: (restored) => writer.recover(restored),
        write: async (values, timestamps) => {
          await new Promise<void>((resolve) => runtime.timers.after(delayMs, resolve));
          await writer.write(values, timestamps);
        },
        prepare: (checkpoint) => writer.prepare(checkpoint),
        commit: (checkpoint, committables) => writer.commit(checkpoint, committables),
        close: () => writer.close(),
      };
    },
  };
}

test('what comes behind a barrier waits while another channel is still far before it', async () => {
  const points = crashAt('notify.sent', [1, 2, 3]);
  const runtime = virtualRuntime({ seed: 1, points });
  const sink = collectSink<Numbered>();
  const from = (source: string, count: number, ratePerSecond?: number) =>
    generator({
      count,
      seed: 1,
      ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
      make: (id) => ({ source, id }),
    });
  const job = defineJob('uneven', (env) => {
    const full = env.from(from('full', 12_000), { uid: 'full' });
    const sparse = env.from(from('sparse', 1_000, 2_000), { uid: 'sparse' });
    full
      .union(sparse)
      .keyBy((record) => record.id % 5)
      .process(Numbering)
      .uid('number')
      .sinkTo(slow(runtime, sink, 20), { uid: 'out' });
  });
  const handle = await startJob(runtime, job, { checkpoint: { dir: '/job', intervalMs: 40 }, restart });
  await finishJob(runtime, handle);
  expect(points.crashes()).toBe(3);
  const rows = sink.committed();
  expect(rows).toHaveLength(13_000);
  expect(new Set(rows.map(({ source, id }) => `${source} ${id}`)).size).toBe(13_000);
  for (let key = 0; key < 5; key += 1) {
    const nths = rows.filter(({ id }) => id % 5 === key).map(({ nth }) => nth);
    expect(nths.sort((a, b) => a - b)).toEqual(nths.map((_, index) => index + 1));
  }
});
