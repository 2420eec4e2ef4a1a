// How many subtasks each operator gets, and into how many key groups its state is cut.
//
// Owns:    which of the settings wins: the operator's, the job's, the run's.
// Not:     whether they make sense (check-graph.ts).
//
// P1. The nearer setting wins: operator, then job (env.setParallelism), then run. As in Flink, what the job's author
//     wrote into the job stands above what the person who starts it asks for.
// P2. A connector's limit lowers what nobody asked for in particular; a declared parallelism above it is a mistake.

import { defaultMaxParallelism } from '../state/key-groups.js';
import { connectorLimit, type StreamGraph, type StreamNode } from './stream-graph.js';

export interface PlanOptions {
  /** Subtasks of every operator that does not say otherwise, unless the job sets its own. */
  readonly parallelism: number;
  /** Key groups; default: from the parallelism of each operator (semantics 1.39). */
  readonly maxParallelism?: number | undefined;
  /** False: every operator becomes a vertex of its own. For debugging and tests; results are the same. */
  readonly chaining: boolean;
}

export interface NodeParallelism {
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** False: the default rule gave the number, and a restored checkpoint may bring its own (semantics 4.17). */
  readonly maxParallelismDeclared: boolean;
}

export function parallelismOf(node: StreamNode, graph: StreamGraph, options: PlanOptions): NodeParallelism {
  const asked = graph.parallelism ?? options.parallelism;
  const parallelism = node.parallelism ?? Math.min(asked, connectorLimit(node) ?? asked);
  const declared = node.maxParallelism ?? graph.maxParallelism ?? options.maxParallelism;
  return {
    parallelism,
    maxParallelism: declared ?? defaultMaxParallelism(parallelism),
    maxParallelismDeclared: declared !== undefined,
  };
}
