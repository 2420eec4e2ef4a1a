// Paths of the virtual disk: look-ups that fail as Node's do.
//
// Owns:    resolving a path to its directory, name and node; errors with Node's codes.
// Not:     the disk's content and durability (virtual-disk.ts).

import { posix } from 'node:path';
import { VirtualDirectory, type VirtualDisk, type VirtualNode } from './virtual-disk.js';
import type { FileOperation } from './virtual-faults.js';

export interface Place {
  readonly directory: VirtualDirectory;
  readonly name: string;
  readonly node: VirtualNode | undefined;
}

/** Absolute, without `.`, `..` or a closing slash. */
export function normalPath(path: string): string {
  return posix.resolve('/', path);
}

/** The node at a path, or undefined. Throws ENOTDIR when the path leads through a file. */
export function nodeAt(disk: VirtualDisk, operation: FileOperation, path: string): VirtualNode | undefined {
  let node: VirtualNode | undefined = disk.root;
  for (const name of segments(path)) {
    if (node === undefined) return undefined;
    if (!(node instanceof VirtualDirectory)) throw fileError('ENOTDIR', operation, path);
    node = node.entries.get(name);
  }
  return node;
}

/** Where an entry is or would be. Throws ENOENT or ENOTDIR when its directory is missing or none. */
export function placeOf(disk: VirtualDisk, operation: FileOperation, path: string): Place {
  const names = segments(path);
  const name = names.pop();
  if (name === undefined) throw fileError('EBUSY', operation, path);
  const directory = directoryAt(disk, operation, `/${names.join('/')}`, path);
  return { directory, name, node: directory.entries.get(name) };
}

/** The directory at a path. Throws ENOENT or ENOTDIR, naming `shownPath`. */
export function directoryAt(
  disk: VirtualDisk,
  operation: FileOperation,
  path: string,
  shownPath: string = path,
): VirtualDirectory {
  const node = nodeAt(disk, operation, path);
  if (node === undefined) throw fileError('ENOENT', operation, shownPath);
  if (!(node instanceof VirtualDirectory)) throw fileError('ENOTDIR', operation, shownPath);
  return node;
}

/** An error as node:fs throws it: matched by `code`. */
export function fileError(code: string, operation: FileOperation, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} '${path}'`), { code, syscall: operation, path });
}

function segments(path: string): string[] {
  return normalPath(path).split('/').filter(Boolean);
}
