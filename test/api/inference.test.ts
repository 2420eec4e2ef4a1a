// No type argument on the happy path: what the compiler infers, and what it refuses. Checked by the type checker; at run time
// the jobs are only described.

import { describe, expectTypeOf, test } from 'vitest';
import type { CollectHandle, DataStream } from '../../src/api/data-stream.js';
import { buildGraph, defineJob } from '../../src/api/define-job.js';
import { hours, minutes, seconds } from '../../src/api/durations.js';
import type { KeyedStream } from '../../src/api/keyed-stream.js';
import type { StreamEnvironment } from '../../src/api/stream-environment.js';
import { printSink } from '../../src/connectors/print-sink.js';
import {
  type KeyedContext,
  KeyedProcessFunction,
  type ProcessContext,
  ProcessFunction,
} from '../../src/operators/process-function.js';
import { sideOutput } from '../../src/operators/side-output.js';
import type { Sink } from '../../src/operators/sink.js';
import type { Source } from '../../src/operators/source.js';
import { mapState, valueState } from '../../src/operators/state-handles.js';
import { boundedOutOfOrderness } from '../../src/operators/watermark-generators.js';
import { avg, count, sum } from '../../src/operators/windows/aggregates.js';
import { session, sliding, type TimeWindow, tumbling } from '../../src/operators/windows/window-assigners.js';

interface Hit {
  readonly path: string;
  readonly at: number;
  readonly bytes: number;
  readonly referrer?: string;
}

const hits: readonly Hit[] = [];

class Dedup extends KeyedProcessFunction<string, Hit, Hit> {
  readonly seen = valueState<boolean>('seen', { ttl: hours(1) });
  override onElement(hit: Hit, context: KeyedContext<string, Hit>): void {
    if (this.seen.get()) return;
    this.seen.set(true);
    context.emit(hit);
    context.timers.event(hit.at + 60_000);
  }
}

class Lengths extends ProcessFunction<Hit, number> {
  override onElement(hit: Hit, context: ProcessContext<number>): void {
    context.emit(hit.path.length);
  }
}

function described(build: (env: StreamEnvironment) => void): void {
  buildGraph(defineJob('types', build));
}

describe('types', () => {
  test('flow from the source through the operators', () => {
    described((env) => {
      const stream = env.from(hits);
      expectTypeOf(stream).toEqualTypeOf<DataStream<Hit>>();
      expectTypeOf(stream.map((hit) => hit.bytes)).toEqualTypeOf<DataStream<number>>();
      expectTypeOf(stream.filter((hit) => hit.bytes > 0)).toEqualTypeOf<DataStream<Hit>>();
      expectTypeOf(stream.flatMap((hit) => hit.path.split('/'))).toEqualTypeOf<DataStream<string>>();
      expectTypeOf(
        stream.flatMap(function* (hit) {
          yield hit.at;
        }),
      ).toEqualTypeOf<DataStream<number>>();
      expectTypeOf(stream.map((hit) => hit.bytes).union(stream.map((hit) => hit.path))).toEqualTypeOf<
        DataStream<number | string>
      >();
      expectTypeOf(stream.rebalance().name('hits').uid('u')).toEqualTypeOf<DataStream<Hit>>();
      expectTypeOf(stream.collect()).toEqualTypeOf<CollectHandle<Hit>>();
      const timed = stream.assignTimestamps((hit) => hit.at, boundedOutOfOrderness(seconds(5)));
      expectTypeOf(timed).toEqualTypeOf<DataStream<Hit>>();
      expectTypeOf(
        stream.partitionCustom(
          (hit) => hit.at,
          (at, channels) => at % channels,
        ),
      ).toEqualTypeOf<DataStream<Hit>>();
    });
  });

  test('come from every kind of input', () => {
    described((env) => {
      const source = [] as never as Source<Hit, number>;
      expectTypeOf(env.from(new Set([1]))).toEqualTypeOf<DataStream<number>>();
      expectTypeOf(env.from(later())).toEqualTypeOf<DataStream<string>>();
      expectTypeOf(env.from(new ReadableStream<Uint8Array>())).toEqualTypeOf<DataStream<Uint8Array>>();
      expectTypeOf(env.from(source)).toEqualTypeOf<DataStream<Hit>>();
      expectTypeOf(env.from(hits, { watermarks: boundedOutOfOrderness(0) })).toEqualTypeOf<DataStream<Hit>>();
    });
  });

  test('are narrowed by a type guard', () => {
    described((env) => {
      const mixed = env.from([1, 'a', null]);
      const text = mixed.filter((value): value is string => typeof value === 'string');
      expectTypeOf(text).toEqualTypeOf<DataStream<string>>();
    });
  });

  test('of a wider stream accept a narrower one', () => {
    described((env) => {
      expectTypeOf(env.from(hits)).toExtend<DataStream<{ readonly path: string }>>();
      expectTypeOf(env.from([1])).toExtend<DataStream<unknown>>();
      expectTypeOf(env.from([1]).keyBy((n) => n)).toExtend<KeyedStream<unknown, number>>();
      env.from(hits).sinkTo(printSink());
    });
  });

  test('of keys reach functions, windows and side outputs', () => {
    described((env) => {
      const keyed = env.from(hits).keyBy((hit) => hit.path);
      expectTypeOf(keyed).toEqualTypeOf<KeyedStream<Hit, string>>();
      expectTypeOf(keyed.reduce((left, right) => (left.at > right.at ? left : right))).toEqualTypeOf<
        DataStream<Hit>
      >();
      expectTypeOf(keyed.sum('bytes')).toEqualTypeOf<DataStream<Hit>>();
      expectTypeOf(keyed.min('path').name('first')).toEqualTypeOf<DataStream<Hit>>();
      expectTypeOf(keyed.maxBy('at', { first: false })).toEqualTypeOf<DataStream<Hit>>();
      const late = sideOutput<Hit>('late');
      const results = keyed
        .window(tumbling(minutes(1)))
        .allowedLateness(minutes(1))
        .sideOutputLateData(late)
        .aggregate(count(), (key, window, n) => {
          expectTypeOf(key).toEqualTypeOf<string>();
          expectTypeOf(window).toEqualTypeOf<TimeWindow>();
          expectTypeOf(n).toEqualTypeOf<number>();
          return { path: key, from: window.start, hits: n };
        });
      expectTypeOf(results).toEqualTypeOf<DataStream<{ path: string; from: number; hits: number }>>();
      expectTypeOf(results.getSideOutput(late)).toEqualTypeOf<DataStream<Hit>>();
    });
  });

  test('of numbers need no field', () => {
    described((env) => {
      const keyed = env.from([1, 2]).keyBy((n) => n % 2);
      expectTypeOf(keyed.sum()).toEqualTypeOf<DataStream<number>>();
      expectTypeOf(keyed.max()).toEqualTypeOf<DataStream<number>>();
      const pairs = env.from([['a', 1]] as [string, number][]).keyBy(([word]) => word);
      expectTypeOf(pairs.sum('1')).toEqualTypeOf<DataStream<[string, number]>>();
    });
  });

  test('of windows follow from what is made of them', () => {
    described((env) => {
      const keyed = env.from(hits).keyBy((hit) => hit.path);
      const windows = keyed.window(sliding(minutes(5), minutes(1)));
      expectTypeOf(windows.aggregate(count())).toEqualTypeOf<DataStream<number>>();
      expectTypeOf(windows.aggregate(sum((hit) => hit.bytes))).toEqualTypeOf<DataStream<number>>();
      expectTypeOf(
        windows.aggregate(
          avg((hit) => hit.bytes),
          (_key, _window, mean) => `${mean}`,
        ),
      ).toEqualTypeOf<DataStream<string>>();
      expectTypeOf(
        windows.reduce((left, right) => ({ path: left.path, at: right.at, bytes: left.bytes + right.bytes })),
      ).toEqualTypeOf<DataStream<Hit>>();
      expectTypeOf(
        windows.reduce(
          (left) => left,
          (key, _window, hit) => [key, hit.bytes] as const,
        ),
      ).toEqualTypeOf<DataStream<readonly [string, number]>>();
      const all = windows.process(function* (key, window, elements, context) {
        expectTypeOf(elements).toEqualTypeOf<readonly Hit[]>();
        expectTypeOf(context.currentWatermark).toEqualTypeOf<number>();
        for (const hit of elements) yield { key, start: window.start, at: hit.at };
      });
      expectTypeOf(all).toEqualTypeOf<DataStream<{ key: string; start: number; at: number }>>();
      const own = windows.aggregate({
        createAccumulator: () => new Set<string>(),
        add: (paths, hit) => paths.add(hit.path),
        getResult: (paths) => paths.size,
        merge: (left, right) => new Set([...left, ...right]),
      });
      expectTypeOf(own).toEqualTypeOf<DataStream<number>>();
      const sessions = keyed
        .window(session((hit) => (hit.bytes > 0 ? minutes(1) : seconds(1))))
        .aggregate(count());
      expectTypeOf(sessions).toEqualTypeOf<DataStream<number>>();
    });
  });

  test('of functions with state come from the class, or from what a generator yields', () => {
    described((env) => {
      const stream = env.from(hits);
      const keyed = stream.keyBy((hit) => hit.path);
      expectTypeOf(keyed.process(Dedup)).toEqualTypeOf<DataStream<Hit>>();
      expectTypeOf(keyed.process(() => new Dedup())).toEqualTypeOf<DataStream<Hit>>();
      expectTypeOf(stream.process(Lengths)).toEqualTypeOf<DataStream<number>>();
      const counted = keyed.process(() => {
        const counts = mapState<string, number>('counts');
        return {
          *onElement(hit, context) {
            expectTypeOf(context.key).toEqualTypeOf<string>();
            const n = (counts.get(hit.path) ?? 0) + 1;
            counts.set(hit.path, n);
            yield { path: context.key, n };
          },
        };
      });
      expectTypeOf(counted).toEqualTypeOf<DataStream<{ path: string; n: number }>>();
      const sized = stream.process({
        *onElement(hit) {
          yield hit.bytes;
        },
      });
      expectTypeOf(sized).toEqualTypeOf<DataStream<number>>();
      const told = keyed.process<number>({
        onElement(hit, context) {
          context.emit(hit.at);
        },
        onTimer(timestamp, context) {
          context.emit(timestamp);
        },
      });
      expectTypeOf(told).toEqualTypeOf<DataStream<number>>();
      const silent = stream.process({
        onElement(_hit, context) {
          context.side(sideOutput<number>('odd'), 1);
        },
      });
      expectTypeOf(silent).toEqualTypeOf<DataStream<never>>();
      const emitted = stream.process({
        onElement(hit, context: ProcessContext<string>) {
          context.emit(hit.path);
        },
      });
      expectTypeOf(emitted).toEqualTypeOf<DataStream<string>>();
    });
  });

  test('refuse what cannot work', () => {
    const refused = (env: StreamEnvironment): void => {
      const stream = env.from(hits);
      const keyed = stream.keyBy((hit) => hit.path);
      // @ts-expect-error a promise is not a yes or no
      stream.filter(async (hit) => hit.bytes > 0);
      // @ts-expect-error a window needs a key
      stream.window(tumbling(1));
      // @ts-expect-error a text cannot be added
      keyed.sum('path');
      // @ts-expect-error a field that may be missing cannot be compared
      keyed.min('referrer');
      // @ts-expect-error there is no such field
      keyed.max('size');
      // @ts-expect-error objects have no sum of their own
      keyed.sum();
      // @ts-expect-error the key of this function is a number
      stream.keyBy((hit) => hit.at).process(Dedup);
      // @ts-expect-error this sink takes numbers
      stream.sinkTo(null as never as Sink<number>, {});
      // @ts-expect-error late values are hits
      keyed.window(tumbling(1)).sideOutputLateData(sideOutput<string>('late'));
      // @ts-expect-error the timestamp is a number
      stream.assignTimestamps((hit) => hit.path, boundedOutOfOrderness(0));
      stream.process({
        onElement(hit, context) {
          // @ts-expect-error what a plain function emits must be told: process<number>(...), or yield it
          context.emit(hit.at);
        },
      });
      // @ts-expect-error a mapped stream cannot be summed without key
      stream.map((hit) => hit.bytes).reduce((left: number, right: number) => left + right);
    };
    expectTypeOf(refused).toBeFunction();
  });
});

async function* later(): AsyncGenerator<string> {
  yield 'a';
}
