// What is put into state comes back equal, or is refused when it is put: with operator, state, path and remedy.
import { describe, expect, test } from 'vitest';
import { registerType } from '../../src/base/class-registry.js';
import { StateError } from '../../src/base/errors.js';
import { OperatorStateStore } from '../../src/state/operator-state.js';
import { readChunk } from '../../src/state/snapshot-reading.js';
import { fullSnapshot, testBackend } from './backends.js';

class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
}
class Day {
  readonly iso: string;
  constructor(iso: string) {
    this.iso = iso;
  }
}
registerType(Day, { name: 'test/Day', encode: (day) => day.iso, decode: (iso) => new Day(iso) });

const bad = (): unknown => ({ parts: [{ total: new Money(1) }] });

describe.each([true, false])('development %s', (freeze) => {
  test('every kind of state refuses an instance of an unregistered class, by its place', () => {
    const keyed = testBackend({ freeze });
    keyed.setKey('k');
    const value = keyed.value<unknown>('v');
    const list = keyed.list<unknown>('l');
    const map = keyed.map<string, unknown>('m');
    const reducing = keyed.reducing<unknown>('r', { reduce: (_, next) => next });
    const aggregating = keyed.aggregating<unknown, unknown, unknown>('a', {
      aggregate: { createAccumulator: () => null, add: (_, next) => next, getResult: (it) => it },
    });
    const puts: readonly (readonly [string, () => void])[] = [
      ['v', () => value.set(bad())],
      ['l', () => list.add(bad())],
      ['l', () => list.set([bad()])],
      ['l', () => list.addAll([bad()])],
      ['m', () => map.set('x', bad())],
      ['r', () => reducing.add(bad())],
      ['a', () => aggregating.add(bad())],
    ];
    for (const [name, put] of puts) {
      expect(put).toThrow(StateError);
      expect(put).toThrow(
        `State "${name}" is given a value that would not come back from a checkpoint: Expected data, got an instance of Money at value.parts[0].total. [operator "op" subtask 0] Register the class, registerType(Money,`,
      );
    }
    expect(keyed.size).toBe(0);
  });

  test('functions and symbols are refused in every place', () => {
    const keyed = testBackend({ freeze });
    keyed.setKey('k');
    const value = keyed.value<unknown>('v');
    expect(() => value.set(() => 1)).toThrow('got a function at value.');
    expect(() => value.set(Symbol('s'))).toThrow('got a symbol at value.');
  });

  test('operator state refuses it too', () => {
    const store = new OperatorStateStore({ operator: 'source', subtask: 1, freeze });
    expect(() => store.list<unknown>('offsets').add(bad())).toThrow(
      'Operator state "offsets" is given a value that would not come back from a checkpoint: Expected data, got an instance of Money at value.parts[0].total. [operator "source" subtask 1]',
    );
  });
});

test('in production, what the first look could not know of is refused by the snapshot, with its key', () => {
  const keyed = testBackend({ freeze: false });
  const value = keyed.value<unknown>('v');
  keyed.setKey('good');
  value.set({ total: 1 });
  keyed.setKey(['b', 7]);
  value.set({ total: new Money(1) });
  expect(() => fullSnapshot(keyed)).toThrow(
    'State "v" is given a value that would not come back from a checkpoint: Expected data, got an instance of Money at the value of key ["b",7]: value.total.',
  );
});

test('instances of registered classes are values in every kind of state, and the chunk says that it needs a newer reader', () => {
  const keyed = testBackend();
  keyed.setKey('k');
  keyed.value<unknown>('v').set({ day: new Day('a') });
  keyed.list<unknown>('l').add(new Day('b'));
  keyed.map<string, unknown>('m').set('x', [new Day('c')]);
  const chunks = fullSnapshot(keyed);
  expect(chunks[0]?.[0]).toBe(2);
  expect(readChunk(chunks[0] as Uint8Array).frames).toHaveLength(3);
  const restored = testBackend();
  restored.restore([chunks]);
  restored.setKey('k');
  expect(restored.value<unknown>('v').get()).toStrictEqual({ day: new Day('a') });
  expect(restored.list<unknown>('l').get()).toStrictEqual([new Day('b')]);
  expect([...restored.map<string, unknown>('m').values()]).toStrictEqual([[new Day('c')]]);
});

test('a snapshot of usual values keeps the version that older readers know, and names no types', () => {
  const keyed = testBackend();
  keyed.setKey('k');
  keyed.value<unknown>('v').set({ n: 1, at: new Date(1) });
  const walk = keyed.beginSnapshot({ checkpoint: 1, baseCheckpoint: null });
  expect(walk.next(100).chunks[0]?.[0]).toBe(1);
  expect([...walk.types]).toEqual([]);
});
