// Is a data file fit to be opened by LMDB, which maps it into memory and trusts what it finds?
//
// Owns:    walking the trees of the newest snapshot in the file, without LMDB: every page that LMDB could touch lies
//          within the file, is of the kind that its parent expects, and has its nodes within itself.
// Not:     the content of values (the checkpoint store keeps checksums), the order of keys.
//
// A1. What passes cannot make LMDB read outside the file (SIGBUS) or fail an assertion while it descends (abort).
// A2. A file may be shorter than its header claims when its last pages are free, so the trees decide, not the claim.
//
// Cost: one read per branch and leaf page; values of a page or more are not read. Chunks of 256 KB need about one
// leaf page for 10 MB of data.

import { type FileHandle, open } from 'node:fs/promises';
import { StoreError } from './errors.js';

/** Data format 2 of LMDB as bundled with lmdb-js: little-endian, 64-bit page numbers. */
const FORMAT = 2;
const MAGIC = 0xbeefc0de;
const PAGE_HEADER_BYTES = 24;
const META_BYTES = 136;
const NODE_HEADER_BYTES = 8;
const TREE_BYTES = 48;
const BIG_VALUE_BYTES = 24;
const BRANCH = 0x01;
const LEAF = 0x02;
const META = 0x08;
const PAGE_KINDS = 0x6f;
const BIG_VALUE = 0x01;
const NAMED_TREE = 0x02;
/** Of all flags that a table may have, the only one that lmdb-js sets for ours: its rows carry versions. */
const TABLE_FLAGS = 0x100;
/** LMDB's cursors hold no deeper path. */
const DEPTH_MAX = 32;
const PAGE_BYTES_MIN = 512;
const PAGE_BYTES_MAX = 65_536;
const META_PAGES = 2;
/** Tries while another process commits: each commit may reuse a page that this walk is about to read. */
const TRIES_MAX = 5;

/** The tree of free pages, or one whose leaves are rows or describe tables. */
type TreeKind = 'free' | 'rows';

interface Tree {
  readonly depth: number;
  /** Null for an empty tree. */
  readonly root: number | null;
}

interface Snapshot {
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly transaction: number;
  readonly free: Tree;
  readonly main: Tree;
}

/** Throws StoreError when LMDB could crash on the file. Changes nothing. */
export async function checkStoreFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    for (let tries = 1; ; tries += 1) {
      const snapshot = await newestSnapshot(file, path);
      try {
        return await new Walk(file, path, snapshot, (await file.stat()).size).run();
      } catch (error) {
        const current = await newestSnapshot(file, path);
        if (current.transaction === snapshot.transaction || tries === TRIES_MAX) throw error;
      }
    }
  } finally {
    await file.close();
  }
}

async function newestSnapshot(file: FileHandle, path: string): Promise<Snapshot> {
  const first = readMeta(await readBytes(file, 0, META_BYTES + PAGE_HEADER_BYTES), path, 0);
  const offset = first.pageBytes;
  const second = readMeta(await readBytes(file, offset, META_BYTES + PAGE_HEADER_BYTES), path, 1);
  if (second.pageBytes !== first.pageBytes)
    throw damaged(path, 'its two header pages disagree on the page size');
  return second.transaction > first.transaction ? second : first;
}

function readMeta(page: Buffer, path: string, index: number): Snapshot {
  if (page.length < META_BYTES + PAGE_HEADER_BYTES)
    throw damaged(path, `its header page ${index} is cut off`);
  const meta = page.subarray(PAGE_HEADER_BYTES);
  if ((page.readUInt16LE(18) & META) === 0 || meta.readUInt32LE(0) !== MAGIC) {
    throw damaged(path, `its header page ${index} is not one of LMDB`);
  }
  const format = meta.readUInt32LE(4) & 0xffff;
  if (format !== FORMAT) throw damaged(path, `its LMDB data format is ${format}, not ${FORMAT}`);
  const pageBytes = meta.readUInt32LE(24);
  const isPowerOfTwo = (pageBytes & (pageBytes - 1)) === 0;
  if (!isPowerOfTwo || pageBytes < PAGE_BYTES_MIN || pageBytes > PAGE_BYTES_MAX) {
    throw damaged(path, `its header page ${index} claims pages of ${pageBytes} bytes`);
  }
  const snapshot = {
    pageBytes,
    free: readTree(meta.subarray(24)),
    main: readTree(meta.subarray(24 + TREE_BYTES)),
    lastPage: readNumber(meta, 120),
    transaction: readNumber(meta, 128),
  };
  if ((snapshot.lastPage + 1) * pageBytes > readNumber(meta, 16)) {
    throw damaged(path, `its header page ${index} claims more pages than it has mapped`);
  }
  return snapshot;
}

function readTree(bytes: Buffer): Tree {
  const isEmpty = bytes.readUInt32LE(40) === 0xffff_ffff && bytes.readUInt32LE(44) === 0xffff_ffff;
  return { depth: bytes.readUInt16LE(6), root: isEmpty ? null : readNumber(bytes, 40) };
}

class Walk {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #snapshot: Snapshot;
  readonly #pagesInFile: number;
  readonly #seen = new Set<number>();

  constructor(file: FileHandle, path: string, snapshot: Snapshot, sizeBytes: number) {
    this.#file = file;
    this.#path = path;
    this.#snapshot = snapshot;
    this.#pagesInFile = Math.floor(sizeBytes / snapshot.pageBytes);
  }

  async run(): Promise<void> {
    await this.#tree(this.#snapshot.free, 'free');
    await this.#tree(this.#snapshot.main, 'rows');
  }

  async #tree(tree: Tree, kind: TreeKind): Promise<void> {
    if (tree.root === null) return;
    if (tree.depth < 1 || tree.depth > DEPTH_MAX) throw this.#damaged(`a tree is ${tree.depth} levels deep`);
    await this.#page(tree.root, tree.depth, kind);
  }

  /** `height` is 1 at the leaves. */
  async #page(number: number, height: number, tree: TreeKind): Promise<void> {
    this.#claim(number, 1);
    const { pageBytes } = this.#snapshot;
    const page = await readBytes(this.#file, number * pageBytes, pageBytes);
    const kind = page.readUInt16LE(18) & PAGE_KINDS;
    if (readNumber(page, 0) !== number || kind !== (height === 1 ? LEAF : BRANCH)) {
      throw this.#damaged(
        `page ${number} is not the ${height === 1 ? 'leaf' : 'branch'} that its parent expects`,
      );
    }
    this.#committed(readNumber(page, 8), number);
    const nodes = this.#nodes(page, number);
    // LMDB asserts this of all branches but those of the free list.
    if (height > 1 && nodes.length < (tree === 'rows' ? 2 : 1))
      throw this.#damaged(`branch ${number} has too few entries`);
    for (const node of nodes) {
      if (height > 1) await this.#page(this.#child(page, node), height - 1, tree);
      else await this.#leafNode(page, number, node, tree);
    }
  }

  /** Offsets of the nodes, each with its header and key inside the page. */
  #nodes(page: Buffer, number: number): readonly number[] {
    const lower = page.readUInt16LE(20);
    const upper = page.readUInt16LE(22);
    const room = page.length - PAGE_HEADER_BYTES;
    if (lower % 2 !== 0 || lower > upper || upper > room)
      throw this.#damaged(`page ${number} has wrong bounds`);
    return Array.from({ length: lower / 2 }, (_, index) => {
      const pointer = page.readUInt16LE(PAGE_HEADER_BYTES + 2 * index);
      const node = PAGE_HEADER_BYTES + pointer;
      const isInside = pointer >= upper && pointer + NODE_HEADER_BYTES <= room;
      if (isInside && node + NODE_HEADER_BYTES + page.readUInt16LE(node + 6) <= page.length) return node;
      throw this.#damaged(`entry ${index} of page ${number} lies outside of it`);
    });
  }

  #child(page: Buffer, node: number): number {
    return page.readUInt32LE(node) + page.readUInt16LE(node + 4) * 0x1_0000_0000;
  }

  async #leafNode(page: Buffer, number: number, node: number, tree: TreeKind): Promise<void> {
    const flags = page.readUInt16LE(node + 4);
    const valueBytes = page.readUInt32LE(node);
    const keyBytes = page.readUInt16LE(node + 6);
    const value = node + NODE_HEADER_BYTES + keyBytes;
    const isBig = (flags & BIG_VALUE) !== 0;
    const isWrong = keyBytes === 0 || (flags & ~(BIG_VALUE | NAMED_TREE)) !== 0;
    if (isWrong || value + (isBig ? BIG_VALUE_BYTES : valueBytes) > page.length) {
      throw this.#damaged(`page ${number} holds a row that cannot be`);
    }
    if (isBig) {
      // A smaller value may have taken the place of a larger one, and kept all of its pages.
      const needed = Math.floor((PAGE_HEADER_BYTES - 1 + valueBytes) / page.length) + 1;
      const pages = readNumber(page, value + 16);
      if (pages < needed) throw this.#damaged(`a value of page ${number} has a wrong length`);
      this.#committed(readNumber(page, value + 8), number);
      this.#claim(readNumber(page, value), pages);
    }
    if (tree === 'free') {
      const at = isBig ? readNumber(page, value) * page.length + PAGE_HEADER_BYTES : 0;
      const list = isBig
        ? await readBytes(this.#file, at, valueBytes)
        : page.subarray(value, value + valueBytes);
      this.#freeList(keyBytes === 8 ? readNumber(page, value - 8) : 0, list);
    } else if ((flags & NAMED_TREE) !== 0) {
      const table = page.subarray(value, value + TREE_BYTES);
      if (valueBytes !== TREE_BYTES || (table.readUInt16LE(4) & ~TABLE_FLAGS) !== 0) {
        throw this.#damaged(`page ${number} describes a table wrongly`);
      }
      await this.#tree(readTree(table), 'rows');
    }
  }

  /** Pages that a transaction freed: a count, then page numbers; a negative number is the length of a run that follows. */
  #freeList(transaction: number, list: Buffer): void {
    const count = list.length < 8 ? -1 : Number(list.readBigInt64LE(0));
    const isWhole = count >= 0 && (count + 1) * 8 <= list.length;
    if (!isWhole || transaction < 1 || transaction > this.#snapshot.transaction) {
      throw this.#damaged('its list of free pages is broken');
    }
    let run = 1;
    for (let index = 1; index <= count; index += 1) {
      const entry = Number(list.readBigInt64LE(8 * index));
      if (entry < 0) {
        run = -entry;
        continue;
      }
      const isInside = entry >= META_PAGES && entry + run - 1 <= this.#snapshot.lastPage;
      if (entry !== 0 && !isInside)
        throw this.#damaged(`its list of free pages names page ${entry}, which cannot be`);
      run = 1;
    }
  }

  /** A page belongs to one parent only, and lies within the file. */
  #claim(first: number, count: number): void {
    const last = first + count - 1;
    if (first < META_PAGES || last > this.#snapshot.lastPage)
      throw this.#damaged(`it points to page ${last}, which cannot be`);
    if (last >= this.#pagesInFile) {
      throw this.#damaged(
        `it is cut off: page ${last} is missing, the file ends after page ${this.#pagesInFile - 1}`,
      );
    }
    if (this.#seen.has(first)) throw this.#damaged(`page ${first} is used twice`);
    this.#seen.add(first);
  }

  /** A page that seems newer than the snapshot counts as one that is in memory, and LMDB would free it there. */
  #committed(transaction: number, number: number): void {
    if (transaction <= this.#snapshot.transaction) return;
    throw this.#damaged(`page ${number} claims to be newer than the file`);
  }

  #damaged(what: string): StoreError {
    return damaged(this.#path, what);
  }
}

async function readBytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, position);
  return bytes.subarray(0, bytesRead);
}

// Larger numbers than 2^53 lose their last bits, and are beyond every file in any case.
function readNumber(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * 0x1_0000_0000;
}

function damaged(path: string, what: string): StoreError {
  return new StoreError('WEIR_STORE', `The store file ${path} is damaged: ${what}.`, {
    remedy: 'Restore it from a copy, or start from a savepoint with another directory.',
    unrecoverable: true,
  });
}
