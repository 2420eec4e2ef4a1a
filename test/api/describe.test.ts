// What the calls of the API become: nodes, edges, settings.

import { describe, expect, test } from 'vitest';
import { buildGraph, defineJob, isJobDefinition } from '../../src/api/define-job.js';
import { minutes, seconds } from '../../src/api/durations.js';
import type { StreamEnvironment } from '../../src/api/stream-environment.js';
import { print } from '../../src/connectors/print-sink.js';
import type { StreamGraph } from '../../src/graph/stream-graph.js';
import { KeyedProcessFunction } from '../../src/operators/process-function.js';
import { sideOutput } from '../../src/operators/side-output.js';
import { boundedOutOfOrderness, monotonous } from '../../src/operators/watermark-generators.js';
import { count } from '../../src/operators/windows/aggregates.js';
import { session, tumbling } from '../../src/operators/windows/window-assigners.js';

function graphOf(build: (env: StreamEnvironment) => void): StreamGraph {
  return buildGraph(defineJob('job', build));
}

describe('describing a job', () => {
  test('every call adds a node or turns an edge', () => {
    const graph = graphOf((env) => {
      const numbers = env.from([1, 2, 3], { uid: 'numbers', name: 'three' });
      const odd = numbers.filter((n) => n % 2 === 1).uid('odd');
      odd
        .union(numbers.rebalance())
        .map((n) => n * 2)
        .name('double')
        .sinkTo(print('out'), { uid: 'out', parallelism: 2 });
    });
    expect(
      graph.nodes.map(({ operation, name, uid, parallelism }) => [operation, name, uid, parallelism]),
    ).toEqual([
      ['source', 'three', 'numbers', null],
      ['filter', 'filter', 'odd', null],
      ['map', 'double', null, null],
      ['sink', 'print out', 'out', 2],
    ]);
    expect(graph.edges.map(({ from, to, partitioner }) => [from, to, partitioner.kind])).toEqual([
      [0, 1, 'default'],
      [1, 2, 'default'],
      [0, 2, 'rebalance'],
      [2, 3, 'default'],
    ]);
  });

  test('settings belong to the operator before them', () => {
    const graph = graphOf((env) => {
      env.setParallelism(4).setMaxParallelism(512);
      env
        .from([1])
        .map((n) => n)
        .setParallelism(2)
        .setMaxParallelism(64)
        .startNewChain()
        .filter(() => true)
        .disableChaining()
        .collect();
    });
    expect([graph.parallelism, graph.maxParallelism]).toEqual([4, 512]);
    expect(
      graph.nodes.map(({ parallelism, maxParallelism, chaining }) => [parallelism, maxParallelism, chaining]),
    ).toEqual([
      [null, null, 'always'],
      [2, 64, 'head'],
      [null, null, 'never'],
      [null, null, 'always'],
    ]);
  });

  test('each operator knows the line that declared it', () => {
    const graph = graphOf((env) => {
      const stream = env.from([1]);
      stream.map((n) => n).print();
    });
    const lines = graph.nodes.map(
      (node) => /\/test\/api\/describe\.test\.ts:(\d+):\d+$/.exec(node.declaredAt ?? '')?.[1],
    );
    expect(lines.map(Number)).toEqual([Number(lines[0]), Number(lines[0]) + 1, Number(lines[0]) + 1]);
  });

  test('partitionings replace each other', () => {
    const graph = graphOf((env) => {
      const stream = env.from([1]);
      stream.rebalance().print();
      stream.rescale().print();
      stream.shuffle().print();
      stream.broadcast().print();
      stream.global().print();
      stream.shuffle().forward().print();
      stream
        .partitionCustom(
          (n) => `${n}`,
          (key, channels) => key.length % channels,
        )
        .print();
    });
    const kinds = graph.edges.map((edge) => edge.partitioner.kind);
    expect(kinds).toEqual(['rebalance', 'rescale', 'shuffle', 'broadcast', 'global', 'forward', 'custom']);
  });

  test('anything that can be read is a source', () => {
    const graph = graphOf((env) => {
      env.from([1]).print();
      env.from(new Set([1])).print();
      env.from(oneTwo()).print();
      env.from(later()).print();
      env.from(new ReadableStream<string>()).print();
    });
    const sources = graph.nodes.flatMap(({ work }) => (work.kind === 'source' ? [work.source] : []));
    expect(sources.map(({ name, replayable }) => [name, replayable])).toEqual([
      ['array', true],
      ['iterable', true],
      ['iterator', false],
      ['async iterable', false],
      ['readable stream', false],
    ]);
  });

  test('watermarks can be made in the source or in the middle', () => {
    const graph = graphOf((env) => {
      env
        .from([{ at: 1 }], { watermarks: monotonous() })
        .assignTimestamps((event) => event.at, boundedOutOfOrderness(seconds(5)))
        .print();
    });
    const [source, middle] = graph.nodes;
    expect(source?.work.kind === 'source' && source.work.watermarks?.name).toBe('monotonous');
    expect(middle?.operation).toBe('assignTimestamps');
  });

  test('a keyed stream turns the edge of every operator derived from it', () => {
    const late = sideOutput<number>('late');
    const graph = graphOf((env) => {
      const keyed = env.from([1]).keyBy((n) => n % 2);
      keyed.reduce((left, right) => left + right).print();
      keyed.sum().print();
      keyed.process(Same).print();
      const windows = keyed.window(tumbling(10)).allowedLateness(5);
      const counts = windows.sideOutputLateData(late).aggregate(count());
      counts.print();
      counts.getSideOutput(late).print();
      windows.reduce((left) => left).print();
      keyed
        .window(session(5))
        .process(function* (key) {
          yield key;
        })
        .print();
    });
    const keyed = graph.nodes.filter((node) => node.work.kind === 'operator');
    expect(keyed.map(({ operation, sideTags }) => [operation, sideTags])).toEqual([
      ['reduce', []],
      ['sum', []],
      ['keyedProcess', null],
      ['window.aggregate', ['late']],
      ['window.reduce', []],
      ['window.process', null],
    ]);
    for (const { id, work } of keyed) {
      const edges = graph.edges.filter((edge) => edge.to === id);
      expect(edges.map((edge) => edge.partitioner.kind)).toEqual(['key']);
      const [selector] = work.kind === 'operator' ? work.keys : [];
      expect(selector?.(3 as never)).toBe(1);
      expect(work.kind === 'operator' && work.create()).not.toBe(work.kind === 'operator' && work.create());
    }
    expect(graph.edges.filter((edge) => edge.sideTag === 'late')).toHaveLength(1);
  });

  test('a definition is built anew each time', () => {
    const job = defineJob('twice', (env) => env.from([1]).print());
    expect(isJobDefinition(job)).toBe(true);
    expect(isJobDefinition({})).toBe(false);
    expect(buildGraph(job).nodes).not.toBe(buildGraph(job).nodes);
  });

  test('durations are milliseconds', () => {
    expect([seconds(1.5), minutes(2)]).toEqual([1_500, 120_000]);
  });
});

class Same extends KeyedProcessFunction<number, number, number> {
  override *onElement(n: number): Generator<number> {
    yield n;
  }
}

function* oneTwo(): Generator<number> {
  yield 1;
  yield 2;
}

async function* later(): AsyncGenerator<number> {
  yield 1;
}
