// A keyed stream cut into windows of event time, on the way to its results.
//
// Owns:    the settings of windows, and what is made of their contents.
// Not:     assigning and firing (src/operators/windows).
//
// W1. Settings answer a new WindowedStream: one that was handed out does not change.

import { messageOf } from '../base/errors.js';
import type { KeySelector } from '../graph/stream-graph.js';
import type { StreamGraphBuilder } from '../graph/stream-graph-builder.js';
import type { Operator } from '../operators/operator.js';
import type { OutputTag } from '../operators/side-output.js';
import type { WindowAssigner } from '../operators/windows/window-assigners.js';
import type { WindowContents, WindowFunction } from '../operators/windows/window-contents.js';
import { type WindowOperatorOptions, windowOperator } from '../operators/windows/window-operator.js';
import type { AggregateFunction } from '../state/descriptors.js';
import type { DataStream } from './data-stream.js';
import { describesJobs } from './declared-at.js';
import { type DeriveKeyed, expectFunction, notePlaced } from './operator-declaration.js';
import type { WindowProcessing } from './process-definition.js';

/** What the settings have come to. Held without the types of the stream, as its key is, so that narrower streams fit wider ones. */
interface WindowSettings {
  readonly assigner: WindowAssigner<never>;
  readonly allowedLatenessMs: number;
  readonly lateTag: OutputTag<unknown> | null;
}

export interface WindowParts {
  readonly graph: StreamGraphBuilder;
  readonly key: KeySelector;
  readonly derive: DeriveKeyed;
  readonly settings: WindowSettings;
}

export class WindowedStream<T, K> {
  readonly #parts: WindowParts;

  /** @internal Windowed streams come from `window`. */
  constructor(parts: WindowParts) {
    this.#parts = parts;
  }

  /** Windows stay this long after their end; each late value fires its window again, with all contents. Default 0. */
  allowedLateness(latenessMs: number): WindowedStream<T, K> {
    return this.#with({ allowedLatenessMs: latenessMs });
  }

  /** Values too late for all their windows go to this side output of the result, instead of being dropped and counted. */
  sideOutputLateData(tag: OutputTag<T>): WindowedStream<T, K> {
    return this.#with({ lateTag: tag });
  }

  /**
   * Folds each window as its values come, so that one accumulator per key and window is all that is kept. The window function
   * makes the result, which carries the last timestamp of the window; without it, the fold's own result leaves.
   */
  aggregate<A, R, O = R>(
    aggregate: AggregateFunction<T, A, R>,
    windowFunction?: WindowFunction<K, R, O>,
  ): DataStream<O> {
    if (typeof aggregate !== 'object' || aggregate === null || typeof aggregate.add !== 'function') {
      notePlaced(
        this.#parts.graph,
        'aggregate() needs an aggregate function, such as count() or sum((value) => value.amount)',
      );
    }
    return declareWindows(this.#parts, 'window.aggregate', {
      kind: 'aggregate',
      aggregate,
      windowFunction: this.#optional('aggregate()', windowFunction),
    });
  }

  /** Combines the values of each window two by two; keeps one combination per key and window. */
  reduce<O = T>(
    reduce: (combined: T, value: T) => T,
    windowFunction?: WindowFunction<K, T, O>,
  ): DataStream<O> {
    expectFunction(this.#parts.graph, 'reduce()', 'a function that combines two values', reduce);
    return declareWindows(this.#parts, 'window.reduce', {
      kind: 'reduce',
      reduce,
      windowFunction: this.#optional('reduce()', windowFunction),
    });
  }

  /**
   * Keeps all values of each window and hands them over when it fires. The type of the results is that of what a generator
   * function yields; a plain function annotates its context: `(key, window, elements, context: ProcessContext<Result>)`. Costs memory for every value: prefer `aggregate` where it will do.
   */
  process<R = never, Y = never>(process: WindowProcessing<K, T, R, Y>): DataStream<R | Y> {
    expectFunction(this.#parts.graph, 'process()', 'a function of key, window and elements', process);
    const contents: WindowContents<K, T, never, never, R | Y> = { kind: 'process', process };
    return declareWindows(this.#parts, 'window.process', contents);
  }

  #with(changed: Partial<WindowSettings>): WindowedStream<T, K> {
    const { settings } = this.#parts;
    return new WindowedStream({ ...this.#parts, settings: { ...settings, ...changed } });
  }

  #optional<F>(method: string, windowFunction: F | undefined): F | null {
    if (windowFunction === undefined) return null;
    expectFunction(
      this.#parts.graph,
      method,
      'a window function of key, window and result, or none',
      windowFunction,
    );
    return windowFunction;
  }
}

describesJobs(WindowedStream);

function declareWindows<K, T, A, R, O>(
  parts: WindowParts,
  operation: string,
  contents: WindowContents<K, T, A, R, O>,
): DataStream<O> {
  const { assigner, allowedLatenessMs, lateTag } = parts.settings;
  const options: WindowOperatorOptions<K, T, A, R, O> = {
    key: parts.key as (value: T) => K,
    assigner: assigner as WindowAssigner<T>,
    contents,
    allowedLatenessMs,
    lateTag: lateTag as OutputTag<T> | null,
  };
  const create = (): Operator => windowOperator(options);
  tryOut(parts.graph, create);
  // A window function with a context sends to whichever side outputs it likes.
  const lateTags = lateTag === null ? [] : [lateTag.name];
  const sideTags = contents.kind === 'process' ? null : lateTags;
  return parts.derive<O>({ operation, create, key: parts.key, stateless: null, sideTags });
}

// The operator itself knows which contents its windows cannot take; better now than in every subtask.
function tryOut(graph: StreamGraphBuilder, create: () => Operator): void {
  try {
    create();
  } catch (error) {
    notePlaced(graph, `the window cannot be built: ${messageOf(error)}`);
  }
}
