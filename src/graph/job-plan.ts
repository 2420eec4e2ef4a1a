// The plan: vertices (chains), their subtasks, and the channels between them.
//
// Owns:    the shape of the plan; everything that actors are built from.
// Not:     how it is made (plan.ts).
//
// G1. A chain is a tree of operators in topological order; the first one is its head, and only the head has inputs.
// G2. A source heads its chain; a sink is a chain of its own, because it alone may wait for the outside.
// G3. Channels of a subtask are numbered from 0, in the order of edges and, within an edge, of sender subtasks.

import type { VertexId } from '../base/ids.js';
import type { KeySelector, PartitionerSpec, StreamNode } from './stream-graph.js';

/** Where an output of a chained operator goes. */
export type PlanTarget =
  | { readonly kind: 'chained'; readonly operator: number }
  | { readonly kind: 'edge'; readonly edge: number };

export interface PlanOperator {
  /** Identity of state: the declared uid, or one derived from the shape of the graph. */
  readonly uid: string;
  readonly uidDeclared: boolean;
  readonly name: string;
  readonly node: StreamNode;
  readonly main: readonly PlanTarget[];
  readonly sides: ReadonlyMap<string, readonly PlanTarget[]>;
}

export interface PlanVertex {
  readonly id: VertexId;
  /** Names of the chained operators, joined, for people. */
  readonly name: string;
  readonly kind: 'source' | 'operators' | 'sink';
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly maxParallelismDeclared: boolean;
  readonly operators: readonly PlanOperator[];
  /**
   * Lines of two or more `StatelessStep` operators, as indices into `operators`, upstream first. Within a line each one
   * feeds only the next, so the task may run the line as one loop; the outputs of the last one are those of the line.
   */
  readonly fusedRuns: readonly (readonly number[])[];
  /** Indices into `JobPlan.edges`, in order. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** A partitioner with `default` resolved; `key` and `custom` carry their selectors. */
export type PlanPartitioner = Exclude<PartitionerSpec, { readonly kind: 'default' }>;

export interface PlanEdge {
  readonly index: number;
  readonly from: VertexId;
  readonly to: VertexId;
  readonly input: 0 | 1;
  readonly partitioner: PlanPartitioner;
}

/** What the job promises end to end, and why not more. */
export interface GuaranteeReport {
  readonly guarantee: 'exactlyOnce' | 'atLeastOnce' | 'atMostOnce';
  readonly reasons: readonly string[];
}

export interface JobPlan {
  readonly job: string;
  readonly vertices: readonly PlanVertex[];
  readonly edges: readonly PlanEdge[];
}

export type { KeySelector };
