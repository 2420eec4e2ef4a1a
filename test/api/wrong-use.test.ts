// Wrong uses of the API: each has its message, with operator, line and what to do, and all come at once.

import { describe, expect, test } from 'vitest';
import type { DataStream } from '../../src/api/data-stream.js';
import { buildGraph, defineJob } from '../../src/api/define-job.js';
import type { StreamEnvironment } from '../../src/api/stream-environment.js';
import { JobDefinitionError } from '../../src/base/errors.js';
import { planJob } from '../../src/graph/plan.js';
import type { StreamGraph } from '../../src/graph/stream-graph.js';
import { type DeadLetter, deadLetter } from '../../src/operators/poison.js';
import { KeyedProcessFunction } from '../../src/operators/process-function.js';
import { sideOutput } from '../../src/operators/side-output.js';
import { count } from '../../src/operators/windows/aggregates.js';
import { session, tumbling } from '../../src/operators/windows/window-assigners.js';

function graphOf(build: (env: StreamEnvironment) => void): StreamGraph {
  return buildGraph(defineJob('job', build));
}

function problemsOf(build: (env: StreamEnvironment) => void): readonly string[] {
  try {
    planJob(graphOf(build), { parallelism: 1, chaining: true });
  } catch (error) {
    if (error instanceof JobDefinitionError) return error.problems.map(withoutPlaces);
    throw error;
  }
  return [];
}

/** Lines of this file change with every edit of it. */
function withoutPlaces(problem: string): string {
  return problem.replaceAll(/(declared )?[^\s(]*wrong-use\.test\.ts:\d+:\d+/g, '$1here');
}

describe('a wrong use of onError is reported', () => {
  const bad = sideOutput<DeadLetter>('bad');
  const late = sideOutput<number>('bad');

  test('what is no policy, what nobody reads, a tag with two meanings, a place that is none', () => {
    const problems = problemsOf((env) => {
      const stream = env.from([1]);
      stream
        .map((n) => n)
        .onError('ignore' as never)
        .print();
      stream
        .map((n) => n)
        .onError(deadLetter({} as never))
        .print();
      stream
        .map((n) => n)
        .uid('unread')
        .onError(deadLetter(bad))
        .print();
      stream.rebalance().onError('skip').print();
      const windows = stream
        .keyBy((n) => n)
        .window(tumbling(10))
        .sideOutputLateData(late);
      const counts = windows.aggregate(count()).uid('twice').onError(deadLetter(bad));
      counts.getSideOutput(bad).print();
      counts.print();
    });
    expect(problems).toEqual([
      "onError(): expected 'fail', 'skip' or deadLetter(tag) with a tag made by sideOutput(name) (here)",
      "onError(): expected 'fail', 'skip' or deadLetter(tag) with a tag made by sideOutput(name) (here)",
      'onError(...) belongs directly after the operator that it is for, not after a union, a partitioning or a side output (here)',
      'nobody reads the dead letters "bad" of "map" (uid "unread", declared here); read them with getSideOutput(tag) directly after it, or use onError(\'skip\')',
      '"window.aggregate" (uid "twice", declared here) sends both late records and dead letters to "bad"; give the dead letters a tag of their own',
    ]);
  });
});

describe('a wrong use of the API is reported', () => {
  const wrong = 5 as never;

  test('all at once, with the line', () => {
    const problems = problemsOf((env) => {
      const stream = env.from(wrong);
      stream.map(wrong).filter(wrong).flatMap(wrong).keyBy(wrong);
      stream.assignTimestamps(wrong, wrong).sinkTo(wrong);
      stream.union(stream).uid('both').print();
      stream.rebalance().setParallelism(2).print();
      stream.process(wrong).print();
    });
    expect(problems).toEqual([
      'env.from() got a value of type number; give it a source, an array, an iterable, an async iterable or a ReadableStream (here)',
      'map() needs a function from value to result, got number (here)',
      'filter() needs a function from value to boolean, got number (here)',
      'flatMap() needs a function from value to an iterable of results, got number (here)',
      'keyBy() needs a function from value to key, got number (here)',
      'assignTimestamps() needs a function from value to milliseconds, got number (here)',
      'assignTimestamps() needs a watermark strategy such as boundedOutOfOrderness(seconds(5)) (here)',
      'sinkTo() needs a sink, got number (here)',
      'uid("both") belongs directly after the operator that it is for, not after a union, a partitioning or a side output (here)',
      'setParallelism(2) belongs directly after the operator that it is for, not after a union, a partitioning or a side output (here)',
      'process() cannot use its function: expected a class, a factory or an object with onElement, got 5 (here)',
      'nobody consumes "flatMap" (no uid, declared here); end the stream with sinkTo(...), print() or collect(), or remove it',
      'nobody consumes "assignTimestamps" (no uid, declared here); end the stream with sinkTo(...), print() or collect(), or remove it',
    ]);
  });

  test('text, functions and promises are no streams', () => {
    const problems = problemsOf((env) => {
      for (const input of ['abc', oneTwo, Promise.resolve([])]) env.from(input as never).print();
    });
    expect(problems.map((problem) => problem.split(';')[0])).toEqual([
      'env.from() got a string',
      'env.from() got a function',
      'env.from() got a promise',
    ]);
  });

  test('a window without key says so, beside what was wrong before it', () => {
    const problems = problemsOf((env) => {
      const stream = env.from([1]).map(wrong);
      (stream as unknown as { window(): void }).window();
    });
    expect(problems).toEqual([
      'map() needs a function from value to result, got number (here)',
      'window() was called on a stream without key; call keyBy(...) before it (here)',
    ]);
  });

  test('windows that cannot be built are refused before anything runs', () => {
    const problems = problemsOf((env) => {
      const keyed = env.from([1]).keyBy((n) => n);
      keyed
        .window(session(5))
        .aggregate({ createAccumulator: () => 0, add: (sum, n) => sum + n, getResult: (sum) => sum })
        .print();
      keyed.window(tumbling(5)).allowedLateness(-1).aggregate(count(), wrong).print();
    });
    expect(problems).toEqual([
      'the window cannot be built: Session windows merge, and the aggregate function has no merge(left, right). Add merge(left, right) to the aggregate function: it combines two accumulators. (here)',
      'aggregate() needs a window function of key, window and result, or none, got number (here)',
      'the window cannot be built: Expected an allowed lateness of at least 0 ms, got -1. Give a duration, for example minutes(1). (here)',
    ]);
  });

  test('a shared instance of a function is refused', () => {
    class Shared extends KeyedProcessFunction<number, number, number> {
      override onElement(): void {
        // Nothing to emit.
      }
    }
    const problems = problemsOf((env) => {
      env
        .from([1])
        .keyBy((n) => n)
        .process(new Shared())
        .print();
    });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('pass the class (Shared) or a factory (() => new Shared(...))');
  });

  test('a side output belongs to an operator', () => {
    const tag = sideOutput<number>('odd');
    const problems = problemsOf((env) => {
      const stream = env.from([1]);
      stream.union(stream).getSideOutput(tag).print();
      stream
        .map((n) => n)
        .getSideOutput(tag)
        .print();
    });
    expect(problems).toEqual([
      'getSideOutput("odd") stands after a union; call it on the stream of the operator that emits it (here)',
      'sink "print" (no uid, declared here) reads side output "odd" of "map" (no uid, declared here), which has no side output; ask the operator that emits it, directly after it was declared',
    ]);
  });

  test('streams of two jobs do not mix', () => {
    let foreign: DataStream<number> | null = null;
    graphOf((env) => {
      foreign = env
        .from([1])
        .map((n) => n)
        .map((n) => n);
    });
    const problems = problemsOf((env) => {
      const own = env.from([2]);
      own.union(foreign ?? own).print();
    });
    expect(problems).toEqual([
      'union() got a stream of another job; both must come from the same env (here)',
    ]);
  });

  test('what the build function throws is the cause', () => {
    const cause = new TypeError('no such file');
    const failing = defineJob('failing', () => {
      throw cause;
    });
    expect(() => buildGraph(failing)).toThrow('the build function threw: no such file');
    expect(caught(() => buildGraph(failing)).cause).toBe(cause);
  });

  test('an async build function is refused', () => {
    const problems = problemsOf((async (env: StreamEnvironment) => {
      env.from([1]).print();
      await Promise.reject(new Error('late'));
    }) as (env: StreamEnvironment) => void);
    expect(problems).toEqual([
      'the build function is async; describe the job synchronously, and await what it needs before defineJob',
    ]);
  });

  test('a job needs a function', () => {
    expect(() => defineJob('job', wrong)).toThrow(JobDefinitionError);
  });
});

function* oneTwo(): Generator<number> {
  yield 1;
  yield 2;
}

function caught(work: () => unknown): JobDefinitionError {
  try {
    work();
  } catch (error) {
    if (error instanceof JobDefinitionError) return error;
    throw error;
  }
  throw new Error('expected a JobDefinitionError');
}
