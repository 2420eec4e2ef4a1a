import { describe, expect, test } from 'vitest';
import { StateError } from '../../src/base/errors.js';
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../../src/base/timestamps.js';
import { finish, fullSnapshot, restarted, testBackend, withKey } from './backends.js';

function filled() {
  const backend = testBackend();
  const windows = backend.windows<{ n: number }>('w');
  for (const key of ['a', 'b', 'c']) {
    backend.setKey(key);
    for (const start of [20, 0, 10]) windows.put(start, start + 10, { n: start });
  }
  return { backend, windows };
}

const show = (windows: readonly { start: number; end: number }[]) =>
  windows.map(({ start, end }) => `${start}-${end}`);

describe('windows', () => {
  test('are listed by end, then by start', () => {
    const { backend, windows } = filled();
    withKey(backend, 'a', () => windows.put(5, 20, { n: 0 }));
    expect(show(windows.windows())).toEqual(['0-10', '5-20', '10-20', '20-30']);
    expect(show(windows.windowsUpTo(20))).toEqual(['0-10', '5-20', '10-20']);
    expect(show(windows.windowsUpTo(9))).toEqual([]);
  });

  test('that come earlier than those already asked about are listed', () => {
    const { backend, windows } = filled();
    expect(show(windows.windowsUpTo(5))).toEqual([]);
    withKey(backend, 'a', () => windows.put(-10, 0, { n: 0 }));
    expect(show(windows.windowsUpTo(5))).toEqual(['-10-0']);
    windows.drop(-10, 0);
    expect(show(windows.windowsUpTo(5))).toEqual([]);
    expect(show(windows.windowsUpTo(10))).toEqual(['0-10']);
  });

  test('go with all their keys, and are gone from memory and snapshots', () => {
    const { backend, windows } = filled();
    expect(windows.drop(0, 10)).toBe(true);
    expect(windows.drop(0, 10)).toBe(false);
    expect([backend.size, windows.size(0, 10), [...windows.entries(0, 10)]]).toEqual([6, 0, []]);
    expect(show(windows.windowsUpTo(15))).toEqual([]);
    withKey(backend, 'a', () => expect(windows.get(0, 10)).toBeUndefined());
    for (const { start, end } of windows.windows()) windows.drop(start, end);
    expect([backend.size, fullSnapshot(backend)]).toEqual([0, []]);
  });

  test('go with their last key', () => {
    const { backend, windows } = filled();
    for (const key of ['a', 'b', 'c']) {
      withKey(backend, key, () => expect(windows.delete(10, 20)).toBe(true));
    }
    withKey(backend, 'a', () => expect(windows.delete(10, 20)).toBe(false));
    expect(show(windows.windows())).toEqual(['0-10', '20-30']);
    withKey(backend, 'a', () => windows.put(10, 20, { n: 1 }));
    expect(show(windows.windowsUpTo(20))).toEqual(['0-10', '10-20']);
  });

  test('of different lengths and one start are different windows', () => {
    const { backend, windows } = filled();
    backend.setKey('a');
    windows.put(0, 15, { n: 15 });
    windows.put(0, 0, { n: 0 });
    windows.put(MIN_TIMESTAMP, MAX_TIMESTAMP, { n: -1 });
    const values = () => [windows.get(0, 10)?.value, windows.get(0, 15)?.value, windows.get(0, 0)?.value];
    expect(values()).toEqual([{ n: 0 }, { n: 15 }, { n: 0 }]);
    windows.drop(0, 10);
    expect(values()).toEqual([undefined, { n: 15 }, { n: 0 }]);
    const restored = restarted(backend);
    expect(restored.windows('w').windows()).toEqual(windows.windows());
  });

  test('that end before they start are refused', () => {
    const { backend, windows } = filled();
    backend.setKey('a');
    expect(() => windows.put(5, 4, { n: 1 })).toThrow(StateError);
    expect(() => windows.put(Number.NaN, 4, { n: 1 })).toThrow(StateError);
  });

  test('keep the order of their keys over a restore', () => {
    const { backend, windows } = filled();
    const keys = () => [...windows.entries(0, 10)].map(({ key }) => key);
    expect(keys()).toEqual(['a', 'b', 'c']);
    const again = restarted(backend).windows('w');
    expect([...again.entries(0, 10)].map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  });
});

describe('entries', () => {
  test('can be read on after a pause: deleted ones are left out, new ones are met', () => {
    const { backend, windows } = filled();
    const seen: unknown[] = [];
    for (const { key } of windows.entries(0, 10)) {
      seen.push(key);
      if (key !== 'a') continue;
      withKey(backend, 'b', () => windows.delete(0, 10));
      withKey(backend, 'd', () => windows.put(0, 10, { n: 1 }));
    }
    expect(seen).toEqual(['a', 'c', 'd']);
  });

  test('changed in place after touch leave the running snapshot as it was', () => {
    const { backend, windows } = filled();
    const walk = backend.beginSnapshot({ checkpoint: 1, baseCheckpoint: null });
    for (const entry of windows.entries(0, 10)) {
      windows.touch(entry);
      entry.value.n = 99;
    }
    withKey(backend, 'a', () => windows.put(10, 20, { n: 99 }));
    windows.drop(20, 30);
    withKey(backend, 'z', () => windows.put(20, 30, { n: 99 }));
    const restored = testBackend();
    restored.restore([finish(walk)]);
    const again = restored.windows<{ n: number }>('w');
    for (const { start, end } of again.windows()) {
      const values = [...again.entries(start, end)].map(({ value }) => value.n);
      expect(values).toEqual([start, start, start]);
    }
    expect(restored.size).toBe(9);
  });

  test('changed in place after touch are in the next increment', () => {
    const { backend, windows } = filled();
    const base = fullSnapshot(backend, 1);
    backend.onCheckpointComplete(1);
    backend.setKey('b');
    const entry = windows.get(0, 10) ?? windows.put(0, 10, { n: 0 });
    windows.touch(entry);
    entry.value.n = 5;
    const walk = backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: 1 });
    const increment = finish(walk);
    expect([walk.full, walk.entries]).toEqual([false, 1]);
    const restored = testBackend();
    restored.restore([base, increment]);
    withKey(restored, 'b', () => expect(restored.windows('w').get(0, 10)?.value).toEqual({ n: 5 }));
  });
});

test('the same name is the same table', () => {
  const { backend, windows } = filled();
  expect(backend.windows('w')).toBe(windows);
});
