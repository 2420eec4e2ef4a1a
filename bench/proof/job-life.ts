// One life of a process that runs a job, in the hands of its parent.
//
// Owns:    starting it, reading what it tells, killing it, waiting for its end.
// Not:     the process itself (job-process.ts), how many lives there are (the proofs).

import { spawn } from 'node:child_process';
import type { JobNews, JobTask } from './job-process.js';

export type LifeEnd =
  | { readonly kind: 'finished' }
  | { readonly kind: 'killed' }
  /** It ended by itself without finishing its job. */
  | { readonly kind: 'failed'; readonly reason: string };

export interface LifeReport {
  readonly end: LifeEnd;
  readonly running: boolean;
  readonly restored: boolean;
  readonly checkpoints: number;
  /** From start to `running`; null when it did not come that far. */
  readonly startMs: number | null;
  /** Restarts within a life that finished its job; 0 for others. */
  readonly restarts: number;
}

export interface KillPlan {
  /** Milliseconds until SIGKILL; null: let it live. */
  readonly afterMs: number | null;
  /** From where they are counted. */
  readonly from: 'start' | 'running';
  /** A life that has not ended after this long has failed, and is ended. */
  readonly deadlineMs: number;
  /** Called for each line of news. */
  readonly onNews?: (news: JobNews, text: string) => void;
}

export function liveOnce(program: string, task: JobTask, plan: KillPlan): Promise<LifeReport> {
  return new Promise((resolve, reject) => {
    const beganMs = Date.now();
    const child = spawn(process.execPath, [program, JSON.stringify(task)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const seen = new Map<JobNews, string>();
    let checkpoints = 0;
    let startMs: number | null = null;
    let errors = '';
    let overdue = false;
    const timers: NodeJS.Timeout[] = [];
    const killLater = (delayMs: number): void => {
      timers.push(setTimeout(() => child.kill('SIGKILL'), delayMs));
    };
    if (plan.afterMs !== null && plan.from === 'start') killLater(plan.afterMs);
    timers.push(
      setTimeout(() => {
        overdue = true;
        child.kill('SIGKILL');
      }, plan.deadlineMs),
    );
    child.stderr.on('data', (bytes) => {
      errors = `${errors}${bytes}`.slice(-2_000);
    });
    onLines(child.stdout, (line) => {
      const [word = '', ...rest] = line.split(' ');
      seen.set(word as JobNews, rest.join(' '));
      if (word === 'checkpoint') checkpoints += 1;
      plan.onNews?.(word as JobNews, rest.join(' '));
      if (word !== 'running') return;
      startMs = Date.now() - beganMs;
      if (plan.afterMs !== null && plan.from === 'running') killLater(plan.afterMs);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      for (const timer of timers) clearTimeout(timer);
      const end = overdue
        ? ({ kind: 'failed', reason: `no end after ${plan.deadlineMs} ms` } as const)
        : endOf(code, signal, seen, errors);
      const { restarts = 0 } = JSON.parse(seen.get('finished') ?? '{}') as { restarts?: number };
      const running = seen.has('running');
      resolve({ end, running, restored: seen.has('restored'), checkpoints, startMs, restarts });
    });
  });
}

function endOf(
  code: number | null,
  signal: NodeJS.Signals | null,
  seen: ReadonlyMap<JobNews, string>,
  errors: string,
): LifeEnd {
  if (signal === 'SIGKILL') return { kind: 'killed' };
  if (code === 0 && seen.has('finished')) return { kind: 'finished' };
  const reason = seen.get('failed') ?? `exit code ${code}, signal ${signal}, ${errors}`;
  return { kind: 'failed', reason };
}

function onLines(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = '';
  stream.on('data', (bytes) => {
    const lines = `${rest}${bytes}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
}
