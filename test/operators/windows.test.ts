import { describe, expect, test } from 'vitest';
import { avg, count, max, min, sum } from '../../src/operators/windows/aggregates.js';
import { LATE_RECORDS_DROPPED } from '../../src/operators/windows/lateness.js';
import { session, sliding, tumbling, windowStart } from '../../src/operators/windows/window-assigners.js';
import type { WindowContents } from '../../src/operators/windows/window-contents.js';
import { windowOperator } from '../../src/operators/windows/window-operator.js';
import { OperatorDriver } from '../../src/testing/operator-driver.js';
import { END, record, side, verifyOperator, watermark } from '../../src/testing/operator-harness.js';
import { elements, type Hit, hit, late, summing, sums } from './window-checks.js';

describe('where windows start', () => {
  test.each([
    [
      0,
      [
        [-8, -14],
        [-7, -7],
        [-1, -7],
        [1, 0],
        [6, 0],
        [7, 7],
      ],
    ],
    [
      3,
      [
        [-10, -11],
        [-3, -4],
        [2, -4],
        [3, 3],
        [9, 3],
        [10, 10],
      ],
    ],
    [
      -2,
      [
        [-12, -16],
        [-3, -9],
        [-2, -2],
        [4, -2],
        [7, 5],
        [12, 12],
      ],
    ],
  ])('size 7, offset %i (T3.14)', (offset, pairs) => {
    for (const [timestamp, start] of pairs as [number, number][])
      expect(windowStart(timestamp, offset, 7)).toBe(start);
  });

  test.each([
    () => tumbling(0),
    () => tumbling(1.5),
    () => tumbling(10, { offsetMs: 10 }),
    () => sliding(10, 5, { offsetMs: -5 }),
    () => sliding(10, Number.NaN),
    () => session(0),
  ])('a window that cannot be is refused: %s', (make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'WEIR_CONFIG' }));
  });
});

describe('tumbling windows', () => {
  test('fire when the watermark reaches their last timestamp, results first (T3.1)', () => {
    summing({ assigner: tumbling(3000) })
      .input(hit('2', 1, 3999), hit('2', 1, 3000), hit('1', 1, 20), hit('1', 1, 0), hit('1', 1, 999))
      .input(hit('2', 1, 1998), hit('2', 1, 1999), hit('2', 1, 1000))
      .input(...[999, 1999, 2999, 3999, 4999, 5999, 6999].map(watermark), END)
      .expect(
        watermark(999),
        watermark(1999),
        record('1:3[0,3000)', 2999),
        record('2:3[0,3000)', 2999),
        watermark(2999),
        watermark(3999),
        watermark(4999),
        record('2:2[3000,6000)', 5999),
        watermark(5999),
        watermark(6999),
        END,
      );
  });

  test('several windows of one watermark fire in the order of their ends (A2)', () => {
    summing({ assigner: tumbling(10) })
      .input(hit('a', 1, 25), hit('b', 2, 5), hit('a', 3, 15), hit('a', 4, 6), END)
      .expect(
        record('b:2[0,10)', 9),
        record('a:4[0,10)', 9),
        record('a:3[10,20)', 19),
        record('a:1[20,30)', 29),
        END,
      );
  });

  test('a late record goes to the late output; one at watermark + 1 is not late (2.1, 3.8)', () => {
    summing({ assigner: tumbling(10), lateTag: late })
      .input(watermark(9), hit('a', 1, 9), hit('a', 2, 10), END)
      .expect(watermark(9), side('late', { k: 'a', v: 1 }, 9), record('a:2[10,20)', 19), END);
  });

  test('without a late output late records are dropped and counted, with one they are not counted', () => {
    for (const [options, expected] of [
      [{}, 1],
      [{ lateTag: late }, undefined],
    ] as const) {
      const create = () =>
        windowOperator({ key: (each: Hit) => each.k, contents: sums, assigner: tumbling(10), ...options });
      const driver = new OperatorDriver(create, { keyed: true, narrow: false, startMs: 0 });
      driver.open();
      for (const step of [watermark(30), hit('a', 1, 9), hit('a', 1, 31)]) driver.step(step);
      expect(driver.counters.get(LATE_RECORDS_DROPPED)).toBe(expected);
    }
  });

  test('allowed lateness keeps the window and fires it again for each late record (3.7)', () => {
    summing({ assigner: tumbling(2000), allowedLatenessMs: 500, lateTag: late })
      .input(hit('2', 1, 500), hit('2', 1, 1300), watermark(2300), hit('2', 1, 1997), hit('3', 5, 1000))
      .input(watermark(2498), hit('2', 1, 1998), watermark(2499), hit('2', 1, 1999), watermark(6000), END)
      .expect(
        record('2:2[0,2000)', 1999),
        watermark(2300),
        record('2:3[0,2000)', 1999),
        record('3:5[0,2000)', 1999),
        watermark(2498),
        record('2:4[0,2000)', 1999),
        watermark(2499),
        side('late', { k: '2', v: 1 }, 1999),
        watermark(6000),
        END,
      );
  });

  test('an infinite lateness neither overflows nor drops', () => {
    verifyOperator(
      () =>
        windowOperator({
          key: (each: Hit) => each.k,
          contents: sums,
          assigner: tumbling(10),
          allowedLatenessMs: Number.MAX_SAFE_INTEGER,
          lateTag: late,
        }),
      { leavesNoState: true },
    )
      .input(hit('a', 1, 5), watermark(1e12), hit('a', 1, 6), END)
      .expect(record('a:1[0,10)', 9), watermark(1e12), record('a:2[0,10)', 9), END);
  });

  test('negative times and offsets', () => {
    summing({ assigner: tumbling(7, { offsetMs: 3 }) })
      .input(hit('a', 1, -10), hit('a', 2, -3), hit('a', 4, 2), END)
      .expect(record('a:1[-11,-4)', -5), record('a:6[-4,3)', 2), END);
  });

  test('a record without timestamp is an error that says what to do (2.20)', () => {
    summing({ assigner: tumbling(10) })
      .input(record({ k: 'a', v: 1 }))
      .fails('WEIR_TIMESTAMP_MISSING', 'assignTimestamps');
  });

  test('results of a window fall into the same window of the next operator (3.23)', () => {
    const second = verifyOperator(() =>
      windowOperator({ key: () => 'all', contents: sums, assigner: tumbling(10) }),
    );
    second.input(hit('a', 1, 9), hit('b', 2, 9), watermark(9)).expect(record('all:3[0,10)', 9), watermark(9));
  });
});

describe('sliding windows', () => {
  test('a record is in size / slide windows', () => {
    summing({ assigner: sliding(10, 5) })
      .input(hit('a', 1, 7), hit('a', 2, 12), END)
      .expect(record('a:1[0,10)', 9), record('a:3[5,15)', 14), record('a:2[10,20)', 19), END);
  });

  test('a record in a gap is in no window and not late (3.2)', () => {
    summing({ assigner: sliding(5, 10), lateTag: late })
      .input(hit('a', 1, 7), hit('a', 2, 12), watermark(100), hit('a', 3, 8), END)
      .expect(record('a:2[10,15)', 14), watermark(100), END);
  });

  test('a record with one live window is processed there and not reported late (3.8)', () => {
    summing({ assigner: sliding(10, 5), lateTag: late })
      .input(hit('a', 1, 6), watermark(9), hit('a', 2, 7), watermark(14), hit('a', 4, 8), END)
      .expect(
        record('a:1[0,10)', 9),
        watermark(9),
        record('a:3[5,15)', 14),
        watermark(14),
        side('late', { k: 'a', v: 4 }, 8),
        END,
      );
  });
});

describe('session windows', () => {
  test('values that are at most the gap apart are one session (T3.3)', () => {
    summing({ assigner: session(3000) })
      .input(hit('2', 1, 0), hit('2', 2, 1000), hit('2', 3, 2500), hit('1', 1, 10), hit('1', 2, 1000))
      .input(hit('1', 3, 2500), hit('2', 4, 5501), hit('2', 5, 6000), hit('2', 5, 6000), hit('2', 6, 6050))
      .input(watermark(12_000), hit('2', 10, 15_000), hit('2', 20, 15_000), watermark(17_999), END)
      .expect(
        record('2:6[0,5500)', 5499),
        record('1:6[10,5500)', 5499),
        record('2:20[5501,9050)', 9049),
        watermark(12_000),
        record('2:30[15000,18000)', 17_999),
        watermark(17_999),
        END,
      );
  });

  test('records exactly the gap apart touch, and touching merges (3.3)', () => {
    summing({ assigner: session(10) })
      .input(hit('a', 1, 0), hit('a', 2, 10), hit('a', 4, 21), END)
      .expect(record('a:3[0,20)', 19), record('a:4[21,31)', 30), END);
  });

  test('a bridging record merges two sessions and only the merged one fires', () => {
    summing({ assigner: session(10) })
      .input(hit('a', 1, 0), hit('a', 2, 18), hit('b', 8, 5), hit('a', 4, 9), watermark(27), END)
      .expect(record('b:8[5,15)', 14), record('a:7[0,28)', 27), watermark(27), END);
  });

  test('a late record is saved by a live session that it touches; alone it is late (3.18)', () => {
    summing({ assigner: session(10), lateTag: late })
      .input(hit('a', 1, 20), watermark(25), hit('a', 2, 11), hit('b', 4, 11), END)
      .expect(watermark(25), side('late', { k: 'b', v: 4 }, 11), record('a:3[11,30)', 29), END);
  });

  test('within the allowed lateness a late record fires its session again, or makes it grow', () => {
    summing({ assigner: session(10), allowedLatenessMs: 20, lateTag: late })
      .input(hit('a', 1, 0), watermark(9), hit('a', 2, 0), hit('a', 4, 8), watermark(17))
      .input(watermark(36), hit('a', 8, 3), watermark(37), hit('a', 16, 3), END)
      .expect(
        record('a:1[0,10)', 9),
        watermark(9),
        record('a:3[0,10)', 9),
        record('a:7[0,18)', 17),
        watermark(17),
        watermark(36),
        record('a:15[0,18)', 17),
        watermark(37),
        side('late', { k: 'a', v: 16 }, 3),
        END,
      );
  });

  test('a session fires once and is gone after its cleanup (3.19)', () => {
    summing({ assigner: session(10), allowedLatenessMs: 20 })
      .input(hit('a', 1, 0), watermark(9), watermark(28), watermark(29), watermark(100))
      .expect(record('a:1[0,10)', 9), watermark(9), watermark(28), watermark(29), watermark(100));
  });

  test('a session that opens behind the watermark but within the lateness fires at once', () => {
    summing({ assigner: session(10), allowedLatenessMs: 20 })
      .input(watermark(9), hit('a', 1, 0), hit('a', 2, 0), watermark(10), END)
      .expect(watermark(9), record('a:1[0,10)', 9), record('a:3[0,10)', 9), watermark(10), END);
  });

  test('a timer that two sessions of a key share survives the end of one of them', () => {
    // The first is to be cleaned up at 20, when the second ends; then one record makes them one.
    summing({ assigner: session(10), allowedLatenessMs: 11 })
      .input(hit('a', 1, 0), watermark(9), hit('a', 2, 11), hit('a', 4, 5), watermark(20), END)
      .expect(record('a:1[0,10)', 9), watermark(9), record('a:7[0,21)', 20), watermark(20), END);
  });

  test('merging leaves one session and one timer (S2)', () => {
    const create = () =>
      windowOperator({ key: (each: Hit) => each.k, contents: sums, assigner: session(10) });
    const driver = new OperatorDriver(create, { keyed: true, narrow: false, startMs: 0 });
    driver.open();
    for (const step of [hit('a', 1, 0), hit('a', 1, 18), hit('a', 1, 9)]) driver.step(step);
    expect(driver.stateSize).toBe(2);
  });

  test('a gap of its own for each record', () => {
    summing({ assigner: session((each: Hit) => each.v) })
      .input(hit('a', 5, 0), hit('a', 100, 6), hit('a', 1, 50), END)
      .expect(record('a:5[0,5)', 4), record('a:101[6,106)', 105), END);
    summing({ assigner: session((each: Hit) => each.v) })
      .input(hit('a', 0, 0))
      .fails('WEIR_USER_CODE', 'session gap in milliseconds above 0, got 0');
  });

  test('an aggregate that cannot merge is refused', () => {
    const { createAccumulator, add, getResult } = sum((each: Hit) => each.v);
    const contents: WindowContents<string, Hit, number, number, number> = {
      kind: 'aggregate',
      aggregate: { createAccumulator, add, getResult },
      windowFunction: null,
    };
    expect(() => windowOperator({ key: (each: Hit) => each.k, assigner: session(5), contents })).toThrow(
      'no merge',
    );
  });
});

describe('contents', () => {
  test('all elements, in order of arrival, emitted by a generator', () => {
    elements({ assigner: tumbling(10) })
      .input(hit('a', 1, 3), hit('b', 2, 2), hit('a', 3, 1), END)
      .expect(record('a:1/2@0', 9), record('a:3/2@0', 9), record('b:2/1@0', 9), END);
    elements({ assigner: session(10), allowedLatenessMs: 10 })
      .input(hit('a', 1, 3), hit('a', 3, 18), hit('a', 2, 9), watermark(27), hit('a', 4, 5), END)
      .expect(
        ...[1, 3, 2].map((v) => record(`a:${v}/3@3`, 27)),
        watermark(27),
        ...[1, 3, 2, 4].map((v) => record(`a:${v}/4@3`, 27)),
        END,
      );
  });

  test('a late record fires each of its windows again, one suspended after the other', () => {
    elements({ assigner: sliding(10, 5), allowedLatenessMs: 50 })
      .input(hit('a', 1, 7), watermark(20), hit('a', 2, 8), END)
      .expect(
        record('a:1/1@0', 9),
        record('a:1/1@5', 14),
        watermark(20),
        ...[1, 2].map((v) => record(`a:${v}/2@5`, 14)),
        ...[1, 2].map((v) => record(`a:${v}/2@0`, 9)),
        END,
      );
  });

  test('a function that empties what it is given does not empty the window (C3)', () => {
    const contents: WindowContents<string, Hit, unknown, unknown, number> = {
      kind: 'process',
      process(_key, _window, all, context) {
        context.emit(all.length);
        (all as Hit[]).length = 0;
      },
    };
    const operator = () =>
      windowOperator({ key: (each: Hit) => each.k, assigner: tumbling(10), allowedLatenessMs: 10, contents });
    verifyOperator(operator, { leavesNoState: true })
      .input(hit('a', 1, 1), watermark(9), hit('a', 1, 2), END)
      .expect(record(1, 9), watermark(9), record(2, 9), END);
  });

  test('a process function may emit and use side outputs', () => {
    const operator = () =>
      windowOperator({
        key: (each: Hit) => each.k,
        assigner: tumbling(10),
        contents: {
          kind: 'process',
          process(key, window, all: readonly Hit[], context) {
            context.emit(`${key} ${all.length} ${context.currentWatermark}`);
            context.side(late, { k: key, v: window.end });
          },
        },
      });
    verifyOperator(operator, { leavesNoState: true })
      .input(hit('a', 1, 1), watermark(12))
      .expect(record('a 1 12', 9), side('late', { k: 'a', v: 10 }, 9), watermark(12));
  });

  test('reduce keeps one combined value', () => {
    const contents: WindowContents<string, Hit, unknown, Hit, unknown> = {
      kind: 'reduce',
      reduce: (a, b) => ({ k: a.k, v: a.v + b.v }),
      windowFunction: null,
    };
    verifyOperator(() => windowOperator({ key: (each: Hit) => each.k, assigner: tumbling(10), contents }))
      .input(hit('a', 1, 1), hit('a', 2, 2), END)
      .expect(record({ k: 'a', v: 3 }, 9), END);
  });

  test.each([
    ['count', count<Hit>(), 3],
    ['sum', sum((each: Hit) => each.v), 9],
    ['min', min((each: Hit) => each.v), 1],
    ['max', max((each: Hit) => each.v), 6],
    ['avg', avg((each: Hit) => each.v), 3],
  ])('%s, in tumbling and in merged session windows', (_, aggregate, expected) => {
    for (const assigner of [tumbling(100), session(40)]) {
      const contents = { kind: 'aggregate', aggregate, windowFunction: null } as WindowContents<
        string,
        Hit,
        unknown,
        number,
        number
      >;
      const check = verifyOperator(() => windowOperator({ key: (each: Hit) => each.k, assigner, contents }), {
        leavesNoState: true,
      });
      const [result] = check.input(hit('a', 2, 0), hit('a', 6, 60), hit('a', 1, 30), END).outputs();
      expect(result).toMatchObject({ kind: 'record', value: expected });
    }
  });

  test('a failure of the user names the operator', () => {
    const broken = (contents: WindowContents<string, Hit, number, number, string>) =>
      verifyOperator(() =>
        windowOperator({ key: (each: Hit) => each.k, assigner: tumbling(10), contents }),
      ).input(hit('a', 1, 1), END);
    const explode = () => {
      throw new Error('boom');
    };
    broken({ ...sums, windowFunction: explode } as typeof sums).fails(
      'WEIR_USER_CODE',
      'window function threw: boom',
    );
    broken({ kind: 'aggregate', aggregate: sum<Hit>(explode), windowFunction: null } as never).fails(
      'WEIR_USER_CODE',
      '"under test"',
    );
    broken({
      kind: 'aggregate',
      aggregate: sum(() => undefined as never),
      windowFunction: null,
    } as never).fails('WEIR_USER_CODE', 'got undefined');
    broken({ ...sums, windowFunction: (async () => 'x') as never } as typeof sums).fails(
      'WEIR_USER_CODE',
      'promise',
    );
  });
});
