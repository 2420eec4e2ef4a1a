// Processing time never stands still and never goes back, whatever happens to the wall clock.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SteadyClock } from '../../src/base/steady-clock.js';

function handClock(): { wall: number; monotonic: number; wallMs(): number; monotonicMs(): number } {
  const clock = {
    wall: 1_000_000,
    monotonic: 0.25,
    wallMs: () => clock.wall,
    monotonicMs: () => clock.monotonic,
  };
  return clock;
}

test('a wall clock that is set back by an hour delays nothing', () => {
  const clock = handClock();
  const steady = new SteadyClock(clock);
  clock.wall -= 3_600_000;
  clock.monotonic += 20;
  clock.wall += 20;
  expect(steady.nowMs()).toBe(1_000_020);
});

test('a wall clock that is set forward is followed', () => {
  const clock = handClock();
  const steady = new SteadyClock(clock);
  clock.wall += 3_600_000;
  expect(steady.nowMs()).toBe(4_600_000);
});

test('fractions of a millisecond are not lost', () => {
  const clock = handClock();
  const steady = new SteadyClock(clock);
  clock.wall -= 5_000;
  for (let reading = 0; reading < 800; reading += 1) {
    clock.monotonic += 0.125;
    steady.nowMs();
  }
  expect(steady.nowMs()).toBe(1_000_100);
});

test('it advances by at least the monotonic time, and is never behind the wall clock', () => {
  const change = fc.record({
    elapsed: fc.integer({ min: 0, max: 10_000 }),
    jump: fc.integer({ min: -1e7, max: 1e7 }),
  });
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const clock = handClock();
      const steady = new SteadyClock(clock);
      let before = steady.nowMs();
      for (const { elapsed, jump } of changes) {
        clock.monotonic += elapsed;
        clock.wall += elapsed + jump;
        const now = steady.nowMs();
        expect(now).toBeGreaterThanOrEqual(before + elapsed);
        expect(now).toBeGreaterThanOrEqual(clock.wall);
        before = now;
      }
    }),
  );
});
