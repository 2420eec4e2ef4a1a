// The store of checkpoints of one simulated process: what it writes, when, and what lands late.
//
// Owns:    one transaction at a time, fencing by process and attempt, the choice of a checkpoint.
// Not:     bytes of rows and the real commit lane (src/checkpoint, which have tests of their own).
//
// M1. A transaction becomes visible first and durable afterwards; whoever waits hears of it when it is durable.
// M2. What was under way at a death is lost, lands, or lands late: behind the back of a fence, as the worst disk would.
// M3. Only manifests in the catalog of the last attempt count (R1 of restore-point.ts).

import { StoreError } from '../../../src/base/errors.js';
import type { Chunk } from '../../../src/checkpoint/checkpoint-store.js';
import type { Manifest } from '../../../src/checkpoint/manifest.js';
import { chunkName, chunkNames, type Disk, type Row, type RowWrite } from './disk-model.js';

/** Completed checkpoints to keep. */
const RETAINED = 2;

interface Write {
  readonly attempt: number;
  /** A transaction of its own. */
  readonly alone: boolean;
  /** Why nothing of it can be written, when its turn has come. */
  refusal?(): StoreError | null;
  rows(): readonly RowWrite[];
  durable(): void;
  failed(error: StoreError): void;
}

interface Transaction {
  readonly writes: readonly Write[];
  readonly rows: readonly RowWrite[];
  stage: 'begun' | 'visible';
}

export interface Begun {
  readonly attempt: number;
  readonly lastCheckpointId: number;
  readonly latest: Manifest | null;
}

/** What the surroundings decide: whether a transaction fails, and what becomes of one that nobody waits for. */
export interface StoreSurroundings {
  /** There is something to do: call `work` when its time has come. */
  wake(): void;
  fate(): 'ok' | 'refused' | 'hung';
  /** Rows of a transaction whose outcome nobody has learned. */
  abandoned(rows: readonly RowWrite[]): void;
}

/** The store of one process. */
export class StoreModel {
  readonly #disk: Disk;
  readonly #process: number;
  readonly #around: StoreSurroundings;
  #waiting: Write[] = [];
  #running: Transaction | null = null;
  #beginning: ((begun: Begun) => void) | null = null;
  #attempt = 0;
  #retained: readonly number[] = [];
  #broken: StoreError | null = null;
  fenced = 0;

  constructor(disk: Disk, process: number, around: StoreSurroundings) {
    this.#disk = disk;
    this.#process = process;
    this.#around = around;
    disk.owner = process;
  }

  /** Waits for what is under way, then invalidates and takes the next number. */
  begin(done: (begun: Begun) => void): void {
    const ended = fencedError('its attempt has ended');
    for (const write of this.#waiting.splice(0)) write.failed(ended);
    this.#attempt = 0;
    this.#broken = null;
    this.#beginning = done;
    if (this.#running === null) this.#around.wake();
  }

  putChunk(chunk: Chunk, durable: () => void, failed: (error: StoreError) => void): void {
    // The bytes are a part of a larger buffer that nothing else needs.
    const bytes = chunk.bytes.slice();
    const key = chunkName(chunk, chunk.index);
    const rows = (): readonly RowWrite[] => [{ table: this.#disk.chunks, key, value: bytes }];
    const stored = (): void => {
      this.#disk.everStored.add(key);
      durable();
    };
    this.#submit({ attempt: chunk.attempt, alone: false, rows, durable: stored, failed });
  }

  reserveIds(attempt: number, upTo: number, durable: () => void, failed: (error: StoreError) => void): void {
    const rows = (): readonly RowWrite[] => [{ table: this.#disk.meta, key: 'ids', value: upTo }];
    this.#submit({ attempt, alone: false, rows, durable, failed });
  }

  complete(manifest: Manifest, durable: () => void, failed: (error: StoreError) => void): void {
    let retained: readonly number[] = [];
    this.#submit({
      attempt: manifest.attempt,
      alone: true,
      // Retention may have freed, meanwhile, what an increment was built on (L1 of lmdb-checkpoint-store.ts).
      refusal: () => {
        const { chunks } = this.#disk;
        if (chunkNames(manifest).every((name) => chunks.has(name))) return null;
        return new StoreError('WEIR_STORE_INCOMPLETE', 'it names a chunk that is not durable');
      },
      rows: () => {
        const all = [...this.#retained, manifest.checkpoint].sort((a, b) => a - b);
        retained = all.slice(-RETAINED);
        return this.#completion(manifest, retained, all.slice(0, -RETAINED));
      },
      durable: () => {
        this.#retained = retained;
        durable();
      },
      failed,
    });
  }

  /** Removes the chunks of a checkpoint that will never complete. */
  discard(checkpoint: number, attempt: number): void {
    const rows = (): readonly RowWrite[] => {
      const { chunks } = this.#disk;
      const needed = this.#needed(this.#retained);
      const mine = `/${checkpoint}/${attempt}/`;
      return [...chunks.keys()]
        .filter((key) => String(key).includes(mine) && !needed.has(key))
        .map((key) => ({ table: chunks, key, value: undefined }));
    };
    this.#submit({ attempt, alone: true, rows, durable: nothing, failed: nothing });
  }

  /** One stage of the transaction under way, or the beginning of the next one. */
  work(): void {
    const running = this.#running;
    if (running === null) return this.#next();
    if (running.stage === 'begun') {
      if (this.#disk.owner !== this.#process) return this.#conclude(fencedError('another process owns it'));
      const fate = this.#around.fate();
      if (fate === 'refused') return this.#conclude(new StoreError('WEIR_STORE', 'no room'));
      if (fate === 'hung') {
        // A beginning that hangs is fenced by the reopening that follows it.
        if (this.#beginning === null) this.#around.abandoned(running.rows);
        return this.#poison();
      }
      this.#disk.apply(running.rows);
      running.stage = 'visible';
      return this.#around.wake();
    }
    this.#disk.flush();
    this.#conclude(null);
  }

  /** The process is gone: what was under way is in the hands of chance. */
  die(): void {
    const running = this.#running;
    this.#running = null;
    this.#waiting = [];
    if (running?.stage === 'begun' && this.#beginning === null) this.#around.abandoned(running.rows);
    this.#beginning = null;
  }

  #submit(write: Write): void {
    if (write.attempt !== this.#attempt) {
      this.fenced += 1;
      return write.failed(fencedError('it is of another attempt'));
    }
    if (this.#broken !== null) return write.failed(this.#broken);
    this.#waiting.push(write);
    if (this.#running === null && this.#waiting.length === 1) this.#around.wake();
  }

  #next(): void {
    if (this.#beginning !== null) return this.#begin(this.#beginning);
    const first = this.#waiting[0];
    if (first === undefined) return;
    let size = 1;
    if (!first.alone) while (this.#waiting[size]?.alone === false) size += 1;
    const writes = this.#waiting.splice(0, size);
    const refusal = first.refusal?.() ?? null;
    if (refusal !== null) {
      first.failed(refusal);
      if (this.#waiting.length > 0) this.#around.wake();
      return;
    }
    this.#running = { writes, rows: writes.flatMap((write) => write.rows()), stage: 'begun' };
    this.#around.wake();
  }

  #begin(done: (begun: Begun) => void): void {
    const disk = this.#disk;
    if (disk.owner !== this.#process) return;
    const retained = [...disk.catalog(disk.attempt)];
    const latest = retained.length === 0 ? null : (disk.manifest(retained.at(-1) as number) ?? null);
    const attempt = disk.attempt + 1;
    const needed = this.#needed(retained);
    const rows: RowWrite[] = [
      { table: disk.meta, key: 'attempt', value: attempt },
      { table: disk.meta, key: `catalog/${attempt}`, value: retained },
    ];
    for (const key of disk.manifests.keys()) {
      if (!retained.includes(key as number)) rows.push({ table: disk.manifests, key, value: undefined });
    }
    for (const key of disk.chunks.keys()) {
      if (!needed.has(key)) rows.push({ table: disk.chunks, key, value: undefined });
    }
    const lastCheckpointId = (disk.meta.get('ids') as number | undefined) ?? 0;
    const write: Write = {
      attempt,
      alone: true,
      rows: () => rows,
      durable: () => {
        this.#beginning = null;
        this.#attempt = attempt;
        this.#retained = retained;
        done({ attempt, lastCheckpointId, latest });
      },
      failed: nothing,
    };
    this.#running = { writes: [write], rows, stage: 'begun' };
    this.#around.wake();
  }

  #completion(
    manifest: Manifest,
    retained: readonly number[],
    dropped: readonly number[],
  ): readonly RowWrite[] {
    const disk = this.#disk;
    const rows: RowWrite[] = [
      { table: disk.manifests, key: manifest.checkpoint, value: manifest },
      { table: disk.meta, key: `catalog/${manifest.attempt}`, value: retained },
    ];
    if (dropped.length === 0) return rows;
    const needed = this.#needed(retained, manifest);
    for (const checkpoint of dropped) {
      rows.push({ table: disk.manifests, key: checkpoint, value: undefined });
      for (const key of this.#needed([checkpoint])) {
        if (!needed.has(key)) rows.push({ table: disk.chunks, key, value: undefined });
      }
    }
    return rows;
  }

  #needed(checkpoints: readonly number[], written: Manifest | null = null): ReadonlySet<Row> {
    const keys = new Set<Row>();
    for (const checkpoint of checkpoints) {
      const manifest = checkpoint === written?.checkpoint ? written : this.#disk.manifest(checkpoint);
      if (manifest !== undefined) for (const name of chunkNames(manifest)) keys.add(name);
    }
    return keys;
  }

  #conclude(error: StoreError | null): void {
    const writes = this.#running?.writes ?? [];
    this.#running = null;
    for (const write of writes) {
      if (error === null) write.durable();
      else write.failed(error);
    }
    // A beginning is tried again: the fault was in the disk, not in the request.
    if (this.#waiting.length > 0 || this.#beginning !== null) this.#around.wake();
  }

  #poison(): void {
    const error = new StoreError('WEIR_STORE_POISONED', 'a commit never settled');
    this.#broken = error;
    const waiting = this.#waiting.splice(0);
    this.#conclude(error);
    for (const write of waiting) write.failed(error);
  }
}

function fencedError(why: string): StoreError {
  return new StoreError('WEIR_STORE_FENCED', `Refused: ${why}.`);
}

function nothing(): void {
  // Nobody waits for this write.
}
