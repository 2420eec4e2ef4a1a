// Sizes of batches, polls, channels and snapshots, drawn for a simulated run.
//
// Owns:    which sizes a run draws, and from what: small ones, at which every border is reached with a few records.
// Not:     what they mean (src/base/tuning.ts).
//
// D1. Results do not depend on any of them (T1 of tuning.ts): who sees a difference has found a bug.

import { randomBelow, randomStream } from '../base/random-stream.js';
import type { Tuning } from '../base/tuning.js';

const CHOICES: { readonly [N in keyof Tuning]: readonly number[] } = {
  batchRecordsMax: [1, 2, 3, 7],
  pollRecordsMax: [1, 2, 3, 7],
  channelCapacityElements: [2, 2, 3, 5],
  snapshotSliceEntries: [1, 1, 2, 3, 8],
  snapshotChunkBytes: [64, 150, 400, 1_500],
  snapshotChunksInFlightMax: [1, 2, 3],
  snapshotRemovalsFloor: [0, 1, 5, 20],
  incrementalChainMax: [1, 2, 3],
  storeBatchBytesMax: [1, 200, 1_000, 5_000],
};

/** Each size is left as it is now and then, so that those that hide each other are apart. 0: all as they are. */
export function drawnTuning(seed: number): Partial<Tuning> {
  if (seed === 0) return {};
  const drawn: Record<string, number> = {};
  for (const [name, choices] of Object.entries(CHOICES)) {
    const random = randomStream(seed, `tuning/${name}`);
    if (random.next() < 0.3) continue;
    const choice = choices[randomBelow(random, choices.length)];
    if (choice !== undefined) drawn[name] = choice;
  }
  return drawn;
}
