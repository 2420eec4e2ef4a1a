// What the store does when the disk does not do its part (F29 to F31, F34 to F38), in virtual time.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openSavepoint } from '../../src/checkpoint/savepoint.js';
import type { KeyValueFault } from '../../src/testing/virtual-faults.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { bytes, chunkOf, countManifest, segment } from './samples.js';
import { driveVirtual, openShop, putSegment, readBack, takeCheckpoint } from './worlds.js';

const DIRECTORY = '/data/checkpoints';

/** The next commits meet these faults, one each; after them the disk is well again. */
function failNext(runtime: VirtualRuntime, ...faults: KeyValueFault[]): void {
  const left = [...faults];
  runtime.faults.keyValues = (operation) => (operation === 'commit' ? (left.shift() ?? null) : null);
}

async function begun(runtime: VirtualRuntime) {
  const store = await openShop(runtime, DIRECTORY);
  return { store, ...(await store.beginAttempt()) };
}

function drive<T>(runtime: VirtualRuntime, work: () => Promise<T>): Promise<T> {
  return driveVirtual(runtime, work());
}

describe('a commit that never settles (F36)', () => {
  test('fails at the deadline; after it everything is refused at once', async () => {
    const runtime = virtualRuntime({ seed: 1 });
    await drive(runtime, async () => {
      const { store } = await begun(runtime);
      await takeCheckpoint(store, 1);
      failNext(runtime, 'hang');
      const before = runtime.nowMs;
      const outcome = store.putChunk(chunkOf(segment({ checkpoint: 2 }), 0, bytes(1)));
      await expect(outcome).rejects.toMatchObject({ code: 'WEIR_STORE_POISONED' });
      expect(runtime.nowMs - before).toBe(1000);
      const refused = runtime.nowMs;
      await expect(takeCheckpoint(store, 2)).rejects.toMatchObject({ code: 'WEIR_STORE_POISONED' });
      await expect(store.reserveCheckpointIds(countManifest(9, []).checkpoint)).rejects.toMatchObject({
        code: 'WEIR_STORE_POISONED',
      });
      expect(runtime.nowMs).toBe(refused);
    });
  });

  test.each([
    ['hang', 1],
    ['hangWritten', 2],
  ] as const)('%s: after a restart of the process the truth is on disk', async (fault, expected) => {
    const runtime = virtualRuntime({ seed: 1 });
    await drive(runtime, async () => {
      const { store } = await begun(runtime);
      await takeCheckpoint(store, 1);
      const ref = await putSegment(store, 2);
      failNext(runtime, fault);
      await expect(store.complete(countManifest(2, [ref]))).rejects.toMatchObject({
        code: 'WEIR_STORE_POISONED',
      });
    });
    const next = runtime.crashProcess();
    const { latest, attempt } = await drive(next, () => begun(next));
    expect({ attempt, latest: latest?.checkpoint }).toEqual({ attempt: 2, latest: expected });
  });
});

describe('a commit that fails (F35)', () => {
  test.each([
    ['reject', 1],
    ['rejectVisible', 2],
    ['rejectWritten', 2],
  ] as const)('%s: the next attempt opens the store again and finds out', async (fault, expected) => {
    const runtime = virtualRuntime({ seed: 1 });
    await drive(runtime, async () => {
      const { store } = await begun(runtime);
      await takeCheckpoint(store, 1);
      const ref = await putSegment(store, 2);
      failNext(runtime, fault);
      await expect(store.complete(countManifest(2, [ref]))).rejects.toMatchObject({
        code: 'WEIR_STORE_POISONED',
      });
      const { latest, attempt } = await store.beginAttempt();
      expect({ attempt, latest: latest?.checkpoint }).toEqual({ attempt: 2, latest: expected });
      await takeCheckpoint(store, 3, 2);
    });
    // What an attempt has chosen is durable from then on, though its own write had failed (undurable metadata).
    const next = runtime.crashProcess({ unsynced: 'lost' });
    const after = await drive(next, () => begun(next));
    expect(after.latest?.checkpoint).toBe(3);
    expect(after.store.manifests().map(({ checkpoint }) => checkpoint)).toEqual([expected, 3]);
  });

  test('at the beginning of an attempt is no beginning; the next try is (F31)', async () => {
    const runtime = virtualRuntime({ seed: 1 });
    await drive(runtime, async () => {
      const { store } = await begun(runtime);
      await takeCheckpoint(store, 1);
      failNext(runtime, 'reject', 'rejectWritten');
      await expect(store.beginAttempt()).rejects.toMatchObject({ code: 'WEIR_STORE_POISONED' });
      // This one is durable and nobody knows: its number is taken.
      await expect(store.beginAttempt()).rejects.toMatchObject({ code: 'WEIR_STORE_POISONED' });
      const third = await store.beginAttempt();
      expect(third).toMatchObject({ attempt: 3, latest: { checkpoint: 1 } });
      expect(readBack(store, takenOf(third.latest))).toEqual([[1, 1, 0]]);
    });
  });
});

test('a full disk refuses one write and breaks nothing (F34)', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  await drive(runtime, async () => {
    const { store } = await begun(runtime);
    await takeCheckpoint(store, 1);
    failNext(runtime, 'full');
    await expect(takeCheckpoint(store, 2)).rejects.toMatchObject({ code: 'WEIR_STORE' });
    await takeCheckpoint(store, 3);
    expect(store.manifests().map(({ checkpoint }) => checkpoint)).toEqual([1, 3]);
  });
});

test('a process that has lost the directory to another one never takes it back (F29, F48)', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const other = runtime.startProcess({ host: 'other' });
  await drive(runtime, async () => {
    const zombie = await begun(runtime);
    await takeCheckpoint(zombie.store, 1);
    const owner = await begun(other);
    expect(owner).toMatchObject({ attempt: 2, latest: { checkpoint: 1 } });
    await expect(takeCheckpoint(zombie.store, 2)).rejects.toMatchObject({ code: 'WEIR_STORE_FENCED' });
    await expect(zombie.store.beginAttempt()).rejects.toMatchObject({
      code: 'WEIR_STORE_FENCED',
      unrecoverable: true,
    });
    await takeCheckpoint(owner.store, 3, 2);
    expect(owner.store.manifests().map(({ checkpoint }) => checkpoint)).toEqual([1, 3]);
  });
});

test('nor does one whose last write was on its way when its attempt ended (F30)', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const other = runtime.startProcess({ host: 'other' });
  await drive(runtime, async () => {
    const zombie = await begun(runtime);
    failNext(runtime, { delayMs: 50 });
    const late = expect(takeCheckpoint(zombie.store, 1)).rejects.toMatchObject({ code: 'WEIR_STORE_FENCED' });
    await new Promise<void>((resolve) => void runtime.timers.after(10, resolve));
    // The next attempt waits for the write that is on its way; meanwhile another process takes over.
    const next = expect(zombie.store.beginAttempt()).rejects.toMatchObject({
      code: 'WEIR_STORE_FENCED',
      unrecoverable: true,
    });
    const owner = await begun(other);
    await late;
    await next;
    await takeCheckpoint(owner.store, 2, owner.attempt);
    expect(owner.store.manifests().map(({ checkpoint }) => checkpoint)).toEqual([2]);
  });
});

test('a savepoint that is interrupted at any commit is refused as incomplete, and the job is whole', async () => {
  // Its identity, its chunks, its manifest.
  for (let healthy = 0; healthy < 3; healthy += 1) {
    const runtime = virtualRuntime({ seed: healthy });
    await drive(runtime, async () => {
      const { store } = await begun(runtime);
      const taken = await takeCheckpoint(store, 1);
      failNext(runtime, ...new Array<null>(healthy).fill(null), 'reject');
      const directory = `/savepoints/${healthy}`;
      const outcome = store.exportSavepoint(taken, directory);
      await expect(outcome).rejects.toThrow(/could not be written to .*remove it and try again/s);
      await expect(openSavepoint({ runtime, directory })).rejects.toMatchObject({ code: 'WEIR_RESTORE' });
      await store.exportSavepoint(taken, `${directory}-again`);
      await takeCheckpoint(store, 2);
    });
  }
});

test('whatever is acknowledged survives power cuts at any moment, and restarts go on from it (O5, F38)', async () => {
  const lives = fc.array(
    fc.record({ stopAfterMs: fc.nat(90), faults: fc.array(fc.nat(9), { maxLength: 6 }) }),
    {
      minLength: 2,
      maxLength: 6,
    },
  );
  let restored = 0;
  const kinds: KeyValueFault[] = ['reject', 'rejectVisible', 'rejectWritten', 'hang', 'hangWritten', 'full'];
  const property = fc.asyncProperty(fc.nat(), lives, async (seed, plan) => {
    let runtime = virtualRuntime({ seed, order: 'random' });
    let confirmed = 0;
    let handedOver = 0;
    for (const { stopAfterMs, faults } of plan) {
      const current = runtime;
      const left = faults.map((n): KeyValueFault => kinds[n] ?? { delayMs: n });
      current.faults.keyValues = (operation) =>
        operation === 'commit' ? (left.shift() ?? { delayMs: 1 }) : null;
      let dead = false;
      const life = async (): Promise<void> => {
        const { store, latest, attempt, lastCheckpointId } = await begun(current);
        if (latest !== null) {
          restored += 1;
          // Exactly its own content, not older than what was confirmed, not newer than what was ever handed over.
          expect(readBack(store, latest)).toEqual([[latest.checkpoint % 256, latest.attempt, 0]]);
          expect(latest.checkpoint).toBeLessThanOrEqual(handedOver);
        }
        expect(latest?.checkpoint ?? 0).toBeGreaterThanOrEqual(confirmed);
        expect(lastCheckpointId).toBeGreaterThanOrEqual(latest?.checkpoint ?? 0);
        for (let id = lastCheckpointId + 1; !dead; id += 1) {
          const ref = await putSegment(store, id, attempt);
          handedOver = id;
          await store.complete(countManifest(id, [ref], attempt));
          if (!dead) confirmed = id;
        }
      };
      let failure: unknown = null;
      life().catch((error: unknown) => {
        // A broken store ends this life; an expectation that fails ends the test.
        if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('WEIR_STORE')))
          failure = error;
      });
      await current.advance(stopAfterMs);
      dead = true;
      if (failure !== null) throw failure;
      runtime = current.crashProcess({ unsynced: 'lost' });
    }
  });
  await fc.assert(property, { numRuns: 200 });
  expect(restored).toBeGreaterThan(20);
});

function takenOf<T>(value: T | null): T {
  if (value === null) throw new Error('expected a checkpoint');
  return value;
}
