// A stream split by key: rolling aggregates, functions with state and timers, windows.
//
// Owns:    the public methods of a keyed stream.
// Not:     what the operators do (src/operators), settings of windows (windowed-stream.ts).
//
// K1. Every operator derived here keeps its state per key: the values of one key meet in one subtask.

import type { KeySelector } from '../graph/stream-graph.js';
import type { StreamGraphBuilder } from '../graph/stream-graph-builder.js';
import { problemOfDefinition } from '../operators/function-instance.js';
import { keyedProcessOperator } from '../operators/keyed-process-operator.js';
import type { Operator } from '../operators/operator.js';
import { reduceOperator } from '../operators/reduce-operator.js';
import { type RollingAggregate, rollingOperator } from '../operators/rolling-aggregates.js';
import type { WindowAssigner } from '../operators/windows/window-assigners.js';
import type { DataStream } from './data-stream.js';
import { describesJobs } from './declared-at.js';
import { type DeriveKeyed, expectFunction, notePlaced } from './operator-declaration.js';
import type { KeyedProcess } from './process-definition.js';
import { WindowedStream } from './windowed-stream.js';

/** Names of the fields of `T` that always hold a `V`. */
export type FieldOf<T, V> = { readonly [Field in keyof T]-?: T[Field] extends V ? Field : never }[keyof T];

/** What sum can add, and what min and max can compare. */
export type Addable = number | bigint;
export type Comparable = number | bigint | string | Date;

/** The field to look at; none when the values themselves are numbers, or comparable. */
export type Field<T, V> = T extends V ? readonly [] : readonly [field: FieldOf<T, V>];

export interface TieOptions {
  /** Which value wins among equals: the first one (default), or the latest. */
  readonly first?: boolean;
}

export class KeyedStream<T, K> {
  readonly #graph: StreamGraphBuilder;
  /** Held without its types, so that a stream of a narrower type fits where a wider one is asked for. */
  readonly #key: KeySelector;
  readonly #derive: DeriveKeyed;

  /** @internal Keyed streams come from keyBy. */
  constructor(graph: StreamGraphBuilder, key: (value: T) => K, derive: DeriveKeyed) {
    this.#graph = graph;
    this.#key = key;
    this.#derive = derive;
  }

  /**
   * The lowest level: a function with state and timers per key. Give the class, `process(Dedup)`, a factory,
   * `process(() => new Dedup(5))`, or an object with `onElement`. The type of the results is that of what a generator yields, or
   * of the context of a class; a plain `onElement` says it: `onElement(value, context: KeyedContext<Key, Result>)`. A generator
   * is suspended at each yield while there is no room downstream.
   */
  process<R = never, Y = never>(definition: KeyedProcess<K, T, R, Y>): DataStream<R | Y> {
    const problem = problemOfDefinition(definition);
    if (problem !== null) notePlaced(this.#graph, `process() cannot use its function: ${problem}`);
    return this.#keyed(
      'keyedProcess',
      () => keyedProcessOperator<K, T, R | Y>({ key: typed(this.#key), fn: definition }),
      null,
    );
  }

  /** Combines each value with what the key has so far. The first value of a key is the first result. Return a new value. */
  reduce(reduce: (combined: T, value: T) => T): DataStream<T> {
    expectFunction(this.#graph, 'reduce()', 'a function that combines two values', reduce);
    return this.#keyed('reduce', () => reduceOperator<T>({ key: typed(this.#key), reduce }));
  }

  /** The running sum of a field; the other fields stay those of the first value of the key. */
  sum(...[field]: Field<T, Addable>): DataStream<T> {
    return this.#rolling({ kind: 'sum', field: field ?? null });
  }

  /** The running minimum of a field; the other fields stay those of the first value of the key: see `minBy`. */
  min(...[field]: Field<T, Comparable>): DataStream<T> {
    return this.#rolling({ kind: 'min', field: field ?? null });
  }

  /** The running maximum of a field; the other fields stay those of the first value of the key: see `maxBy`. */
  max(...[field]: Field<T, Comparable>): DataStream<T> {
    return this.#rolling({ kind: 'max', field: field ?? null });
  }

  /** The whole value with the lowest field so far. */
  minBy(field: FieldOf<T, Comparable>, options: TieOptions = {}): DataStream<T> {
    return this.#rolling({ kind: 'minBy', field, first: options.first ?? true });
  }

  /** The whole value with the highest field so far. */
  maxBy(field: FieldOf<T, Comparable>, options: TieOptions = {}): DataStream<T> {
    return this.#rolling({ kind: 'maxBy', field, first: options.first ?? true });
  }

  /** Cuts the stream into windows of event time: `tumbling(minutes(1))`, `sliding(...)`, `session(...)`. */
  window(assigner: WindowAssigner<T>): WindowedStream<T, K> {
    if (
      typeof assigner !== 'object' ||
      assigner === null ||
      !['aligned', 'session'].includes(assigner.kind)
    ) {
      notePlaced(this.#graph, 'window() needs windows such as tumbling(minutes(1))');
    }
    const settings = { assigner, allowedLatenessMs: 0, lateTag: null };
    return new WindowedStream<T, K>({ graph: this.#graph, key: this.#key, derive: this.#derive, settings });
  }

  #rolling(aggregate: RollingAggregate): DataStream<T> {
    return this.#keyed(aggregate.kind, () => rollingOperator<T>({ key: typed(this.#key), aggregate }));
  }

  #keyed<R>(
    operation: string,
    create: () => Operator,
    sideTags: readonly string[] | null = [],
  ): DataStream<R> {
    return this.#derive<R>({ operation, create, key: this.#key, stateless: null, sideTags });
  }
}

describesJobs(KeyedStream);

function typed<T, K>(key: KeySelector): (value: T) => K {
  return key as (value: T) => K;
}
