// A disk in memory that knows what a power cut would leave of it.
//
// Owns:    directories, files, what is visible now, and what is durable.
// Not:     handles, asynchrony, injected faults (virtual-files.ts).
//
// A1. Appended bytes are durable after `sync` of their file; entries (creations, renames, removals) after `syncDirectory`
//     of the directory that they are in. A rename is durable, and whole, when the directory it leads to is synced: a
//     removal that followed from it (of the emptied directory it came from) can then not undo it.
// A2. A power cut keeps what is durable, and by seeded choice a prefix of what is not: of each file's bytes,
//     and of the entries in the order in which they were made.

import { randomBelow } from '../base/random-stream.js';
import type { FileStat, RandomStream } from '../base/runtime.js';

export class VirtualFile {
  readonly id: number;
  modifiedMs: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #size = 0;
  #syncedSize = 0;
  /** Durable content that a truncation has cut and no sync has confirmed. */
  #beforeCut: Uint8Array | null = null;

  constructor(id: number, modifiedMs: number) {
    this.id = id;
    this.modifiedMs = modifiedMs;
  }

  get size(): number {
    return this.#size;
  }

  read(position: number, length: number): Uint8Array {
    return this.#bytes.slice(Math.min(position, this.#size), Math.min(position + length, this.#size));
  }

  append(bytes: Uint8Array): void {
    this.#reserve(this.#size + bytes.byteLength);
    this.#bytes.set(bytes, this.#size);
    this.#size += bytes.byteLength;
  }

  truncate(size: number): void {
    if (size < this.#syncedSize) {
      this.#beforeCut ??= this.#bytes.slice(0, this.#syncedSize);
      this.#syncedSize = size;
    }
    this.#reserve(size);
    this.#bytes.fill(0, Math.min(size, this.#size), Math.max(size, this.#size));
    this.#size = size;
  }

  sync(): void {
    this.#syncedSize = this.#size;
    this.#beforeCut = null;
  }

  losePower(choices: RandomStream): void {
    if (this.#beforeCut !== null && choices.next() < 0.5) {
      this.#bytes = this.#beforeCut;
      this.#size = this.#beforeCut.byteLength;
    } else {
      this.#size = this.#syncedSize + randomBelow(choices, this.#size - this.#syncedSize + 1);
    }
    this.sync();
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.byteLength) return;
    const grown = new Uint8Array(Math.max(size, 2 * this.#bytes.byteLength, 256));
    grown.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = grown;
  }
}

export class VirtualDirectory {
  readonly id: number;
  modifiedMs: number;
  readonly entries: Map<string, VirtualNode> = new Map();
  readonly durable: Map<string, VirtualNode> = new Map();

  constructor(id: number, modifiedMs: number) {
    this.id = id;
    this.modifiedMs = modifiedMs;
  }
}

export type VirtualNode = VirtualFile | VirtualDirectory;

interface EntryChange {
  readonly directory: VirtualDirectory;
  readonly name: string;
  /** Null removes the entry. */
  readonly node: VirtualNode | null;
}

/** Changes that become durable together, and the directories that have yet to be synced for that: where entries came to be. */
interface EntryOperation {
  readonly changes: readonly EntryChange[];
  readonly unsynced: Set<VirtualDirectory>;
}

export class VirtualDisk {
  readonly root: VirtualDirectory;
  readonly #wallMs: () => number;
  #log: EntryOperation[] = [];
  #nodes = 0;

  constructor(wallMs: () => number) {
    this.#wallMs = wallMs;
    this.root = this.newDirectory();
  }

  newFile(): VirtualFile {
    this.#nodes += 1;
    return new VirtualFile(this.#nodes, this.#wallMs());
  }

  newDirectory(): VirtualDirectory {
    this.#nodes += 1;
    return new VirtualDirectory(this.#nodes, this.#wallMs());
  }

  /** Applies the changes at once for everyone to see; they are not durable yet. */
  change(...changes: readonly EntryChange[]): void {
    for (const { directory, name, node } of changes) {
      if (node === null) directory.entries.delete(name);
      else directory.entries.set(name, node);
      directory.modifiedMs = this.#wallMs();
    }
    const added = changes.filter((change) => change.node !== null);
    const decisive = added.length > 0 ? added : changes;
    this.#log.push({ changes, unsynced: new Set(decisive.map((change) => change.directory)) });
  }

  syncDirectory(directory: VirtualDirectory): void {
    for (const operation of this.#log) operation.unsynced.delete(directory);
    this.#retire();
  }

  /** Drops what is not durable, except for seeded prefixes of it. */
  losePower(choices: RandomStream): void {
    const pending = this.#log.filter((operation) => operation.unsynced.size > 0);
    const survivors = new Set(pending.slice(0, randomBelow(choices, pending.length + 1)));
    for (const operation of this.#log) {
      if (operation.unsynced.size === 0 || survivors.has(operation)) makeDurable(operation);
    }
    this.#log = [];
    restart(this.root, choices);
  }

  stat(node: VirtualNode): FileStat {
    const isFile = node instanceof VirtualFile;
    return {
      kind: isFile ? 'file' : 'directory',
      sizeBytes: isFile ? node.size : 0,
      modifiedMs: node.modifiedMs,
      identity: `virtual:${node.id}`,
    };
  }

  // Operations that are durable behind one that is not must wait for it: replayed alone they could touch
  // entries that it makes.
  #retire(): void {
    let durable = 0;
    for (const operation of this.#log) {
      if (operation.unsynced.size > 0) break;
      makeDurable(operation);
      durable += 1;
    }
    this.#log.splice(0, durable);
  }
}

function makeDurable(operation: EntryOperation): void {
  for (const { directory, name, node } of operation.changes) {
    if (node === null) directory.durable.delete(name);
    else directory.durable.set(name, node);
  }
}

function restart(directory: VirtualDirectory, choices: RandomStream): void {
  directory.entries.clear();
  for (const [name, node] of directory.durable) {
    directory.entries.set(name, node);
    if (node instanceof VirtualFile) node.losePower(choices);
    else restart(node, choices);
  }
}
