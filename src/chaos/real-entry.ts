// What a thread or process of a scenario runs: finds the scenario in its module and lives one life of its job.
//
// Owns:    the way from a task to a host.
// Not:     the life itself (real-host.ts), starting this file (real-thread.ts, real-process.ts).
//
// N1. Imported by anybody else it does nothing.

import { readFileSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../base/errors.js';
import { StoreGate } from './real-gate.js';
import type { HostPorts } from './real-host.js';
import { hostOf } from './real-hosts.js';
import type { HostNews, HostTask } from './real-news.js';
import { HOST_MARK, NEWS_DESCRIPTOR } from './real-process.js';
import { isRunnable } from './runnable.js';

async function live(task: HostTask, ports: HostPorts): Promise<void> {
  ports.tell({ kind: 'begun', pid: process.pid });
  const host = await found(task, ports.tell);
  if (host !== null) await host(task, ports);
}

async function found(
  { module, scenario }: HostTask,
  tell: HostPorts['tell'],
): Promise<ReturnType<typeof hostOf>> {
  try {
    const exported: Readonly<Record<string, unknown>> = await import(module);
    for (const value of Object.values(exported)) {
      const host = isRunnable(value) && value.name === scenario ? hostOf(value.subject) : null;
      if (host !== null) return host;
    }
    tell({ kind: 'unusable', message: `${module} exports no scenario named "${scenario}"` });
  } catch (error) {
    tell({ kind: 'unusable', message: `${module} cannot be loaded: ${messageOf(error)}` });
  }
  return null;
}

function writeLine(news: HostNews): void {
  const line = Buffer.from(`${JSON.stringify(news)}\n`);
  for (let at = 0; at < line.length; ) at += writeSync(NEWS_DESCRIPTOR, line, at);
}

/** Memory of the gate and the task, for a thread that was started as a host. */
interface ThreadData {
  readonly task: HostTask;
  readonly gate: SharedArrayBuffer;
}

function isThreadData(data: unknown): data is ThreadData {
  return typeof data === 'object' && data !== null && 'task' in data && 'gate' in data;
}

const [mark, file = ''] = process.argv.slice(2);
if (parentPort !== null && isThreadData(workerData)) {
  const port = parentPort;
  const { task, gate } = workerData;
  await live(task, { tell: (news) => port.postMessage(news), gate: new StoreGate(gate) });
} else if (mark === HOST_MARK) {
  await live(JSON.parse(readFileSync(file, 'utf8')) as HostTask, { tell: writeLine, gate: null });
}
