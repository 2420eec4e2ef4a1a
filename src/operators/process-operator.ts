// A function of the user on a stream without key.
//
// Owns:    its life cycle, its context.
// Not:     keys, state and timers (keyed-process-operator.ts).

import { MAX_TIMESTAMP } from '../base/timestamps.js';
import { bindHandles, type FunctionDefinition, instantiate } from './function-instance.js';
import type { Operator, OperatorContext } from './operator.js';
import type { OpenContext, ProcessContext, ProcessMethods } from './process-function.js';
import { RecordQueue } from './record-queue.js';
import type { OutputTag } from './side-output.js';
import { UserCall } from './user-call.js';
import { expectNow, methodOf, userError } from './user-code.js';

/** A class, a factory, or an object with `onElement`. */
export type ProcessDefinition<I, O> = FunctionDefinition<ProcessMethods<I, O>>;

/** Calls the function for every record; it emits what it likes. */
export function processOperator<I, O>(definition: ProcessDefinition<I, O>): Operator {
  return new ProcessOperator(definition as ProcessDefinition<unknown, unknown>);
}

const DOING = 'onElement';

interface Running {
  readonly fn: ProcessMethods<unknown, unknown>;
  readonly call: UserCall;
  readonly queue: RecordQueue;
}

class ProcessOperator implements Operator {
  private readonly definition: ProcessDefinition<unknown, unknown>;
  private running: Running | null = null;

  constructor(definition: ProcessDefinition<unknown, unknown>) {
    this.definition = definition;
  }

  open(context: OperatorContext): void {
    const { fn, handles } = instantiate<ProcessMethods<unknown, unknown>>(this.definition, context);
    const call = new UserCall(context, methodOf(fn, DOING));
    const seen = new CallContext(call);
    const begin = (value: unknown, timestamp: number): boolean => {
      call.enter(timestamp);
      let answer: unknown;
      try {
        answer = fn.onElement(value, seen);
      } catch (cause) {
        throw call.failed(cause);
      }
      return call.leave(answer);
    };
    this.running = { fn, call, queue: new RecordQueue(context, begin, () => call.resume()) };
    bindHandles(handles, null, context);
    openFunction(fn, context);
  }

  onRecord(value: unknown, timestamp: number): void {
    this.running?.queue.handle(value, timestamp);
  }

  close(): void {
    const { running } = this;
    this.running = null;
    if (running === null) return;
    try {
      running.call.close();
    } finally {
      closeFunction(running.fn, running.call.context);
    }
  }
}

/** Calls `open` of a function, if it has one. */
export function openFunction(fn: { open?(context: OpenContext): void }, context: OperatorContext): void {
  const { name, subtask, parallelism, attempt, logger, operatorState, metrics } = context;
  const count = (metric: string, delta: number): void => metrics.count(metric, delta);
  try {
    expectNow(
      context,
      methodOf(fn, 'open'),
      fn.open?.({ name, subtask, parallelism, attempt, logger, operatorState, count }),
    );
  } catch (cause) {
    throw userError(context, methodOf(fn, 'open'), cause);
  }
}

/** Calls `close` of a function, if it has one. */
export function closeFunction(fn: { close?(): void }, context: OperatorContext): void {
  try {
    expectNow(context, methodOf(fn, 'close'), fn.close?.());
  } catch (cause) {
    throw userError(context, methodOf(fn, 'close'), cause);
  }
}

/** The part of a context that every kind of function sees. One object serves all calls of a subtask. */
export class CallContext implements ProcessContext<unknown> {
  protected readonly call: UserCall;

  constructor(call: UserCall) {
    this.call = call;
  }

  emit(value: unknown): void {
    this.call.emit(value);
  }

  side<T>(tag: OutputTag<T>, value: T): void {
    this.call.side(tag, value);
  }

  get timestamp(): number {
    return this.call.requireTimestamp();
  }

  get hasTimestamp(): boolean {
    return this.call.hasTimestamp;
  }

  get currentWatermark(): number {
    return this.call.context.currentWatermark();
  }

  get inputEnded(): boolean {
    return this.call.context.currentWatermark() >= MAX_TIMESTAMP;
  }

  get currentProcessingTime(): number {
    return this.call.context.processingTimeMs();
  }
}
