// A job whose source has no limit and whose sink takes 1,000 records a second, watched from inside its process.
//
// Owns:    the job, samples of heap and mailboxes, a savepoint and a cancel in the middle of it.
// Not:     judging the samples (backpressure.ts).
//
// B1. Heap is read after two garbage collections (--expose-gc), so that a sample is what is held, not what is left lying.
// B2. Mailboxes are looked at many times a second, each against its own bound.

import { writeSync } from 'node:fs';
import type { JobHandle } from '../../actors/job-handle.js';
import type { ActorSnapshot } from '../../actors/kernel/actor.js';
import { run } from '../../actors/run.js';
import { defineJob, type JobDefinition } from '../../src/api/define-job.js';
import { messageOf } from '../../src/base/errors.js';
import { generator } from '../../src/connectors/generator.js';
import { type KeyedContext, KeyedProcessFunction } from '../../src/operators/process-function.js';
import type { PlainSink } from '../../src/operators/sink.js';
import { valueState } from '../../src/operators/state-handles.js';

export interface PressureTask {
  readonly seconds: number;
  readonly sinkPerSecond: number;
  readonly parallelism: number;
  readonly checkpoints: string;
  readonly savepoint: string;
}

export type PressureNews =
  | {
      readonly kind: 'sample';
      readonly second: number;
      readonly heapBytes: number;
      readonly residentBytes: number;
      readonly emitted: number;
      readonly sunk: number;
      readonly checkpoints: number;
      /** Fullest mailbox so far, as a fraction of its bound. */
      readonly fullest: number;
      readonly overfull: string | null;
      readonly backPressured: boolean;
    }
  | { readonly kind: 'savepoint'; readonly tookMs: number }
  | { readonly kind: 'canceled'; readonly tookMs: number; readonly state: string }
  | { readonly kind: 'failed'; readonly reason: string };

const SAMPLE_MS = 1_000;
const LOOK_MS = 20;
const SAVEPOINT_AFTER_MS = 2_000;

interface Item {
  readonly id: number;
  readonly text: string;
}

class Tag extends KeyedProcessFunction<number, Item, Item & { readonly n: number }> {
  private readonly seen = valueState<number>('seen');

  override onElement(item: Item, context: KeyedContext<number, Item & { readonly n: number }>): void {
    const n = (this.seen.get() ?? 0) + 1;
    this.seen.set(n);
    context.emit({ ...item, n });
  }
}

/** Takes records at a steady rate, whatever the size of the batches. */
class SlowSink {
  sunk = 0;

  sink(perSecond: number): PlainSink<unknown> {
    return {
      name: 'slow',
      guarantee: 'atLeastOnce',
      parallelismMax: 1,
      open: ({ runtime }) => {
        let freeAtMs = runtime.clock.monotonicMs();
        return {
          write: (values) => {
            const nowMs = runtime.clock.monotonicMs();
            freeAtMs = Math.max(nowMs, freeAtMs) + (values.length / perSecond) * 1_000;
            this.sunk += values.length;
            return new Promise((resolve) => runtime.timers.after(freeAtMs - nowMs, resolve));
          },
          flush: ignore,
          close: ignore,
        };
      },
    };
  }
}

function pressureJob(slow: SlowSink, perSecond: number): JobDefinition {
  return defineJob('backpressure', (env) => {
    env
      .from(generator<Item>({ seed: 1, make: (id) => ({ id, text: `record number ${id}` }) }), {
        uid: 'endless',
      })
      .keyBy((item) => item.id % 100)
      .process(Tag)
      .uid('tag')
      .sinkTo(slow.sink(perSecond), { uid: 'slow' });
  });
}

async function main(task: PressureTask): Promise<void> {
  const slow = new SlowSink();
  const handle = await run(pressureJob(slow, task.sinkPerSecond), {
    parallelism: task.parallelism,
    checkpoint: { dir: task.checkpoints, intervalMs: 500 },
  });
  handle.finished.catch((error) => tell({ kind: 'failed', reason: messageOf(error) }));
  const watch = new MailboxWatch(handle);
  const saving = after(SAVEPOINT_AFTER_MS).then(() => savepoint(handle, task.savepoint));
  for (let second = 1; second <= task.seconds; second += 1) {
    await after(SAMPLE_MS);
    tell(await sample(handle, slow, watch, second));
  }
  await saving;
  watch.stop();
  const beganMs = performance.now();
  const { state } = await handle.cancel();
  tell({ kind: 'canceled', tookMs: performance.now() - beganMs, state });
}

async function sample(
  handle: JobHandle,
  slow: SlowSink,
  watch: MailboxWatch,
  second: number,
): Promise<PressureNews> {
  const status = await handle.status();
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return {
    kind: 'sample',
    second,
    heapBytes: heapUsed,
    residentBytes: rss,
    emitted: status.recordsIn,
    sunk: slow.sunk,
    checkpoints: status.checkpointsCompleted,
    fullest: watch.fullest,
    overfull: watch.overfull,
    backPressured: status.subtasks.some((subtask) => subtask.backPressured),
  };
}

async function savepoint(handle: JobHandle, directory: string): Promise<void> {
  const beganMs = performance.now();
  await handle.savepoint(directory);
  tell({ kind: 'savepoint', tookMs: performance.now() - beganMs });
}

class MailboxWatch {
  fullest = 0;
  overfull: string | null = null;
  private readonly timer: NodeJS.Timeout;

  constructor(handle: JobHandle) {
    this.timer = setInterval(() => this.look(handle.actors()), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(actor: ActorSnapshot): void {
    this.fullest = Math.max(this.fullest, actor.queued / actor.capacity);
    if (actor.queued > actor.capacity)
      this.overfull = `${actor.path} holds ${actor.queued} of ${actor.capacity}`;
    for (const child of actor.children) this.look(child);
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function tell(news: PressureNews): void {
  writeSync(1, `${JSON.stringify(news)}\n`);
}

function ignore(): void {
  // Nothing is buffered and nothing was opened.
}

try {
  await main(JSON.parse(process.argv[2] ?? '') as PressureTask);
} catch (error) {
  tell({ kind: 'failed', reason: messageOf(error) });
  process.exitCode = 1;
}
