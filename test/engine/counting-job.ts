// The job that most engine tests run: every order gets its number among the orders of its user.

import { expect } from 'vitest';
import { defineJob, type JobDefinition } from '../../src/api/define-job.js';
import { generator } from '../../src/connectors/generator.js';
import { type KeyedContext, KeyedProcessFunction } from '../../src/operators/process-function.js';
import type { Sink } from '../../src/operators/sink.js';
import { valueState } from '../../src/operators/state-handles.js';

export interface Order {
  readonly id: number;
  readonly user: number;
}

export interface Counted extends Order {
  readonly nth: number;
}

export const USERS = 7;

class Count extends KeyedProcessFunction<number, Order, Counted> {
  seen = valueState<number>('seen');

  override onElement(order: Order, context: KeyedContext<number, Counted>): void {
    const nth = (this.seen.get() ?? 0) + 1;
    this.seen.set(nth);
    context.emit({ ...order, nth });
  }
}

/** 1,000 orders a second of virtual time. */
export function countingJob(records: number, sink: Sink<Counted>, uid = 'count'): JobDefinition {
  return defineJob('counting', (env) => {
    env
      .from(
        generator({
          count: records,
          ratePerSecond: 1_000,
          seed: 1,
          make: (id): Order => ({ id, user: id % USERS }),
        }),
        { uid: 'orders' },
      )
      .keyBy((order) => order.user)
      .process(Count)
      .uid(uid)
      .sinkTo(sink, { uid: 'out' });
  });
}

/** Every order is there once, and the numbers of each user have neither gap nor repetition. */
export function expectExactlyOnce(rows: readonly Counted[], records: number): void {
  const ids = rows.map((row) => row.id).sort((a, b) => a - b);
  expect(ids).toEqual(Array.from({ length: records }, (_, id) => id));
  for (let user = 0; user < USERS; user += 1) {
    const nths = rows.filter((row) => row.user === user).map((row) => row.nth);
    expect(nths.sort((a, b) => a - b)).toEqual(nths.map((_, index) => index + 1));
  }
}
