// The hash of a key: decides its key group, and with it the subtask that owns the key.
//
// Owns:    a 32-bit hash of canonical keys.
// Not:     the canonical form (key.ts), what becomes of the hash (key-groups.ts).
//
// H1. The hash of a key never changes, in no process and no version: stored key groups depend on it. Golden values in
//     test/state/key.test.ts hold it fast.
// H2. Keys of different types are hashed apart, so that 1 and "1" need not meet in one key group.

import type { MapKey } from './key.js';

const INTEGER_SEED = 0x2c1b3c6d;
const DOUBLE_SEED = 0x297a2d39;
const STRING_SEED = 0x165667b1;
const BIGINT_SEED = 0x3d4d51cb;
const TRUE_HASH = 0x4c957f2d;
const FALSE_HASH = 0x5851f42d;

const doubleBits = new DataView(new ArrayBuffer(8));

/** 32 bits, signed, well mixed in all of them. */
export function hashKey(key: MapKey): number {
  switch (typeof key) {
    case 'number': {
      const integer = key | 0;
      return integer === key ? finish(integer ^ INTEGER_SEED) : hashDouble(key);
    }
    case 'string':
      return hashText(key, STRING_SEED);
    case 'boolean':
      return key ? TRUE_HASH : FALSE_HASH;
    default:
      return hashText(key.toString(), BIGINT_SEED);
  }
}

function hashDouble(value: number): number {
  // The byte order is named, so that machines of either kind agree.
  doubleBits.setFloat64(0, value, true);
  const low = mix(DOUBLE_SEED, doubleBits.getInt32(0, true));
  return finish(mix(low, doubleBits.getInt32(4, true)));
}

/** Murmur3 over UTF-16 code units, two at a time. */
function hashText(text: string, seed: number): number {
  const { length } = text;
  let hash = seed;
  let index = 0;
  for (; index + 1 < length; index += 2) {
    hash = mix(hash, text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16));
  }
  if (index < length) hash = mix(hash, text.charCodeAt(index));
  return finish(hash ^ length);
}

function mix(hash: number, word: number): number {
  let scrambled = Math.imul(word, 0xcc9e2d51);
  scrambled = (scrambled << 15) | (scrambled >>> 17);
  const mixed = hash ^ Math.imul(scrambled, 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
