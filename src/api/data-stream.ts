// A stream of values: what can be derived from it, and where it can go.
//
// Owns:    the public methods of a stream without key; each adds a node or an edge to the graph, nothing runs.
// Not:     what the operators do (src/operators), checks of the whole graph (src/graph/check-graph.ts).
//
// S1. A stream is a list of outputs of nodes; deriving from it connects them all to the new node.
// S2. Settings (`uid`, `name`, parallelism, chaining) belong to the operator that stands directly before them.
// S3. A DataStream is never changed by deriving from it: any number of streams may be derived from one.

import { JobDefinitionError } from '../base/errors.js';
import { collectSink } from '../connectors/collect-sink.js';
import { printSink } from '../connectors/print-sink.js';
import type { PartitionerSpec } from '../graph/stream-graph.js';
import type { NodeSettings, StreamGraphBuilder, StreamOrigin } from '../graph/stream-graph-builder.js';
import { flatMapOperator } from '../operators/flat-map-operator.js';
import { problemOfDefinition } from '../operators/function-instance.js';
import { filterOperator, mapOperator } from '../operators/fuse.js';
import { type OnError, problemOfPolicy } from '../operators/poison.js';
import { processOperator } from '../operators/process-operator.js';
import type { OutputTag } from '../operators/side-output.js';
import type { Sink } from '../operators/sink.js';
import { timestampOperator } from '../operators/timestamp-operator.js';
import { withTimestamps } from '../operators/watermark-generators.js';
import type { WatermarkStrategy } from '../operators/watermark-strategy.js';
import { declaredAt, describesJobs } from './declared-at.js';
import { KeyedStream } from './keyed-stream.js';
import { applyOptions, type NodeOptions } from './node-options.js';
import {
  declareOperator,
  expectFunction,
  notePlaced,
  type OperatorDeclaration,
} from './operator-declaration.js';
import type { Process } from './process-definition.js';

/** Results of a job in this process. One loop may read them; leaving it early drops the rest. */
export interface CollectHandle<T> extends AsyncIterable<T> {
  /** Results that are final and that no loop has read. */
  committed(): readonly T[];
}

export class DataStream<T> {
  readonly #graph: StreamGraphBuilder;
  readonly #origins: readonly StreamOrigin[];

  /** @internal Streams come from env.from and from other streams. */
  constructor(graph: StreamGraphBuilder, origins: readonly StreamOrigin[]) {
    this.#graph = graph;
    this.#origins = origins;
  }

  /** One result per value, with its timestamp. Undefined and null are results like any other. */
  map<R>(apply: (value: T) => R): DataStream<R> {
    expectFunction(this.#graph, 'map()', 'a function from value to result', apply);
    return this.#derive({
      operation: 'map',
      create: () => mapOperator(apply),
      key: null,
      stateless: { kind: 'map', apply },
      sideTags: [],
    });
  }

  /** The values for which `keep` answers true. A type guard narrows the stream. */
  filter<S extends T = T>(keep: ((value: T) => value is S) | ((value: T) => boolean)): DataStream<S> {
    expectFunction(this.#graph, 'filter()', 'a function from value to boolean', keep);
    return this.#derive({
      operation: 'filter',
      create: () => filterOperator(keep),
      key: null,
      stateless: { kind: 'filter', keep },
      sideTags: [],
    });
  }

  /** All items of what `expand` answers, in order, with the timestamp of the value. A generator is run as far as there is room. */
  flatMap<R>(expand: (value: T) => Iterable<R>): DataStream<R> {
    expectFunction(this.#graph, 'flatMap()', 'a function from value to an iterable of results', expand);
    return this.#derive({
      operation: 'flatMap',
      create: () => flatMapOperator(expand),
      key: null,
      stateless: null,
      sideTags: [],
    });
  }

  /**
   * The lowest level: a function that emits what it likes, to the main output and to side outputs. Give a class, a factory, or
   * an object with `onElement`. The type of the results is that of what a generator yields, or of the context of a class; a
   * plain `onElement` says it: `onElement(value, context: ProcessContext<Result>)`. For state and timers, call keyBy first.
   */
  process<R = never, Y = never>(definition: Process<T, R, Y>): DataStream<R | Y> {
    const problem = problemOfDefinition(definition);
    if (problem !== null) notePlaced(this.#graph, `process() cannot use its function: ${problem}`);
    return this.#derive({
      operation: 'process',
      create: () => processOperator<T, R | Y>(definition),
      key: null,
      stateless: null,
      sideTags: null,
    });
  }

  /**
   * Gives every value its event time, in milliseconds since 1970, and makes watermarks that follow it. Replaces timestamps and
   * watermarks of before. In the source it is better still: `env.from(source, { watermarks })`.
   */
  assignTimestamps(
    timestamp: (value: T, current: number) => number,
    strategy: WatermarkStrategy<T>,
  ): DataStream<T> {
    expectFunction(this.#graph, 'assignTimestamps()', 'a function from value to milliseconds', timestamp);
    if (typeof strategy !== 'object' || strategy === null || typeof strategy.createGenerator !== 'function') {
      notePlaced(
        this.#graph,
        'assignTimestamps() needs a watermark strategy such as boundedOutOfOrderness(seconds(5))',
      );
    }
    const timed = withTimestamps(timestamp, strategy);
    return this.#derive({
      operation: 'assignTimestamps',
      create: () => timestampOperator(timed),
      key: null,
      stateless: null,
      sideTags: [],
    });
  }

  /** All values of all streams, in no particular order between them; `a.union(a)` has every value twice. */
  union<U = T>(...others: readonly DataStream<U>[]): DataStream<T | U> {
    for (const other of others) {
      if (other.#graph === this.#graph) continue;
      notePlaced(this.#graph, 'union() got a stream of another job; both must come from the same env');
    }
    const own = others.filter((other) => other.#graph === this.#graph);
    return new DataStream<T | U>(this.#graph, [...this.#origins, ...own.flatMap((other) => other.#origins)]);
  }

  /**
   * Splits the stream by key: all values of one key meet in one subtask, in the order in which each sender sent them. Keys are
   * compared by structure; 1, "1" and true are different keys; undefined and null are errors.
   */
  keyBy<K>(key: (value: T) => K): KeyedStream<T, K> {
    expectFunction(this.#graph, 'keyBy()', 'a function from value to key', key);
    const origins = this.#partitioned({ kind: 'key', selector: key }).#origins;
    return new KeyedStream<T, K>(this.#graph, key, (declaration) => this.#derive(declaration, origins));
  }

  /** Values go to the subtasks of the next operator in turn. */
  rebalance(): DataStream<T> {
    return this.#partitioned({ kind: 'rebalance' });
  }

  /** As rebalance, but each sender serves only some subtasks near it: less traffic where the parallelisms divide. */
  rescale(): DataStream<T> {
    return this.#partitioned({ kind: 'rescale' });
  }

  /** Every value goes to a subtask of the next operator chosen by lot. */
  shuffle(): DataStream<T> {
    return this.#partitioned({ kind: 'shuffle' });
  }

  /** Every value goes to every subtask of the next operator. */
  broadcast(): DataStream<T> {
    return this.#partitioned({ kind: 'broadcast' });
  }

  /** All values go to the first subtask of the next operator. */
  global(): DataStream<T> {
    return this.#partitioned({ kind: 'global' });
  }

  /** Subtask i feeds subtask i: the next operator must have the same parallelism. */
  forward(): DataStream<T> {
    return this.#partitioned({ kind: 'forward' });
  }

  /** `partition` answers, for a key and the number of subtasks of the next operator, which one gets the value: from 0. */
  partitionCustom<K>(key: (value: T) => K, partition: (key: K, channels: number) => number): DataStream<T> {
    expectFunction(this.#graph, 'partitionCustom()', 'a function from value to key', key);
    expectFunction(
      this.#graph,
      'partitionCustom()',
      'a function from key and number of channels to channel',
      partition,
    );
    return this.#partitioned({ kind: 'custom', selector: key, partition });
  }

  /** What the operator directly before this call emits to a side output. Tags are the same when their names are. */
  getSideOutput<U>(tag: OutputTag<U>): DataStream<U> {
    const [origin, second] = this.#origins;
    if (origin === undefined || second !== undefined || origin.sideTag !== null) {
      notePlaced(
        this.#graph,
        `getSideOutput("${tag.name}") stands after ${second === undefined ? 'another side output' : 'a union'}; call it on the stream of the operator that emits it`,
      );
      return new DataStream<U>(this.#graph, this.#origins);
    }
    return new DataStream<U>(this.#graph, [
      { from: origin.from, sideTag: tag.name, partitioner: { kind: 'default' } },
    ]);
  }

  /** Sends the stream to a sink. */
  sinkTo(sink: Sink<T>, options: NodeOptions = {}): void {
    if (typeof sink !== 'object' || sink === null || typeof sink.open !== 'function') {
      notePlaced(this.#graph, `sinkTo() needs a sink, got ${sink === null ? 'null' : typeof sink}`);
      return;
    }
    const node = this.#graph.addNode({
      operation: 'sink',
      name: sink.name,
      work: { kind: 'sink', sink },
      sideTags: [],
      declaredAt: declaredAt(),
    });
    applyOptions(this.#graph, node, options);
    this.#graph.connect(this.#origins, node);
  }

  /** Prints every value on a line, after `label> `. At least once: after a failure some lines come again. */
  print(label = '', options: NodeOptions = {}): void {
    this.sinkTo(printSink(label), options);
  }

  /**
   * Collects the results in this process, exactly once. Read them with `for await` while the job runs, or take `committed()`
   * when it has finished. With checkpoints a result shows when its checkpoint is complete.
   */
  collect(options: NodeOptions = {}): CollectHandle<T> {
    const sink = collectSink<T>();
    this.sinkTo(sink, options);
    return sink;
  }

  /** Names the operator directly before this call, for logs, metrics and errors. */
  name(name: string): this {
    return this.#set('name()', { name });
  }

  /**
   * Gives the operator directly before this call its identity over restarts and changes of the job: its state is found by it.
   * Unique in the job. Give one to everything that holds state, once the job is to be changed without losing it.
   */
  uid(uid: string): this {
    return this.#set('uid()', { uid });
  }

  /**
   * What becomes of records that make a function of the operator directly before this call throw: `'fail'` (default), `'skip'`, or
   * `deadLetter(tag)`, to be read with `getSideOutput(tag)`. What the failed call has done to state and timers, and emitted, is
   * taken back; fields of your objects are not. Errors that no record is to blame for fail the job all the same.
   */
  onError(policy: OnError): this {
    const problem = problemOfPolicy(policy);
    if (problem === null) return this.#set('onError(...)', { onError: policy });
    notePlaced(this.#graph, `onError(): ${problem}`);
    return this;
  }

  /** Subtasks of the operator directly before this call. Default: the job's. */
  setParallelism(parallelism: number): this {
    return this.#set('setParallelism()', { parallelism });
  }

  /** Key groups of the operator directly before this call: the upper bound for any later parallelism. */
  setMaxParallelism(maxParallelism: number): this {
    return this.#set('setMaxParallelism()', { maxParallelism });
  }

  /** Runs the operator directly before this call in an actor of its own. */
  disableChaining(): this {
    return this.#set('disableChaining()', { chaining: 'never' });
  }

  /** Begins an actor with the operator directly before this call; what follows may still run with it. */
  startNewChain(): this {
    return this.#set('startNewChain()', { chaining: 'head' });
  }

  /** Only on keyed streams: call keyBy first. */
  window(this: never, ..._arguments: readonly unknown[]): never {
    throw keyMissing('window()');
  }

  /** Only on keyed streams: call keyBy first. */
  reduce(this: never, ..._arguments: readonly unknown[]): never {
    throw keyMissing('reduce()');
  }

  #derive<R>(
    declaration: OperatorDeclaration,
    origins: readonly StreamOrigin[] = this.#origins,
  ): DataStream<R> {
    const from = declareOperator(this.#graph, origins, declaration);
    return new DataStream<R>(this.#graph, [{ from, sideTag: null, partitioner: { kind: 'default' } }]);
  }

  #partitioned(partitioner: PartitionerSpec): DataStream<T> {
    return new DataStream<T>(
      this.#graph,
      this.#origins.map((origin) => ({ ...origin, partitioner })),
    );
  }

  #set(method: string, settings: NodeSettings): this {
    const [origin, second] = this.#origins;
    if (
      origin !== undefined &&
      second === undefined &&
      origin.sideTag === null &&
      origin.partitioner.kind === 'default'
    ) {
      this.#graph.change(origin.from, settings);
    } else {
      const [[, value] = ['', '']] = Object.entries(settings);
      notePlaced(
        this.#graph,
        `${method.replace('()', `(${JSON.stringify(value) ?? ''})`)} belongs directly after the operator that it is for, not after a union, a partitioning or a side output`,
      );
    }
    return this;
  }
}

describesJobs(DataStream);

function keyMissing(method: string): JobDefinitionError {
  const place = declaredAt();
  const problem = `${method} was called on a stream without key; call keyBy(...) before it`;
  return new JobDefinitionError('', [place === undefined ? problem : `${problem} (${place})`]);
}
