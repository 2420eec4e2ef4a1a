// Zero to many records out of one.
//
// Owns:    running what the function answers, in order, as far as there is room (semantics 1.2).
//
// M1. The results of one record are all out before the next record is looked at, suspended or not.

import { Emission } from './emission.js';
import type { Operator, OperatorContext } from './operator.js';
import { RecordQueue } from './record-queue.js';
import { userError } from './user-code.js';

/** Emits each item that `expand` answers, with the record's timestamp. A generator is run only as far as there is room. */
export function flatMapOperator<In, Out>(expand: (value: In) => Iterable<Out>): Operator {
  return new FlatMapOperator(expand as (value: unknown) => unknown);
}

const DOING = 'the function of flatMap';

class FlatMapOperator implements Operator {
  private readonly expand: (value: unknown) => unknown;
  private emission: Emission | null = null;
  private queue: RecordQueue | null = null;

  constructor(expand: (value: unknown) => unknown) {
    this.expand = expand;
  }

  open(context: OperatorContext): void {
    const emission = new Emission(context, DOING);
    this.emission = emission;
    this.queue = new RecordQueue(
      context,
      (value, timestamp) => emission.start(this.call(context, value), timestamp),
      () => emission.resume(),
    );
  }

  onRecord(value: unknown, timestamp: number): void {
    this.queue?.handle(value, timestamp);
  }

  close(): void {
    this.emission?.close();
  }

  private call(context: OperatorContext, value: unknown): unknown {
    try {
      return this.expand(value);
    } catch (cause) {
      throw userError(context, DOING, cause);
    }
  }
}
