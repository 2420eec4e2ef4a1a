import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { channelsOf } from '../../src/graph/channels.js';
import type { JobPlan, PlanTarget } from '../../src/graph/job-plan.js';
import { planJob } from '../../src/graph/plan.js';
import type { NodeId, PartitionerSpec, StreamGraph } from '../../src/graph/stream-graph.js';
import { main, Sketch } from './graph-fixture.js';

interface Step {
  readonly inputs: readonly number[];
  readonly stateless: boolean;
  readonly parallelism: number | null;
  readonly maxParallelism: number | null;
  readonly chaining: 'always' | 'head' | 'never';
  readonly partitioner: 'default' | 'rebalance' | 'rescale' | 'broadcast' | 'global' | 'key';
}

const step = fc.record<Step>({
  inputs: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
  stateless: fc.boolean(),
  parallelism: fc.option(fc.integer({ min: 1, max: 4 })),
  maxParallelism: fc.option(fc.constantFrom(64, 128)),
  chaining: fc.constantFrom('always', 'always', 'always', 'head', 'never'),
  partitioner: fc.constantFrom(
    'default',
    'default',
    'default',
    'rebalance',
    'rescale',
    'broadcast',
    'global',
    'key',
  ),
});

const graphs = fc
  .record({ sources: fc.integer({ min: 1, max: 3 }), steps: fc.array(step, { maxLength: 12 }) })
  .map(({ sources, steps }) => draw(sources, steps));

function draw(sources: number, steps: readonly Step[]): StreamGraph {
  const sketch = new Sketch();
  const nodes: NodeId[] = Array.from({ length: sources }, () => sketch.source());
  const consumed = new Set<NodeId>();
  for (const { inputs, stateless, partitioner, parallelism, maxParallelism, chaining } of steps) {
    const spec: PartitionerSpec =
      partitioner === 'key' ? { kind: 'key', selector: (value: unknown) => value } : { kind: partitioner };
    const origins = inputs.map((index) => main(nodes[index % nodes.length] as NodeId, spec));
    for (const origin of origins) consumed.add(origin.from);
    const settings = { parallelism, maxParallelism, chaining };
    nodes.push(stateless ? sketch.map(origins, settings) : sketch.process(origins, settings));
  }
  for (const node of nodes) if (!consumed.has(node)) sketch.sink(node);
  return sketch.finish();
}

const options = fc.record({ parallelism: fc.integer({ min: 1, max: 5 }), chaining: fc.boolean() });

function everyTarget(
  plan: JobPlan,
): { readonly from: NodeId; readonly target: PlanTarget; readonly vertex: number }[] {
  return plan.vertices.flatMap((vertex, index) =>
    vertex.operators.flatMap((operator) =>
      [...operator.main, ...[...operator.sides.values()].flat()].map((target) => ({
        from: operator.node.id,
        target,
        vertex: index,
      })),
    ),
  );
}

function edgesOf(plan: JobPlan): string[] {
  return everyTarget(plan).map(({ from, target, vertex }) => {
    if (target.kind === 'chained')
      return `${from} ${plan.vertices[vertex]?.operators[target.operator]?.node.id}`;
    const edge = plan.edges[target.edge];
    expect(edge?.from).toBe(plan.vertices[vertex]?.id);
    return `${from} ${plan.vertices.find((candidate) => candidate.id === edge?.to)?.operators[0]?.node.id}`;
  });
}

describe('any graph', () => {
  test('is planned into chains that keep every operator and every edge exactly once', () => {
    fc.assert(
      fc.property(graphs, options, (graph, chosen) => {
        const plan = planJob(graph, chosen);
        expect(edgesOf(plan).sort()).toEqual(graph.edges.map((edge) => `${edge.from} ${edge.to}`).sort());
        const planned = plan.vertices.flatMap((vertex) =>
          vertex.operators.map((operator) => operator.node.id),
        );
        expect(planned.sort((a, b) => a - b)).toEqual(graph.nodes.map((node) => node.id));
        const targets = everyTarget(plan).flatMap(({ target }) =>
          target.kind === 'edge' ? [target.edge] : [],
        );
        expect(targets.sort((a, b) => a - b)).toEqual(plan.edges.map((edge) => edge.index));
      }),
    );
  });

  test('has chains in which only the head hears other chains, sources come first and sinks stand alone', () => {
    fc.assert(
      fc.property(graphs, options, (graph, chosen) => {
        for (const vertex of planJob(graph, chosen).vertices) {
          const fed = vertex.operators.flatMap((operator, index) =>
            operator.main.flatMap((target) => {
              if (target.kind !== 'chained') return [];
              expect(target.operator).toBeGreaterThan(index);
              return [target.operator];
            }),
          );
          expect(fed.sort((a, b) => a - b)).toEqual(vertex.operators.map((_, index) => index).slice(1));
          expect(vertex.kind === 'sink' ? vertex.operators.length : 1).toBe(1);
          expect(vertex.inputs.length === 0).toBe(vertex.kind === 'source');
          expect(vertex.operators.slice(1).every((operator) => operator.node.work.kind === 'operator')).toBe(
            true,
          );
        }
      }),
    );
  });

  test('fuses only stateless operators, each at most once, each feeding the next alone', () => {
    fc.assert(
      fc.property(graphs, options, (graph, chosen) => {
        for (const vertex of planJob(graph, chosen).vertices) {
          const seen = new Set<number>();
          for (const run of vertex.fusedRuns) {
            expect(run.length).toBeGreaterThan(1);
            run.forEach((index, position) => {
              expect(seen.has(index)).toBe(false);
              seen.add(index);
              const work = vertex.operators[index]?.node.work;
              expect(work?.kind === 'operator' && work.stateless !== null).toBe(true);
              const next = run[position + 1];
              if (next === undefined) return;
              expect(vertex.operators[index]?.main).toEqual([{ kind: 'chained', operator: next }]);
            });
          }
        }
      }),
    );
  });

  test('has channels on whose numbers both ends agree, and every subtask of a receiver is reached', () => {
    fc.assert(
      fc.property(graphs, options, (graph, chosen) => {
        const plan = planJob(graph, chosen);
        const channels = channelsOf(plan);
        const heard = new Set<string>();
        for (const subtask of [...channels.values()].flat()) {
          for (const { edge, targets } of subtask.outputs) {
            for (const { receiver, channel } of targets) {
              const to = plan.edges[edge]?.to;
              const far = to === undefined ? undefined : channels.get(to)?.[receiver];
              expect(far?.inputs[channel]).toMatchObject({ edge, sender: subtask.subtask });
              heard.add(`${to}/${receiver}/${channel}`);
            }
          }
        }
        const expected = [...channels.values()]
          .flat()
          .flatMap(({ vertex, subtask, inputs }) =>
            inputs.map((_, channel) => `${vertex}/${subtask}/${channel}`),
          );
        expect([...heard].sort()).toEqual(expected.sort());
        for (const vertex of plan.vertices) {
          for (const subtask of channels.get(vertex.id) ?? []) {
            const edges = new Set(subtask.inputs.map((input) => input.edge));
            expect([...edges]).toEqual(vertex.inputs);
          }
        }
      }),
    );
  });
});
