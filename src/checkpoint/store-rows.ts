// Rows of a checkpoint directory: their keys, their bytes, their checksums.
//
// Owns:    tables, keys, the frame round every value. Stored bytes: a change needs a decision note and a new FORMAT_VERSION.
// Not:     which rows exist when (lmdb-checkpoint-store.ts, savepoint.ts), choosing among them (restore-point.ts).
//
// R1. Every value is framed: version, length, checksum of the bytes, checksum of what the row is. The last one notices the
//     intact bytes of another row in its place.
// R2. Rows that an attempt keeps rewriting carry its number in the key: a write of a dead attempt that lands late cannot
//     replace what the living one relies on.
// R3. Meta rows are JSON, readable by every version; manifests and chunks are not.

import { checksum } from '../base/checksum.js';
import { decode, encode } from '../base/codec.js';
import { messageOf } from '../base/errors.js';
import type { StoreKey } from '../base/runtime.js';
import type { Chunk } from './checkpoint-store.js';
import { FORMAT_VERSION, type Manifest, type SegmentRef } from './manifest.js';
import { problemOfManifest } from './manifest-check.js';

export const META = 'meta';
export const MANIFESTS = 'manifests';
export const CHUNKS = 'chunks';
export const TABLES: readonly string[] = [META, MANIFESTS, CHUNKS];

/** Who wrote this directory: `{ format, kind, job }`. Its own format is fixed for ever. */
export const IDENTITY_KEY: StoreKey = ['identity'];
/** The number of the last attempt that began. */
export const ATTEMPT_KEY: StoreKey = ['attempt'];
export const IDS_PREFIX = 'ids';
export const CATALOG_PREFIX = 'catalog';

/** Names longer than this are shortened to both ends and a hash, so that no key exceeds the limit of the store. */
const NAME_CHARS_MAX = 200;
const NAME_PREFIX_CHARS = 80;
const NAME_SUFFIX_CHARS = 80;
const HEADER_BYTES = 16;

const textBytes = new TextEncoder();
const bytesText = new TextDecoder();

/** Coordinates of a segment, without its size. */
export type SegmentName = Pick<SegmentRef, 'operator' | 'subtask' | 'checkpoint' | 'attempt'>;

export function idsKey(attempt: number): StoreKey {
  return [IDS_PREFIX, attempt];
}

export function catalogKey(attempt: number): StoreKey {
  return [CATALOG_PREFIX, attempt];
}

export function manifestKey(checkpoint: number, attempt: number): StoreKey {
  return [checkpoint, attempt];
}

/** First elements of the keys of all chunks of a segment. */
export function segmentPrefix(segment: SegmentName): StoreKey {
  return [segment.checkpoint, segment.attempt, keyName(segment.operator), segment.subtask];
}

export function chunkKey(segment: SegmentName, index: number): StoreKey {
  return [...segmentPrefix(segment), index];
}

/** One text per segment, equal exactly when the key prefixes are equal. */
export function segmentId(prefix: StoreKey): string {
  return JSON.stringify(prefix);
}

function keyName(operator: string): string {
  const characters = Array.from(operator);
  if (characters.length <= NAME_CHARS_MAX) return operator;
  const hash = checksum(textBytes.encode(operator)).toString(16).padStart(8, '0');
  return `${characters.slice(0, NAME_PREFIX_CHARS).join('')}~${hash}~${characters.slice(-NAME_SUFFIX_CHARS).join('')}`;
}

// ---------------------------------------------------------------- frames

/** What a row is, as text. */
type Identity = string;

export function chunkIdentity(segment: SegmentName, index: number): Identity {
  return JSON.stringify([
    'chunk',
    segment.operator,
    segment.subtask,
    segment.checkpoint,
    segment.attempt,
    index,
  ]);
}

function keyIdentity(table: string, key: StoreKey): Identity {
  return JSON.stringify([table, ...key]);
}

/** A framed copy of `payload`. */
export function frame(identity: Identity, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, FORMAT_VERSION);
  view.setUint32(4, payload.byteLength, true);
  view.setUint32(8, checksum(payload), true);
  view.setUint32(12, checksum(textBytes.encode(identity)), true);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

export type Unframed =
  | { readonly kind: 'intact'; readonly payload: Uint8Array }
  | { readonly kind: 'damaged'; readonly reason: string };

/** The payload, a view on `bytes`, or why it cannot be trusted. */
export function unframe(identity: Identity, bytes: Uint8Array | undefined): Unframed {
  if (bytes === undefined) return { kind: 'damaged', reason: 'is missing' };
  if (bytes.byteLength < HEADER_BYTES) return { kind: 'damaged', reason: 'is cut short' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(0);
  if (version !== FORMAT_VERSION) {
    return { kind: 'damaged', reason: `has format ${version}, expected ${FORMAT_VERSION}` };
  }
  const payload = bytes.subarray(HEADER_BYTES);
  if (view.getUint32(4, true) !== payload.byteLength) {
    return {
      kind: 'damaged',
      reason: `has ${payload.byteLength} bytes, expected ${view.getUint32(4, true)}`,
    };
  }
  if (view.getUint32(8, true) !== checksum(payload)) {
    return { kind: 'damaged', reason: 'has a wrong checksum' };
  }
  if (view.getUint32(12, true) !== checksum(textBytes.encode(identity))) {
    return { kind: 'damaged', reason: 'has the bytes of another row' };
  }
  return { kind: 'intact', payload };
}

// ---------------------------------------------------------------- values

export function chunkValue(chunk: Chunk): Uint8Array {
  return frame(chunkIdentity(chunk, chunk.index), chunk.bytes);
}

export function metaValue(key: StoreKey, value: unknown): Uint8Array {
  return frame(keyIdentity(META, key), textBytes.encode(JSON.stringify(value)));
}

export type ReadMeta =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'absent' }
  | { readonly kind: 'damaged'; readonly reason: string };

export function readMeta(key: StoreKey, bytes: Uint8Array | undefined): ReadMeta {
  if (bytes === undefined) return { kind: 'absent' };
  const row = unframe(keyIdentity(META, key), bytes);
  if (row.kind === 'damaged') return row;
  try {
    return { kind: 'value', value: JSON.parse(bytesText.decode(row.payload)) };
  } catch (error) {
    return { kind: 'damaged', reason: `is no JSON: ${messageOf(error)}` };
  }
}

export function identityValue(identity: unknown): Uint8Array {
  return textBytes.encode(JSON.stringify(identity));
}

/** Undefined when the bytes are no identity of any version. */
export function readIdentity(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(bytesText.decode(bytes));
  } catch {
    // Not JSON, so nothing that any version has written: the caller reports the directory as foreign or damaged.
    return undefined;
  }
}

export function manifestValue(manifest: Manifest): Uint8Array {
  return frame(keyIdentity(MANIFESTS, manifestKey(manifest.checkpoint, manifest.attempt)), encode(manifest));
}

export type ReadManifest =
  | { readonly kind: 'manifest'; readonly manifest: Manifest }
  | { readonly kind: 'damaged'; readonly reason: string };

export function readManifest(
  checkpoint: number,
  attempt: number,
  bytes: Uint8Array | undefined,
): ReadManifest {
  const row = unframe(keyIdentity(MANIFESTS, manifestKey(checkpoint, attempt)), bytes);
  if (row.kind === 'damaged') return { kind: 'damaged', reason: `its manifest ${row.reason}` };
  let value: unknown;
  try {
    value = decode(row.payload);
  } catch (error) {
    return { kind: 'damaged', reason: `its manifest cannot be read: ${messageOf(error)}` };
  }
  // The checksum says that nothing has happened to the bytes, not who has written them.
  const problem = problemOfManifest(value);
  if (problem !== null) return { kind: 'damaged', reason: `its manifest ${problem}` };
  const manifest = value as Manifest;
  const named = manifest.checkpoint === checkpoint && manifest.attempt === attempt;
  return named
    ? { kind: 'manifest', manifest }
    : { kind: 'damaged', reason: 'its manifest is that of another one' };
}

/** Every segment that a manifest names. */
export function segmentsOf(manifest: Manifest): readonly SegmentRef[] {
  return manifest.operators.flatMap((operator) =>
    operator.subtasks.flatMap((subtask) => subtask?.keyed ?? []),
  );
}
