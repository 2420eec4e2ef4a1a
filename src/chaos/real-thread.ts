// A host in a thread of this process.
//
// Owns:    starting the thread, how its ends look from outside, ending it at a safe point only.
// Not:     when it is to be ended (real-supervisor.ts).
//
// T1. `terminate` is called only while the thread writes to no store and can begin no write (real-gate.ts).
// T2. A thread for which that moment does not come is left alone, and said so: ending it would hang the process.

import { pathToFileURL } from 'node:url';
import { type ResourceLimits, Worker } from 'node:worker_threads';
import { messageOf } from '../base/errors.js';
import type { Timers } from '../base/runtime.js';
import { StoreGate } from './real-gate.js';
import type { HostEnd, HostLife, HostStart } from './real-host-life.js';
import type { HostProgram } from './real-loader.js';
import type { HostNews } from './real-news.js';

/** A write that has begun is over by then, or never. */
const SAFE_MS_MAX = 10_000;
const SAFE_POLL_MS = 2;
/** Characters of its standard error that explain an end. */
const ERRORS_KEPT = 2_000;

export interface ThreadOptions {
  readonly program: HostProgram;
  readonly limits: ResourceLimits;
  readonly timers: Timers;
}

export function startThread({ task, onNews }: HostStart, options: ThreadOptions): HostLife {
  const { program, limits, timers } = options;
  const gate = new StoreGate();
  const url = pathToFileURL(program.entry);
  const shared = {
    workerData: { task, gate: gate.memory },
    execArgv: [...program.execArgv],
    resourceLimits: limits,
    stdout: true,
    stderr: true,
  };
  const worker =
    program.register === null
      ? new Worker(url, shared)
      : new Worker(registering(program.register, url.href), { ...shared, eval: true });
  worker.on('message', (news: HostNews) => onNews(news));
  let reason: string | null = null;
  worker.on('error', (error) => {
    const code = 'code' in error ? `${String(error.code)}: ` : '';
    reason = `${code}${messageOf(error)}`;
  });
  let errors = '';
  worker.stderr.on('data', (bytes: Buffer) => {
    errors = `${errors}${bytes.toString()}`.slice(-ERRORS_KEPT);
  });
  let settled = false;
  let settle: (how: string | null) => void = () => undefined;
  const ended = new Promise<HostEnd>((resolve) => {
    settle = (how) => {
      settled = true;
      resolve({ how, said: errors.trim() });
    };
  });
  worker.on('exit', (code) => settle(reason ?? (code === 0 ? null : `exit code ${code}`)));
  const end = (waitedMs: number): void => {
    if (settled) return;
    if (gate.isSafe) return void worker.terminate();
    if (waitedMs < SAFE_MS_MAX) return void timers.after(SAFE_POLL_MS, () => end(waitedMs + SAFE_POLL_MS));
    worker.unref();
    settle('it is in the middle of a write to a store and cannot be ended: this process keeps the thread');
  };
  return {
    ended,
    end: () => {
      gate.shut();
      end(0);
    },
    resume: () => undefined,
  };
}

/** tsx has to be registered in each thread; `--import` reaches only the first. */
function registering(register: string, entry: string): string {
  const [api, file] = [register, entry].map((url) => JSON.stringify(url));
  return `import(${api}).then(({ register }) => { register(); return import(${file}); });`;
}
