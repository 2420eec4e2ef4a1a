// The lock on a store directory: one live owner at a time on this machine.
//
// Owns:    holding a local socket whose name stands for the directory, and asking its holder who it is.
// Not:     owners on other machines or in other containers; they are fenced by the owner row (lmdb-key-values.ts).
//
// A1. A lock dies with its process: the kernel drops the socket, also after `kill -9`. No lock is ever stale.
// A2. The name comes from device and inode, so that every path to a directory finds the same lock.
//
// A lock file with a pid inside was rejected: after a crash the pid may belong to somebody else.

import { stat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreError } from './errors.js';

export interface StoreLock {
  /** What a refused competitor is told, besides the pid. */
  describe(state: string): void;
  release(): Promise<void>;
}

/** A holder whose answer is not whole within this time is alive but stopped, or not one of ours; its pid stays unknown. */
const HOLDER_ANSWER_MS = 500;
/** Characters of an answer: a pid and a few words. Whoever sends more is not one of ours, and is not listened to. */
const HOLDER_ANSWER_CHARS_MAX = 200;

/** Takes the lock of an existing directory. Throws StoreError that names the holder when there is one. */
export async function lockStore(directory: string): Promise<StoreLock> {
  const { dev, ino } = await stat(directory, { bigint: true });
  const name = socketName(`weir-store-${dev.toString(36)}-${ino.toString(36)}`);
  let state = 'running';
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(`${process.pid} ${state}`);
  });
  if (!(await listen(server, name))) {
    const holder = await askHolder(name);
    if (holder.kind !== 'gone') throw lockedError(directory, holder);
    // The holder went away between the two steps, or left a socket file behind: its name is free now.
    await removeSocketFile(name);
    if (!(await listen(server, name))) throw lockedError(directory, { kind: 'silent' });
  }
  // The lock must not keep a program alive that has nothing else to do.
  server.unref();
  return {
    describe: (text) => {
      state = text;
    },
    release: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

type Holder =
  | { readonly kind: 'gone' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'known'; readonly pid: string; readonly state: string };

// Linux and Windows have socket names outside the file system, which vanish with their process.
function socketName(name: string): string {
  if (process.platform === 'linux') return `\0${name}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`;
  return join(tmpdir(), `${name}.sock`);
}

function listen(server: Server, name: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    };
    server.once('error', onError);
    server.listen({ path: name }, () => {
      server.removeListener('error', onError);
      resolve(true);
    });
  });
}

/** Settles within HOLDER_ANSWER_MS: any process can take the name, and may send without end, or a byte now and then. */
function askHolder(name: string): Promise<Holder> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ path: name });
    const giveUp = (): void => {
      resolve({ kind: 'silent' });
      socket.destroy();
    };
    // Over all of the answer: a time-out of the socket begins anew with every byte.
    const deadline = setTimeout(giveUp, HOLDER_ANSWER_MS);
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1');
      if (answer.length > HOLDER_ANSWER_CHARS_MAX) giveUp();
    });
    socket.on('error', () => resolve({ kind: 'gone' }));
    socket.on('close', () => {
      clearTimeout(deadline);
      const [, pid, state] = /^(\d+) ([\x20-\x7e]*)$/.exec(answer) ?? [];
      resolve(pid === undefined || state === undefined ? { kind: 'silent' } : { kind: 'known', pid, state });
    });
  });
}

async function removeSocketFile(name: string): Promise<void> {
  if (process.platform === 'linux' || process.platform === 'win32') return;
  try {
    await unlink(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function lockedError(directory: string, holder: Holder): StoreError {
  const who =
    holder.kind !== 'known'
      ? 'another process, which does not answer'
      : Number(holder.pid) === process.pid
        ? `this process (pid ${holder.pid}, ${holder.state})`
        : `process ${holder.pid} (${holder.state})`;
  return new StoreError('WEIR_STORE', `The store in ${directory} is in use by ${who}.`, {
    remedy: 'Stop that process, close the other store, or choose another directory.',
    unrecoverable: true,
  });
}
