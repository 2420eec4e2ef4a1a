// Seeded randomness for Math.random and for every function of crypto that draws.
//
// Owns:    the streams of a simulated process, and bytes, ids and numbers made from them.
// Not:     functions of crypto that draw inside of OpenSSL, keys for one: they are forbidden (simulated-globals-forbidden.ts).
//
// R1. Math.random and crypto have streams of their own, so that one more id shifts no coin.
// R2. Arguments are checked by the original function; its random result is thrown away.

import crypto from 'node:crypto';
import type { RandomStream } from '../base/runtime.js';
import { type Callable, type InStep, isCallable, type PatchSet } from './simulated-globals-patches.js';
import type { SimulatedSurroundings } from './simulated-globals-surroundings.js';

interface Streams {
  readonly math: RandomStream;
  readonly crypto: RandomStream;
}

const streamsOf = new WeakMap<SimulatedSurroundings, Streams>();

export function patchCrypto(set: PatchSet): void {
  set.function(Math, 'random', (surroundings) => streams(surroundings).math.next());
  set.functions(crypto, {
    randomUUID: (surroundings) => uuid(streams(surroundings).crypto),
    randomInt,
    randomFillSync: (surroundings, args, original) => {
      original(...args);
      return fillRange(surroundings, args);
    },
    randomFill,
  });
  for (const name of ['randomBytes', 'pseudoRandomBytes']) set.function(crypto, name, randomBytes);
  // Getters in some versions, deprecated names of randomBytes all of them.
  for (const name of ['rng', 'prng']) {
    const original: unknown = Reflect.get(crypto, name);
    if (isCallable(original)) set.value(crypto, name, set.wrap(original, randomBytes));
  }
  set.functions(globalThis.crypto, {
    randomUUID: (surroundings) => uuid(streams(surroundings).crypto),
    getRandomValues: (surroundings, args, original) => {
      original(...args);
      return fillRange(surroundings, args.slice(0, 1));
    },
  });
}

function streams(surroundings: SimulatedSurroundings): Streams {
  let found = streamsOf.get(surroundings);
  if (found === undefined) {
    found = { math: surroundings.random('user:Math.random'), crypto: surroundings.random('user:crypto') };
    streamsOf.set(surroundings, found);
  }
  return found;
}

const randomBytes: InStep = (surroundings, [size, done], original) => {
  const bytes = original(size);
  fillRange(surroundings, [bytes]);
  if (!isCallable(done)) return bytes;
  answerLater(surroundings, done, bytes);
  return undefined;
};

// randomInt([min,] max[, done])
const randomInt: InStep = (surroundings, args, original) => {
  const done = args.at(-1);
  const bounds = isCallable(done) ? args.slice(0, -1) : args.filter((bound) => bound !== undefined);
  original(...bounds);
  const [min, max] = bounds.length === 1 ? [0, Number(bounds[0])] : [Number(bounds[0]), Number(bounds[1])];
  const drawn = min + Math.floor(fraction(streams(surroundings).crypto) * (max - min));
  if (!isCallable(done)) return drawn;
  answerLater(surroundings, done, drawn);
  return undefined;
};

// randomFill(buffer[, offset[, size]], done)
const randomFill: InStep = (surroundings, args, original) => {
  const done = args.at(-1);
  if (!isCallable(done)) return original(...args);
  const range = args.slice(0, -1);
  Reflect.apply(crypto.randomFillSync, crypto, range as never);
  fillRange(surroundings, range);
  answerLater(surroundings, done, range[0]);
  return undefined;
};

function answerLater(surroundings: SimulatedSurroundings, done: Callable, result: unknown): void {
  surroundings.after(0, () => Reflect.apply(done, undefined, [null, result] as never[]));
}

// Offset and size count elements of the array, as in randomFillSync.
function fillRange(surroundings: SimulatedSurroundings, [target, offset, size]: readonly unknown[]): unknown {
  const bytes = bytesOf(target);
  const elementBytes =
    ArrayBuffer.isView(target) && 'BYTES_PER_ELEMENT' in target ? Number(target.BYTES_PER_ELEMENT) : 1;
  const from = Number(offset ?? 0) * elementBytes;
  const to = size === undefined ? bytes.length : from + Number(size) * elementBytes;
  fill(bytes.subarray(from, to), streams(surroundings).crypto);
  return target;
}

function bytesOf(target: unknown): Uint8Array {
  if (ArrayBuffer.isView(target)) return new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  return target instanceof ArrayBuffer || target instanceof SharedArrayBuffer
    ? new Uint8Array(target)
    : new Uint8Array();
}

function fill(bytes: Uint8Array, stream: RandomStream): void {
  for (let index = 0; index < bytes.length; index += 4) {
    const word = Math.floor(stream.next() * 2 ** 32);
    for (let byte = 0; byte < 4 && index + byte < bytes.length; byte += 1)
      bytes[index + byte] = word >>> (8 * byte);
  }
}

// 53 bits: one draw has 32, and randomInt goes up to 2^48.
function fraction(stream: RandomStream): number {
  return (Math.floor(stream.next() * 2 ** 26) * 2 ** 27 + Math.floor(stream.next() * 2 ** 27)) / 2 ** 53;
}

/** Version 4, as RFC 9562 lays it out. */
function uuid(stream: RandomStream): string {
  const bytes = new Uint8Array(16);
  fill(bytes, stream);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
