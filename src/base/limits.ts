// Every bound of the engine, with its unit, its reason, and its relation to the others.
//
// Owns:    the numbers. Users may lower or raise those that RunOptions names; nobody writes another constant elsewhere.

import { assert } from './assert.js';

/** Levels of nesting of a stored value. Readers and writers of values use the stack; at about 1,200 they exhaust it. */
export const VALUE_DEPTH_MAX = 500;
/** Names of fields that are remembered because they need no second look; objects used as dictionaries have any number. */
export const PLAIN_KEYS_KEPT = 1_024;
/** Objects of a value that are looked at before a value that leads back into itself is reckoned with. */
export const VALUE_SCAN_OBJECTS_MAX = 100_000;

/** Records in one batch. At 256 the cost of a message is noise; more only adds latency and memory. */
export const BATCH_RECORDS_MAX = 256;

/** Elements in flight per channel. Two keep the receiver busy while one is on its way back; eight absorb jitter. */
export const CHANNEL_CAPACITY_ELEMENTS = 8;
assert(CHANNEL_CAPACITY_ELEMENTS >= 2, 'one credit alternates sender and receiver', {
  CHANNEL_CAPACITY_ELEMENTS,
});

/** Consumed elements after which a receiver returns credits: half, so that the sender never runs dry meanwhile. */
export const CREDIT_RETURN_ELEMENTS: number = CHANNEL_CAPACITY_ELEMENTS / 2;

/** Partial batches leave after this long, so that a slow stream is not a late one (semantics 6.4). */
export const BATCH_FLUSH_INTERVAL_MS = 100;

/** Records that one call of a user's function may emit beyond the credits; a generator function has no such limit. */
export const EMISSION_OVERDRAFT_RECORDS_MAX = 1_000_000;
assert(EMISSION_OVERDRAFT_RECORDS_MAX > BATCH_RECORDS_MAX, 'one batch fits the overdraft');

/** Timers that ring in one turn of a subtask; then a cancel, or a barrier behind a timer of the clock, comes through. */
export const TIMERS_PER_TURN_MAX = 1_024;

/**
 * How often a timer may set itself again where nothing else ends it: behind the last watermark, or at a time that has come. A minute
 * clock that rings on for a week after the last record still fits.
 */
export const TIMER_CHAIN_MAX = 10_080;

/** Periodic watermark emission (semantics 2.3). */
export const WATERMARK_INTERVAL_MS = 200;

/** A record so far ahead of all before it is told: its time is more likely wrong than right. */
export const EVENT_TIME_LEAP_TOLD_MS: number = 31 * 24 * 60 * 60 * 1_000;

/** Bytes per snapshot chunk: large enough that LMDB's cost per put vanishes, small enough for its pages (performance notes). */
export const SNAPSHOT_CHUNK_BYTES: number = 256 * 1024;

/** State entries packed between two batches, about 0.3 ms of work; the walk adapts within these bounds. */
export const SNAPSHOT_SLICE_ENTRIES = 256;

/** Chunks a task may have handed to the store that are not yet durable: 8 * 256 KB = 2 MB per task. */
export const SNAPSHOT_CHUNKS_IN_FLIGHT_MAX = 8;

/** Chunks of one snapshot segment; 2^20 * 256 KB = 256 GB per subtask and checkpoint. */
export const SNAPSHOT_CHUNKS_MAX: number = 1 << 20;

/** Periodic checkpoints when the user gives a directory and no interval: the loss of work stays small, the cost too. */
export const CHECKPOINT_INTERVAL_MS = 10_000;
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

/** Messages that the data lane of an actor holds unless its spawn says otherwise: enough to fill a turn. */
export const ACTOR_MAILBOX_CAPACITY = 1_024;

/** One turn of an actor: long enough that waking it costs nothing per message, short enough that timers and I/O are not late. */
export const ACTOR_TURN_MESSAGES_MAX = 1_024;
export const ACTOR_TURN_MS_MAX = 2;
/** Messages between two looks at the clock within a turn: a look costs about as much as a small message. */
export const ACTOR_TURN_CLOCK_MESSAGES = 16;
assert(ACTOR_TURN_CLOCK_MESSAGES < ACTOR_TURN_MESSAGES_MAX, 'a turn looks at the clock');

/** Milliseconds that an ask waits for its answer. */
export const ACTOR_ASK_TIMEOUT_MS = 5_000;

/** Restart intensity as in OTP: one restart within five seconds, then the supervisor gives up. */
export const ACTOR_RESTARTS_MAX = 1;
export const ACTOR_RESTART_PERIOD_MS = 5_000;

/** Milliseconds for one phase of a coordinated shutdown. */
export const ACTOR_SHUTDOWN_PHASE_TIMEOUT_MS = 5_000;

/** Journal entries of a persistent actor between two snapshots: bounds how long its recovery reads. */
export const ACTOR_SNAPSHOT_EVENTS = 100;

/** Checkpoints shown in the history of a coordinator (semantics 5.1). */
export const CHECKPOINT_HISTORY_MAX = 10;

/** Ids reserved with one durable write, so that a trigger never waits for a disk. A crash skips at most this many. */
export const CHECKPOINT_IDS_RESERVED = 32;

/** Savepoints that may wait for a free slot; more are refused, because nobody asks for so many on purpose. */
export const SAVEPOINT_REQUESTS_MAX = 16;

/** Pause before a failed final checkpoint is tried again, so that a fault that answers at once does not spin. */
export const FINAL_CHECKPOINT_RETRY_MS = 200;

/** Bytes of rows that the checkpoint store puts into one transaction, and copies for it: its memory is one such batch. */
export const STORE_BATCH_BYTES_MAX: number = 8 * 1024 * 1024;
assert(STORE_BATCH_BYTES_MAX >= SNAPSHOT_CHUNK_BYTES, 'a batch of the store holds at least one chunk');

/** Aborted checkpoints that the store remembers, to refuse their late chunks; a later one is garbage until the next start. */
export const STORE_DISCARDED_MAX = 1_024;

/** Bytes of chunks verified or copied in a row before the event loop gets a turn: about 10 ms of work. */
export const STORE_READ_BURST_BYTES: number = 8 * 1024 * 1024;

/** Bytes read from a file at a time: about a thousand log lines, so that most polls need no system call. */
export const FILE_READ_BLOCK_BYTES: number = 256 * 1024;
/** Longest line that a line source accepts; a longer one is rather a file without line ends than a record. */
export const LINE_BYTES_MAX: number = 1024 * 1024;
assert(LINE_BYTES_MAX >= FILE_READ_BLOCK_BYTES, 'a line may be longer than a block', { LINE_BYTES_MAX });
/** Time between two looks at a file that is being followed and has nothing new. */
export const FILE_POLL_INTERVAL_MS = 200;
/** Bytes that a TCP source holds before it pauses the socket. */
export const SOCKET_BUFFER_BYTES: number = 256 * 1024;
/** Records that a source pulls from an async iterator before the job asked for them: one batch. */
export const READ_AHEAD_RECORDS_MAX: number = BATCH_RECORDS_MAX;
/** Values of an iterable that are skipped in a row on the way to a restored position: some milliseconds, then others get a turn. */
export const SKIP_BURST_RECORDS = 65_536;
/** A paced source that fell behind catches up on at most this much time, then goes on at its rate. */
export const PACE_CATCH_UP_MS = 1_000;
/** A paced source wakes no more often than this, so that its batches hold more than one record. */
export const PACE_TICK_MS = 5;
/** Encoded bytes that a file sink gathers before it appends them. */
export const FILE_SINK_BLOCK_BYTES: number = 64 * 1024;
/** Committed results that wait for a reading loop before the collecting sink holds the job back. */
export const COLLECT_UNREAD_RECORDS_MAX = 10_000;
assert(COLLECT_UNREAD_RECORDS_MAX >= BATCH_RECORDS_MAX, 'one batch fits before the sink holds back');

/** Levels of arrays and objects inside a key. A deeper one is a cyclic object or a whole record rather than a key. */
export const KEY_DEPTH_MAX = 32;
/** Entries of a snapshot that are written as one frame; large entries make it fewer. */
export const SNAPSHOT_FRAME_ENTRIES_MAX = 1_024;
/** A frame of a snapshot aims at this part of a chunk, so that several share one and none is much larger than one. */
export const SNAPSHOT_FRAMES_PER_CHUNK = 4;
/** Removals that increments may always carry, however little state is left; beyond it, removals may be as many as live entries. */
export const SNAPSHOT_REMOVALS_FLOOR = 1_024;
/** Snapshots that may become the base of an increment; when more are neither completed nor aborted, the oldest is forgotten. */
export const SNAPSHOT_BASES_MAX = 16;
/** Entries that each access to state with time to live looks at for expiry (semantics 4.12). */
export const STATE_TTL_SWEEP_ENTRIES = 5;

/**
 * A handler of the actors that steer a job (job, attempt, coordinator, store) never waits for anything outside, so one that has not
 * settled after this long has hung: its actor fails, and the job goes on from its last checkpoint (F04). Subtasks call user
 * code, which may take its time; there the time-out of the checkpoint decides.
 */
export const STEERING_HANDLER_TIMEOUT_MS = 30_000;

/** Between two notices of the last checkpoint of an attempt, to sinks that have not said that they committed it. */
export const NOTIFY_AGAIN_INTERVAL_MS = 2_000;

/** Looks at the watermarks of running subtasks: seldom enough to cost nothing, often enough to help within a minute. */
export const WATERMARK_LOOK_INTERVAL_MS = 10_000;
/** Looks in a row without progress before the user is told. */
export const WATERMARK_LOOKS_MAX = 3;
/** A subtask that does not answer a look in time is busy; the next look comes. */
export const WATERMARK_LOOK_TIMEOUT_MS = 1_000;
assert(WATERMARK_LOOK_TIMEOUT_MS < WATERMARK_LOOK_INTERVAL_MS, 'a look ends before the next one begins');

/** Failures in a row at the same record after which a restart is no remedy: one may be chance, two bad luck. */
export const POISON_REPEATS_MAX = 3;
assert(POISON_REPEATS_MAX >= 2, 'a failure that happened once has not been repeated');
/** Attempts to begin while nobody has a handle yet: a disk may be busy for a moment, but `run` has to answer. */
export const FIRST_BEGINS_MAX = 3;
/** Errors behind an error that are looked at. */
export const FAILURE_CAUSES_MAX = 16;

/** Characters of a foreign text in a message, such as what a user's function threw: a page of it hides the rest. */
export const SHOWN_TEXT_CHARS_MAX = 500;
/** Characters of a value in a message: enough to find a record again, too little to log it whole. */
export const SHOWN_VALUE_CHARS_MAX = 200;
assert(SHOWN_VALUE_CHARS_MAX <= SHOWN_TEXT_CHARS_MAX, 'a text may quote a value');
