// Savepoints: self-contained, relocatable, complete or refused (5.16, 5.18).

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CheckpointError, RestoreError } from '../../src/base/errors.js';
import { attemptNumber, checkpointId } from '../../src/base/ids.js';
import { openSavepoint, refuseUsedDirectory } from '../../src/checkpoint/savepoint.js';
import { identityWrite } from '../../src/checkpoint/store-identity.js';
import { CHUNKS, MANIFESTS } from '../../src/checkpoint/store-rows.js';
import { countManifest } from './samples.js';
import {
  lmdbWorld,
  openShop,
  putSegment,
  Rows,
  readBack,
  takeCheckpoint,
  virtualWorld,
  type World,
} from './worlds.js';

describe.each([
  ['the simulated machine', virtualWorld],
  ['LMDB', lmdbWorld],
])('on %s', (place, makeWorld) => {
  let world: World;
  let savepoint: string;

  beforeEach(async () => {
    world = await makeWorld();
    savepoint = world.directory('savepoint');
  });

  afterEach(() => world.close());

  const withStore = <T>(work: (store: Awaited<ReturnType<typeof openShop>>) => Promise<T>): Promise<T> =>
    world.drive(
      (async () => {
        const store = await openShop(world.runtime, world.directory('checkpoints'));
        await store.beginAttempt();
        try {
          return await work(store);
        } finally {
          await store.close();
        }
      })(),
    );

  const read = (directory = savepoint): Promise<{ id: number; purpose: string; content: number[][] }> =>
    world.drive(
      (async () => {
        const reader = await openSavepoint({ runtime: world.runtime, directory });
        try {
          const { checkpoint, purpose } = reader.manifest;
          return { id: checkpoint, purpose, content: readBack(reader, reader.manifest) };
        } finally {
          await reader.close();
        }
      })(),
    );

  /** A chain of a full segment and an increment, in a savepoint that is never completed in the job's own store. */
  const takeSavepoint = () =>
    withStore(async (store) => {
      const full = await putSegment(store, 1, 1, 2);
      await store.complete(countManifest(1, [full]));
      const increment = await putSegment(store, 2);
      const manifest = { ...countManifest(2, [full, increment]), purpose: 'savepoint' as const };
      await store.exportSavepoint(manifest, savepoint);
      await store.discard(checkpointId(2), attemptNumber(1));
    });

  test('has everything that its manifest names, and nothing of it stays in the job', async () => {
    await takeSavepoint();
    expect(await read()).toEqual({
      id: 2,
      purpose: 'savepoint',
      content: [
        [1, 1, 0],
        [1, 1, 1],
        [2, 1, 0],
      ],
    });
    const own = new Rows(world, world.directory('checkpoints'));
    expect(await own.keys(MANIFESTS)).toEqual([[1, 1]]);
    expect((await own.keys(CHUNKS)).map((key) => key[0])).toEqual([1, 1]);
  });

  test('is not what the job recovers from', async () => {
    await takeSavepoint();
    await withStore(async (store) =>
      expect(store.manifests().map(({ checkpoint }) => checkpoint)).toEqual([1]),
    );
  });

  test('survives the job that it was taken from', async () => {
    await takeSavepoint();
    await withStore(async (store) => {
      for (const id of [3, 4, 5]) await takeCheckpoint(store, id, 2);
    });
    expect((await read()).content).toHaveLength(3);
  });

  // A simulated store is known by its path, so only a real one can be moved.
  if (place === 'LMDB') {
    test('can be moved', async () => {
      await takeSavepoint();
      const moved = world.directory('moved');
      await world.runtime.files.rename(savepoint, moved);
      expect((await read(moved)).id).toBe(2);
    });
  }

  test('keeps segments that retention drops while it is being copied', async () => {
    await withStore(async (store) => {
      const oldest = await takeCheckpoint(store, 1);
      const copying = store.exportSavepoint(oldest, savepoint);
      for (const id of [2, 3, 4]) await takeCheckpoint(store, id);
      await copying;
    });
    expect((await read()).content).toEqual([[1, 1, 0]]);
    const chunks = await new Rows(world, world.directory('checkpoints')).keys(CHUNKS);
    expect(chunks.map((key) => key[0])).toEqual([3, 4]);
  });

  test('is refused where anything is, and the job goes on', async () => {
    await takeSavepoint();
    await withStore(async (store) => {
      const again = store.exportSavepoint(await takeCheckpoint(store, 3, 2), savepoint);
      await expect(again).rejects.toThrow(CheckpointError);
      await expect(again).rejects.toThrow(`cannot be written to ${savepoint}`);
      await takeCheckpoint(store, 4, 2);
    });
    expect((await read()).id).toBe(2);
    await world.drive(refuseUsedDirectory(world.runtime, world.directory('new')));
  });

  test('leaves alone a directory with files of somebody else', async () => {
    const { files } = world.runtime;
    await world.drive(
      (async () => {
        await files.makeDirectory(savepoint);
        await (await files.open(`${savepoint}/notes.txt`, 'createNew')).close();
      })(),
    );
    await withStore(async (store) => {
      const taken = await takeCheckpoint(store, 1);
      await expect(store.exportSavepoint(taken, savepoint)).rejects.toThrow('it is not empty');
    });
    expect(await world.drive(files.list(savepoint))).toEqual(['notes.txt']);
  });

  test('needs all its chunks', async () => {
    await withStore(async (store) => {
      const ref = await putSegment(store, 1);
      const refused = store.exportSavepoint(countManifest(1, [{ ...ref, chunks: 2 }]), savepoint);
      await expect(refused).rejects.toThrow('names chunk 1 of operator "count"');
    });
  });

  test('that was interrupted is refused as incomplete', async () => {
    await new Rows(world, savepoint).write(identityWrite('savepoint', 'shop'));
    await expect(read()).rejects.toThrow(RestoreError);
    await expect(read()).rejects.toThrow(/is incomplete: writing it was interrupted\. Use another/);
  });

  test('that is damaged is refused with the place of the damage', async () => {
    await takeSavepoint();
    await new Rows(world, savepoint).flip(CHUNKS, [1, 1, 'count', 0, 1]);
    await expect(read()).rejects.toThrow(
      /none of them is intact:\n {2}- checkpoint 2: chunk 1 of operator "count"/,
    );
  });

  test('that is not there is refused with its path', async () => {
    await expect(read(world.directory('nowhere'))).rejects.toThrow(RestoreError);
    await expect(read(world.directory('nowhere'))).rejects.toThrow(/There is no savepoint in .*nowhere/);
  });

  test('is no directory for the checkpoints of a job', async () => {
    await takeSavepoint();
    const opening = world.drive(openShop(world.runtime, savepoint));
    await expect(opening).rejects.toThrow(
      /holds a savepoint of job "shop"; checkpoints of job "shop" would spoil it/,
    );
  });

  test('may be the directory of a job that is not running: its newest checkpoint', async () => {
    await withStore(async (store) => {
      await takeCheckpoint(store, 1);
      await takeCheckpoint(store, 2);
    });
    expect(await read(world.directory('checkpoints'))).toMatchObject({ id: 2, purpose: 'checkpoint' });
    await expect(withStore(async () => {})).resolves.toBeUndefined();
  });

  test('of a job that has never completed a checkpoint is refused', async () => {
    await withStore(async () => {});
    await expect(read(world.directory('checkpoints'))).rejects.toThrow('has never completed one');
  });
});
