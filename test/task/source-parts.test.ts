// What was polled at once is given to the chain in parts, so that a watermark stands where its record does.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { watermark } from '../../src/elements/element.js';
import { cutBatch } from '../../src/task/source-parts.js';

const shown = (values: readonly number[], placed: readonly (readonly [after: number, time: number])[]) =>
  cutBatch(
    [...values],
    values.map((value) => value * 10),
    placed.map(([after, time]) => ({ kind: 'time', after, part: watermark(time) })),
  ).map((part) =>
    part.kind === 'part'
      ? `${part.from}:${part.values.join(' ')}@${part.timestamps.join(' ')}`
      : part.kind === 'watermark'
        ? `WM ${part.time}`
        : 'status',
  );

describe('parts of a poll', () => {
  test('without a watermark among them the records stay together', () => {
    expect(shown([1, 2, 3], [])).toEqual(['0:1 2 3@10 20 30']);
    expect(shown([1, 2, 3], [[3, 7]])).toEqual(['0:1 2 3@10 20 30', 'WM 7']);
  });

  test('a watermark stands behind its record, also before the first and twice at one place', () => {
    const placed = [
      [0, 1],
      [1, 2],
      [1, 3],
      [3, 4],
    ] as const;
    expect(shown([1, 2, 3], placed)).toEqual(['WM 1', '0:1@10', 'WM 2', 'WM 3', '1:2 3@20 30', 'WM 4']);
  });

  test('every record is in one part, in order (P1)', () => {
    const cases = fc
      .array(fc.integer(), { maxLength: 9 })
      .chain((values) =>
        fc.tuple(fc.constant(values), fc.array(fc.integer({ min: 0, max: values.length }), { maxLength: 5 })),
      );
    fc.assert(
      fc.property(cases, ([values, places]) => {
        const placed = [...places]
          .sort((a, b) => a - b)
          .map((after) => ({ kind: 'time' as const, after, part: watermark(after) }));
        const parts = cutBatch([...values], [...values], placed);
        let before = 0;
        for (const part of parts) {
          if (part.kind === 'watermark') expect(part.time).toBe(before);
          if (part.kind !== 'part') continue;
          expect(part.from).toBe(before);
          before += part.values.length;
        }
        expect(parts.flatMap((part) => (part.kind === 'part' ? part.values : []))).toEqual(values);
      }),
    );
  });
});
