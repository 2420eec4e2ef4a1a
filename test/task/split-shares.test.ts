// Which subtask reads which split: stored ones where they were, new ones where there is least left to read.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type StoredShare, shareSplits } from '../../src/task/split-shares.js';

const found = (...ids: readonly string[]) => ids.map((id) => ({ id, position: 0 }));
const share = (...ids: readonly string[]): StoredShare => ({
  splits: ids.map((id) => ({ id: id.replace('!', ''), position: 7, ended: id.endsWith('!') })),
  finished: false,
});
const idsOf = ({ shares }: ReturnType<typeof shareSplits>) =>
  shares.map((splits) => splits.map(({ id }) => id));

test('at a first start splits go round', () => {
  const nothing = [share(), share(), share()];
  expect(idsOf(shareSplits(found('a', 'b', 'c', 'd'), nothing))).toEqual([['a', 'd'], ['b'], ['c']]);
});

test('new splits go where there is least left to read', () => {
  const stored = [share('a', 'b'), share('c', 'd!'), share('e!')];
  const shares = shareSplits(found('x', 'a', 'b', 'c', 'y', 'z'), stored);
  expect(idsOf(shares)).toEqual([
    ['a', 'b'],
    ['c', 'd', 'y'],
    ['e', 'x', 'z'],
  ]);
  expect(shares.gone).toEqual([]);
  expect(shares.shares[1]?.[2]).toEqual({ id: 'y', position: 0, ended: false });
  expect(shares.shares[0]?.[0]).toEqual({ id: 'a', position: 7, ended: false });
});

test('gone is what had not ended, was not announced, and belongs to nobody who had finished', () => {
  const announced = {
    splits: [{ id: 'n', position: 1, ended: false, announced: true as const }],
    finished: false,
  };
  const done = { ...share('f'), finished: true };
  const { gone, shares } = shareSplits(found('b'), [share('a', 'b'), announced, done, share('c!')]);
  expect(gone).toEqual(['a']);
  expect(shares.map((splits) => splits.length)).toEqual([2, 1, 1, 1]);
});

test('what is gone is no load', () => {
  const shares = shareSplits(found('c', 'x', 'y'), [share('a', 'b'), share('c')]);
  expect(shares.gone).toEqual(['a', 'b']);
  expect(idsOf(shares)).toEqual([['a', 'b', 'x', 'y'], ['c']]);
});

test('a split that was announced is one like the others once the source lists it', () => {
  const announced = {
    splits: [{ id: 'n', position: 1, ended: false, announced: true as const }],
    finished: false,
  };
  const { shares } = shareSplits(found('n'), [announced]);
  expect(shares).toEqual([[{ id: 'n', position: 1, ended: false }]]);
  expect(shareSplits([], [{ splits: shares[0] ?? [], finished: false }]).gone).toEqual(['n']);
});

test('who has finished gets nothing new; when all have, it is said', () => {
  const done = { ...share('a!'), finished: true };
  expect(idsOf(shareSplits(found('a', 'b'), [done, share('c')]))).toEqual([['a'], ['c', 'b']]);
  expect(shareSplits(found('a', 'b'), [done]).unread).toEqual(['b']);
});

test('every split has one reader, whatever the checkpoint knows, and the loads are as even as they can be', () => {
  const stored = fc
    .tuple(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.record({ to: fc.nat(4), ended: fc.boolean() }), { maxLength: 12 }),
    )
    .map(([subtasks, splits]) =>
      Array.from(
        { length: subtasks },
        (_, subtask): StoredShare => ({
          splits: splits.flatMap(({ to, ended }, n) =>
            to % subtasks === subtask ? [{ id: `old ${n}`, position: n, ended }] : [],
          ),
          finished: false,
        }),
      ),
    );
  fc.assert(
    fc.property(stored, fc.nat(12), (shares, fresh) => {
      const old = shares.flatMap(({ splits }) => splits.map(({ id }) => id));
      const ids = [...old, ...Array.from({ length: fresh }, (_, n) => `new ${n}`)];
      const made = shareSplits(found(...ids), shares);
      expect(
        made.shares
          .flat()
          .map(({ id }) => id)
          .sort(),
      ).toEqual([...ids].sort());
      made.shares.forEach((splits, subtask) => {
        expect(splits.slice(0, shares[subtask]?.splits.length)).toEqual(shares[subtask]?.splits);
      });
      const live = made.shares.map((splits) => splits.filter(({ ended }) => !ended).length);
      const before = shares.map(({ splits }) => splits.filter(({ ended }) => !ended).length);
      // Whoever got a new one has at most one more than whoever has least.
      live.forEach((n, subtask) => {
        if (n > (before[subtask] ?? 0)) expect(n).toBeLessThanOrEqual(Math.min(...live) + 1);
      });
    }),
  );
});
