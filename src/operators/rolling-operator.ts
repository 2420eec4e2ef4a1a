// Running results per key: what reduce, sum, min, max, minBy and maxBy have in common.
//
// Owns:    one stored result per key, emitted after each record.
// Not:     how a record and the result so far become the next result.
//
// R1. Every record is answered, also when the result has not changed (semantics 1.5).
// R2. The stored result is replaced, never changed in place: the one emitted before may still be on its way.

import type { ValueState } from '../state/descriptors.js';
import type { KeyedBackend } from '../state/keyed-backend.js';
import { type KeySelector, keySetter, requireKeyed } from './key-setter.js';
import type { Operator, OperatorContext } from './operator.js';
import { poisonError, shown } from './user-code.js';

/** The next result, given the one so far. */
export type Combine = (soFar: unknown, value: unknown) => unknown;

const STATE = 'rolling';

interface Running {
  readonly context: OperatorContext;
  readonly setKey: (value: unknown) => void;
  readonly result: ValueState<unknown>;
  readonly combine: Combine;
}

export class RollingOperator implements Operator {
  private readonly key: KeySelector;
  private readonly shape: string;
  private readonly combineIn: (context: OperatorContext) => Combine;
  private readonly first: ((context: OperatorContext, value: unknown) => void) | null;
  private running: Running | null = null;

  /** `shape`: what the results are, for the check of what is restored. `first` checks a record that becomes the first result of its key. */
  constructor(
    key: KeySelector,
    shape: string,
    combineIn: (context: OperatorContext) => Combine,
    first: ((context: OperatorContext, value: unknown) => void) | null = null,
  ) {
    this.key = key;
    this.shape = shape;
    this.combineIn = combineIn;
    this.first = first;
  }

  open(context: OperatorContext): void {
    const keyed: KeyedBackend = requireKeyed(context);
    this.running = {
      context,
      setKey: keySetter(context, keyed, this.key),
      result: keyed.value<unknown>(STATE, {}, { shape: this.shape, setting: null }),
      combine: this.combineIn(context),
    };
  }

  onRecord(value: unknown, timestamp: number): void {
    const { running } = this;
    if (running === null) return;
    const { context, result } = running;
    running.setKey(value);
    const soFar = result.get();
    if (soFar === undefined) this.checkFirst(context, value);
    const next = soFar === undefined ? value : running.combine(soFar, value);
    result.set(next);
    context.output.emit(next, timestamp);
  }

  close(): void {
    this.running = null;
  }

  private checkFirst(context: OperatorContext, value: unknown): void {
    if (value === undefined || value === null) {
      throw poisonError(
        context,
        `Expected a record to combine, got ${shown(value)}.`,
        'Filter such records out before this operator.',
      );
    }
    this.first?.(context, value);
  }
}
