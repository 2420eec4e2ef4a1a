// Making a directory and those above it.
//
// Owns:    the walk up to what exists, and down again.
// Not:     durability (node-files.ts), what goes into the directory.
//
// V1. It settles: Node's own recursive mkdir goes round for ever, on a thread that keeps the process alive, where the
//     parent exists and still nothing can be made in it (`/proc`).

import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A directory that is there already is no error. Errors carry Node's `code`. */
export async function makeDirectories(path: string): Promise<void> {
  const problem = await makeDirectory(path);
  if (problem === null) return;
  const parent = dirname(path);
  if (!isMissing(problem) || parent === path) throw problem;
  await makeDirectories(parent);
  const again = await makeDirectory(path);
  if (again !== null) throw again;
}

async function makeDirectory(path: string): Promise<unknown> {
  try {
    await mkdir(path);
    return null;
  } catch (error) {
    if (isMissing(error)) return error;
    // What is there may be told as EEXIST, or by what else would be in the way: EROFS, EPERM, EISDIR.
    return (await isDirectory(path)) ? null : error;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // Then it is none, and why it could not be made says more than why it cannot be looked at.
    return false;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
