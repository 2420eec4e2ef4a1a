// A host in a process of its own.
//
// Owns:    starting the process, its signals, how its ends look from outside.
// Not:     when it is to be ended (real-supervisor.ts).
//
// C1. News come through a pipe that the process writes to synchronously: what it told before a SIGKILL is there.
// C2. A process that announces its death by SIGKILL stands still until it comes.
// C3. A process that stops itself is continued again and again: a signal that comes before it has stopped is lost.

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { HostEnd, HostLife, HostStart } from './real-host-life.js';
import type { HostProgram } from './real-loader.js';
import type { HostNews } from './real-news.js';
import { taskIn } from './real-places.js';

/** Characters of its standard error that explain an end. */
const ERRORS_KEPT = 2_000;
/** Descriptor of the pipe for news, in the process. */
export const NEWS_DESCRIPTOR = 3;
/** First argument of a process that is a host; the second is the file of its task. */
export const HOST_MARK = '--weir-chaos-host';

export interface ProcessOptions {
  readonly program: HostProgram;
  /** Of V8. */
  readonly heapMegabytes: number | null;
  /** Words before those of the process: the program that disturbs it. */
  readonly wrapper: readonly string[];
}

export function startProcess({ task, onNews }: HostStart, options: ProcessOptions): HostLife {
  const { wrapper } = options;
  const file = taskIn(task.directory);
  writeFileSync(file, JSON.stringify(task));
  const [command = process.execPath, ...rest] = commandOf(options, file);
  // Calls that are counted have to come from one thread.
  const environment = wrapper.length === 0 ? process.env : { ...process.env, UV_THREADPOOL_SIZE: '1' };
  const child = spawn(command, rest, {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: environment,
    // A group of its own, so that a wrapper and what it wraps end together.
    detached: wrapper.length > 0,
  });
  let pid = wrapper.length === 0 ? child.pid : undefined;
  let over = false;
  const send = (signal: NodeJS.Signals): void => {
    if (over) return;
    if (pid === undefined) child.kill(signal);
    else signalProcess(pid, signal);
  };
  const news = child.stdio[NEWS_DESCRIPTOR];
  if (news !== null && news !== undefined && 'read' in news) {
    createInterface({ input: news }).on('line', (line) => {
      const told = newsIn(line);
      if (told === null) return;
      if (told.kind === 'begun') pid = told.pid;
      if (told.kind === 'dying' && told.how === 'kill') send('SIGKILL');
      onNews(told);
    });
  }
  let errors = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    errors = `${errors}${bytes.toString()}`.slice(-ERRORS_KEPT);
  });
  const ended = new Promise<HostEnd>((resolve) => {
    child.on('error', (error) => {
      over = true;
      resolve({ how: `it cannot be started: ${error.message}`, said: '' });
    });
    child.on('close', (code, signal) => {
      over = true;
      resolve({ how: code === 0 ? null : (signal ?? `exit code ${code}`), said: errors.trim() });
    });
  });
  const end = (): void => {
    if (wrapper.length === 0 || child.pid === undefined) send('SIGKILL');
    else if (!over) signalProcess(-child.pid, 'SIGKILL');
  };
  return { ended, end, resume: () => send('SIGCONT') };
}

function commandOf({ program, heapMegabytes, wrapper }: ProcessOptions, file: string): readonly string[] {
  const { execArgv, importing, entry } = program;
  const heap = heapMegabytes === null ? [] : [`--max-old-space-size=${heapMegabytes}`];
  return [...wrapper, process.execPath, ...execArgv, ...importing, ...heap, entry, HOST_MARK, file];
}

/** Null: the process died in the middle of the line. */
function newsIn(line: string): HostNews | null {
  try {
    return JSON.parse(line) as HostNews;
  } catch {
    // What it wanted to say is lost with it, and its end is told all the same.
    return null;
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended in the meantime, and its end is about to be told.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
