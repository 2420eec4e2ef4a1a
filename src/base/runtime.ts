// The only door to nondeterminism: time, timers, randomness, ids, macrotasks, files, sockets, key-value store.
//
// Owns:    the ports, as types. Production binds Node (node-runtime.ts); tests and simulation bind
//          virtual time and a seeded scheduler (src/testing/virtual-runtime.ts).
// Not:     any implementation.
//
// N1. Nothing in src/ or actors/ reads a clock, sets a timer, draws a random number, or touches a file,
//     a socket or LMDB except through a Runtime that it was given. test/poisoned-globals.test.ts proves it.

export interface Clock {
  /** Milliseconds since 1970 UTC; may jump. For processing time and for people. */
  wallMs(): number;
  /** Milliseconds since an arbitrary moment; never goes back. For intervals, deadlines, back-off. */
  monotonicMs(): number;
}

export interface TimerHandle {
  /** Idempotent; after it the callback never runs. */
  cancel(): void;
}

export interface Timers {
  /** Runs `callback` once, in a macrotask, not before `delayMs` of monotonic time have passed. Keeps the process alive. */
  after(delayMs: number, callback: () => void): TimerHandle;
}

export interface RandomStream {
  /** Uniform in [0, 1). */
  next(): number;
}

/** Attributes for tracing and fault injection: where in the protocol the engine stands. */
export type PointFields = Readonly<Record<string, string | number | boolean>>;

/** Listener of protocol steps; may throw to crash the actor that stands at the step. */
export interface Points {
  hit(step: string, fields: PointFields): void;
  /** For simulations: a subtask is at rest, and its state can be recounted (`problems`, a sentence each). Default: nobody looks. */
  atRest?(fields: PointFields, problems: () => readonly string[]): void;
}

export interface Runtime {
  readonly clock: Clock;
  readonly timers: Timers;
  /** A stream of its own per purpose, so that removing one consumer does not shift the others. */
  random(purpose: string): RandomStream;
  /** A fresh id, unique over processes: `<purpose>-<...>`. */
  id(purpose: string): string;
  /**
   * Runs `callback` in a macrotask of its own, after those dispatched before it. Simulation keeps that order only within
   * one `lane`, by default all of it; production knows no lanes.
   */
  dispatch(callback: () => void, lane?: string): void;
  readonly files: FileSystem;
  readonly sockets: Sockets;
  readonly keyValues: KeyValueStores;
  /** An environment variable, or undefined. */
  environment(name: string): string | undefined;
  /** Text for whoever started the program, without line end: what the default logger has to say. Never throws. */
  report(text: string): void;
  /** Null in production: protocol steps then cost one comparison. */
  readonly points: Points | null;
}

// ---------------------------------------------------------------- files

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'other';
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Changes when another file takes this path (device and inode): how rotation is noticed. */
  readonly identity: string;
}

export interface FileHandle {
  /** Reads up to `length` bytes at `position`; fewer, or none, at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  /** Appends; resolves when the operating system has all bytes, which is not yet durable. */
  append(bytes: Uint8Array): Promise<void>;
  /** Resolves when everything appended is durable. Never retried after an error: the file is then suspect. */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  stat(): Promise<FileStat>;
  close(): Promise<void>;
}

/** Errors carry Node's `code` (`ENOENT`, `EACCES`, `ENOSPC`, ...). Paths are absolute or relative to the process. */
export interface FileSystem {
  open(path: string, mode: 'read' | 'append' | 'createNew'): Promise<FileHandle>;
  /** Null when nothing is there. */
  stat(path: string): Promise<FileStat | null>;
  /** Names in a directory, sorted. */
  list(path: string): Promise<readonly string[]>;
  makeDirectory(path: string): Promise<void>;
  /** Atomic on one file system; replaces the target. Durable only after `syncDirectory` of both directories. */
  rename(from: string, to: string): Promise<void>;
  /** Removing what is not there is no error. */
  remove(path: string): Promise<void>;
  removeDirectory(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
}

// ---------------------------------------------------------------- sockets

export interface SocketHandlers {
  onData(bytes: Uint8Array): void;
  /** Once, after the last data: clean end, or the error that broke the connection. */
  onEnd(error: Error | null): void;
}

export interface Socket {
  /** Backpressure: no `onData` until `resume`. */
  pause(): void;
  resume(): void;
  write(bytes: Uint8Array): void;
  destroy(): void;
}

export interface Sockets {
  connect(
    address: { readonly host: string; readonly port: number },
    handlers: SocketHandlers,
  ): Promise<Socket>;
}

// ---------------------------------------------------------------- key-value store (LMDB in production)

/** Keys are tuples of strings, whole numbers: ordered element by element; at most 1,900 bytes encoded. */
export type StoreKey = readonly (string | number)[];

export type StoreWrite =
  | { readonly kind: 'put'; readonly table: string; readonly key: StoreKey; readonly value: Uint8Array }
  | { readonly kind: 'remove'; readonly table: string; readonly key: StoreKey };

export interface KeyValueEnvironment {
  /** Number of this ownership of the directory, which grows with every owner; 0 for who only reads. */
  readonly owner: number;
  /**
   * Applies all writes in one transaction and resolves when they are durable (flushed), not before.
   * Rejects with StoreError; WEIR_STORE_POISONED means that the outcome is unknown and that this environment
   * will take no further write; WEIR_STORE_FENCED that another process has taken ownership: nothing was written.
   */
  commit(writes: readonly StoreWrite[]): Promise<void>;
  /** A copy of the bytes, or undefined. */
  get(table: string, key: StoreKey): Uint8Array | undefined;
  /** Rows with `from <= key < to` in key order, at most `limit`; copies. */
  range(
    table: string,
    options: {
      readonly from?: StoreKey;
      readonly to?: StoreKey;
      readonly limit?: number;
      readonly reverse?: boolean;
    },
  ): readonly { readonly key: StoreKey; readonly value: Uint8Array }[];
  /** Keys only, same order. */
  keys(table: string, options: { readonly from?: StoreKey; readonly to?: StoreKey }): readonly StoreKey[];
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Tables that will be used; others are refused. */
  readonly tables: readonly string[];
  /** A commit that has not settled after this long poisons the environment (LMDB can hang on ENOSPC). */
  readonly commitDeadlineMs: number;
  /**
   * The ownership that this program had before and believes to have still. Opening fails with WEIR_STORE_FENCED when another process
   * has come since: who was replaced must not take the directory back. Default: whoever comes last owns it.
   */
  readonly ownedBefore?: number;
  /** Refuse to create: for savepoints and for inspection. */
  readonly readOnly?: boolean;
}

export interface KeyValueStores {
  /** Opens or creates the environment in a directory and takes ownership of it (fencing earlier owners, refusing live ones). */
  open(directory: string, options: OpenOptions): Promise<KeyValueEnvironment>;
}
