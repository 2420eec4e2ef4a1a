// Every example twice: undisturbed, and with a crash in the middle. The results are the same.
//
// In virtual time: the examples' own jobs run on a simulated machine, so that the crash comes at the same step every time.

import { expect, test } from 'vitest';
import { type CollectSink, collectSink, type JobDefinition, type Points } from 'weirjs';
import { type ActorRef, actorSystem } from 'weirjs/actors';
import { sellFruit } from '../examples/actors.js';
import { countReadings } from '../examples/crash-and-recover.js';
import { audit, PAYMENTS, payments } from '../examples/exactly-once-files.js';
import { helloStream } from '../examples/hello-stream.js';
import { unpaidOrders } from '../examples/keyed-timers.js';
import { pageHits, sampleLog } from '../examples/page-hits.js';
import { countSales, SALES, type Sale, verdict } from '../examples/rescale.js';
import { visits } from '../examples/sessions.js';
import { type VirtualRuntime, virtualRuntime } from '../src/testing/virtual-runtime.js';
import { finishJob, settle, startJob } from './engine/virtual-job.js';

/** Throws at one of the times that a subtask has made its part of a checkpoint durable. */
class CrashOnce implements Points {
  seen = 0;
  readonly #at: number | null;

  constructor(at: number | null) {
    this.#at = at;
  }

  hit(step: string): void {
    if (step !== 'snapshot.flushed') return;
    this.seen += 1;
    if (this.seen === this.#at) throw new Error('a crash in the middle');
  }
}

const checkpoint = { dir: '/job', intervalMs: 100 };
const restart = { kind: 'fixedDelay', attempts: 3, delayMs: 10 } as const;

interface Outcome {
  readonly rows: readonly string[];
  readonly seen: number;
  readonly restarts: number;
}

type Story = (crashAt: number | null) => Promise<Outcome>;

function collecting<T>(
  build: (out: CollectSink<T>) => JobDefinition,
  prepare: (runtime: VirtualRuntime) => void = () => undefined,
): Story {
  return async (crashAt) => {
    const points = new CrashOnce(crashAt);
    const runtime = virtualRuntime({ seed: 1, points });
    prepare(runtime);
    const sink = collectSink<T>();
    const handle = await startJob(runtime, build(sink), { chaining: false, checkpoint, restart });
    const { restarts } = await finishJob(runtime, handle);
    const rows = sink.committed().map((row) => JSON.stringify(row));
    return { rows: rows.sort(), seen: points.seen, restarts };
  };
}

const files: Story = async (crashAt) => {
  const points = new CrashOnce(crashAt);
  const runtime = virtualRuntime({ seed: 2, points });
  const handle = await startJob(runtime, payments('/ledger'), { chaining: false, checkpoint, restart });
  const { restarts } = await finishJob(runtime, handle);
  const texts = runtime.disk
    .list('/ledger')
    .filter((name) => name.endsWith('.csv'))
    .map((name) => runtime.disk.readText(`/ledger/${name}`) ?? '');
  expect(audit(texts)).toBe(`${PAYMENTS} lines, 0 lost, 0 duplicated`);
  const rows = texts.flatMap((text) => text.trimEnd().split('\r\n'));
  return { rows: rows.sort(), seen: points.seen, restarts };
};

const rescaled: Story = async (crashAt) => {
  const points = new CrashOnce(crashAt);
  const runtime = virtualRuntime({ seed: 3, points });
  const sales = collectSink<Sale>();
  const first = await startJob(runtime, countSales(sales), { parallelism: 2, checkpoint, restart });
  await runtime.advance(700);
  await settle(runtime, first.stop({ savepoint: '/savepoint' }));
  expect(sales.committed().length).toBeLessThan(SALES);
  const second = await startJob(runtime, countSales(sales), {
    parallelism: 4,
    from: '/savepoint',
    checkpoint: { ...checkpoint, dir: '/job-4' },
    restart,
  });
  const { restarts } = await finishJob(runtime, second);
  expect(verdict(sales.committed())).toContain('counted without gap');
  const rows = sales.committed().map((row) => JSON.stringify(row));
  return { rows: rows.sort(), seen: points.seen, restarts };
};

test.each<[string, Story]>([
  ['hello-stream', collecting(helloStream)],
  [
    'page-hits',
    collecting(
      (out) => pageHits('/access.log', out, { ratePerSecond: 50 }),
      (runtime) => runtime.disk.write('/access.log', sampleLog(100)),
    ),
  ],
  ['keyed-timers', collecting(unpaidOrders)],
  ['sessions', collecting(visits)],
  ['crash-and-recover', collecting((out) => countReadings(out, () => undefined))],
  ['exactly-once-files', files],
  ['rescale', rescaled],
])('%s: a crash in the middle leaves no trace in the results', async (_name, story) => {
  const calm = await story(null);
  expect(calm.rows.length).toBeGreaterThan(0);
  expect(calm.restarts).toBe(0);
  const crashed = await story(Math.ceil(calm.seen * 0.6));
  expect(crashed.restarts).toBe(1);
  expect(crashed.rows).toEqual(calm.rows);
});

test('actors: the till does not notice that the scanner crashed', async () => {
  const totals = async (crash: boolean) => {
    const system = actorSystem({ supervision: { restartsMax: 5 } });
    const disturb = (scanner: ActorRef<never>) => crash && system.crash(scanner, new Error('unplugged'));
    const sold = await sellFruit(system, () => undefined, disturb);
    const restarts = system.snapshot().children.find(({ path }) => path === '/scanner')?.restarts;
    await system.shutdown();
    return { sold, restarts };
  };
  expect(await totals(false)).toEqual({ sold: { apples: 4, pears: 6, plums: 9 }, restarts: 1 });
  expect(await totals(true)).toEqual({ sold: { apples: 4, pears: 6, plums: 9 }, restarts: 2 });
});
