import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UserCodeError } from '../../src/base/errors.js';
import { randomStream } from '../../src/base/random-stream.js';
import {
  createPartitioner,
  type Partitioner,
  type PartitionerKind,
  rescaleSources,
  rescaleTargets,
} from '../../src/flow/partitioner.js';
import { keyGroupOf, subtaskOfKeyGroup } from '../../src/state/key-groups.js';

const random = () => randomStream(7, 'partitioner');
const make = (spec: PartitionerKind, targets: number, sender = 0, senders = 1) =>
  createPartitioner(spec, sender, senders, targets, random());

function choices(partitioner: Partitioner, values: readonly unknown[]): number[] {
  if (partitioner.kind === 'all') throw new Error('expected a choice');
  return values.map((value) => partitioner.select(value));
}

const letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

describe('partitioners at parallelism 3 (T1.6)', () => {
  test('custom', () => {
    const spec: PartitionerKind = {
      kind: 'custom',
      selector: (v) => v,
      partition: (key) => (key === 'c' ? 2 : 0),
    };
    expect(choices(make(spec, 3), letters)).toEqual([0, 0, 2, 0, 0, 0, 0]);
  });

  test('broadcast has no choice', () => {
    expect(make({ kind: 'broadcast' }, 3)).toEqual({ kind: 'all' });
  });

  test('rebalance starts anywhere and then takes turns', () => {
    const firsts = new Set<number>();
    for (let seed = 0; seed < 40; seed += 1) {
      const partitioner = createPartitioner({ kind: 'rebalance' }, 0, 1, 3, randomStream(seed, 'x'));
      const chosen = choices(partitioner, letters);
      const first = chosen[0] as number;
      firsts.add(first);
      expect(chosen).toEqual(letters.map((_, index) => (first + index) % 3));
    }
    expect([...firsts].sort()).toEqual([0, 1, 2]);
  });

  test('global sends everything to the first', () => {
    expect(new Set(choices(make({ kind: 'global' }, 3), letters))).toEqual(new Set([0]));
  });

  test('a key always meets its key group', () => {
    const spec: PartitionerKind = {
      kind: 'key',
      hashOfKey: (v) => String(v).charCodeAt(0) * 7919,
      maxParallelism: 128,
    };
    const chosen = choices(make(spec, 3), [...letters, ...letters]);
    expect(chosen.slice(0, letters.length)).toEqual(chosen.slice(letters.length));
    expect(new Set(chosen).size).toBeGreaterThan(1);
  });

  test('key groups 0 to 9 of 10 over 3 subtasks (1.37, T4.6)', () => {
    const spec: PartitionerKind = { kind: 'key', hashOfKey: (v) => v as number, maxParallelism: 10 };
    expect(choices(make(spec, 3), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])).toEqual([0, 0, 0, 0, 1, 1, 1, 2, 2, 2]);
    expect(choices(make(spec, 3), [-1])).toEqual([1]);
  });

  test('sends a key to the subtask that owns its key group in state', () => {
    const parallelism = fc.integer({ min: 1, max: 128 });
    fc.assert(
      fc.property(
        fc.integer(),
        parallelism,
        fc.constantFrom(128, 200, 32_768),
        (hash, targets, maxParallelism) => {
          const spec: PartitionerKind = { kind: 'key', hashOfKey: () => hash, maxParallelism };
          const owner = subtaskOfKeyGroup(keyGroupOf(hash, maxParallelism), maxParallelism, targets);
          expect(choices(make(spec, targets), ['x'])).toEqual([owner]);
        },
      ),
    );
  });

  test('shuffle reaches everybody', () => {
    const chosen = choices(
      make({ kind: 'shuffle' }, 3),
      Array.from({ length: 300 }, (_, i) => i),
    );
    for (const target of [0, 1, 2]) expect(chosen.filter((c) => c === target).length).toBeGreaterThan(60);
  });

  test('forward needs equal parallelism', () => {
    expect(choices(make({ kind: 'forward' }, 3, 1, 3), letters)).toEqual(letters.map(() => 0));
    expect(() => make({ kind: 'forward' }, 3, 0, 2)).toThrow('equal parallelisms');
  });
});

test.each([3, -1, 1.5, Number.NaN, '1' as unknown as number])(
  'a custom partitioner that answers %s fails loudly (1.40)',
  (answer) => {
    const spec: PartitionerKind = {
      kind: 'custom',
      selector: (v) => v,
      partition: () => answer,
      operator: 'split',
    };
    const partitioner = make(spec, 3);
    expect(() => choices(partitioner, ['x'])).toThrow(UserCodeError);
    expect(() => choices(partitioner, ['x'])).toThrow(/from 0 to 2.*operator "split"/);
  },
);

describe('rescale', () => {
  test.each([
    [
      2,
      4,
      [
        [0, 1],
        [2, 3],
      ],
    ],
    [4, 2, [[0], [0], [1], [1]]],
    [2, 3, [[0, 1], [2]]],
    [3, 2, [[0], [1], [1]]],
  ])('%i senders to %i receivers (T1.7)', (senders, targets, expected) => {
    expect(Array.from({ length: senders }, (_, sender) => rescaleTargets(sender, senders, targets))).toEqual(
      expected,
    );
  });

  test('takes turns within its own receivers, from the first', () => {
    expect(choices(make({ kind: 'rescale' }, 4, 1, 2), letters)).toEqual([0, 1, 0, 1, 0, 1, 0]);
  });

  test('every receiver has a sender, every sender a receiver, and both views agree', () => {
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(size, size, (senders, targets) => {
        const pairs = new Set<string>();
        for (let sender = 0; sender < senders; sender += 1) {
          for (const target of rescaleTargets(sender, senders, targets)) pairs.add(`${sender}>${target}`);
        }
        for (let target = 0; target < targets; target += 1) {
          const sources = rescaleSources(target, senders, targets);
          expect(sources.length).toBeGreaterThan(0);
          for (const sender of sources) expect(pairs.delete(`${sender}>${target}`)).toBe(true);
        }
        expect(pairs.size).toBe(0);
      }),
    );
  });
});
