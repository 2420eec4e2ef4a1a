// Contents of windows that are checked as they grow, in development.
//
// Owns:    refusing accumulators and elements that would not come back from a checkpoint.
// Not:     production: there the snapshot refuses them; a look at each record would cost more than adding it.

import { isLater } from '../../base/at-once.js';
import type { AggregateFunction } from '../../state/descriptors.js';
import type { KeyedBackend } from '../../state/keyed-backend.js';
import type { PutCheck } from '../../state/put-check.js';

type AnyAggregate = AggregateFunction<unknown, unknown, unknown>;

/** Null in production. */
export function contentsCheck(keyed: KeyedBackend): PutCheck | null {
  return keyed.lent === null ? null : keyed.putCheck('contents of windows');
}

/** The aggregate function, with what it stores checked. */
export function checkedAggregate(aggregate: AnyAggregate, keyed: KeyedBackend): AnyAggregate {
  const puts = contentsCheck(keyed);
  if (puts === null) return aggregate;
  const checked = (accumulator: unknown): unknown => {
    // What comes later is refused by the caller, as the answer of a function.
    if (!isLater(accumulator)) puts.check(accumulator);
    return accumulator;
  };
  return {
    createAccumulator: () => aggregate.createAccumulator(),
    add: (accumulator, value) => checked(aggregate.add(accumulator, value)),
    getResult: (accumulator) => aggregate.getResult(accumulator),
    ...(aggregate.merge === undefined
      ? {}
      : { merge: (left: unknown, right: unknown) => checked(aggregate.merge?.(left, right)) }),
  };
}
