// Every bound of the engine, with its unit, its reason, and its relation to the others.
//
// Owns:    the numbers. Users may lower or raise those that RunOptions names; nobody writes another constant elsewhere.

import { assert } from './assert.js';

/** Records in one batch. At 256 the cost of a message is noise; more only adds latency and memory. */
export const BATCH_RECORDS_MAX = 256;

/** Elements in flight per channel. Two keep the receiver busy while one is on its way back; eight absorb jitter. */
export const CHANNEL_CAPACITY_ELEMENTS = 8;
assert(CHANNEL_CAPACITY_ELEMENTS >= 2, 'one credit alternates sender and receiver', { CHANNEL_CAPACITY_ELEMENTS });

/** Consumed elements after which a receiver returns credits: half, so that the sender never runs dry meanwhile. */
export const CREDIT_RETURN_ELEMENTS: number = CHANNEL_CAPACITY_ELEMENTS / 2;

/** Partial batches leave after this long, so that a slow stream is not a late one (semantics 6.4). */
export const BATCH_FLUSH_INTERVAL_MS = 100;

/** Records that one call of a user's function may emit beyond the credits; a generator function has no such limit. */
export const EMISSION_OVERDRAFT_RECORDS_MAX = 1_000_000;
assert(EMISSION_OVERDRAFT_RECORDS_MAX > BATCH_RECORDS_MAX, 'one batch fits the overdraft');

/** Periodic watermark emission (semantics 2.3). */
export const WATERMARK_INTERVAL_MS = 200;

/** Bytes per snapshot chunk: large enough that LMDB's cost per put vanishes, small enough for its pages (performance notes). */
export const SNAPSHOT_CHUNK_BYTES: number = 256 * 1024;

/** State entries packed between two batches, about 0.3 ms of work; the walk adapts within these bounds. */
export const SNAPSHOT_SLICE_ENTRIES = 256;

/** Chunks a task may have handed to the store that are not yet durable: 8 * 256 KB = 2 MB per task. */
export const SNAPSHOT_CHUNKS_IN_FLIGHT_MAX = 8;

/** Chunks of one snapshot segment; 2^20 * 256 KB = 256 GB per subtask and checkpoint. */
export const SNAPSHOT_CHUNKS_MAX: number = 1 << 20;

/** Checkpoint defaults (semantics 5.1). */
export const CHECKPOINT_TIMEOUT_MS: number = 10 * 60 * 1000;
export const CHECKPOINTS_CONCURRENT_MAX = 1;
/** Two, not Flink's one: the older one is the way out when the newer one cannot be read. */
export const CHECKPOINTS_RETAINED = 2;
assert(CHECKPOINTS_RETAINED >= 2, 'a damaged newest checkpoint leaves an older one');
/** Checkpoint ids remembered while aligning without blocking (semantics 5.8). */
export const PENDING_BARRIERS_MAX = 50;
/** Incremental snapshots in a row before a full one, so that a restore reads a bounded number of segments. */
export const INCREMENTAL_CHAIN_MAX = 10;

/** A store commit that takes longer poisons the environment. Longer than any healthy fsync, shorter than patience. */
export const STORE_COMMIT_DEADLINE_MS = 30_000;

/** Key groups (semantics 1.39). */
export const MAX_PARALLELISM_FLOOR = 128;
export const MAX_PARALLELISM_CEILING = 32_768;

/** Failures remembered in a job's history. */
export const FAILURE_HISTORY_MAX = 16;

/** Records that a source reader is asked for at a time: one batch. */
export const POLL_RECORDS_MAX: number = BATCH_RECORDS_MAX;

/** Milliseconds that an orderly stop waits for one actor before it is abandoned and fenced. */
export const ACTOR_STOP_TIMEOUT_MS = 5_000;
