// A timer that sets itself again for ever ends with the input, is told, and never keeps a cancel out.

import { expect, test } from 'vitest';
import { TIMER_CHAIN_MAX } from '../../src/base/limits.js';
import {
  type DataStream,
  defineJob,
  forEachSink,
  type KeyedContext,
  KeyedProcessFunction,
  monotonous,
  type TimerContext,
  withTimestamps,
} from '../../src/index.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, settle, startJob } from './virtual-job.js';

interface Row {
  readonly key: string;
  readonly at: number;
}

/** Rings every ten milliseconds of event time, until somebody stops it. */
class Clock extends KeyedProcessFunction<string, Row, string> {
  override onElement(row: Row, context: KeyedContext<string, string>): void {
    expect(context.inputEnded).toBe(false);
    context.timers.event(row.at + 10);
  }
  override onTimer(at: number, context: TimerContext<string, string>): void {
    context.emit(`${context.key} ${at} ${context.inputEnded}`);
    this.again(at, context);
  }
  protected again(at: number, context: TimerContext<string, string>): void {
    context.timers.event(at + 10);
  }
}

class PoliteClock extends Clock {
  protected override again(at: number, context: TimerContext<string, string>): void {
    if (!context.inputEnded) super.again(at, context);
  }
}

class StandingClock extends Clock {
  protected override again(at: number, context: TimerContext<string, string>): void {
    context.timers.event(at);
  }
}

const input: readonly Row[] = [
  { key: 'a', at: 1 },
  { key: 'b', at: 25 },
  { key: 'a', at: 40 },
];

function clockJob(clock: new () => Clock, results: string[], rows: readonly Row[] = input) {
  return defineJob('clocks', (env) => {
    const timed: DataStream<Row> = env.from(rows, {
      watermarks: withTimestamps(({ at }: Row) => at, monotonous({ everyMs: 0 })),
    });
    timed
      .keyBy(({ key }) => key)
      .process(clock)
      .sinkTo(forEachSink((result: string) => void results.push(result)));
  });
}

test('a timer that asks inputEnded stops by itself', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const results: string[] = [];
  await finishJob(runtime, await startJob(runtime, clockJob(PoliteClock, results), {}));
  expect(results).toEqual([
    'a 11 false',
    'a 21 false',
    'a 31 false',
    'b 35 false',
    'a 41 true',
    'b 45 true',
    'a 50 true',
  ]);
});

test('one that does not is given up after a bound, and the warning names operator and key', async () => {
  const warnings: unknown[] = [];
  const runtime = virtualRuntime({ seed: 1 });
  const results: string[] = [];
  const logger = recording(warnings);
  const handle = await startJob(runtime, clockJob(Clock, results, input.slice(0, 2)), { logger });
  expect((await finishJob(runtime, handle)).state).toBe('FINISHED');
  const rings = (key: string) =>
    results.filter((result) => result.startsWith(`${key} `) && result.endsWith('true'));
  // The first of each line was set before the end.
  expect(rings('a')).toHaveLength(TIMER_CHAIN_MAX);
  expect(rings('b')).toHaveLength(TIMER_CHAIN_MAX);
  expect(warnings).toEqual([
    expect.objectContaining({ key: expect.stringMatching(/[ab]/), operator: 'keyedProcess' }),
  ]);
});

test('a cancel comes through while timers ring', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const rows = Array.from({ length: 2_000 }, (_, n) => ({ key: `k${n}`, at: 1 }));
  const results: string[] = [];
  class Silent extends Clock {
    override onTimer(at: number, context: TimerContext<string, string>): void {
      if (results.length === 0) {
        results.push('rings');
        void handle?.cancel();
      }
      context.timers.event(at + 1);
    }
  }
  const handle = await startJob(runtime, clockJob(Silent, results, rows), {});
  expect((await settle(runtime, handle.finished)).state).toBe('CANCELED');
});

test('a timer that sets itself to a time that has come ends the job with an error that names it', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const handle = await startJob(runtime, clockJob(StandingClock, []), {});
  await expect(settle(runtime, handle.finished)).rejects.toThrow(/a time that has come already/);
});

test('a timer of the clock that is always due keeps no record out', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const results: string[] = [];
  class Busy extends KeyedProcessFunction<string, Row, string> {
    override onElement(row: Row, context: KeyedContext<string, string>): void {
      context.timers.processing(context.currentProcessingTime);
      context.emit(row.key);
    }
    override onTimer(_at: number, context: TimerContext<string, string>): void {
      context.timers.processing(context.currentProcessingTime);
    }
  }
  const handle = await startJob(runtime, clockJob(Busy as never, results), {});
  expect((await finishJob(runtime, handle)).state).toBe('FINISHED');
  expect(results).toEqual(['a', 'b', 'a']);
});

function recording(warnings: unknown[], bound: object = {}): import('../../src/index.js').Logger {
  const ignore = (): void => undefined;
  return {
    debug: ignore,
    info: ignore,
    error: ignore,
    warn: (fields, message) => {
      if (message.includes('inputEnded')) warnings.push({ ...bound, ...fields });
    },
    child: (fields) => recording(warnings, { ...bound, ...fields }),
  };
}
