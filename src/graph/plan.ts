// From the description of a job to its plan: chains, their subtasks, and the edges between them.
//
// Owns:    putting together what check-graph, parallelism, derive-uid and chains have decided.
// Not:     the channels of single subtasks (channels.ts), actors.
//
// J1. The plan depends on the graph and the options alone: every process that plans the same job gets the same plan.
// J2. Every edge of the graph is in the plan exactly once, as a chained target or as an edge between vertices.

import { present } from '../base/assert.js';
import { JobDefinitionError } from '../base/errors.js';
import { type VertexId, vertexId } from '../base/ids.js';
import { type Chain, type Chains, chainsOf } from './chains.js';
import { checkGraph } from './check-graph.js';
import { slug, uidsOf } from './derive-uid.js';
import type { JobPlan, PlanEdge, PlanOperator, PlanPartitioner, PlanTarget, PlanVertex } from './job-plan.js';
import { type NodeParallelism, type PlanOptions, parallelismOf } from './parallelism.js';
import type { NodeId, PartitionerSpec, StreamGraph, StreamNode } from './stream-graph.js';
import { type Topology, topologyOf } from './topology.js';

export type { PlanOptions } from './parallelism.js';

/** What every step of planning looks at. */
interface Planning {
  readonly graph: StreamGraph;
  readonly topology: Topology;
  readonly sizes: ReadonlyMap<NodeId, NodeParallelism>;
  readonly uids: ReadonlyMap<NodeId, string>;
  readonly names: ReadonlyMap<NodeId, string>;
  readonly chains: Chains;
  /** Position of each node's chain in the plan, and of the node in its chain. */
  readonly places: ReadonlyMap<NodeId, { readonly vertex: number; readonly operator: number }>;
  /** Index in `JobPlan.edges` of each graph edge that is not inside a chain. */
  readonly planEdges: ReadonlyMap<number, number>;
  readonly vertexIds: readonly VertexId[];
}

/** Plans a job. Throws JobDefinitionError with all problems of the graph and the options. */
export function planJob(graph: StreamGraph, options: PlanOptions): JobPlan {
  const problems = checkGraph(graph, options);
  if (problems.length > 0) throw new JobDefinitionError(graph.job, problems);
  const planning = preparePlanning(graph, options);
  const edges = planEdges(planning);
  return {
    job: graph.job,
    vertices: planning.chains.chains.map((chain, index) => planVertex(chain, index, edges, planning)),
    edges,
  };
}

function preparePlanning(graph: StreamGraph, options: PlanOptions): Planning {
  const topology = topologyOf(graph);
  const sizes = new Map(graph.nodes.map((node) => [node.id, parallelismOf(node, graph, options)]));
  const chains = chainsOf(graph, topology, sizes, options.chaining);
  const names = uniqueNames(graph);
  const between = graph.edges.map((_, index) => index).filter((index) => !chains.inside.has(index));
  return {
    graph,
    topology,
    sizes,
    uids: uidsOf(graph),
    names,
    chains,
    places: new Map(
      chains.chains.flatMap((chain, vertex) =>
        chain.nodes.map((node, operator) => [node.id, { vertex, operator }]),
      ),
    ),
    planEdges: new Map(between.map((graphEdge, index) => [graphEdge, index])),
    vertexIds: chains.chains.map((chain, index) =>
      vertexId(`${index}-${slug(present(names.get(headOf(chain).id), 'name of every node'))}`),
    ),
  };
}

// Metrics, logs and errors name an operator by its name alone, so the second "map" becomes "map 2".
function uniqueNames(graph: StreamGraph): Map<NodeId, string> {
  const taken = new Set<string>();
  const names = new Map<NodeId, string>();
  for (const node of graph.nodes) {
    let name = node.name;
    for (let ordinal = 2; taken.has(name); ordinal += 1) name = `${node.name} ${ordinal}`;
    taken.add(name);
    names.set(node.id, name);
  }
  return names;
}

function planEdges(planning: Planning): readonly PlanEdge[] {
  return [...planning.planEdges].map(([graphEdge, index]) => {
    const edge = present(planning.graph.edges[graphEdge], 'edge');
    return {
      index,
      from: vertexOf(edge.from, planning),
      to: vertexOf(edge.to, planning),
      input: edge.input,
      partitioner: resolve(edge.partitioner, sizeOf(edge.from, planning), sizeOf(edge.to, planning)),
    };
  });
}

function resolve(spec: PartitionerSpec, from: NodeParallelism, to: NodeParallelism): PlanPartitioner {
  if (spec.kind !== 'default') return spec;
  return { kind: from.parallelism === to.parallelism ? 'forward' : 'rebalance' };
}

function planVertex(chain: Chain, index: number, edges: readonly PlanEdge[], planning: Planning): PlanVertex {
  const head = headOf(chain);
  const size = chainSize(chain, planning);
  const id = present(planning.vertexIds[index], 'id of every vertex');
  const operators = chain.nodes.map((node) => planOperator(node, planning));
  return {
    id,
    name: operators.map((operator) => operator.name).join(' -> '),
    kind: head.work.kind === 'operator' ? 'operators' : head.work.kind,
    ...size,
    operators,
    fusedRuns: fusedRunsOf(operators),
    inputs: edges.filter((edge) => edge.to === id).map((edge) => edge.index),
    outputs: edges.filter((edge) => edge.from === id).map((edge) => edge.index),
  };
}

// Members either agree with the head or do not care; one that declares makes the number of the chain a declared one.
function chainSize(chain: Chain, planning: Planning): NodeParallelism {
  const head = sizeOf(headOf(chain).id, planning);
  const declared = chain.nodes.some((node) => sizeOf(node.id, planning).maxParallelismDeclared);
  return { ...head, maxParallelismDeclared: declared };
}

function planOperator(node: StreamNode, planning: Planning): PlanOperator {
  const main: PlanTarget[] = [];
  const sides = new Map<string, PlanTarget[]>();
  for (const graphEdge of planning.topology.outputs.get(node.id) ?? []) {
    const edge = present(planning.graph.edges[graphEdge], 'edge');
    const target = targetOf(graphEdge, edge.to, planning);
    if (edge.sideTag === null) main.push(target);
    else sides.set(edge.sideTag, [...(sides.get(edge.sideTag) ?? []), target]);
  }
  return {
    uid: present(planning.uids.get(node.id), 'uid of every node'),
    uidDeclared: node.uid !== null,
    name: present(planning.names.get(node.id), 'name of every node'),
    node,
    main,
    sides,
  };
}

function targetOf(graphEdge: number, to: NodeId, planning: Planning): PlanTarget {
  const edge = planning.planEdges.get(graphEdge);
  if (edge !== undefined) return { kind: 'edge', edge };
  return { kind: 'chained', operator: present(planning.places.get(to), 'place of every node').operator };
}

// A run ends where records go two ways, where a side output is read, and before an operator with state or an error policy.
function fusedRunsOf(operators: readonly PlanOperator[]): readonly (readonly number[])[] {
  const runs: number[][] = [];
  const visited = new Set<number>();
  operators.forEach((_, start) => {
    if (visited.has(start)) return;
    const run: number[] = [];
    for (let at: number | null = start; at !== null; at = nextInRun(operators, at)) {
      if (!isStateless(operators[at])) break;
      run.push(at);
      visited.add(at);
    }
    if (run.length > 1) runs.push(run);
  });
  return runs;
}

function nextInRun(operators: readonly PlanOperator[], at: number): number | null {
  const operator = operators[at];
  const target = operator?.main[0];
  if (operator === undefined || operator.main.length !== 1 || operator.sides.size > 0) return null;
  return target?.kind === 'chained' ? target.operator : null;
}

function isStateless(operator: PlanOperator | undefined): boolean {
  if (operator?.node.work.kind !== 'operator' || operator.node.onError !== 'fail') return false;
  return operator.node.work.stateless !== null;
}

function headOf(chain: Chain): StreamNode {
  return present(chain.nodes[0], 'a chain has a head');
}

function sizeOf(node: NodeId, planning: Planning): NodeParallelism {
  return present(planning.sizes.get(node), 'parallelism of every node');
}

function vertexOf(node: NodeId, planning: Planning): VertexId {
  const place = present(planning.places.get(node), 'place of every node');
  return present(planning.vertexIds[place.vertex], 'id of every vertex');
}
