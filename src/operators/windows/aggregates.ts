// Ready-made aggregates for windows.
//
// A1. Each has `merge`, so each works with session windows.

import type { AggregateFunction } from '../../state/descriptors.js';

export interface AverageAccumulator {
  sum: number;
  count: number;
}

/** How many records. */
export function count<T = unknown>(): AggregateFunction<T, number, number> {
  return {
    name: 'count',
    createAccumulator: () => 0,
    add: (accumulator) => accumulator + 1,
    getResult: (accumulator) => accumulator,
    merge: (left, right) => left + right,
  };
}

/** The sum of what `select` answers. */
export function sum<T>(select: (value: T) => number): AggregateFunction<T, number, number> {
  return {
    name: 'sum',
    createAccumulator: () => 0,
    add: (accumulator, value) => accumulator + numberOf('sum', select(value)),
    getResult: (accumulator) => accumulator,
    merge: (left, right) => left + right,
  };
}

/** The lowest of what `select` answers. */
export function min<T>(select: (value: T) => number): AggregateFunction<T, number, number> {
  return {
    name: 'min',
    createAccumulator: () => Number.POSITIVE_INFINITY,
    add: (accumulator, value) => Math.min(accumulator, numberOf('min', select(value))),
    getResult: (accumulator) => accumulator,
    merge: (left, right) => Math.min(left, right),
  };
}

/** The highest of what `select` answers. */
export function max<T>(select: (value: T) => number): AggregateFunction<T, number, number> {
  return {
    name: 'max',
    createAccumulator: () => Number.NEGATIVE_INFINITY,
    add: (accumulator, value) => Math.max(accumulator, numberOf('max', select(value))),
    getResult: (accumulator) => accumulator,
    merge: (left, right) => Math.max(left, right),
  };
}

/** The mean of what `select` answers. */
export function avg<T>(select: (value: T) => number): AggregateFunction<T, AverageAccumulator, number> {
  return {
    name: 'avg',
    createAccumulator: () => ({ sum: 0, count: 0 }),
    add(accumulator, value) {
      accumulator.sum += numberOf('avg', select(value));
      accumulator.count += 1;
      return accumulator;
    },
    getResult: ({ sum: total, count: records }) => total / records,
    merge: (left, right) => ({ sum: left.sum + right.sum, count: left.count + right.count }),
  };
}

/** A missing field would turn every later result into NaN, far from where it was missing. */
function numberOf(what: string, value: unknown): number {
  if (typeof value === 'number' && !Number.isNaN(value)) return value;
  throw new TypeError(`${what} expects its function to answer a number, got ${String(value)}`);
}
