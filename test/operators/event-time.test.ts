import { describe, expect, test } from 'vitest';
import { WATERMARK_INTERVAL_MS } from '../../src/base/limits.js';
import type { Operator } from '../../src/operators/operator.js';
import { SplitWatermarks, type WatermarkEmission } from '../../src/operators/split-watermarks.js';
import { timestampOperator } from '../../src/operators/timestamp-operator.js';
import {
  boundedOutOfOrderness,
  customWatermarks,
  monotonous,
  noWatermarks,
  punctuated,
  withIdleness,
  withTimestamps,
} from '../../src/operators/watermark-generators.js';
import type { WatermarkStrategy } from '../../src/operators/watermark-strategy.js';
import { type VerifyOptions, verifyOperator } from '../../src/testing/operator-harness.js';
import { clock, END, idle, type OperatorStep, record, watermark } from '../../src/testing/operator-script.js';

const at = (value: number) => value;
const tick = WATERMARK_INTERVAL_MS;

const assigner = (strategy: WatermarkStrategy<unknown>, options: VerifyOptions = {}) =>
  verifyOperator(
    (): Operator => timestampOperator(withTimestamps(at as (value: unknown) => number, strategy)),
    { keyed: false, ...options },
  );

/** Records, and after each the periodic check. */
function checked(...times: readonly number[]): OperatorStep[] {
  return times.flatMap((time, index) => [record(time), clock((index + 1) * tick)]);
}

describe('watermarks in the middle of a stream', () => {
  test('bounded out-of-orderness stays behind by the bound and one (T2.1)', () => {
    assigner(boundedOutOfOrderness(3), { restores: false })
      .input(...checked(10, 12, 11, 15), END)
      .expect(
        record(10, 10),
        watermark(6),
        record(12, 12),
        watermark(8),
        record(11, 11),
        record(15, 15),
        watermark(11),
        END,
      );
  });

  test('by the record: a watermark follows the one that raises it enough, whatever the clock says', () => {
    const times = [10, 12, 11, 15, 15, 21];
    const under = (everyMs: number) => {
      const s = splits(boundedOutOfOrderness(3, { everyMs }), 'a');
      s.start();
      return [...times.flatMap((time) => [...s.read('a', time), ...s.tick()]), ...show(s.under.finish())];
    };
    expect(under(0)).toEqual([6, 8, 11, 17]);
    expect(under(5)).toEqual([6, 11, 17]);
    const atOnce = splits(boundedOutOfOrderness(3, { everyMs: 5 }), 'a');
    atOnce.start();
    expect([...atOnce.read('a', ...times), ...atOnce.tick()]).toEqual([6, 11, 17]);
  });

  test.each([{}, { everyMs: 0 }])(
    'one record raises the watermark by no more than the bound: %o',
    (options) => {
      const s = splits(monotonous({ ...options, advanceMaxMs: 100 }), 'a');
      s.start();
      const marks = [1_000, 9_000_000, 1_010, 1_020, 1_150, 9_000_000, 1_400].map((time) =>
        [...s.read('a', time), ...s.tick()].join(),
      );
      expect(marks).toEqual(['999', '1099', '', '', '1149', '1249', '1349']);
    },
  );

  test.each([{ everyMs: -1 }, { everyMs: Number.NaN }, { advanceMaxMs: 0 }])('%o is refused', (options) => {
    expect(() => monotonous(options)).toThrow(expect.objectContaining({ code: 'WEIR_CONFIG' }));
  });

  test('monotonous: equal timestamps are not late (T2.1)', () => {
    assigner(monotonous(), { restores: false })
      .input(...checked(10, 12, 11))
      .expect(record(10, 10), watermark(9), record(12, 12), watermark(11), record(11, 11));
  });

  test('nothing before the first record, nothing to underflow', () => {
    assigner(boundedOutOfOrderness(1e15))
      .input(clock(tick), clock(2 * tick), END)
      .expect(END);
  });

  test('punctuated ones leave with their record and never fall (2.5, 2.6)', () => {
    assigner(punctuated((value) => ((value as number) % 10 === 0 ? (value as number) : null)))
      .input(record(1), record(20), record(10), record(3), record(30), clock(tick))
      .expect(
        record(1, 1),
        record(20, 20),
        watermark(20),
        record(10, 10),
        record(3, 3),
        record(30, 30),
        watermark(30),
      );
  });

  test('upstream watermarks end here, MAX alone passes after the last word of the generator (T2.6)', () => {
    assigner(monotonous(), { restores: false })
      .input(record(5), watermark(100), record(9), END)
      .expect(record(5, 5), record(9, 9), watermark(8), END);
  });

  test('no strategy, no watermarks', () => {
    assigner(noWatermarks())
      .input(...checked(1, 2, 3), END)
      .expect(record(1, 1), record(2, 2), record(3, 3), END);
  });

  test('idle after strictly longer than the limit, active again with the next record (2.9)', () => {
    assigner(boundedOutOfOrderness(0, { idlenessMs: 2 * tick }), { restores: false })
      .input(
        record(7),
        ...[1, 2, 3, 4, 5, 6, 7].map((n) => clock(n * tick)),
        record(9),
        clock(8 * tick),
        clock(9 * tick),
      )
      .expect(record(7, 7), watermark(6), idle(true), idle(false), record(9, 9), watermark(8));
  });

  test.each([undefined, null, Number.NaN, '2020', Number.POSITIVE_INFINITY])(
    'timestamp %s is an error that shows the record',
    (bad) => {
      const strategy = withTimestamps((() => bad) as never, monotonous());
      verifyOperator(() => timestampOperator(strategy))
        .input(record({ id: 4711 }))
        .fails('WEIR_USER_CODE', '{"id":4711}');
    },
  );

  test('what strategies throw is the failure of the user', () => {
    const boom = () => {
      throw new Error('boom');
    };
    verifyOperator(() => timestampOperator(withTimestamps(boom, monotonous())))
      .input(record(1))
      .fails('WEIR_USER_CODE', 'timestamp assigner threw: boom');
    assigner(customWatermarks(boom)).fails('WEIR_USER_CODE', 'watermark strategy threw: boom');
    assigner(customWatermarks(() => ({ onRecord: boom, onPeriodic: () => null })))
      .input(record(1))
      .fails('WEIR_USER_CODE', 'watermark generator threw');
    assigner(customWatermarks(() => ({ onRecord: () => Number.NaN, onPeriodic: () => null })))
      .input(record(1))
      .fails('WEIR_USER_CODE', 'got NaN');
    expect(() => boundedOutOfOrderness(-1)).toThrow(expect.objectContaining({ code: 'WEIR_CONFIG' }));
    expect(() => withIdleness(monotonous(), 0)).toThrow(expect.objectContaining({ code: 'WEIR_CONFIG' }));
  });
});

const place = { name: 'source', subtask: 0, declaredAt: undefined };
const show = (emissions: readonly WatermarkEmission[]) =>
  emissions.map((each) => (each.kind === 'watermark' ? each.time : each.idle ? 'IDLE' : 'ACTIVE'));

function splits(strategy: WatermarkStrategy<unknown>, ...ids: readonly string[]) {
  const under = new SplitWatermarks(withTimestamps(at as (value: unknown) => number, strategy), ids, place);
  let nowMs = 0;
  return {
    under,
    start: () => show(under.start(0)),
    read: (id: string, ...times: readonly number[]) =>
      show(
        under
          .onRecords(
            id,
            times,
            times.map(() => -1),
            nowMs,
          )
          .map(({ emission }) => emission),
      ),
    tick: (times = 1) => {
      const seen: unknown[] = [];
      for (let n = 0; n < times; n += 1) {
        nowMs += tick;
        seen.push(...show(under.periodic(nowMs)));
      }
      return seen;
    },
    ended: (id: string) => show(under.splitEnded(id, nowMs)),
    added: (id: string) => show(under.splitAdded(id, nowMs)),
    pause: (paused: boolean, afterMs = 0) => under.setPaused(paused, nowMs + afterMs),
  };
}

describe('watermarks per split of a source', () => {
  test('reading one split fast makes no record of another late (2.8)', () => {
    const s = splits(monotonous(), 'a', 'b');
    s.start();
    s.read('a', 100, 200);
    expect(s.tick()).toEqual([]);
    s.read('b', 5);
    expect(s.tick()).toEqual([4]);
    s.read('b', 300);
    expect(s.tick()).toEqual([199]);
  });

  test('timestamps of the strategy replace those of the source', () => {
    const s = splits(monotonous(), 'a');
    const timestamps = [0, 0];
    s.under.onRecords('a', [7, 8], timestamps, 0);
    expect(timestamps).toEqual([7, 8]);
  });

  test('a silent split holds back the others until it is idle (T2.8)', () => {
    const s = splits(boundedOutOfOrderness(0, { idlenessMs: 50 }), 'p0', 'p1');
    s.start();
    s.read('p0', 100);
    const seen = s.tick(2);
    s.read('p0', 101);
    expect([...seen, ...s.tick()]).toEqual([99, 100]);
  });

  test('all idle: the highest watermark, then IDLE; a record makes it active (2.13)', () => {
    const s = splits(boundedOutOfOrderness(0, { idlenessMs: tick }), 'a', 'b');
    s.start();
    s.read('a', 50);
    s.read('b', 10);
    expect(s.tick()).toEqual([9]);
    expect(s.tick(3)).toEqual([49, 'IDLE']);
    expect(s.read('b', 60)).toEqual(['ACTIVE']);
    expect(s.tick()).toEqual([59]);
  });

  test('without splits the subtask is idle at once and never says MAX (2.10)', () => {
    const s = splits(monotonous());
    expect(s.start()).toEqual(['IDLE']);
    expect(s.tick(3)).toEqual([]);
    expect(s.added('late')).toEqual(['ACTIVE']);
    s.read('late', 9);
    expect(s.tick()).toEqual([8]);
    expect(s.ended('late')).toEqual(['IDLE']);
    expect(s.under.finish()).toEqual([]);
  });

  test('a split that ends has the last word and then holds back nobody', () => {
    const s = splits(monotonous(), 'a', 'b');
    s.start();
    s.read('a', 10);
    s.read('b', 90);
    expect(s.tick()).toEqual([9]);
    expect(s.ended('a')).toEqual([89]);
    s.read('b', 95);
    expect(show(s.under.finish())).toEqual([94]);
  });

  test('a split that is added holds back the output but does not make it fall', () => {
    const s = splits(monotonous(), 'a');
    s.start();
    s.read('a', 50);
    expect(s.tick()).toEqual([49]);
    expect(s.added('b')).toEqual([]);
    s.read('a', 80);
    expect(s.tick()).toEqual([]);
    s.read('b', 60);
    expect(s.tick()).toEqual([59]);
    expect(s.ended('a')).toEqual([]);
    expect(s.added('c')).toEqual([]);
    s.read('b', 90);
    expect(s.tick()).toEqual([]);
  });

  test('the idle clock stands still while the subtask is paused (2.9)', () => {
    const s = splits(boundedOutOfOrderness(0, { idlenessMs: tick }), 'a');
    s.start();
    s.read('a', 50);
    s.tick(2);
    s.pause(true);
    expect(s.tick(20)).toEqual([]);
    s.pause(false);
    expect(s.tick(2)).toEqual(['IDLE']);
  });

  test('idle only after strictly longer than the limit, not counting what was paused', () => {
    const s = splits(boundedOutOfOrderness(0, { idlenessMs: 2 * tick }), 'a');
    s.start();
    s.read('a', 50);
    expect(s.tick(4)).toEqual([49]);
    expect(s.tick()).toEqual(['IDLE']);
    s.read('a', 60);
    expect(s.tick(3)).toEqual([59]);
    s.pause(true);
    s.pause(false, tick / 2);
    expect(s.tick(1)).toEqual([]);
    expect(s.tick(1)).toEqual(['IDLE']);
  });

  test('punctuated watermarks rise in the order of the records, and a generator cannot say MAX', () => {
    const s = splits(
      punctuated((value) => value as number),
      'a',
    );
    s.start();
    expect(s.read('a', 3, 2, 7)).toEqual([3, 7]);
    const last = splits(
      punctuated(() => Number.MAX_SAFE_INTEGER),
      'a',
    );
    last.start();
    expect(last.read('a', 1)).toEqual([Number.MAX_SAFE_INTEGER - 1]);
  });

  test('a bad timestamp names the source', () => {
    const bad = new SplitWatermarks(
      withTimestamps(() => Number.NaN, monotonous()),
      ['a'],
      place,
    );
    expect(() => bad.onRecords('a', [1], [0], 0)).toThrow(/operator "source"/);
  });
});
