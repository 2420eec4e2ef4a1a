// A value of state that is changed in place and not put back is noticed, in development.
import { describe, expect, test } from 'vitest';
import { StateError } from '../../src/base/errors.js';
import type { KeyedBackend } from '../../src/state/keyed-backend.js';
import { testBackend } from './backends.js';

const opened = () => {
  const keyed = testBackend();
  keyed.setKey('k');
  return {
    keyed,
    value: keyed.value<never>('v'),
    list: keyed.list<never>('l'),
    map: keyed.map<string, never>('m'),
  };
};
const verify = (keyed: KeyedBackend): void => keyed.lent?.verify();

interface Kind {
  readonly name: string;
  make(): unknown;
  change(value: never): void;
}
const kinds: readonly Kind[] = [
  { name: 'Set', make: () => new Set([1]), change: (value: Set<number>) => value.add(2) },
  { name: 'Map', make: () => new Map([['a', 1]]), change: (value: Map<string, number>) => value.set('a', 2) },
  { name: 'Date', make: () => new Date(1), change: (value: Date) => value.setTime(2) },
  { name: 'Uint8Array', make: () => new Uint8Array(2), change: (value: Uint8Array) => value.fill(1) },
  {
    name: 'Object',
    make: () => ({ seen: [new Set([1])] }),
    change: (value: { seen: Set<number>[] }) => value.seen[0]?.clear(),
  },
];

describe.each(kinds)('$name', ({ name, make, change }) => {
  test('changed in a value state', () => {
    const { keyed, value } = opened();
    value.set(make() as never);
    change(value.get() as never);
    expect(() => verify(keyed)).toThrow(StateError);
  });

  test('changed in a list and in a map', () => {
    const { keyed, list, map } = opened();
    list.add(make() as never);
    map.set('x', make() as never);
    change(list.get()[0] as never);
    expect(() => verify(keyed)).toThrow(`state "l" was changed in place`);
    for (const each of map.values()) change(each);
    expect(() => verify(keyed)).toThrow(
      `state "m" at "x" was changed in place and not put back (${name}, key "k")`,
    );
  });

  test('changed and put again, replaced, or removed is no fault', () => {
    const { keyed, value, list, map } = opened();
    for (const end of [(it: never) => value.set(it), () => value.set(make() as never), () => value.clear()]) {
      value.set(make() as never);
      const held = value.get() as never;
      change(held);
      end(held);
      expect(() => verify(keyed)).not.toThrow();
    }
    list.add(make() as never);
    const items = [...list.get()];
    change(items[0] as never);
    list.set(items);
    expect(() => verify(keyed)).not.toThrow();
    map.set('x', make() as never);
    change(map.get('x') as never);
    map.clear();
    expect(() => verify(keyed)).not.toThrow();
  });

  test('looked at and left alone is no fault', () => {
    const { keyed, value } = opened();
    value.set(make() as never);
    value.get();
    expect(() => verify(keyed)).not.toThrow();
    expect(() => keyed.beginSnapshot({ checkpoint: 1, baseCheckpoint: null }).cancel()).not.toThrow();
  });

  test('a snapshot notices what no call has ended on', () => {
    const { keyed, value } = opened();
    value.set(make() as never);
    change(value.get() as never);
    expect(() => keyed.beginSnapshot({ checkpoint: 1, baseCheckpoint: null })).toThrow(
      'was changed in place',
    );
  });
});

test('the message names operator, state, kind, key and remedy', () => {
  const { keyed, value } = opened();
  value.set(new Set([1]) as never);
  (value.get() as unknown as Set<number>).add(2);
  expect(() => verify(keyed)).toThrow(
    'A value of state "v" was changed in place and not put back (Set, key "k"): the next crash would lose the change. [operator "op" subtask 0] Use set:',
  );
});

test('with a time to live as well', () => {
  const keyed = testBackend();
  keyed.setKey('k');
  const value = keyed.value<Set<number>>('v', { ttl: 100 });
  value.set(new Set([1]));
  value.get()?.add(2);
  expect(() => verify(keyed)).toThrow('state "v" was changed in place');
});

test('an accumulator that is read and then added to is no fault', () => {
  const keyed = testBackend();
  keyed.setKey('k');
  const distinct = keyed.aggregating<number, Set<number>, number>('a', {
    aggregate: {
      createAccumulator: () => new Set(),
      add: (seen, value) => seen.add(value),
      getResult: (seen) => seen.size,
    },
  });
  distinct.add(1);
  expect(distinct.get()).toBe(1);
  distinct.add(2);
  expect(() => verify(keyed)).not.toThrow();
  expect(distinct.get()).toBe(2);
});
