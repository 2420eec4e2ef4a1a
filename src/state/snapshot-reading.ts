// Reading the chunks of a snapshot.
//
// Owns:    from bytes to frames of entries and removals; the refusal of bytes that are none of ours.
// Not:     writing them, which also defines the form (snapshot-chunk.ts); what becomes of them (keyed-restore.ts).
//
// R1. A chunk is data from outside: its checksum fits, and it may have been written by anybody. What the engine itself takes for
//     a number, a list or a name is looked at here; values of users are theirs.

import { decode } from '../base/codec.js';
import { RestoreError } from '../base/errors.js';
import { shownValue } from '../base/shown-text.js';
import {
  CHUNK_VERSION,
  CHUNK_VERSION_GRAPHS,
  type ChunkHeader,
  damaged,
  ENTRIES_FRAME,
  FRAME_LENGTH_BYTES,
  type Frame,
  type FrameGroup,
  HEADER_FRAME,
  REMOVED_FRAME,
  unpackKey,
} from './snapshot-chunk.js';
import type { Namespace, StateKind } from './table.js';

/** The contents of a chunk. Throws RestoreError for one that this version cannot read. */
export function readChunk(chunk: Uint8Array): {
  readonly header: ChunkHeader;
  readonly frames: readonly Frame[];
} {
  const version = chunk[0];
  if (version !== CHUNK_VERSION && version !== CHUNK_VERSION_GRAPHS) {
    throw new RestoreError(
      `State chunks have format version ${CHUNK_VERSION} or ${CHUNK_VERSION_GRAPHS}; this one has ${version ?? 'no bytes'}.`,
      {
        remedy: 'Restore with the version of Weir that wrote it, or a newer one.',
      },
    );
  }
  const frames = frameBytes(chunk).map((bytes) => decode(bytes));
  const first = frames[0];
  if (!Array.isArray(first) || first[0] !== HEADER_FRAME) throw damaged('it does not begin with its header');
  return { header: readHeader(first[1]), frames: frames.slice(1).map(readFrame) };
}

function readHeader(value: unknown): ChunkHeader {
  const header = value as Partial<ChunkHeader> | null;
  const numbers = [header?.from, header?.to, header?.maxParallelism];
  if (!numbers.every(Number.isSafeInteger)) throw damaged('its header names no key groups');
  if (header?.shapes !== undefined && !(header.shapes instanceof Map))
    throw damaged('its header has no shapes');
  return header as ChunkHeader;
}

function frameBytes(chunk: Uint8Array): Uint8Array[] {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const frames: Uint8Array[] = [];
  let at = 1;
  while (at < chunk.byteLength) {
    if (at + FRAME_LENGTH_BYTES > chunk.byteLength) throw damaged('it ends inside a length');
    const end = at + FRAME_LENGTH_BYTES + view.getUint32(at);
    if (end > chunk.byteLength) throw damaged('it ends inside a frame');
    frames.push(chunk.subarray(at + FRAME_LENGTH_BYTES, end));
    at = end;
  }
  return frames;
}

function readFrame(frame: unknown): Frame {
  if (!Array.isArray(frame) || !Array.isArray(frame[4])) throw damaged('a frame is not a list of groups');
  const [kind, state, stateKind, stamped, flat] = frame as [
    number,
    string,
    StateKind,
    boolean,
    readonly unknown[],
  ];
  if (typeof state !== 'string' || !(stateKind in NUMBERS_OF_NAMESPACE) || typeof stamped !== 'boolean')
    throw damaged(`a frame is of no known state (${shownValue([state, stateKind])})`);
  if (kind !== ENTRIES_FRAME && kind !== REMOVED_FRAME) throw damaged(`a frame has the unknown kind ${kind}`);
  const groups: FrameGroup[] = [];
  for (let at = 0; at < flat.length; at += 3) {
    const keys = listOrNull(flat[at + 1]);
    const values = listOrNull(flat[at + 2]);
    const namespace = unpackNamespace(flat[at]);
    if (!isNamespaceOf(stateKind, namespace)) throw damaged(`state "${state}" has an impossible namespace`);
    if (stamped || stateKind === 'list')
      for (const image of values ?? []) checkImage(state, stateKind, stamped, image);
    groups.push({ namespace, keys: keys === null ? null : keys.map(unpackKey), values });
  }
  return { kind: kind === ENTRIES_FRAME ? 'entries' : 'removed', state, stateKind, stamped, groups };
}

function listOrNull(value: unknown): readonly unknown[] | null {
  if (value === null || Array.isArray(value)) return value;
  throw damaged('a group is no list');
}

/** How many numbers a namespace has; 0: none, -1: it is a key. */
const NUMBERS_OF_NAMESPACE: Readonly<Record<StateKind, readonly number[]>> = {
  value: [0],
  list: [0],
  reducing: [0],
  aggregating: [0],
  map: [-1],
  window: [1, 2],
  eventTimers: [1, 3],
  processingTimers: [1, 3],
};

function isNamespaceOf(kind: StateKind, namespace: Namespace): boolean {
  const allowed = NUMBERS_OF_NAMESPACE[kind];
  if (namespace === null) return allowed.includes(0);
  if (typeof namespace !== 'object') return allowed.includes(-1) || allowed.includes(1);
  return (
    allowed.includes(namespace.length) &&
    namespace.every((part) => typeof part === 'number' && !Number.isNaN(part))
  );
}

/** The engine takes stored lists and stamps for what they are; the rest is the user's, or its operator's. */
function checkImage(state: string, kind: StateKind, stamped: boolean, image: unknown): void {
  const isStamped = (value: unknown): boolean =>
    typeof value === 'object' && typeof (value as { at?: unknown } | null)?.at === 'number';
  if (kind !== 'list') {
    if (stamped && !isStamped(image)) throw damaged(`a value of state "${state}" has no time`);
    return;
  }
  if (!Array.isArray(image)) throw damaged(`a list of state "${state}" is none`);
  if (stamped && !image.every(isStamped)) throw damaged(`an element of state "${state}" has no time`);
}

function unpackNamespace(packed: unknown): Namespace {
  return packed === null || Array.isArray(packed) ? packed : unpackKey(packed);
}
