// Random streams: one per purpose, from one seed.
//
// Owns:    the generator (sfc32) and how a purpose becomes a stream of its own.
// Not:     where a seed comes from: Node draws it from the operating system, simulation is given it.
//
// A1. The same seed and purpose give the same numbers on every platform and in every version of Weir.
// A2. Streams of different purposes do not disturb each other: one more draw here shifts nothing there.

import type { RandomStream } from './runtime.js';

/** The stream of `purpose` under `seed`. Not for secrets. */
export function randomStream(seed: number | string, purpose: string): RandomStream {
  let [a, b, c] = scramble(`${seed}\u0000${purpose}`);
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  // Neighbouring seeds start out alike; a dozen rounds part them.
  for (let round = 0; round < 12; round += 1) next();
  return { next };
}

/** A whole number in [0, bound). */
export function randomBelow(stream: RandomStream, bound: number): number {
  return Math.floor(stream.next() * bound);
}

// Three unlike 32-bit hashes of one text (FNV-1a steps with different bases and a final avalanche).
function scramble(text: string): [number, number, number] {
  return [hash(text, 0x811c9dc5), hash(text, 0x9e3779b9), hash(text, 0x85ebca6b)];
}

function hash(text: string, basis: number): number {
  let value = basis;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  value = Math.imul(value ^ (value >>> 15), 0x846ca68b);
  return value ^ (value >>> 16);
}
