// Which operators run together in one task.
//
// Owns:    the rule for chaining (semantics 1.26), the chains of a graph, and the lines in them that can be fused.
// Not:     vertices, edges and channels made of them (plan.ts).
//
// C1. Chaining changes speed only: every edge is either inside a chain or between two, exactly once.
// C2. An operator with several inputs begins a chain: merging watermarks and barriers is the work of a task's inbox.

import { present } from '../base/assert.js';
import type { NodeParallelism } from './parallelism.js';
import type { NodeId, StreamGraph, StreamNode } from './stream-graph.js';
import type { Topology } from './topology.js';

export interface Chain {
  /** The head first, every other one behind the operator that feeds it. */
  readonly nodes: readonly StreamNode[];
}

export interface Chains {
  /** In topological order of their heads. */
  readonly chains: readonly Chain[];
  /** Edges inside chains, as indices into `graph.edges`. */
  readonly inside: ReadonlySet<number>;
}

export function chainsOf(
  graph: StreamGraph,
  topology: Topology,
  sizes: ReadonlyMap<NodeId, NodeParallelism>,
  chaining: boolean,
): Chains {
  const inside = new Set<number>();
  // A chain has one number of key groups: that of its head, until a member that insists on another ends it.
  const sizeOfChain = new Map<NodeId, NodeParallelism>();
  for (const node of topology.order) {
    const own = present(sizes.get(node.id), 'parallelism of every node');
    const edge = topology.inputs.get(node.id)?.[0];
    const before = edge === undefined ? undefined : sizeOfChain.get(present(graph.edges[edge], 'edge').from);
    if (
      chaining &&
      edge !== undefined &&
      before !== undefined &&
      continuesChain(edge, node, graph, topology, before, own)
    ) {
      inside.add(edge);
      sizeOfChain.set(node.id, before);
    } else {
      sizeOfChain.set(node.id, own);
    }
  }
  const heads = topology.order.filter(
    (node) => !(topology.inputs.get(node.id) ?? []).some((edge) => inside.has(edge)),
  );
  return { chains: heads.map((head) => ({ nodes: membersOf(head, graph, topology, inside) })), inside };
}

function continuesChain(
  edgeIndex: number,
  node: StreamNode,
  graph: StreamGraph,
  topology: Topology,
  chain: NodeParallelism,
  own: NodeParallelism,
): boolean {
  const edge = present(graph.edges[edgeIndex], 'edge');
  const before = present(
    graph.nodes.find((candidate) => candidate.id === edge.from),
    'sender of an edge',
  );
  return (
    topology.inputs.get(node.id)?.length === 1 &&
    (edge.partitioner.kind === 'default' || edge.partitioner.kind === 'forward') &&
    chain.parallelism === own.parallelism &&
    (!own.maxParallelismDeclared || chain.maxParallelism === own.maxParallelism) &&
    node.work.kind !== 'sink' &&
    node.chaining === 'always' &&
    before.chaining !== 'never'
  );
}

// Depth first, so that a line of operators stays together.
function membersOf(
  head: StreamNode,
  graph: StreamGraph,
  topology: Topology,
  inside: ReadonlySet<number>,
): readonly StreamNode[] {
  const members: StreamNode[] = [];
  const pending = [head];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    members.push(node);
    const next = (topology.outputs.get(node.id) ?? []).filter((edge) => inside.has(edge));
    for (const edge of next.reverse()) {
      const to = present(graph.edges[edge], 'edge').to;
      pending.push(
        present(
          graph.nodes.find((candidate) => candidate.id === to),
          'receiver of an edge',
        ),
      );
    }
  }
  return members;
}
