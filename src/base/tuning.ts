// Numbers of one run that change its speed and never its results.
//
// Owns:    which bounds of limits.ts a run may set for itself, between what and what, and their resolved form.
// Not:     their defaults and the reasons for those (limits.ts).
//
// T1. Whatever is set here, a job has the same results: who finds a difference has found a bug. So tests and the simulation
//     draw them at random, and with a few records reach what otherwise takes millions.

import { ConfigError } from './errors.js';
import {
  BATCH_RECORDS_MAX,
  CHANNEL_CAPACITY_ELEMENTS,
  INCREMENTAL_CHAIN_MAX,
  POLL_RECORDS_MAX,
  SNAPSHOT_CHUNK_BYTES,
  SNAPSHOT_CHUNKS_IN_FLIGHT_MAX,
  SNAPSHOT_REMOVALS_FLOOR,
  SNAPSHOT_SLICE_ENTRIES,
  STORE_BATCH_BYTES_MAX,
} from './limits.js';

export interface Tuning {
  /** Records in one batch between two subtasks. 1 to 256, default 256. */
  readonly batchRecordsMax: number;
  /** Records that a source is asked for at a time. 1 to 256, default 256. */
  readonly pollRecordsMax: number;
  /** Elements in flight between two subtasks. 2 to 64, default 8. */
  readonly channelCapacityElements: number;
  /** Entries of state that a snapshot writes between two batches. 1 to 65,536, default 256. */
  readonly snapshotSliceEntries: number;
  /** Bytes that a chunk of a snapshot aims at. 64 to 1,048,576, default 262,144. */
  readonly snapshotChunkBytes: number;
  /** Chunks that a subtask may have given to the store and that are not durable yet. 1 to 64, default 8. */
  readonly snapshotChunksInFlightMax: number;
  /** Removals that an increment may always carry, however little state is left. 0 to 1,048,576, default 1,024. */
  readonly snapshotRemovalsFloor: number;
  /** Incremental snapshots in a row before a full one. 1 to 100, default 10. */
  readonly incrementalChainMax: number;
  /** Bytes of rows that the store puts into one transaction. 1 to 67,108,864, default 8,388,608. */
  readonly storeBatchBytesMax: number;
}

export const DEFAULT_TUNING: Tuning = {
  batchRecordsMax: BATCH_RECORDS_MAX,
  pollRecordsMax: POLL_RECORDS_MAX,
  channelCapacityElements: CHANNEL_CAPACITY_ELEMENTS,
  snapshotSliceEntries: SNAPSHOT_SLICE_ENTRIES,
  snapshotChunkBytes: SNAPSHOT_CHUNK_BYTES,
  snapshotChunksInFlightMax: SNAPSHOT_CHUNKS_IN_FLIGHT_MAX,
  snapshotRemovalsFloor: SNAPSHOT_REMOVALS_FLOOR,
  incrementalChainMax: INCREMENTAL_CHAIN_MAX,
  storeBatchBytesMax: STORE_BATCH_BYTES_MAX,
};

/** Least and most. Records of a batch and of a poll stay within the defaults, which other bounds build on. */
const BOUNDS: { readonly [N in keyof Tuning]: readonly [min: number, max: number] } = {
  batchRecordsMax: [1, BATCH_RECORDS_MAX],
  pollRecordsMax: [1, POLL_RECORDS_MAX],
  channelCapacityElements: [2, 64],
  snapshotSliceEntries: [1, 65_536],
  snapshotChunkBytes: [64, 1024 * 1024],
  snapshotChunksInFlightMax: [1, 64],
  snapshotRemovalsFloor: [0, 1024 * 1024],
  incrementalChainMax: [1, 100],
  storeBatchBytesMax: [1, 64 * 1024 * 1024],
};

/** Throws ConfigError with all problems, unknown names among them. */
export function resolveTuning(given: Partial<Tuning>): Tuning {
  const problems: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    const bounds = Object.hasOwn(BOUNDS, name) ? BOUNDS[name as keyof Tuning] : null;
    if (bounds === null) {
      problems.push(`there is no "${name}"; there are ${Object.keys(BOUNDS).join(', ')}`);
      continue;
    }
    const [min, max] = bounds;
    const fits = value === undefined || (Number.isSafeInteger(value) && value >= min && value <= max);
    if (!fits) problems.push(`${name} is a whole number of ${min} to ${max}, got ${String(value)}`);
  }
  if (problems.length > 0) throw new ConfigError(`The tuning does not make sense: ${problems.join('; ')}.`);
  const chosen = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_TUNING, ...Object.fromEntries(chosen) };
}
