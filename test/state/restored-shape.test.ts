// State that was restored and is not declared as it was: refused with both sides, never carried along unseen (semantics 4.19).

import { describe, expect, test } from 'vitest';
import { RestoreError } from '../../src/base/errors.js';
import type { Operator } from '../../src/operators/operator.js';
import { rollingOperator } from '../../src/operators/rolling-aggregates.js';
import { avg, count } from '../../src/operators/windows/aggregates.js';
import { session, sliding, tumbling } from '../../src/operators/windows/window-assigners.js';
import { windowOperator } from '../../src/operators/windows/window-operator.js';
import type { KeyedBackend } from '../../src/state/keyed-backend.js';
import { OperatorDriver } from '../../src/testing/operator-driver.js';
import { record } from '../../src/testing/operator-harness.js';
import { fullSnapshot, testBackend } from './backends.js';

function restoredFrom(write: (backend: KeyedBackend) => void): KeyedBackend {
  const writer = testBackend();
  writer.setKey('k');
  write(writer);
  const reader = testBackend();
  reader.restore([fullSnapshot(writer)]);
  return reader;
}

describe('state that nobody declares any more', () => {
  const renamed = (): KeyedBackend => {
    const backend = restoredFrom((writer) => writer.value<number>('old name').set(1));
    backend.value<number>('new name');
    return backend;
  };

  test('is refused by name when the operator has opened', () => {
    expect(() => renamed().settle('refuse')).toThrow(RestoreError);
    expect(() => renamed().settle('refuse')).toThrow(
      /state "old name" \(value state without a time to live\), which the operator does not declare; it declares "new name"/,
    );
  });

  test('is left behind when the user allows it, says so once, and is in no later snapshot', () => {
    const backend = renamed();
    expect(backend.settle('leave')).toEqual([expect.stringContaining('"old name"')]);
    expect(backend.settle('leave')).toEqual([]);
    expect([backend.size, backend.audit()]).toEqual([0, []]);
    const next = testBackend();
    next.restore([fullSnapshot(backend)]);
    expect(next.settle('refuse')).toEqual([]);
  });

  test('is no matter when there is nothing in it', () => {
    const backend = restoredFrom((writer) => {
      writer.value<number>('other').set(1);
      writer.value<number>('empty').set(1);
      writer.value<number>('empty').clear();
    });
    backend.value<number>('other');
    expect(backend.settle('refuse')).toEqual([]);
  });
});

test('an aggregate of another name does not read the accumulators', () => {
  const backend = restoredFrom((writer) =>
    writer.aggregating('a', { aggregate: avg<number>((value) => value) }).add(1),
  );
  expect(() => backend.aggregating('a', { aggregate: count() })).toThrow(
    /State "a" is declared as count; the restored snapshot has avg/,
  );
});

/** What the second operator says about the state of the first. */
function change(from: () => Operator, to: () => Operator): readonly string[] {
  const made = [from, to];
  const driver = new OperatorDriver(() => (made.shift() ?? to)(), { narrow: false, keyed: true, startMs: 0 });
  driver.open();
  driver.step(record(1, 1));
  driver.crash('full');
  return driver.settle();
}

const counting = (
  assigner: ReturnType<typeof tumbling> | ReturnType<typeof session>,
  aggregate = count(),
): Operator =>
  windowOperator<string, unknown, number, number, number>({
    key: () => 'k',
    assigner,
    contents: { kind: 'aggregate', aggregate, windowFunction: null },
  });

describe('windows', () => {
  test.each([
    ['tumbling to session', () => counting(session(10)), /state "windows" .*tumbling windows holding count/],
    [
      'tumbling to sliding',
      () => counting(sliding(10, 5)),
      /sliding windows holding count; .* tumbling windows holding count/,
    ],
    [
      'count to avg',
      () => counting(tumbling(10), avg<unknown>(Number) as never),
      /tumbling windows holding avg; .* tumbling windows holding count/,
    ],
    [
      'windows to a running sum',
      () => rollingOperator<number>({ key: () => 'k', aggregate: { kind: 'sum', field: null } }),
      /state "windows"/,
    ],
  ])('of another kind are refused with both shapes: %s', (_, to, message) => {
    expect(() => change(() => counting(tumbling(10)), to)).toThrow(message);
  });

  test('of another size are read, and it is told what that means', () => {
    expect(
      change(
        () => counting(tumbling(10)),
        () => counting(tumbling(20)),
      ),
    ).toEqual([expect.stringMatching(/size 10 ms, and the job goes on with size 20 ms/)]);
    expect(
      change(
        () => counting(tumbling(10)),
        () => counting(tumbling(10)),
      ),
    ).toEqual([]);
  });
});

test('a running sum does not go on as a running max, or with another field', () => {
  const rolling = (kind: 'sum' | 'max') => (): Operator =>
    rollingOperator<number>({ key: () => 'k', aggregate: { kind, field: null } });
  expect(() => change(rolling('sum'), rolling('max'))).toThrow(
    /a running max; the restored snapshot has a running sum/,
  );
});
