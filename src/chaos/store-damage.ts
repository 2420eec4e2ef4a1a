// Damage to a store behind the back of its owner.
//
// Owns:    a bit that has flipped (F40), a last write that is gone (F39).
// Not:     when (arsenal.ts), and killing the process so that somebody reads what is damaged (job-run.ts).

import { randomBelow } from '../base/random-stream.js';
import type { RandomStream } from '../base/runtime.js';
import { CHUNKS, MANIFESTS } from '../checkpoint/store-rows.js';
import type { StoreImage } from '../testing/virtual-stores.js';

/** Flips one bit of a row; answers where, or null when there is no row. */
export function flipRandomBit(image: StoreImage, random: RandomStream): string | null {
  const table = random.next() < 0.5 ? CHUNKS : MANIFESTS;
  const rows = image.rows(table);
  const row = rows[randomBelow(random, Math.max(1, rows.length))];
  if (row === undefined || row.value.byteLength === 0) return null;
  const bit = randomBelow(random, row.value.byteLength * 8);
  image.damage(table, row.key, (value) => {
    value[bit >> 3] = (value[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return value;
  });
  return `${table}, bit ${bit}`;
}

/**
 * Whether the last write can be taken back. Not when it held a manifest: sinks may have committed by it, and only they could notice that
 * it is gone.
 */
export function canRevert(image: StoreImage): boolean {
  return image.lastTables.length > 0 && !image.lastTables.includes(MANIFESTS);
}
