// What the commands know of the process they run in.
//
// Owns:    the two streams, the signals, the immediate exit, as one narrow interface bound to Node's process.
// Not:     what is written (terminal.ts), what a signal means (interrupts.ts).

import type { ExitCode } from './exit-codes.js';

/** What the command needs of a stream; Node's are more. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write: (text: string) => boolean;
}

export interface Shell {
  /** For what was asked for: help, plans, and the records that jobs print. */
  readonly out: Screen;
  /** For everything about it: status, logs, errors. */
  readonly err: Screen;
  readonly directory: string;
  environment(name: string): string | undefined;
  /** Calls back at SIGINT and SIGTERM, and when the reader of `out` has gone; returns how to end that. */
  onInterrupt(callback: (reason: string) => void): () => void;
  exitNow(code: ExitCode): void;
}

export function processShell(): Shell {
  return {
    out: process.stdout,
    err: process.stderr,
    directory: process.cwd(),
    environment: (name) => process.env[name],
    onInterrupt,
    exitNow: (code) => process.exit(code),
  };
}

function onInterrupt(callback: (reason: string) => void): () => void {
  const interrupted = (signal: NodeJS.Signals): void => callback(signal);
  let readerGone = false;
  const broken = (error: NodeJS.ErrnoException): void => {
    // `weir run job.ts | head`: every further line would report it again.
    if (error.code !== 'EPIPE') throw error;
    if (!readerGone) callback('the reader of standard output has gone');
    readerGone = true;
  };
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', interrupted);
  process.stdout.on('error', broken);
  return () => {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
  };
}
