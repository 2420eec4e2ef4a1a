// Stored objects that somebody else holds as well: whoever was given one keeps what he was given.
//
// Owns:    which accumulators were handed out, and the copy that is changed in their place.
// Not:     arrays of list state (list-cell.ts), images for snapshots (keyed-snapshot.ts).
//
// P1. What was handed out is not changed afterwards: the next change works on a copy. Until something is handed out, changing in
//     place costs nothing, and numbers and strings never cost anything.
// P2. A result is taken to share with its accumulator if both are objects: which parts of it, only the user's function knows.

import { decode, encode } from '../base/codec.js';
import { copyOf, NOT_COPIED } from './pre-image.js';

/** A value that shares nothing with `value` that could be changed. Throws CodecError for what cannot be stored. */
export function separate(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const copied = copyOf(value);
  return copied === NOT_COPIED ? decode(encode(value)) : copied;
}

/** The accumulators of one state that were handed out. After a restore nobody holds any. */
export class Lent {
  private held: WeakSet<object> | null = null;

  lend(stored: unknown, handedOut: unknown): void {
    if (typeof stored !== 'object' || stored === null) return;
    if (typeof handedOut !== 'object' || handedOut === null) return;
    this.held ??= new WeakSet();
    this.held.add(stored);
  }

  /** What was stored, to be changed in place. */
  own(stored: unknown): unknown {
    if (this.held === null || typeof stored !== 'object' || stored === null) return stored;
    return this.held.has(stored) ? separate(stored) : stored;
  }
}
