// The runtime of production: Node's clock, timers, randomness, files, sockets, and LMDB.
//
// Owns:    the binding of the port (runtime.ts) to Node.
// Not:     virtual time (src/testing/virtual-runtime.ts).
//
// A1. A timer never fires early on the monotonic clock, however long its delay.
// A2. LMDB's native addon is loaded at the first `open`, so that programs without a store never need it.

import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { messageOf, StoreError } from './errors.js';
import { nodeFiles } from './node-files.js';
import { nodeSockets } from './node-sockets.js';
import { randomStream } from './random-stream.js';
import type { Clock, KeyValueStores, Points, Runtime, TimerHandle, Timers } from './runtime.js';

export interface NodeRuntimeOptions {
  /** Listener of protocol steps, for fault injection. Default null: a step costs one comparison. */
  readonly points?: Points | null;
}

// Node turns a longer delay into 1 ms; longer ones are waited for in several steps.
const NODE_DELAY_MAX_MS = 2_147_483_647;

const clock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

const timers: Timers = { after };

const keyValues: KeyValueStores = {
  async open(directory, options) {
    const { lmdbKeyValues } = await loadLmdb();
    return await lmdbKeyValues({ clock, timers }).open(directory, options);
  },
};

async function loadLmdb(): Promise<typeof import('./lmdb-key-values.js')> {
  try {
    return await import('./lmdb-key-values.js');
  } catch (cause) {
    const here = `${process.platform} ${process.arch}, Node ${process.versions.node}`;
    throw new StoreError('WEIR_STORE', `LMDB could not be loaded (${here}): ${messageOf(cause)}`, {
      cause,
      // What is not installed now is not installed after a restart either.
      unrecoverable: true,
      remedy:
        'Its native file belongs to one system: install the packages again on this one, optional ones included.',
    });
  }
}

/** The production Runtime. Cheap to make and without state of its own: one per program or many make no difference. */
export function nodeRuntime(options: NodeRuntimeOptions = {}): Runtime {
  return {
    clock,
    timers,
    random: (purpose) => randomStream(randomBytes(16).toString('hex'), purpose),
    id: (purpose) => `${purpose}-${Date.now().toString(36)}-${randomBytes(8).toString('hex')}`,
    dispatch: (callback) => void setImmediate(callback),
    files: nodeFiles,
    sockets: nodeSockets,
    keyValues,
    environment: (name) => process.env[name],
    // The console, because it survives a reader that has gone, and test runners sort its lines to their tests.
    report: (text) => console.error(text),
    points: options.points ?? null,
  };
}

function after(delayMs: number, callback: () => void): TimerHandle {
  const dueMs = performance.now() + Math.max(0, delayMs);
  let timer: NodeJS.Timeout | null = null;
  const arm = (): void => {
    const restMs = dueMs - performance.now();
    timer = setTimeout(fire, Math.min(Math.max(1, Math.ceil(restMs)), NODE_DELAY_MAX_MS));
  };
  const fire = (): void => {
    // Node rounds its own clock down, so a timer may come up to a millisecond early.
    if (performance.now() < dueMs) return arm();
    timer = null;
    callback();
  };
  arm();
  return {
    cancel() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}
