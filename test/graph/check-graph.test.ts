import { describe, expect, test } from 'vitest';
import { JobDefinitionError } from '../../src/base/errors.js';
import { checkGraph } from '../../src/graph/check-graph.js';
import { type PlanOptions, planJob } from '../../src/graph/plan.js';
import type { StreamGraph } from '../../src/graph/stream-graph.js';
import { main, Sketch, side } from './graph-fixture.js';

interface Case {
  readonly rule: string;
  readonly sketch: (sketch: Sketch) => void;
  readonly job?: string;
  readonly options?: Partial<PlanOptions>;
  readonly expected: readonly string[];
}

const cases: readonly Case[] = [
  {
    rule: 'a job has a name',
    job: ' ',
    sketch: (s) => s.sink(s.source()),
    expected: ['the job has no name; give defineJob a name such as "page-hits"'],
  },
  {
    rule: 'the name of a job can be that of a directory',
    job: '../hits',
    sketch: (s) => s.sink(s.source()),
    expected: [
      'the job name "../hits" cannot be the name of a directory; use letters, digits, "-", "_" and inner "." or spaces, at most 200 characters',
    ],
  },
  {
    rule: 'a job has a source, and every stream is consumed',
    sketch: () => undefined,
    expected: ['the job has no source; begin with env.from(...)'],
  },
  {
    rule: 'a stream that nobody consumes is named',
    sketch: (s) => {
      const source = s.source({ uid: 'in' });
      s.map(source, { name: 'parse', uid: 'parse', declaredAt: 'job.ts:3:5' });
    },
    expected: [
      'nobody consumes map "parse" (uid "parse", declared job.ts:3:5); end the stream with sinkTo(...), print() or collect(), or remove it',
    ],
  },
  {
    rule: 'a uid is used once, by whatever kind of operator',
    sketch: (s) => {
      const source = s.source({ uid: 'same', declaredAt: 'job.ts:1:1' });
      s.sink(s.map(source, { uid: 'same' }), { uid: 'same' });
    },
    expected: [
      'the uid "same" is used 3 times, by source "numbers" (uid "same", declared job.ts:1:1) and "map" (uid "same") and sink "out" (uid "same"); each operator needs a uid of its own, because its state is found by it',
    ],
  },
  {
    rule: 'a uid is not empty',
    sketch: (s) => s.sink(s.source({ uid: '' })),
    expected: [
      'source "numbers" (uid "") has an empty uid; give it a name that stays, or leave the uid away',
    ],
  },
  {
    rule: 'a uid can be stored and printed',
    sketch: (s) => s.sink(s.source({ uid: 'a\nb' })),
    expected: [
      'source "numbers" (uid "a\nb") has an unusable uid; use at most 200 characters and no control characters',
    ],
  },
  {
    rule: 'forward needs equal parallelism and names both sides',
    sketch: (s) => {
      const source = s.source({ uid: 'in', parallelism: 2 });
      s.sink([main(source, { kind: 'forward' })], { uid: 'out', parallelism: 3 });
    },
    expected: [
      'forward() connects source "numbers" (uid "in") with parallelism 2 to sink "out" (uid "out") with parallelism 3; make them equal, or use rebalance() or rescale() instead',
    ],
  },
  {
    rule: 'forward after a connector limit is caught as well',
    sketch: (s) => s.sink([main(s.source({ limit: 1 }), { kind: 'forward' })]),
    expected: [
      'forward() connects source "numbers" (no uid) with parallelism 1 to sink "out" (no uid) with parallelism 2; make them equal, or use rebalance() or rescale() instead',
    ],
  },
  {
    rule: 'a declared parallelism stays below the limit of the connector',
    sketch: (s) => s.sink(s.source({ limit: 1, parallelism: 2, uid: 'in' })),
    expected: [
      'source "numbers" (uid "in") was given parallelism 2, but its connector can use at most 1; lower it, or leave it away',
    ],
  },
  {
    rule: 'a parallelism is a positive whole number, for operators',
    sketch: (s) => s.sink(s.map(s.source(), { parallelism: 1.5, maxParallelism: 0 })),
    expected: [
      'the parallelism of "map" (no uid) is 1.5; it must be a whole number from 1 to 32768',
      'the max parallelism of "map" (no uid) is 0; it must be a whole number from 1 to 32768',
    ],
  },
  {
    rule: 'a parallelism is a positive whole number, for jobs',
    sketch: (s) => s.sink(s.source()),
    options: { parallelism: Number.NaN, maxParallelism: 40_000 },
    expected: [
      'the parallelism of the job is NaN; it must be a whole number from 1 to 32768',
      'the max parallelism of the job is 40000; it must be a whole number from 1 to 32768',
    ],
  },
  {
    rule: 'an operator has no more subtasks than key groups',
    sketch: (s) => s.sink(s.process(s.source(), { uid: 'count', parallelism: 9, maxParallelism: 8 })),
    expected: [
      '"process" (uid "count") has parallelism 9 above its max parallelism 8; lower the one or raise the other (raising it makes older checkpoints unusable)',
    ],
  },
  {
    rule: 'a side output is asked from the operator that has it',
    sketch: (s) => {
      const windows = s.process(s.source(), { name: 'windows', uid: 'w', sideTags: ['late'] });
      s.sink([side(windows, 'laet')], { uid: 'out' });
      s.sink([side(s.map(windows, { uid: 'm' }), 'late')], { uid: 'other' });
    },
    expected: [
      'sink "out" (uid "out") reads side output "laet" of process "windows" (uid "w"), which has only "late"; ask the operator that emits it, directly after it was declared',
      'sink "out" (uid "other") reads side output "late" of "map" (uid "m"), which has no side output; ask the operator that emits it, directly after it was declared',
    ],
  },
  {
    rule: 'an operator has an input',
    sketch: (s) => {
      s.sink(s.source());
      s.sink(s.map([], { name: 'lost' }));
    },
    expected: ['map "lost" (no uid) has no input; derive it from a stream that begins with env.from(...)'],
  },
  {
    rule: 'wrong calls of the API are reported with the rest',
    sketch: (s) => {
      s.builder.problem('keyBy() of "map" needs a function');
      s.sink(s.source({ uid: '' }));
    },
    expected: [
      'keyBy() of "map" needs a function',
      'source "numbers" (uid "") has an empty uid; give it a name that stays, or leave the uid away',
    ],
  },
];

describe('a job description is refused because', () => {
  test.each(cases)('$rule', ({ sketch: build, job, options, expected }) => {
    const sketch = new Sketch(job);
    build(sketch);
    expect(checkGraph(sketch.finish(), { parallelism: 2, chaining: true, ...options })).toEqual(expected);
  });

  test('records may not run in circles', () => {
    const sketch = new Sketch();
    const source = sketch.source({ uid: 'in' });
    const first = sketch.map(source, { uid: 'first' });
    const second = sketch.map(first, { uid: 'second' });
    sketch.sink(second, { uid: 'out' });
    const graph = sketch.finish();
    const back = {
      from: second,
      to: first,
      input: 0,
      partitioner: { kind: 'default' },
      sideTag: null,
    } as const;
    const cyclic: StreamGraph = { ...graph, edges: [...graph.edges, back] };
    expect(checkGraph(cyclic, { parallelism: 1, chaining: true })).toEqual([
      'records would run in circles through "map" (uid "first"), "map" (uid "second"), sink "out" (uid "out"); remove the edge that leads back',
    ]);
  });

  test('all problems stand in one error, and nothing is planned', () => {
    const sketch = new Sketch('three problems');
    const source = sketch.source({ uid: 'x' });
    sketch.map(source, { uid: 'x', parallelism: -1 });
    const graph = sketch.finish();
    const failure = caught(() => planJob(graph, { parallelism: 1, chaining: true }));
    expect(failure).toBeInstanceOf(JobDefinitionError);
    expect(failure.code).toBe('WEIR_JOB_DEFINITION');
    expect(failure.unrecoverable).toBe(true);
    expect(failure.problems).toHaveLength(3);
    expect(failure.message).toContain('Job "three problems" cannot start, 3 problems:');
  });

  test('a stream cannot be used after the job has been described', () => {
    const sketch = new Sketch();
    const source = sketch.source();
    sketch.sink(source);
    sketch.finish();
    expect(() => sketch.map(source)).toThrow('a stream was used after the build function had returned');
  });
});

function caught(work: () => unknown): JobDefinitionError {
  try {
    work();
  } catch (error) {
    if (error instanceof JobDefinitionError) return error;
    throw error;
  }
  throw new Error('expected a JobDefinitionError');
}
