// A running combination per key: n records in, n out (semantics 1.4).

import type { KeySelector } from './key-setter.js';
import type { Operator, OperatorContext } from './operator.js';
import { RollingOperator } from './rolling-operator.js';
import { contractError, expectNow, shown, userError } from './user-code.js';

export interface ReduceOptions<T> {
  readonly key: (value: T) => unknown;
  /** Combines what was combined so far with the next value. Must answer a new object rather than change one. */
  readonly reduce: (combined: T, value: T) => T;
}

const DOING = 'the function of reduce';

/** Emits the first value of a key as it is, and for each later one the new combination. */
export function reduceOperator<T>(options: ReduceOptions<T>): Operator {
  const reduce = options.reduce as (combined: unknown, value: unknown) => unknown;
  return new RollingOperator(
    options.key as KeySelector,
    'a running reduce',
    (context) => (combined, value) => {
      let next: unknown;
      try {
        next = reduce(combined, value);
      } catch (cause) {
        throw userError(context, DOING, cause);
      }
      return checked(context, next);
    },
  );
}

function checked(context: OperatorContext, combined: unknown): unknown {
  expectNow(context, DOING, combined);
  if (combined !== undefined && combined !== null) return combined;
  throw contractError(
    context,
    `Expected ${DOING} to answer the combination, got ${shown(combined)}.`,
    'Return the combined value from the function.',
  );
}
