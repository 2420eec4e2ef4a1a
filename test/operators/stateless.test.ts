import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UserCodeError } from '../../src/base/errors.js';
import { flatMapOperator } from '../../src/operators/flat-map-operator.js';
import { filterOperator, fuseStateless, mapOperator } from '../../src/operators/fuse.js';
import type { Operator } from '../../src/operators/operator.js';
import type { NamedStep, StatelessStep } from '../../src/operators/stateless-step.js';
import { verifyOperator } from '../../src/testing/operator-harness.js';
import {
  END,
  type OperatorOutput,
  type OperatorStep,
  record,
  watermark,
} from '../../src/testing/operator-script.js';

const boom = () => {
  throw new Error('boom');
};

describe('map and filter', () => {
  test('keep timestamps; undefined and null are values (1.1)', () => {
    verifyOperator(() => mapOperator((value: number) => (value > 1 ? undefined : null)), { keyed: false })
      .input(record(1, 5), record(2, 6), watermark(9), record(3), END)
      .expect(record(null, 5), record(undefined, 6), watermark(9), record(undefined), END);
  });

  test('a filter keeps what is truthy', () => {
    verifyOperator(() => filterOperator((value: number | string) => value), { keyed: false })
      .input(record(0, 1), record('x', 2), record('', 3), record(7, 4))
      .expect(record('x', 2), record(7, 4));
  });

  test('a failure names the operator and keeps its cause', () => {
    const error = verifyOperator(() => mapOperator(boom), { keyed: false })
      .input(record(1))
      .fails('WEIR_USER_CODE', 'boom');
    expect(error.operator).toBe('under test');
    expect((error.cause as Error).message).toBe('boom');
  });

  test('an async function is refused, not taken for true', () => {
    verifyOperator(() => mapOperator(async (value: number) => value))
      .input(record(1))
      .fails('WEIR_USER_CODE', 'promise');
    verifyOperator(() => filterOperator(async () => false))
      .input(record(1))
      .fails('WEIR_USER_CODE', 'synchronous');
  });
});

const stepFunctions: readonly StatelessStep[] = [
  { kind: 'map', apply: (value: number) => value * 2 },
  { kind: 'map', apply: (value: number) => value - 3 },
  { kind: 'map', apply: (value: number) => (value % 5 === 0 ? Number.NaN : value) },
  { kind: 'filter', keep: (value: number) => value % 3 !== 0 },
  { kind: 'filter', keep: (value: number) => value },
];
const named = (steps: readonly StatelessStep[]): NamedStep[] =>
  steps.map((step, index) => ({ step, name: `step ${index}`, declaredAt: `job.ts:${index}` }));

describe('a fused row of steps', () => {
  test.each([true, false])('does what its steps do one after the other (code generation %s)', (codegen) => {
    const rows = fc.array(fc.constantFrom(...stepFunctions), { minLength: 1, maxLength: 6 });
    const inputs = fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 30 });
    fc.assert(
      fc.property(rows, inputs, (steps, values) => {
        const expected: OperatorOutput[] = values.flatMap((given, index) => {
          let value: unknown = given;
          for (const step of steps) {
            if (step.kind === 'map') value = (step.apply as (v: unknown) => unknown)(value);
            else if (!(step.keep as (v: unknown) => unknown)(value)) return [];
          }
          return [record(value, index)];
        });
        verifyOperator(() => fuseStateless(named(steps), { codegen }), { keyed: false })
          .input(...values.map((value, index): OperatorStep => record(value, index)))
          .expect(...expected);
      }),
      { numRuns: 60 },
    );
  });

  test.each([true, false])('a failure names the step and the record (code generation %s)', (codegen) => {
    const steps: StatelessStep[] = [
      { kind: 'filter', keep: () => true },
      { kind: 'map', apply: (value: number) => (value === 2 ? boom() : value) },
      { kind: 'map', apply: (value: unknown) => value },
    ];
    const operator = () => fuseStateless(named(steps), { codegen });
    const error = verifyOperator(operator)
      .input(record(1), record(2))
      .fails('WEIR_USER_CODE', 'The function apply of map threw: boom');
    expect(error.operator).toBe('step 1');
    expect(error.declaredAt).toBe('job.ts:1');
    const batch = opened(operator, () => undefined);
    expect(() => batch.onBatch?.([1, 1, 2], [0, 0, 0], 0, () => false)).toThrow(/at record 2 of its batch/);
  });

  test.each([true, false])('a failure below passes through as it is (code generation %s)', (codegen) => {
    const below = new Error('below');
    const operator = opened(
      () => fuseStateless(named(stepFunctions.slice(0, 1)), { codegen }),
      () => {
        throw below;
      },
    );
    expect(() => operator.onRecord(1, 1)).toThrow(below);
    expect(() => operator.onBatch?.([1], [1], 0, () => false)).toThrow(below);
  });

  test('stops after the record at which it is interrupted, and goes on from there', () => {
    const seen: unknown[] = [];
    const operator = opened(
      () => mapOperator((value: number) => value),
      (value) => seen.push(value),
    );
    expect(operator.onBatch?.([1, 2, 3], [0, 0, 0], 0, () => seen.length === 2)).toBe(2);
    expect(operator.onBatch?.([1, 2, 3], [0, 0, 0], 2, () => false)).toBe(3);
    expect(seen).toEqual([1, 2, 3]);
  });
});

/** An operator with nothing around it but a place to emit to. */
function opened(create: () => Operator, emit: (value: unknown) => unknown): Operator {
  const operator = create();
  const output = { emit, side: () => undefined, full: false };
  operator.open({ output, name: 'bare', subtask: 0 } as unknown as Parameters<Operator['open']>[0]);
  return operator;
}

describe('flatMap', () => {
  test('emits zero to many in order, with the timestamp of the record (1.2)', () => {
    verifyOperator(() => flatMapOperator((line: string) => line.split(' ').filter((word) => word !== '')), {
      keyed: false,
    })
      .input(record('a b', 1), record('', 2), record('c', 3), END)
      .expect(record('a', 1), record('b', 1), record('c', 3), END);
  });

  test('runs any iterable, generators as far as there is room', () => {
    let made = 0;
    function* numbers(upTo: number) {
      for (let n = 0; n < upTo; n += 1) {
        made += 1;
        yield n;
      }
    }
    verifyOperator(() => flatMapOperator(numbers), { keyed: false })
      .input(record(3, 1), record(1, 2))
      .expect(record(0, 1), record(1, 1), record(2, 1), record(0, 2));
    const operator = flatMapOperator(numbers);
    const room = { emit: () => undefined, side: () => undefined, full: true };
    const suspended: (() => boolean)[] = [];
    const suspend = (work: () => boolean) => suspended.push(work);
    operator.open({ output: room, name: 'bare', subtask: 0, suspend } as unknown as Parameters<
      Operator['open']
    >[0]);
    made = 0;
    operator.onRecord(Number.POSITIVE_INFINITY, 1);
    expect(made).toBe(1);
    expect(suspended[0]?.()).toBe(false);
    expect(made).toBe(2);
  });

  test('records that come while one is suspended wait their turn', () => {
    const seen: unknown[] = [];
    const room = { emit: (value: unknown) => seen.push(value), side: () => undefined, full: true };
    const suspended: (() => boolean)[] = [];
    const suspend = (work: () => boolean) => suspended.push(work);
    const operator = flatMapOperator((value: string) => [`${value}1`, `${value}2`]);
    operator.open({ output: room, name: 'bare', subtask: 0, suspend } as unknown as Parameters<
      Operator['open']
    >[0]);
    operator.onRecord('a', 1);
    operator.onRecord('b', 2);
    operator.onRecord('c', 3);
    expect(seen).toEqual(['a1']);
    expect(suspended).toHaveLength(1);
    expect(suspended[0]?.()).toBe(false);
    expect(suspended[0]?.()).toBe(false);
    expect(seen).toEqual(['a1', 'a2']);
    room.full = false;
    expect(suspended[0]?.()).toBe(true);
    expect(seen).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2']);
  });

  test('what is not iterable is an error that says what to return', () => {
    for (const answer of [undefined, null, 5, {}]) {
      verifyOperator(() => flatMapOperator(() => answer as never))
        .input(record(1))
        .fails('WEIR_USER_CODE', 'Return []');
    }
    verifyOperator(() => flatMapOperator((async () => [1]) as never))
      .input(record(1))
      .fails('WEIR_USER_CODE', 'promise');
    verifyOperator(() => flatMapOperator(boom))
      .input(record(1))
      .fails('WEIR_USER_CODE', 'function of flatMap threw: boom');
  });

  test('what a generator throws half-way is the failure of the user', () => {
    const half = function* () {
      yield 1;
      throw new TypeError('half');
    };
    const error = verifyOperator(() => flatMapOperator(half))
      .input(record(1))
      .fails('WEIR_USER_CODE', 'half');
    expect(error).toBeInstanceOf(UserCodeError);
  });

  test('a generator that is abandoned runs its finally blocks', () => {
    let closed = 0;
    const endless = function* () {
      try {
        for (;;) yield 1;
      } finally {
        closed += 1;
      }
    };
    const operator = flatMapOperator(endless);
    const room = { emit: () => undefined, side: () => undefined, full: true };
    operator.open({
      output: room,
      name: 'bare',
      subtask: 0,
      suspend: () => undefined,
    } as unknown as Parameters<Operator['open']>[0]);
    operator.onRecord(1, 1);
    operator.close();
    operator.close();
    expect(closed).toBe(1);
  });
});
