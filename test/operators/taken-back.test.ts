// A failed call leaves nothing behind, whatever it has done before it failed (onError).

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { guardedOperator } from '../../src/operators/guarded-operator.js';
import { keyedProcessOperator } from '../../src/operators/keyed-process-operator.js';
import type { Operator } from '../../src/operators/operator.js';
import type { OnError } from '../../src/operators/poison.js';
import { KeyedProcessFunction } from '../../src/operators/process-function.js';
import { processOperator } from '../../src/operators/process-operator.js';
import { reduceOperator } from '../../src/operators/reduce-operator.js';
import { rollingOperator } from '../../src/operators/rolling-aggregates.js';
import { listState } from '../../src/operators/state-handles.js';
import {
  session,
  sliding,
  tumbling,
  type WindowAssigner,
} from '../../src/operators/windows/window-assigners.js';
import { windowOperator } from '../../src/operators/windows/window-operator.js';
import type { OperatorListState } from '../../src/state/operator-state.js';
import { verifyOperator } from '../../src/testing/operator-harness.js';
import { clock, END, type OperatorStep, record, watermark } from '../../src/testing/operator-script.js';
import { byKey, Everything, type Op, type Row, scriptOf, step } from './everything-function.js';

const guarded = (operator: Operator, policy: OnError = 'skip'): Operator =>
  guardedOperator(operator, policy, true);

describe('a failed call leaves nothing behind', () => {
  test('whatever it did to state and timers, results are those of the input without the poison', () => {
    const make = () =>
      guarded(keyedProcessOperator<number, Row, string>({ key: ({ key }) => key, fn: Everything }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const outputsOf = (keep: (row: Row) => boolean) =>
          verifyOperator(make)
            .input(...scriptOf(steps, keep))
            .outputs();
        const clean = outputsOf(({ poison }) => !poison);
        expect(byKey(outputsOf(() => true))).toEqual(byKey(clean));
      }),
      { numRuns: 300 },
    );
  });

  test('reading that refreshes a time to live is taken back as well', () => {
    const show: Op = { kind: 'show' };
    const rows: Row[] = [
      {
        key: 1,
        ops: [
          { kind: 'item', n: 4 },
          { kind: 'ttlSet', at: 1, n: 5 },
        ],
        poison: false,
      },
      { key: 1, ops: [show], poison: true },
      { key: 1, ops: [show], poison: false },
    ];
    verifyOperator(() =>
      guarded(keyedProcessOperator<number, Row, string>({ key: ({ key }) => key, fn: Everything })),
    )
      .input(record(rows[0], 1), clock(20), record(rows[1], 2), clock(45), record(rows[2], 3), END)
      .expect(record('1: none | [] | () 0 | ttl () | ttl [] | nothing | unseen', 3), END);
  });

  interface Item {
    readonly k: number;
    readonly n: number;
    readonly poison: boolean;
  }
  const items = fc.array(
    fc.record({
      k: fc.integer({ min: 0, max: 2 }),
      n: fc.integer({ min: 0, max: 9 }),
      at: fc.integer({ min: 0, max: 40 }),
      poison: fc.boolean(),
      watermark: fc.boolean(),
    }),
    { maxLength: 30 },
  );
  const key = ({ k, poison, n }: Item): number => {
    if (poison && n === 0) throw new Error('no key');
    return k;
  };
  /** Changes its accumulator in place before it fails. */
  const inPlace = {
    createAccumulator: () => ({ sum: 0, all: [] as number[] }),
    add(held: { sum: number; all: number[] }, { n, poison }: Item) {
      held.sum += n;
      held.all.push(n);
      if (poison) throw new Error('poison');
      return held;
    },
    getResult: ({ sum, all }: { sum: number; all: number[] }) => `${sum} of ${all.join(' ')}`,
    merge(left: { sum: number; all: number[] }, right: { sum: number; all: number[] }) {
      left.sum += right.sum;
      left.all.push(...right.all);
      return left;
    },
  };
  const reduce = (a: Item, b: Item): Item => {
    if (b.poison) throw new Error('poison');
    return { ...b, n: (a.n * 3 + b.n) % 101 };
  };
  const OPERATORS: Record<string, () => Operator> = {
    reduce: () => reduceOperator<Item>({ key, reduce }),
    rolling: () => rollingOperator<Item>({ key, aggregate: { kind: 'sum', field: 'n' } }),
    tumbling: () =>
      windowOperator({
        key,
        assigner: tumbling(7),
        contents: { kind: 'aggregate', aggregate: inPlace, windowFunction: null },
      }),
    sliding: () =>
      windowOperator({
        key,
        assigner: sliding(9, 3),
        contents: {
          kind: 'aggregate',
          aggregate: inPlace,
          windowFunction: (k, w, r) => `${k} ${w.start} ${r}`,
        },
        allowedLatenessMs: 6,
      }),
    session: () =>
      windowOperator({
        key,
        assigner: session(4),
        contents: {
          kind: 'aggregate',
          aggregate: inPlace,
          windowFunction: (k, w, r) => `${k} ${w.start} ${r}`,
        },
        allowedLatenessMs: 5,
      }),
    'session by record': () =>
      windowOperator({
        key,
        assigner: session((item: Item) => {
          if (item.poison) throw new Error('poison');
          return 1 + item.n;
        }),
        contents: {
          kind: 'process',
          *process(k, w, elements) {
            yield `${k} ${w.start}-${w.end} ${elements.map(({ n }) => n).join(' ')}`;
          },
        },
      }),
  };
  for (const [name, create] of Object.entries(OPERATORS)) {
    test(`${name}: as if the poison had not been there`, () => {
      fc.assert(
        fc.property(items, (given) => {
          // A first record that is poison fails nowhere in reduce: it is combined with nothing. Rolling fails on what is no number.
          const input = given.map((item) =>
            name === 'rolling' && item.poison ? { ...item, n: 'none' as unknown as number } : item,
          );
          const outputsOf = (keep: (item: Item) => boolean) => {
            const steps: OperatorStep[] = [];
            let reached = -1;
            for (const { at, watermark: advances, ...item } of input) {
              if (keep(item)) steps.push(record(item, at));
              reached = Math.max(reached, at);
              if (advances) steps.push(watermark(reached - 3));
            }
            return verifyOperator(() => guarded(create()))
              .input(...steps, END)
              .outputs();
          };
          const fails = name === 'reduce' ? failsInReduce(input, key) : ({ poison }: Item) => poison;
          expect(outputsOf(() => true)).toEqual(outputsOf((item) => !fails(item)));
        }),
        { numRuns: 150 },
      );
    });
  }

  const late = (assigner: WindowAssigner<string>, failing: number) =>
    verifyOperator(() =>
      guarded(
        windowOperator<string, string, never, never, string>({
          key: () => 'k',
          assigner,
          contents: {
            kind: 'process',
            process(_key, window, elements, context) {
              context.emit(`${window.start}: ${elements.join(' ')}`);
              if (elements.includes('bad') && window.start === failing) throw new Error('poison');
            },
          },
          allowedLatenessMs: 100,
        }),
      ),
    );

  test('a late record whose windows fail to fire again: it is in none of them', () => {
    late(sliding(10, 5), 5)
      .input(record('a', 7), watermark(20), record('bad', 7), record('b', 7), END)
      .expect(
        record('0: a', 9),
        record('5: a', 14),
        watermark(20),
        record('5: a b', 14),
        record('0: a b', 9),
        END,
      );
  });

  test('a late record that opened windows before it failed: the next one opens them again', () => {
    late(tumbling(10), 0)
      .input(watermark(20), record('bad', 7), record('b', 7), record('c', 7), END)
      .expect(watermark(20), record('0: b', 9), record('0: b c', 9), END);
  });

  test('an element of a list that was changed in place cannot be taken back: it is told in development', () => {
    class Lists extends KeyedProcessFunction<number, number, number> {
      private readonly sets = listState<Set<number>>('sets');
      override onElement(n: number): void {
        if (n === 0) return this.sets.add(new Set());
        this.sets.get()[0]?.add(n);
        throw new Error('poison');
      }
    }
    verifyOperator(() => guarded(keyedProcessOperator<number, number, number>({ key: () => 0, fn: Lists })))
      .input(record(0, 1), record(1, 2))
      .fails('WEIR_STATE', 'changed in place');
  });

  /** Which poison records meet a combination to fail in: not the first of their key. */
  function failsInReduce(input: readonly Item[], keyOf: (item: Item) => number): (item: Item) => boolean {
    const started = new Set<number>();
    const failing = new Set<string>();
    input.forEach((item, index) => {
      if (item.poison && (item.n === 0 || started.has(item.k))) failing.add(`${index}`);
      else started.add(keyOf(item));
    });
    let index = -1;
    return () => {
      index += 1;
      return failing.has(`${index}`);
    };
  }
});

test('lists of a subtask are taken back: what was added, what was put in their place, and both', () => {
  interface Put {
    readonly add?: number;
    readonly set?: readonly number[];
    readonly poison?: boolean;
  }
  const operator = () =>
    guarded(
      processOperator<Put, string>(() => {
        let list: OperatorListState<number> | null = null;
        return {
          open({ operatorState }) {
            list = operatorState.list<number>('kept');
          },
          onElement({ add, set, poison }, context) {
            if (add !== undefined) list?.add(add);
            if (set !== undefined) list?.set(set);
            if (add !== undefined) list?.add(add);
            if (poison === true) throw new Error('poison');
            context.emit((list?.get() ?? []).join(' '));
          },
        };
      }),
    );
  verifyOperator(operator, { keyed: false })
    .input(
      record({ add: 1 }, 1),
      record({ add: 2, poison: true }, 2),
      record({ add: 3, set: [9], poison: true }, 3),
    )
    .input(
      record({}, 4),
      record({ set: [7] }, 5),
      record({ set: [], poison: true }, 6),
      record({ add: 8 }, 7),
      END,
    )
    .expect(record('1 1', 1), record('1 1', 4), record('7', 5), record('7 8 8', 7), END);
});
