// The key-value stores that a simulated process sees, with LMDB's behaviour and LMDB's failures.
//
// Owns:    the KeyValueStores port over virtual stores: asynchrony, ownership, injected faults.
// Not:     the order of commits, deadlines, poisoning: that is the code of production (commit-lane.ts);
//          what survives a power cut (virtual-stores.ts).
//
// A1. A commit that resolved survives every crash; one that did not may or may not.
// A2. One live owner per directory and host; an owner on another host fences the earlier one.

import { CommitLane, type LaneWrite, laneWrites, type TransactionOutcome } from '../base/commit-lane.js';
import { StoreError } from '../base/errors.js';
import type {
  KeyValueEnvironment,
  KeyValueStores,
  OpenOptions,
  StoreKey,
  StoreWrite,
  Timers,
} from '../base/runtime.js';
import { decodeStoreKey, encodeStoreKey } from '../base/store-keys.js';
import type { SortedRow, SortedRows } from './sorted-rows.js';
import type { VirtualFaults } from './virtual-faults.js';
import { NEVER, type VirtualProcess } from './virtual-machine.js';
import type { StoreImage, VirtualStores } from './virtual-stores.js';

export interface VirtualKeyValuesOptions {
  readonly stores: VirtualStores;
  readonly process: VirtualProcess;
  readonly timers: Timers;
  readonly faults: VirtualFaults;
  /** Makes the directory on the virtual disk, or throws StoreError when it cannot be one. */
  prepareDirectory(directory: string, readOnly: boolean): void;
}

type RangeOptions = Parameters<KeyValueEnvironment['range']>[1];

export function virtualKeyValues(options: VirtualKeyValuesOptions): KeyValueStores {
  return { open: (directory, open) => openEnvironment(options, directory, open) };
}

async function openEnvironment(
  options: VirtualKeyValuesOptions,
  directory: string,
  open: OpenOptions,
): Promise<KeyValueEnvironment> {
  const readOnly = open.readOnly ?? false;
  const image = await options.process.perform('stores', 0, () => {
    options.prepareDirectory(directory, readOnly);
    const found = readOnly ? options.stores.find(directory) : options.stores.findOrCreate(directory);
    if (found === undefined) throw storeError(directory, 'does not exist', 'Check the path.');
    if (!readOnly) takeLock(found, options.process, directory);
    return found;
  });
  const environment = new VirtualEnvironment(options, directory, open, image);
  if (!readOnly) await environment.takeOwnership();
  return environment;
}

function takeLock(image: StoreImage, process: VirtualProcess, directory: string): void {
  const { holder } = image;
  if (holder?.isAlive() && holder.host === process.host) {
    const who = holder.process === process.number ? 'this process' : 'another process';
    throw new StoreError('WEIR_STORE', `The store in ${directory} is in use by ${who}.`, {
      remedy: 'Stop that process, close the other store, or choose another directory.',
      unrecoverable: true,
    });
  }
  image.holder = { host: process.host, process: process.number, isAlive: () => process.alive };
}

class VirtualEnvironment implements KeyValueEnvironment {
  readonly #options: VirtualKeyValuesOptions;
  readonly #directory: string;
  readonly #tables: ReadonlySet<string>;
  readonly #image: StoreImage;
  readonly #lane: CommitLane;
  readonly #readOnly: boolean;
  readonly #open: OpenOptions;
  #owner: number | null = null;
  #holder: StoreImage['holder'];
  #closed: Promise<void> | null = null;

  constructor(options: VirtualKeyValuesOptions, directory: string, open: OpenOptions, image: StoreImage) {
    this.#options = options;
    this.#directory = directory;
    this.#tables = new Set(open.tables);
    this.#image = image;
    this.#readOnly = open.readOnly ?? false;
    this.#open = open;
    this.#holder = image.holder;
    this.#lane = new CommitLane({
      directory,
      deadlineMs: open.commitDeadlineMs,
      timers: options.timers,
      transact: (writes) => this.#transact(writes),
    });
  }

  get owner(): number {
    return this.#owner ?? 0;
  }

  /** The first transaction of every owner. */
  async takeOwnership(): Promise<void> {
    try {
      await this.#lane.commit([]);
      this.#image.createTables([...this.#tables]);
    } catch (error) {
      if (this.#lane.abandoned === null) this.#releaseLock();
      throw error;
    }
  }

  async commit(writes: readonly StoreWrite[]): Promise<void> {
    if (this.#readOnly) throw this.#error('was opened read-only', 'Open it without readOnly to write.');
    for (const write of writes) this.#check(write.table);
    const prepared = laneWrites(writes);
    if (prepared.length > 0) await this.#lane.commit(prepared);
  }

  get(table: string, key: StoreKey): Uint8Array | undefined {
    const value = this.#rows(table)?.get(encodeStoreKey(key));
    return value === undefined ? undefined : new Uint8Array(value);
  }

  range(table: string, options: RangeOptions): ReturnType<KeyValueEnvironment['range']> {
    return this.#select(table, options).map(({ key, value }) => ({
      key: decodeStoreKey(key),
      value: new Uint8Array(value),
    }));
  }

  keys(table: string, options: Parameters<KeyValueEnvironment['keys']>[1]): readonly StoreKey[] {
    return this.#select(table, options).map(({ key }) => decodeStoreKey(key));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#lane.close();
    await this.#options.process.perform('stores', 0, () => {
      // As in production: a write that may still land keeps the lock.
      if (this.#lane.abandoned === null) this.#releaseLock();
    });
  }

  #transact(writes: readonly LaneWrite[]): Promise<TransactionOutcome> {
    const operation = this.#owner === null ? 'open' : 'commit';
    const fault = this.#options.faults.keyValues?.(operation, this.#directory) ?? null;
    const delayMs = typeof fault === 'object' && fault !== null ? fault.delayMs : 0;
    return this.#options.process.perform(`store ${this.#directory}`, delayMs, () => {
      if (fault === 'full')
        return { kind: 'refused', error: this.#error('has no room for a commit', 'Free some space.') };
      if (fault === 'hang') return NEVER;
      if (fault === 'reject') throw failedSync();
      if (this.#owner === null) {
        const { ownedBefore = Number.POSITIVE_INFINITY } = this.#open;
        const { number } = this.#options.process;
        if (this.#image.owner > ownedBefore && this.#image.ownerProcess !== number) return { kind: 'fenced' };
        this.#image.ownerProcess = number;
        this.#image.owner += 1;
        this.#owner = this.#image.owner;
      } else if (this.#owner !== this.#image.owner) {
        return { kind: 'fenced' };
      }
      if (fault === 'rejectVisible') this.#image.writeUnflushed(writes);
      else this.#image.write(writes);
      if (fault === 'rejectVisible' || fault === 'rejectWritten') throw failedSync();
      return fault === 'hangWritten' ? NEVER : { kind: 'committed' };
    });
  }

  #releaseLock(): void {
    if (this.#holder !== null && this.#image.holder === this.#holder) this.#image.holder = null;
    this.#holder = null;
  }

  #select(table: string, options: RangeOptions): readonly SortedRow[] {
    const from = options.from === undefined ? undefined : encodeStoreKey(options.from);
    const to = options.to === undefined ? undefined : encodeStoreKey(options.to);
    const rows = this.#rows(table)?.range(from, to) ?? [];
    const ordered = options.reverse ? rows.reverse() : rows;
    return options.limit === undefined ? ordered : ordered.slice(0, options.limit);
  }

  #rows(table: string): SortedRows | undefined {
    this.#check(table);
    if (this.#closed !== null) throw this.#error('is closed', 'Read before closing it.');
    return this.#image.table(table);
  }

  #check(table: string): void {
    if (this.#tables.has(table)) return;
    throw this.#error(`was opened without the table "${table}"`, 'Name it in `tables` when opening.');
  }

  #error(what: string, remedy: string): StoreError {
    return storeError(this.#directory, what, remedy);
  }
}

function storeError(directory: string, what: string, remedy: string): StoreError {
  return new StoreError('WEIR_STORE', `The store in ${directory} ${what}.`, { remedy });
}

function failedSync(): Error {
  return Object.assign(new Error('EIO: fdatasync'), { code: 'EIO' });
}
