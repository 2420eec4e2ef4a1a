import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StateError } from '../../src/base/errors.js';
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../../src/base/timestamps.js';
import type { KeyedBackend } from '../../src/state/keyed-backend.js';
import type { Window } from '../../src/state/window-table.js';
import { finish, fullSnapshot, restarted, testBackend, withKey } from './backends.js';

type Fired = readonly [key: unknown, time: number];
const never = (): boolean => false;

/** What an advance of event time fires. */
function advance(
  backend: KeyedBackend,
  watermark: number,
  onTimer: (key: unknown, time: number) => void = () => {},
): Fired[] {
  const fired: Fired[] = [];
  const done = backend.timers.advanceEvent(
    watermark,
    (key, _window, time) => {
      fired.push([key, time]);
      onTimer(key, time);
    },
    never,
  );
  expect(done).toBe(true);
  return fired;
}

describe('a timer is its key, window, domain and timestamp (1.8)', () => {
  test('registering twice fires once', () => {
    const backend = testBackend();
    withKey(backend, 'k', () => {
      backend.timers.registerEvent(5);
      backend.timers.registerEvent(5);
    });
    expect(advance(backend, 10)).toEqual([['k', 5]]);
    expect(advance(backend, 20)).toEqual([]);
    expect(backend.size).toBe(0);
  });

  test('keys, windows and domains are kept apart', () => {
    const backend = testBackend();
    const { timers } = backend;
    const fired: unknown[] = [];
    const fire = (key: unknown, window: Window | null, time: number) => fired.push([key, window, time]);
    for (const key of ['a', 'b']) {
      backend.setKey(key);
      timers.registerEvent(5);
      timers.registerEvent(5, { start: 0, end: 5 });
      timers.registerEvent(5, { start: 1, end: 5 });
      timers.registerProcessing(5);
    }
    timers.advanceEvent(5, fire, never);
    expect(fired).toEqual([
      ['a', null, 5],
      ['b', null, 5],
      ['a', { start: 0, end: 5 }, 5],
      ['b', { start: 0, end: 5 }, 5],
      ['a', { start: 1, end: 5 }, 5],
      ['b', { start: 1, end: 5 }, 5],
    ]);
    fired.length = 0;
    timers.advanceProcessing(5, fire, never);
    expect(fired).toEqual([
      ['a', null, 5],
      ['b', null, 5],
    ]);
  });

  test('deleting takes the timestamp, and what is not there is no matter', () => {
    const backend = testBackend();
    const { timers } = backend;
    withKey(backend, 'k', () => {
      timers.deleteEvent(5);
      timers.registerEvent(5);
      timers.registerEvent(6);
      timers.deleteEvent(5);
      timers.deleteEvent(5, { start: 0, end: 1 });
      timers.deleteProcessing(6);
    });
    expect(advance(backend, 10)).toEqual([['k', 6]]);
  });

  test('a timer that moves with every record leaves nothing behind', () => {
    const backend = testBackend();
    const { timers } = backend;
    backend.setKey('k');
    for (let time = 0; time < 1_000; time += 1) {
      timers.deleteEvent(time - 1);
      timers.registerEvent(time);
    }
    expect(backend.size).toBe(1);
    expect(timers.nextEvent()).toBe(999);
  });
});

describe('event time (1.9)', () => {
  test('fires in ascending time, ties in order of registration, up to the watermark', () => {
    const backend = testBackend();
    for (const [key, time] of [
      ['a', 9],
      ['b', 3],
      ['c', 3],
      ['a', 4],
      ['d', -5],
    ] as const) {
      withKey(backend, key, () => backend.timers.registerEvent(time));
    }
    expect(advance(backend, 4)).toEqual([
      ['d', -5],
      ['b', 3],
      ['c', 3],
      ['a', 4],
    ]);
    expect(advance(backend, 8)).toEqual([]);
    expect(advance(backend, 9)).toEqual([['a', 9]]);
  });

  test('what a firing registers within the advance fires in it', () => {
    const backend = testBackend();
    withKey(backend, 'k', () => {
      backend.timers.registerEvent(1);
      backend.timers.registerEvent(6);
    });
    const fired = advance(backend, 10, (_key, time) => {
      if (time < 5) backend.timers.registerEvent(time + 1);
      if (time === 6) backend.timers.registerEvent(2);
    });
    // 2 was registered at 6: it is due, so it fires although time has passed it; and then 3, 4, 5 again.
    expect(fired.map(([, time]) => time)).toEqual([1, 2, 3, 4, 5, 6, 2, 3, 4, 5]);
  });

  test('a timer registered in the past waits for the next advance', () => {
    const backend = testBackend();
    expect(advance(backend, 10)).toEqual([]);
    withKey(backend, 'k', () => backend.timers.registerEvent(3));
    expect(backend.size).toBe(1);
    expect(advance(backend, 10)).toEqual([['k', 3]]);
  });

  test('what a firing deletes does not fire', () => {
    const backend = testBackend();
    withKey(backend, 'k', () => {
      backend.timers.registerEvent(1);
      backend.timers.registerEvent(2);
    });
    expect(advance(backend, 10, () => backend.timers.deleteEvent(2))).toEqual([['k', 1]]);
  });

  test('state of the timer is the state of its key', () => {
    const backend = testBackend();
    const value = backend.value<string>('v');
    for (const key of [{ id: 1 }, 'b']) {
      withKey(backend, key, () => {
        value.set(`of ${JSON.stringify(key)}`);
        backend.timers.registerEvent(1);
      });
    }
    const seen: unknown[] = [];
    advance(backend, 1, (key) => seen.push([key, backend.currentKey(), value.get()]));
    expect(seen).toEqual([
      [{ id: 1 }, { id: 1 }, 'of {"id":1}'],
      ['b', 'b', 'of "b"'],
    ]);
    expect(() => value.get()).toThrow(StateError);
  });

  test('pausing stops before the next firing and goes on where it stopped', () => {
    const backend = testBackend();
    for (let key = 0; key < 5; key += 1) withKey(backend, key, () => backend.timers.registerEvent(1));
    const fired: unknown[] = [];
    let room = 2;
    const fire = (key: unknown) => {
      fired.push(key);
      room -= 1;
    };
    expect(backend.timers.advanceEvent(1, fire, () => room === 0)).toBe(false);
    expect(fired).toEqual([0, 1]);
    expect(() => backend.currentKey()).toThrow(StateError);
    room = 10;
    expect(backend.timers.advanceEvent(1, fire, () => room === 0)).toBe(true);
    expect(fired).toEqual([0, 1, 2, 3, 4]);
  });

  test('nothing due is done, room or not', () => {
    expect(
      testBackend().timers.advanceEvent(
        5,
        () => {},
        () => true,
      ),
    ).toBe(true);
  });
});

describe('the end of time (1.11)', () => {
  test('timers at MAX fire on the watermark MAX, and registering again there does not loop', () => {
    const backend = testBackend();
    for (const key of ['a', 'b']) withKey(backend, key, () => backend.timers.registerEvent(MAX_TIMESTAMP));
    expect(advance(backend, MAX_TIMESTAMP - 1)).toEqual([]);
    const again = () => backend.timers.registerEvent(MAX_TIMESTAMP);
    expect(advance(backend, MAX_TIMESTAMP, again)).toEqual([
      ['a', MAX_TIMESTAMP],
      ['b', MAX_TIMESTAMP],
    ]);
    expect(backend.size).toBe(2);
    expect(advance(backend, MAX_TIMESTAMP, again)).toEqual([]);
  });

  test('a pause at MAX does not make what was registered there due', () => {
    const backend = testBackend();
    for (const key of ['a', 'b']) withKey(backend, key, () => backend.timers.registerEvent(MAX_TIMESTAMP));
    const fired: unknown[] = [];
    const fire = (key: unknown) => {
      fired.push(key);
      backend.timers.registerEvent(MAX_TIMESTAMP);
      backend.timers.registerEvent(MAX_TIMESTAMP, { start: 0, end: 1 });
    };
    let asked = 0;
    const everySecond = () => {
      asked += 1;
      return asked % 2 === 0;
    };
    for (let call = 0; call < 5; call += 1) backend.timers.advanceEvent(MAX_TIMESTAMP, fire, everySecond);
    expect(fired).toEqual(['a', 'b']);
  });

  test('parked timers can be deleted, and fire after a restore', () => {
    const backend = testBackend();
    for (const key of ['a', 'b']) withKey(backend, key, () => backend.timers.registerEvent(MAX_TIMESTAMP));
    advance(backend, MAX_TIMESTAMP, () => backend.timers.registerEvent(MAX_TIMESTAMP));
    withKey(backend, 'b', () => backend.timers.deleteEvent(MAX_TIMESTAMP));
    expect(advance(restarted(backend), MAX_TIMESTAMP)).toEqual([['a', MAX_TIMESTAMP]]);
  });

  test('timers beyond the ends of time stand at the ends', () => {
    const backend = testBackend();
    withKey(backend, 'k', () => {
      backend.timers.registerEvent(Number.POSITIVE_INFINITY);
      backend.timers.registerEvent(Number.NEGATIVE_INFINITY);
      expect(() => backend.timers.registerEvent(Number.NaN)).toThrow(StateError);
    });
    expect(advance(backend, MAX_TIMESTAMP)).toEqual([
      ['k', MIN_TIMESTAMP],
      ['k', MAX_TIMESTAMP],
    ]);
  });
});

describe('processing time (1.10)', () => {
  test('fires when the clock reaches it, and says when to look again', () => {
    const backend = testBackend();
    const { timers } = backend;
    expect(timers.nextProcessing()).toBeNull();
    withKey(backend, 'k', () => {
      timers.registerProcessing(20);
      timers.registerProcessing(10);
    });
    expect(timers.nextProcessing()).toBe(10);
    const fired: number[] = [];
    const fire = (_key: unknown, _window: unknown, time: number) => fired.push(time);
    timers.advanceProcessing(9, fire, never);
    expect(fired).toEqual([]);
    timers.advanceProcessing(10, fire, never);
    expect(fired).toEqual([10]);
    expect(timers.nextProcessing()).toBe(20);
  });

  test('what came due while the job was down fires after the restore', () => {
    const backend = testBackend();
    withKey(backend, 'k', () => backend.timers.registerProcessing(10));
    const restored = restarted(backend);
    expect(restored.timers.nextProcessing()).toBe(10);
    const fired: unknown[] = [];
    restored.timers.advanceProcessing(1_000, (key) => fired.push(key), never);
    expect(fired).toEqual(['k']);
  });
});

describe('timers are state', () => {
  test('they keep time, window and order over a restore', () => {
    const backend = testBackend();
    for (const key of [3, 1, 2, { a: 1 }]) {
      backend.setKey(key);
      backend.timers.registerEvent(7);
      backend.timers.registerEvent(5, { start: 0, end: 5 });
    }
    const fire = (from: KeyedBackend) => {
      const fired: unknown[] = [];
      from.timers.advanceEvent(10, (key, window, time) => fired.push([key, window, time]), never);
      return fired;
    };
    const restored = restarted(restarted(backend));
    expect(fire(restored)).toEqual(fire(backend));
  });

  test('an increment knows of timers that fired, were deleted or moved', () => {
    const backend = testBackend();
    const { timers } = backend;
    backend.setKey('k');
    for (const time of [1, 2, 3, 4, 5, 6, 7, 8, 9]) timers.registerEvent(time);
    const base = fullSnapshot(backend, 1);
    backend.onCheckpointComplete(1);
    advance(backend, 2);
    backend.setKey('k');
    timers.deleteEvent(5);
    timers.deleteEvent(6);
    timers.registerEvent(6);
    timers.registerEvent(100);
    const walk = backend.beginSnapshot({ checkpoint: 2, baseCheckpoint: 1 });
    timers.deleteEvent(100);
    const increment = finish(walk);
    expect(walk.full).toBe(false);
    const restored = testBackend();
    restored.restore([base, increment]);
    expect(advance(restored, 200).map(([, time]) => time)).toEqual([3, 4, 6, 7, 8, 9, 100]);
  });
});

test('timers fire as a sorted set would, whatever is registered and deleted', () => {
  const step = fc.record({
    kind: fc.constantFrom(
      ...Array<string>(12).fill('register'),
      ...Array<string>(12).fill('delete'),
      'advance',
    ),
    key: fc.nat(1),
    time: fc.nat(30),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 60, maxLength: 200, size: 'max' }), (steps) => {
      const backend = testBackend();
      const model: { key: number; time: number }[] = [];
      for (const { kind, key, time } of steps) {
        const at = model.findIndex((timer) => timer.key === key && timer.time === time);
        backend.setKey(key);
        if (kind === 'register') {
          backend.timers.registerEvent(time);
          if (at < 0) model.push({ key, time });
        } else if (kind === 'delete') {
          backend.timers.deleteEvent(time);
          if (at >= 0) model.splice(at, 1);
        } else {
          const due = model.filter((timer) => timer.time <= time).sort((a, b) => a.time - b.time);
          expect(advance(backend, time)).toEqual(due.map((timer) => [timer.key, timer.time]));
          for (const timer of due) model.splice(model.indexOf(timer), 1);
        }
        const next = model.reduce((min, timer) => Math.min(min, timer.time), Number.POSITIVE_INFINITY);
        expect(backend.timers.nextEvent() ?? Number.POSITIVE_INFINITY).toBe(next);
        expect(backend.size).toBe(model.length);
      }
    }),
  );
});
