// The graph that a job description builds: nodes (source, operator, sink) and edges.
//
// Owns:    the shape of the description, before any decision about chains or subtasks.
// Not:     checking it (check-graph.ts), planning it (plan.ts), building it (src/api).

import type { Operator } from '../operators/operator.js';
import type { OnError } from '../operators/poison.js';
import type { Sink } from '../operators/sink.js';
import type { Source } from '../operators/source.js';
import type { StatelessStep } from '../operators/stateless-step.js';
import type { WatermarkStrategy } from '../operators/watermark-strategy.js';

export type NodeId = number & { readonly brand: 'NodeId' };

export type KeySelector = (value: never) => unknown;

export type NodeWork =
  | {
      readonly kind: 'source';
      readonly source: Source<unknown>;
      readonly watermarks: WatermarkStrategy<never> | null;
    }
  | {
      readonly kind: 'operator';
      /** Called once per subtask and attempt. */
      readonly create: () => Operator;
      /** One per input; null for an operator without keyed state. */
      readonly keys: readonly (KeySelector | null)[];
      /** Pure per-record function that the planner may fuse with its neighbours. */
      readonly stateless: StatelessStep | null;
    }
  | { readonly kind: 'sink'; readonly sink: Sink<never> };

export type { StatelessStep };

export interface StreamNode {
  readonly id: NodeId;
  /** What it does, whatever its name: `source`, `map`, `window.aggregate`, `sink`. Part of a derived uid, so it never changes. */
  readonly operation: string;
  readonly name: string;
  readonly uid: string | null;
  readonly work: NodeWork;
  /** Null: the job's. */
  readonly parallelism: number | null;
  readonly maxParallelism: number | null;
  /** `head`: may start a chain but not continue one; `never`: neither. */
  readonly chaining: 'always' | 'head' | 'never';
  /** Tags that the operator may emit to; null when it does not say. */
  readonly sideTags: readonly string[] | null;
  /** What becomes of records that make its functions throw. */
  readonly onError: OnError;
  readonly declaredAt: string | undefined;
}

export type PartitionerSpec =
  /** Forward at equal parallelism, else rebalance (semantics 1.32). */
  | { readonly kind: 'default' }
  | { readonly kind: 'forward' }
  | { readonly kind: 'rebalance' }
  | { readonly kind: 'rescale' }
  | { readonly kind: 'shuffle' }
  | { readonly kind: 'broadcast' }
  | { readonly kind: 'global' }
  | { readonly kind: 'key'; readonly selector: KeySelector }
  | {
      readonly kind: 'custom';
      readonly partition: (key: never, channels: number) => number;
      readonly selector: KeySelector;
    };

export interface StreamEdge {
  readonly from: NodeId;
  readonly to: NodeId;
  /** Which input of `to`: 0, or 1 for a two-input operator. */
  readonly input: 0 | 1;
  readonly partitioner: PartitionerSpec;
  /** Null: the main output. */
  readonly sideTag: string | null;
}

export interface StreamGraph {
  readonly job: string;
  readonly nodes: readonly StreamNode[];
  readonly edges: readonly StreamEdge[];
  /** Set by the job itself; null: what the run asks for. */
  readonly parallelism: number | null;
  readonly maxParallelism: number | null;
  /** Wrong uses of the API that were noticed while the graph was described; check-graph.ts reports them with its own. */
  readonly problems: readonly string[];
}

/** How many subtasks the connector of a node can use; null: any number. */
export function connectorLimit(node: StreamNode): number | null {
  if (node.work.kind === 'source') return node.work.source.parallelismMax ?? null;
  if (node.work.kind === 'sink') return node.work.sink.parallelismMax ?? null;
  return null;
}

/** A node in an error message: its operation, name, uid, and the line of the user's code that declared it. */
export function showNode(node: StreamNode): string {
  const operation = node.operation === node.name ? '' : `${node.operation} `;
  const uid = node.uid === null ? 'no uid' : `uid "${node.uid}"`;
  const declared = node.declaredAt === undefined ? '' : `, declared ${node.declaredAt}`;
  return `${operation}"${node.name}" (${uid}${declared})`;
}
