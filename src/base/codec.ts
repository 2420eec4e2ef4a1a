// Values as bytes, for state, checkpoints and anything else that outlives a process.
//
// Owns:    the one configuration of msgpackr, the two forms of bytes, and errors that say where in a value the trouble is.
// Not:     which values are data (value-graph.ts), checksums (checksum.ts), keys (they need an order: store-keys.ts),
//          versions of stored rows.
//
// A1. decode(encode(value)) equals value, or encode throws: undefined, null, booleans, numbers, bigints, strings, Date, RegExp,
//     arrays, objects with or without prototype, Map, Set, ArrayBuffer, DataView, typed arrays, Buffer, errors, instances of
//     registered types, however nested, shared or cyclic. What plain-scan.ts does not look at is left out in silence.
// A2. Bytes are self-describing: any process can decode them, whatever it encoded before, given the registered types.
// A3. Bytes are not canonical: equal values may have different bytes. They are never compared or hashed as values.
// A4. Two forms: usual values as msgpackr writes them, all others as a graph behind GRAPH_MARK and GRAPH_VERSION. Bytes of
//     the first form are all that older versions wrote, and are read for good.

import { Packr, Unpackr } from 'msgpackr';
import { missingTypes } from './class-registry.js';
import { CodecError, messageOf } from './errors.js';
import { isPlain } from './plain-scan.js';
import { flatten, type Graph, NotStorable } from './value-graph.js';
import { unflatten } from './value-graph-reader.js';

// structuredClone: without it typed arrays come back with wrong bytes, and Set not at all, and nothing is shared.
// copyBuffers: otherwise a decoded Uint8Array is a view that keeps its whole chunk in memory.
const OPTIONS = { structuredClone: true, copyBuffers: true };
const packr = new Packr(OPTIONS);
/** Apart from the writer, which remembers shapes of records: nothing that was read may change what is written. */
const unpackr = new Unpackr(OPTIONS);

/** The one byte that msgpack never writes. */
const GRAPH_MARK = 0xc1;
const GRAPH_VERSION = 1;
const GRAPH_HEADER_BYTES = 2;

/** The value as bytes of its own. Throws CodecError that names the place of what cannot be encoded. */
export function encode(value: unknown): Uint8Array {
  return encodeNoting(value, new Set());
}

/** As `encode`; adds to `types` the names of the registered types that decoding will need. */
export function encodeNoting(value: unknown, types: Set<string>): Uint8Array {
  try {
    // msgpackr returns a view on a buffer that it writes to again.
    if (isPlain(value)) return new Uint8Array(packr.pack(value));
    const graph = flatten(value);
    for (const type of graph.types) types.add(type);
    return graphBytes(graph);
  } catch (cause) {
    throw notEncoded(cause);
  }
}

/** Throws CodecError that names the place of what cannot be encoded; `root` is how it calls the value. */
export function checkStorable(value: unknown, root?: string): void {
  try {
    flatten(value, root);
  } catch (cause) {
    throw notEncoded(cause);
  }
}

/** Bytes that change when the value does: for one object at two times, never for two objects. Throws as `encode` does. */
export function fingerprint(value: unknown): Uint8Array {
  try {
    return graphBytes(flatten(value));
  } catch (cause) {
    throw notEncoded(cause);
  }
}

/** True when these bytes can only be read by a version that knows graphs. */
export function isGraph(bytes: Uint8Array): boolean {
  return bytes[0] === GRAPH_MARK;
}

/** The value behind the bytes. Throws CodecError when they are damaged, need a type, or were not written by `encode`. */
export function decode(bytes: Uint8Array): unknown {
  if (isGraph(bytes)) return decodeGraph(bytes);
  try {
    const value = unpack(bytes);
    // What is plain is not deep. All that this version writes in the first form is plain.
    if (!isPlain(value)) refuseDeep(value);
    return value;
  } catch (cause) {
    throw notDecoded(bytes, cause);
  }
}

/** Bytes from outside: what is nested deeper than what can be stored would end the job wherever it is walked through next. */
function refuseDeep(value: unknown): void {
  try {
    flatten(value);
  } catch (cause) {
    // Older versions have written what this one refuses to write; only the depth is a danger.
    if (cause instanceof RangeError || (cause instanceof NotStorable && cause.isTooDeep)) throw cause;
  }
}

function readGraph(bytes: Uint8Array): Graph {
  const version = bytes[1];
  if (version !== GRAPH_VERSION) {
    throw new CodecError(
      `Values are written in form ${GRAPH_VERSION} here; these bytes have form ${version}.`,
      {
        remedy: 'Read them with the version of Weir that wrote them, or a newer one.',
        unrecoverable: true,
      },
    );
  }
  try {
    return graphOf(unpack(bytes.subarray(GRAPH_HEADER_BYTES)));
  } catch (cause) {
    throw notDecoded(bytes, cause);
  }
}

function graphOf(unpacked: unknown): Graph {
  if (Array.isArray(unpacked) && unpacked.length === 3) {
    const [root, nodes, types] = unpacked as readonly unknown[];
    if (Array.isArray(nodes) && nodes.every(Array.isArray) && isTextList(types))
      return { root, nodes, types };
  }
  throw new Error('they are no graph');
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function decodeGraph(bytes: Uint8Array): unknown {
  const graph = readGraph(bytes);
  try {
    const missing = missingTypes(graph.types);
    if (missing.length > 0) throw missingTypesError(missing);
    return unflatten(graph);
  } catch (cause) {
    throw cause instanceof CodecError ? cause : notDecoded(bytes, cause);
  }
}

/** Names of the registered types that decoding these bytes will need. Throws CodecError for damaged ones. */
export function typesNeededBy(bytes: Uint8Array): readonly string[] {
  return isGraph(bytes) ? readGraph(bytes).types : [];
}

function missingTypesError(names: readonly string[]): CodecError {
  return new CodecError(
    `Stored values need ${names.length === 1 ? 'the type' : 'the types'} ${names.map((name) => `"${name}"`).join(', ')}, which nobody has registered in this process.`,
    {
      remedy: 'Call registerType(Class, { name, encode, decode }) before the values are read.',
      unrecoverable: true,
    },
  );
}

function graphBytes({ root, nodes, types }: Graph): Uint8Array {
  const packed = packr.pack([root, nodes, types]);
  const bytes = new Uint8Array(GRAPH_HEADER_BYTES + packed.byteLength);
  bytes[0] = GRAPH_MARK;
  bytes[1] = GRAPH_VERSION;
  bytes.set(packed, GRAPH_HEADER_BYTES);
  return bytes;
}

function unpack(bytes: Uint8Array): unknown {
  // As a plain Uint8Array, or else binary parts would take the class of the source.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let read: unknown;
  let end = -1;
  // One value of possibly several. `unpack` would show the value in its error when bytes follow it, and so write out each part
  // as often as something leads to it: without end, for parts that are shared forty levels deep.
  unpackr.unpackMultiple(plain, (value: unknown, _start?: number, valueEnd?: number) => {
    read = value;
    end = valueEnd ?? -1;
    return false;
  });
  if (end !== plain.byteLength) throw new Error(`the value ends at byte ${end}`);
  return read;
}

function notEncoded(cause: unknown): CodecError {
  if (cause instanceof NotStorable) {
    return new CodecError(cause.message, { cause: cause.cause, remedy: cause.remedy, unrecoverable: true });
  }
  return new CodecError(`A value cannot be encoded: ${messageOf(cause)}.`, {
    cause,
    remedy: 'Keep only data in state and records.',
    unrecoverable: true,
  });
}

function notDecoded(bytes: Uint8Array, cause: unknown): CodecError {
  return new CodecError(`Bytes cannot be decoded (${bytes.byteLength} bytes): ${messageOf(cause)}.`, {
    cause,
    remedy: 'They are damaged, or another program wrote them.',
  });
}
