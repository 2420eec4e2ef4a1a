// Where a job begins: sources, and settings for all its operators.
//
// Owns:    env.from and the job's defaults.
// Not:     what streams can do (data-stream.ts).

import { arraySource } from '../connectors/array-source.js';
import type { StreamGraphBuilder } from '../graph/stream-graph-builder.js';
import type { OnError } from '../operators/poison.js';
import type { WatermarkStrategy } from '../operators/watermark-strategy.js';
import { DataStream } from './data-stream.js';
import { declaredAt, describesJobs } from './declared-at.js';
import { applyOptions, type NodeOptions } from './node-options.js';
import { type StreamInput, sourceOf } from './stream-input.js';

export interface FromOptions<T> extends NodeOptions {
  /** Watermarks made in the source, per split: better than mid-stream when splits are read at different speeds. */
  readonly watermarks?: WatermarkStrategy<T>;
  /** What becomes of what the source cannot make a record of, or cannot give a timestamp; as `stream.onError` behind it. */
  readonly onError?: OnError;
}

export class StreamEnvironment {
  readonly #graph: StreamGraphBuilder;

  /** @internal */
  constructor(graph: StreamGraphBuilder) {
    this.#graph = graph;
  }

  /** Begins a stream. The job ends when all its sources have ended. */
  from<T>(input: StreamInput<T>, options: FromOptions<NoInfer<T>> = {}): DataStream<T> {
    const place = declaredAt();
    const found = sourceOf(input);
    if (found === null) {
      this.#graph.problem(
        `env.from() got ${describeInput(input)}; give it a source, an array, an iterable, an async iterable or a ReadableStream${place === undefined ? '' : ` (${place})`}`,
      );
    }
    const source = found ?? arraySource<T>([]);
    const node = this.#graph.addNode({
      operation: 'source',
      name: source.name,
      work: { kind: 'source', source, watermarks: options.watermarks ?? null },
      sideTags: [],
      declaredAt: place,
    });
    applyOptions(this.#graph, node, options);
    const stream = new DataStream<T>(this.#graph, [
      { from: node, sideTag: null, partitioner: { kind: 'default' } },
    ]);
    return options.onError === undefined ? stream : stream.onError(options.onError);
  }

  /** Subtasks of every operator that does not set its own. Stands above what the run asks for. */
  setParallelism(parallelism: number): this {
    this.#graph.setParallelism(parallelism);
    return this;
  }

  /** Key groups of every operator that does not set its own: the upper bound for any later parallelism. */
  setMaxParallelism(maxParallelism: number): this {
    this.#graph.setMaxParallelism(maxParallelism);
    return this;
  }
}

describesJobs(StreamEnvironment);

function describeInput(input: unknown): string {
  if (typeof input === 'string') return 'a string';
  if (typeof input === 'function') return 'a function';
  if (input instanceof Promise) return 'a promise';
  return input === null ? 'null' : `a value of type ${typeof input}`;
}
