import { describe, expect, expectTypeOf, test } from 'vitest';
import { EMISSION_OVERDRAFT_RECORDS_MAX } from '../../src/base/limits.js';
import {
  type KeyedProcessDefinition,
  keyedProcessOperator,
} from '../../src/operators/keyed-process-operator.js';
import {
  type KeyedContext,
  KeyedProcessFunction,
  type ProcessContext,
  ProcessFunction,
  type TimerContext,
} from '../../src/operators/process-function.js';
import { type ProcessDefinition, processOperator } from '../../src/operators/process-operator.js';
import { sideOutput } from '../../src/operators/side-output.js';
import {
  aggregatingState,
  listState,
  mapState,
  reducingState,
  valueState,
} from '../../src/operators/state-handles.js';
import { count } from '../../src/operators/windows/aggregates.js';
import { verifyOperator } from '../../src/testing/operator-harness.js';
import { clock, END, record, side, watermark } from '../../src/testing/operator-script.js';

const even = sideOutput<number>('even');

const plain = <O>(definition: ProcessDefinition<number, O>) =>
  verifyOperator(() => processOperator(definition), { keyed: false });
const keyed = <O>(fn: KeyedProcessDefinition<number, number, O>) =>
  verifyOperator(() => keyedProcessOperator<number, number, O>({ key: (value) => value % 10, fn }));

describe('process without key', () => {
  test('emits to the main output and to side outputs with the timestamp of the record', () => {
    class Split extends ProcessFunction<number, string> {
      onElement(value: number, context: ProcessContext<string>) {
        if (value % 2 === 0) context.side(even, value);
        context.emit(`${value} at ${context.timestamp} under ${context.currentWatermark}`);
      }
    }
    plain(Split)
      .input(record(1, 5), watermark(7), record(2, 8), END)
      .expect(
        record(`1 at 5 under ${Number.MIN_SAFE_INTEGER}`, 5),
        watermark(7),
        side('even', 2, 8),
        record('2 at 8 under 7', 8),
        END,
      );
  });

  test('a generator is suspended at each yield while there is no room', () => {
    plain({
      *onElement(value: number, context: ProcessContext<number>) {
        for (let n = 0; n < value; n += 1) yield n;
        context.side(even, value);
      },
    })
      .input(record(3, 1), record(1, 2))
      .expect(record(0, 1), record(1, 1), record(2, 1), side('even', 3, 1), record(0, 2), side('even', 1, 2));
  });

  test('emitting after the call has returned is an error, not an output (1.2)', () => {
    let stray: ProcessContext<number> | null = null;
    plain({
      onElement(value: number, context: ProcessContext<number>) {
        if (value === 1) stray = context;
        else queueStray(stray);
      },
    });
    const operator = processOperator<number, number>({
      onElement(_value, context) {
        stray = context;
      },
    });
    operator.open({ output: { emit: () => undefined }, name: 'x', subtask: 0, metrics: {} } as never);
    operator.onRecord(1, 1);
    expect(() => queueStray(stray)).toThrow(/after onElement had returned/);
  });

  test('an async function is refused with the reason', () => {
    plain({ onElement: (async () => undefined) as never })
      .input(record(1))
      .fails('WEIR_USER_CODE', 'records, timers and barriers');
  });

  test('an iterable that nobody would read is refused', () => {
    plain({ onElement: (() => [1, 2]) as never })
      .input(record(1))
      .fails('WEIR_USER_CODE', 'yield*');
  });

  test('more than the overdraft in one call asks for a generator', () => {
    const operator = processOperator<number, number>({
      onElement(_value, context) {
        try {
          for (let n = 0; n <= EMISSION_OVERDRAFT_RECORDS_MAX; n += 1) context.emit(n);
        } catch {
          // A function cannot talk itself out of it.
        }
      },
    });
    operator.open({
      output: { emit: () => undefined, full: true },
      name: 'x',
      subtask: 0,
      metrics: {},
    } as never);
    expect(() => operator.onRecord(1, 1)).toThrow(/generator function/);
  });

  test('a failure of the chain below cannot be swallowed by the function', () => {
    const below = new Error('below');
    const operator = processOperator<number, number>({
      onElement(value, context) {
        try {
          context.emit(value);
        } catch {
          // What a careless function does.
        }
      },
    });
    const emit = () => {
      throw below;
    };
    operator.open({ output: { emit, full: false }, name: 'x', subtask: 0, metrics: {} } as never);
    expect(() => operator.onRecord(1, 1)).toThrow(below);
    const generator = processOperator<number, number>({
      // biome-ignore lint/correctness/useYield: what matters is that it is a generator and swallows.
      *onElement(value, context) {
        try {
          context.emit(value);
        } catch {
          // The same in a generator.
        }
      },
    });
    generator.open({ output: { emit, full: false }, name: 'x', subtask: 0, metrics: {} } as never);
    expect(() => generator.onRecord(1, 1)).toThrow(below);
  });

  test('a record without timestamp has none to show', () => {
    plain({ onElement: (_value, context) => context.emit(context.timestamp) })
      .input(record(1))
      .fails('WEIR_TIMESTAMP_MISSING', 'hasTimestamp');
    plain({ onElement: (_value, context) => context.emit(context.hasTimestamp) })
      .input(record(1), record(2, 0))
      .expect(record(false), record(true, 0));
  });

  test('open and close come once each, close also when open failed', () => {
    const calls: string[] = [];
    class Loud extends ProcessFunction<number, number> {
      override open() {
        calls.push('open');
        throw new Error('no license');
      }
      onElement() {
        calls.push('element');
      }
      override close() {
        calls.push('close');
      }
    }
    const operator = processOperator(Loud);
    expect(() => operator.open({ name: 'x', subtask: 0, metrics: {} } as never)).toThrow(
      /open of class Loud threw: no license/,
    );
    operator.close();
    operator.close();
    expect(calls).toEqual(['open', 'close']);
  });

  test('state without key says what to do', () => {
    plain({ onElement: () => undefined, seen: valueState('seen') } as never).fails(
      'WEIR_USER_CODE',
      'Call keyBy',
    );
  });
});

function queueStray(context: ProcessContext<number> | null): void {
  context?.emit(1);
}

class Dedup extends KeyedProcessFunction<number, number, number> {
  seen = valueState<boolean>('seen');
  onElement(value: number, context: KeyedContext<number, number>) {
    if (this.seen.get()) return;
    this.seen.set(true);
    context.emit(value);
    context.timers.event(context.timestamp + 10);
  }
  override onTimer(timestamp: number, context: TimerContext<number, number>) {
    this.seen.clear();
    context.emit(-context.key);
    if (timestamp > 1e6) context.emit(timestamp);
  }
}

describe('process on a keyed stream', () => {
  test('state and timers belong to the key in hand', () => {
    keyed(Dedup)
      .input(record(1, 1), record(11, 2), record(2, 3), watermark(11), record(21, 12), END)
      .expect(
        record(1, 1),
        record(2, 3),
        record(-1, 11),
        watermark(11),
        record(21, 12),
        record(-2, 13),
        record(-1, 22),
        END,
      );
  });

  test('every accessor kind, in private fields and in closures of a factory', () => {
    class All extends KeyedProcessFunction<number, number, string> {
      readonly #list = listState<number>('list');
      readonly #map = mapState<string, number>('map');
      private readonly sum = reducingState<number>('sum', { reduce: (a, b) => a + b });
      private readonly n = aggregatingState('n', { aggregate: count<number>() });
      onElement(value: number, context: KeyedContext<number, string>) {
        this.#list.add(value);
        this.#map.set(String(value), value);
        this.sum.add(value);
        this.n.add(value);
        context.emit(
          `${this.#list.get().join('+')}=${this.sum.get()} n=${this.n.get()} keys=${[...this.#map.keys()].join()}`,
        );
      }
    }
    keyed(All)
      .input(record(1, 1), record(11, 2), record(2, 3))
      .expect(record('1=1 n=1 keys=1', 1), record('1+11=12 n=2 keys=1,11', 2), record('2=2 n=1 keys=2', 3));
    keyed(() => {
      const total = valueState<number>('total');
      return {
        onElement(value: number, context: KeyedContext<number, number>) {
          total.set((total.get() ?? 0) + value);
          context.emit(total.get() ?? 0);
        },
      };
    })
      .input(record(1, 1), record(11, 2))
      .expect(record(1, 1), record(12, 2));
  });

  test('an object literal is copied for each instance: neither state nor fields are shared', () => {
    const literal = {
      calls: 0,
      total: valueState<number>('total'),
      onElement(value: number, context: KeyedContext<number, string>) {
        this.calls += 1;
        this.total.set((this.total.get() ?? 0) + value);
        context.emit(`${this.total.get()}`);
      },
    };
    keyed(literal)
      .input(record(1, 1), record(11, 2), record(2, 3))
      .expect(record('1', 1), record('12', 2), record('2', 3));
    expect(literal.calls).toBe(0);
    expect(() => literal.total.get()).toThrow(/outside the function/);
  });

  test('what subtasks would share is refused', () => {
    keyed(new Dedup()).fails('WEIR_USER_CODE', 'pass the class (Dedup) or a factory (() => new Dedup(...))');
    const sharing = { cache: new Map(), onElement: () => undefined };
    keyed(sharing).fails('WEIR_USER_CODE', 'field "cache" would be shared');
    keyed((() => 5) as never).fails('WEIR_USER_CODE', 'factory of process');
    keyed({ onTimer: () => undefined } as never).fails('WEIR_USER_CODE', 'onElement(value, context)');
  });

  test('onTimer may be a generator, suspended in the middle of an advance', () => {
    class Replay extends KeyedProcessFunction<number, number, string> {
      onElement(_value: number, context: KeyedContext<number, string>) {
        context.timers.event(10);
      }
      override *onTimer(timestamp: number, context: TimerContext<number, string>) {
        for (let n = 0; n < 3; n += 1) yield `${context.key}/${n}`;
        if (timestamp === 10) context.timers.event(11);
      }
    }
    const of = (key: number) => [0, 1, 2].map((n) => `${key}/${n}`);
    keyed(Replay)
      .input(record(1, 1), record(2, 1), watermark(20))
      .expect(
        ...[...of(1), ...of(2)].map((text) => record(text, 10)),
        ...[...of(1), ...of(2)].map((text) => record(text, 11)),
        watermark(20),
      );
  });

  test('a timer in the past waits for the next advance; twice registered fires once; deleted does not fire (1.8, 1.9)', () => {
    keyed({
      onElement(value: number, context: KeyedContext<number, string>) {
        const { timers } = context;
        timers.event(5);
        timers.event(5);
        if (value === 2) timers.deleteEvent(5);
        timers.deleteEvent(99);
      },
      onTimer: (timestamp, context) => context.emit(`${context.domain} ${context.key}@${timestamp}`),
    })
      .input(watermark(10), record(1, 11), record(2, 11), watermark(12))
      .expect(watermark(10), record('event 1@5', 5), watermark(12));
  });

  test('processing-time timers ring by the clock, carry no event time, and are dropped at the end (1.10)', () => {
    keyed({
      onElement: (value: number, context: KeyedContext<number, string>) =>
        context.timers.processing(context.currentProcessingTime + value * 100),
      onTimer: (timestamp, context) =>
        context.emit(`${context.domain} ${context.key}@${timestamp} ${context.timestamp}`),
    })
      .input(
        clock(1000),
        record(2, 1),
        record(1, 1),
        clock(1150),
        clock(1500),
        record(3, 1),
        END,
        clock(9000),
      )
      .expect(record('processing 1@1100 1100'), record('processing 2@1200 1200'), END);
  });

  test('a timer at MAX that registers itself again does not loop (1.11)', () => {
    keyed({
      onElement: (_value: number, context: KeyedContext<number, string>) =>
        context.timers.event(Number.MAX_SAFE_INTEGER),
      onTimer(_timestamp, context) {
        context.timers.event(Number.MAX_SAFE_INTEGER);
        context.emit('last');
      },
    })
      .input(record(1, 1), END)
      .expect(record('last', Number.MAX_SAFE_INTEGER), END);
  });

  test('a time that is no time, and state outside a call', () => {
    keyed({ onElement: (_value, context) => context.timers.event(undefined as never) })
      .input(record(1, 1))
      .fails('WEIR_USER_CODE', 'got undefined');
    class Early extends KeyedProcessFunction<number, number, number> {
      seen = valueState<number>('seen');
      override open() {
        this.seen.get();
      }
      onElement() {
        // Never reached.
      }
    }
    keyed(Early).fails('WEIR_STATE', 'seen');
  });

  test('late records reach the function (1.7)', () => {
    keyed({ onElement: (_value, context) => context.emit(context.timestamp <= context.currentWatermark) })
      .input(watermark(10), record(1, 3), record(1, 11))
      .expect(watermark(10), record(true, 3), record(false, 11));
  });

  test('types follow the function', () => {
    expectTypeOf(keyedProcessOperator<number, number, number>)
      .parameter(0)
      .toHaveProperty('fn');
    const fn: KeyedProcessDefinition<number, number, number> = Dedup;
    expectTypeOf(fn).not.toBeAny();
  });
});
