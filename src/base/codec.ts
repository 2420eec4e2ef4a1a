// Values as bytes, for state, checkpoints and anything else that outlives a process.
//
// Owns:    the one configuration of msgpackr, and errors that say where in a value the trouble is.
// Not:     checksums (checksum.ts), keys (they need an order: store-keys.ts), versions of stored rows.
//
// A1. decode(encode(value)) equals value for: undefined, null, booleans, numbers (NaN and infinities too), bigints of
//     any size, strings, Date, RegExp, arrays, plain objects, Map, Set, ArrayBuffer, DataView, typed arrays, errors
//     (name, message, cause), however nested, shared or cyclic. A Buffer comes back as Uint8Array.
// A2. Bytes are self-describing: any process can decode them, whatever it encoded before.
// A3. Bytes are not canonical: equal values may have different bytes. They are never compared or hashed as values.
// A4. A function or symbol is refused, not dropped.
//
// Not kept: -0 (becomes 0), lone surrogates (become U+FFFD), holes in arrays (become undefined), symbol keys, a key
// named `__proto__` (stored as `__proto_`), stacks and own fields of errors, prototypes of class instances (they come
// back as plain objects, or as what their `toJSON` gives; a promise as `{}`).

import { Packr } from 'msgpackr';
import { CodecError, messageOf } from './errors.js';

// structuredClone: without it typed arrays come back with wrong bytes, and Set and Error not at all.
// copyBuffers: otherwise a decoded Uint8Array is a view that keeps its whole chunk in memory.
const packr = new Packr({ structuredClone: true, copyBuffers: true });
Object.assign(packr, { writeFunction: refuseFunction });

/** Depth to which the place of an unencodable value is searched. */
const SEARCH_DEPTH_MAX = 64;

/** The value as bytes of its own. Throws CodecError that names the place of what cannot be encoded. */
export function encode(value: unknown): Uint8Array {
  try {
    // msgpackr returns a view on a buffer that it writes to again.
    return new Uint8Array(packr.pack(value));
  } catch (cause) {
    throw new CodecError(describe(value, cause), {
      cause,
      remedy: 'Keep only data in state and records: leave functions and symbols out, or store their names.',
      unrecoverable: true,
    });
  }
}

/** The value behind the bytes. Throws CodecError when they are damaged or were not written by `encode`. */
export function decode(bytes: Uint8Array): unknown {
  try {
    // As a plain Uint8Array, or else binary parts would take the class of the source.
    return packr.unpack(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (cause) {
    throw new CodecError(`Bytes cannot be decoded (${bytes.byteLength} bytes): ${messageOf(cause)}.`, {
      cause,
      remedy: 'They are damaged, or another program wrote them.',
    });
  }
}

function refuseFunction(): never {
  throw new Error('functions have no bytes');
}

function describe(value: unknown, cause: unknown): string {
  const found = findUnencodable(value, 'value', new Set(), 0);
  if (found !== null) return `Expected data, got a ${found.kind} at ${found.path}.`;
  return `A value cannot be encoded: ${messageOf(cause)}.`;
}

interface Unencodable {
  readonly kind: 'function' | 'symbol';
  readonly path: string;
}

function findUnencodable(value: unknown, path: string, seen: Set<object>, depth: number): Unencodable | null {
  if (typeof value === 'function' || typeof value === 'symbol')
    return { kind: typeof value as Unencodable['kind'], path };
  if (typeof value !== 'object' || value === null || seen.has(value) || depth > SEARCH_DEPTH_MAX) return null;
  seen.add(value);
  for (const [step, part] of parts(value)) {
    const found = findUnencodable(part, `${path}${step}`, seen, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

function* parts(value: object): Iterable<readonly [string, unknown]> {
  if (ArrayBuffer.isView(value)) return;
  if (value instanceof Map) {
    for (const [key, part] of value) {
      yield [`.keys()`, key];
      yield [`.get(${showKey(key)})`, part];
    }
  } else if (value instanceof Set) {
    for (const part of value) yield ['.values()', part];
  } else if (Array.isArray(value)) {
    for (const [index, part] of value.entries()) yield [`[${index}]`, part];
  } else {
    for (const [key, part] of Object.entries(value))
      yield [/^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`, part];
    if (value instanceof Error) yield ['.cause', value.cause];
  }
}

function showKey(key: unknown): string {
  return typeof key === 'string' ? JSON.stringify(key) : String(typeof key === 'object' ? typeof key : key);
}
