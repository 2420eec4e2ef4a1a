// The key-value store of production, on LMDB. The only file that imports lmdb.
//
// Owns:    opening, ownership, one LMDB transaction per group of commits, reads.
// Not:     the order of commits, deadlines, poisoning (commit-lane.ts); whether the file is fit to be opened
//          (lmdb-file-check.ts); checksums of values (the checkpoint store keeps its own).
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

import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Database, open as openLmdb, type RangeOptions, type RootDatabase } from 'lmdb';
import { CommitLane, type LaneWrite, laneWrites, type TransactionOutcome } from './commit-lane.js';
import { messageOf, StoreError } from './errors.js';
import { checkStoreFile } from './lmdb-file-check.js';
import { prepareStoreDirectory, spaceLeft, syncStoreDirectory } from './node-store-directory.js';
import { lockStore, type StoreLock } from './node-store-lock.js';
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

const OWNER_TABLE = '#owner';
const OWNER_KEY: Uint8Array = encodeStoreKey(['owner']);
/** Version of everything this file writes: the owner row and the encoding of keys. */
const STORE_FORMAT = 1;
/** Databases beyond the tables: the owner row, and room for a later format. */
const SPARE_TABLES = 4;
/** Pages that a small transaction rewrites on its way to the root, free list included, with ample room. */
const SPACE_RESERVE_BYTES: number = 64 * 4096;
const OWNER_RACES_MAX = 8;

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
  const claim: Claim = { owner: 0, abandoned: null };
  try {
    await checkStoreFile(join(directory, 'data.mdb'), readOnly);
    const handles = openHandles(directory, options, readOnly);
    if (lock === null || handles.owners === null)
      return new LmdbEnvironment(ports, directory, options, handles, null);
    await takeOwnership(ports, directory, options, handles.owners, claim);
    await syncStoreDirectory(directory);
    return new LmdbEnvironment(ports, directory, options, handles, {
      lock,
      number: claim.owner,
      row: handles.owners,
    });
  } catch (error) {
    if (claim.abandoned === null) await lock?.release();
    else if (lock !== null) releaseLater(claim.abandoned, lock);
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

interface Claim {
  owner: number;
  abandoned: Promise<void> | null;
}

/** Writes the owner row with the next number. Two that open at the same moment cannot get the same one. */
async function takeOwnership(
  ports: LmdbPorts,
  directory: string,
  options: OpenOptions,
  row: Table,
  claim: Claim,
): Promise<void> {
  const lane = new CommitLane({
    directory,
    deadlineMs: options.commitDeadlineMs,
    timers: ports.timers,
    async transact() {
      for (let race = 0; race < OWNER_RACES_MAX; race += 1) {
        const current = row.getEntry(OWNER_KEY);
        if (current !== undefined) refuseNewerFormat(directory, current.value);
        const number = (current?.version ?? 0) + 1;
        const won = await conditionally(ports.timers, row, current?.version ?? null, () => {
          void row.put(OWNER_KEY, ownerRow(ports.clock), number);
        });
        if (!won) continue;
        claim.owner = number;
        return { kind: 'committed' };
      }
      return { kind: 'fenced' };
    },
  });
  try {
    await lane.commit([]);
  } finally {
    claim.abandoned = lane.abandoned;
  }
}

function ownerRow(clock: Clock): Uint8Array {
  const row = { format: STORE_FORMAT, pid: process.pid, host: hostname(), openedAtMs: clock.wallMs() };
  return Buffer.from(JSON.stringify(row));
}

interface Ownership {
  readonly lock: StoreLock;
  readonly number: number;
  readonly row: Table;
}

class LmdbEnvironment implements KeyValueEnvironment {
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
    const shortage = await this.#shortage(writes);
    if (shortage !== null) return { kind: 'refused', error: shortage };
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

  /** ENOSPC inside LMDB is worse than a failed commit (its error path overruns a buffer), so look before writing. */
  async #shortage(writes: readonly LaneWrite[]): Promise<StoreError | null> {
    const needed = writes.reduce((sum, write) => sum + (write.value?.byteLength ?? 0), SPACE_RESERVE_BYTES);
    const left = await spaceLeft(this.#directory);
    if (left >= needed) return null;
    return this.#error(
      `has no room for a commit: ${needed} bytes are needed, ${left} are left on its disk; nothing was written`,
      'Free some space.',
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

/**
 * Runs `action` in one transaction if the row has this version inside it (null: if there is no row); false if not.
 * Rejects with LMDB's own error, which lmdb-js hides in a second promise beside the first.
 */
async function conditionally(
  timers: Timers,
  row: Table,
  version: number | null,
  action: () => void,
): Promise<boolean> {
  try {
    return await (version === null
      ? row.ifNoExists(OWNER_KEY, action)
      : row.ifVersion(OWNER_KEY, version, action));
  } catch (error) {
    const { commitError } = error as { readonly commitError?: Promise<never> };
    if (commitError === undefined) throw error;
    // That promise may also never settle; a turn of the event loop is enough when it does.
    throw await new Promise<unknown>((resolve) => {
      commitError.catch(resolve);
      timers.after(0, () => resolve(error));
    });
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

function refuseNewerFormat(directory: string, row: Uint8Array): void {
  const { format } = JSON.parse(Buffer.from(row).toString('utf8')) as { readonly format?: unknown };
  if (format === STORE_FORMAT) return;
  throw new StoreError(
    'WEIR_STORE',
    `The store in ${directory} has format ${String(format)}; this version of Weir reads ${STORE_FORMAT}.`,
    {
      remedy: 'Use the version of Weir that wrote it, or another directory.',
      unrecoverable: true,
    },
  );
}

function openError(directory: string, cause: unknown): StoreError {
  return new StoreError('WEIR_STORE', `The store in ${directory} cannot be opened: ${messageOf(cause)}.`, {
    remedy: 'If its files are damaged, restore them from a copy or choose another directory.',
    cause,
    unrecoverable: true,
  });
}
