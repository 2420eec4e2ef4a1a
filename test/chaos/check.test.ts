// The checks of a scenario: what each of them calls wrong, and which counterexample it names.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CheckpointError } from '../../src/base/errors.js';
import { check } from '../../src/chaos/check.js';
import { canonical } from '../../src/chaos/check-values.js';
import type { FaultKind } from '../../src/chaos/fault-kinds.js';
import { NO_FAULTS, type Plan } from '../../src/chaos/plan.js';
import { PropertyLog, withPropertyLog } from '../../src/chaos/property.js';
import type { Check, CommittedResult, FinishedRun } from '../../src/chaos/scenario-options.js';

interface Receipt {
  readonly id: string;
  readonly user: string;
  readonly seq: number;
}

const COUNTS = { steps: 10, virtualMs: 100, checkpoints: 0, restores: 0, attempts: 1, checked: 0 };

function committed<R>(values: readonly R[]): readonly CommittedResult<R>[] {
  return values.map((value, index) => ({ value, timestamp: index, transaction: index, subtask: 0 }));
}

function run<R>(
  results: readonly R[],
  faultFree: readonly R[],
  more: Partial<FinishedRun<R>> = {},
): FinishedRun<R> {
  return {
    results: committed(results),
    faultFree: committed(faultFree),
    input: [],
    finished: true,
    error: null,
    plan: NO_FAULTS,
    counts: COUNTS,
    healMs: 0,
    ...more,
  };
}

function planOf(kind: FaultKind, times?: number | null): Plan {
  const fault = { kind, target: '*', trigger: { kind: 'nth', n: 1 } } as const;
  return { version: 1, faults: [times === undefined ? fault : { ...fault, times }] };
}

function messages<R>(one: Check<R>, of: FinishedRun<R>): readonly string[] {
  return one.evaluate(of).violations.map(({ message }) => message);
}

function receipt(id: string, user = 'ann', seq = 0): Receipt {
  return { id, user, seq };
}

describe('exactlyOnce', () => {
  const byId = check.exactlyOnce((result: Receipt) => result.id);

  test('tells lost, duplicated and unexpected apart, with counts, and names the smallest', () => {
    const faultFree = ['7', '8', '9', '10', '11', '12', '13'].map((id) => receipt(id));
    const results = ['13', '13', '12', '12', '12', '99'].map((id) => receipt(id));
    const { violations, checked } = byId.evaluate(run(results, faultFree));
    expect(checked).toBe(7);
    expect(violations).toEqual([
      {
        check: 'exactlyOnce',
        oracle: 'O1',
        message: '5 lost: 7, 8, 9, 10, 11; 3 duplicated: 12, 13; 1 unexpected: 99.',
        example: ['7', '8', '9', '10', '11'],
      },
    ]);
  });

  test('an id that comes twice without faults must come twice', () => {
    const twice = [receipt('a'), receipt('a')];
    expect(messages(byId, run(twice, twice))).toEqual([]);
    expect(messages(byId, run([receipt('a')], twice))).toEqual(['1 lost: a.']);
  });

  test('a program that may fail loudly may lack results, and still commits nothing twice', () => {
    const failed = { finished: false, error: new CheckpointError('no disk') };
    const faultFree = [receipt('a'), receipt('b')];
    const stopped = { ...failed, plan: planOf('store.flip') };
    expect(messages(byId, run([receipt('a')], faultFree, stopped))).toEqual([]);
    expect(messages(byId, run([receipt('a'), receipt('a')], faultFree, stopped))).toEqual([
      '1 duplicated: a.',
    ]);
    const masked = { ...failed, plan: planOf('actor.crash') };
    expect(messages(byId, run([receipt('a')], faultFree, masked))).toEqual(['1 lost: b.']);
    const stuck = { finished: false, error: null, plan: planOf('store.flip') };
    expect(messages(byId, run([receipt('a')], faultFree, stuck))).toEqual(['1 lost: b.']);
  });

  test('nothing there and nothing expected is nothing checked', () => {
    expect(byId.evaluate(run([], []))).toEqual({ violations: [], checked: 0 });
  });
});

test('atLeastOnce forgives duplicates and nothing else', () => {
  const byId = check.atLeastOnce((result: Receipt) => result.id);
  const faultFree = [receipt('a'), receipt('b')];
  expect(messages(byId, run([receipt('a'), receipt('a'), receipt('b')], faultFree))).toEqual([]);
  expect(messages(byId, run([receipt('a'), receipt('c')], faultFree))).toEqual([
    '1 lost: b; 1 unexpected: c.',
  ]);
});

describe('orderedBy', () => {
  test('compares with the order without faults, per key; other keys may interleave', () => {
    const ordered = check.orderedBy((result: Receipt) => result.user);
    const [a1, a2, b1, b2] = [receipt('1'), receipt('2'), receipt('1', 'bob'), receipt('2', 'bob')] as const;
    expect(ordered.needsFaultFree).toBe(true);
    expect(messages(ordered, run([b1, a1, b2, a2], [a1, a2, b1, b2]))).toEqual([]);
    const { violations } = ordered.evaluate(run([b2, a2, b1, a1], [a1, a2, b1, b2]));
    expect(violations[0]?.message).toMatch(
      /^Results of 2 keys were committed out of order; ann: .*"1".* after .*"2"/,
    );
    expect(violations[0]?.example).toHaveLength(2);
  });

  test('with positions it needs no run without faults, and names the two positions', () => {
    const ordered = check.orderedBy(
      (result: Receipt) => result.user,
      (result) => result.seq,
    );
    expect(ordered.needsFaultFree).toBe(false);
    const wrong = run([receipt('x', 'ann', 5), receipt('y', 'ann', 7), receipt('z', 'ann', 6)], [], {
      faultFree: null,
    });
    expect(ordered.evaluate(wrong).violations[0]).toMatchObject({
      oracle: 'O3',
      example: ['ann: 6 after 7'],
    });
  });

  test('what is missing, twice or unknown is no matter of order', () => {
    const ordered = check.orderedBy((result: Receipt) => result.user);
    const [a, b, c] = [receipt('a'), receipt('b'), receipt('c')] as const;
    expect(messages(ordered, run([a, c, a, receipt('new')], [a, b, c]))).toEqual([]);
  });
});

describe('drains', () => {
  test('a program that finishes in time has drained', () => {
    expect(messages(check.drains(), run([], [], { healMs: 30_000 }))).toEqual([]);
    expect(messages(check.drains('2s'), run([], [], { healMs: 2_001 }))[0]).toContain(
      '2001 ms after the last fault',
    );
  });

  test('failing is not draining, unless the plan allows it; standing still never is', () => {
    const failed = { finished: false, error: new Error('gave up') };
    expect(messages(check.drains(), run([], [], failed))).toEqual([
      'The program failed instead of finishing: gave up',
    ]);
    expect(messages(check.drains(), run([], [], { ...failed, plan: planOf('store.full', null) }))).toEqual(
      [],
    );
    expect(messages(check.drains(), run([], [], { ...failed, plan: planOf('store.full') }))).toHaveLength(1);
    const stuck = { finished: false, error: null, plan: planOf('store.full', null) };
    expect(messages(check.drains(), run([], [], stuck))[0]).toContain('stands still');
  });

  test('a duration that is none is refused when the check is made', () => {
    // @ts-expect-error A number of what?
    expect(() => check.drains('30')).toThrow('check.drains');
  });
});

describe('sameAsFaultFree and model', () => {
  test('order does not matter, values do', () => {
    const same = check.sameAsFaultFree<{ readonly n: number; readonly at?: Date }>();
    expect(messages(same, run([{ n: 2 }, { n: 1 }], [{ n: 1 }, { n: 2 }]))).toEqual([]);
    const { violations } = same.evaluate(run([{ n: 1 }, { n: 3 }], [{ n: 1 }, { n: 2 }]));
    expect(violations[0]).toMatchObject({
      oracle: 'O17',
      message: 'Other results than the run without faults; 1 missing: {"n":2}; 1 too many: {"n":3}.',
      example: ['{"n":2}', '{"n":3}'],
    });
  });

  test('what does not count is left out by compare', () => {
    const same = check.sameAsFaultFree((result: Receipt) => result.id);
    expect(messages(same, run([receipt('a', 'ann')], [receipt('a', 'bob')]))).toEqual([]);
  });

  test('a model makes the expected results of the input', () => {
    const sums = check.model<{ user: string; sum: number }, { user: string; amount: number }>((input) => {
      const byUser = new Map<string, number>();
      for (const { user, amount } of input) byUser.set(user, (byUser.get(user) ?? 0) + amount);
      return [...byUser].map(([user, sum]) => ({ user, sum }));
    });
    const input = [
      { user: 'ann', amount: 1 },
      { user: 'ann', amount: 2 },
    ];
    expect(sums.needsFaultFree).toBe(false);
    expect(messages(sums, run([{ user: 'ann', sum: 3 }], [], { input }))).toEqual([]);
    expect(messages(sums, run([{ user: 'ann', sum: 2 }], [], { input }))[0]).toContain(
      'Other results than the model',
    );
  });
});

describe('failsLoudly', () => {
  const loud = check.failsLoudly<string>();
  test.each([
    ['finished and right', run(['a'], ['a']), []],
    ['failed with a code', run(['a'], ['a', 'b'], { finished: false, error: new CheckpointError('x') }), []],
    [
      'wrong before the failure',
      run(['z'], ['a'], { finished: false, error: new CheckpointError('x') }),
      ['1 wrong committed before the failure.'],
    ],
    ['finished and wrong', run(['a', 'a'], ['a']), ['1 wrong committed.']],
    [
      'an error without a code',
      run([], ['a'], { finished: false, error: new Error('boom') }),
      ['The program failed with an error that has no code: boom'],
    ],
    [
      'silent',
      run([], ['a'], { finished: false }),
      ['The program ended without an error, and had not finished.'],
    ],
  ])('%s', (_, of, expected) => {
    expect(messages(loud, of)).toEqual(expected);
  });
});

describe('sometimes and reachable', () => {
  test('are judged over an exploration: a run counts them and violates nothing', async () => {
    const log = new PropertyLog();
    const recovered = check.sometimes('recovered from a checkpoint');
    await withPropertyLog(log, () => {
      expect(recovered.evaluate(run([], []))).toEqual({ violations: [], checked: 0 });
      recovered.evaluate(run([], [], { counts: { ...COUNTS, restores: 1 } }));
      check
        .sometimes<string>('two results', ({ results }) => results.length === 2)
        .evaluate(run(['a', 'b'], []));
      check.sometimes('said by the program').evaluate(run([], []));
      check.reachable('the slow path').evaluate(run([], []));
    });
    expect(Object.fromEntries(log.counts)).toEqual({
      'recovered from a checkpoint': { kind: 'sometimes', held: 1, failed: 1 },
      'two results': { kind: 'sometimes', held: 1, failed: 0 },
      'said by the program': { kind: 'sometimes', held: 0, failed: 0 },
      'the slow path': { kind: 'reachable', held: 0, failed: 0 },
    });
  });
});

test('a check of the user says what is wrong in words, or throws as assertions do', () => {
  const good = run(['a'], []);
  expect(check.custom<string>('mine', () => undefined).evaluate(good)).toEqual({
    violations: [],
    checked: 1,
  });
  expect(
    messages(
      check.custom<string>('mine', ({ results }) => [`${results.length} too few`]),
      good,
    ),
  ).toEqual(['1 too few']);
  const throwing = check.custom<string>('mine', ({ results }) => {
    expect(results).toHaveLength(2);
  });
  expect(messages(throwing, good)[0]).toContain('to have a length of 2');
});

test('types follow the results of the scenario', () => {
  const expected: readonly Check<Receipt>[] = [
    check.exactlyOnce((result) => result.id),
    check.orderedBy(
      (result) => result.user,
      (result) => result.seq,
    ),
    check.drains('30s'),
    check.sameAsFaultFree(),
    check.sometimes('recovered from a checkpoint'),
    check.custom('mine', ({ results }) => (results[0]?.value.seq === 0 ? null : 'not the first')),
    // @ts-expect-error No such field.
    check.exactlyOnce((result) => result.nonsense),
  ];
  expect(expected).toHaveLength(7);
});

test('equal values have equal canonical text, whatever the order of their keys', () => {
  expect(canonical({ a: 1, b: [new Map([['x', 1n]]), undefined], c: undefined })).toBe(
    canonical({ c: undefined, b: [new Map([['x', 1n]]), undefined], a: 1 }),
  );
  expect(canonical(Number.NaN)).not.toBe(canonical(null));
  expect(canonical('1')).not.toBe(canonical(1));
  expect(canonical(1n)).not.toBe(canonical(1));
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse());
      expect(canonical(reversed)).toBe(canonical(value));
      expect(canonical(structuredClone(value))).toBe(canonical(value));
    }),
  );
});
