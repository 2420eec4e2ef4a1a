// The directory of a store, before and after LMDB touches it.
//
// Owns:    typed refusals of directories that cannot hold a store, their durability, the space that is left.
// Not:     who may use the directory (node-store-lock.ts), the file in it (lmdb-file-check.ts).
//
// A1. A refusal names the path and what to do; nothing was created or changed.

import { constants } from 'node:fs';
import { access, mkdir, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { messageOf, StoreError } from './errors.js';
import { nodeFiles } from './node-files.js';

/** Makes sure that `directory` is there and fit for the intended access; creates it unless `readOnly`. */
export async function prepareStoreDirectory(directory: string, readOnly: boolean): Promise<void> {
  try {
    if (!readOnly) await mkdir(directory, { recursive: true });
    const found = await stat(directory);
    if (!found.isDirectory()) throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
    await access(
      directory,
      readOnly ? constants.R_OK | constants.X_OK : constants.R_OK | constants.W_OK | constants.X_OK,
    );
  } catch (error) {
    throw directoryError(directory, error);
  }
}

/** Makes the entries of a fresh store durable: LMDB syncs its files, but not the directories that name them. */
export async function syncStoreDirectory(directory: string): Promise<void> {
  await nodeFiles.syncDirectory(directory);
  await nodeFiles.syncDirectory(dirname(resolve(directory)));
}

/** Bytes that this user can still write to the file system of `directory`. */
export async function spaceLeft(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

function directoryError(directory: string, cause: unknown): StoreError {
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  const options = { cause, unrecoverable: true };
  switch (code) {
    case 'ENOENT':
      return new StoreError(
        'WEIR_STORE',
        `There is no store in ${directory}: the directory does not exist.`,
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
