// A process that runs one job from its checkpoint directory and tells its parent what happens: the one to be killed.
//
// Owns:    running the job, lines for the parent, killing itself at a protocol step when asked to.
// Not:     when it is killed from outside, and what is left of it (the proofs).
//
// J1. Lines are written synchronously: what the parent has not read by a SIGKILL is in the pipe.

import { writeSync } from 'node:fs';
import { run } from '../../actors/run.js';
import type { JobDefinition } from '../../src/api/define-job.js';
import { WeirError } from '../../src/base/errors.js';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import type { PointFields, Points } from '../../src/base/runtime.js';
import { type CountingOptions, countingJob } from './counting-job.js';
import { type PageHitsOptions, pageHitsJob } from './page-hits-job.js';

/** Where a process kills itself. */
export interface OwnDeath {
  readonly step: string;
  readonly role: string | null;
  /** 1: the first time. */
  readonly hit: number;
}

export interface JobSettings {
  /** Restarts within the process, and the pause before each. Default: as many as it takes, growing pauses. */
  readonly restarts?: number;
  readonly restartDelayMs?: number;
  readonly storeDeadlineMs?: number;
  readonly allowOlderCheckpoint?: boolean;
}

export interface JobTask {
  readonly job:
    | ({ readonly kind: 'counting' } & CountingOptions)
    | ({ readonly kind: 'pageHits' } & PageHitsOptions);
  readonly parallelism: number;
  readonly checkpoints: string;
  readonly intervalMs: number;
  readonly death: OwnDeath | null;
  readonly settings?: JobSettings;
}

/** What the process tells, a word per line; `finished` and `failed` carry a text. */
export type JobNews = 'running' | 'restored' | 'checkpoint' | 'finished' | 'failed' | 'dying';

function tell(news: JobNews, text = ''): void {
  writeSync(1, `${news} ${text.replaceAll('\n', ' | ')}\n`);
}

function jobOf(task: JobTask): JobDefinition {
  return task.job.kind === 'counting' ? countingJob(task.job) : pageHitsJob(task.job);
}

class News implements Points {
  private readonly death: OwnDeath | null;
  private restored = false;
  private hits = 0;

  constructor(death: OwnDeath | null) {
    this.death = death;
  }

  hit(step: string, fields: PointFields): void {
    if (step === 'metadata.durable') tell('checkpoint', String(fields['checkpoint']));
    if (step === 'restore.applied' && !this.restored) {
      this.restored = true;
      tell('restored');
    }
    const { death } = this;
    if (death === null || death.step !== step) return;
    if (death.role !== null && death.role !== fields['role']) return;
    this.hits += 1;
    if (this.hits < death.hit) return;
    tell('dying', `${step} ${fields['role']}`);
    process.kill(process.pid, 'SIGKILL');
  }
}

/** The error and its causes, outermost first: class, code, text. */
function describe(error: unknown): string {
  const chain: string[] = [];
  for (let each = error; each instanceof Error && chain.length < 6; each = each.cause) {
    const code = each instanceof WeirError ? ` ${each.code}` : '';
    chain.push(`${each.name}${code}: ${each.message}`);
  }
  return chain.length === 0 ? String(error) : chain.join(' <- ');
}

async function main(task: JobTask): Promise<void> {
  const { settings = {} } = task;
  const { restarts, restartDelayMs, storeDeadlineMs, allowOlderCheckpoint } = settings;
  const handle = await run(jobOf(task), {
    parallelism: task.parallelism,
    checkpoint: {
      dir: task.checkpoints,
      intervalMs: task.intervalMs,
      ...(storeDeadlineMs === undefined ? {} : { storeDeadlineMs }),
    },
    ...(restarts === undefined
      ? {}
      : { restart: { kind: 'fixedDelay', attempts: restarts, delayMs: restartDelayMs ?? 0 } }),
    ...(allowOlderCheckpoint === undefined ? {} : { allowOlderCheckpoint }),
    runtime: nodeRuntime({ points: new News(task.death) }),
  });
  tell('running');
  const result = await handle.finished;
  tell('finished', JSON.stringify(result));
}

try {
  await main(JSON.parse(process.argv[2] ?? '') as JobTask);
} catch (error) {
  tell('failed', describe(error));
  process.exitCode = 1;
}
