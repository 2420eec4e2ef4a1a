// One run of a job through a plan of crashes, and the account of what came out.
//
// Owns:    running in virtual time or on Node, starting again after the death of a process, judging the run.
// Not:     striking (crash-listener.ts), which plans there are (crash-points.ts).
//
// R1. A run in which a planned crash did not happen has failed, and so has one in which nothing was recovered from it.
// R2. A run that stands still or takes too long has failed: in virtual time both are certain, not guessed.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { JobHandle, JobResult } from '../../actors/job-handle.js';
import { run } from '../../actors/run.js';
import type { RunOptions } from '../../actors/run-options.js';
import type { JobDefinition } from '../../src/api/define-job.js';
import { messageOf } from '../../src/base/errors.js';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import { randomBelow, randomStream } from '../../src/base/random-stream.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { CommittedFiles, realShelf, type Shelf } from './committed-files.js';
import { countingJob } from './counting-job.js';
import { CrashListener } from './crash-listener.js';
import { type CrashPlan, type MachineRole, planText } from './crash-plan.js';
import { eventTimeJob, ResultLedger } from './event-time-job.js';
import { complaints, Ledger } from './ledger.js';

export interface CrashReport {
  readonly failures: readonly string[];
  /** Steps reached, for plans that aim at a later time. */
  readonly hits: ReadonlyMap<string, number>;
  readonly crashes: number;
  readonly restores: number;
  readonly checkpoints: number;
  readonly committed: number;
  /** Who died, for a replay. */
  readonly victims: readonly string[];
}

/** Enough for a dozen checkpoints, and for some more of them per crash. */
const RECORDS = { least: 400, perCrash: 120 };
const TRICKLE_FROM = 0.6;
/** More than the records between two checkpoints touch, so that increments leave some out. */
const KEYS = 61;
const VIRTUAL = { ratePerSecond: 1_500, intervalMs: 20, stallMs: 90, minutesMax: 10 };
const NODE = { ratePerSecond: 3_000, intervalMs: 12, stallMs: 25, secondsMax: 60 };
const DIRECTORY = '/proof';

interface World {
  readonly result: JobResult;
  readonly shelf: Shelf;
  readonly output: string;
}

export async function crashRun(plan: CrashPlan, scratch: string): Promise<CrashReport> {
  let deaths: (role: MachineRole) => void = () => undefined;
  const listener = new CrashListener(plan, (role) => deaths(role));
  const truth = { records: recordsOf(plan), keys: KEYS };
  const ledger = isEventTime(plan) ? new ResultLedger(truth) : new Ledger(truth);
  const failures: string[] = [];
  try {
    const world =
      plan.world === 'virtual'
        ? await runVirtual(plan, listener, (die) => {
            deaths = die;
          })
        : await runNode(plan, listener, scratch);
    const files = new CommittedFiles(world.output, world.shelf);
    files.readNew((value) => ledger.enter(value));
    const left = files.leftOver();
    failures.push(...complaints(ledger.account()), ...files.problems);
    if (left.length > 0) failures.push(`${left.length} files are left over`);
    failures.push(...vacuity(plan, listener, world.result));
  } catch (error) {
    failures.push(describe(error));
  }
  return {
    failures: failures.map((failure) => `${planText(plan)}: ${failure}`),
    hits: listener.hits,
    crashes: listener.done.length,
    restores: listener.restored.size,
    checkpoints: listener.checkpoints,
    committed: ledger.committed,
    victims: listener.done.map(({ crash, victim }) => `${victim} at ${crash.step}`),
  };
}

function vacuity(plan: CrashPlan, listener: CrashListener, result: JobResult): string[] {
  const { due, done, hits } = listener;
  if (result.state !== 'FINISHED') return [`the job ended ${result.state}`];
  if (due !== null) {
    const times = hits.get(due.step) ?? 0;
    return [`the crash of ${due.role} at ${due.step} never happened; the step was reached ${times} times`];
  }
  const last = done.at(-1);
  const isLast = last !== undefined && last.crash.hit >= (hits.get(last.crash.step) ?? 0);
  if (last === undefined || plan.crashes.length === 0) return [];
  // At the very last step of a job there may be nothing left that a crash could interrupt.
  return result.attempts > last.attempt || isLast ? [] : [`the death of ${last.victim} had no effect`];
}

function optionsOf(plan: CrashPlan, directory: string, intervalMs: number): RunOptions {
  const random = randomStream(plan.seed, 'options');
  return {
    parallelism: plan.parallelism,
    checkpoint: {
      dir: join(directory, 'checkpoints'),
      intervalMs,
      concurrentMax: 1 + randomBelow(random, 2),
      incremental: random.next() < 0.7,
      tolerableFailures: randomBelow(random, 3),
    },
    chaining: random.next() < 0.7,
    restart: { kind: 'fixedDelay', attempts: 1_000, delayMs: randomBelow(random, 15) },
  };
}

/** A third of the random plans; never the tables, whose seed is 1. */
function isEventTime(plan: CrashPlan): boolean {
  return plan.seed % 3 === 0;
}

function recordsOf(plan: CrashPlan): number {
  return RECORDS.least + RECORDS.perCrash * plan.crashes.length;
}

function jobOf(
  plan: CrashPlan,
  listener: CrashListener,
  directory: string,
  { ratePerSecond, stallMs }: { readonly ratePerSecond: number; readonly stallMs: number },
): JobDefinition {
  const output = join(directory, 'output');
  // The last part of the records waits for the crashes that are still to come.
  const trickle = (position: unknown): boolean =>
    Number(position) > recordsOf(plan) * TRICKLE_FROM && listener.due !== null;
  const stalls = { mostMs: stallMs, trickle };
  const options = { records: recordsOf(plan), keys: KEYS, ratePerSecond, output, stalls };
  return isEventTime(plan) ? eventTimeJob(options) : countingJob(options);
}

// ---------------------------------------------------------------- virtual

async function runVirtual(
  plan: CrashPlan,
  listener: CrashListener,
  onDeath: (die: (role: MachineRole) => void) => void,
): Promise<World> {
  const order = plan.seed % 2 === 0 ? 'random' : 'fifo';
  let machine = virtualRuntime({ seed: plan.seed, order, points: listener });
  for (;;) {
    let successor: VirtualRuntime | null = null;
    const current = machine;
    onDeath((role) => {
      successor = current.crashProcess({ unsynced: role === 'power' ? 'lost' : 'kept' });
    });
    const result = await lifeOf(plan, listener, machine, () => successor !== null);
    if (result !== null) return { result, shelf: virtualShelf(machine), output: join(DIRECTORY, 'output') };
    machine = successor ?? machine;
  }
}

/** Null when the process has died. */
async function lifeOf(
  plan: CrashPlan,
  listener: CrashListener,
  machine: VirtualRuntime,
  hasDied: () => boolean,
): Promise<JobResult | null> {
  let settled = false;
  const job = jobOf(plan, listener, DIRECTORY, VIRTUAL);
  const options = optionsOf(plan, DIRECTORY, VIRTUAL.intervalMs);
  const ending = run(job, { ...options, runtime: machine, actorHost: 'dispatch' })
    .then((handle) => {
      listener.attach(handle);
      return handle.finished;
    })
    .finally(() => {
      settled = true;
    });
  // Its failure is read below, or it belongs to a process that has died.
  ending.catch(() => undefined);
  const limitMs = machine.nowMs + VIRTUAL.minutesMax * 60_000;
  await machine.run(() => settled || hasDied() || machine.nowMs > limitMs);
  if (hasDied()) return null;
  if (settled) return await ending;
  if (machine.nowMs > limitMs) throw new Error(`no end after ${VIRTUAL.minutesMax} virtual minutes`);
  throw new Error('nothing is left to do, and the job has not ended');
}

export function virtualShelf(machine: VirtualRuntime): Shelf {
  const { disk } = machine;
  const exists = (path: string): boolean => {
    try {
      disk.list(path);
      return true;
    } catch {
      // A directory that is not there has nothing in it.
      return false;
    }
  };
  return {
    list: (path) => (exists(path) ? disk.list(path) : []),
    readText: (path) => disk.readText(path) ?? '',
    sizeBytes: (path) => disk.read(path)?.byteLength ?? 0,
  };
}

// ---------------------------------------------------------------- node

async function runNode(plan: CrashPlan, listener: CrashListener, directory: string): Promise<World> {
  rmSync(directory, { recursive: true, force: true });
  const options = optionsOf(plan, directory, NODE.intervalMs);
  const handle: JobHandle = await run(jobOf(plan, listener, directory, NODE), {
    ...options,
    runtime: nodeRuntime({ points: listener }),
  });
  listener.attach(handle);
  const result = await withinSeconds(handle.finished, NODE.secondsMax);
  return { result, shelf: realShelf, output: join(directory, 'output') };
}

function withinSeconds<T>(promise: Promise<T>, seconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no end after ${seconds} s`)), seconds * 1_000);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function describe(error: unknown): string {
  const causes: string[] = [];
  for (let each: unknown = error; each !== undefined && causes.length < 4; ) {
    causes.push(messageOf(each));
    each = each instanceof Error ? each.cause : undefined;
  }
  return causes.join(' <- ');
}
