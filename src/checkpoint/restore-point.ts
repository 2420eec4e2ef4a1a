// What a directory of checkpoints is worth: the newest checkpoint of which every byte is intact.
//
// Owns:    the choice, the reasons against the others, and which rows must go before a new attempt writes.
// Not:     writing anything (lmdb-checkpoint-store.ts).
//
// R1. Only manifests in the catalog of the last attempt count. The catalog changes in the same transaction as they do, so a
//     manifest outside it was written by an attempt that had been given up, and landed late.
// R2. A checkpoint counts when its manifest and all chunks that it names verify.
// R3. When the catalog names checkpoints and none of them verifies, the answer is an error, never "start from scratch".
// R4. Everything above the chosen checkpoint, and every row that nothing kept refers to, is garbage.

import { RestoreError } from '../base/errors.js';
import { STORE_READ_BURST_BYTES } from '../base/limits.js';
import type { KeyValueEnvironment, Runtime, StoreKey, StoreWrite } from '../base/runtime.js';
import { isWhole } from '../base/whole.js';
import type { RejectedCheckpoint } from './checkpoint-store.js';
import type { Manifest } from './manifest.js';
import { neededBy } from './segment-index.js';
import {
  ATTEMPT_KEY,
  CATALOG_PREFIX,
  CHUNKS,
  catalogKey,
  chunkIdentity,
  chunkKey,
  IDS_PREFIX,
  MANIFESTS,
  META,
  manifestKey,
  readManifest,
  readMeta,
  segmentId,
  segmentsOf,
  unframe,
} from './store-rows.js';

/** Checkpoint and attempt of a manifest. */
export type CatalogEntry = readonly [checkpoint: number, attempt: number];

export interface RestorePoint {
  /** 0 before the first attempt. */
  readonly lastAttempt: number;
  readonly lastCheckpointId: number;
  readonly latest: Manifest | null;
  /** The chosen one and what older ones are still readable, oldest first. */
  readonly retained: readonly Manifest[];
  readonly rejected: readonly RejectedCheckpoint[];
  /** Keys of the chunk rows that `retained` needs. */
  readonly chunkKeys: readonly StoreKey[];
  /** Removes everything that must not survive the beginning of an attempt. */
  readonly invalidations: readonly StoreWrite[];
}

export async function findRestorePoint(
  environment: KeyValueEnvironment,
  runtime: Runtime,
  directory: string,
): Promise<RestorePoint> {
  const lastAttempt = readNumber(environment, ATTEMPT_KEY, directory);
  const catalog = lastAttempt === 0 ? [] : readCatalog(environment, lastAttempt, directory);
  const rejected: RejectedCheckpoint[] = [];
  const retained: Manifest[] = [];
  // Newest first: once one is chosen, the older ones only have to be readable.
  for (const [checkpoint, attempt] of [...catalog].sort((a, b) => b[0] - a[0])) {
    const row = readManifest(
      checkpoint,
      attempt,
      environment.get(MANIFESTS, manifestKey(checkpoint, attempt)),
    );
    const damage =
      row.kind === 'damaged'
        ? row.reason
        : retained.length > 0
          ? null
          : await damageOf(row.manifest, environment, runtime);
    if (row.kind === 'manifest' && damage === null) retained.unshift(row.manifest);
    else rejected.push({ checkpoint, reason: damage ?? 'it cannot be read', completed: true });
  }
  if (catalog.length > 0 && retained.length === 0) throw nothingUsable(directory, rejected);
  const strays = strayManifests(environment, catalog);
  const chunks = sortChunks(environment, neededBy(retained));
  return {
    lastAttempt,
    lastCheckpointId: highestId(environment, directory, [...catalog, ...strays], chunks.allKeys),
    latest: retained[retained.length - 1] ?? null,
    retained,
    rejected: [...rejected, ...strays.map(strayRejection)],
    chunkKeys: chunks.needed,
    invalidations: [
      ...manifestRemovals(environment, retained),
      ...metaRemovals(environment),
      ...chunks.garbage.map((key): StoreWrite => ({ kind: 'remove', table: CHUNKS, key })),
    ],
  };
}

/** Why this checkpoint cannot be restored, or null. Reads every chunk; the event loop gets its turns meanwhile. */
async function damageOf(
  manifest: Manifest,
  environment: KeyValueEnvironment,
  runtime: Runtime,
): Promise<string | null> {
  let burst = 0;
  for (const segment of segmentsOf(manifest)) {
    for (let index = 0; index < segment.chunks; index += 1) {
      const bytes = environment.get(CHUNKS, chunkKey(segment, index));
      const row = unframe(chunkIdentity(segment, index), bytes);
      if (row.kind === 'damaged') {
        return `chunk ${index} of operator "${segment.operator}" subtask ${segment.subtask}, written by checkpoint ${segment.checkpoint}, ${row.reason}`;
      }
      burst += row.payload.byteLength;
      if (burst < STORE_READ_BURST_BYTES) continue;
      burst = 0;
      await new Promise<void>((resolve) => runtime.dispatch(resolve));
    }
  }
  return null;
}

function nothingUsable(directory: string, rejected: readonly RejectedCheckpoint[]): RestoreError {
  const list = rejected.map(({ checkpoint, reason }) => `\n  - checkpoint ${checkpoint}: ${reason}`).join('');
  return new RestoreError(
    `The directory ${directory} has checkpoints, but none of them is intact:${list}\n`,
    {
      remedy:
        'Restore the directory from a backup, or start from a savepoint, or, to begin from scratch, use an empty directory.',
    },
  );
}

function strayManifests(
  environment: KeyValueEnvironment,
  catalog: readonly CatalogEntry[],
): readonly CatalogEntry[] {
  return environment
    .keys(MANIFESTS, {})
    .map((key): CatalogEntry => [Number(key[0]), Number(key[1])])
    .filter(([checkpoint, attempt]) => !catalog.some(([c, a]) => c === checkpoint && a === attempt));
}

function strayRejection([checkpoint, attempt]: CatalogEntry): RejectedCheckpoint {
  const reason = `it was written by attempt ${attempt} after that attempt had been given up`;
  return { checkpoint, reason, completed: false };
}

function manifestRemovals(
  environment: KeyValueEnvironment,
  retained: readonly Manifest[],
): readonly StoreWrite[] {
  const keep = new Set(
    retained.map((manifest) => segmentId(manifestKey(manifest.checkpoint, manifest.attempt))),
  );
  return environment
    .keys(MANIFESTS, {})
    .filter((key) => !keep.has(segmentId(key)))
    .map((key) => ({ kind: 'remove', table: MANIFESTS, key }));
}

/** Rows that the attempts so far kept for themselves; the new one writes its own in the same transaction. */
function metaRemovals(environment: KeyValueEnvironment): readonly StoreWrite[] {
  return environment
    .keys(META, {})
    .filter((key) => key[0] === CATALOG_PREFIX || key[0] === IDS_PREFIX)
    .map((key) => ({ kind: 'remove', table: META, key }));
}

function sortChunks(
  environment: KeyValueEnvironment,
  needed: ReadonlySet<string>,
): { allKeys: readonly StoreKey[]; needed: StoreKey[]; garbage: StoreKey[] } {
  const allKeys = environment.keys(CHUNKS, {});
  const sorted = { allKeys, needed: [] as StoreKey[], garbage: [] as StoreKey[] };
  for (const key of allKeys) {
    (needed.has(segmentId(key.slice(0, -1))) ? sorted.needed : sorted.garbage).push(key);
  }
  return sorted;
}

/** Above everything that was ever reserved or written, also by attempts that never completed anything. */
function highestId(
  environment: KeyValueEnvironment,
  directory: string,
  manifests: readonly CatalogEntry[],
  chunkKeys: readonly StoreKey[],
): number {
  let highest = 0;
  for (const key of environment.keys(META, {})) {
    if (key[0] === IDS_PREFIX) highest = Math.max(highest, readNumber(environment, key, directory));
  }
  for (const [checkpoint] of manifests) highest = Math.max(highest, checkpoint);
  for (const key of chunkKeys) highest = Math.max(highest, Number(key[0]));
  return highest;
}

function readNumber(environment: KeyValueEnvironment, key: StoreKey, directory: string): number {
  const row = readMeta(key, environment.get(META, key));
  if (row.kind === 'absent') return 0;
  if (row.kind === 'value' && isWhole(row.value)) return row.value;
  throw damagedMeta(key, directory, row.kind === 'damaged' ? row.reason : 'is no number');
}

function readCatalog(
  environment: KeyValueEnvironment,
  attempt: number,
  directory: string,
): readonly CatalogEntry[] {
  const key = catalogKey(attempt);
  const row = readMeta(key, environment.get(META, key));
  if (row.kind === 'value' && isCatalog(row.value)) return row.value;
  const reason = row.kind === 'damaged' ? row.reason : row.kind === 'absent' ? 'is missing' : 'is no catalog';
  throw damagedMeta(key, directory, reason);
}

function isCatalog(value: unknown): value is readonly CatalogEntry[] {
  return (
    Array.isArray(value) &&
    value.every((entry) => Array.isArray(entry) && entry.length === 2 && entry.every(isWhole))
  );
}

function damagedMeta(key: StoreKey, directory: string, reason: string): RestoreError {
  return new RestoreError(`In the checkpoint directory ${directory} the row ${key.join(' ')} ${reason}.`, {
    remedy: 'Restore the directory from a backup, or start from a savepoint in an empty directory.',
  });
}
