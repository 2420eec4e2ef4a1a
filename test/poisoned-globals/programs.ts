// What runs under poison. To add a program is to add one line to `programs`; it throws when its result is wrong.

import { actorSystem } from '../../actors/index.js';
import { run } from '../../actors/run.js';
import { defineJob } from '../../src/api/define-job.js';
import { ndjson } from '../../src/connectors/file-format.js';
import { fileSink } from '../../src/connectors/file-sink.js';
import { generator } from '../../src/connectors/generator.js';
import { boundedOutOfOrderness } from '../../src/operators/watermark-generators.js';
import { count } from '../../src/operators/windows/aggregates.js';
import { tumbling } from '../../src/operators/windows/window-assigners.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';

export interface Program {
  readonly name: string;
  run(machine: VirtualRuntime): Promise<void>;
}

export const programs: readonly Program[] = [
  { name: 'two actors play ping-pong', run: pingPong },
  { name: 'a job with windows, checkpoints and a crash writes files', run: windowedJob },
];

export async function runPrograms(): Promise<readonly string[]> {
  for (const program of programs) await program.run(virtualRuntime({ seed: 1 }));
  return programs.map((program) => program.name);
}

type Ball = { readonly kind: 'ball'; readonly hits: number };

// Every third hit goes through a timer, so that messages, timers and a stop all happen.
async function pingPong(machine: VirtualRuntime): Promise<void> {
  const system = actorSystem({ runtime: machine, host: 'dispatch' });
  const seen: string[] = [];
  let other: { offer(ball: Ball): boolean } | null = null;
  const player = (name: string) =>
    system.spawn<Ball>(
      (context) => ({
        onMessage({ hits }) {
          seen.push(`${name}${hits}`);
          const next: Ball = { kind: 'ball', hits: hits + 1 };
          if (hits === 9) return;
          if (hits % 3 === 0) context.after(50, next);
          else other?.offer(next);
        },
      }),
      { name },
    );
  const ping = player('ping');
  other = player('pong');
  ping.offer({ kind: 'ball', hits: 1 });
  await machine.run();
  if (seen.at(-1)?.endsWith('9') !== true) throw new Error(`the game stopped early: ${seen.join(' ')}`);
  if (machine.nowMs < 100) throw new Error(`two timers of 50 ms were due, but it is ${machine.nowMs} ms`);
  const down = system.shutdown();
  await machine.run();
  await down;
}

const RECORDS = 2_000;
const WINDOW_MS = 100;

async function windowedJob(machine: VirtualRuntime): Promise<void> {
  const job = defineJob('windows', (env) => {
    const ids = generator({
      count: RECORDS,
      ratePerSecond: 1_000,
      seed: 1,
      make: (id) => id,
      timestamp: (id) => id,
    });
    env
      .from(ids, { uid: 'ids', watermarks: boundedOutOfOrderness(0) })
      .filter((id) => id >= 0)
      .keyBy((id) => id % 3)
      .window(tumbling(WINDOW_MS))
      .aggregate(count(), (key, window, hits) => ({ key, from: window.start, hits }))
      .sinkTo(fileSink('/out', { format: ndjson() }), { uid: 'files' });
  });
  const handle = await settle(
    machine,
    run(job, {
      runtime: machine,
      actorHost: 'dispatch',
      parallelism: 2,
      checkpoint: { dir: '/job', intervalMs: 200 },
      restart: { kind: 'fixedDelay', attempts: 5, delayMs: 10 },
    }),
  );
  machine.timers.after(700, () => {
    const attempt = handle.system.find('/job/attempt-1');
    if (attempt !== null) handle.system.crash(attempt, new Error('planned'));
  });
  const { restarts } = await settle(machine, handle.finished);
  if (restarts !== 1) throw new Error(`one restart was planned, ${restarts} happened`);
  const lines = machine.disk
    .list('/out')
    .flatMap((name) => (machine.disk.readText(`/out/${name}`) ?? '').split('\n'))
    .filter((line) => line !== '');
  const hits = lines.reduce((sum, line) => sum + (JSON.parse(line) as { hits: number }).hits, 0);
  if (lines.length !== 3 * (RECORDS / WINDOW_MS) || hits !== RECORDS) {
    throw new Error(`${lines.length} windows with ${hits} hits`);
  }
}

async function settle<T>(machine: VirtualRuntime, promise: Promise<T>): Promise<T> {
  let done = false;
  const mark = (): void => {
    done = true;
  };
  promise.then(mark, mark);
  await machine.run(() => done);
  return promise;
}
