// Keys of another kind than those of the restored state are refused at the first record, not silently begun anew.

import { expect, test } from 'vitest';
import { RestoreError } from '../../src/base/errors.js';
import { KeyedBackend } from '../../src/state/keyed-backend.js';

function backend(): KeyedBackend {
  return new KeyedBackend({
    operator: 'count',
    subtask: 0,
    maxParallelism: 8,
    range: { from: 0, to: 7 },
    freeze: false,
    processingTimeMs: () => 0,
  });
}

function chunksOf(keys: readonly unknown[], map: boolean): readonly Uint8Array[] {
  const written = backend();
  const value = map ? null : written.value<number>('n');
  const entries = map ? written.map<string, number>('m') : null;
  for (const key of keys) {
    written.setKey(key);
    value?.set(1);
    entries?.set('entry', 1);
  }
  return written.beginSnapshot({ checkpoint: 1, baseCheckpoint: null }).next(1_000).chunks;
}

function restored(keys: readonly unknown[], options: { checkKeys: boolean; map?: boolean }): KeyedBackend {
  const { checkKeys, map = false } = options;
  const read = backend();
  read.restore([chunksOf(keys, map)], { checkKeys });
  return read;
}

test.each([
  [['a', 'b'], 1, 'strings, such as "a"', 'number, 1'],
  [[1, 2], '1', 'numbers, such as 1', 'string, "1"'],
  [[1n], 1, 'bigints, such as 1n', 'number, 1'],
  [[['a', 1]], { a: 1 }, 'arrays, such as ["a",1]', 'object, {"a":1}'],
])('state under one kind of key and a first key of another (case %#)', (keys, first, had, got) => {
  for (const map of [false, true]) {
    const read = restored(keys, { checkKeys: true, map });
    expect(() => read.setKey(first)).toThrow(RestoreError);
    const again = restored(keys, { checkKeys: true, map });
    expect(() => again.setKey(first)).toThrow(had);
    expect(() => restored(keys, { checkKeys: true, map }).setKey(first)).toThrow(got);
  }
});

test('keys of the same kind, of mixed state, or after the first one are no matter', () => {
  expect(() => restored(['a'], { checkKeys: true }).setKey('new')).not.toThrow();
  expect(() => restored(['a', 1], { checkKeys: true }).setKey(true)).not.toThrow();
  expect(() => restored([], { checkKeys: true }).setKey(1)).not.toThrow();
  const read = restored(['a'], { checkKeys: true });
  read.setKey('b');
  expect(() => read.setKey(1)).not.toThrow();
});

test('a restart within one run does not look at keys', () => {
  expect(() => restored(['a'], { checkKeys: false }).setKey(1)).not.toThrow();
});
