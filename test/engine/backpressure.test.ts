// A full channel is the backpressure: bounded everywhere, and nothing but data waits for it (semantics 6.1 to 6.3).

import { expect, test } from 'vitest';
import type { ActorSnapshot } from '../../actors/kernel/actor.js';
import { defineJob } from '../../src/api/define-job.js';
import { BATCH_RECORDS_MAX, CHANNEL_CAPACITY_ELEMENTS } from '../../src/base/limits.js';
import { generator } from '../../src/connectors/generator.js';
import type { PlainSink } from '../../src/operators/sink.js';
import { boundedOutOfOrderness } from '../../src/operators/watermark-generators.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, settle, startJob } from './virtual-job.js';

/** A sink whose writes wait for a gate. */
function gatedSink() {
  const written: unknown[] = [];
  let open = false;
  let waiting: (() => void)[] = [];
  const sink: PlainSink<unknown> = {
    name: 'gated',
    guarantee: 'atLeastOnce',
    open: () => ({
      write: async (values) => {
        if (!open) await new Promise<void>((resolve) => waiting.push(resolve));
        written.push(...values);
      },
      flush: () => undefined,
      close: () => undefined,
    }),
  };
  return {
    sink,
    written,
    unlock: () => {
      open = true;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
  };
}

function mailboxes(actor: ActorSnapshot): readonly ActorSnapshot[] {
  return [actor, ...actor.children.flatMap(mailboxes)];
}

const ids = (count: number) => generator({ count, seed: 1, make: (id) => id });

test('a blocked sink stops the source, and no mailbox is above its bound', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const gate = gatedSink();
  let made = 0;
  const job = defineJob('blocked', (env) => {
    env
      .from(generator({ count: 1_000_000, seed: 1, make: (id) => id }), { uid: 'ids' })
      .map((id) => {
        made += 1;
        return id;
      })
      .keyBy((id) => id % 10)
      .reduce((_, id) => id)
      .sinkTo(gate.sink);
  });
  const handle = await startJob(runtime, job, { parallelism: 2 });
  await runtime.advance(1_000);
  const stuck = made;
  const steps = runtime.steps;
  await runtime.advance(10_000);
  expect(made).toBe(stuck);
  // Nobody asks again and again whether there is room by now.
  expect(runtime.steps - steps).toBeLessThan(100);
  // Two hops of two by two and two channels, and what each subtask has in hand.
  expect(stuck).toBeLessThan((4 + 2 + 6) * CHANNEL_CAPACITY_ELEMENTS * BATCH_RECORDS_MAX);
  for (const { path, queued, capacity } of mailboxes(handle.actors())) {
    expect(queued, path).toBeLessThanOrEqual(capacity);
  }
  const result = await settle(runtime, handle.cancel());
  expect(result.state).toBe('CANCELED');
});

test('a flatMap that never ends is suspended while there is no room', async () => {
  const runtime = virtualRuntime({ seed: 2 });
  const gate = gatedSink();
  let made = 0;
  const job = defineJob('endless', (env) => {
    env
      .from([1], { uid: 'one' })
      .flatMap(function* () {
        for (;;) {
          made += 1;
          yield made;
        }
      })
      .sinkTo(gate.sink);
  });
  const handle = await startJob(runtime, job, {});
  await runtime.advance(5_000);
  const stuck = made;
  expect(stuck).toBeLessThan(4 * CHANNEL_CAPACITY_ELEMENTS * BATCH_RECORDS_MAX);
  await runtime.advance(5_000);
  expect(made).toBe(stuck);
  await settle(runtime, handle.cancel());
});

test('an aligned checkpoint behind a blocked sink times out, and the job goes on (T6.4)', async () => {
  const runtime = virtualRuntime({ seed: 3 });
  const gate = gatedSink();
  const job = defineJob('late', (env) => {
    env
      .from(ids(20_000), { uid: 'ids' })
      .keyBy((id) => id % 10)
      .reduce((_, id) => id)
      .sinkTo(gate.sink);
  });
  const handle = await startJob(runtime, job, {
    parallelism: 2,
    checkpoint: { dir: '/job', intervalMs: 100, timeoutMs: 500, tolerableFailures: 1_000 },
  });
  await runtime.advance(3_000);
  const status = await settle(runtime, handle.status());
  expect(status.checkpointsFailed).toBeGreaterThan(0);
  expect(status.checkpointsCompleted).toBe(0);
  expect(status.state).toBe('RUNNING');
  gate.unlock();
  const result = await finishJob(runtime, handle);
  expect(result.restarts).toBe(0);
  expect(gate.written).toHaveLength(20_000);
});

test('without tolerance a checkpoint that times out fails the attempt', async () => {
  const runtime = virtualRuntime({ seed: 4 });
  const gate = gatedSink();
  const job = defineJob('intolerant', (env) => {
    env.from(ids(20_000), { uid: 'ids' }).sinkTo(gate.sink);
  });
  const handle = await startJob(runtime, job, {
    checkpoint: { dir: '/job', intervalMs: 100, timeoutMs: 500 },
    restart: { kind: 'fixedDelay', attempts: 1, delayMs: 10 },
  });
  await expect(settle(runtime, handle.finished)).rejects.toThrow(/Checkpoints do not complete/);
});

test('what an asynchronous source answers while there is no room waits for room', async () => {
  const runtime = virtualRuntime({ seed: 5 });
  const gate = gatedSink();
  const RECORDS = 8_000;
  async function* slowly() {
    for (let id = 0; id < RECORDS; id += 1) {
      if (id % 50 === 0) await new Promise<void>((resolve) => runtime.timers.after(7, resolve));
      yield id;
    }
  }
  const job = defineJob('asynchronous', (env) => {
    env
      .from(slowly(), { uid: 'ids' })
      .assignTimestamps((id) => id, boundedOutOfOrderness(0))
      .flatMap((id) => [id, id])
      .keyBy((id) => id % 3)
      .reduce((_, id) => id)
      .sinkTo(gate.sink);
  });
  const handle = await startJob(runtime, job, { parallelism: 1 });
  await runtime.advance(5_000);
  gate.unlock();
  const result = await finishJob(runtime, handle);
  expect(result.state).toBe('FINISHED');
  expect(gate.written).toHaveLength(2 * RECORDS);
});

test('a suspended job writes nothing that it read after its barrier', async () => {
  let waiting: (() => void) | null = null;
  // The next record comes right after the barrier of the stop.
  const points = { hit: (step: string) => (step === 'barrier.injected' ? waiting?.() : undefined) };
  const runtime = virtualRuntime({ seed: 6, points });
  const gate = gatedSink();
  gate.unlock();
  async function* onDemand() {
    yield 1;
    await new Promise<void>((resolve) => {
      waiting = resolve;
    });
    yield 2;
  }
  const job = defineJob('on-demand', (env) => {
    env.from(onDemand(), { uid: 'ids' }).sinkTo(gate.sink);
  });
  const handle = await startJob(runtime, job, { checkpoint: { dir: '/job', intervalMs: null } });
  await runtime.advance(100);
  expect(gate.written).toEqual([1]);
  await settle(runtime, handle.stop());
  expect(gate.written).toEqual([1]);
});
