// Windows at the ends of time: whatever timestamp a record may carry, it is in a window that fires.

import { describe, expect, test } from 'vitest';
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../../src/base/timestamps.js';
import { session, sliding, tumbling, windowStart } from '../../src/operators/windows/window-assigners.js';
import { END, record } from '../../src/testing/operator-harness.js';
import { hit, summing } from './window-checks.js';

const LAST = MAX_TIMESTAMP - 1;

describe('the last windows that there are (3.1, 3.7)', () => {
  test('tumbling ones end where time does, and fire', () => {
    const start = windowStart(LAST, 0, 1000);
    summing({ assigner: tumbling(1000) })
      .input(hit('a', 1, LAST), hit('a', 2, LAST - 1), END)
      .expect(record(`a:3[${start},${MAX_TIMESTAMP})`, LAST), END);
  });

  test('with lateness nothing of them stays', () => {
    const start = windowStart(LAST, 0, 1000);
    summing({ assigner: tumbling(1000), allowedLatenessMs: 5 })
      .input(hit('a', 1, LAST), END)
      .expect(record(`a:1[${start},${MAX_TIMESTAMP})`, LAST), END);
  });

  test('sliding ones, several of which end there', () => {
    const start = windowStart(LAST, 0, 10);
    summing({ assigner: sliding(30, 10) })
      .input(hit('a', 1, LAST), END)
      .expect(
        ...[start - 20, start - 10, start].map((from) =>
          record(`a:1[${from},${Math.min(from + 30, MAX_TIMESTAMP)})`, Math.min(from + 29, LAST)),
        ),
        END,
      );
  });

  test('sessions', () => {
    summing({ assigner: session(5000), allowedLatenessMs: 10 })
      .input(hit('a', 1, LAST), hit('a', 2, LAST - 4000), END)
      .expect(record(`a:3[${LAST - 4000},${MAX_TIMESTAMP})`, LAST), END);
  });
});

describe('the first windows that there are', () => {
  test('a record at the first timestamp ends no loop in sliding windows, and fires', () => {
    const driver = summing({ assigner: sliding(4, 1) }).input(hit('a', 1, MIN_TIMESTAMP + 1));
    expect(() => driver.input(END).expect(END)).toThrow(/a:1\[/);
  });
});

test.each([-3, 0, 4])('an offset of %i is exact for the greatest timestamp', (offsetMs) => {
  const start = windowStart(LAST, offsetMs, 7);
  expect(Number((((BigInt(start) - BigInt(offsetMs)) % 7n) + 7n) % 7n)).toBe(0);
  expect(start).toBeGreaterThan(LAST - 7);
  expect(start).toBeLessThanOrEqual(LAST);
});
