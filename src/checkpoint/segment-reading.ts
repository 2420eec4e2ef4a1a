// Reading segments back.
//
// Owns:    order, completeness and checksums of the chunks of one segment.
// Not:     what the bytes mean (src/state).
//
// Each chunk is a read of its own: no read transaction stays open while somebody works with the bytes.

import { StoreError } from '../base/errors.js';
import type { KeyValueEnvironment } from '../base/runtime.js';
import type { SegmentRef } from './manifest.js';
import { CHUNKS, chunkIdentity, chunkKey, unframe } from './store-rows.js';

/** Chunks in order. Throws StoreError naming the row when one is missing or damaged. */
export function* readChunks(
  environment: KeyValueEnvironment,
  segment: SegmentRef,
  directory: string,
): Generator<Uint8Array, void, undefined> {
  for (let index = 0; index < segment.chunks; index += 1) {
    const row = unframe(chunkIdentity(segment, index), environment.get(CHUNKS, chunkKey(segment, index)));
    if (row.kind === 'damaged') {
      throw new StoreError(
        'WEIR_STORE',
        `In ${directory}, chunk ${index} of ${segment.chunks} written by checkpoint ${segment.checkpoint} in attempt ${segment.attempt} ${row.reason}.`,
        {
          operator: segment.operator,
          subtask: segment.subtask,
          remedy: 'Restart the job: it looks for an intact older checkpoint.',
        },
      );
    }
    yield row.payload;
  }
}
