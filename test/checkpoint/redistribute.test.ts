// Operator state over a new number of subtasks: semantics 4.14, 4.15.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OperatorListSnapshot } from '../../src/checkpoint/manifest.js';
import { redistributeLists } from '../../src/checkpoint/redistribute.js';
import { list } from './samples.js';

/** First bytes of the items of one state, per new subtask. */
function items(result: readonly (readonly OperatorListSnapshot[])[], name: string): number[][] {
  return result.map(
    (lists) => lists.find((state) => state.name === name)?.items.map((item) => item[0] ?? -1) ?? [],
  );
}

describe('split state', () => {
  test('goes back to exactly its own subtask at unchanged parallelism', () => {
    const old = [[list('s', [1, 2, 3])], [], [list('s', [4])]];
    expect(items(redistributeLists(old, 3), 's')).toEqual([[1, 2, 3], [], [4]]);
  });

  test('is concatenated in subtask order and cut contiguously, one extra for the first (total mod p)', () => {
    const old = [[list('s', [1, 2])], [list('s', [3, 4, 5])]];
    expect(items(redistributeLists(old, 3), 's')).toEqual([[1, 2], [3, 4], [5]]);
    expect(items(redistributeLists(old, 1), 's')).toEqual([[1, 2, 3, 4, 5]]);
    expect(items(redistributeLists(old, 8), 's')).toEqual([[1], [2], [3], [4], [5], [], [], []]);
  });

  test('gives the extras of the next state to those after the last ones', () => {
    const old = [[list('first', [1, 2, 3, 4]), list('second', [5, 6, 7, 8]), list('third', [9])]];
    const result = redistributeLists(old, 3);
    expect(items(result, 'first')).toEqual([[1, 2], [3], [4]]);
    expect(items(result, 'second')).toEqual([[5], [6, 7], [8]]);
    expect(items(result, 'third')).toEqual([[], [], [9]]);
  });

  test('loses, doubles and reorders nothing, and differs by at most one item', () => {
    const state = fc.array(fc.nat(255), { maxLength: 12 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(state, state), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        (subtasks, parallelism) => {
          const old = subtasks.map(([a, b]) => [list('a', a), list('b', b)]);
          const result = redistributeLists(old, parallelism);
          for (const name of ['a', 'b']) {
            const before = items(old, name);
            const after = items(result, name);
            expect(after.flat()).toEqual(before.flat());
            if (old.length === parallelism) expect(after).toEqual(before);
            else {
              const sizes = after.map((own) => own.length);
              expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
            }
          }
          if (old.length === parallelism) return;
          const totals = result.map((lists) => lists.reduce((sum, { items: own }) => sum + own.length, 0));
          expect(Math.max(...totals) - Math.min(...totals)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});

describe('union state', () => {
  test.each([1, 2, 5])('is complete for everybody at parallelism %i', (parallelism) => {
    const old = [[list('u', [1], 'union')], [list('u', [2, 3], 'union')]];
    expect(items(redistributeLists(old, parallelism), 'u')).toEqual(
      new Array<number[]>(parallelism).fill([1, 2, 3]),
    );
  });
});
