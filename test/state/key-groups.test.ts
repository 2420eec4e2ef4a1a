import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  defaultMaxParallelism,
  keyGroupOf,
  keyGroupRange,
  subtaskOfKeyGroup,
} from '../../src/state/key-groups.js';

test('T4.6: ten key groups over three subtasks', () => {
  const owners = Array.from({ length: 10 }, (_, group) => subtaskOfKeyGroup(group, 10, 3));
  expect(owners).toEqual([0, 0, 0, 0, 1, 1, 1, 2, 2, 2]);
});

test('the ranges of 1.38', () => {
  const ranges = (max: number, parallelism: number) =>
    Array.from({ length: parallelism }, (_, subtask) => keyGroupRange(subtask, max, parallelism)).map(
      ({ from, to }) => `${from}-${to}`,
    );
  expect(ranges(10, 3)).toEqual(['0-3', '4-6', '7-9']);
  expect(ranges(128, 5)).toEqual(['0-25', '26-51', '52-76', '77-102', '103-127']);
});

test('every key group is in the range of the subtask that owns it, and in no other', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300 }), (a, b) => {
      const [parallelism, max] = a <= b ? [a, b] : [b, a];
      let next = 0;
      for (let subtask = 0; subtask < parallelism; subtask += 1) {
        const { from, to } = keyGroupRange(subtask, max, parallelism);
        expect(from).toBe(next);
        for (let group = from; group <= to; group += 1)
          expect(subtaskOfKeyGroup(group, max, parallelism)).toBe(subtask);
        next = to + 1;
      }
      expect(next).toBe(max);
    }),
  );
});

test('the default maximum of 1.39', () => {
  const cases = [1, 4, 85, 86, 128, 170, 171, 300, 20_000, 32_768];
  expect(cases.map(defaultMaxParallelism)).toEqual([128, 128, 128, 256, 256, 256, 256, 512, 32_768, 32_768]);
});

test('negative hashes have key groups too', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 32_768 }), (hash, max) => {
      const group = keyGroupOf(hash, max);
      expect(group >= 0 && group < max && Number.isInteger(group)).toBe(true);
    }),
  );
});
