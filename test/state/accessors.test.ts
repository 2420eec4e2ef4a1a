import { describe, expect, test } from 'vitest';
import { KeyError, RestoreError, StateError } from '../../src/base/errors.js';
import type { KeyedBackend } from '../../src/state/keyed-backend.js';
import { fullSnapshot, restarted, testBackend, withKey } from './backends.js';

function opened(backend: KeyedBackend = testBackend()) {
  backend.setKey('k');
  return {
    backend,
    value: backend.value<unknown>('value'),
    list: backend.list<unknown>('list'),
    map: backend.map<unknown, unknown>('map'),
    sum: backend.reducing<number>('sum', { reduce: (a, b) => a + b }),
    average: backend.aggregating<number, { n: number; sum: number }, number>('average', {
      aggregate: {
        createAccumulator: () => ({ n: 0, sum: 0 }),
        add: (acc, x) => {
          acc.n += 1;
          acc.sum += x;
          return acc;
        },
        getResult: (acc) => acc.sum / acc.n,
      },
    }),
  };
}

describe('value state (4.2)', () => {
  test('is undefined until it is set, and again after it is cleared', () => {
    const { value } = opened();
    expect(value.get()).toBeUndefined();
    value.set(0);
    expect(value.get()).toBe(0);
    value.clear();
    expect(value.get()).toBeUndefined();
  });

  test('setting null or undefined clears', () => {
    const { value, backend } = opened();
    for (const nothing of [null, undefined]) {
      value.set('x');
      value.set(nothing);
      expect(value.get()).toBeUndefined();
      expect(backend.size).toBe(0);
    }
  });

  test('belongs to its key', () => {
    const { value, backend } = opened();
    const keys = [1, 1n, '1', true, [1], { a: 1, b: 2 }, Number.NaN, new Date(1)];
    for (const [index, key] of keys.entries()) withKey(backend, key, () => value.set(index));
    for (const [index, key] of keys.entries()) withKey(backend, key, () => expect(value.get()).toBe(index));
    withKey(backend, { b: 2, a: 1 }, () => expect(value.get()).toBe(5));
    withKey(backend, -0, () => value.set('zero'));
    withKey(backend, 0, () => expect(value.get()).toBe('zero'));
  });
});

describe('list state (4.3)', () => {
  test('is an empty array when there is nothing', () => {
    expect(opened().list.get()).toEqual([]);
  });

  test('keeps the order of add, addAll and set', () => {
    const { list } = opened();
    list.add(1);
    list.addAll(new Set([2, 3]));
    expect(list.get()).toEqual([1, 2, 3]);
    list.set([4]);
    list.add(5);
    expect(list.get()).toEqual([4, 5]);
  });

  test('setting an empty list clears, adding nothing adds nothing', () => {
    const { list, backend } = opened();
    list.addAll([]);
    expect(backend.size).toBe(0);
    list.add(1);
    list.set([]);
    expect(list.get()).toEqual([]);
    expect(backend.size).toBe(0);
  });

  test('refuses null and undefined elements and stays as it was', () => {
    const { list } = opened();
    list.add(1);
    expect(() => list.add(null)).toThrow(StateError);
    expect(() => list.addAll([2, undefined])).toThrow('"list" is never undefined');
    expect(() => list.set([null])).toThrow(StateError);
    expect(list.get()).toEqual([1]);
  });

  test('an array that was read does not change when the list does', () => {
    for (const freeze of [true, false]) {
      const { list } = opened(testBackend({ freeze }));
      list.add(1);
      const before = list.get();
      list.add(2);
      list.add(3);
      expect(before).toEqual([1]);
      expect(list.get()).toEqual([1, 2, 3]);
    }
  });
});

describe('map state (4.4)', () => {
  test('gets, sets, has, deletes, counts', () => {
    const { map } = opened();
    expect([map.get('a'), map.has('a'), map.size, map.isEmpty()]).toEqual([undefined, false, 0, true]);
    map.set('a', 1);
    map.set({ x: 1, y: 2 }, null);
    expect([map.get('a'), map.has('a'), map.size, map.isEmpty()]).toEqual([1, true, 2, false]);
    expect(map.get({ y: 2, x: 1 })).toBeNull();
    expect([map.delete('a'), map.delete('a')]).toEqual([true, false]);
    expect([...map.keys()]).toEqual([{ x: 1, y: 2 }]);
  });

  test('a map that has lost its last entry is gone (4.B)', () => {
    const { map, backend } = opened();
    map.set('a', 1);
    map.set('b', 2);
    map.delete('a');
    map.delete('b');
    expect(backend.size).toBe(0);
    expect(fullSnapshot(backend)).toEqual([]);
    map.set('c', 1);
    map.clear();
    expect([map.size, backend.size]).toEqual([0, 0]);
  });

  test('iterating goes over the keys of its beginning, skips removed ones and sees current values', () => {
    const { map } = opened();
    for (const key of [1, 2, 3, 4]) map.set(key, key);
    const seen: unknown[] = [];
    for (const [key, value] of map.entries()) {
      seen.push([key, value]);
      map.set(10 + Number(key), 'new');
      map.delete(2);
      map.set(3, 'changed');
    }
    expect(seen).toEqual([
      [1, 1],
      [3, 'changed'],
      [4, 4],
    ]);
    expect(map.size).toBe(6);
  });

  test('clearing a map ends an iteration over it', () => {
    const { map } = opened();
    for (const key of [1, 2, 3]) map.set(key, key);
    const seen: unknown[] = [];
    for (const key of map.keys()) {
      seen.push(key);
      map.clear();
      map.set(2, 'again');
    }
    expect(seen).toEqual([1]);
    expect([...map.values()]).toEqual(['again']);
  });

  test('refuses what cannot be a key', () => {
    expect(() => opened().map.set(undefined, 1)).toThrow(KeyError);
  });
});

describe('reducing and aggregating state (4.5)', () => {
  test('fold what is added', () => {
    const { sum, average } = opened();
    expect([sum.get(), average.get()]).toEqual([undefined, undefined]);
    for (const x of [1, 2, 6]) {
      sum.add(x);
      average.add(x);
    }
    expect([sum.get(), average.get()]).toEqual([9, 3]);
    sum.clear();
    average.clear();
    expect([sum.get(), average.get()]).toEqual([undefined, undefined]);
  });

  test('a sum of 0 is not an absent sum', () => {
    const { sum } = opened();
    sum.add(1);
    sum.add(-1);
    expect(sum.get()).toBe(0);
    sum.add(5);
    expect(sum.get()).toBe(5);
  });
});

describe('stored objects (4.6)', () => {
  test('are frozen in development, all the way down', () => {
    const { value, list, map } = opened();
    value.set({ deep: { items: [1] } });
    list.add({ n: 1 });
    map.set('a', { n: 1 });
    expect(() => (value.get() as { deep: { items: number[] } }).deep.items.push(2)).toThrow(TypeError);
    expect(() => Object.assign(list.get()[0] as object, { n: 2 })).toThrow(TypeError);
    expect(() => (list.get() as unknown[]).push(1)).toThrow(TypeError);
    expect(() => Object.assign(map.get('a') as object, { n: 2 })).toThrow(TypeError);
  });

  test('are frozen after a restore as well; accumulators are not', () => {
    const first = opened();
    first.value.set({ n: 1 });
    first.list.add({ n: 1 });
    first.average.add(4);
    const { value, list, average } = opened(restarted(first.backend));
    expect(() => Object.assign(value.get() as object, { n: 2 })).toThrow(TypeError);
    expect(() => Object.assign(list.get()[0] as object, { n: 2 })).toThrow(TypeError);
    list.add(2);
    average.add(2);
    expect([list.get(), average.get()]).toEqual([[{ n: 1 }, 2], 3]);
  });

  test('changed while a snapshot is written, they do not change the snapshot', () => {
    const { backend, value, list, map } = opened(testBackend({ freeze: false }));
    value.set({ n: 1 });
    list.add({ n: 1 });
    map.set('a', { n: 1 });
    const walk = backend.beginSnapshot({ checkpoint: 1, baseCheckpoint: null });
    const readers = [value.get(), list.get()[0], [...map.values()][0]] as { n: number }[];
    for (const each of readers) each.n = 99;
    const restored = testBackend();
    restored.restore([walk.next(100).chunks]);
    const again = opened(restored);
    expect([again.value.get(), again.list.get()[0], again.map.get('a')]).toEqual([
      { n: 1 },
      { n: 1 },
      { n: 1 },
    ]);
  });

  test('of every kind that the codec keeps come back', () => {
    const kept = [
      { date: new Date(5), big: 2n ** 70n, nothing: null, gap: undefined, nan: Number.NaN },
      new Map([['a', { n: new Set([1]) }]]),
      new Uint8Array([1, 2]),
      new Float64Array([1.5]),
      new BigInt64Array([1n]),
      'text',
      -1.5,
      [[[]]],
    ];
    const { backend, list } = opened();
    list.set(kept);
    expect(opened(restarted(backend)).list.get()).toEqual(kept);
  });

  test('of every kind are copied or encoded before they change during a snapshot', () => {
    for (const make of [
      () => ({ n: { m: [new Date(5)] } }),
      () => new Map([['a', { n: 1 }]]),
      () => new Set([[1]]),
      () => Buffer.from([1, 2]),
      () => new BigInt64Array([1n]),
      () => ({ at: new BigInt64Array([1n]) }),
      () => [new Int16Array([5])],
    ]) {
      const backend = testBackend({ freeze: false });
      const windows = backend.windows<unknown>('w');
      backend.setKey('k');
      const entry = windows.put(0, 1, make());
      const walk = backend.beginSnapshot({ checkpoint: 1, baseCheckpoint: null });
      windows.touch(entry);
      scramble(entry.value);
      const restored = testBackend();
      restored.restore([walk.next(100).chunks]);
      const expected = make();
      const got = withKey(restored, 'k', () => restored.windows<unknown>('w').get(0, 1)?.value);
      expect(got).toStrictEqual(expected);
    }
  });

  test('that cannot be stored are named with their state when the snapshot meets them', () => {
    const { backend, value } = opened(testBackend({ freeze: false }));
    value.set({ first: true });
    withKey(backend, 'other', () => value.set({ callback: () => 1 }));
    const walk = backend.beginSnapshot({ checkpoint: 1, baseCheckpoint: null });
    expect(() => walk.next(10)).toThrow(StateError);
    withKey(backend, 'other', () => value.set('plain'));
    const again = backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: null });
    expect(again.next(10).done).toBe(true);
  });
});

/** Changes everything inside a value in place. */
function scramble(value: unknown): void {
  if (ArrayBuffer.isView(value)) new Uint8Array(value.buffer, value.byteOffset, value.byteLength).fill(77);
  else if (value instanceof Date) value.setTime(0);
  else if (value instanceof Map || value instanceof Set) {
    for (const part of value.values()) scramble(part);
    value.clear();
  } else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) scramble(part);
    Object.assign(value, { scrambled: true });
    if (Array.isArray(value)) value.length = 0;
  }
}

describe('using state wrongly', () => {
  test('without a key is refused, naming state and operator (4.1)', () => {
    const states = opened();
    states.backend.clearKey();
    const windows = states.backend.windows<number>('w');
    const uses: readonly (readonly [string, () => unknown])[] = [
      ['value', () => states.value.get()],
      ['value', () => states.value.set(1)],
      ['value', () => states.value.clear()],
      ['list', () => states.list.get()],
      ['list', () => states.list.add(1)],
      ['list', () => states.list.set([])],
      ['map', () => states.map.get(1)],
      ['map', () => states.map.set(1, 1)],
      ['map', () => [...states.map.keys()]],
      ['map', () => states.map.size],
      ['sum', () => states.sum.add(1)],
      ['average', () => states.average.get()],
      ['w', () => windows.get(0, 1)],
      ['w', () => windows.put(0, 1, 1)],
      ['timers', () => states.backend.timers.registerEvent(1)],
      ['the current key', () => states.backend.currentKey()],
    ];
    for (const [name, use] of uses) {
      expect(use, name).toThrow(StateError);
      expect(use).toThrow(`"${name}" was used without one. [operator "op" subtask 0]`);
    }
  });

  test('a name belongs to one kind (4.7)', () => {
    const { backend } = opened();
    for (const declare of [
      () => backend.list('value'),
      () => backend.map('value'),
      () => backend.windows('value'),
      () => backend.value('value', { ttl: 5 }),
      () => backend.value('timers/event'),
    ]) {
      expect(declare).toThrow(StateError);
    }
    expect(() => backend.list('value')).toThrow('declared as list state without a time to live');
  });

  test('declaring the same state twice gives the same state', () => {
    const { backend, value } = opened();
    value.set(1);
    expect(backend.value('value').get()).toBe(1);
  });

  test('state restored as another kind, or with another use of time to live, is refused (4.13, 4.20)', () => {
    const { backend, value } = opened();
    value.set(1);
    expect(() => restarted(backend).list('value')).toThrow(RestoreError);
    expect(() => restarted(backend).value('value', { ttl: 5 })).toThrow(RestoreError);
    expect(() => restarted(backend).list('value')).toThrow('the restored snapshot has value state');
    const declaredFirst = testBackend();
    declaredFirst.list('value');
    expect(() => declaredFirst.restore([fullSnapshot(backend, 7)])).toThrow(RestoreError);
  });

  test('a key that cannot be one names the operator', () => {
    expect(() => testBackend().setKey(undefined)).toThrow('operator "op"');
    expect(() => testBackend().setKey(null)).toThrow(KeyError);
  });
});

describe('the key in hand', () => {
  test('comes back as it was given, from records and from tables', () => {
    const backend = testBackend();
    const windows = backend.windows<number>('w');
    const keys = [1, 2.5, 'a', '\u0000', 1n, true, [1, { a: 2 }], { x: new Date(3) }, Number.NaN];
    for (const key of keys) {
      backend.setKey(key);
      expect(backend.currentKey()).toEqual(key);
      windows.put(0, 1, 0);
    }
    const restored = restarted(backend);
    const back = [...restored.windows<number>('w').entries(0, 1)].map(({ key }) => {
      restored.setMapKey(key);
      return restored.currentKey();
    });
    expect(back).toEqual(keys);
  });

  test('is never the one before', () => {
    const backend = testBackend();
    for (const key of [{ a: 1 }, 5, 'x', [2], '\u0000', { b: 1 }, Number.NaN, true]) {
      backend.setKey(key);
      expect(backend.currentKey()).toEqual(key);
    }
  });

  test('keys that UTF-8 cannot tell apart stay apart through a snapshot', () => {
    const backend = testBackend();
    const value = backend.value<string>('v');
    const keys = ['\ud800', '\udfff', 'a\ud801', ['\ud800'], '😀', 2n ** 80n, -5n];
    for (const key of keys) withKey(backend, key, () => value.set(JSON.stringify(String(key))));
    const restored = restarted(backend);
    const again = restored.value<string>('v');
    for (const key of keys)
      withKey(restored, key, () => expect(again.get()).toBe(JSON.stringify(String(key))));
    expect(restored.size).toBe(keys.length);
  });
});
