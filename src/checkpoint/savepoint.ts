// Savepoints: a checkpoint in a directory of its own, which belongs to the user.
//
// Owns:    writing one, opening one, and the refusals of both.
// Not:     when one is taken (coordinator-machine.ts), how its state is spread (assignment.ts).
//
// V1. It contains every chunk that its manifest names and no path, so the directory can be moved and copied.
// V2. The manifest is written last. A directory without one is an interrupted savepoint and is refused.
// V3. It is written once. An existing directory with anything in it is never written to.
// V4. Opened read-only: restoring from it never changes it.

import { CheckpointError, messageOf, RestoreError } from '../base/errors.js';
import { STORE_COMMIT_DEADLINE_MS } from '../base/limits.js';
import type { KeyValueEnvironment, Runtime, StoreWrite } from '../base/runtime.js';
import type { SavepointReader, SegmentReader } from './checkpoint-store.js';
import type { Manifest, SegmentRef } from './manifest.js';
import { findRestorePoint } from './restore-point.js';
import { readChunks } from './segment-reading.js';
import { identityOf, identityWrite, type StoreIdentity } from './store-identity.js';
import {
  ATTEMPT_KEY,
  CHUNKS,
  catalogKey,
  chunkIdentity,
  chunkKey,
  frame,
  idsKey,
  MANIFESTS,
  META,
  manifestKey,
  manifestValue,
  metaValue,
  segmentId,
  segmentPrefix,
  segmentsOf,
  TABLES,
} from './store-rows.js';

export interface SavepointTarget {
  readonly runtime: Runtime;
  readonly directory: string;
  readonly manifest: Manifest;
  readonly source: SegmentReader;
  readonly commitDeadlineMs: number;
  /** Bytes of rows in one transaction, about. */
  readonly batchBytesMax: number;
}

/** Throws CheckpointError when the directory has anything in it: to be asked before sources are stopped for nothing. */
export async function refuseUsedDirectory(runtime: Runtime, directory: string): Promise<void> {
  const found = await runtime.files.stat(directory);
  if (found === null) return;
  if (found.kind === 'directory' && (await runtime.files.list(directory)).length === 0) return;
  const what = found.kind === 'directory' ? 'is not empty' : 'is not a directory';
  throw new CheckpointError(`A savepoint cannot be written to ${directory}: it ${what}.`, {
    remedy: 'Name a new or empty directory.',
  });
}

/** Copies the checkpoint; resolves when the savepoint is complete and durable. */
export async function exportSavepointTo(target: SavepointTarget): Promise<void> {
  const { runtime, directory, manifest, commitDeadlineMs } = target;
  await refuseUsedDirectory(runtime, directory);
  const environment = await runtime.keyValues.open(directory, { tables: TABLES, commitDeadlineMs });
  try {
    if (identityOf(environment, directory) !== null) {
      throw new CheckpointError(`A savepoint cannot be written to ${directory}: it has checkpoints in it.`, {
        remedy: 'Name a new or empty directory.',
      });
    }
    await environment.commit([identityWrite('savepoint', manifest.job)]);
    await copyChunks(environment, target);
    await environment.commit(closingWrites(manifest));
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw new CheckpointError(
      `Savepoint ${manifest.checkpoint} could not be written to ${directory}: ${messageOf(error)}`,
      { cause: error, remedy: 'The directory is incomplete and of no use: remove it and try again.' },
    );
  } finally {
    await environment.close();
  }
}

/** One batch at a time, so that memory is one batch however large the state is. */
async function copyChunks(environment: KeyValueEnvironment, target: SavepointTarget): Promise<void> {
  let batch: StoreWrite[] = [];
  let bytes = 0;
  for (const segment of distinct(segmentsOf(target.manifest))) {
    let index = 0;
    for (const chunk of target.source.readSegment(segment)) {
      const value = frame(chunkIdentity(segment, index), chunk);
      batch.push({ kind: 'put', table: CHUNKS, key: chunkKey(segment, index), value });
      bytes += value.byteLength;
      index += 1;
      if (bytes < target.batchBytesMax) continue;
      await environment.commit(batch);
      batch = [];
      bytes = 0;
    }
  }
  if (batch.length > 0) await environment.commit(batch);
}

function distinct(segments: readonly SegmentRef[]): readonly SegmentRef[] {
  return [...new Map(segments.map((segment) => [segmentId(segmentPrefix(segment)), segment])).values()];
}

/** The same rows as in the directory of a job, so that one reader reads both. */
function closingWrites(manifest: Manifest): readonly StoreWrite[] {
  const { checkpoint, attempt } = manifest;
  const meta = (key: (string | number)[], value: unknown): StoreWrite => {
    return { kind: 'put', table: META, key, value: metaValue(key, value) };
  };
  return [
    { kind: 'put', table: MANIFESTS, key: manifestKey(checkpoint, attempt), value: manifestValue(manifest) },
    meta([...ATTEMPT_KEY], attempt),
    meta([...idsKey(attempt)], checkpoint),
    meta([...catalogKey(attempt)], [[checkpoint, attempt]]),
  ];
}

/**
 * Opens a savepoint, or the newest intact checkpoint in the directory of a job that is not running.
 * All chunks are verified before it resolves. Throws RestoreError that names the directory and what to do.
 */
export async function openSavepoint(options: {
  readonly runtime: Runtime;
  readonly directory: string;
}): Promise<SavepointReader> {
  const { runtime, directory } = options;
  const environment = await openReadOnly(runtime, directory);
  try {
    const identity = identityOf(environment, directory);
    if (identity === null) throw nothingThere(directory, 'the store in it is empty');
    const point = await findRestorePoint(environment, runtime, directory);
    if (point.latest === null) throw incomplete(directory, identity.kind);
    return {
      manifest: point.latest,
      readSegment: (segment) => readChunks(environment, segment, directory),
      close: () => environment.close(),
    };
  } catch (error) {
    await environment.close();
    throw error;
  }
}

async function openReadOnly(runtime: Runtime, directory: string): Promise<KeyValueEnvironment> {
  try {
    return await runtime.keyValues.open(directory, {
      tables: TABLES,
      commitDeadlineMs: STORE_COMMIT_DEADLINE_MS,
      readOnly: true,
    });
  } catch (error) {
    throw nothingThere(directory, messageOf(error), error);
  }
}

function nothingThere(directory: string, reason: string, cause?: unknown): RestoreError {
  return new RestoreError(`There is no savepoint in ${directory} that can be opened: ${reason}`, {
    cause,
    remedy: 'Check the path.',
  });
}

function incomplete(directory: string, kind: StoreIdentity['kind']): RestoreError {
  if (kind === 'job') {
    return new RestoreError(`The job whose checkpoints are in ${directory} has never completed one.`, {
      remedy: 'Start without a savepoint, or name another one.',
    });
  }
  return new RestoreError(`The savepoint in ${directory} is incomplete: writing it was interrupted.`, {
    remedy: 'Use another savepoint; this one is of no use and can be removed.',
  });
}
