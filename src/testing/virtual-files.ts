// The file system that a simulated process sees.
//
// Owns:    the FileSystem port over a virtual disk: asynchrony, handles, injected faults.
// Not:     what survives a power cut (virtual-disk.ts).
//
// A1. Every operation takes effect in a step of its own; until then it is in flight.
// A2. Operations on one handle, and operations on names, each happen in the order of the calls.
// A3. An append that fails has written a seeded prefix of its bytes, as a full disk does.

import { posix } from 'node:path';
import { randomBelow } from '../base/random-stream.js';
import type { FileHandle, FileSystem, RandomStream } from '../base/runtime.js';
import { VirtualDirectory, type VirtualDisk, VirtualFile, type VirtualNode } from './virtual-disk.js';
import type { FileFault, FileOperation, VirtualFaults } from './virtual-faults.js';
import { NEVER, type VirtualProcess } from './virtual-machine.js';
import { directoryAt, fileError, nodeAt, normalPath, placeOf } from './virtual-paths.js';

export interface VirtualFilesOptions {
  readonly disk: VirtualDisk;
  readonly process: VirtualProcess;
  readonly faults: VirtualFaults;
  readonly choices: RandomStream;
  readonly wallMs: () => number;
}

type Mode = Parameters<FileSystem['open']>[1];
type Perform = <T>(
  lane: string,
  operation: FileOperation,
  path: string,
  apply: () => T,
  failed?: () => void,
) => Promise<T>;

/** Operations on names share a lane: they are journaled in order. */
const NAMES = 'files';

/** The files of one process, and how many of them it has open. */
export interface VirtualFileSystem extends FileSystem {
  openFiles(): number;
}

export function virtualFiles(options: VirtualFilesOptions): VirtualFileSystem {
  const { disk, process, faults } = options;
  let handles = 0;
  const open = { count: 0 };
  const perform: Perform = (lane, operation, path, apply, failed) =>
    process.perform(lane, 0, () => {
      const fault = faults.files?.(operation, path) ?? null;
      if (fault === null) return apply();
      failed?.();
      if (isWritten(fault)) apply();
      return failedBy(fault, operation, path);
    });
  const named = <T>(operation: FileOperation, path: string, apply: () => T): Promise<T> =>
    perform(NAMES, operation, path, apply);
  return {
    openFiles: () => open.count,
    async open(path, mode) {
      const node = await named('open', path, () => openNode(disk, path, mode));
      handles += 1;
      open.count += 1;
      return openHandle(options, perform, node, path, mode, `file ${process.number}.${handles}`, open);
    },
    stat: (path) =>
      named('stat', path, () => {
        const node = nodeAt(disk, 'stat', path);
        return node === undefined ? null : disk.stat(node);
      }),
    list: (path) => named('list', path, () => [...directoryAt(disk, 'list', path).entries.keys()].sort()),
    makeDirectory: (path) => named('makeDirectory', path, () => makeDirectory(disk, path)),
    rename: (from, to) => named('rename', from, () => rename(disk, from, to)),
    remove: (path) => named('remove', path, () => remove(disk, path)),
    removeDirectory: (path) => named('removeDirectory', path, () => removeDirectory(disk, path)),
    syncDirectory: (path) =>
      named('syncDirectory', path, () => disk.syncDirectory(directoryAt(disk, 'syncDirectory', path))),
  };
}

function isWritten(fault: FileFault): boolean {
  return fault === 'failWritten' || fault === 'hangWritten';
}

function failedBy(fault: NonNullable<FileFault>, operation: FileOperation, path: string): typeof NEVER {
  if (fault === 'hang' || fault === 'hangWritten') return NEVER;
  throw fileError(fault === 'failWritten' ? 'EIO' : fault, operation, path);
}

function openHandle(
  options: VirtualFilesOptions,
  perform: Perform,
  node: VirtualNode,
  path: string,
  mode: Mode,
  lane: string,
  open: { count: number },
): FileHandle {
  let isOpen = true;
  const onFile = <T>(operation: FileOperation, apply: (file: VirtualFile) => T): Promise<T> =>
    perform(lane, operation, path, () => {
      if (!isOpen) throw fileError('EBADF', operation, path);
      if (!(node instanceof VirtualFile)) throw fileError('EISDIR', operation, path);
      return apply(node);
    });
  const writable = (operation: FileOperation, code: string): void => {
    if (mode === 'read') throw fileError(code, operation, path);
  };
  const write = (file: VirtualFile, bytes: Uint8Array): void => {
    file.append(bytes);
    file.modifiedMs = options.wallMs();
  };
  return {
    read: (position, length) => onFile('read', (file) => file.read(position, length)),
    append(bytes) {
      const copy = new Uint8Array(bytes);
      return options.process.perform(lane, 0, () => {
        const fault = options.faults.files?.('append', path) ?? null;
        if (fault === 'hang') return NEVER;
        if (!isOpen || mode === 'read') throw fileError('EBADF', 'append', path);
        if (!(node instanceof VirtualFile)) throw fileError('EISDIR', 'append', path);
        const whole = fault === null || isWritten(fault);
        const length = whole ? copy.byteLength : randomBelow(options.choices, copy.byteLength + 1);
        write(node, copy.subarray(0, length));
        return fault === null ? undefined : failedBy(fault, 'append', path);
      });
    },
    sync: () => onFile('sync', (file) => file.sync()),
    truncate: (sizeBytes) =>
      onFile('truncate', (file) => {
        writable('truncate', 'EINVAL');
        file.truncate(sizeBytes);
        file.modifiedMs = options.wallMs();
      }),
    stat: () => perform(lane, 'stat', path, () => options.disk.stat(node)),
    close: () => {
      // As on Linux, the descriptor is free also when closing has failed; when it hangs, nobody can do more.
      const over = (): void => {
        if (isOpen) open.count -= 1;
        isOpen = false;
      };
      return perform(lane, 'close', path, over, over);
    },
  };
}

function openNode(disk: VirtualDisk, path: string, mode: Mode): VirtualNode {
  const { directory, name, node } = placeOf(disk, 'open', path);
  if (node !== undefined) {
    if (mode === 'createNew') throw fileError('EEXIST', 'open', path);
    if (mode === 'append' && node instanceof VirtualDirectory) throw fileError('EISDIR', 'open', path);
    return node;
  }
  if (mode === 'read') throw fileError('ENOENT', 'open', path);
  const file = disk.newFile();
  disk.change({ directory, name, node: file });
  return file;
}

function makeDirectory(disk: VirtualDisk, path: string): void {
  const node = nodeAt(disk, 'makeDirectory', path);
  if (node instanceof VirtualDirectory) return;
  if (node !== undefined) throw fileError('EEXIST', 'makeDirectory', path);
  makeDirectory(disk, posix.dirname(normalPath(path)));
  const place = placeOf(disk, 'makeDirectory', path);
  disk.change({ directory: place.directory, name: place.name, node: disk.newDirectory() });
}

function rename(disk: VirtualDisk, from: string, to: string): void {
  const source = placeOf(disk, 'rename', from);
  const target = placeOf(disk, 'rename', to);
  if (source.node === undefined) throw fileError('ENOENT', 'rename', from);
  if (source.node === target.node) return;
  if (target.node instanceof VirtualDirectory) {
    if (source.node instanceof VirtualFile) throw fileError('EISDIR', 'rename', to);
    if (target.node.entries.size > 0) throw fileError('ENOTEMPTY', 'rename', to);
  } else if (target.node !== undefined && source.node instanceof VirtualDirectory) {
    throw fileError('ENOTDIR', 'rename', to);
  }
  disk.change(
    { directory: source.directory, name: source.name, node: null },
    { directory: target.directory, name: target.name, node: source.node },
  );
}

function remove(disk: VirtualDisk, path: string): void {
  if (nodeAt(disk, 'remove', path) === undefined) return;
  const { directory, name, node } = placeOf(disk, 'remove', path);
  if (node instanceof VirtualDirectory) throw fileError('EISDIR', 'remove', path);
  disk.change({ directory, name, node: null });
}

function removeDirectory(disk: VirtualDisk, path: string): void {
  const found = nodeAt(disk, 'removeDirectory', path);
  if (found === undefined) return;
  if (found instanceof VirtualFile) throw fileError('ENOTDIR', 'removeDirectory', path);
  if (found.entries.size > 0) throw fileError('ENOTEMPTY', 'removeDirectory', path);
  const { directory, name } = placeOf(disk, 'removeDirectory', path);
  disk.change({ directory, name, node: null });
}
