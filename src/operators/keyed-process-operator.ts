// A function of the user on a keyed stream: state, timers of both domains, and their contexts.
//
// Owns:    when the function is called and with which key in hand.
// Not:     state and timers themselves (src/state), the life cycle shared with process-operator.ts.
//
// K1. A generator that is suspended, of a record or of a timer, ends before anything else is begun, with its own key in hand.

import { TIMER_CHAIN_MAX, TIMERS_PER_TURN_MAX } from '../base/limits.js';
import { MIN_TIMESTAMP } from '../base/timestamps.js';
import type { KeyedBackend } from '../state/keyed-backend.js';
import { bindHandles, type FunctionDefinition, instantiate } from './function-instance.js';
import { type KeySelector, keySetter, requireKeyed } from './key-setter.js';
import type { Operator, OperatorContext } from './operator.js';
import type { KeyedProcessMethods, ProcessTimers, TimerContext } from './process-function.js';
import { CallContext, closeFunction, openFunction } from './process-operator.js';
import { RecordQueue } from './record-queue.js';
import { UserCall } from './user-call.js';
import { methodOf, poisonError, shown } from './user-code.js';

/** A class, a factory, or an object with `onElement` and, if it uses timers, `onTimer`. */
export type KeyedProcessDefinition<K, I, O> = FunctionDefinition<KeyedProcessMethods<K, I, O>>;

export interface KeyedProcessOptions<K, I, O> {
  readonly key: (value: I) => K;
  readonly fn: KeyedProcessDefinition<K, I, O>;
}

/** Calls the function for every record with its key in hand, and for every timer that falls due. */
export function keyedProcessOperator<K, I, O>(options: KeyedProcessOptions<K, I, O>): Operator {
  return new KeyedProcessOperator(
    options.key as KeySelector,
    options.fn as KeyedProcessDefinition<unknown, unknown, unknown>,
  );
}

type Methods = KeyedProcessMethods<unknown, unknown, unknown>;

class KeyedProcessOperator implements Operator {
  private readonly key: KeySelector;
  private readonly definition: KeyedProcessDefinition<unknown, unknown, unknown>;
  private running: Running | null = null;

  constructor(key: KeySelector, definition: KeyedProcessDefinition<unknown, unknown, unknown>) {
    this.key = key;
    this.definition = definition;
  }

  open(context: OperatorContext): void {
    const keyed = requireKeyed(context);
    const { fn, handles } = instantiate<Methods>(this.definition, context);
    this.running = new Running(context, keyed, fn, this.key);
    bindHandles(handles, keyed, context);
    openFunction(fn, context);
    this.running.armAlarm();
  }

  onRecord(value: unknown, timestamp: number): void {
    this.running?.queue.handle(value, timestamp);
  }

  onWatermark(time: number): boolean {
    return this.running?.onWatermark(time) ?? true;
  }

  onProcessingTime(wallMs: number): boolean {
    return this.running?.onProcessingTime(wallMs) ?? true;
  }

  close(): void {
    const { running } = this;
    this.running = null;
    running?.close();
  }
}

class Running {
  readonly queue: RecordQueue;
  private readonly context: OperatorContext;
  private readonly keyed: KeyedBackend;
  private readonly fn: Methods;
  private readonly elementCall: UserCall;
  private readonly timerCall: UserCall;
  private readonly timerContext: FunctionContext;
  private readonly setKey: (value: unknown) => void;
  /** Timers that have rung in the call in hand. */
  private fired = 0;
  /** Also true while a generator is suspended: it is only ever suspended because of a full output. */
  private readonly shouldPause = (): boolean => this.context.output.full || this.fired >= TIMERS_PER_TURN_MAX;
  private readonly fireEvent = (_key: unknown, _window: unknown, time: number): void =>
    this.fire(time, 'event');
  private readonly fireProcessing = (_key: unknown, _window: unknown, time: number): void =>
    this.fire(time, 'processing');
  /** Of the timer whose generator is suspended: the timer service lets go of it when it has nothing more to fire. */
  private suspendedKey: unknown = null;

  constructor(context: OperatorContext, keyed: KeyedBackend, fn: Methods, key: KeySelector) {
    this.context = context;
    this.keyed = keyed;
    this.fn = fn;
    this.setKey = keySetter(context, keyed, key);
    this.elementCall = new UserCall(context, methodOf(fn, 'onElement'));
    this.timerCall = new UserCall(context, methodOf(fn, 'onTimer'));
    const elementContext = new FunctionContext(this.elementCall, keyed, null);
    this.timerContext = new FunctionContext(this.timerCall, keyed, endlessTimers(context));
    const { elementCall } = this;
    this.queue = new RecordQueue(
      context,
      (value, timestamp) => {
        this.setKey(value);
        elementCall.enter(timestamp);
        let answer: unknown;
        try {
          answer = fn.onElement(value, elementContext);
        } catch (cause) {
          throw elementCall.failed(cause);
        }
        return elementCall.leave(answer);
      },
      () => elementCall.resume(),
    );
  }

  onWatermark(time: number): boolean {
    if (!this.resumeTimer()) return false;
    this.fired = 0;
    return this.keyed.timers.advanceEvent(time, this.fireEvent, this.shouldPause) && !this.timerCall.pending;
  }

  onProcessingTime(wallMs: number): boolean {
    if (!this.resumeTimer()) return false;
    this.fired = 0;
    const done = this.keyed.timers.advanceProcessing(wallMs, this.fireProcessing, this.shouldPause);
    if (this.timerCall.pending || (!done && this.context.output.full)) return false;
    // What is still due rings with the next alarm: records and barriers come between.
    this.armAlarm();
    return true;
  }

  armAlarm(): void {
    const next = this.keyed.timers.nextProcessing();
    if (next !== null) this.context.alarm(next);
  }

  close(): void {
    try {
      this.elementCall.close();
      this.timerCall.close();
    } finally {
      closeFunction(this.fn, this.context);
    }
  }

  private fire(time: number, domain: 'event' | 'processing'): void {
    const { trials } = this.context;
    this.fired += 1;
    if (trials === null) this.ring(time, domain);
    else trials.run({ trigger: 'timer', timestamp: time }, () => this.ring(time, domain));
  }

  private ring(time: number, domain: 'event' | 'processing'): void {
    const { fn, timerCall, timerContext } = this;
    timerContext.enterTimer(time, domain);
    let answer: unknown;
    try {
      answer = fn.onTimer?.(time, timerContext);
    } catch (cause) {
      throw timerCall.failed(cause);
    }
    if (!timerCall.leave(answer)) this.suspendedKey = this.keyed.currentKey();
  }

  private resumeTimer(): boolean {
    if (!this.timerCall.pending) return true;
    this.keyed.setKey(this.suspendedKey);
    return this.timerCall.resume();
  }
}

class FunctionContext extends CallContext implements TimerContext<unknown, unknown> {
  domain: 'event' | 'processing' = 'event';
  readonly timers: ProcessTimers;
  private readonly keyed: KeyedBackend;

  /** `endless`: told of a timer that will not ring any more; null: this is not the context of timers. */
  constructor(call: UserCall, keyed: KeyedBackend, endless: ((key: unknown) => void) | null) {
    super(call);
    this.keyed = keyed;
    const service = keyed.timers;
    const { context } = call;
    this.timers = {
      event(timestamp) {
        const time = timerTime(context, timestamp);
        if (endless === null) service.registerEvent(time);
        else if (!service.registerNextEvent(time)) endless(keyed.currentKey());
      },
      processing(timestamp) {
        service.registerProcessing(timerTime(context, timestamp));
        context.alarm(timestamp);
      },
      deleteEvent: (timestamp) => service.deleteEvent(timerTime(context, timestamp)),
      deleteProcessing: (timestamp) => service.deleteProcessing(timerTime(context, timestamp)),
    };
  }

  get key(): unknown {
    return this.keyed.currentKey();
  }

  enterTimer(time: number, domain: 'event' | 'processing'): void {
    this.domain = domain;
    this.call.enter(time, domain === 'event' ? time : MIN_TIMESTAMP);
  }
}

/** Tells once that the timers of an operator go on without end behind the end of input. */
function endlessTimers(context: OperatorContext): (key: unknown) => void {
  let told = false;
  return (key) => {
    context.metrics.count('timersGivenUp', 1);
    if (told) return;
    told = true;
    context.logger.warn(
      { key: shown(key), rings: TIMER_CHAIN_MAX },
      'after the end of input a timer set itself again and again, and rings no more; ask context.inputEnded before setting it',
    );
  };
}

function timerTime(context: OperatorContext, timestamp: unknown): number {
  if (typeof timestamp === 'number' && !Number.isNaN(timestamp)) return timestamp;
  throw poisonError(
    context,
    `Expected the time of a timer in milliseconds since 1970, got ${shown(timestamp)}.`,
    'Check the field that it was computed from; use date.getTime() for a Date.',
  );
}
