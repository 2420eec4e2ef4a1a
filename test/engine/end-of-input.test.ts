// What is left to do when the input of an operator has ended.

import { expect, test } from 'vitest';
import { defineJob } from '../../src/api/define-job.js';
import { arraySource } from '../../src/connectors/array-source.js';
import { type KeyedContext, KeyedProcessFunction } from '../../src/operators/process-function.js';
import type { TransactionalSink } from '../../src/operators/sink.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, startJob } from './virtual-job.js';

class Alarm extends KeyedProcessFunction<number, number, string> {
  override onElement(value: number, context: KeyedContext<number, string>): void {
    context.timers.processing(context.currentProcessingTime + 500);
    context.emit(`${value}`);
  }

  override onTimer(at: number, context: KeyedContext<number, string>): void {
    context.emit(`ring ${at}`);
  }
}

test('a timer of processing time that is due after the end of input does not ring, and wakes nobody', async () => {
  const runtime = virtualRuntime({ seed: 1, busyStepsPerMs: 20 });
  const committed: string[] = [];
  const sink: TransactionalSink<string, string> = {
    name: 'slow to commit',
    guarantee: 'transactional',
    open: () => {
      let values: string[] = [];
      return {
        recover: () => Promise.resolve(),
        write: (more) => void values.push(...more),
        prepare: () => {
          const prepared = values;
          values = [];
          return Promise.resolve(prepared);
        },
        commit: async (_checkpoint, prepared) => {
          await new Promise<void>((resolve) => runtime.timers.after(5_000, resolve));
          committed.push(...prepared);
          return { kind: 'ok' };
        },
        close: () => undefined,
      };
    },
  };
  const job = defineJob('alarms', (env) => {
    env
      .from(arraySource([1, 2, 3]), { uid: 'in' })
      .keyBy((value) => value)
      .process(Alarm)
      .uid('alarms')
      .sinkTo(sink, { uid: 'out' });
  });
  const handle = await startJob(runtime, job, { checkpoint: { dir: '/job', intervalMs: null } });
  await finishJob(runtime, handle);
  expect(committed.sort()).toEqual(['1', '2', '3']);
  // An operator that wakes itself up all the while takes a hundred thousand.
  expect(runtime.steps).toBeLessThan(5_000);
});
