// A job is stopped with a savepoint at parallelism 2 and goes on at parallelism 4: state moves to where its keys are now.
//
//   npx tsx examples/rescale.ts

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CollectSink, collectSink, defineJob, generator, type JobDefinition, run } from 'weirjs';

export const SALES = 4_000;
const SHOPS = 10;

export interface Sale {
  readonly shop: string;
  /** How many sales the shop has made, this one included. */
  readonly nth: number;
}

/** State is found by uid: keep uids when you change a job. */
export function countSales(out: CollectSink<Sale>): JobDefinition {
  const source = generator({ count: SALES, ratePerSecond: 2_000, seed: 1, make: (seq) => seq });
  return defineJob('count-sales', (env) => {
    env
      .from(source, { uid: 'sales' })
      .map((seq): Sale => ({ shop: `shop ${seq % SHOPS}`, nth: 1 }))
      .keyBy((sale) => sale.shop)
      .sum('nth')
      .uid('per shop')
      .sinkTo(out, { uid: 'out' });
  });
}

/** Every shop must have counted 1, 2, 3, ... on and on, over the rescale. */
export function verdict(sales: readonly Sale[]): string {
  const shops = Array.from({ length: SHOPS }, (_, shop) =>
    sales.filter((sale) => sale.shop === `shop ${shop}`),
  );
  const gapless = shops.every((shop) => shop.every((sale, index) => sale.nth === index + 1));
  return `${sales.length} sales of ${SHOPS} shops, ${gapless ? 'counted without gap' : 'MISCOUNTED'}`;
}

if (import.meta.filename === process.argv[1]) {
  const dir = mkdtempSync(join(tmpdir(), 'weir-rescale-'));
  const savepoint = join(dir, 'savepoint');
  const sales = collectSink<Sale>();

  const first = await run(countSales(sales), {
    parallelism: 2,
    checkpoint: { dir: join(dir, 'before'), intervalMs: 100 },
  });
  await sleep(400);
  const stopped = await first.stop({ savepoint });
  console.log(
    `parallelism 2: ${stopped.state} with a savepoint, ${sales.committed().length < SALES ? 'in the middle' : 'at the end'}`,
  );

  const second = await run(countSales(sales), {
    parallelism: 4,
    from: savepoint,
    checkpoint: { dir: join(dir, 'after'), intervalMs: 100 },
  });
  const { state } = await second.finished;
  console.log(`parallelism 4: ${state}`);
  console.log(verdict(sales.committed()));
  rmSync(dir, { recursive: true });
}
