import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../src/base/assert.js';
import { RestoreError } from '../../src/base/errors.js';
import { SNAPSHOT_CHUNK_BYTES } from '../../src/base/limits.js';
import { KeyedBackend } from '../../src/state/keyed-backend.js';
import { readChunk } from '../../src/state/snapshot-reading.js';
import { finish, fullSnapshot, restarted, testBackend, withKey } from './backends.js';

/** A backend with values 0 to n - 1 under the keys 0 to n - 1. */
function counting(n: number) {
  const backend = testBackend();
  const value = backend.value<unknown>('v');
  const set = (key: number, to: unknown) => withKey(backend, key, () => value.set(to));
  for (let key = 0; key < n; key += 1) set(key, key);
  return { backend, set };
}

function valuesOf(segments: Uint8Array[][], keys: readonly number[]): unknown[] {
  const backend = testBackend();
  backend.restore(segments);
  const value = backend.value<unknown>('v');
  return keys.map((key) => withKey(backend, key, () => value.get()));
}

describe('increments', () => {
  test('hold what changed since their base, and nothing else', () => {
    const { backend, set } = counting(100);
    const base = fullSnapshot(backend, 1);
    backend.onCheckpointComplete(1);
    set(7, 'changed');
    set(200, 'new');
    set(8, null);
    const walk = backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: 1 });
    const increment = finish(walk);
    expect([walk.full, walk.entries]).toEqual([false, 2]);
    expect(valuesOf([base, increment], [6, 7, 8, 200])).toEqual([6, 'changed', undefined, 'new']);
  });

  test('of unchanged state are empty', () => {
    const { backend } = counting(100);
    fullSnapshot(backend, 1);
    backend.onCheckpointComplete(1);
    const walk = backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: 1 });
    expect([finish(walk), walk.full]).toEqual([[], false]);
  });

  test('reach over checkpoints that never completed', () => {
    const { backend, set } = counting(10);
    const base = fullSnapshot(backend, 1);
    backend.onCheckpointComplete(1);
    set(1, 'a');
    set(4, null);
    finish(backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: 1 }));
    set(2, 'b');
    backend.beginSnapshot({ checkpoint: 3, baseCheckpoint: 1 }).cancel();
    set(3, 'c');
    const increment = finish(backend.beginSnapshot({ checkpoint: 4, baseCheckpoint: 1 }));
    expect(valuesOf([base, increment], [0, 1, 2, 3, 4])).toEqual([0, 'a', 'b', 'c', undefined]);
  });

  test('build on a checkpoint that completed late', () => {
    const { backend, set } = counting(10);
    fullSnapshot(backend, 1);
    set(1, 'a');
    const second = fullSnapshot(backend, 2);
    backend.onCheckpointComplete(1);
    backend.onCheckpointComplete(2);
    set(2, 'b');
    const walk = backend.beginSnapshot({ checkpoint: 3, baseCheckpoint: 2 });
    const increment = finish(walk);
    expect([walk.full, walk.entries]).toEqual([false, 1]);
    expect(valuesOf([second, increment], [1, 2, 3])).toEqual(['a', 'b', 3]);
  });

  test('stay possible however long keys come and go: older removals are forgotten', () => {
    const { backend, set } = counting(100);
    fullSnapshot(backend, 1);
    for (let checkpoint = 2; checkpoint < 60; checkpoint += 1) {
      backend.onCheckpointComplete(checkpoint - 1);
      for (let key = 0; key < 50; key += 1) set(key, null);
      for (let key = 0; key < 50; key += 1) set(key, checkpoint);
      const walk = backend.beginSnapshot({ checkpoint, baseCheckpoint: checkpoint - 1 });
      finish(walk);
      expect(walk.full).toBe(false);
    }
  });

  test('keep a key that went and came again, even if it changes before the removals are written (C1)', () => {
    const { backend, set } = counting(10);
    const base = fullSnapshot(backend, 1);
    backend.onCheckpointComplete(1);
    set(3, null);
    set(3, 'again');
    const walk = backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: 1 });
    set(3, 'later');
    const increment = finish(walk);
    expect(walk.full).toBe(false);
    expect(valuesOf([base, increment], [3])).toEqual(['again']);
  });

  test('hold their removals although a later base completes meanwhile (R2)', () => {
    const { backend, set } = counting(10);
    const base = fullSnapshot(backend, 1);
    backend.onCheckpointComplete(1);
    set(3, null);
    finish(backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: 1 }));
    set(4, null);
    const walk = backend.beginSnapshot({ checkpoint: 3, baseCheckpoint: 1 });
    backend.onCheckpointComplete(2);
    expect(valuesOf([base, finish(walk)], [2, 3, 4])).toEqual([2, undefined, undefined]);
  });

  test('hold their removals although the log overflows meanwhile (R2)', () => {
    const { backend, set } = counting(2_000);
    const base = fullSnapshot(backend, 1);
    backend.onCheckpointComplete(1);
    set(3, null);
    const walk = backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: 1 });
    for (let key = 0; key < 2_000; key += 1) set(key, null);
    const increment = finish(walk);
    expect([walk.full, backend.size]).toEqual([false, 0]);
    expect(valuesOf([base, increment], [2, 3, 1_999])).toEqual([2, undefined, 1_999]);
    backend.onCheckpointComplete(2);
    expect(backend.beginSnapshot({ checkpoint: 3, baseCheckpoint: 2 }).full).toBe(true);
  });

  test('build chains', () => {
    const { backend, set } = counting(10);
    const segments = [fullSnapshot(backend, 1)];
    for (let checkpoint = 2; checkpoint <= 6; checkpoint += 1) {
      backend.onCheckpointComplete(checkpoint - 1);
      set(checkpoint, `in ${checkpoint}`);
      set(checkpoint - 1, null);
      segments.push(finish(backend.beginSnapshot({ checkpoint, baseCheckpoint: checkpoint - 1 })));
    }
    expect(valuesOf(segments, [0, 1, 4, 5, 6, 7])).toEqual([0, undefined, undefined, undefined, 'in 6', 7]);
  });

  test('are refused without a base that completed, or on another one', () => {
    const { backend } = counting(10);
    fullSnapshot(backend, 1);
    const begin = (checkpoint: number, baseCheckpoint: number | null) => {
      const walk = backend.beginSnapshot({ checkpoint, baseCheckpoint });
      finish(walk);
      return walk.full;
    };
    expect(begin(2, 1)).toBe(true);
    backend.onCheckpointComplete(2);
    expect([begin(3, 1), begin(4, null), begin(5, 2)]).toEqual([true, true, false]);
    backend.onCheckpointComplete(99);
    expect(begin(6, 2)).toBe(false);
  });

  test('of a checkpoint that was cancelled are no base', () => {
    const { backend } = counting(10);
    backend.beginSnapshot({ checkpoint: 1, baseCheckpoint: null }).cancel();
    backend.onCheckpointComplete(1);
    expect(backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: 1 }).full).toBe(true);
  });

  test('give way to a full snapshot when removals outweigh what is left', () => {
    const { backend, set } = counting(10);
    fullSnapshot(backend, 1);
    backend.onCheckpointComplete(1);
    for (let key = 0; key < 8; key += 1) set(key, null);
    const walk = backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: 1 });
    expect(walk.full).toBe(true);
    expect(valuesOf([finish(walk)], [7, 8])).toEqual([undefined, 8]);
  });

  test('are given up when removals would fill the memory', () => {
    const { backend, set } = counting(0);
    for (let key = 0; key < 10_000; key += 1) set(key, 1);
    fullSnapshot(backend, 1);
    backend.onCheckpointComplete(1);
    for (let key = 0; key < 10_000; key += 1) set(key, null);
    for (let key = 0; key < 20_000; key += 1) set(key, 2);
    const walk = backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: 1 });
    expect(walk.full).toBe(true);
    finish(walk);
    backend.onCheckpointComplete(2);
    expect(backend.beginSnapshot({ checkpoint: 3, baseCheckpoint: 2 }).full).toBe(false);
  });

  test('a key that comes and goes between two snapshots leaves no removal', () => {
    const { backend, set } = counting(5);
    fullSnapshot(backend, 1);
    backend.onCheckpointComplete(1);
    for (let key = 100; key < 5_000; key += 1) {
      set(key, 1);
      set(key, null);
    }
    const walk = backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: 1 });
    expect([finish(walk), walk.full]).toEqual([[], false]);
  });

  test('can go on after a restore when nobody else has the state', () => {
    const { backend, set } = counting(10);
    set(3, 'x');
    const base = fullSnapshot(backend, 5);
    const next = testBackend();
    next.restore([base], { baseCheckpoint: 5 });
    withKey(next, 4, () => next.value('v').set('y'));
    withKey(next, 3, () => next.value('v').clear());
    const walk = next.beginSnapshot({ checkpoint: 6, baseCheckpoint: 5 });
    const increment = finish(walk);
    expect([walk.full, walk.entries]).toEqual([false, 1]);
    expect(valuesOf([base, increment], [2, 3, 4])).toEqual([2, undefined, 'y']);
    const without = testBackend();
    without.restore([base]);
    expect(without.beginSnapshot({ checkpoint: 6, baseCheckpoint: 5 }).full).toBe(true);
  });
});

describe('a walk', () => {
  test('writes about as many entries as a slice may have', () => {
    const { backend } = counting(1_000);
    const walk = backend.beginSnapshot({ checkpoint: 1, baseCheckpoint: null });
    let before = 0;
    for (let slice = 0; ; slice += 1) {
      const { done } = walk.next(64);
      expect(walk.entries - before).toBeLessThanOrEqual(64);
      before = walk.entries;
      if (done) break;
      expect(slice).toBeLessThan(50);
    }
    expect(walk.entries).toBe(1_000);
  });

  test('of nothing is done at once, without chunks', () => {
    const walk = testBackend().beginSnapshot({ checkpoint: 1, baseCheckpoint: null });
    expect(walk.next(1)).toEqual({ chunks: [], done: true });
  });

  test('ends although state grows faster than it walks', () => {
    const { backend, set } = counting(100);
    const walk = backend.beginSnapshot({ checkpoint: 1, baseCheckpoint: null });
    let slices = 0;
    for (let key = 1_000; !walk.next(1).done; slices += 1) {
      for (let more = 0; more < 100; more += 1, key += 1) set(key, key);
      expect(slices).toBeLessThan(200);
    }
    expect(walk.entries).toBe(100);
  });

  test('is alone: a second one is a bug of the caller', () => {
    const { backend } = counting(1);
    const walk = backend.beginSnapshot({ checkpoint: 1, baseCheckpoint: null });
    expect(() => backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: null })).toThrow(InvariantError);
    walk.cancel();
    walk.cancel();
    const next = backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: null });
    walk.cancel();
    expect(next.next(10).done).toBe(true);
    next.cancel();
    expect(() => next.next(10)).toThrow(InvariantError);
  });

  test('that was cancelled halfway leaves the next one complete', () => {
    const { backend, set } = counting(100);
    const first = backend.beginSnapshot({ checkpoint: 1, baseCheckpoint: null });
    first.next(30);
    set(90, 'changed');
    first.cancel();
    const restored = restarted(backend);
    expect(restored.size).toBe(100);
  });
});

describe('chunks', () => {
  test('are about 256 KB and each can be read by itself', () => {
    const { backend } = counting(60_000);
    const chunks = fullSnapshot(backend, 3);
    expect(chunks.length).toBeGreaterThan(1);
    let entries = 0;
    for (const chunk of chunks) {
      expect(chunk.byteLength).toBeLessThanOrEqual(SNAPSHOT_CHUNK_BYTES);
      const { header, frames } = readChunk(chunk);
      expect(header).toEqual({
        operator: 'op',
        subtask: 0,
        from: 0,
        to: 127,
        maxParallelism: 128,
        checkpoint: 3,
        full: true,
      });
      for (const frame of frames) {
        expect([frame.state, frame.stateKind, frame.stamped]).toEqual(['v', 'value', false]);
        for (const { keys } of frame.groups) entries += keys?.length ?? 0;
      }
    }
    expect(entries).toBe(60_000);
  });

  test('of large entries stay near their size', () => {
    const backend = testBackend();
    const value = backend.value<string>('v');
    for (let key = 0; key < 300; key += 1) withKey(backend, key, () => value.set('x'.repeat(20_000)));
    withKey(backend, 'huge', () => value.set('y'.repeat(3_000_000)));
    const sizes = fullSnapshot(backend).map((chunk) => chunk.byteLength);
    // The first frame may be too large, because nothing is known yet; the rest adapts to it.
    expect(sizes.filter((size) => size > 2 * SNAPSHOT_CHUNK_BYTES).length).toBeLessThanOrEqual(2);
    expect(restarted(backend).size).toBe(301);
  });

  test('of another version, or damaged, are refused', () => {
    const { backend } = counting(10);
    const chunk = fullSnapshot(backend)[0] ?? new Uint8Array(0);
    const newer = chunk.slice();
    newer[0] = 3;
    expect(() => testBackend().restore([[newer]])).toThrow('format version 1 or 2; this one has 3');
    for (const damaged of [
      chunk.slice(0, chunk.length - 1),
      chunk.slice(0, 3),
      new Uint8Array([1]),
      new Uint8Array(0),
    ]) {
      expect(() => testBackend().restore([[damaged]])).toThrow(RestoreError);
    }
  });

  test('of another maximum parallelism are refused (4.17)', () => {
    const { backend } = counting(10);
    const other = new KeyedBackend({
      operator: 'op',
      subtask: 0,
      maxParallelism: 256,
      range: { from: 0, to: 255 },
      freeze: true,
      processingTimeMs: () => 0,
    });
    expect(() => other.restore([fullSnapshot(backend)])).toThrow('128 here; the job has 256');
  });

  test('keep state that nobody has declared, for later snapshots', () => {
    const { backend } = counting(10);
    expect(valuesOf([fullSnapshot(restarted(restarted(backend)))], [3])).toEqual([3]);
  });
});
