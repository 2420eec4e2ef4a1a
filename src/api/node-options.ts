// Settings of a source or sink, given where it is declared.

import type { NodeId } from '../graph/stream-graph.js';
import type { StreamGraphBuilder } from '../graph/stream-graph-builder.js';

export interface NodeOptions {
  /**
   * Identity over restarts and changes of the job: positions, transactions and state are found by it. Unique in the job.
   * Default: derived from the shape of the graph, which changes when what is upstream of it changes.
   */
  readonly uid?: string;
  /** For people: logs, metrics, errors. Default: the connector's name. */
  readonly name?: string;
  /** Subtasks. Default: the job's, at most what the connector can use. */
  readonly parallelism?: number;
}

export function applyOptions(graph: StreamGraphBuilder, node: NodeId, options: NodeOptions): void {
  const { uid, name, parallelism } = options;
  graph.change(node, {
    ...(uid === undefined ? {} : { uid }),
    ...(name === undefined ? {} : { name }),
    ...(parallelism === undefined ? {} : { parallelism }),
  });
}
