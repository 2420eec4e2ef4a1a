import { expect, test } from 'vitest';
import { BATCH_RECORDS_MAX } from '../../src/base/limits.js';
import { BatchBuilder } from '../../src/flow/batch-builder.js';

test('a batch keeps the order of its records and is as long as they are', () => {
  const builder = new BatchBuilder();
  expect(builder.take()).toBeNull();
  builder.add('a', 1);
  builder.add(undefined, 2);
  expect(builder.take()).toEqual({ kind: 'batch', values: ['a', undefined], timestamps: [1, 2] });
  expect(builder.size).toBe(0);
});

test('says when it is full, and refuses one record more', () => {
  const builder = new BatchBuilder();
  for (let index = 1; index < BATCH_RECORDS_MAX; index += 1) expect(builder.add(index, index)).toBe(false);
  expect(builder.add(0, 0)).toBe(true);
  expect(() => builder.add(0, 0)).toThrow('taken before');
  expect(builder.take()?.values).toHaveLength(BATCH_RECORDS_MAX);
});

test('a batch that was handed over is not touched again', () => {
  const builder = new BatchBuilder(2);
  builder.add('a', 1);
  const first = builder.take();
  builder.add('b', 2);
  expect(first).toEqual({ kind: 'batch', values: ['a'], timestamps: [1] });
});
