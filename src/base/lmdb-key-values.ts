// The key-value store of production, on LMDB. The only file that imports lmdb.
//
// Owns:    opening, ownership, one LMDB transaction per group of commits, reads.
// Not:     the order of commits, deadlines, poisoning (commit-lane.ts); whether the file is fit to be opened
//          (node-store-directory.ts, node-store-check.ts); checksums of values (the checkpoint store keeps its own).
//
// A1. A transaction is strict: it settles after fdatasync of the data and a synchronous write of the meta page.
// A2. Every transaction is conditional on our owner number, checked inside it. Whoever opened later has a higher
//     number, so a late write of an earlier owner changes nothing.
// A3. A transaction that never settles is abandoned together with its environment. The lock stays until it does
//     settle, because it may still land, and because LMDB's own write lock would block the next owner for good.
// A4. Values and keys are copied both ways: LMDB reads from, and hands out, memory that changes underneath.
//
// The transaction is a conditional write of lmdb-js, which runs on a thread of libuv. transactionSync would hold the
// event loop for the whole fsync; this way 64 chunks of 256 KB take 60 ms there and the loop waits for 12 at most.

import { type Database, open as openLmdb, type RangeOptions, type RootDatabase } from 'lmdb';
import { CommitLane, type LaneWrite, laneWrites, type TransactionOutcome } from './commit-lane.js';
import { messageOf, StoreError } from './errors.js';
import {
  fileBytesMax,
  markStoreCreated,
  prepareStoreDirectory,
  prepareStoreFile,
  spaceLeft,
  storeFileIn,
} from './node-store-directory.js';
import { lockStore, type StoreLock } from './node-store-lock.js';
import { type Claim, conditionally, OWNER_TABLE, takeOwnership } from './node-store-owner.js';
import type {
  Clock,
  KeyValueEnvironment,
  KeyValueStores,
  OpenOptions,
  StoreKey,
  StoreWrite,
  Timers,
} from './runtime.js';
import { decodeStoreKey, encodeStoreKey } from './store-keys.js';

export interface LmdbPorts {
  readonly clock: Clock;
  readonly timers: Timers;
}

type Table = Database<Uint8Array, Uint8Array>;

interface Handles {
  readonly root: RootDatabase<Uint8Array, Uint8Array>;
  /** Null for a table that a read-only environment does not have: it reads as empty. */
  readonly tables: ReadonlyMap<string, Table | null>;
  readonly owners: Table | null;
}

/** Databases beyond the tables: the owner row, and room for a later format. */
const SPARE_TABLES = 4;
/** Pages that a small transaction rewrites on its way to the root, free list included, with ample room. */
const SPACE_RESERVE_BYTES: number = 64 * 4096;

/** LMDB environments in directories of this machine. */
export function lmdbKeyValues(ports: LmdbPorts): KeyValueStores {
  return { open: (directory, options) => openEnvironment(ports, directory, options) };
}

async function openEnvironment(
  ports: LmdbPorts,
  directory: string,
  options: OpenOptions,
): Promise<KeyValueEnvironment> {
  const readOnly = options.readOnly ?? false;
  await prepareStoreDirectory(directory, readOnly);
  const lock = readOnly ? null : await lockStore(directory);
  let opened: Handles | null = null;
  const claim: Claim = { owner: 0, abandoned: null };
  try {
    await prepareStoreFile(directory, readOnly);
    const handles = openHandles(directory, options, readOnly);
    opened = handles;
    if (lock === null || handles.owners === null)
      return new LmdbEnvironment(ports, directory, options, handles, null);
    await takeOwnership(ports, directory, options, handles.owners, claim);
    await markStoreCreated(directory);
    const ownership = {
      lock,
      number: claim.owner,
      row: handles.owners,
      file: (await storeFileIn(directory))?.identity ?? '',
      bytesMax: await fileBytesMax(),
    };
    return new LmdbEnvironment(ports, directory, options, handles, ownership);
  } catch (error) {
    if (claim.abandoned !== null && lock !== null) {
      releaseLater(claim.abandoned, lock);
    } else {
      await opened?.root.close();
      await lock?.release();
    }
    throw error instanceof StoreError ? error : openError(directory, error);
  }
}

function openHandles(directory: string, options: OpenOptions, readOnly: boolean): Handles {
  const root = openLmdb<Uint8Array, Uint8Array>({
    path: directory,
    // Otherwise lmdb-js takes a directory with a dot in its name for a file.
    noSubdir: false,
    readOnly,
    maxDbs: options.tables.length + SPARE_TABLES,
    // Strict mode: a transaction settles when it is durable, not when it is visible.
    overlappingSync: false,
    // Its batches make promises of their own; when one fails, nobody handles its rejection and Node exits.
    eventTurnBatching: false,
    encoding: 'binary',
  });
  const tables = new Map<string, Table | null>();
  for (const name of options.tables) tables.set(name, openTable(root, name, false));
  return { root, tables, owners: openTable(root, OWNER_TABLE, true) };
}

// openDB answers undefined for a table that a read-only environment lacks; its types do not say so.
function openTable(root: Handles['root'], name: string, useVersions: boolean): Table | null {
  const options = { encoding: 'binary', keyEncoding: 'binary', useVersions } as const;
  const table: Table | undefined = root.openDB<Uint8Array, Uint8Array>(name, options);
  return table ?? null;
}

interface Ownership {
  readonly lock: StoreLock;
  readonly number: number;
  readonly row: Table;
  /** Which file was opened. */
  readonly file: string;
  /** How large it may become for this process. */
  readonly bytesMax: number;
}

class LmdbEnvironment implements KeyValueEnvironment {
  readonly owner: number;
  readonly #ports: LmdbPorts;
  readonly #directory: string;
  readonly #handles: Handles;
  readonly #owner: Ownership | null;
  readonly #lane: CommitLane;
  #closed: Promise<void> | null = null;

  constructor(
    ports: LmdbPorts,
    directory: string,
    options: OpenOptions,
    handles: Handles,
    owner: Ownership | null,
  ) {
    this.#ports = ports;
    this.#directory = directory;
    this.#handles = handles;
    this.owner = owner?.number ?? 0;
    this.#owner = owner;
    this.#lane = new CommitLane({
      directory,
      deadlineMs: options.commitDeadlineMs,
      timers: ports.timers,
      transact: (writes) => this.#transact(writes),
    });
  }

  async commit(writes: readonly StoreWrite[]): Promise<void> {
    if (this.#owner === null) throw this.#error('was opened read-only', 'Open it without readOnly to write.');
    for (const write of writes) this.#table(write.table);
    const prepared = laneWrites(writes);
    if (prepared.length === 0) return;
    try {
      await this.#lane.commit(prepared);
    } finally {
      this.#owner.lock.describe(
        this.#lane.abandoned === null ? this.#lane.state.kind : 'stuck in a write to the disk',
      );
    }
  }

  get(table: string, key: StoreKey): Uint8Array | undefined {
    return this.#read(
      table,
      (handle) => {
        const value = handle.get(encodeStoreKey(key));
        return value === undefined ? undefined : new Uint8Array(value);
      },
      undefined,
    );
  }

  range(
    table: string,
    options: Parameters<KeyValueEnvironment['range']>[1],
  ): ReturnType<KeyValueEnvironment['range']> {
    return this.#read(
      table,
      (handle) => {
        const rows: { key: StoreKey; value: Uint8Array }[] = [];
        for (const { key, value } of handle.getRange(bounds(options))) {
          rows.push({ key: decodeStoreKey(key), value: new Uint8Array(value) });
        }
        return rows;
      },
      [],
    );
  }

  keys(table: string, options: Parameters<KeyValueEnvironment['keys']>[1]): readonly StoreKey[] {
    return this.#read(table, (handle) => Array.from(handle.getKeys(bounds(options)), decodeStoreKey), []);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#lane.close();
    const abandoned = this.#lane.abandoned;
    if (abandoned !== null && this.#owner !== null) return releaseLater(abandoned, this.#owner.lock);
    await this.#handles.root.close();
    await this.#owner?.lock.release();
  }

  async #transact(writes: readonly LaneWrite[]): Promise<TransactionOutcome> {
    const owner = this.#owner;
    if (owner === null) return { kind: 'fenced' };
    const obstacle = await this.#obstacle(writes, owner);
    if (obstacle !== null) return { kind: 'refused', error: obstacle };
    const ours = await conditionally(this.#ports.timers, owner.row, owner.number, () => {
      for (const { table, key, value } of writes) {
        const handle = this.#table(table);
        // Settled by the promise of the condition; these two are for unconditional writes.
        if (value === null) void handle?.remove(key);
        else void handle?.put(key, value);
      }
    });
    return ours ? { kind: 'committed' } : { kind: 'fenced' };
  }

  /**
   * Looks before writing. A failed write inside LMDB, for want of space or at the limit of a file's size, is worse than a failed commit:
   * its error path overruns a buffer. And what is written to a file that has been removed is durable for nobody.
   */
  async #obstacle(
    writes: readonly LaneWrite[],
    { file: opened, bytesMax }: Ownership,
  ): Promise<StoreError | null> {
    const file = await storeFileIn(this.#directory);
    if (file?.identity !== opened) return this.#gone();
    const needed = writes.reduce((sum, write) => sum + (write.value?.byteLength ?? 0), SPACE_RESERVE_BYTES);
    if (file.bytes + needed > bytesMax) {
      return this.#error(
        `has no room for a commit: it has ${file.bytes} bytes, ${needed} more may be needed, and this process may write files of ${bytesMax} bytes; nothing was written`,
        'Raise the limit (ulimit -f).',
      );
    }
    const left = await spaceLeft(this.#directory);
    if (left >= needed) return null;
    return this.#error(
      `has no room for a commit: ${needed} bytes are needed, ${left} are left on its disk; nothing was written`,
      'Free some space.',
    );
  }

  #gone(): StoreError {
    return new StoreError(
      'WEIR_STORE',
      `The store in ${this.#directory} was removed or replaced while it was open; nothing was written.`,
      {
        remedy: 'Put it back as it was, by moving and not by copying; or start anew in an empty directory.',
        unrecoverable: true,
      },
    );
  }

  #table(name: string): Table | null {
    const table = this.#handles.tables.get(name);
    if (table !== undefined) return table;
    throw this.#error(`was opened without the table "${name}"`, 'Name it in `tables` when opening.');
  }

  #read<T>(name: string, read: (table: Table) => T, whenMissing: T): T {
    const table = this.#table(name);
    if (this.#closed !== null) throw this.#error('is closed', 'Read before closing it.');
    if (table === null) return whenMissing;
    try {
      return read(table);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      if (this.#lane.state.kind === 'poisoned') throw this.#lane.state.error;
      throw this.#error(
        `cannot be read: ${messageOf(error)}`,
        'Restore it from a copy, or start from a savepoint.',
        error,
      );
    }
  }

  #error(what: string, remedy: string, cause?: unknown): StoreError {
    return new StoreError('WEIR_STORE', `The store in ${this.#directory} ${what}.`, { remedy, cause });
  }
}

/** Rows with `from <= key < to`; lmdb-js starts a reverse range at its upper end. */
function bounds(options: Parameters<KeyValueEnvironment['range']>[1]): RangeOptions {
  const from =
    options.from === undefined ? {} : { [options.reverse ? 'end' : 'start']: encodeStoreKey(options.from) };
  const to =
    options.to === undefined ? {} : { [options.reverse ? 'start' : 'end']: encodeStoreKey(options.to) };
  const limit = options.limit === undefined ? {} : { limit: options.limit };
  return {
    ...from,
    ...to,
    ...limit,
    ...(options.reverse ? { reverse: true, exclusiveStart: true, inclusiveEnd: true } : {}),
  };
}

/** The thread of a stuck write holds LMDB's write lock: nobody may open the directory before it has let go. */
function releaseLater(abandoned: Promise<void>, lock: StoreLock): void {
  lock.describe('stuck in a write to the disk');
  void abandoned.then(() => lock.release());
}

function openError(directory: string, cause: unknown): StoreError {
  return new StoreError('WEIR_STORE', `The store in ${directory} cannot be opened: ${messageOf(cause)}.`, {
    remedy: 'If its files are damaged, restore them from a copy or choose another directory.',
    cause,
    unrecoverable: true,
  });
}
