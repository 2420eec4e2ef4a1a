// What numbers look like to people, and how people write durations.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  parseDuration,
  showBytes,
  showCount,
  showDuration,
  showNumberOf,
} from '../../src/cli/human-format.js';

test.each([
  [0, '0 ms'],
  [34.4, '34 ms'],
  [999.6, '1.0 s'],
  [3_240, '3.2 s'],
  [59_949, '59.9 s'],
  [59_999, '1 min 00 s'],
  [245_000, '4 min 05 s'],
  [3_599_600, '1 h 00 min'],
  [7_380_000, '2 h 03 min'],
  [86_400_000, '1 d 0 h'],
  [273_600_000, '3 d 4 h'],
])('%d ms is shown as %s', (ms, text) => {
  expect(showDuration(ms)).toBe(text);
});

test.each([
  ['500ms', 500],
  ['1s', 1_000],
  ['1.5s', 1_500],
  ['2min', 120_000],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['0', 0],
  [' 10 s', 10_000],
])('%j is %d ms', (text, ms) => {
  expect(parseDuration(text, '--interval')).toBe(ms);
});

test.each(['', 's', '-1s', '1e3', '1 fortnight', '1s2ms', '1S', '1', '250'])(
  '%j is no duration, and the option is named',
  (text) => {
    expect(() => parseDuration(text, '--interval')).toThrow(
      /--interval is a duration with its unit.*Write it like 500ms/,
    );
  },
);

test('counts and bytes are short and grouped', () => {
  expect(showCount(1_234_567.4)).toBe('1,234,567');
  expect([1, 0, 2].map((count) => showNumberOf(count, 'restart'))).toEqual([
    '1 restart',
    '0 restarts',
    '2 restarts',
  ]);
  expect([0, 999, 1_000, 12_345, 123_456, 999_600, 5e12].map(showBytes)).toEqual([
    '0 B',
    '999 B',
    '1.0 KB',
    '12.3 KB',
    '123 KB',
    '1.0 MB',
    '5.0 TB',
  ]);
});

test('a shown duration is never longer than a dozen characters, and no part of it overflows', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e11, noNaN: true }), (ms) => {
      const text = showDuration(ms);
      expect(text.length).toBeLessThanOrEqual(12);
      expect(text).not.toMatch(/(^|\s)(1000 ms|60(\.0)? s|60 min|24 h)/);
    }),
  );
});
