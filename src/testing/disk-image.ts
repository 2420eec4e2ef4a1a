// The virtual disk in the hands of a test: read and written at once, durable, without faults.
//
// Owns:    looking at files after a run, preparing them before it, changing them behind the program's back.
// Not:     what a simulated process sees (virtual-files.ts).

import { posix } from 'node:path';
import { VirtualDirectory, type VirtualDisk, VirtualFile } from './virtual-disk.js';
import { directoryAt, fileError, nodeAt, normalPath, placeOf } from './virtual-paths.js';

export class DiskImage {
  readonly #disk: VirtualDisk;

  constructor(disk: VirtualDisk) {
    this.#disk = disk;
  }

  /** The bytes of a file, or null when there is none. */
  read(path: string): Uint8Array | null {
    const node = nodeAt(this.#disk, 'read', path);
    return node instanceof VirtualFile ? node.read(0, node.size) : null;
  }

  /** The file as UTF-8 text, or null when there is none. */
  readText(path: string): string | null {
    const bytes = this.read(path);
    return bytes === null ? null : Buffer.from(bytes).toString('utf8');
  }

  /** Writes a whole file, durably, and makes its directories. The file keeps its identity when it exists. */
  write(path: string, content: Uint8Array | string): void {
    const file = this.#file(path);
    file.truncate(0);
    file.append(Buffer.from(content));
    file.sync();
  }

  /** Appends to a file, durably; makes it when it does not exist. */
  append(path: string, content: Uint8Array | string): void {
    const file = this.#file(path);
    file.append(Buffer.from(content));
    file.sync();
  }

  /** Moves a file or directory, durably: how a log is rotated. Replaces the target. */
  rename(from: string, to: string): void {
    const source = placeOf(this.#disk, 'rename', from);
    const target = placeOf(this.#disk, 'rename', to);
    if (source.node === undefined) throw fileError('ENOENT', 'rename', from);
    this.#disk.change(
      { directory: source.directory, name: source.name, node: null },
      { directory: target.directory, name: target.name, node: source.node },
    );
    this.#disk.syncDirectory(source.directory);
    this.#disk.syncDirectory(target.directory);
  }

  /** Removes a file, or a directory with all that is in it, durably. */
  remove(path: string): void {
    const { directory, name, node } = placeOf(this.#disk, 'remove', path);
    if (node === undefined) return;
    this.#disk.change({ directory, name, node: null });
    this.#disk.syncDirectory(directory);
  }

  /** Makes a directory and its parents, durably. */
  makeDirectory(path: string): void {
    if (nodeAt(this.#disk, 'makeDirectory', path) instanceof VirtualDirectory) return;
    this.makeDirectory(posix.dirname(normalPath(path)));
    const { directory, name, node } = placeOf(this.#disk, 'makeDirectory', path);
    if (node !== undefined) throw fileError('EEXIST', 'makeDirectory', path);
    this.#disk.change({ directory, name, node: this.#disk.newDirectory() });
    this.#disk.syncDirectory(directory);
  }

  /** Names in a directory, sorted. */
  list(path: string): readonly string[] {
    return [...directoryAt(this.#disk, 'list', path).entries.keys()].sort();
  }

  #file(path: string): VirtualFile {
    this.makeDirectory(posix.dirname(normalPath(path)));
    const { directory, name, node } = placeOf(this.#disk, 'open', path);
    if (node instanceof VirtualFile) return node;
    if (node !== undefined) throw fileError('EISDIR', 'open', path);
    const file = this.#disk.newFile();
    this.#disk.change({ directory, name, node: file });
    this.#disk.syncDirectory(directory);
    return file;
  }
}
