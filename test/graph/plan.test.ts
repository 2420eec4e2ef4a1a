import { describe, expect, test } from 'vitest';
import { explainPlan } from '../../src/graph/explain.js';
import { type PlanOptions, planJob } from '../../src/graph/plan.js';
import { byKey, main, Sketch, side } from './graph-fixture.js';

const options: PlanOptions = { parallelism: 2, chaining: true };

function planned(sketch: Sketch, changed: Partial<PlanOptions> = {}): string {
  return explainPlan(planJob(sketch.finish(), { ...options, ...changed }));
}

function pageHits(): Sketch {
  const sketch = new Sketch('page-hits');
  const source = sketch.source({ label: 'file access.log', uid: 'log', limit: 1 });
  const parsed = sketch.map(source, { uid: 'parse', name: 'parse' });
  const counted = sketch.process([byKey(parsed)], { uid: 'count', name: 'count', sideTags: ['late'] });
  const shown = sketch.map(counted, { uid: 'show', name: 'show' });
  sketch.sink(shown, { uid: 'hits', label: 'files out/hits' });
  sketch.sink([side(counted, 'late')], { uid: 'late', label: 'print late' });
  return sketch;
}

describe('planning', () => {
  test('chains end at a change of parallelism, at a key, and before a sink', () => {
    expect(planned(pageHits())).toMatchInlineSnapshot(`
      "job "page-hits": 5 vertices, 4 edges, 9 subtasks

      0-file-access-log  source, parallelism 1, max 128
        file access.log  uid log
        file access.log => 1-parse by rebalance

      1-parse  operators, parallelism 2, max 128
        parse  uid parse
        parse => 2-count by key

      2-count  operators, parallelism 2, max 128
        count  uid count
        show  uid show
        count side "late" => 4-print-late by forward
        show => 3-files-out-hits by forward

      3-files-out-hits  sink, parallelism 2, max 128
        files out/hits  uid hits

      4-print-late  sink, parallelism 2, max 128
        print late  uid late"
    `);
  });

  test('without chaining every operator is a vertex of its own', () => {
    expect(planned(pageHits(), { chaining: false })).toMatchInlineSnapshot(`
      "job "page-hits": 6 vertices, 5 edges, 11 subtasks

      0-file-access-log  source, parallelism 1, max 128
        file access.log  uid log
        file access.log => 1-parse by rebalance

      1-parse  operators, parallelism 2, max 128
        parse  uid parse
        parse => 2-count by key

      2-count  operators, parallelism 2, max 128
        count  uid count
        count => 3-show by forward
        count side "late" => 5-print-late by forward

      3-show  operators, parallelism 2, max 128
        show  uid show
        show => 4-files-out-hits by forward

      4-files-out-hits  sink, parallelism 2, max 128
        files out/hits  uid hits

      5-print-late  sink, parallelism 2, max 128
        print late  uid late"
    `);
  });

  test('a branching chain is a tree, and only lines in it are fused', () => {
    const sketch = new Sketch();
    const source = sketch.source({ uid: 'in' });
    const first = sketch.map(source, { uid: 'a', name: 'a' });
    const second = sketch.map(first, { uid: 'b', name: 'b' });
    const left = sketch.map(second, { uid: 'c', name: 'c' });
    const right = sketch.map(second, { uid: 'd', name: 'd' });
    const last = sketch.map(right, { uid: 'e', name: 'e' });
    sketch.sink(left, { uid: 'left', label: 'left' });
    sketch.sink(last, { uid: 'right', label: 'right' });
    expect(planned(sketch)).toMatchInlineSnapshot(`
      "job "job": 3 vertices, 2 edges, 6 subtasks

      0-numbers  source, parallelism 2, max 128
        numbers  uid in
        a  uid a
        b  uid b
        c  uid c
        d  uid d
        e  uid e
        one loop: a, b
        one loop: d, e
        c => 1-left by forward
        e => 2-right by forward

      1-left  sink, parallelism 2, max 128
        left  uid left

      2-right  sink, parallelism 2, max 128
        right  uid right"
    `);
  });

  test('head starts a chain, never stands alone', () => {
    const sketch = new Sketch();
    const source = sketch.source({ uid: 'in' });
    const head = sketch.map(source, { uid: 'head', name: 'head', chaining: 'head' });
    const follower = sketch.map(head, { uid: 'follower', name: 'follower' });
    const alone = sketch.map(follower, { uid: 'alone', name: 'alone', chaining: 'never' });
    const rest = sketch.map(alone, { uid: 'rest', name: 'rest' });
    sketch.sink(rest, { uid: 'out' });
    const plan = planJob(sketch.finish(), options);
    expect(plan.vertices.map((vertex) => vertex.name)).toEqual([
      'numbers',
      'head -> follower',
      'alone',
      'rest',
      'out',
    ]);
  });

  test('a union heads a chain and hears every stream that it unites, the same one twice if asked', () => {
    const sketch = new Sketch();
    const left = sketch.source({ uid: 'left' });
    const right = sketch.source({ uid: 'right' });
    const both = sketch.map([main(left), main(right), main(left)], { uid: 'both' });
    sketch.sink(both, { uid: 'out' });
    const plan = planJob(sketch.finish(), options);
    expect(plan.vertices.map((vertex) => [vertex.name, vertex.inputs])).toEqual([
      ['numbers', []],
      ['numbers 2', []],
      ['map', [0, 1, 2]],
      ['out', [3]],
    ]);
    expect(plan.edges.map((edge) => edge.from)).toEqual(['0-numbers', '1-numbers-2', '0-numbers', '2-map']);
  });

  test('the default edge is forward at equal parallelism, else rebalance', () => {
    const sketch = new Sketch();
    const source = sketch.source({ uid: 'in' });
    const narrow = sketch.process(source, { uid: 'narrow', parallelism: 1 });
    sketch.sink(narrow, { uid: 'out', parallelism: 1 });
    const plan = planJob(sketch.finish(), options);
    expect(plan.edges.map((edge) => edge.partitioner.kind)).toEqual(['rebalance', 'forward']);
  });

  test('a connector limit lowers the parallelism that nobody declared', () => {
    const sketch = new Sketch();
    sketch.sink(sketch.source({ limit: 1 }), { limit: 3 });
    const plan = planJob(sketch.finish(), { ...options, parallelism: 8 });
    expect(plan.vertices.map((vertex) => vertex.parallelism)).toEqual([1, 3]);
  });

  test('the nearest parallelism wins: operator, job, run', () => {
    const sketch = new Sketch();
    sketch.builder.setParallelism(3);
    sketch.builder.setMaxParallelism(256);
    const own = sketch.process(sketch.source(), { parallelism: 5, maxParallelism: 512 });
    sketch.sink(own);
    const plan = planJob(sketch.finish(), { ...options, maxParallelism: 1024 });
    expect(plan.vertices.map((vertex) => [vertex.parallelism, vertex.maxParallelism])).toEqual([
      [3, 256],
      [5, 512],
      [3, 256],
    ]);
  });

  test('key groups follow from the parallelism until somebody declares them', () => {
    const sketch = new Sketch();
    const wide = sketch.process(sketch.source(), { parallelism: 200 });
    const declared = sketch.process([byKey(wide)], { maxParallelism: 64 });
    sketch.sink(declared);
    const plan = planJob(sketch.finish(), options);
    expect(plan.vertices.map((vertex) => [vertex.maxParallelism, vertex.maxParallelismDeclared])).toEqual([
      [128, false],
      [512, false],
      [64, true],
      [128, false],
    ]);
  });

  test('an operator that insists on other key groups leaves the chain', () => {
    const sketch = new Sketch();
    const source = sketch.source({ uid: 'in' });
    const other = sketch.process(source, { uid: 'other', maxParallelism: 64 });
    const same = sketch.process(other, { uid: 'same', maxParallelism: 64 });
    const undecided = sketch.process(same, { uid: 'undecided' });
    sketch.sink(undecided, { uid: 'out' });
    const plan = planJob(sketch.finish(), options);
    expect(plan.vertices.map((vertex) => [vertex.operators.length, vertex.maxParallelism])).toEqual([
      [1, 128],
      [3, 64],
      [1, 128],
    ]);
  });

  test('a chain has declared key groups as soon as one of its operators declares them', () => {
    const sketch = new Sketch();
    const head = sketch.process(sketch.source(), { chaining: 'head' });
    sketch.sink(sketch.process(head, { maxParallelism: 128 }));
    const plan = planJob(sketch.finish(), options);
    expect(plan.vertices.map((vertex) => vertex.operators.length)).toEqual([1, 2, 1]);
    expect(plan.vertices.map((vertex) => vertex.maxParallelismDeclared)).toEqual([false, true, false]);
  });

  test('operators of one name are told apart', () => {
    const sketch = new Sketch();
    const first = sketch.map(sketch.source());
    const second = sketch.map(first);
    sketch.sink(sketch.map(second, { name: 'map 2' }));
    const plan = planJob(sketch.finish(), options);
    expect(plan.vertices[0]?.operators.map((operator) => operator.name)).toEqual([
      'numbers',
      'map',
      'map 2',
      'map 2 2',
    ]);
  });

  test('the same job gives the same plan', () => {
    const once = explainPlan(planJob(pageHits().finish(), options));
    expect(explainPlan(planJob(pageHits().finish(), options))).toBe(once);
  });
});
