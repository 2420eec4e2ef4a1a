// The directory of a store, before and after LMDB touches it.
//
// Owns:    typed refusals of directories that cannot hold a store, the mark of a finished creation, durability of the
//          entries, the space that is left.
// Not:     who may use the directory (node-store-lock.ts), the file in it (node-store-check.ts).
//
// A1. A refusal names the path and what to do; nothing was created or changed.
// A2. The mark is durable only after the data file is. With it, a missing or empty data file is a loss and refused;
//     without it, the file is what an interrupted creation left, and making it anew loses nothing.

import { constants } from 'node:fs';
import { access, readFile, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { messageOf, StoreError } from './errors.js';
import { makeDirectories } from './node-directories.js';
import { nodeFiles } from './node-files.js';
import { checkStoreFile } from './node-store-check.js';

/** Two header pages of the largest size: what a creation has written that was interrupted before its first commit. */
const UNFINISHED_BYTES_MAX = 2 * 65_536;
const DATA_FILE = 'data.mdb';
const MARK_TEXT = `This directory is a store of Weir. Keep this file: without it a missing or empty data.mdb counts as new.
`;

/** Makes sure that `directory` is there and fit for the intended access; creates it unless `readOnly`. */
export async function prepareStoreDirectory(directory: string, readOnly: boolean): Promise<void> {
  try {
    if (!readOnly) await makeDirectories(directory);
    const found = await stat(directory);
    if (!found.isDirectory()) throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
    await access(
      directory,
      readOnly ? constants.R_OK | constants.X_OK : constants.R_OK | constants.W_OK | constants.X_OK,
    );
  } catch (error) {
    throw directoryError(directory, readOnly, error);
  }
}

/** Makes sure that the data file, if there is one, is fit for LMDB; throws StoreError when it is damaged or lost. */
export async function prepareStoreFile(directory: string, readOnly: boolean): Promise<void> {
  const path = join(directory, DATA_FILE);
  const found = await nodeFiles.stat(path);
  const mayBeNew = !readOnly && (await nodeFiles.stat(markFile(directory))) === null;
  if (found === null || found.sizeBytes === 0) {
    if (mayBeNew) return;
    const state = found === null ? 'missing' : 'empty';
    throw new StoreError('WEIR_STORE', `The store file ${path} is ${state}.`, {
      remedy: 'Restore it from a copy, or choose another directory.',
      unrecoverable: true,
    });
  }
  try {
    await checkStoreFile(path);
  } catch (error) {
    if (!mayBeNew || found.sizeBytes > UNFINISHED_BYTES_MAX) throw error;
    // Moved, not removed: it could be a file of somebody else that happens to have this name.
    await nodeFiles.rename(path, `${path}.unfinished`);
  }
}

/** Makes a store durable that holds its first commit: LMDB syncs its files, but not the directories that name them. */
export async function markStoreCreated(directory: string): Promise<void> {
  if ((await nodeFiles.stat(markFile(directory))) !== null) return;
  await nodeFiles.syncDirectory(directory);
  await nodeFiles.syncDirectory(dirname(resolve(directory)));
  const file = await nodeFiles.open(markFile(directory), 'append');
  try {
    await file.append(Buffer.from(MARK_TEXT));
    await file.sync();
  } finally {
    await file.close();
  }
  await nodeFiles.syncDirectory(directory);
}

/** Bytes that this user can still write to the file system of `directory`. */
export async function spaceLeft(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

export interface StoreFile {
  /** Which file it is: another one of the same name has another. */
  readonly identity: string;
  readonly bytes: number;
}

/** The file that holds everything; null: there is none. */
export async function storeFileIn(directory: string): Promise<StoreFile | null> {
  const found = await stat(join(directory, DATA_FILE), { bigint: true }).catch((error: unknown) => {
    if (error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  return found === null ? null : { identity: `${found.dev}:${found.ino}`, bytes: Number(found.size) };
}

/** How large a file this process may write (`ulimit -f`); infinite where there is no limit, or no way to ask. */
export async function fileBytesMax(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const soft = Number(/^Max file size\s+(\d+)/m.exec(limits)?.[1]);
  return Number.isFinite(soft) ? soft : Number.POSITIVE_INFINITY;
}

function markFile(directory: string): string {
  return join(directory, 'weir-store.txt');
}

function directoryError(directory: string, readOnly: boolean, cause: unknown): StoreError {
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  const options = { cause, unrecoverable: true };
  switch (code) {
    case 'ENOENT':
      return new StoreError(
        'WEIR_STORE',
        readOnly
          ? `There is no store in ${directory}: the directory does not exist.`
          : `The store directory ${directory} cannot be made: nothing can be created above it.`,
        {
          ...options,
          remedy: 'Check the path.',
        },
      );
    case 'EEXIST':
    case 'ENOTDIR':
      return new StoreError('WEIR_STORE', `The store needs a directory, but ${directory} is not one.`, {
        ...options,
        remedy: 'Choose another path, or move away what is there.',
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StoreError('WEIR_STORE', `The store directory ${directory} cannot be written (${code}).`, {
        ...options,
        remedy: 'Give this user read, write and search permission on it, or choose another directory.',
      });
    default:
      return new StoreError(
        'WEIR_STORE',
        `The store directory ${directory} cannot be used: ${messageOf(cause)}.`,
        {
          ...options,
          remedy: 'Choose another directory.',
        },
      );
  }
}
