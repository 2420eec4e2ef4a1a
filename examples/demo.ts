// `npm start`: a shop's orders, actors that are killed every few seconds, and the proof that nobody can tell.
//
//   npm start -- [--seconds 30] [--rate 4000]
//
// Files stay in `.weir/demo` until the next start. Exit code 0 when the files are exactly right, 1 when they are not.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CollectHandle, nodeRuntime, run } from 'weirjs';
import { Killer } from './demo/killer.js';
import { orderJob } from './demo/order-job.js';
import type { MinuteRevenue } from './demo/orders.js';
import { Screen } from './demo/screen.js';
import { verdictOf } from './demo/verdict.js';

const PARALLELISM = 2;
const CHECKPOINT_INTERVAL_MS = 500;
const RESTARTS_MAX = 1_000;
const DIRECTORY: string = join('.weir', 'demo');

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '30' }, rate: { type: 'string', default: '4000' } },
});
process.exitCode = await demo(positive('seconds', values.seconds), positive('rate', values.rate));

async function demo(seconds: number, ratePerSecond: number): Promise<number> {
  const orders = Math.floor(seconds * ratePerSecond);
  const directories = { orders: join(DIRECTORY, 'orders'), revenue: join(DIRECTORY, 'revenue') };
  rmSync(DIRECTORY, { recursive: true, force: true });
  const screen = new Screen();
  const killer = new Killer((recovery) => screen.recovery(recovery));
  const runtime = nodeRuntime({ points: killer });
  const windows: CollectHandle<MinuteRevenue>[] = [];
  const job = orderJob({
    orders,
    ratePerSecond,
    ordersDirectory: directories.orders,
    revenueDirectory: directories.revenue,
    watch: (revenue) => windows.push(revenue),
  });
  screen.opening(orders, seconds);
  const handle = await run(job, {
    runtime,
    parallelism: PARALLELISM,
    checkpoint: { dir: join(DIRECTORY, 'checkpoints'), intervalMs: CHECKPOINT_INTERVAL_MS },
    restart: { kind: 'fixedDelay', attempts: RESTARTS_MAX, delayMs: 0 },
  });
  screen.head(handle.guarantee.guarantee);
  const ended = new AbortController();
  const killing = killer.goOn(handle, runtime.random('kills'), ended.signal);
  for await (const sums of windows[0] ?? []) screen.revenue(sums);
  screen.revenueEnds();
  const { checkpointsCompleted } = await handle.finished;
  ended.abort();
  await killing;
  if (killer.unanswered !== null) screen.killedLast(killer.unanswered);
  const verdict = verdictOf(directories, { orders, ratePerSecond });
  screen.verdict(verdict, killer.recoveries, checkpointsCompleted);
  return verdict.ok ? 0 : 1;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  console.error(`--${name} is a positive number, got "${text}"`);
  return process.exit(2);
}
