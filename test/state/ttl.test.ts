import { describe, expect, test } from 'vitest';
import { StateError } from '../../src/base/errors.js';
import { MAX_TIMESTAMP } from '../../src/base/timestamps.js';
import type { TtlOptions } from '../../src/state/descriptors.js';
import type { KeyedBackend } from '../../src/state/keyed-backend.js';
import { fullSnapshot, restarted, testBackend } from './backends.js';

/** One key, a clock, and a snapshot with restore after every step (T4.1). Cleanup in the background is off by default. */
function scenario(ttl: TtlOptions) {
  const clock = { nowMs: 0 };
  const options: TtlOptions = { cleanup: { entriesPerAccess: 0 }, ...ttl };
  let backend = testBackend({ clock });
  return {
    at<T>(nowMs: number, step: (backend: KeyedBackend, options: { ttl: TtlOptions }) => T): T {
      clock.nowMs = nowMs;
      backend.setKey('k');
      const result = step(backend, { ttl: options });
      backend = restarted(backend, { clock });
      return result;
    },
    get entries(): number {
      return backend.size;
    },
  };
}

const write = (value: unknown) => (backend: KeyedBackend, options: { ttl: TtlOptions }) =>
  backend.value('v', options).set(value);
const read = (backend: KeyedBackend, options: { ttl: TtlOptions }) => backend.value('v', options).get();

describe('values', () => {
  test('T4.1: writing refreshes, reading does not, what has expired is gone', () => {
    const run = scenario({ ttlMs: 100 });
    run.at(0, write('a'));
    expect(run.at(20, read)).toBe('a');
    run.at(50, write('b'));
    expect(run.at(120, read)).toBe('b');
    run.at(170, write('c'));
    expect(run.at(220, read)).toBe('c');
    expect(run.at(300, read)).toBeUndefined();
    expect(run.entries).toBe(0);
  });

  test('T4.3: what has expired is returned once and then gone', () => {
    const run = scenario({
      ttlMs: 100,
      visibility: 'returnExpiredIfNotCleanedUp',
      cleanup: { onFullSnapshot: false },
    });
    run.at(0, write('a'));
    expect(run.at(120, read)).toBe('a');
    expect(run.at(120, read)).toBeUndefined();
  });

  test('T4.4: a time to live without end does not overflow', () => {
    for (const ttlMs of [MAX_TIMESTAMP, Number.POSITIVE_INFINITY]) {
      const run = scenario({ ttlMs });
      run.at(10, write('a'));
      expect(run.at(50, read)).toBe('a');
    }
  });

  test('has expired exactly when last access plus time to live is the clock (4.8)', () => {
    const run = scenario({ ttlMs: 100 });
    run.at(0, write('a'));
    expect(run.at(99, read)).toBe('a');
    expect(run.at(100, read)).toBeUndefined();
  });

  test('reading refreshes when asked to, but revives nothing (4.9)', () => {
    const run = scenario({ ttlMs: 100, update: 'onReadAndWrite' });
    run.at(0, write('a'));
    expect(run.at(90, read)).toBe('a');
    expect(run.at(180, read)).toBe('a');
    expect(run.at(280, read)).toBeUndefined();
    expect(run.at(281, read)).toBeUndefined();
  });

  test('a restore with another time to live applies the new one to the old access times (4.13)', () => {
    const clock = { nowMs: 0 };
    const backend = testBackend({ clock });
    backend.setKey('k');
    backend.value('v', { ttl: 1_000 }).set('a');
    const restored = restarted(backend, { clock });
    restored.setKey('k');
    clock.nowMs = 50;
    const value = restored.value('v', { ttl: 100 });
    expect(value.get()).toBe('a');
    clock.nowMs = 100;
    expect(value.get()).toBeUndefined();
  });

  test('a time to live of nothing is refused', () => {
    for (const ttl of [0, -1, Number.NaN])
      expect(() => testBackend().value('v', { ttl })).toThrow(StateError);
  });
});

describe('lists and maps expire element by element (4.11)', () => {
  test('an expired element disappears from the middle of a list', () => {
    const run = scenario({ ttlMs: 100 });
    const list = (backend: KeyedBackend, options: { ttl: TtlOptions }) => backend.list<string>('l', options);
    run.at(0, (b, o) => list(b, o).add('a'));
    run.at(60, (b, o) => list(b, o).addAll(['b', 'c']));
    expect(run.at(99, (b, o) => list(b, o).get())).toEqual(['a', 'b', 'c']);
    expect(run.at(100, (b, o) => list(b, o).get())).toEqual(['b', 'c']);
    run.at(110, (b, o) => list(b, o).add('d'));
    expect(run.at(160, (b, o) => list(b, o).get())).toEqual(['d']);
    expect(run.at(300, (b, o) => list(b, o).get())).toEqual([]);
    expect(run.entries).toBe(0);
  });

  test('an expired list element can be returned once', () => {
    const run = scenario({
      ttlMs: 100,
      visibility: 'returnExpiredIfNotCleanedUp',
      cleanup: { onFullSnapshot: false },
    });
    run.at(0, (b, o) => b.list('l', o).add('a'));
    run.at(60, (b, o) => b.list('l', o).add('b'));
    expect(run.at(110, (b, o) => b.list('l', o).get())).toEqual(['a', 'b']);
    expect(run.at(110, (b, o) => b.list('l', o).get())).toEqual(['b']);
  });

  test('reading a list refreshes what has not expired', () => {
    const run = scenario({ ttlMs: 100, update: 'onReadAndWrite' });
    run.at(0, (b, o) => b.list('l', o).add('a'));
    run.at(50, (b, o) => b.list('l', o).add('b'));
    expect(run.at(120, (b, o) => b.list('l', o).get())).toEqual(['b']);
    expect(run.at(200, (b, o) => b.list('l', o).get())).toEqual(['b']);
    expect(run.at(300, (b, o) => b.list('l', o).get())).toEqual([]);
  });

  test('each entry of a map has its own time', () => {
    const run = scenario({ ttlMs: 100 });
    run.at(0, (b, o) => b.map('m', o).set('a', 1));
    run.at(60, (b, o) => b.map('m', o).set('b', 2));
    const look = (b: KeyedBackend, o: { ttl: TtlOptions }) => {
      const map = b.map('m', o);
      return { size: map.size, a: map.has('a'), entries: [...map.entries()], deleted: map.delete('zzz') };
    };
    expect(run.at(99, look)).toEqual({
      size: 2,
      a: true,
      entries: [
        ['a', 1],
        ['b', 2],
      ],
      deleted: false,
    });
    expect(run.at(100, look)).toEqual({ size: 1, a: false, entries: [['b', 2]], deleted: false });
    expect(run.at(160, (b, o) => b.map('m', o).isEmpty())).toBe(true);
    expect(run.entries).toBe(0);
  });

  test('deleting an expired map entry finds nothing', () => {
    const clock = { nowMs: 0 };
    const backend = testBackend({ clock });
    backend.setKey('k');
    const map = backend.map('m', { ttl: 100 });
    map.set('a', 1);
    clock.nowMs = 100;
    expect([map.has('a'), map.delete('a'), backend.size]).toEqual([false, false, 0]);
  });
});

describe('folds expire whole (4.11)', () => {
  const sum = (backend: KeyedBackend, options: { ttl: TtlOptions }) =>
    backend.reducing<number>('sum', { ...options, reduce: (a, b) => a + b });

  test('an expired sum starts anew, even if a reader could still see it', () => {
    for (const visibility of ['neverReturnExpired', 'returnExpiredIfNotCleanedUp'] as const) {
      const run = scenario({ ttlMs: 100, visibility });
      run.at(0, (b, o) => sum(b, o).add(1));
      run.at(90, (b, o) => sum(b, o).add(2));
      expect(run.at(189, (b, o) => sum(b, o).get())).toBe(3);
      run.at(190, (b, o) => sum(b, o).add(10));
      expect(run.at(190, (b, o) => sum(b, o).get())).toBe(10);
    }
  });
});

describe('cleanup (4.12)', () => {
  function filled(ttl: TtlOptions, clock: { nowMs: number }): KeyedBackend {
    const backend = testBackend({ clock });
    const value = backend.value<number>('v', { ttl });
    for (let key = 0; key < 20; key += 1) {
      backend.setKey(key);
      value.set(key);
    }
    return backend;
  }

  test('each access looks at the next entries, and comes round', () => {
    const clock = { nowMs: 0 };
    const ttl = { ttlMs: 100 };
    const backend = filled(ttl, clock);
    clock.nowMs = 100;
    backend.setKey('another');
    const value = backend.value('v', { ttl });
    value.set(1);
    expect(backend.size).toBe(16);
    for (let access = 0; access < 8; access += 1) value.get();
    expect(backend.size).toBe(1);
    expect(value.get()).toBe(1);
  });

  test('without access nothing goes, unless every record looks', () => {
    const clock = { nowMs: 0 };
    const lazy = filled({ ttlMs: 100 }, clock);
    clock.nowMs = 0;
    const eager = filled({ ttlMs: 100, cleanup: { onEveryRecord: true } }, clock);
    clock.nowMs = 100;
    for (let record = 0; record < 8; record += 1) {
      lazy.setKey('elsewhere');
      eager.setKey('elsewhere');
    }
    expect([lazy.size, eager.size]).toEqual([20, 0]);
  });

  test('lists lose expired elements to the sweep', () => {
    const clock = { nowMs: 0 };
    const backend = testBackend({ clock });
    const list = backend.list('l', { ttl: 100 });
    backend.setKey(1);
    list.add('a');
    backend.setKey(2);
    list.add('b');
    clock.nowMs = 60;
    list.add('c');
    clock.nowMs = 100;
    backend.setKey(3);
    list.add('d');
    expect(backend.size).toBe(2);
    backend.setKey(2);
    expect(list.get()).toEqual(['c']);
  });

  test('full snapshots leave expired entries out; the copy in memory stays', () => {
    const clock = { nowMs: 0 };
    const ttl = { ttlMs: 100, cleanup: { entriesPerAccess: 0 } };
    const backend = filled(ttl, clock);
    clock.nowMs = 100;
    expect(fullSnapshot(backend)).toEqual([]);
    expect(backend.size).toBe(20);
    const kept = filled({ ttlMs: 100, cleanup: { onFullSnapshot: false } }, { nowMs: 0 });
    clock.nowMs = 100;
    expect(fullSnapshot(kept)).not.toEqual([]);
  });

  test('an increment does not bring an older value back to life under a longer time to live', () => {
    const clock = { nowMs: 0 };
    const backend = testBackend({ clock });
    const value = backend.value<string>('v', { ttl: { ttlMs: 100, cleanup: { entriesPerAccess: 0 } } });
    backend.setKey('k');
    value.set('old');
    const base = fullSnapshot(backend, 1);
    backend.onCheckpointComplete(1);
    clock.nowMs = 10;
    value.set('new');
    clock.nowMs = 500;
    const walk = backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: 1 });
    const increment = walk.next(100).chunks;
    expect(walk.full).toBe(false);
    const restored = testBackend({ clock });
    restored.restore([base, increment]);
    restored.setKey('k');
    expect(restored.value('v', { ttl: 10_000 }).get()).toBe('new');
  });
});
