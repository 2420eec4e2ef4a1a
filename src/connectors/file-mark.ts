// Tells whether a file is still the one that was read before.
//
// Owns:    marks over the first and the last bytes read, and how a rotated file is found again.
// Not:     what to do about a file that has changed (file-tail.ts).
//
// K1. Content decides, not the inode: inodes are used again, and a restored disk gives the same file another one.
// K2. The inode only says where to look: whether the path leads elsewhere now, and which neighbour was the old file.

import { dirname, join } from 'node:path';
import type { FileHandle, FileSystem } from '../base/runtime.js';

/** A checksum (FNV-1a) over so many bytes. */
export interface ContentMark {
  readonly bytes: number;
  readonly checksum: number;
}

/** Where a reader stands in a file: what `fileLines` keeps in checkpoints. */
export interface FilePosition {
  /** Bytes of the lines handed over so far; AT_END: not yet looked up. */
  readonly offset: number;
  /** Device and inode when it was read; null before the first look. */
  readonly identity: string | null;
  /** Over the first bytes, at most HEAD_BYTES and `offset`. */
  readonly head: ContentMark;
  /** Over the last bytes before `offset`. */
  readonly tail: ContentMark;
}

/** The position of a reader that starts behind what is there at its first look. */
export const AT_END = -1;

export const HEAD_BYTES = 1024;
export const TAIL_BYTES = 64;

/** Names looked at to find a rotated file: more in one directory is not a log directory. */
const NEIGHBOURS_MAX = 1_000;

/** How far back the last line end is looked for; a longer unfinished line is skipped over. */
const END_LOOK_BYTES = 64 * 1024;
const LINE_FEED = 10;

export const NO_MARK: ContentMark = { bytes: 0, checksum: 0x811c9dc5 | 0 };
export const BEGINNING: FilePosition = { offset: 0, identity: null, head: NO_MARK, tail: NO_MARK };

export function markOf(bytes: Uint8Array): ContentMark {
  return extend(NO_MARK, bytes);
}

/** The mark over what `mark` covers followed by `bytes`. */
export function extend(mark: ContentMark, bytes: Uint8Array): ContentMark {
  let checksum = mark.checksum;
  for (let index = 0; index < bytes.length; index += 1) {
    checksum = Math.imul(checksum ^ (bytes[index] ?? 0), 0x01000193);
  }
  return { bytes: mark.bytes + bytes.length, checksum };
}

/** True when the open file holds what was read up to `position`. */
export async function holds(handle: FileHandle, position: FilePosition): Promise<boolean> {
  return (await hasMark(handle, 0, position.head)) && (await tailHolds(handle, position));
}

/** As `holds`, for a file that was open all the time: only its end can have been rewritten unseen. */
export function tailHolds(handle: FileHandle, position: FilePosition): Promise<boolean> {
  return hasMark(handle, position.offset - position.tail.bytes, position.tail);
}

/** The last bytes before `offset`: what a tail is a mark of. */
export function bytesBefore(handle: FileHandle, offset: number): Promise<Uint8Array> {
  const from = Math.max(0, offset - TAIL_BYTES);
  return handle.read(from, offset - from);
}

/** The last bytes of `before` and `added` together: short lines alone would say too little. */
export function lastBytes(before: Uint8Array, added: Uint8Array): Uint8Array {
  if (added.byteLength >= TAIL_BYTES) return added.slice(added.byteLength - TAIL_BYTES);
  const kept = before.subarray(Math.max(0, before.byteLength + added.byteLength - TAIL_BYTES));
  const all = new Uint8Array(kept.byteLength + added.byteLength);
  all.set(kept, 0);
  all.set(added, kept.byteLength);
  return all;
}

/** How many NUL bytes stand at the beginning. */
export function leadingNuls(bytes: Uint8Array): number {
  let count = 0;
  while (count < bytes.length && bytes[count] === 0) count += 1;
  return count;
}

async function hasMark(handle: FileHandle, at: number, mark: ContentMark): Promise<boolean> {
  if (mark.bytes === 0) return true;
  const found = markOf(await handle.read(at, mark.bytes));
  return found.bytes === mark.bytes && found.checksum === mark.checksum;
}

/** The position behind the last whole line that is there now. */
export async function endOf(handle: FileHandle): Promise<FilePosition> {
  const { sizeBytes, identity } = await handle.stat();
  const lookFrom = Math.max(0, sizeBytes - END_LOOK_BYTES);
  const last = (await handle.read(lookFrom, sizeBytes - lookFrom)).lastIndexOf(LINE_FEED);
  const offset = last < 0 ? sizeBytes : lookFrom + last + 1;
  return {
    offset,
    identity,
    head: markOf(await handle.read(0, Math.min(HEAD_BYTES, offset))),
    tail: markOf(await bytesBefore(handle, offset)),
  };
}

/** The file that was read at `position` under another name of the same directory, opened; null when there is none. */
export async function openRotated(
  files: FileSystem,
  path: string,
  position: FilePosition,
): Promise<{ readonly path: string; readonly handle: FileHandle } | null> {
  if (position.identity === null) return null;
  const directory = dirname(path);
  const names = await files.list(directory);
  for (const name of names.slice(0, NEIGHBOURS_MAX)) {
    const neighbour = join(directory, name);
    const stat = await files.stat(neighbour);
    if (stat === null || stat.kind !== 'file' || stat.identity !== position.identity) continue;
    const handle = await files.open(neighbour, 'read');
    if (await holds(handle, position)) return { path: neighbour, handle };
    await handle.close();
  }
  return null;
}
