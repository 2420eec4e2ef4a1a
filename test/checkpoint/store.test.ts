// The store of checkpoints, on the simulated machine and on real LMDB.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RestoreError, StoreError } from '../../src/base/errors.js';
import { attemptNumber, checkpointId } from '../../src/base/ids.js';
import { CHUNKS, IDENTITY_KEY, identityValue, MANIFESTS, META } from '../../src/checkpoint/store-rows.js';
import {
  bytes,
  chunkOf,
  countManifest,
  manifest,
  operatorManifest,
  operatorSnapshot,
  segment,
} from './samples.js';
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
])('on %s', (_, makeWorld) => {
  let world: World;
  let directory: string;
  let rows: Rows;

  beforeEach(async () => {
    world = await makeWorld();
    directory = world.directory('checkpoints');
    rows = new Rows(world, directory);
  });

  afterEach(() => world.close());

  /** Opens the store, begins an attempt, does the work, closes: one life of the process. */
  const live = <T>(work: (life: Awaited<ReturnType<typeof begin>>) => Promise<T>, retained = 2): Promise<T> =>
    world.drive(
      (async () => {
        const life = await begin(retained);
        try {
          return await work(life);
        } finally {
          await life.store.close();
        }
      })(),
    );

  const begin = async (retained: number) => {
    const store = await openShop(world.runtime, directory, { retained });
    try {
      return { store, ...(await store.beginAttempt()) };
    } catch (error) {
      await store.close();
      throw error;
    }
  };

  test('attempts count up from 1 over restarts, and a first start has nothing to restore', async () => {
    for (const expected of [1, 2, 3]) {
      const { attempt, latest, rejected } = await live(async (life) => life);
      expect({ attempt, latest, rejected }).toEqual({ attempt: expected, latest: null, rejected: [] });
    }
  });

  test('a completed checkpoint is restored, chunks in order', async () => {
    const taken = await live(async ({ store }) => {
      const done = countManifest(4, [await putSegment(store, 4, 1, 5)]);
      await store.complete(done);
      expect(store.manifests()).toEqual([done]);
      return done;
    });
    await live(async ({ store, latest }) => {
      expect(latest).toEqual(taken);
      expect(readBack(store, taken)).toEqual([0, 1, 2, 3, 4].map((index) => [4, 1, index]));
      expect(store.manifests()).toEqual([taken]);
    });
  });

  test('ids go on above everything reserved or written, whatever became of it (5.1)', async () => {
    await live(({ store }) => store.reserveCheckpointIds(checkpointId(32)));
    await live(async ({ store, lastCheckpointId }) => {
      expect(lastCheckpointId).toBe(32);
      await putSegment(store, 40, 2);
    });
    expect(await live(async ({ lastCheckpointId }) => lastCheckpointId)).toBe(40);
    expect(await live(async ({ lastCheckpointId }) => lastCheckpointId)).toBe(40);
  });

  test('numbers begin above those of the savepoint that a job starts from', async () => {
    const store = await world.drive(openShop(world.runtime, directory));
    const begun = await world.drive(store.beginAttempt({ attempt: 9, checkpoint: 70 }));
    expect(begun).toMatchObject({ attempt: 10, lastCheckpointId: 70 });
    await world.drive(store.close());
  });

  test('chunks without a manifest are no checkpoint, and are gone after the next start', async () => {
    await live(async ({ store }) => {
      await takeCheckpoint(store, 1);
      await putSegment(store, 2, 1, 3);
    });
    await live(async ({ latest }) => expect(latest?.checkpoint).toBe(1));
    expect(await rows.keys(CHUNKS)).toEqual([[1, 1, 'count', 0, 0]]);
  });

  describe('a damaged newest checkpoint', () => {
    const damages: [string, (rows: Rows) => Promise<void>, string][] = [
      [
        'a flipped bit in a chunk',
        (own) => own.flip(CHUNKS, [2, 1, 'count', 0, 0]),
        'chunk 0 of operator "count"',
      ],
      ['a missing chunk', (own) => own.remove(CHUNKS, [2, 1, 'count', 0, 0]), 'is missing'],
      [
        'a flipped bit in the manifest',
        (own) => own.flip(MANIFESTS, [2, 1]),
        'its manifest has a wrong checksum',
      ],
      ['a missing manifest', (own) => own.remove(MANIFESTS, [2, 1]), 'its manifest is missing'],
    ];

    test.each(damages)('with %s: the older one is used, and says why', async (_what, damage, reason) => {
      await live(async ({ store }) => {
        await takeCheckpoint(store, 1);
        await takeCheckpoint(store, 2);
      });
      await damage(rows);
      await live(async ({ store, latest, rejected, lastCheckpointId }) => {
        expect(latest?.checkpoint).toBe(1);
        expect(rejected).toMatchObject([{ checkpoint: 2 }]);
        expect(rejected[0]?.reason).toContain(reason);
        expect(lastCheckpointId).toBe(2);
        expect(latest && readBack(store, latest)).toEqual([[1, 1, 0]]);
      });
      // Durably invalidated: the next start does not see it any more.
      expect(await rows.keys(MANIFESTS)).toEqual([[1, 1]]);
      expect(await rows.keys(CHUNKS)).toEqual([[1, 1, 'count', 0, 0]]);
      await live(async ({ latest, rejected }) => {
        expect(latest?.checkpoint).toBe(1);
        expect(rejected).toEqual([]);
      });
    });

    test('is found when the chunk of another row stands in its place', async () => {
      await live(async ({ store }) => {
        await takeCheckpoint(store, 1);
        const ref = await putSegment(store, 2, 1, 2);
        await store.complete(countManifest(2, [ref]));
      });
      await rows.swap(CHUNKS, [2, 1, 'count', 0, 0], [2, 1, 'count', 0, 1]);
      await live(async ({ rejected }) =>
        expect(rejected[0]?.reason).toContain('has the bytes of another row'),
      );
    });

    test('without an intact older one: the start is refused, names each, and changes nothing', async () => {
      await live(async ({ store }) => {
        await takeCheckpoint(store, 1);
        await takeCheckpoint(store, 2);
      });
      await rows.flip(CHUNKS, [1, 1, 'count', 0, 0]);
      await rows.flip(MANIFESTS, [2, 1]);
      for (const _time of [1, 2]) {
        const refused = live(async () => {});
        await expect(refused).rejects.toThrow(RestoreError);
        await expect(refused).rejects.toThrow(
          /none of them is intact:\n {2}- checkpoint 2: .*\n {2}- checkpoint 1: /,
        );
      }
      expect(await rows.keys(MANIFESTS)).toEqual([
        [1, 1],
        [2, 1],
      ]);
    });
  });

  describe('attempts (P3, P4)', () => {
    test('fence the writes of those before, refuse them by name, and count them', async () => {
      await live(async ({ store }) => {
        const old = attemptNumber(1);
        const ref = await putSegment(store, 1);
        await store.beginAttempt();
        const writes = [
          store.putChunk(chunkOf(segment({ checkpoint: 2, attempt: 1 }), 0, bytes(1))),
          store.complete(countManifest(1, [ref])),
          store.discard(checkpointId(1), old),
        ];
        for (const write of writes) await expect(write).rejects.toMatchObject({ code: 'WEIR_STORE_FENCED' });
        expect(store.counters().fencedWrites).toBe(3);
        expect(store.manifests()).toEqual([]);
      });
      expect(await rows.keys(CHUNKS)).toEqual([]);
    });

    test('begin on what is durable: a write under way is waited for, what waits behind it is refused', async () => {
      await live(async ({ store }) => {
        const ref = await putSegment(store, 1);
        const outcomes = Promise.allSettled([
          store.complete(countManifest(1, [ref])),
          store.complete(countManifest(2, [ref])),
        ]);
        // The first one is with the environment by now, the second one is not.
        await Promise.resolve();
        await Promise.resolve();
        const begun = await store.beginAttempt();
        const [first, second] = await outcomes;
        expect([first?.status, second?.status]).toEqual(['fulfilled', 'rejected']);
        expect(begun.latest?.checkpoint).toBe(1);
      });
    });

    test('ignore a manifest that a dead attempt has written after all (F30)', async () => {
      const late = await live(async ({ store }) => {
        await takeCheckpoint(store, 1);
        return { ...(await takeCheckpoint(store, 2)), checkpoint: checkpointId(3) };
      });
      // Attempt 2 has chosen checkpoint 2; then the commit of attempt 1 lands, with its own idea of what to drop.
      await live(async ({ attempt }) => expect(attempt).toBe(2));
      await rows.land(late, 1);
      await live(async ({ latest, rejected }) => {
        expect(latest?.checkpoint).toBe(2);
        expect(rejected).toEqual([
          // The late write has taken the older one along: one is left, and it is the one that was chosen.
          { checkpoint: 1, reason: 'its manifest is missing', completed: true },
          {
            checkpoint: 3,
            reason: 'it was written by attempt 1 after that attempt had been given up',
            completed: false,
          },
        ]);
      });
      expect(await rows.keys(MANIFESTS)).toEqual([[2, 1]]);
    });

    test('do not overlap', async () => {
      const store = await world.drive(openShop(world.runtime, directory));
      const both = Promise.allSettled([store.beginAttempt(), store.beginAttempt()]);
      const [first, second] = await world.drive(both);
      expect(first?.status).toBe('fulfilled');
      expect(second).toMatchObject({ reason: { message: expect.stringContaining('just beginning') } });
      await world.drive(store.close());
      await expect(store.beginAttempt()).rejects.toThrow('it is closed');
    });
  });

  describe('a manifest', () => {
    test('is refused while a chunk that it names is not durable (M1)', async () => {
      await live(async ({ store }) => {
        const ref = await putSegment(store, 1, 1, 2);
        const more = countManifest(1, [{ ...ref, chunks: 3 }]);
        const refusal = store.complete(more);
        await expect(refusal).rejects.toThrow(
          'names chunk 2 of operator "count" subtask 0, which is not durable',
        );
        await expect(refusal).rejects.toMatchObject({ code: 'WEIR_STORE_INCOMPLETE' });
        // Refused, not broken: the right one is taken.
        await store.complete(countManifest(1, [ref]));
      });
      await live(async ({ latest }) => expect(latest?.checkpoint).toBe(1));
    });

    test('follows chunks that were handed over before it, in as few commits as possible', async () => {
      await live(async ({ store }) => {
        const before = store.counters().commits;
        const ref = segment({ chunks: 100 });
        const chunks = Array.from({ length: 100 }, (_, index) =>
          store.putChunk(chunkOf(ref, index, bytes(index))),
        );
        const complete = store.complete(countManifest(1, [ref]));
        await Promise.all([...chunks, complete]);
        expect(store.counters().commits - before).toBe(2);
        expect(store.counters().checkpointsRetained).toBe(1);
      });
    });

    test('may name operators longer than any key', async () => {
      const operator = `${'stage-'.repeat(500)}✓`;
      const other = `${'stage-'.repeat(499)}stagE-✓`;
      await live(async ({ store }) => {
        const refs = [segment({ operator }), segment({ operator: other })];
        await Promise.all(refs.map((ref, n) => store.putChunk(chunkOf(ref, 0, bytes(n)))));
        const operators = refs.map((ref) =>
          operatorManifest(ref.operator, [operatorSnapshot(ref.operator, { keyed: [ref] })]),
        );
        await store.complete(manifest({ id: 1, operators }));
        expect(refs.flatMap((ref) => Array.from(store.readSegment(ref), (chunk) => chunk[0]))).toEqual([
          0, 1,
        ]);
      });
      await live(async ({ latest }) =>
        expect(latest?.operators.map(({ uid }) => uid)).toEqual([operator, other]),
      );
    });
  });

  describe('retention (5.16)', () => {
    test('keeps the newest ones and removes everything of older ones', async () => {
      await live(async ({ store }) => {
        for (const id of [1, 2, 3, 4]) await takeCheckpoint(store, id);
        expect(store.manifests().map(({ checkpoint }) => checkpoint)).toEqual([3, 4]);
      });
      expect(await rows.keys(MANIFESTS)).toEqual([
        [3, 1],
        [4, 1],
      ]);
      expect(await rows.keys(CHUNKS)).toEqual([
        [3, 1, 'count', 0, 0],
        [4, 1, 'count', 0, 0],
      ]);
    });

    test('keeps the older segments that an incremental checkpoint names, also over a restart', async () => {
      await live(async ({ store }) => {
        const chain = [await putSegment(store, 1)];
        await store.complete(countManifest(1, chain));
        for (const id of [2, 3, 4]) {
          chain.push(await putSegment(store, id));
          await store.complete(countManifest(id, chain));
        }
      });
      const chunkIds = async () => (await rows.keys(CHUNKS)).map((key) => key[0]);
      expect(await chunkIds()).toEqual([1, 2, 3, 4]);
      await live(async ({ store, latest }) => {
        expect(latest && readBack(store, latest)).toEqual([1, 2, 3, 4].map((id) => [id, 1, 0]));
        // Two full ones, and the chain has no reader any more.
        await takeCheckpoint(store, 5, 2);
        await takeCheckpoint(store, 6, 2);
      });
      expect(await chunkIds()).toEqual([5, 6]);
    });

    test('removes the chunks of an aborted checkpoint, and refuses its late ones', async () => {
      await live(async ({ store, attempt }) => {
        await putSegment(store, 1, 1, 3);
        const last = store.putChunk(chunkOf(segment({ checkpoint: 1, chunks: 4 }), 3, bytes(3)));
        const discard = store.discard(checkpointId(1), attempt);
        await Promise.all([last, discard]);
        const late = store.putChunk(chunkOf(segment({ checkpoint: 1, chunks: 5 }), 4, bytes(4)));
        await expect(late).rejects.toThrow('checkpoint 1 was aborted');
        expect(store.counters().commits).toBeLessThanOrEqual(4);
      });
      expect(await rows.keys(CHUNKS)).toEqual([]);
    });

    test('does not touch chunks of checkpoints that are still pending', async () => {
      await live(async ({ store }) => {
        const pending = await putSegment(store, 1);
        for (const id of [2, 3, 4]) await takeCheckpoint(store, id);
        await store.complete(countManifest(5, [pending]));
        expect(store.manifests().map(({ checkpoint }) => checkpoint)).toEqual([4, 5]);
      });
    });
  });

  describe('a directory', () => {
    const refusal = async (): Promise<unknown> => {
      const outcome = await live(async () => null).catch((error: unknown) => error);
      expect(outcome).toBeInstanceOf(RestoreError);
      return outcome;
    };

    test('of another job is refused, naming both', async () => {
      await rows.write({
        kind: 'put',
        table: META,
        key: IDENTITY_KEY,
        value: identityValue({ format: 1, kind: 'job', job: 'warehouse' }),
      });
      expect(String(await refusal())).toMatch(
        /checkpoints of job "warehouse", not of job "shop"\..* Use another/,
      );
    });

    test('of a newer format is refused, naming both', async () => {
      await rows.write({
        kind: 'put',
        table: META,
        key: IDENTITY_KEY,
        value: identityValue({ format: 2, kind: 'else', job: 'shop', more: [] }),
      });
      expect(String(await refusal())).toMatch(/have format 2; this version of Weir reads up to format 1/);
    });

    test('whose identity is missing or unreadable is refused', async () => {
      await live(({ store }) => takeCheckpoint(store, 1));
      await rows.remove(META, IDENTITY_KEY);
      expect(String(await refusal())).toContain('does not say whose they are');
      await rows.write({ kind: 'put', table: META, key: IDENTITY_KEY, value: bytes(255, 0, 1) });
      expect(String(await refusal())).toContain('does not say in a readable way');
    });

    test('whose catalog or attempt number is damaged is refused', async () => {
      await live(({ store }) => takeCheckpoint(store, 1));
      await rows.flip(META, ['catalog', 1]);
      expect(String(await refusal())).toContain('row catalog 1 has a wrong checksum');
      await rows.remove(META, ['catalog', 1]);
      expect(String(await refusal())).toContain('row catalog 1 is missing');
      await rows.flip(META, ['attempt']);
      expect(String(await refusal())).toContain('row attempt has a wrong checksum');
    });
  });

  test('a segment that is damaged while the job runs is reported with its place', async () => {
    await live(async ({ store }) => {
      const ref = await putSegment(store, 1);
      const read = () => [...store.readSegment({ ...ref, chunks: 2 })];
      expect(read).toThrow(StoreError);
      expect(read).toThrow(
        /chunk 1 of 2 written by checkpoint 1 in attempt 1 is missing\. \[operator "count" subtask 0\]/,
      );
    });
  });
});
