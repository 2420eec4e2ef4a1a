// The reader of a subtask that was given no split, and the answer of a reader that has nothing left.
//
// Owns:    how seldom such a reader wants to be asked.
// Not:     marking the subtask idle for watermarks: the engine does this when it gave no split (semantics 2.10).

import type { Polled, SourceReader } from '../operators/source.js';

const IDLE_RETRY_MS = 1_000;

/** All splits have ended, or there never was one: the engine need not ask, and learns nothing if it does. */
export const NOTHING_LEFT: Polled<never, never> = { kind: 'nothing', retryMs: IDLE_RETRY_MS };

export const idleReader: SourceReader<never, never> = {
  poll: () => NOTHING_LEFT,
  close() {
    // Nothing was opened.
  },
};
