// Runs a job in virtual time and kills actors of it by plan.

import type { JobHandle, JobResult } from '../../actors/job-handle.js';
import type { ActorSnapshot, ActorSystem } from '../../actors/kernel/actor.js';
import { run } from '../../actors/run.js';
import type { RunOptions } from '../../actors/run-options.js';
import type { JobDefinition } from '../../src/api/define-job.js';
import type { RandomStream } from '../../src/base/runtime.js';
import type { VirtualRuntime } from '../../src/testing/virtual-runtime.js';

/** Lets virtual time pass until the promise has settled. */
export async function settle<T>(runtime: VirtualRuntime, promise: Promise<T>): Promise<T> {
  let done = false;
  const watched = promise.finally(() => {
    done = true;
  });
  watched.catch(() => {
    // It is awaited below; until then a rejection must not count as unhandled.
  });
  await runtime.run(() => done);
  if (!done) throw new Error('nothing is left to do, and the promise has not settled: a deadlock');
  return watched;
}

export async function startJob(
  runtime: VirtualRuntime,
  job: JobDefinition,
  options: Omit<RunOptions, 'runtime' | 'actorHost'>,
): Promise<JobHandle> {
  return settle(runtime, run(job, { ...options, runtime, actorHost: 'dispatch' }));
}

export async function finishJob(runtime: VirtualRuntime, handle: JobHandle): Promise<JobResult> {
  return settle(runtime, handle.finished);
}

export function livingActors(system: ActorSystem): readonly string[] {
  const paths: string[] = [];
  const visit = (actor: ActorSnapshot): void => {
    if (actor.state === 'running' && actor.path !== '/') paths.push(actor.path);
    actor.children.forEach(visit);
  };
  visit(system.snapshot());
  return paths;
}

export interface Kill {
  readonly atMs: number;
  readonly path: string;
}

/** Kills a random living actor every `everyMs` on average, `times` times. Returns the list, which grows. */
export function killRandomly(
  runtime: VirtualRuntime,
  handle: JobHandle,
  random: RandomStream,
  times: number,
  everyMs: number,
): Kill[] {
  const kills: Kill[] = [];
  const next = (): void => {
    if (kills.length >= times) return;
    runtime.timers.after(1 + random.next() * 2 * everyMs, () => {
      const paths = livingActors(handle.system);
      const path = paths[Math.floor(random.next() * paths.length)];
      const ref = path === undefined ? null : handle.system.find(path);
      if (path !== undefined && ref !== null) {
        kills.push({ atMs: runtime.nowMs, path });
        handle.system.crash(ref, new Error(`killed ${path}`));
      }
      next();
    });
  };
  next();
  return kills;
}
