// Running sum, min, max, minBy and maxBy per key (semantics 1.5).
//
// Owns:    which field is compared or summed, and what becomes of the others.
//
// A1. sum, min and max keep all other fields of the key's first record and replace the one field; minBy and maxBy answer the
//     winning record whole. On a tie the earlier record wins, unless `first` is false.
// A2. NaN loses to every number, both for the lowest and for the highest: a result that begins with it does not stay it.

import type { KeySelector } from './key-setter.js';
import type { Operator, OperatorContext } from './operator.js';
import { type Combine, RollingOperator } from './rolling-operator.js';
import { poisonError, shown } from './user-code.js';

export type RollingAggregate =
  /** `field` null: the records are themselves numbers (or, for min and max, comparable). */
  | { readonly kind: 'sum' | 'min' | 'max'; readonly field: PropertyKey | null }
  | { readonly kind: 'minBy' | 'maxBy'; readonly field: PropertyKey | null; readonly first?: boolean };

export interface RollingOptions<T> {
  readonly key: (value: T) => unknown;
  readonly aggregate: RollingAggregate;
}

/** Emits, for every record, the aggregate of its key so far. */
export function rollingOperator<T>(options: RollingOptions<T>): Operator {
  const { aggregate } = options;
  return new RollingOperator(
    options.key as KeySelector,
    shapeOf(aggregate),
    (context) => combineOf(context, aggregate),
    (context, value) => checkField(context, aggregate, fieldOf(value, aggregate.field)),
  );
}

function shapeOf({ kind, field }: RollingAggregate): string {
  return field === null ? `a running ${kind}` : `a running ${kind} of "${String(field)}"`;
}

function combineOf(context: OperatorContext, aggregate: RollingAggregate): Combine {
  const { field } = aggregate;
  switch (aggregate.kind) {
    case 'sum':
      return (soFar, value) =>
        withField(soFar, field, add(context, aggregate, fieldOf(soFar, field), fieldOf(value, field)));
    case 'min':
    case 'max': {
      const wins = winner(context, aggregate, aggregate.kind === 'min');
      return (soFar, value) => {
        const [held, given] = [fieldOf(soFar, field), fieldOf(value, field)];
        return wins(given, held, false) ? withField(soFar, field, given) : soFar;
      };
    }
    default: {
      const wins = winner(context, aggregate, aggregate.kind === 'minBy');
      const tie = aggregate.first === false;
      return (soFar, value) => (wins(fieldOf(value, field), fieldOf(soFar, field), tie) ? value : soFar);
    }
  }
}

type Winner = (given: unknown, held: unknown, onTie: boolean) => boolean;

function winner(context: OperatorContext, aggregate: RollingAggregate, lowest: boolean): Winner {
  return (given, held, onTie) => {
    const order = compare(context, aggregate, given, held);
    const [givenIsOne, heldIsOne] = [isComparable(given), isComparable(held)];
    if (givenIsOne !== heldIsOne) return givenIsOne;
    if (order === 0) return onTie;
    return lowest ? order < 0 : order > 0;
  };
}

function isComparable(value: unknown): boolean {
  return !Number.isNaN(value instanceof Date ? value.getTime() : value);
}

function fieldOf(value: unknown, field: PropertyKey | null): unknown {
  if (field === null || value === null || value === undefined) return value;
  return (value as Record<PropertyKey, unknown>)[field];
}

/** A copy with one field replaced; tuples stay arrays, and objects of a class keep it. */
function withField(record: unknown, field: PropertyKey | null, replacement: unknown): unknown {
  if (field === null) return replacement;
  if (Array.isArray(record)) return Object.assign([...record], { [field]: replacement });
  const prototype: unknown = Object.getPrototypeOf(record);
  if (prototype === Object.prototype) return { ...(record as object), [field]: replacement };
  return Object.assign(Object.create(prototype as object | null) as object, record, { [field]: replacement });
}

function add(
  context: OperatorContext,
  aggregate: RollingAggregate,
  left: unknown,
  right: unknown,
): number | bigint {
  if (typeof left === 'number' && typeof right === 'number') return left + right;
  if (typeof left === 'bigint' && typeof right === 'bigint') return left + right;
  throw fieldError(context, aggregate, right, 'numbers, or bigints throughout');
}

/** Negative when `left` is lower. */
function compare(
  context: OperatorContext,
  aggregate: RollingAggregate,
  left: unknown,
  right: unknown,
): number {
  const [a, b] = [comparable(left), comparable(right)];
  if (a === null || b === null || typeof a !== typeof b) {
    throw fieldError(context, aggregate, left, 'numbers, bigints, strings or Dates, the same throughout');
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function comparable(value: unknown): number | bigint | string | null {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string') return value;
  return value instanceof Date ? value.getTime() : null;
}

function checkField(context: OperatorContext, aggregate: RollingAggregate, value: unknown): void {
  if (aggregate.kind === 'sum') {
    if (typeof value !== 'number' && typeof value !== 'bigint')
      throw fieldError(context, aggregate, value, 'numbers or bigints');
  } else if (comparable(value) === null) {
    throw fieldError(context, aggregate, value, 'numbers, bigints, strings or Dates');
  }
}

function fieldError(
  context: OperatorContext,
  aggregate: RollingAggregate,
  value: unknown,
  expected: string,
): unknown {
  const where = aggregate.field === null ? 'records' : `field "${String(aggregate.field)}" to hold`;
  const verb = aggregate.field === null ? `${where} that are ${expected}` : `${where} ${expected}`;
  return poisonError(
    context,
    `${aggregate.kind} expects ${verb}; got ${shown(value)}.`,
    'Name a field that every record has, or filter out the records without it.',
  );
}
