import { describe, expect, test } from 'vitest';
import { RestoreError, StateError } from '../../src/base/errors.js';
import { OperatorStateStore } from '../../src/state/operator-state.js';

const store = (subtask = 0) => new OperatorStateStore({ operator: 'source', subtask, freeze: true });

/** The same store after a restart without rescale. */
function restarted(before: OperatorStateStore, subtask = 0): OperatorStateStore {
  const after = store(subtask);
  after.restoreLists(before.snapshotLists());
  return after;
}

describe('lists of an operator', () => {
  test('are empty, take items in order, and come back', () => {
    const before = store();
    const splits = before.list<{ id: string; at: number }>('splits');
    expect(splits.get()).toEqual([]);
    splits.set([{ id: 'a', at: 1 }]);
    splits.add({ id: 'b', at: 2 });
    expect(restarted(before).list('splits').get()).toEqual([
      { id: 'a', at: 1 },
      { id: 'b', at: 2 },
    ]);
  });

  test('that were read do not change, nor do their items', () => {
    const splits = store().list<{ at: number }>('splits');
    splits.add({ at: 1 });
    const read = splits.get();
    splits.add({ at: 2 });
    expect(read).toEqual([{ at: 1 }]);
    expect(() => Object.assign(read[0] ?? {}, { at: 9 })).toThrow(TypeError);
  });

  test('in a snapshot do not change any more', () => {
    const before = store();
    const splits = before.list<number>('splits');
    splits.add(1);
    const snapshot = before.snapshotLists();
    splits.add(2);
    const after = store();
    after.restoreLists(snapshot);
    expect(after.list('splits').get()).toEqual([1]);
  });

  test('that are empty are in no snapshot', () => {
    const before = store();
    before.list('a').set([]);
    before.union('b');
    expect(before.snapshotLists()).toEqual([]);
  });

  test('name their redistribution, with each item by itself', () => {
    const before = store();
    before.list('a').set([1, 2]);
    before.union('b').set([3]);
    const shown = before
      .snapshotLists()
      .map(({ name, redistribution, items }) => [name, redistribution, items.length]);
    expect(shown).toEqual([
      ['a', 'split', 2],
      ['b', 'union', 1],
    ]);
  });

  test('that nobody declares are kept', () => {
    const before = store();
    before.list('old').add(1);
    expect(restarted(restarted(before)).list('old').get()).toEqual([1]);
  });

  test('refuse null, undefined, and what cannot be stored', () => {
    const before = store();
    const list = before.list<unknown>('a');
    list.add(1);
    expect(() => list.add(null)).toThrow(StateError);
    expect(() => list.set([1, undefined])).toThrow('"a" is never undefined');
    expect(list.get()).toEqual([1]);
    expect(() => list.add(() => 1)).toThrow(StateError);
    expect(list.get()).toEqual([1]);
  });

  test('are list or union, not both', () => {
    const before = store();
    before.list('a').add(1);
    expect(() => before.union('a')).toThrow(StateError);
    expect(() => restarted(before).union('a')).toThrow(RestoreError);
    const declared = store();
    declared.union('a');
    expect(() => declared.restoreLists(before.snapshotLists())).toThrow(RestoreError);
  });
});

describe('union lists do not grow with restarts (4.B)', () => {
  /** What the engine does: every subtask gets the items of all. */
  function restartAll(stores: readonly OperatorStateStore[]): OperatorStateStore[] {
    const items = stores.flatMap((each) => each.snapshotLists().flatMap((list) => list.items));
    return stores.map((_, subtask) => {
      const next = store(subtask);
      next.restoreLists([{ name: 'u', redistribution: 'union', items }]);
      return next;
    });
  }

  test('when nobody writes them', () => {
    let stores = [0, 1, 2].map(store);
    for (const [subtask, each] of stores.entries()) each.union('u').add(subtask);
    for (let restart = 0; restart < 3; restart += 1) stores = restartAll(stores);
    for (const each of stores) expect(each.union('u').get()).toEqual([0, 1, 2]);
  });

  test('when each picks its own', () => {
    let stores = [0, 1, 2].map(store);
    for (const [subtask, each] of stores.entries()) each.union('u').add(subtask);
    for (let restart = 0; restart < 3; restart += 1) {
      stores = restartAll(stores);
      for (const [subtask, each] of stores.entries()) {
        const union = each.union<number>('u');
        union.set(union.get().filter((item) => item === subtask));
      }
    }
    expect(restartAll(stores)[0]?.union('u').get()).toEqual([0, 1, 2]);
  });
});
