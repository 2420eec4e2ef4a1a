// Restart strategies: semantics 5.27 to 5.30, vectors T5.9 and T5.10.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import type { RandomStream } from '../../src/base/runtime.js';
import {
  defaultRestartOptions,
  type RestartOptions,
  type RestartStrategy,
  restartStrategy,
} from '../../src/recovery/restart-strategy.js';

const middle: RandomStream = { next: () => 0.5 };

/** Failures at these moments. */
function failing(options: RestartOptions, ...moments: number[]): RestartStrategy {
  return moments.reduce<RestartStrategy>(
    (strategy, at) => strategy.next(at, middle),
    restartStrategy(options),
  );
}

test('without checkpoints nothing restarts; with them, the delay grows from 1 s to 1 min, for ever (5.27)', () => {
  expect(defaultRestartOptions(false)).toEqual({ kind: 'none' });
  expect(failing({ kind: 'none' }, 0).canRestart).toBe(false);
  let strategy = restartStrategy(defaultRestartOptions(true));
  const delays: number[] = [];
  let now = 0;
  for (let failure = 0; failure < 100; failure += 1) {
    strategy = strategy.next(now, middle);
    expect(strategy.canRestart).toBe(true);
    delays.push(strategy.delayMs);
    now += strategy.delayMs + 1;
  }
  expect(delays.slice(0, 4)).toEqual([1000, 1500, 2250, 3375]);
  expect(delays.at(-1)).toBe(60_000);
});

describe('fixed delay', () => {
  test('allows n restarts; failure n + 1 is terminal (5.28, T5.10)', () => {
    const options = { kind: 'fixedDelay', attempts: 3, delayMs: 70 } as const;
    for (const failures of [1, 2, 3]) {
      const strategy = failing(options, ...Array.from({ length: failures }, (_, n) => n * 1000));
      expect(strategy).toMatchObject({ canRestart: true, delayMs: 70 });
    }
    expect(failing(options, 1, 2, 3, 4).canRestart).toBe(false);
  });

  test('is one restart after a second by default', () => {
    expect(failing({ kind: 'fixedDelay' }, 0)).toMatchObject({ canRestart: true, delayMs: 1000 });
    expect(failing({ kind: 'fixedDelay' }, 0, 5000).canRestart).toBe(false);
  });
});

describe('failure rate', () => {
  test('gives up when more than n failures fall into the interval (5.29, T5.10)', () => {
    const options = { kind: 'failureRate', failuresMax: 3, intervalMs: 10_000 } as const;
    expect(failing(options, 0, 1, 2).canRestart).toBe(true);
    expect(failing(options, 0, 1, 2, 3).canRestart).toBe(false);
    expect(failing(options, 0, 1, 2, 10_000).canRestart).toBe(false);
    expect(failing(options, 0, 1, 2, 10_001).canRestart).toBe(true);
  });

  test('never gives up at failures further apart than the interval (T5.10)', () => {
    const options = { kind: 'failureRate', failuresMax: 1, intervalMs: 1 } as const;
    let strategy = restartStrategy(options);
    for (let at = 0; at < 1000; at += 2) {
      strategy = strategy.next(at, middle);
      expect(strategy.canRestart).toBe(true);
    }
  });
});

describe('exponential delay', () => {
  const options = { kind: 'exponentialDelay', jitter: 0 } as const;

  test('multiplies the delay and cuts it to whole milliseconds (T5.9)', () => {
    const plan = { ...options, initialDelayMs: 4, multiplier: 2.3, maxDelayMs: 300 };
    let strategy = restartStrategy(plan);
    const delays: number[] = [];
    let now = 0;
    for (let failure = 0; failure < 7; failure += 1) {
      strategy = strategy.next(now, middle);
      delays.push(strategy.delayMs);
      now += strategy.delayMs + 1;
    }
    expect(delays).toEqual([4, 9, 21, 48, 111, 257, 300]);
  });

  test('starts over after a calm time since the last restart (T5.9)', () => {
    const plan = { ...options, initialDelayMs: 1, multiplier: 2, maxDelayMs: 5, resetAfterMs: 8 };
    const first = restartStrategy(plan).next(0, middle);
    const second = first.next(8 + 1 - 1, middle);
    expect([first.delayMs, second.delayMs]).toEqual([1, 2]);
    expect(second.next(8 + 8 + 2, middle).delayMs).toBe(1);
  });

  test('merges failures within a back-off and reports what is left of it (T5.9)', () => {
    const plan = { ...options, initialDelayMs: 100, multiplier: 2, maxDelayMs: 1000, attempts: 2 };
    let strategy = restartStrategy(plan).next(0, middle);
    for (let at = 0; at < 100; at += 10) {
      strategy = strategy.next(at, middle);
      expect(strategy).toMatchObject({ canRestart: true, delayMs: 100 - at });
    }
    expect(strategy.next(101, middle).delayMs).toBe(200);
  });

  test('counts a failure at the very moment of the restart: it is no echo, and must not restart without a delay', () => {
    const plan = { ...options, initialDelayMs: 100, multiplier: 2, maxDelayMs: 1000 };
    expect(failing(plan, 0, 100).delayMs).toBe(200);
  });

  test('allows n restarts when limited (T5.9)', () => {
    const plan = { ...options, initialDelayMs: 1, maxDelayMs: 5, attempts: 13 };
    let strategy = restartStrategy(plan);
    for (let failure = 1; failure <= 14; failure += 1) {
      strategy = strategy.next(failure * 10, middle);
      expect(strategy.canRestart).toBe(failure <= 13);
    }
  });

  test('stays within initial and maximum with jitter (5.30)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(5000))),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, jitter) => {
          let strategy = restartStrategy({ ...options, jitter, initialDelayMs: 100, maxDelayMs: 2000 });
          let now = 0;
          for (const [random, wait] of failures) {
            now += strategy.delayMs + wait;
            strategy = strategy.next(now, { next: () => random });
            expect(strategy.delayMs).toBeGreaterThanOrEqual(100);
            expect(strategy.delayMs).toBeLessThanOrEqual(2000);
          }
        },
      ),
    );
  });

  test('reading it changes nothing (5.30)', () => {
    const strategy = failing(options, 0);
    expect([strategy.canRestart, strategy.canRestart]).toEqual([true, true]);
    expect(strategy.next(5000, middle).delayMs).toBe(strategy.next(5000, middle).delayMs);
  });
});

test.each<[RestartOptions, string]>([
  [{ kind: 'fixedDelay', attempts: -1 }, 'attempts to be a whole number of at least 0, got -1'],
  [
    { kind: 'fixedDelay', delayMs: Number.NaN },
    'delayMs to be a number of milliseconds of at least 0, got NaN',
  ],
  [{ kind: 'failureRate', failuresMax: 1.5 }, 'failuresMax to be a whole number of at least 0, got 1.5'],
  [{ kind: 'exponentialDelay', multiplier: 0.5 }, 'multiplier to be at least 1, got 0.5'],
  [{ kind: 'exponentialDelay', jitter: 2 }, 'jitter to be between 0 and 1, got 2'],
  [
    { kind: 'exponentialDelay', initialDelayMs: 10, maxDelayMs: 5 },
    'maxDelayMs to be at least initialDelayMs (10), got 5',
  ],
])('%j is refused', (options, message) => {
  expect(() => restartStrategy(options)).toThrow(ConfigError);
  expect(() => restartStrategy(options)).toThrow(message);
});
