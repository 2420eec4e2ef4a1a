// From a call of the API to a node of the graph.
//
// Owns:    what a method must say about the operator it adds; checks of the functions given to it.
// Not:     the methods (data-stream.ts, keyed-stream.ts, windowed-stream.ts).

import type { KeySelector, NodeId } from '../graph/stream-graph.js';
import type { StreamGraphBuilder, StreamOrigin } from '../graph/stream-graph-builder.js';
import type { Operator } from '../operators/operator.js';
import type { StatelessStep } from '../operators/stateless-step.js';
import type { DataStream } from './data-stream.js';
import { declaredAt } from './declared-at.js';

export interface OperatorDeclaration {
  /** `map`, `window.aggregate`: the default name, and part of a derived uid. */
  readonly operation: string;
  /** Called once per subtask and attempt. */
  readonly create: () => Operator;
  /** Null: without keyed state. */
  readonly key: KeySelector | null;
  readonly stateless: StatelessStep | null;
  /** Null: the operator may emit to any side output. */
  readonly sideTags: readonly string[] | null;
}

/** Adds an operator behind the partitioning by key. */
export type DeriveKeyed = <R>(declaration: OperatorDeclaration) => DataStream<R>;

/** Adds an operator behind the given outputs. */
export function declareOperator(
  graph: StreamGraphBuilder,
  origins: readonly StreamOrigin[],
  declaration: OperatorDeclaration,
): NodeId {
  const { operation, create, key, stateless, sideTags } = declaration;
  const node = graph.addNode({
    operation,
    name: operation,
    work: { kind: 'operator', create, keys: [key], stateless },
    sideTags,
    declaredAt: declaredAt(),
  });
  graph.connect(origins, node);
  return node;
}

/** Notes a problem when a user of JavaScript, or of a cast, has left out a function. */
export function expectFunction(
  graph: StreamGraphBuilder,
  method: string,
  what: string,
  given: unknown,
): void {
  if (typeof given === 'function') return;
  notePlaced(graph, `${method} needs ${what}, got ${given === null ? 'null' : typeof given}`);
}

/** Notes a problem with the line of the user's call. */
export function notePlaced(graph: StreamGraphBuilder, problem: string): void {
  const place = declaredAt();
  graph.problem(place === undefined ? problem : `${problem} (${place})`);
}
