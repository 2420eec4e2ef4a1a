// Small graphs for tests of planning: operators that do nothing, sources and sinks with chosen properties.

import type {
  NodeId,
  NodeWork,
  PartitionerSpec,
  StreamGraph,
  StreamNode,
} from '../../src/graph/stream-graph.js';
import { StreamGraphBuilder, type StreamOrigin } from '../../src/graph/stream-graph-builder.js';
import type { Operator } from '../../src/operators/operator.js';
import type { Sink } from '../../src/operators/sink.js';
import type { Source } from '../../src/operators/source.js';

type Settings = Partial<
  Pick<StreamNode, 'name' | 'uid' | 'parallelism' | 'maxParallelism' | 'chaining' | 'sideTags' | 'declaredAt'>
>;

export class Sketch {
  readonly builder: StreamGraphBuilder;

  constructor(job = 'job') {
    this.builder = new StreamGraphBuilder(job);
  }

  source(settings: Settings & { replayable?: boolean; limit?: number; label?: string } = {}): NodeId {
    const source: Source<unknown> = {
      name: settings.label ?? 'numbers',
      bounded: true,
      replayable: settings.replayable ?? true,
      ...(settings.limit === undefined ? {} : { parallelismMax: settings.limit }),
      discover: () => [],
      open: () => ({ poll: () => ({ kind: 'nothing', retryMs: 1 }), close: () => undefined }),
    };
    return this.#add('source', source.name, { kind: 'source', source, watermarks: null }, settings);
  }

  map(from: NodeId | StreamOrigin[], settings: Settings = {}): NodeId {
    const work: NodeWork = {
      kind: 'operator',
      create: idleOperator,
      keys: [null],
      stateless: { kind: 'map', apply: (value: unknown) => value },
    };
    return this.#derive('map', work, from, settings);
  }

  process(from: NodeId | StreamOrigin[], settings: Settings = {}): NodeId {
    const work: NodeWork = { kind: 'operator', create: idleOperator, keys: [null], stateless: null };
    return this.#derive('process', work, from, settings);
  }

  sink(
    from: NodeId | StreamOrigin[],
    settings: Settings & { guarantee?: Sink<never>['guarantee']; limit?: number; label?: string } = {},
  ): NodeId {
    const sink = {
      name: settings.label ?? 'out',
      guarantee: settings.guarantee ?? 'transactional',
      ...(settings.limit === undefined ? {} : { parallelismMax: settings.limit }),
      open: () => {
        throw new Error('a planned sink is not opened');
      },
    } as Sink<never>;
    return this.#derive('sink', { kind: 'sink', sink }, from, { name: sink.name, ...settings });
  }

  finish(): StreamGraph {
    return this.builder.finish();
  }

  #derive(operation: string, work: NodeWork, from: NodeId | StreamOrigin[], settings: Settings): NodeId {
    const id = this.#add(operation, operation, work, settings);
    this.builder.connect(typeof from === 'number' ? [main(from)] : from, id);
    return id;
  }

  #add(operation: string, name: string, work: NodeWork, settings: Settings): NodeId {
    const { declaredAt, name: given, uid, parallelism, maxParallelism, chaining, sideTags } = settings;
    const id = this.builder.addNode({
      operation,
      name: given ?? name,
      work,
      sideTags: sideTags ?? [],
      declaredAt,
    });
    this.builder.change(id, {
      ...(uid === undefined ? {} : { uid }),
      ...(parallelism === undefined ? {} : { parallelism }),
      ...(maxParallelism === undefined ? {} : { maxParallelism }),
      ...(chaining === undefined ? {} : { chaining }),
    });
    return id;
  }
}

export function main(from: NodeId, partitioner: PartitionerSpec = { kind: 'default' }): StreamOrigin {
  return { from, sideTag: null, partitioner };
}

export function byKey(from: NodeId): StreamOrigin {
  return main(from, { kind: 'key', selector: (value: unknown) => value });
}

export function side(from: NodeId, sideTag: string): StreamOrigin {
  return { from, sideTag, partitioner: { kind: 'default' } };
}

function idleOperator(): Operator {
  return { open: () => undefined, onRecord: () => undefined, close: () => undefined };
}
