// The bytes of a snapshot. Stored bytes: a change here needs a decision note and a new CHUNK_VERSION.
//
// Owns:    how entries and removals are laid out in chunks, so that a chunk can be read without the job that wrote it.
// Not:     which entries and when (keyed-snapshot.ts), reading them back (snapshot-reading.ts).
//
// A chunk is a version byte and frames: a length (4 bytes, big endian) and as many bytes of the codec.
// The first frame of every chunk says who wrote it: [0, { operator, subtask, from, to, maxParallelism, checkpoint, full, shapes }].
// `shapes`: by name of a state, those that are known; absent when there are none, and in chunks from before they were recorded.
// The others hold a part of one state. `groups` is flat: namespace, keys, values, namespace, keys, values, ...
//   [1, state, kind, stamped, groups]   entries; values are null for timers. With `stamped`, a value is { at, value }.
//   [2, state, kind, stamped, groups]   removed entries, without values; keys are null when the whole namespace is gone.
//
// A frame that is a graph of the codec makes it a chunk of version 2.
//
// C1. Removals of a segment apply to entries of older segments only; within a segment, order means nothing.
// C2. Keys are stored as they are, or as their canonical string; a bigint and a string that UTF-8 cannot carry get a form
//     of their own, because they must come back exactly.

import { checkStorable, encode, encodeNoting, isGraph } from '../base/codec.js';
import { type ErrorPlace, RestoreError } from '../base/errors.js';
import { type MapKey, originalKey } from './key.js';
import { notStorable } from './put-check.js';
import type { StateShape } from './state-shape.js';
import type { Namespace, Space, StateKind, Table } from './table.js';

/**
 * 1: every frame is of the first form of the codec, as all versions can read it. 2: some are graphs, which came later. A chunk
 * says the lower one where it can, so that checkpoints of usual values can be read by older versions.
 */
export const CHUNK_VERSION = 1;
export const CHUNK_VERSION_GRAPHS = 2;

export interface ChunkHeader {
  readonly operator: string;
  readonly subtask: number;
  /** Key groups of the writer, both included. */
  readonly from: number;
  readonly to: number;
  readonly maxParallelism: number;
  readonly checkpoint: number;
  readonly full: boolean;
  readonly shapes?: ReadonlyMap<string, StateShape>;
}

export interface FrameGroup {
  readonly namespace: Namespace;
  /** Null: all keys of the namespace (removals only). */
  readonly keys: readonly MapKey[] | null;
  readonly values: readonly unknown[] | null;
}

export interface Frame {
  readonly kind: 'entries' | 'removed';
  readonly state: string;
  readonly stateKind: StateKind;
  readonly stamped: boolean;
  readonly groups: readonly FrameGroup[];
}

export const HEADER_FRAME = 0;
export const ENTRIES_FRAME = 1;
export const REMOVED_FRAME = 2;
export const FRAME_LENGTH_BYTES = 4;

/** Gathers rows of one table until they are encoded as one frame. */
export class FramePage {
  readonly table: Table;
  private readonly frameKind: number;
  private groups: unknown[] = [];
  private namespace: Namespace | undefined = undefined;
  private keys: unknown[] = [];
  private values: unknown[] = [];
  rows = 0;

  constructor(table: Table, kind: 'entries' | 'removed') {
    this.table = table;
    this.frameKind = kind === 'entries' ? ENTRIES_FRAME : REMOVED_FRAME;
  }

  add(space: Space, key: MapKey, value: unknown): void {
    if (this.namespace !== space.namespace) this.openGroup(space.namespace);
    this.keys.push(packKey(key));
    this.values.push(value);
    this.rows += 1;
  }

  /** With key null: the whole namespace. */
  addRemoval(namespace: Namespace, key: MapKey | null): void {
    if (key === null) {
      this.namespace = undefined;
      this.groups.push(packNamespace(namespace), null, null);
    } else {
      if (this.namespace !== namespace) this.openGroup(namespace);
      this.keys.push(packKey(key));
    }
    this.rows += 1;
  }

  /** Adds to `types` the registered types that a reader needs. Throws StateError, at `place`, for what cannot be stored. */
  encode(place: ErrorPlace, types: Set<string>): Uint8Array {
    const { table } = this;
    const groups = this.groups;
    this.groups = [];
    this.namespace = undefined;
    this.rows = 0;
    try {
      return encodeNoting([this.frameKind, table.name, table.kind, table.stamped, groups], types);
    } catch (cause) {
      throw notStorable(`State "${table.name}"`, place, culpritOf(groups) ?? cause);
    }
  }

  private openGroup(namespace: Namespace): void {
    this.namespace = namespace;
    this.keys = [];
    this.values = [];
    const valueless = this.frameKind === REMOVED_FRAME || isTimers(this.table.kind);
    this.groups.push(packNamespace(namespace), this.keys, valueless ? null : this.values);
  }
}

/** What is wrong with the value that cannot be stored, with its key in the path. */
function culpritOf(groups: readonly unknown[]): unknown {
  for (let at = 0; at < groups.length; at += 3) {
    const keys = groups[at + 1] as readonly unknown[] | null;
    const values = groups[at + 2] as readonly unknown[] | null;
    for (const [index, value] of (values ?? []).entries()) {
      try {
        checkStorable(value, `the value of key ${shownKey(keys?.[index])}: value`);
      } catch (problem) {
        return problem;
      }
    }
  }
  return null;
}

function shownKey(packed: unknown): string {
  const key = originalKey(unpackKey(packed));
  return typeof key === 'bigint' ? `${key}n` : JSON.stringify(key);
}

/** Room of the first chunk of a snapshot; it doubles as needed. */
const CHUNK_FIRST_BYTES = 4 * 1024;

/** Packs frames into chunks of about `chunkBytes`. A frame is never split. */
export class ChunkWriter {
  private readonly header: Uint8Array;
  private readonly chunkBytes: number;
  private sealed: Uint8Array[] = [];
  private buffer: Uint8Array = new Uint8Array(0);
  private used = 0;
  /** Most snapshots are small, and room that nobody needs has to be zeroed all the same; after a full chunk, another is likely. */
  private firstBytes: number;

  constructor(header: ChunkHeader, chunkBytes: number) {
    this.chunkBytes = chunkBytes;
    this.firstBytes = Math.min(CHUNK_FIRST_BYTES, chunkBytes);
    this.header = encode([HEADER_FRAME, header]);
  }

  write(frame: Uint8Array): void {
    const needed = FRAME_LENGTH_BYTES + frame.byteLength;
    if (this.used === 0) this.start(needed);
    else if (this.used + needed > this.buffer.byteLength) this.makeRoom(needed);
    this.append(frame);
  }

  private makeRoom(needed: number): void {
    if (this.used + needed > this.chunkBytes) {
      this.seal();
      return this.start(needed);
    }
    const grown = new Uint8Array(Math.min(this.chunkBytes, 2 * (this.used + needed)));
    grown.set(this.buffer.subarray(0, this.used));
    this.buffer = grown;
  }

  /** The chunks that are full. */
  take(): Uint8Array[] {
    const { sealed } = this;
    this.sealed = [];
    return sealed;
  }

  /** Closes the chunk that is not full. */
  seal(): void {
    if (this.used === 0) return;
    this.sealed.push(this.buffer.subarray(0, this.used));
    this.firstBytes = this.chunkBytes;
    this.buffer = new Uint8Array(0);
    this.used = 0;
  }

  private start(bytes: number): void {
    const overhead = 1 + FRAME_LENGTH_BYTES + this.header.byteLength;
    this.buffer = new Uint8Array(Math.max(this.firstBytes, overhead + bytes));
    this.buffer[0] = CHUNK_VERSION;
    this.used = 1;
    this.append(this.header);
  }

  private append(frame: Uint8Array): void {
    if (isGraph(frame)) this.buffer[0] = CHUNK_VERSION_GRAPHS;
    const view = new DataView(this.buffer.buffer, this.buffer.byteOffset);
    view.setUint32(this.used, frame.byteLength);
    this.buffer.set(frame, this.used + FRAME_LENGTH_BYTES);
    this.used += FRAME_LENGTH_BYTES + frame.byteLength;
  }
}

export function isTimers(kind: StateKind): boolean {
  return kind === 'eventTimers' || kind === 'processingTimers';
}

/** ESCAPE and a letter that canonical keys do not use: B bigint, J a string as JSON. */
const BIGINT_FORM = '\u0000B';
const JSON_FORM = '\u0000J';

function packKey(key: MapKey): string | number | boolean {
  if (typeof key === 'bigint') return `${BIGINT_FORM}${key}`;
  // JSON writes half of a surrogate pair as an escape; UTF-8 would replace it and two keys could become one.
  if (typeof key === 'string' && SURROGATE.test(key)) return `${JSON_FORM}${JSON.stringify(key)}`;
  return key;
}

/** Any half, paired or not: without the `u` flag V8 answers at once for strings of one byte a character. */
const SURROGATE = /[\ud800-\udfff]/;

function packNamespace(namespace: Namespace): unknown {
  return namespace === null || typeof namespace === 'object' ? namespace : packKey(namespace);
}

export function unpackKey(packed: unknown): MapKey {
  if (typeof packed === 'string') {
    if (packed.startsWith(BIGINT_FORM)) return BigInt(packed.slice(BIGINT_FORM.length));
    if (packed.startsWith(JSON_FORM)) return JSON.parse(packed.slice(JSON_FORM.length)) as string;
    return packed;
  }
  if (typeof packed === 'number' || typeof packed === 'boolean') return packed;
  throw damaged(`a key is ${String(packed)}`);
}

export function damaged(what: string): RestoreError {
  return new RestoreError(`A state chunk cannot be read: ${what}.`, {
    remedy: 'The snapshot is damaged; restore an older checkpoint.',
  });
}
