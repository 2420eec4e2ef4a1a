// What a persistent actor has on disk: one snapshot row, and one row for each event since.
//
// Owns:    rows, their bytes, the order of commits of one id, and who may write it.
// Not:     what state and events mean (persistent-actor.ts).
//
// J1. Events are numbered from 1 without gaps; a snapshot carries the number of the last event that is in it.
// J2. A snapshot and the removal of the events in it are one transaction: recovery sees either all of it or nothing.
// J3. One holder per id and environment. A life that lost the id writes nothing more, and recovery waits for the
//     write that its predecessor had in flight: it may still land.
// J4. After a failed commit nothing is read from or written to this environment for this id: what it shows then may
//     never have become durable.

import { checksum } from '../../src/base/checksum.js';
import { decode, encode } from '../../src/base/codec.js';
import { CodecError, StoreError } from '../../src/base/errors.js';
import { STORE_COMMIT_DEADLINE_MS } from '../../src/base/limits.js';
import type { KeyValueEnvironment, Runtime, StoreWrite } from '../../src/base/runtime.js';

const SNAPSHOTS = 'actorSnapshots';
const EVENTS = 'actorEvents';

/** The tables to name when opening an environment that persistent actors share with other users. */
export const PERSISTENT_ACTOR_TABLES: readonly string[] = [SNAPSHOTS, EVENTS];

/**
 * Opens or creates a store for any number of persistent actors, and takes ownership of the directory.
 * Rejects with StoreError when it cannot be written or another living process has it.
 */
export function openActorStore(runtime: Runtime, directory: string): Promise<KeyValueEnvironment> {
  return runtime.keyValues.open(directory, {
    tables: PERSISTENT_ACTOR_TABLES,
    commitDeadlineMs: STORE_COMMIT_DEADLINE_MS,
  });
}

const ROW_VERSION = 1;
const ROW_HEADER_BYTES = 5;
const READ_ROWS_MAX = 1_000;

interface Claim {
  holder: Journal | null;
  /** Settles, never rejects, when the last commit of this id has settled. */
  inFlight: Promise<void>;
  failure: unknown;
}

const claims: WeakMap<KeyValueEnvironment, Map<string, Claim>> = new WeakMap();

/** Takes what is read back, in order: at most one snapshot, then the events since. */
export interface Replay {
  restore(state: unknown): void;
  apply(event: unknown): void;
}

export class Journal {
  readonly #environment: KeyValueEnvironment;
  readonly #id: string;
  readonly #isOver: () => boolean;
  readonly #claim: Claim;
  #lastEvent = 0;
  #snapshotAt = 0;

  /** `isOver` says whether the life that holds this journal has ended. Throws StoreError when another one lives. */
  constructor(environment: KeyValueEnvironment, id: string, isOver: () => boolean) {
    this.#environment = environment;
    this.#id = id;
    this.#isOver = isOver;
    this.#claim = claimOf(environment, id);
    const { holder } = this.#claim;
    if (holder !== null && !holder.#isOver()) {
      throw new StoreError('WEIR_STORE', `Persistent actor "${id}" is already running on this environment.`, {
        remedy: 'Give each persistent actor an id of its own, or stop the other one first.',
      });
    }
    this.#claim.holder = this;
  }

  /** Events since the last snapshot. */
  get eventsSinceSnapshot(): number {
    return this.#lastEvent - this.#snapshotAt;
  }

  async recover(replay: Replay): Promise<void> {
    await this.#claim.inFlight;
    if (this.#claim.failure !== null) throw this.#claim.failure;
    const row = this.#environment.get(SNAPSHOTS, [this.#id]);
    const snapshot = row === undefined ? null : snapshotIn(this.#read(row, 'snapshot'));
    this.#snapshotAt = snapshot?.lastEvent ?? 0;
    this.#lastEvent = this.#snapshotAt;
    if (snapshot !== null) replay.restore(snapshot.state);
    for (let isMore = true; isMore; ) {
      const from = [this.#id, this.#lastEvent + 1];
      const to = [this.#id, Number.MAX_SAFE_INTEGER];
      const rows = this.#environment.range(EVENTS, { from, to, limit: READ_ROWS_MAX });
      for (const { key, value } of rows) {
        if (key[1] !== this.#lastEvent + 1)
          throw this.#damaged(`event ${this.#lastEvent + 1} is missing, next is ${key[1]}`);
        this.#lastEvent += 1;
        replay.apply(this.#read(value, `event ${this.#lastEvent}`));
      }
      isMore = rows.length === READ_ROWS_MAX;
    }
  }

  /** Resolves when the events are durable. */
  async append(events: readonly unknown[]): Promise<void> {
    const writes = events.map((event, index): StoreWrite => {
      const key = [this.#id, this.#lastEvent + 1 + index];
      return {
        kind: 'put',
        table: EVENTS,
        key,
        value: this.#rowOf(`event ${this.#lastEvent + 1 + index}`, event),
      };
    });
    await this.#commit(writes);
    this.#lastEvent += events.length;
  }

  /** Resolves when the snapshot is durable and the events in it are gone (J2). */
  async snapshot(state: unknown): Promise<void> {
    const row = this.#rowOf('its snapshot', { lastEvent: this.#lastEvent, state });
    const writes: StoreWrite[] = [{ kind: 'put', table: SNAPSHOTS, key: [this.#id], value: row }];
    for (let event = this.#snapshotAt + 1; event <= this.#lastEvent; event += 1) {
      writes.push({ kind: 'remove', table: EVENTS, key: [this.#id, event] });
    }
    await this.#commit(writes);
    this.#snapshotAt = this.#lastEvent;
  }

  /** Gives the id free. */
  close(): void {
    if (this.#claim.holder === this) this.#claim.holder = null;
  }

  async #commit(writes: readonly StoreWrite[]): Promise<void> {
    const claim = this.#claim;
    if (claim.holder !== this) {
      throw new StoreError(
        'WEIR_STORE_FENCED',
        `Persistent actor "${this.#id}" was taken over by a later life.`,
      );
    }
    if (claim.failure !== null) throw claim.failure;
    const commit = this.#environment.commit(writes);
    claim.inFlight = commit.then(
      () => undefined,
      (error: unknown) => {
        claim.failure = error;
      },
    );
    await commit;
  }

  #rowOf(what: string, value: unknown): Uint8Array {
    try {
      return rowOf(value);
    } catch (cause) {
      if (!(cause instanceof CodecError)) throw cause;
      throw new CodecError(`Persistent actor "${this.#id}" cannot store ${what}: ${cause.problem}`, {
        cause: cause.cause,
        remedy: cause.remedy,
      });
    }
  }

  #read(row: Uint8Array, what: string): unknown {
    const payload = row.subarray(ROW_HEADER_BYTES);
    const header = new DataView(row.buffer, row.byteOffset, row.byteLength);
    if (row.byteLength < ROW_HEADER_BYTES) throw this.#damaged(`${what} has ${row.byteLength} bytes`);
    if (header.getUint8(0) !== ROW_VERSION) throw this.#damaged(`${what} has version ${header.getUint8(0)}`);
    if (header.getUint32(1) !== checksum(payload)) throw this.#damaged(`${what} does not match its checksum`);
    return decode(payload);
  }

  #damaged(what: string): StoreError {
    return new StoreError(
      'WEIR_STORE',
      `The journal of persistent actor "${this.#id}" cannot be read: ${what}.`,
      {
        remedy: 'Restore the directory from a backup, or start with another id.',
        unrecoverable: true,
      },
    );
  }
}

function claimOf(environment: KeyValueEnvironment, id: string): Claim {
  const known = claims.get(environment) ?? new Map<string, Claim>();
  claims.set(environment, known);
  const claim = known.get(id) ?? { holder: null, inFlight: Promise.resolve(), failure: null };
  known.set(id, claim);
  return claim;
}

function rowOf(value: unknown): Uint8Array {
  const payload = encode(value);
  const row = new Uint8Array(ROW_HEADER_BYTES + payload.byteLength);
  const header = new DataView(row.buffer);
  header.setUint8(0, ROW_VERSION);
  header.setUint32(1, checksum(payload));
  row.set(payload, ROW_HEADER_BYTES);
  return row;
}

function snapshotIn(row: unknown): { readonly lastEvent: number; readonly state: unknown } {
  return row as { readonly lastEvent: number; readonly state: unknown };
}
