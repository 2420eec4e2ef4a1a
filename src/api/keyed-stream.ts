// A stream split by key: rolling aggregates, functions with state and timers, windows.
//
// Owns:    the public methods of a keyed stream.
// Not:     what the operators do (src/operators), settings of windows (windowed-stream.ts).
//
// K1. Every operator derived here keeps its state per key: the values of one key meet in one subtask.

import type { StreamGraphBuilder } from '../graph/stream-graph-builder.js';
import { problemOfDefinition } from '../operators/function-instance.js';
import { type KeyedProcessDefinition, keyedProcessOperator } from '../operators/keyed-process-operator.js';
import type { Operator } from '../operators/operator.js';
import type { DataStream } from './data-stream.js';
import { notePlaced, type OperatorDeclaration } from './operator-declaration.js';

/** Adds an operator behind the partitioning by key. */
export type DeriveKeyed = <R>(declaration: OperatorDeclaration) => DataStream<R>;

export class KeyedStream<T, K> {
  readonly #graph: StreamGraphBuilder;
  readonly #key: (value: T) => K;
  readonly #derive: DeriveKeyed;

  /** @internal Keyed streams come from keyBy. */
  constructor(graph: StreamGraphBuilder, key: (value: T) => K, derive: DeriveKeyed) {
    this.#graph = graph;
    this.#key = key;
    this.#derive = derive;
  }

  /**
   * The lowest level: a function with state and timers per key. Give the class, `process(Dedup)`, a factory,
   * `process(() => new Dedup(5))`, or an object with `onElement`. A generator method that yields its results is suspended while
   * there is no room downstream, and tells the type of the result.
   */
  process<R>(definition: KeyedProcessDefinition<K, T, R>): DataStream<R> {
    const problem = problemOfDefinition(definition);
    if (problem !== null) notePlaced(this.#graph, `process() cannot use its function: ${problem}`);
    return this.#keyed('keyedProcess', () => keyedProcessOperator({ key: this.#key, fn: definition }), null);
  }

  #keyed<R>(
    operation: string,
    create: () => Operator,
    sideTags: readonly string[] | null = [],
  ): DataStream<R> {
    return this.#derive<R>({ operation, create, key: this.#key, stateless: null, sideTags });
  }
}
