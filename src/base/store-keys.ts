// Keys of the key-value store as bytes that sort as the tuples do.
//
// Owns:    the encoding of StoreKey, its order, its limit. Real and virtual stores share it, so they cannot differ.
// Not:     keys of records in keyed state.
//
// A1. encode(a) < encode(b) byte by byte exactly when a < b element by element; numbers before strings,
//     strings by code point, a tuple before every longer one that it begins.
// A2. decode(encode(key)) equals key.

import { StoreError } from './errors.js';
import type { StoreKey } from './runtime.js';

/** Encoded bytes of one key. LMDB takes 1,978 with pages of 4 KB; the rest is reserve. */
export const STORE_KEY_BYTES_MAX = 1_900;

const END_OF_KEY_ELEMENT = 0x00;
const ESCAPED = 0xff;
const NUMBER = 0x10;
const STRING = 0x20;
const NUMBER_BYTES = 8;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** The bytes of a key. Throws StoreError for an empty tuple, a fraction, a broken string, or a key that is too long. */
export function encodeStoreKey(key: StoreKey): Uint8Array {
  if (key.length === 0) throw keyError(key, 'at least one element');
  const parts = key.map((element) =>
    typeof element === 'number' ? numberBytes(key, element) : stringBytes(key, element),
  );
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  if (size > STORE_KEY_BYTES_MAX)
    throw keyError(key, `at most ${STORE_KEY_BYTES_MAX} encoded bytes, not ${size}`);
  const bytes = new Uint8Array(size);
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

/** The tuple behind the bytes. Throws StoreError when `encodeStoreKey` did not write them. */
export function decodeStoreKey(bytes: Uint8Array): StoreKey {
  const key: (string | number)[] = [];
  let position = 0;
  while (position < bytes.length) {
    const tag = bytes[position];
    position += 1;
    if (tag === NUMBER && position + NUMBER_BYTES <= bytes.length) {
      key.push(readNumber(bytes, position));
      position += NUMBER_BYTES;
    } else if (tag === STRING) {
      const { text, next } = readString(bytes, position);
      key.push(text);
      position = next;
    } else {
      throw new StoreError(
        'WEIR_STORE',
        `Expected a key written by Weir, got bytes ${Buffer.from(bytes).toString('hex')}.`,
        {
          remedy: 'The store is damaged or belongs to another program; use another directory.',
        },
      );
    }
  }
  return key;
}

// A safe integer split into two 32-bit halves, the upper one shifted so that negative numbers sort first.
function numberBytes(key: StoreKey, value: number): Uint8Array {
  if (!Number.isSafeInteger(value)) throw keyError(key, 'whole numbers within 2^53');
  const bytes = new Uint8Array(1 + NUMBER_BYTES);
  const view = new DataView(bytes.buffer);
  const upper = Math.floor(value / 0x1_0000_0000);
  bytes[0] = NUMBER;
  view.setUint32(1, upper + 0x8000_0000);
  view.setUint32(5, value - upper * 0x1_0000_0000);
  return bytes;
}

function readNumber(bytes: Uint8Array, position: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (view.getUint32(position) - 0x8000_0000) * 0x1_0000_0000 + view.getUint32(position + 4);
}

// UTF-8 with every zero byte escaped, so that the closing zero sorts before any continuation.
function stringBytes(key: StoreKey, text: string): Uint8Array {
  if (LONE_SURROGATE.test(text)) throw keyError(key, 'well-formed strings');
  const bytes: number[] = [STRING];
  for (const byte of Buffer.from(text, 'utf8')) {
    bytes.push(byte);
    if (byte === END_OF_KEY_ELEMENT) bytes.push(ESCAPED);
  }
  bytes.push(END_OF_KEY_ELEMENT);
  return Uint8Array.from(bytes);
}

function readString(bytes: Uint8Array, start: number): { readonly text: string; readonly next: number } {
  const raw: number[] = [];
  for (let position = start; position < bytes.length; position += 1) {
    const byte = bytes[position] ?? END_OF_KEY_ELEMENT;
    if (byte !== END_OF_KEY_ELEMENT) {
      raw.push(byte);
    } else if (bytes[position + 1] === ESCAPED) {
      raw.push(END_OF_KEY_ELEMENT);
      position += 1;
    } else {
      return { text: Buffer.from(raw).toString('utf8'), next: position + 1 };
    }
  }
  throw new StoreError('WEIR_STORE', 'Expected the end of a string in a key, got the end of the key.', {
    remedy: 'The store is damaged or belongs to another program; use another directory.',
  });
}

function keyError(key: StoreKey, expected: string): StoreError {
  return new StoreError(
    'WEIR_STORE',
    `A store key has ${expected}; got ${JSON.stringify(key)?.slice(0, 200)}.`,
    {
      remedy: 'Make keys of short strings and whole numbers.',
    },
  );
}
