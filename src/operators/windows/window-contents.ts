// What a window keeps of its records, and what it makes of them when it fires.
//
// Owns:    the three ways - aggregate, reduce, all elements - behind one interface.
// Not:     when windows fire and where contents are stored.
//
// C1. Results carry the window's last timestamp (semantics 3.9).
// C2. With aggregate and reduce, one value per key and window is kept and the window function gets exactly that (3.17).
// C3. Contents that stay in state after firing do not change what was handed out: a window process gets a copy of the list, and
//     an accumulator is copied before the next record is added to it (`own`).
// C4. In development, results that stay in state and what reduce combines are frozen: a function downstream or a reduce that
//     changes them in place throws where it does. Accumulators of an aggregate are its own to change.

import { ConfigError } from '../../base/errors.js';
import { deepFreeze } from '../../base/freeze.js';
import type { AggregateFunction } from '../../state/descriptors.js';
import type { KeyedBackend } from '../../state/keyed-backend.js';
import type { PutCheck } from '../../state/put-check.js';
import { separate } from '../../state/separate.js';
import { copied, type Image, imageOfElements } from '../../state/undo-log.js';
import type { OperatorContext } from '../operator.js';
import type { Emitted, ProcessContext } from '../process-function.js';
import { CallContext } from '../process-operator.js';
import { UserCall } from '../user-call.js';
import { expectNow, userError } from '../user-code.js';
import { checkedAggregate, contentsCheck } from './checked-contents.js';
import type { TimeWindow } from './window-assigners.js';

/** Makes the record that leaves out of the result of one key and window. */
export type WindowFunction<K, R, O> = (key: K, window: TimeWindow, result: R) => O;

/** Sees all elements of one key and window, in order of arrival. As onElement, it emits, or is a generator function. */
export type WindowProcess<K, T, O> = (
  key: K,
  window: TimeWindow,
  elements: readonly T[],
  context: ProcessContext<O>,
) => Emitted<O>;

export type WindowContents<K, T, A, R, O> =
  | {
      readonly kind: 'aggregate';
      readonly aggregate: AggregateFunction<T, A, R>;
      /** Null: the result itself leaves. */
      readonly windowFunction: WindowFunction<K, R, O> | null;
    }
  | {
      readonly kind: 'reduce';
      readonly reduce: (combined: T, value: T) => T;
      readonly windowFunction: WindowFunction<K, T, O> | null;
    }
  | { readonly kind: 'process'; readonly process: WindowProcess<K, T, O> };

export type AnyContents = WindowContents<unknown, unknown, unknown, unknown, unknown>;

/** Contents at work in one subtask. */
export interface ContentsRunner {
  /** How values are added, for a loop that does it without `create` and `add`; null: only these can. */
  readonly aggregate: AggregateFunction<unknown, unknown, unknown> | null;
  /** Contents of a window that holds this value only. */
  create(value: unknown): unknown;
  /** What `aggregate.add` answered, for a loop that calls it; throws when it comes later. */
  checked(contents: unknown): unknown;
  /** Contents that were emitted, for `add` and `merge` to change in place: nobody else has them. */
  own(contents: unknown): unknown;
  /** For records that are left out: contents as they are now, although `add` and `merge` change them in place. */
  image(contents: unknown): Image;
  /** May change `contents` in place, or answer new ones. */
  add(contents: unknown, value: unknown): unknown;
  merge(left: unknown, right: unknown): unknown;
  /** Fires for the key in hand. `kept`: the contents stay in state. False: suspended; `resume` goes on. */
  emit(window: TimeWindow, contents: unknown, kept: boolean): boolean;
  readonly pending: boolean;
  resume(): boolean;
  close(): void;
}

export function runContents(
  contents: AnyContents,
  context: OperatorContext,
  keyed: KeyedBackend,
): ContentsRunner {
  switch (contents.kind) {
    case 'aggregate':
      return new AggregateRunner(contents.aggregate, contents.windowFunction, context, keyed);
    case 'reduce':
      return new AggregateRunner(
        reducing(contents.reduce, keyed.freezes),
        contents.windowFunction,
        context,
        keyed,
      );
    default:
      return new ProcessRunner(contents.process, context, keyed);
  }
}

/** As `emit` of contents, in an advance of time: each key is a call of its own. */
export function emitContents(
  context: OperatorContext,
  runner: ContentsRunner,
  window: TimeWindow,
  contents: unknown,
  kept: boolean,
): boolean {
  const { trials } = context;
  if (trials === null) return runner.emit(window, contents, kept);
  trials.run({ trigger: 'window', window, contents, timestamp: window.end - 1 }, () => {
    runner.emit(window, contents, kept);
  });
  return true;
}

/** ConfigError when merging windows are given contents that cannot be merged. */
export function checkMergeable(contents: AnyContents): void {
  if (contents.kind !== 'aggregate' || contents.aggregate.merge !== undefined) return;
  throw new ConfigError('Session windows merge, and the aggregate function has no merge(left, right).', {
    remedy: 'Add merge(left, right) to the aggregate function: it combines two accumulators.',
  });
}

/** Marks contents that have no value yet: undefined may be one. */
const NONE: unique symbol = Symbol('no value');

function reducing(
  reduce: (combined: unknown, value: unknown) => unknown,
  freeze: boolean,
): AggregateFunction<unknown, unknown, unknown> {
  const combine = (left: unknown, right: unknown): unknown => (left === NONE ? right : reduce(left, right));
  return {
    createAccumulator: () => NONE,
    add: freeze ? (combined, value) => deepFreeze(combine(combined, value)) : combine,
    getResult: (combined) => combined,
    merge: reduce,
  };
}

/** What throws when a value is added, for messages. */
export const ADDING = 'the aggregate function';
const FIRING = 'the window function';

class AggregateRunner implements ContentsRunner {
  readonly pending = false;
  readonly aggregate: AggregateFunction<unknown, unknown, unknown>;
  private readonly windowFunction: WindowFunction<unknown, unknown, unknown> | null;
  private readonly context: OperatorContext;
  private readonly keyed: KeyedBackend;

  constructor(
    aggregate: AggregateFunction<unknown, unknown, unknown>,
    windowFunction: WindowFunction<unknown, unknown, unknown> | null,
    context: OperatorContext,
    keyed: KeyedBackend,
  ) {
    this.aggregate = checkedAggregate(aggregate, keyed);
    this.windowFunction = windowFunction;
    this.context = context;
    this.keyed = keyed;
  }

  create(value: unknown): unknown {
    try {
      const empty = this.aggregate.createAccumulator();
      expectNow(this.context, 'createAccumulator of the aggregate function', empty);
      return this.checked(this.aggregate.add(empty, value));
    } catch (cause) {
      throw userError(this.context, ADDING, cause);
    }
  }

  own(contents: unknown): unknown {
    return separate(contents);
  }

  image(contents: unknown): Image {
    return copied(contents);
  }

  add(contents: unknown, value: unknown): unknown {
    try {
      return this.checked(this.aggregate.add(contents, value));
    } catch (cause) {
      throw userError(this.context, ADDING, cause);
    }
  }

  merge(left: unknown, right: unknown): unknown {
    try {
      return this.checked(this.aggregate.merge?.(left, right));
    } catch (cause) {
      throw userError(this.context, ADDING, cause);
    }
  }

  checked(contents: unknown): unknown {
    if (typeof contents === 'object') expectNow(this.context, ADDING, contents);
    return contents;
  }

  emit(window: TimeWindow, contents: unknown, kept: boolean): boolean {
    const result = this.resultOf(window, contents);
    if (kept && this.keyed.freezes) deepFreeze(result);
    this.context.output.emit(result, window.end - 1);
    return true;
  }

  resume(): boolean {
    return true;
  }

  close(): void {
    // Results leave one by one: nothing is ever half out.
  }

  private resultOf(window: TimeWindow, contents: unknown): unknown {
    const { windowFunction } = this;
    let result: unknown;
    try {
      result = this.aggregate.getResult(contents);
      expectNow(this.context, 'getResult of the aggregate function', result);
      if (windowFunction !== null) result = windowFunction(this.keyed.currentKey(), window, result);
    } catch (cause) {
      throw userError(this.context, FIRING, cause);
    }
    expectNow(this.context, FIRING, result);
    return result;
  }
}

class ProcessRunner implements ContentsRunner {
  readonly aggregate = null;
  private readonly process: WindowProcess<unknown, unknown, unknown>;
  private readonly keyed: KeyedBackend;
  private readonly puts: PutCheck | null;
  private readonly call: UserCall;
  private readonly seen: CallContext;

  constructor(
    process: WindowProcess<unknown, unknown, unknown>,
    context: OperatorContext,
    keyed: KeyedBackend,
  ) {
    this.process = process;
    this.keyed = keyed;
    this.puts = contentsCheck(keyed);
    this.call = new UserCall(context, FIRING);
    this.seen = new CallContext(this.call);
  }

  get pending(): boolean {
    return this.call.pending;
  }

  create(value: unknown): unknown {
    this.puts?.check(value);
    return [value];
  }

  checked(contents: unknown): unknown {
    return contents;
  }

  /** It was emitted as a copy. */
  own(contents: unknown): unknown {
    return contents;
  }

  image(contents: unknown): Image {
    return imageOfElements(contents as readonly unknown[]);
  }

  add(contents: unknown, value: unknown): unknown {
    this.puts?.check(value);
    (contents as unknown[]).push(value);
    return contents;
  }

  merge(left: unknown, right: unknown): unknown {
    for (const value of right as readonly unknown[]) (left as unknown[]).push(value);
    return left;
  }

  emit(window: TimeWindow, contents: unknown, kept: boolean): boolean {
    const { call } = this;
    const elements = kept ? [...(contents as readonly unknown[])] : (contents as readonly unknown[]);
    call.enter(window.end - 1);
    let answer: unknown;
    try {
      answer = this.process(this.keyed.currentKey(), window, elements, this.seen);
    } catch (cause) {
      throw call.failed(cause);
    }
    return call.leave(answer);
  }

  resume(): boolean {
    return this.call.resume();
  }

  close(): void {
    this.call.close();
  }
}
