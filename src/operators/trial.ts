// Calls of users' functions that leave nothing behind when they fail.
//
// Owns:    results that wait until their call is through; taking back state.
// Not:     which failures these are (poison.ts), what is said of them (left-out.ts), the log of changes (src/state/undo-log.ts).
//
// T1. A call is all or nothing: its results leave, and its changes of state and timers stay, when it has come to its end.
// T2. While a call runs there is always room: a generator is not suspended half way, since its state could change meanwhile. What
//     one call may give is bounded instead.
// T3. Results leave in order, as far as there is room, before anything else is begun.
// T4. Records, watermarks and idleness keep their order among each other.
// T5. What a failure of the operators below throws is not dealt with here: they were given a result, and it is theirs.

import { deepFreeze } from '../base/freeze.js';
import { EMISSION_OVERDRAFT_RECORDS_MAX } from '../base/limits.js';
import { separate } from '../state/separate.js';
import { LeftOut } from './left-out.js';
import type { OperatorContext, Output, TrialOf, Trials } from './operator.js';
import { isPoison, type OnError } from './poison.js';
import { contractError } from './user-code.js';

type Held =
  | { readonly kind: 'record'; readonly value: unknown; readonly timestamp: number }
  | { readonly kind: 'side'; readonly tag: string; readonly value: unknown; readonly timestamp: number }
  | { readonly kind: 'watermark'; readonly time: number }
  | { readonly kind: 'idle'; readonly idle: boolean };

export class TrialRunner implements Trials {
  /** What the operator is given in place of the context of its task. */
  readonly context: OperatorContext;
  private readonly outer: OperatorContext;
  private readonly leftOut: LeftOut;
  private readonly freezes: boolean;
  private held: Held[] = [];
  /** Of `held`, what has left. */
  private left = 0;
  private running = false;

  constructor(outer: OperatorContext, policy: Exclude<OnError, 'fail'>, freezes: boolean) {
    this.outer = outer;
    this.leftOut = new LeftOut(
      { ...outer, count: (metric, delta) => outer.metrics.count(metric, delta) },
      policy,
    );
    this.freezes = freezes;
    this.context = {
      ...outer,
      output: this.outputOf(),
      trials: this,
      emitWatermark: (time) => this.give({ kind: 'watermark', time }),
      emitIdle: (idle) => this.give({ kind: 'idle', idle }),
    };
  }

  run(of: TrialOf, call: () => void): void {
    // A late record that fires its window again: one call with the record.
    if (this.running) return call();
    const { keyed, operatorState } = this.outer;
    const before = this.held.length;
    if (of.trigger === 'record') keyed?.clearKey();
    this.running = true;
    keyed?.beginTrial();
    operatorState.beginTrial();
    let failure: { readonly error: unknown } | null = null;
    try {
      call();
    } catch (error) {
      failure = { error };
    }
    this.running = false;
    const key = failure === null ? undefined : keyed?.keyInHand();
    keyed?.endTrial(failure === null);
    operatorState.endTrial(failure === null);
    if (failure !== null) {
      this.held.length = before;
      this.failed(of, key, failure.error);
    }
    this.drain();
  }

  /** Lets go what waits, as far as there is room; true when nothing is left. */
  drain(): boolean {
    const { held, outer } = this;
    while (this.left < held.length) {
      if (outer.output.full) return false;
      const next = held[this.left] as Held;
      this.left += 1;
      this.pass(next);
    }
    if (held.length > 0) this.held = [];
    this.left = 0;
    return true;
  }

  private failed(of: TrialOf, key: unknown, error: unknown): void {
    if (!isPoison(error)) throw error;
    const { timestamp, trigger } = of;
    const failed = {
      trigger,
      record: trigger === 'record' ? of.record : null,
      position: null,
      key: key ?? null,
      timestamp,
      // Contents may stay in state and grow.
      window: trigger === 'window' ? { ...of.window, contents: separate(of.contents) } : null,
    };
    const { leftOut } = this;
    leftOut.note(failed, error);
    const { tag } = leftOut;
    if (tag !== null) this.held.push({ kind: 'side', tag, value: leftOut.letter(failed, error), timestamp });
  }

  private outputOf(): Output {
    const runner = this;
    return {
      emit: (value, timestamp) => this.give({ kind: 'record', value: this.frozen(value), timestamp }),
      side: (tag, value, timestamp) => this.give({ kind: 'side', tag, value: this.frozen(value), timestamp }),
      get full() {
        return !runner.running && (runner.left < runner.held.length || runner.outer.output.full);
      },
    };
  }

  /** Now rather than when it leaves: a function that changes what it has emitted is told where it does. */
  private frozen(value: unknown): unknown {
    return this.freezes ? deepFreeze(value) : value;
  }

  private give(result: Held): void {
    if (!this.running && this.left === this.held.length) return this.pass(result);
    if (this.held.length - this.left >= EMISSION_OVERDRAFT_RECORDS_MAX) throw this.tooMany();
    this.held.push(result);
  }

  private tooMany(): unknown {
    return contractError(
      this.outer,
      `One call gave more than ${EMISSION_OVERDRAFT_RECORDS_MAX} results. With onError they are held until the call is through, so that it can be taken back.`,
      'Split the work over several records or timers, or leave onError away.',
    );
  }

  private pass(result: Held): void {
    const { outer } = this;
    switch (result.kind) {
      case 'record':
        return outer.output.emit(result.value, result.timestamp);
      case 'side':
        return outer.output.side(result.tag, result.value, result.timestamp);
      case 'watermark':
        return outer.emitWatermark(result.time);
      default:
        return outer.emitIdle(result.idle);
    }
  }
}
