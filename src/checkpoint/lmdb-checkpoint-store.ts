// The store of one job: chunks, manifests, attempts, on a key-value environment (LMDB in production).
//
// Owns:    the writes of the running attempt, fencing, retention, the beginning of attempts.
// Not:     bytes of rows (store-rows.ts), the choice of a checkpoint (restore-point.ts), order of commits (write-queue.ts).
//
// Invariants of the contract (checkpoint-store.ts, P1 to P4), and:
// L1. A manifest is written only when every chunk that it names is durable.
// L2. A manifest, the catalog that makes it count, and what retention drops because of it, are one transaction.
// L3. `beginAttempt` waits until no write of the old attempt is in flight. If one hangs, its environment is closed and
//     another one opened, which fences it; were it to land all the same, it would not be in the catalog.
// L4. Segments that are being copied into a savepoint are pinned; what they hold back is removed afterwards.

import { assert } from '../base/assert.js';
import { RestoreError, StoreError } from '../base/errors.js';
import { type AttemptNumber, attemptNumber, type CheckpointId } from '../base/ids.js';
import {
  CHECKPOINTS_RETAINED,
  STORE_BATCH_BYTES_MAX,
  STORE_COMMIT_DEADLINE_MS,
  STORE_DISCARDED_MAX,
} from '../base/limits.js';
import type { Logger } from '../base/logger.js';
import type { KeyValueEnvironment, Runtime, StoreKey, StoreWrite } from '../base/runtime.js';
import type {
  BegunAttempt,
  CheckpointStore,
  Chunk,
  NumbersInUse,
  StoreCounters,
} from './checkpoint-store.js';
import type { Manifest, SegmentRef } from './manifest.js';
import { findRestorePoint, type RestorePoint } from './restore-point.js';
import { exportSavepointTo } from './savepoint.js';
import { SegmentIndex } from './segment-index.js';
import { readChunks } from './segment-reading.js';
import { identityOf, identityWrite, refuseForeign } from './store-identity.js';
import {
  ATTEMPT_KEY,
  CHUNKS,
  catalogKey,
  chunkKey,
  chunkValue,
  idsKey,
  MANIFESTS,
  META,
  manifestKey,
  manifestValue,
  metaValue,
  segmentsOf,
  TABLES,
} from './store-rows.js';
import { WriteQueue } from './write-queue.js';

export interface CheckpointStoreOptions {
  readonly runtime: Runtime;
  readonly directory: string;
  readonly job: string;
  /** Completed checkpoints to keep, at least CHECKPOINTS_RETAINED. */
  readonly retained?: number;
  readonly commitDeadlineMs?: number;
  /** Bytes of rows in one transaction, about. */
  readonly batchBytesMax?: number;
  /** The ownership that this run of the job had before: a store that somebody else has taken over since is refused. */
  readonly ownedBefore?: number;
  /**
   * What to do when the newest completed checkpoint is damaged and an older one is intact. `use` (default): go on from the
   * older one. `refuse`: RestoreError, because results that were committed after the older one would be committed again.
   */
  readonly olderCheckpoint?: 'use' | 'refuse';
  readonly logger: Logger;
}

/**
 * Opens or creates the checkpoint directory of a job.
 * Throws RestoreError when it belongs to another job, is a savepoint, or has a newer format; StoreError when it cannot be opened.
 */
export async function openCheckpointStore(options: CheckpointStoreOptions): Promise<CheckpointStore> {
  const retained = options.retained ?? CHECKPOINTS_RETAINED;
  assert(retained >= CHECKPOINTS_RETAINED, 'a damaged newest checkpoint leaves an older one', { retained });
  const environment = await openEnvironment(options, options.ownedBefore);
  return new LmdbCheckpointStore(options, retained, environment);
}

async function openEnvironment(
  options: CheckpointStoreOptions,
  ownedBefore: number | undefined,
): Promise<KeyValueEnvironment> {
  const { runtime, directory, job } = options;
  const commitDeadlineMs = options.commitDeadlineMs ?? STORE_COMMIT_DEADLINE_MS;
  const environment = await runtime.keyValues.open(directory, {
    tables: TABLES,
    commitDeadlineMs,
    ...(ownedBefore === undefined ? {} : { ownedBefore }),
  });
  try {
    const identity = identityOf(environment, directory);
    refuseForeign(identity, directory, job);
    if (identity === null) await environment.commit([identityWrite('job', job)]);
    return environment;
  } catch (error) {
    await environment.close();
    throw error;
  }
}

/** What the running attempt may write to. */
interface Serving {
  readonly kind: 'serving';
  readonly attempt: AttemptNumber;
  readonly queue: WriteQueue;
  readonly index: SegmentIndex;
  /** Completed checkpoints, oldest first. */
  retained: readonly Manifest[];
  /** Aborted checkpoints, whose chunks are refused; insertion order is age. */
  readonly discarded: Set<CheckpointId>;
}

type State =
  /** Opened, or an attempt could not begin. */
  { readonly kind: 'idle' } | { readonly kind: 'beginning' } | Serving | { readonly kind: 'closed' };

class LmdbCheckpointStore implements CheckpointStore {
  readonly #options: CheckpointStoreOptions;
  readonly #retainedMax: number;
  #environment: KeyValueEnvironment;
  /** The environment took no more writes when it was used last. */
  #mustReopen = false;
  /** Another process owns the directory now. For good: opening again would take it away from the one that is right. */
  #lost: StoreError | null = null;
  #state: State = { kind: 'idle' };
  #fencedWrites = 0;
  /** Savepoints that are being written: the store is not closed under them. */
  readonly #exports = new Set<Promise<void>>();
  /** Of queues that are gone. */
  #commits = 0;
  #bytesWritten = 0;

  constructor(options: CheckpointStoreOptions, retainedMax: number, environment: KeyValueEnvironment) {
    this.#options = options;
    this.#retainedMax = retainedMax;
    this.#environment = environment;
  }

  get owner(): number {
    return this.#environment.owner;
  }

  async beginAttempt(above: NumbersInUse = { attempt: 0, checkpoint: 0 }): Promise<BegunAttempt> {
    const before = this.#state;
    if (before.kind === 'beginning') throw this.#refusal('another attempt is just beginning');
    if (before.kind === 'closed') throw this.#refusal('it is closed');
    this.#state = { kind: 'beginning' };
    try {
      if (before.kind === 'serving') await this.#retire(before);
      if (this.#lost !== null) throw this.#lost;
      if (this.#mustReopen) await this.#reopen();
      return await this.#begin(above);
    } catch (error) {
      this.#state = { kind: 'idle' };
      throw error;
    }
  }

  async #retire(serving: Serving): Promise<void> {
    const reason = this.#fenced(`Attempt ${serving.attempt} has ended; a new one begins`);
    await serving.queue.stop(reason);
    this.#commits += serving.queue.commits;
    this.#bytesWritten += serving.queue.bytesWritten;
    if (serving.queue.failure !== null) this.#broke(serving.queue.failure);
  }

  #broke(error: unknown): void {
    this.#mustReopen = true;
    if (error instanceof StoreError && error.code === 'WEIR_STORE_FENCED') this.#lost = error;
  }

  async #reopen(): Promise<void> {
    const { directory, logger } = this.#options;
    logger.warn({ directory }, 'the checkpoint store broke and is opened again');
    await this.#environment.close();
    this.#environment = await openEnvironment(this.#options, this.#environment.owner);
    this.#mustReopen = false;
  }

  async #begin(above: NumbersInUse): Promise<BegunAttempt> {
    const { runtime, directory, logger } = this.#options;
    const point = await findRestorePoint(this.#environment, runtime, directory);
    for (const { checkpoint, reason } of point.rejected) {
      logger.warn({ checkpoint, reason }, 'a checkpoint cannot be used');
    }
    if (this.#options.olderCheckpoint === 'refuse') refuseOlder(point, directory);
    const attempt = attemptNumber(Math.max(point.lastAttempt, above.attempt) + 1);
    const lastCheckpointId = Math.max(point.lastCheckpointId, above.checkpoint);
    try {
      await this.#environment.commit(firstWrites(point, attempt, lastCheckpointId));
      this.#commits += 1;
    } catch (error) {
      this.#broke(error);
      throw error;
    }
    const index = new SegmentIndex();
    for (const key of point.chunkKeys) index.add(key);
    const queue = new WriteQueue(this.#environment, this.#options.batchBytesMax);
    this.#state = { kind: 'serving', attempt, queue, index, retained: point.retained, discarded: new Set() };
    return { attempt, lastCheckpointId, latest: point.latest, rejected: point.rejected };
  }

  async reserveCheckpointIds(upTo: CheckpointId): Promise<void> {
    const { attempt, queue } = this.#serving();
    const key = idsKey(attempt);
    const value = metaValue(key, upTo);
    await queue.submit({
      bytes: value.byteLength,
      alone: false,
      rows: () => [{ kind: 'put', table: META, key, value }],
      durable: nothingMore,
    });
  }

  async putChunk(chunk: Chunk): Promise<void> {
    const { queue, index, discarded } = this.#servingFor(
      chunk.attempt,
      `chunk of operator "${chunk.operator}"`,
    );
    if (discarded.has(chunk.checkpoint)) {
      throw this.#refusal(`checkpoint ${chunk.checkpoint} was aborted, so its chunks are not wanted`);
    }
    const key = chunkKey(chunk, chunk.index);
    await queue.submit({
      bytes: chunk.bytes.byteLength,
      alone: false,
      rows: () => [{ kind: 'put', table: CHUNKS, key, value: chunkValue(chunk) }],
      durable: () => index.add(key),
    });
  }

  async complete(manifest: Manifest): Promise<void> {
    const serving = this.#servingFor(manifest.attempt, `manifest of checkpoint ${manifest.checkpoint}`);
    let retained: readonly Manifest[] = [];
    let freed: readonly string[] = [];
    await serving.queue.submit({
      bytes: 0,
      alone: true,
      rows: () => {
        this.#refuseIncomplete(manifest, serving.index);
        const all = [...serving.retained, manifest].sort((a, b) => a.checkpoint - b.checkpoint);
        retained = all.slice(-this.#retainedMax);
        const dropped = all.slice(0, -this.#retainedMax);
        freed = [
          ...serving.index.freedBy(dropped, retained),
          ...serving.index.leftBy(manifest.checkpoint, manifest.attempt, retained),
        ];
        return [
          ...manifestWrites(manifest, retained, dropped, serving.attempt),
          ...serving.index.removals(freed),
        ];
      },
      durable: () => {
        serving.retained = retained;
        serving.index.forget(freed);
      },
    });
  }

  async discard(checkpoint: CheckpointId, attempt: AttemptNumber): Promise<void> {
    const serving = this.#servingFor(attempt, `discard of checkpoint ${checkpoint}`);
    serving.discarded.add(checkpoint);
    for (const oldest of serving.discarded) {
      if (serving.discarded.size <= STORE_DISCARDED_MAX) break;
      serving.discarded.delete(oldest);
    }
    await this.#remove(serving, () => serving.index.leftBy(checkpoint, attempt, serving.retained));
  }

  async forgetAll(): Promise<void> {
    const serving = this.#serving();
    const catalog = catalogKey(serving.attempt);
    await serving.queue.submit({
      bytes: 0,
      alone: true,
      rows: () => [
        { kind: 'put', table: META, key: catalog, value: metaValue(catalog, catalogOf([])) },
        ...serving.retained.map(({ checkpoint, attempt }): StoreWrite => {
          return { kind: 'remove', table: MANIFESTS, key: manifestKey(checkpoint, attempt) };
        }),
      ],
      durable: () => {
        serving.retained = [];
      },
    });
  }

  exportSavepoint(manifest: Manifest, directory: string): Promise<void> {
    const exporting = this.#export(manifest, directory);
    const over = exporting.then(ignore, ignore).finally(() => this.#exports.delete(over));
    this.#exports.add(over);
    return exporting;
  }

  async #export(manifest: Manifest, directory: string): Promise<void> {
    const serving = this.#serving();
    const segments = segmentsOf(manifest);
    this.#refuseIncomplete(manifest, serving.index);
    serving.index.pin(segments);
    try {
      const { runtime, commitDeadlineMs, batchBytesMax } = this.#options;
      await exportSavepointTo({
        runtime,
        directory,
        manifest,
        source: this,
        commitDeadlineMs: commitDeadlineMs ?? STORE_COMMIT_DEADLINE_MS,
        batchBytesMax: batchBytesMax ?? STORE_BATCH_BYTES_MAX,
      });
    } finally {
      serving.index.unpin(segments);
    }
    await this.#removeHeldBack(serving, segments);
  }

  /** Best effort: the savepoint is complete whether or not this succeeds, and the next attempt removes what is left. */
  async #removeHeldBack(serving: Serving, segments: readonly SegmentRef[]): Promise<void> {
    const { logger } = this.#options;
    try {
      await this.#remove(serving, () => {
        const retained = serving.retained;
        const oldest = retained[0]?.checkpoint ?? 0;
        // Chunks of the newest pending checkpoints are nobody's garbage yet; older ones belong to dropped manifests.
        const held = segments.filter((segment) => segment.checkpoint < oldest);
        return serving.index.unneeded(held, retained);
      });
    } catch (error) {
      logger.warn({ error }, 'segments that a savepoint held back could not be removed yet');
    }
  }

  async #remove(serving: Serving, choose: () => readonly string[]): Promise<void> {
    let ids: readonly string[] = [];
    await serving.queue.submit({
      bytes: 0,
      alone: true,
      rows: () => {
        ids = choose();
        return serving.index.removals(ids);
      },
      durable: () => serving.index.forget(ids),
    });
  }

  readSegment(segment: SegmentRef): Iterable<Uint8Array> {
    return readChunks(this.#environment, segment, this.#options.directory);
  }

  manifests(): readonly Manifest[] {
    return this.#state.kind === 'serving' ? this.#state.retained : [];
  }

  counters(): StoreCounters {
    const queue = this.#state.kind === 'serving' ? this.#state.queue : null;
    return {
      fencedWrites: this.#fencedWrites,
      commits: this.#commits + (queue?.commits ?? 0),
      bytesWritten: this.#bytesWritten + (queue?.bytesWritten ?? 0),
      checkpointsRetained: this.manifests().length,
    };
  }

  async close(): Promise<void> {
    const state = this.#state;
    if (state.kind === 'closed') return;
    this.#state = { kind: 'closed' };
    if (state.kind === 'serving') await state.queue.drain();
    while (this.#exports.size > 0) await Promise.all(this.#exports);
    await this.#environment.close();
  }

  #serving(): Serving {
    if (this.#state.kind === 'serving') return this.#state;
    throw this.#refusal(this.#state.kind === 'closed' ? 'it is closed' : 'no attempt has begun');
  }

  #servingFor(attempt: AttemptNumber, what: string): Serving {
    const state = this.#state;
    if (state.kind === 'serving' && state.attempt === attempt) return state;
    if (state.kind === 'closed') throw this.#refusal('it is closed');
    this.#fencedWrites += 1;
    const current = state.kind === 'serving' ? `attempt ${state.attempt} is running` : 'a new attempt begins';
    throw this.#fenced(`A ${what} of attempt ${attempt} was refused, because ${current}`);
  }

  #refuseIncomplete(manifest: Manifest, index: SegmentIndex): void {
    for (const segment of segmentsOf(manifest)) {
      const missing = index.firstMissing(segment);
      if (missing === null) continue;
      throw this.#refusal(
        `checkpoint ${manifest.checkpoint} names chunk ${missing} of operator "${segment.operator}" subtask ${segment.subtask}, which is not durable`,
        'WEIR_STORE_INCOMPLETE',
      );
    }
  }

  #refusal(reason: string, code: 'WEIR_STORE' | 'WEIR_STORE_INCOMPLETE' = 'WEIR_STORE'): StoreError {
    return new StoreError(code, `The checkpoint store in ${this.#options.directory} refuses: ${reason}.`);
  }

  #fenced(message: string): StoreError {
    return new StoreError('WEIR_STORE_FENCED', `${message}.`, { remedy: 'Nothing was written.' });
  }
}

function firstWrites(point: RestorePoint, attempt: AttemptNumber, lastId: number): readonly StoreWrite[] {
  const put = (key: StoreKey, value: unknown): StoreWrite => {
    return { kind: 'put', table: META, key, value: metaValue(key, value) };
  };
  return [
    ...point.invalidations,
    put(ATTEMPT_KEY, attempt),
    put(idsKey(attempt), lastId),
    put(catalogKey(attempt), catalogOf(point.retained)),
  ];
}

function manifestWrites(
  manifest: Manifest,
  retained: readonly Manifest[],
  dropped: readonly Manifest[],
  attempt: AttemptNumber,
): readonly StoreWrite[] {
  const key = manifestKey(manifest.checkpoint, manifest.attempt);
  const catalog = catalogKey(attempt);
  return [
    { kind: 'put', table: MANIFESTS, key, value: manifestValue(manifest) },
    { kind: 'put', table: META, key: catalog, value: metaValue(catalog, catalogOf(retained)) },
    ...dropped.map((old): StoreWrite => {
      return { kind: 'remove', table: MANIFESTS, key: manifestKey(old.checkpoint, old.attempt) };
    }),
  ];
}

function catalogOf(manifests: readonly Manifest[]): readonly (readonly [number, number])[] {
  return manifests.map((manifest) => [manifest.checkpoint, manifest.attempt] as const);
}

function nothingMore(): void {
  // A reservation changes nothing in memory: the coordinator knows what it asked for.
}

/** Before anything is written: the damaged checkpoint is still there for whoever can repair it. */
function refuseOlder(point: RestorePoint, directory: string): void {
  const { latest } = point;
  if (latest === null) return;
  const lost = point.rejected.filter(
    ({ checkpoint, completed }) => completed && checkpoint > latest.checkpoint,
  );
  const [newest] = lost;
  if (newest === undefined) return;
  throw new RestoreError(
    `Checkpoint ${newest.checkpoint} in ${directory} was completed and is damaged (${newest.reason}). Checkpoint ${latest.checkpoint} is intact, but results that sinks committed after it would be written a second time.`,
    {
      remedy: `Restore the directory from a backup, or allow the older checkpoint (allowOlderCheckpoint) and remove those results yourself.`,
    },
  );
}

function ignore(): void {
  // Whoever asked for the savepoint has its outcome; closing only waits for its end.
}
