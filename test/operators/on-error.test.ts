// Poison records that are left out: what a dead letter says, and what fails all the same.

import { describe, expect, test } from 'vitest';
import { flatMapOperator } from '../../src/operators/flat-map-operator.js';
import { mapOperator } from '../../src/operators/fuse.js';
import { guardedOperator } from '../../src/operators/guarded-operator.js';
import { keyedProcessOperator } from '../../src/operators/keyed-process-operator.js';
import type { Operator } from '../../src/operators/operator.js';
import { type DeadLetter, deadLetter, type OnError } from '../../src/operators/poison.js';
import { processOperator } from '../../src/operators/process-operator.js';
import { reduceOperator } from '../../src/operators/reduce-operator.js';
import { sideOutput } from '../../src/operators/side-output.js';
import { timestampOperator } from '../../src/operators/timestamp-operator.js';
import { punctuated, withTimestamps } from '../../src/operators/watermark-generators.js';
import { tumbling } from '../../src/operators/windows/window-assigners.js';
import { windowOperator } from '../../src/operators/windows/window-operator.js';
import { OperatorDriver } from '../../src/testing/operator-driver.js';
import { verifyOperator } from '../../src/testing/operator-harness.js';
import { END, record, side, watermark } from '../../src/testing/operator-script.js';

const bad = sideOutput<DeadLetter>('bad');
const guarded = (operator: Operator, policy: OnError = 'skip'): Operator =>
  guardedOperator(operator, policy, true);

describe('dead letters', () => {
  const parse = (text: string): number => {
    const n = Number(text);
    if (Number.isNaN(n)) throw new TypeError(`no number: ${text}`);
    return n;
  };
  const letter = (over: Partial<DeadLetter>): DeadLetter => ({
    operator: 'under test',
    trigger: 'record',
    record: null,
    position: null,
    key: null,
    timestamp: null,
    window: null,
    error: { name: 'Error', message: 'poison', code: null },
    ...over,
  });

  test('a map: the record, its time and the error of the function', () => {
    verifyOperator(() => guarded(mapOperator(parse), deadLetter(bad)), { keyed: false })
      .input(record('1', 1), record('x', 2), record('3', 3), END)
      .expect(
        record(1, 1),
        side(
          'bad',
          letter({
            record: 'x',
            timestamp: 2,
            error: { name: 'TypeError', message: 'no number: x', code: null },
          }),
          2,
        ),
        record(3, 3),
        END,
      );
  });

  test('what a generator has yielded before it failed is taken back', () => {
    const operator = () =>
      guarded(
        flatMapOperator(function* (n: number) {
          yield n;
          if (n === 2) throw new RangeError('two');
          yield n * 10;
        }),
        deadLetter(bad),
      );
    verifyOperator(operator, { keyed: false })
      .input(record(1, 1), record(2, 2), record(3, 3), END)
      .expect(
        record(1, 1),
        record(10, 1),
        side(
          'bad',
          letter({ record: 2, timestamp: 2, error: { name: 'RangeError', message: 'two', code: null } }),
          2,
        ),
        record(3, 3),
        record(30, 3),
        END,
      );
  });

  test('a timer: its key and its time; the timer is gone', () => {
    const operator = () =>
      guarded(
        keyedProcessOperator<string, string, string>({
          key: (value) => value,
          fn: {
            onElement: (_value, context) => context.timers.event(10),
            onTimer(at, context) {
              context.emit(`before ${context.key}`);
              if (context.key === 'b') throw Object.assign(new Error('poison'), { code: 'E_B' });
              context.emit(`after ${context.key} ${at}`);
            },
          },
        }),
        deadLetter(bad),
      );
    verifyOperator(operator, { leavesNoState: true })
      .input(record('a', 1), record('b', 1), record('c', 1), watermark(10), END)
      .expect(
        record('before a', 10),
        record('after a 10', 10),
        side(
          'bad',
          letter({
            trigger: 'timer',
            key: 'b',
            timestamp: 10,
            error: { name: 'Error', message: 'poison', code: 'E_B' },
          }),
          10,
        ),
        record('before c', 10),
        record('after c 10', 10),
        watermark(10),
        END,
      );
  });

  test('a window that fails when it fires: its key, its bounds and what it held; the others fire', () => {
    const operator = () =>
      guarded(
        windowOperator<number, number, never, never, string>({
          key: (n) => n % 2,
          assigner: tumbling(10),
          contents: {
            kind: 'process',
            process(k, _window, elements, context) {
              context.emit(`${k}`);
              if (k === 1) throw new Error('poison');
              context.emit(elements.join(' '));
            },
          },
        }),
        deadLetter(bad),
      );
    verifyOperator(operator, { leavesNoState: true })
      .input(record(1, 1), record(2, 2), record(3, 3), watermark(9), END)
      .expect(
        side(
          'bad',
          letter({
            trigger: 'window',
            key: 1,
            timestamp: 9,
            window: { start: 0, end: 10, contents: [1, 3] },
          }),
          9,
        ),
        record('0', 9),
        record('2', 9),
        watermark(9),
        END,
      );
  });

  test('an assigner that finds no time: the record leaves, and watermarks keep their places', () => {
    const strategy = withTimestamps(
      (text: string) => Date.parse(text),
      punctuated((_text: string, at: number) => at),
    );
    const times = ['1970-01-01T00:00:00.005Z', 'soon', '1970-01-01T00:00:00.007Z'];
    verifyOperator(() => guarded(timestampOperator(strategy, 0), 'skip'), { keyed: false, restores: false })
      .input(...times.map((text) => record(text, 0)), END)
      .expect(record(times[0], 5), watermark(5), record(times[2], 7), watermark(7), END);
  });

  test('a key that is none', () => {
    const operator = () =>
      guarded(
        reduceOperator<{ k?: string; n: number }>({
          key: ({ k }) => k,
          reduce: (a, b) => ({ ...b, n: a.n + b.n }),
        }),
        deadLetter(bad),
      );
    const outputs = verifyOperator(operator)
      .input(record({ k: 'a', n: 1 }, 1), record({ n: 2 }, 2), record({ k: 'a', n: 3 }, 3), END)
      .outputs();
    expect(outputs).toMatchObject([
      { value: { n: 1 } },
      { kind: 'side', value: { record: { n: 2 }, key: null, error: { name: 'KeyError', code: 'WEIR_KEY' } } },
      { value: { n: 4 } },
      { kind: 'end' },
    ]);
  });
});

describe('what no record is to blame for fails all the same', () => {
  test('a promise', () => {
    verifyOperator(() => guarded(mapOperator(async (n: number) => n)), { keyed: false })
      .input(record(1, 1))
      .fails('WEIR_USER_CODE', 'promise');
  });

  test('an error that calls itself unrecoverable', () => {
    const operator = () =>
      guarded(
        mapOperator(() => {
          throw Object.assign(new Error('the licence has expired'), { unrecoverable: true });
        }),
      );
    verifyOperator(operator, { keyed: false }).input(record(1, 1)).fails('WEIR_USER_CODE', 'licence');
  });

  test('something emitted after the call', () => {
    const strays: (() => void)[] = [];
    const operator = () =>
      guarded(
        processOperator<number, number>({
          onElement: (n, context) => void strays.push(() => context.emit(n)),
        }),
      );
    verifyOperator(operator, { keyed: false }).input(record(1, 1)).outputs();
    for (const stray of strays) expect(stray).toThrow('emitted after');
  });

  test('counts are told by policy', () => {
    const counted = (policy: OnError) => {
      const failing = mapOperator((n: number) => {
        if (n > 1) throw new Error('poison');
        return n;
      });
      const driver = new OperatorDriver(() => guarded(failing, policy), {
        keyed: false,
        narrow: false,
        startMs: 0,
      });
      driver.open();
      for (const each of [record(1, 1), record(2, 2), record(3, 3), END]) driver.step(each);
      return [...driver.counters];
    };
    expect(counted('skip')).toEqual([['numRecordsSkipped', 2]]);
    expect(counted(deadLetter(bad))).toEqual([['numDeadLetters', 2]]);
  });
});
