import { describe, expect, test } from 'vitest';
import { reduceOperator } from '../../src/operators/reduce-operator.js';
import { type RollingAggregate, rollingOperator } from '../../src/operators/rolling-aggregates.js';
import { verifyOperator } from '../../src/testing/operator-harness.js';
import { END, record } from '../../src/testing/operator-script.js';

type Row = Record<string, unknown>;

function rolling(
  aggregate: RollingAggregate,
  input: readonly unknown[],
  output: readonly unknown[],
  key = (row: unknown) => (row as Row)['k'],
) {
  verifyOperator(() => rollingOperator({ key, aggregate }))
    .input(...input.map((value, index) => record(value, index)), END)
    .expect(...output.map((value, index) => record(value, index)), END);
}

describe('rolling aggregates', () => {
  test('sum per key, one answer for each record (T1.1)', () => {
    rolling(
      { kind: 'sum', field: 'v' },
      [
        { k: 'a', v: 1 },
        { k: 'a', v: 2 },
        { k: 'b', v: 5 },
        { k: 'a', v: 3 },
      ],
      [
        { k: 'a', v: 1 },
        { k: 'a', v: 3 },
        { k: 'b', v: 5 },
        { k: 'a', v: 6 },
      ],
    );
  });

  const rows = [
    { k: 'k', v: 3, tag: 'x' },
    { k: 'k', v: 1, tag: 'y' },
    { k: 'k', v: 2, tag: 'z' },
  ];

  test('min keeps the other fields of the first record (T1.2)', () => {
    rolling({ kind: 'min', field: 'v' }, rows, [
      rows[0],
      { k: 'k', v: 1, tag: 'x' },
      { k: 'k', v: 1, tag: 'x' },
    ]);
  });

  test('minBy answers the winning record whole (T1.2)', () => {
    rolling({ kind: 'minBy', field: 'v' }, rows, [rows[0], rows[1], rows[1]]);
  });

  test('max and maxBy', () => {
    rolling({ kind: 'max', field: 'v' }, [...rows].reverse(), [rows[2], rows[2], { ...rows[2], v: 3 }]);
    rolling({ kind: 'maxBy', field: 'v' }, [...rows].reverse(), [rows[2], rows[2], rows[0]]);
  });

  test('NaN loses to every number, wherever it comes', () => {
    const values = [Number.NaN, 3, Number.NaN, 1, 5].map((v, n) => ({ k: 1, v, n }));
    const at = (v: number, n: number) => ({ k: 1, v, n });
    rolling({ kind: 'min', field: 'v' }, values, [at(Number.NaN, 0), at(3, 0), at(3, 0), at(1, 0), at(1, 0)]);
    rolling({ kind: 'max', field: 'v' }, values, [at(Number.NaN, 0), at(3, 0), at(3, 0), at(3, 0), at(5, 0)]);
    rolling({ kind: 'minBy', field: 'v' }, values, [values[0], values[1], values[1], values[3], values[3]]);
    const dates = [new Date(Number.NaN), new Date(7)].map((v) => ({ k: 1, v }));
    rolling({ kind: 'maxBy', field: 'v' }, dates, dates);
  });

  test('on a tie the earlier record wins, unless told otherwise', () => {
    const tie = [
      { k: 1, v: 'm', n: 1 },
      { k: 1, v: 'm', n: 2 },
    ];
    rolling({ kind: 'maxBy', field: 'v' }, tie, [tie[0], tie[0]]);
    rolling({ kind: 'maxBy', field: 'v', first: false }, tie, [tie[0], tie[1]]);
    rolling({ kind: 'minBy', field: 'v', first: false }, tie, [tie[0], tie[1]]);
  });

  test('records that are tuples, numbers, bigints and Dates', () => {
    rolling(
      { kind: 'sum', field: 1 },
      [
        ['a', 1, 'x'],
        ['a', 2, 'y'],
      ],
      [
        ['a', 1, 'x'],
        ['a', 3, 'x'],
      ],
      (row) => (row as unknown[])[0],
    );
    rolling({ kind: 'sum', field: null }, [1n, 2n], [1n, 3n], () => 0);
    rolling({ kind: 'min', field: null }, [3, 1, 2], [3, 1, 1], () => 0);
    const [early, late] = [new Date(5), new Date(9)];
    rolling({ kind: 'max', field: null }, [early, late, early], [early, late, late], () => 0);
  });

  test('a field that is missing or of another kind is an error that names it', () => {
    const check = (aggregate: RollingAggregate, ...values: unknown[]) =>
      verifyOperator(() => rollingOperator({ key: () => 1, aggregate })).input(
        ...values.map((value) => record(value)),
      );
    check({ kind: 'sum', field: 'v' }, { w: 1 }).fails('WEIR_USER_CODE', 'field "v" to hold numbers');
    check({ kind: 'min', field: 'v' }, { v: 1 }, { v: 'x' }).fails('WEIR_USER_CODE', 'got "x"');
    check({ kind: 'sum', field: null }, 1, 1n).fails('WEIR_USER_CODE', 'got 1n');
    check({ kind: 'maxBy', field: 'v' }, undefined).fails('WEIR_USER_CODE', 'got undefined');
  });
});

describe('reduce', () => {
  const reduce = (combine: (a: number, b: number) => number) =>
    verifyOperator(() => reduceOperator({ key: (value: number) => value % 2, reduce: combine }));

  test('the first record of a key as it is, then each combination (1.4)', () => {
    reduce((a, b) => a * 10 + b)
      .input(record(1, 1), record(3, 2), record(2, 3), record(5, 4))
      .expect(record(1, 1), record(13, 2), record(2, 3), record(135, 4));
  });

  test('a combination of nothing, a promise, a throw', () => {
    reduce(() => undefined as never)
      .input(record(1), record(1))
      .fails('WEIR_USER_CODE', 'got undefined');
    reduce((async () => 1) as never)
      .input(record(1), record(1))
      .fails('WEIR_USER_CODE', 'promise');
    reduce(() => {
      throw new Error('boom');
    })
      .input(record(1), record(1))
      .fails('WEIR_USER_CODE', 'function of reduce threw: boom');
  });

  test('a combination that is changed afterwards is caught in development', () => {
    const error = verifyOperator(() =>
      reduceOperator({
        key: () => 1,
        reduce: (combined: { n: number }, value: { n: number }) => {
          combined.n += value.n;
          return combined;
        },
      }),
    )
      .input(record({ n: 1 }), record({ n: 2 }))
      .fails('WEIR_USER_CODE', 'read only');
    expect(error.operator).toBe('under test');
  });

  test('bad keys name the operator', () => {
    const keyed = (key: (value: unknown) => unknown) =>
      verifyOperator(() => reduceOperator({ key, reduce: (a) => a })).input(record(1));
    keyed(() => undefined).fails('WEIR_KEY', 'under test');
    keyed(() => {
      throw new Error('no key');
    }).fails('WEIR_USER_CODE', 'key selector threw: no key');
    verifyOperator(() => reduceOperator({ key: () => 1, reduce: (a) => a }), { keyed: false }).fails(
      'WEIR_USER_CODE',
      'keyBy',
    );
  });
});
