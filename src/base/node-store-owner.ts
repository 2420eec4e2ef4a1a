// Who owns a store: a row whose number grows with every owner.
//
// Owns:    taking ownership, and writes that happen only while it is still ours.
// Not:     keeping two processes on one machine apart in the first place (node-store-lock.ts). This here also stops
//          those that the lock cannot see: other containers, other machines, a process that was frozen and thawed.
//
// A1. The number is the version of the row, and the condition of every transaction; LMDB checks it inside the
//     transaction, so there is no moment between looking and writing.

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { CommitLane } from './commit-lane.js';
import { StoreError } from './errors.js';
import type { Clock, OpenOptions, Timers } from './runtime.js';
import { encodeStoreKey } from './store-keys.js';

/** The part of an LMDB table with versions that ownership needs. */
export interface OwnerTable {
  getEntry(key: Uint8Array): { readonly value: Uint8Array; readonly version?: number } | undefined;
  put(key: Uint8Array, value: Uint8Array, version: number): Promise<boolean>;
  ifVersion(key: Uint8Array, version: number, action: () => void): Promise<boolean>;
  ifNoExists(key: Uint8Array, action: () => void): Promise<boolean>;
}

export const OWNER_TABLE = '#owner';
const OWNER_KEY: Uint8Array = encodeStoreKey(['owner']);
/** Version of everything that a store consists of below its tables: the owner row and the encoding of keys. */
const STORE_FORMAT = 1;
const OWNER_RACES_MAX = 8;

/** What came of taking ownership; filled in also when it failed. */
export interface Claim {
  owner: number;
  /** As in CommitLane: the write may still land. */
  abandoned: Promise<void> | null;
}

/** Writes the owner row with the next number. Two that open at the same moment cannot get the same one. */
export async function takeOwnership(
  ports: { readonly clock: Clock; readonly timers: Timers },
  directory: string,
  options: OpenOptions,
  row: OwnerTable,
  claim: Claim,
): Promise<void> {
  const lane = new CommitLane({
    directory,
    deadlineMs: options.commitDeadlineMs,
    timers: ports.timers,
    async transact() {
      for (let race = 0; race < OWNER_RACES_MAX; race += 1) {
        const current = row.getEntry(OWNER_KEY);
        const refusal = current === undefined ? null : checkFormat(directory, current.value);
        if (refusal !== null) return { kind: 'refused', error: refusal };
        const { ownedBefore = Number.POSITIVE_INFINITY } = options;
        const isNewer = (current?.version ?? 0) > ownedBefore;
        if (isNewer && !isOurs(current?.value)) return { kind: 'fenced' };
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

/** Tells this process apart from all others, also from one with the same number on another host of the same name. */
const PROCESS_TOKEN: string = randomBytes(12).toString('hex');

/** A claim of our own whose outcome we never learned: the disk failed behind it. */
function isOurs(row: Uint8Array | undefined): boolean {
  return row !== undefined && Buffer.from(row).toString('utf8').includes(`"process":"${PROCESS_TOKEN}"`);
}

function ownerRow(clock: Clock): Uint8Array {
  const row = {
    format: STORE_FORMAT,
    pid: process.pid,
    host: hostname(),
    process: PROCESS_TOKEN,
    openedAtMs: clock.wallMs(),
  };
  return Buffer.from(JSON.stringify(row));
}

/**
 * Runs `action` in one transaction if the row has this version inside it (null: if there is no row); false if not.
 * Rejects with LMDB's own error, which lmdb-js hides in a second promise beside the first.
 */
export async function conditionally(
  timers: Timers,
  row: OwnerTable,
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

function checkFormat(directory: string, row: Uint8Array): StoreError | null {
  const text = Buffer.from(row).toString('utf8');
  const [, format] = /"format":(\d+)/.exec(text) ?? [];
  if (Number(format) === STORE_FORMAT) return null;
  const shown = format ?? `unknown (${text.slice(0, 80)})`;
  return new StoreError(
    'WEIR_STORE',
    `The store in ${directory} has format ${shown}; this version of Weir reads format ${STORE_FORMAT}.`,
    {
      remedy: 'Use the version of Weir that wrote it, or another directory.',
      unrecoverable: true,
    },
  );
}
