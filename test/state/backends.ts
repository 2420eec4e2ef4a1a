// What the tests of keyed state share: a backend, a clock that stands still until moved, snapshot and restore in one step.

import { KeyedBackend } from '../../src/state/keyed-backend.js';
import type { SnapshotWalk } from '../../src/state/keyed-snapshot.js';

export interface TestClock {
  nowMs: number;
}

export function testBackend(
  options: { readonly freeze?: boolean; readonly clock?: TestClock } = {},
): KeyedBackend {
  const clock = options.clock ?? { nowMs: 0 };
  return new KeyedBackend({
    operator: 'op',
    subtask: 0,
    maxParallelism: 128,
    range: { from: 0, to: 127 },
    freeze: options.freeze ?? true,
    processingTimeMs: () => clock.nowMs,
  });
}

/** All chunks of a walk that nothing disturbs. */
export function finish(walk: SnapshotWalk): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const slice = walk.next(100);
    chunks.push(...slice.chunks);
    if (slice.done) return chunks;
  }
}

export function fullSnapshot(backend: KeyedBackend, checkpoint = 1): Uint8Array[] {
  return finish(backend.beginSnapshot({ checkpoint, baseCheckpoint: null }));
}

/** Another backend with the same state, as after a failure. */
export function restarted(
  backend: KeyedBackend,
  options: Parameters<typeof testBackend>[0] = {},
): KeyedBackend {
  const next = testBackend(options);
  next.restore([fullSnapshot(backend)]);
  return next;
}

/** Runs `use` with a key in hand. */
export function withKey<T>(backend: KeyedBackend, key: unknown, use: () => T): T {
  backend.setKey(key);
  try {
    return use();
  } finally {
    backend.clearKey();
  }
}
