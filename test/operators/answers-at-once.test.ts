// Every place where the engine calls a user's function refuses an answer that comes later, at once and for good.

import { describe, expect, test } from 'vitest';
import { buildGraph, defineJob } from '../../src/api/define-job.js';
import { isUnrecoverable } from '../../src/base/errors.js';
import { csv } from '../../src/connectors/file-format.js';
import { forEachSink } from '../../src/connectors/for-each-sink.js';
import { createPartitioner } from '../../src/flow/partitioner.js';
import { flatMapOperator } from '../../src/operators/flat-map-operator.js';
import { filterOperator, mapOperator } from '../../src/operators/fuse.js';
import { keyedProcessOperator } from '../../src/operators/keyed-process-operator.js';
import type { Operator } from '../../src/operators/operator.js';
import { processOperator } from '../../src/operators/process-operator.js';
import { reduceOperator } from '../../src/operators/reduce-operator.js';
import { aggregatingState, reducingState } from '../../src/operators/state-handles.js';
import { timestampOperator } from '../../src/operators/timestamp-operator.js';
import { customWatermarks, noWatermarks, withTimestamps } from '../../src/operators/watermark-generators.js';
import { session, tumbling } from '../../src/operators/windows/window-assigners.js';
import { windowOperator } from '../../src/operators/windows/window-operator.js';
import { OperatorDriver } from '../../src/testing/operator-driver.js';
import { END, record, watermark } from '../../src/testing/operator-harness.js';

type Later = (..._: readonly unknown[]) => never;

const laters: readonly (readonly [string, Later])[] = [
  ['a promise', (async () => Promise.reject(new Error('nobody waits for it'))) as never],
  ['an async generator', async function* () {} as never],
];

const key = (): string => 'k';
const fold = {
  createAccumulator: () => 0,
  add: (sum: number) => sum + 1,
  getResult: (sum: number) => sum,
  merge: (a: number, b: number) => a + b,
};
const window = (changed: object, windowFunction: Later | null = null): Operator =>
  windowOperator({
    key,
    assigner: tumbling(100),
    contents: { kind: 'aggregate', aggregate: { ...fold, ...changed }, windowFunction },
    allowedLatenessMs: 0,
    lateTag: null,
  } as never);
const sessions = (changed: object, gap: unknown = 20): Operator =>
  windowOperator({
    key,
    assigner: session(gap as number),
    contents: { kind: 'aggregate', aggregate: { ...fold, ...changed }, windowFunction: null },
    allowedLatenessMs: 0,
    lateTag: null,
  } as never);
const keyed = (fn: object): Operator => keyedProcessOperator({ key, fn: fn as never });
const nothing = (): void => undefined;

const places: Readonly<Record<string, (later: Later) => Operator>> = {
  map: (later) => mapOperator(later),
  filter: (later) => filterOperator(later),
  flatMap: (later) => flatMapOperator(later),
  'items of flatMap': (later) => flatMapOperator(() => [Promise.reject(new Error('x')), later]),
  'process onElement': (onElement) => processOperator({ onElement }),
  'process open': (open) => processOperator({ open, onElement: nothing }),
  'process close': (close) => processOperator({ close, onElement: nothing }),
  'process factory': (later) => processOperator((() => later()) as never),
  'keyed onElement': (onElement) => keyed({ onElement }),
  'keyed open': (open) => keyed({ open, onElement: nothing }),
  'keyed close': (close) => keyed({ close, onElement: nothing }),
  'keyed onTimer': (onTimer) =>
    keyed({ onTimer, onElement: (_: unknown, context: never) => timerAt(context, 5) }),
  'key selector': (later) => keyedProcessOperator({ key: later, fn: { onElement: nothing } as never }),
  'rolling reduce': (reduce) => reduceOperator({ key, reduce }),
  'timestamp assigner': (later) => timestampOperator(withTimestamps(later, noWatermarks())),
  'watermark strategy': (later) => timestampOperator(customWatermarks(later)),
  'watermark onRecord': (onRecord) =>
    timestampOperator(customWatermarks(() => ({ onRecord, onPeriodic: () => null }))),
  'watermark onPeriodic': (onPeriodic) =>
    timestampOperator(customWatermarks(() => ({ onRecord: () => null, onPeriodic }))),
  'window createAccumulator': (createAccumulator) => window({ createAccumulator }),
  'window add': (add) => window({ add: (sum: number) => (sum === 0 ? 1 : add()) }),
  'window getResult': (getResult) => window({ getResult }),
  'window function': (later) => window({}, later),
  'window merge': (merge) => sessions({ merge }),
  'session gap': (later) => sessions({}, later),
};

function timerAt(context: { readonly timers: { event(time: number): void } }, time: number): void {
  context.timers.event(time);
}

function failureOf(create: () => Operator): unknown {
  const driver = new OperatorDriver(create, { keyed: true, narrow: false, startMs: 0 });
  try {
    driver.open();
    for (const step of [record(1, 1), record(2, 30), record(3, 15), watermark(200), END]) driver.step(step);
    driver.flush();
    driver.close();
  } catch (error) {
    return error;
  }
  return null;
}

describe.each(laters)('%s is refused', (_kind, later) => {
  test.each(Object.keys(places))('%s', (place) => {
    const error = failureOf(() => (places[place] as (later: Later) => Operator)(later));
    expect(error).toMatchObject({ code: 'WEIR_USER_CODE' });
    expect(isUnrecoverable(error)).toBe(true);
    expect(String(error)).toContain('to answer at once');
  });

  test('by states that fold', () => {
    for (const state of [
      () => reducingState<unknown>('s', { reduce: later }),
      () =>
        aggregatingState<unknown, unknown, unknown>('s', {
          aggregate: { ...fold, createAccumulator: later } as never,
        }),
      () => aggregatingState<unknown, unknown, unknown>('s', { aggregate: { ...fold, add: later } as never }),
    ]) {
      const error = failureOf(() =>
        keyedProcessOperator({
          key,
          fn: () => {
            const folded = state();
            return { onElement: (value: unknown) => folded.add(value) };
          },
        }),
      );
      expect(isUnrecoverable(error)).toBe(true);
      expect(String(error)).toContain('to answer at once');
    }
  });

  test('by partitioners', () => {
    const partition = (selector: Later | typeof key, choose: Later | (() => number)): void => {
      const made = createPartitioner({ kind: 'custom', selector, partition: choose }, 0, 1, 2, {
        next: () => 0,
      });
      if (made.kind === 'one') made.select(1);
    };
    expect(() => partition(later, () => 0)).toThrow('to answer at once');
    expect(() => partition(key, later)).toThrow('to answer at once');
  });

  test('by columns of CSV and by the description of a job', () => {
    const format = csv({ columns: [{ name: 'a', value: later }] });
    expect(() => format.encode(1)).toThrow('to answer at once');
    expect(buildGraph(defineJob('job', later)).problems.join()).toContain('the build function is');
  });
});

test('a sink function may answer a promise, or any plain value, but is no generator', async () => {
  const written: unknown[] = [];
  const write = (handle: (value: number) => unknown): unknown =>
    (forEachSink(handle as never).open({} as never) as { write(v: unknown[], t: number[]): unknown }).write(
      [1, 2],
      [0, 0],
    );
  expect(write((value) => written.push(value))).toBeUndefined();
  await write(async (value) => written.push(value));
  expect(written).toEqual([1, 2, 1, 2]);
  expect(() => write(function* () {})).toThrow('got a generator');
  expect(() => write(async function* () {})).toThrow('to answer at once');
});
