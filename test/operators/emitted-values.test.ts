// What was emitted or handed out stays as it was, whatever is added to the state behind it afterwards.

import { describe, expect, test } from 'vitest';
import type { Operator } from '../../src/operators/operator.js';
import { session, sliding, tumbling } from '../../src/operators/windows/window-assigners.js';
import type { WindowContents } from '../../src/operators/windows/window-contents.js';
import { windowOperator } from '../../src/operators/windows/window-operator.js';
import { KeyedBackend } from '../../src/state/keyed-backend.js';
import { OperatorDriver } from '../../src/testing/operator-driver.js';
import {
  END,
  type OperatorStep,
  record,
  verifyOperator,
  watermark,
} from '../../src/testing/operator-harness.js';

interface Totals {
  readonly seen: number[];
  readonly byParity: Map<number, number>;
}

/** Works in place, and answers its accumulator, as people write it. */
const totals: WindowContents<string, number, Totals, Totals, Totals> = {
  kind: 'aggregate',
  aggregate: {
    createAccumulator: () => ({ seen: [], byParity: new Map() }),
    add(accumulator, value) {
      accumulator.seen.push(value);
      accumulator.byParity.set(value % 2, (accumulator.byParity.get(value % 2) ?? 0) + value);
      return accumulator;
    },
    getResult: (accumulator) => accumulator,
    merge(left, right) {
      left.seen.push(...right.seen);
      for (const [parity, sum] of right.byParity)
        left.byParity.set(parity, (left.byParity.get(parity) ?? 0) + sum);
      return left;
    },
  },
  windowFunction: null,
};

const result = (even: number, odd: number, ...seen: number[]): unknown => ({
  seen,
  byParity: new Map([...(odd === 0 ? [] : [[1, odd] as const]), ...(even === 0 ? [] : [[0, even] as const])]),
});

const windows = (
  assigner: Parameters<typeof windowOperator<string, number, Totals, Totals, Totals>>[0]['assigner'],
): Operator =>
  windowOperator<string, number, Totals, Totals, Totals>({
    key: () => 'k',
    assigner,
    contents: totals,
    allowedLatenessMs: 1_000,
  });

describe('a result that is the accumulator itself does not change when a late record is added', () => {
  const input: readonly OperatorStep[] = [
    record(1, 1),
    record(3, 2),
    watermark(50),
    record(2, 3),
    record(4, 4),
  ];

  test('tumbling windows', () => {
    verifyOperator(() => windows(tumbling(10)))
      .input(...input, END)
      .expect(
        record(result(0, 4, 1, 3), 9),
        watermark(50),
        record(result(2, 4, 1, 3, 2), 9),
        record(result(6, 4, 1, 3, 2, 4), 9),
        END,
      );
  });

  test('sliding windows', () => {
    verifyOperator(() => windows(sliding(10, 5)))
      .input(record(1, 6), watermark(50), record(2, 7), END)
      .expect(
        record(result(0, 1, 1), 9),
        record(result(0, 1, 1), 14),
        watermark(50),
        record(result(2, 1, 1, 2), 14),
        record(result(2, 1, 1, 2), 9),
        END,
      );
  });

  test('sessions, also when one that was emitted takes in another', () => {
    verifyOperator(() => windows(session(5)))
      .input(
        record(1, 0),
        record(3, 20),
        watermark(50),
        record(5, 4),
        record(7, 8),
        record(9, 15),
        record(2, 12),
        END,
      )
      .expect(
        record(result(0, 1, 1), 4),
        record(result(0, 3, 3), 24),
        watermark(50),
        record(result(0, 6, 1, 5), 8),
        record(result(0, 13, 1, 5, 7), 12),
        record(result(0, 12, 3, 9), 24),
        record(result(2, 25, 1, 5, 7, 3, 9, 2), 24),
        END,
      );
  });
});

/** The driver works as in development; production freezes nothing. */
function backend(freeze: boolean): KeyedBackend {
  const made = new KeyedBackend({
    operator: 'op',
    subtask: 0,
    maxParallelism: 8,
    range: { from: 0, to: 7 },
    freeze,
    processingTimeMs: () => 0,
  });
  made.setKey('k');
  return made;
}

test.each([true, false])('aggregating state does not change what it handed out (frozen: %s)', (freeze) => {
  const state = backend(freeze).aggregating<number, Totals, Totals>('totals', {
    aggregate: totals.aggregate,
  });
  const handedOut: (Totals | undefined)[] = [];
  for (const value of [1, 2, 3]) {
    state.add(value);
    handedOut.push(state.get());
  }
  expect(handedOut).toEqual([result(0, 1, 1), result(2, 1, 1, 2), result(2, 4, 1, 2, 3)]);
});

test('reducing state does not change what it handed out, even under a reduce that works in place', () => {
  const state = backend(false).reducing<{ n: number }>('sum', {
    reduce(stored, added) {
      stored.n += added.n;
      return stored;
    },
  });
  state.add({ n: 1 });
  const first = state.get();
  state.add({ n: 2 });
  expect([first, state.get()]).toEqual([{ n: 1 }, { n: 3 }]);
});

describe('in development, changing in place what belongs to others throws where it is done', () => {
  test('a reduce of windows that changes its left side', () => {
    const driver = new OperatorDriver(
      () =>
        windowOperator<string, { n: number }, { n: number }, { n: number }, { n: number }>({
          key: () => 'k',
          assigner: tumbling(10),
          contents: {
            kind: 'reduce',
            reduce(left, right) {
              left.n += right.n;
              return left;
            },
            windowFunction: null,
          },
        }),
      { narrow: false, keyed: true, startMs: 0 },
    );
    driver.open();
    driver.step(record({ n: 1 }, 1));
    expect(() => driver.step(record({ n: 2 }, 2))).toThrow(/read only property 'n'/);
  });

  test('a function downstream that changes a result which its window keeps', () => {
    const driver = new OperatorDriver(() => windows(tumbling(10)), {
      narrow: false,
      keyed: true,
      startMs: 0,
    });
    driver.open();
    driver.step(record(1, 1));
    driver.step(watermark(50));
    const emitted = driver.outputs.find((each) => each.kind === 'record');
    expect(() => (emitted as { value: Totals }).value.seen.push(5)).toThrow(TypeError);
  });
});
