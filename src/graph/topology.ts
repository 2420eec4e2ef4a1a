// Who feeds whom: adjacency and topological order of a graph.
//
// Owns:    look-ups over edges.
// Not:     what nodes and edges mean.
//
// T1. The order depends on the graph alone: among nodes that are ready, the one declared first comes first.

import type { NodeId, StreamEdge, StreamGraph, StreamNode } from './stream-graph.js';

export interface Topology {
  /** Edges by receiver and by sender, as indices into `graph.edges`, in the order of declaration. */
  readonly inputs: ReadonlyMap<NodeId, readonly number[]>;
  readonly outputs: ReadonlyMap<NodeId, readonly number[]>;
  /** Upstream first. Nodes on a cycle, and those behind one, are missing. */
  readonly order: readonly StreamNode[];
}

export function topologyOf(graph: StreamGraph): Topology {
  const inputs = edgesBy(graph, (edge) => edge.to);
  const outputs = edgesBy(graph, (edge) => edge.from);
  return { inputs, outputs, order: orderOf(graph, inputs, outputs) };
}

function edgesBy(graph: StreamGraph, end: (edge: StreamEdge) => NodeId): Map<NodeId, number[]> {
  const byNode = new Map<NodeId, number[]>(graph.nodes.map((node) => [node.id, []]));
  graph.edges.forEach((edge, index) => {
    byNode.get(end(edge))?.push(index);
  });
  return byNode;
}

function orderOf(
  graph: StreamGraph,
  inputs: ReadonlyMap<NodeId, readonly number[]>,
  outputs: ReadonlyMap<NodeId, readonly number[]>,
): StreamNode[] {
  const missing = new Map(graph.nodes.map((node) => [node.id, inputs.get(node.id)?.length ?? 0]));
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const ready = graph.nodes.filter((node) => missing.get(node.id) === 0);
  const order: StreamNode[] = [];
  for (let node = ready.shift(); node !== undefined; node = ready.shift()) {
    order.push(node);
    for (const index of outputs.get(node.id) ?? []) {
      const receiver = nodes.get(graph.edges[index]?.to ?? node.id);
      if (receiver === undefined) continue;
      const rest = (missing.get(receiver.id) ?? 0) - 1;
      missing.set(receiver.id, rest);
      if (rest === 0) insertByDeclaration(ready, receiver);
    }
  }
  return order;
}

function insertByDeclaration(ready: StreamNode[], node: StreamNode): void {
  const position = ready.findIndex((other) => other.id > node.id);
  ready.splice(position < 0 ? ready.length : position, 0, node);
}
