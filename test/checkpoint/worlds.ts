// Where store tests run: on the simulated machine and on real LMDB in a temporary directory, with the same stories.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../src/base/logger.js';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import type { Runtime, StoreKey, StoreWrite } from '../../src/base/runtime.js';
import type { CheckpointStore } from '../../src/checkpoint/checkpoint-store.js';
import { openCheckpointStore } from '../../src/checkpoint/lmdb-checkpoint-store.js';
import type { Manifest, SegmentRef } from '../../src/checkpoint/manifest.js';
import {
  CHUNKS,
  catalogKey,
  MANIFESTS,
  META,
  manifestKey,
  manifestValue,
  metaValue,
} from '../../src/checkpoint/store-rows.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { bytes, chunkOf, countManifest, segment } from './samples.js';

export const TABLES: readonly string[] = [META, MANIFESTS, CHUNKS];

export interface World {
  readonly runtime: Runtime;
  /** Makes time pass until the work has settled. */
  drive<T>(work: Promise<T>): Promise<T>;
  directory(name: string): string;
  close(): Promise<void>;
}

/** Executes the simulation until the work has settled. */
export async function driveVirtual<T>(
  runtime: { run(until?: () => boolean): Promise<void> },
  work: Promise<T>,
): Promise<T> {
  let settled = false;
  const done = (): void => {
    settled = true;
  };
  work.then(done, done);
  await runtime.run(() => settled);
  return work;
}

export async function virtualWorld(): Promise<World> {
  const runtime = virtualRuntime({ seed: 1 });
  return {
    runtime,
    drive: (work) => driveVirtual(runtime, work),
    directory: (name) => `/data/${name}`,
    close: async () => {},
  };
}

export async function lmdbWorld(): Promise<World> {
  const runtime = nodeRuntime();
  const root = await mkdtemp(join(tmpdir(), 'weir-checkpoint-'));
  return {
    runtime,
    drive: (work) => work,
    directory: (name) => join(root, name),
    close: () => rm(root, { recursive: true, force: true }),
  };
}

/** Opens the store of job `shop`. */
export function openShop(
  runtime: Runtime,
  directory: string,
  part: { readonly retained?: number } = {},
): Promise<CheckpointStore> {
  return openCheckpointStore({
    runtime,
    directory,
    job: 'shop',
    commitDeadlineMs: 1000,
    logger: silentLogger,
    ...part,
  });
}

/** One chunk of operator `count`, durable, whose bytes tell which checkpoint wrote it. */
export async function putSegment(
  store: CheckpointStore,
  checkpoint: number,
  attempt = 1,
  chunks = 1,
): Promise<SegmentRef> {
  const ref = segment({ checkpoint, attempt, chunks, bytes: 3 * chunks });
  await Promise.all(
    Array.from({ length: chunks }, (_, index) =>
      store.putChunk(chunkOf(ref, index, bytes(checkpoint, attempt, index))),
    ),
  );
  return ref;
}

/** A checkpoint with one full segment. */
export async function takeCheckpoint(
  store: CheckpointStore,
  checkpoint: number,
  attempt = 1,
): Promise<Manifest> {
  const done = countManifest(checkpoint, [await putSegment(store, checkpoint, attempt)], attempt);
  await store.complete(done);
  return done;
}

export function readBack(reader: Pick<CheckpointStore, 'readSegment'>, manifest: Manifest): number[][] {
  const chain = manifest.operators[0]?.subtasks[0]?.keyed ?? [];
  return chain.flatMap((ref) => Array.from(reader.readSegment(ref), (chunk) => [...chunk]));
}

/** Reads and writes rows behind the back of a store that is closed. */
export class Rows {
  readonly #world: World;
  readonly #directory: string;

  constructor(world: World, directory: string) {
    this.#world = world;
    this.#directory = directory;
  }

  keys(table: string): Promise<readonly StoreKey[]> {
    return this.#with(async (environment) => environment.keys(table, {}));
  }

  write(...writes: StoreWrite[]): Promise<void> {
    return this.#with((environment) => environment.commit(writes));
  }

  remove(table: string, key: StoreKey): Promise<void> {
    return this.write({ kind: 'remove', table, key });
  }

  /** Flips one bit of the middle byte. */
  flip(table: string, key: StoreKey): Promise<void> {
    return this.#with(async (environment) => {
      const value = environment.get(table, key);
      if (value === undefined) throw new Error(`no row ${table} ${key.join(' ')}`);
      const at = Math.floor(value.length / 2);
      value[at] = (value[at] ?? 0) ^ 4;
      await environment.commit([{ kind: 'put', table, key, value }]);
    });
  }

  /** Exchanges the bytes of two rows. */
  swap(table: string, a: StoreKey, b: StoreKey): Promise<void> {
    return this.#with(async (environment) => {
      const [first, second] = [environment.get(table, a), environment.get(table, b)];
      if (first === undefined || second === undefined) throw new Error('no such rows');
      await environment.commit([
        { kind: 'put', table, key: a, value: second },
        { kind: 'put', table, key: b, value: first },
      ]);
    });
  }

  /** What a `complete` of attempt 1 that was overtaken by the next attempt writes when it lands after all. */
  land(late: Manifest, drops: number): Promise<void> {
    const { checkpoint, attempt } = late;
    const catalog = catalogKey(attempt);
    return this.write(
      { kind: 'put', table: MANIFESTS, key: manifestKey(checkpoint, attempt), value: manifestValue(late) },
      { kind: 'put', table: META, key: catalog, value: metaValue(catalog, [[checkpoint, attempt]]) },
      { kind: 'remove', table: MANIFESTS, key: manifestKey(drops, attempt) },
      { kind: 'remove', table: CHUNKS, key: [drops, attempt, 'count', 0, 0] },
    );
  }

  async #with<T>(
    work: (environment: Awaited<ReturnType<Runtime['keyValues']['open']>>) => Promise<T>,
  ): Promise<T> {
    const { runtime, drive } = this.#world;
    const environment = await drive(
      runtime.keyValues.open(this.#directory, { tables: TABLES, commitDeadlineMs: 1000 }),
    );
    try {
      return await drive(work(environment));
    } finally {
      await drive(environment.close());
    }
  }
}
