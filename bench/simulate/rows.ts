// The records that simulated jobs read.
//
// Owns:    what a row is, and rows from a seed.
// Not:     what jobs make of them (models).
//
// R1. Few inputs, and many keys in some of them: with seven keys no key lies at the end of a range of key groups.

import { randomBelow, randomStream } from '../../src/base/random-stream.js';

export interface Row {
  readonly id: number;
  readonly key: number;
  /** Event time, in order. */
  readonly at: number;
  readonly n: number;
}

/** Inputs over all seeds: the models of each are then computed once. */
const INPUTS = 32;
const STEP_MS = 7;
/** Keys of an input, by its number: few records of many keys as well as many records of few. */
const KEYS = [7, 3, 20, 7, 60, 5, 200, 30];

export function rowsOf(count: number, seed: number): readonly Row[] {
  const input = seed % INPUTS;
  const random = randomStream(input, 'rows');
  const keys = KEYS[input % KEYS.length] ?? 1;
  return Array.from({ length: count }, (_, id) => ({
    id,
    key: randomBelow(random, keys),
    at: id * STEP_MS,
    n: randomBelow(random, 100),
  }));
}
