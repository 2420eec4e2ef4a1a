// State and timers per key: an order that is not paid within 15 minutes raises an alert.
//
//   npx tsx examples/keyed-timers.ts

import {
  boundedOutOfOrderness,
  defineJob,
  type JobDefinition,
  type KeyedContext,
  KeyedProcessFunction,
  minutes,
  print,
  run,
  type Sink,
  type TimerContext,
  valueState,
} from 'weirjs';

interface Step {
  readonly order: string;
  readonly kind: 'placed' | 'paid';
  readonly minute: number;
}

const STEPS: readonly Step[] = [
  { order: 'A', kind: 'placed', minute: 0 },
  { order: 'B', kind: 'placed', minute: 2 },
  { order: 'A', kind: 'paid', minute: 9 },
  { order: 'D', kind: 'placed', minute: 21 },
  // Two minutes late in the stream, but event time decides: B is paid too late, C is placed in time.
  { order: 'B', kind: 'paid', minute: 19 },
  { order: 'C', kind: 'placed', minute: 20 },
  { order: 'C', kind: 'paid', minute: 34 },
];

/** One instance serves all keys of a subtask: its state is that of the key in hand. */
class UnpaidAlert extends KeyedProcessFunction<string, Step, string> {
  readonly dueAt = valueState<number>('due at');

  override onElement(step: Step, context: KeyedContext<string, string>): void {
    const dueAt = this.dueAt.get();
    if (step.kind === 'placed') {
      this.dueAt.set(context.timestamp + minutes(15));
      context.timers.event(context.timestamp + minutes(15));
    } else if (dueAt !== undefined && context.timestamp <= dueAt) {
      context.timers.deleteEvent(dueAt);
      this.dueAt.clear();
      context.emit(`order ${step.order} paid in minute ${step.minute}`);
    }
  }

  /** Timers are state as well: after a crash they fire as if nothing had happened. */
  override onTimer(timestamp: number, context: TimerContext<string, string>): void {
    this.dueAt.clear();
    context.emit(`order ${context.key} NOT PAID by minute ${timestamp / minutes(1)}`);
  }
}

export function unpaidOrders(out: Sink<string>): JobDefinition {
  return defineJob('unpaid-orders', (env) => {
    env
      .from(STEPS, { uid: 'steps' })
      .assignTimestamps((step) => minutes(step.minute), boundedOutOfOrderness(minutes(3)))
      .keyBy((step) => step.order)
      .process(UnpaidAlert)
      .uid('alert')
      .sinkTo(out, { uid: 'out' });
  });
}

const job: JobDefinition = unpaidOrders(print());
export default job;

if (import.meta.filename === process.argv[1]) await (await run(job)).finished;
