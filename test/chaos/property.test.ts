// Properties of a program: what they count, what they violate, and that they are silent outside of a run.

import { expect, test } from 'vitest';
import {
  declareProperty,
  enterPropertyLog,
  PropertyLog,
  property,
  withPropertyLog,
} from '../../src/chaos/property.js';

test('a broken always is a violation with its details, once; every evaluation is counted', async () => {
  const log = new PropertyLog();
  await withPropertyLog(log, () => {
    property.always('balance is not negative', true);
    property.always('balance is not negative', false, { account: 'a', balance: -5n });
    property.always('balance is not negative', false, { account: 'b', balance: -7n });
  });
  expect(log.counts.get('balance is not negative')).toEqual({ kind: 'always', held: 1, failed: 2 });
  expect(log.violations).toEqual([
    {
      check: 'always balance is not negative',
      oracle: null,
      message: '"balance is not negative" does not hold.',
      example: ['account=a', 'balance=-5n'],
    },
  ]);
});

test('each kind has its own meaning of true and false', async () => {
  const log = new PropertyLog();
  await withPropertyLog(log, async () => {
    property.sometimes('a retry was needed', false);
    await Promise.resolve();
    property.reachable('the cache was full');
    property.alwaysOrUnreachable('ids grow', true);
    property.unreachable('two leaders', () => ({ leaders: ['a', 'b'] }));
  });
  expect(Object.fromEntries(log.counts)).toEqual({
    'a retry was needed': { kind: 'sometimes', held: 0, failed: 1 },
    'the cache was full': { kind: 'reachable', held: 1, failed: 0 },
    'ids grow': { kind: 'alwaysOrUnreachable', held: 1, failed: 0 },
    'two leaders': { kind: 'unreachable', held: 0, failed: 1 },
  });
  expect(log.violations).toMatchObject([
    {
      check: 'unreachable two leaders',
      message: '"two leaders" was reached, and must never be.',
      example: ['leaders=["a","b"]'],
    },
  ]);
});

test('details are made only for a broken property, and a failure in them hides nothing', async () => {
  const log = new PropertyLog();
  let made = 0;
  await withPropertyLog(log, () => {
    property.always('x', true, () => ({ made: ++made }));
    property.always('x', false, () => {
      throw new Error('no details');
    });
  });
  expect(made).toBe(0);
  expect(log.violations).toMatchObject([{ check: 'always x', example: ['details failed: no details'] }]);
});

test('one name with two kinds is a violation and is not counted twice', async () => {
  const log = new PropertyLog();
  await withPropertyLog(log, () => {
    property.sometimes('paid', true);
    property.reachable('paid');
  });
  expect(log.counts.get('paid')).toEqual({ kind: 'sometimes', held: 1, failed: 0 });
  expect(log.violations).toMatchObject([
    { check: 'property paid', message: expect.stringContaining('as sometimes and as reachable') },
  ]);
});

test('a declared property that nothing evaluates is in the log with zero', async () => {
  const log = new PropertyLog();
  await withPropertyLog(log, () => declareProperty('sometimes', 'never seen'));
  expect(log.counts.get('never seen')).toEqual({ kind: 'sometimes', held: 0, failed: 0 });
});

test('outside of a run nothing happens, and a run inside a run has its own log', async () => {
  const outer = new PropertyLog();
  const inner = new PropertyLog();
  property.unreachable('outside');
  const leave = enterPropertyLog(outer);
  await expect(
    withPropertyLog(inner, () => {
      property.reachable('inner');
      throw new Error('the work failed');
    }),
  ).rejects.toThrow('the work failed');
  property.reachable('outer');
  leave();
  property.unreachable('outside');
  expect([...inner.counts.keys()]).toEqual(['inner']);
  expect([...outer.counts.keys()]).toEqual(['outer']);
  expect(outer.violations).toEqual([]);
});
