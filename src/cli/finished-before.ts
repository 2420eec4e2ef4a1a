// Whether an earlier run has finished the job whose checkpoints are in a directory.
//
// Owns:    a look at the newest manifest, without reading the state that it names.
// Not:     judging the directory: the run does that (restore-point.ts) and explains what is wrong with it.
//
// B1. Read-only, and never the reason why a job does not start.

import { STORE_COMMIT_DEADLINE_MS } from '../base/limits.js';
import type { KeyValueEnvironment, Runtime, StoreKey } from '../base/runtime.js';
import {
  ATTEMPT_KEY,
  catalogKey,
  MANIFESTS,
  META,
  manifestKey,
  readManifest,
  readMeta,
  TABLES,
} from '../checkpoint/store-rows.js';

/** The checkpoint with which the job had finished; null when it had not, or when that cannot be told. */
export async function finishedBefore(runtime: Runtime, directory: string): Promise<number | null> {
  let environment: KeyValueEnvironment;
  try {
    const options = { tables: TABLES, commitDeadlineMs: STORE_COMMIT_DEADLINE_MS, readOnly: true };
    environment = await runtime.keyValues.open(directory, options);
  } catch {
    // Absent, foreign or damaged: opening it to write says which, and what to do.
    return null;
  }
  try {
    return finishedIn(environment);
  } finally {
    await environment.close();
  }
}

function finishedIn(environment: KeyValueEnvironment): number | null {
  const attempt = metaOf(environment, ATTEMPT_KEY);
  const catalog = typeof attempt === 'number' ? metaOf(environment, catalogKey(attempt)) : null;
  const newest = (Array.isArray(catalog) ? catalog : [])
    .filter(isEntry)
    .reduce<readonly [number, number] | null>(
      (best, entry) => (best !== null && best[0] > entry[0] ? best : entry),
      null,
    );
  if (newest === null) return null;
  const row = readManifest(
    newest[0],
    newest[1],
    environment.get(MANIFESTS, manifestKey(newest[0], newest[1])),
  );
  return row.kind === 'manifest' && row.manifest.jobFinished ? newest[0] : null;
}

function metaOf(environment: KeyValueEnvironment, key: StoreKey): unknown {
  const row = readMeta(key, environment.get(META, key));
  return row.kind === 'value' ? row.value : null;
}

function isEntry(entry: unknown): entry is readonly [number, number] {
  return Array.isArray(entry) && typeof entry[0] === 'number' && typeof entry[1] === 'number';
}
