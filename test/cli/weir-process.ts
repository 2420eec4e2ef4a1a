// `weir` as a child process, for tests: what it has written so far, what it will write, how it ends.
//
// W1. Tests wait for text, never for time.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../../src/cli/weir.ts', import.meta.url));
const TSX = import.meta.resolve('tsx');
const INTERRUPT_KEY = '\u0003';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface WeirProcess {
  readonly ended: Promise<Ended>;
  /** Resolves when either stream contains the text, which must not be part of what an earlier call has waited for. */
  seen(text: string): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** On a pseudo-terminal: Ctrl-C. */
  pressInterrupt(): void;
}

/** Path of a file of this folder. */
export function jobFile(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

export async function inDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'weir-cli-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export function startWeir(directory: string, ...args: string[]): WeirProcess {
  const [command = '', ...rest] = nodeArguments(args);
  return watch(spawn(command, rest, { cwd: directory, env: environment() }));
}

/** Runs to the end. */
export function weir(directory: string, ...args: string[]): Promise<Ended> {
  return startWeir(directory, ...args).ended;
}

/** On a pseudo-terminal, with both streams on its screen (`out`). */
export function startWeirOnTerminal(directory: string, ...args: string[]): WeirProcess {
  const line = nodeArguments(args)
    .map((argument) => `'${argument}'`)
    .join(' ');
  return watch(
    spawn('script', ['-qefc', `stty cols 120; exec ${line}`, '/dev/null'], {
      cwd: directory,
      env: environment(),
    }),
  );
}

/** Whether this machine can make a pseudo-terminal. */
export function hasTerminal(): boolean {
  return spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false;
}

function nodeArguments(args: readonly string[]): string[] {
  return [process.execPath, '--conditions=weir-source', '--import', TSX, COMMAND, ...args];
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, TERM: 'xterm', NO_COLOR: '' };
}

function watch(child: ChildProcess): WeirProcess {
  let out = '';
  let err = '';
  let waiting: (() => void)[] = [];
  let consumed = { out: 0, err: 0 };
  let over = false;
  const news = (): void => {
    const due = waiting;
    waiting = [];
    for (const look of due) look();
  };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    news();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    news();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      over = true;
      resolve({ code, out, err });
      news();
    });
  });
  const take = (text: string): boolean => {
    const inOut = out.indexOf(text, consumed.out);
    const inErr = err.indexOf(text, consumed.err);
    if (inOut >= 0) consumed = { ...consumed, out: inOut + text.length };
    else if (inErr >= 0) consumed = { ...consumed, err: inErr + text.length };
    return inOut >= 0 || inErr >= 0;
  };
  return {
    ended,
    seen: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (take(text)) resolve();
          else if (over) reject(new Error(`weir ended without ${JSON.stringify(text)}:\n${out}\n${err}`));
          else waiting.push(look);
        };
        look();
      }),
    signal: (signal) => void child.kill(signal),
    pressInterrupt: () => void child.stdin?.write(INTERRUPT_KEY),
  };
}
