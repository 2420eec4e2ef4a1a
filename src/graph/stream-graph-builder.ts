// Collects the description of a job while the user's build function runs.
//
// Owns:    the nodes and edges described so far, their settings, and the problems noticed on the way.
// Not:     what the user calls (src/api), the checks of the finished graph (check-graph.ts).
//
// D1. Node ids count up in the order of declaration: the same job file gives the same ids.
// D2. After `finish` nothing can be added: a stream that outlives its build function is of no use.

import { assert, present } from '../base/assert.js';
import { JobDefinitionError } from '../base/errors.js';
import type {
  NodeId,
  NodeWork,
  PartitionerSpec,
  StreamEdge,
  StreamGraph,
  StreamNode,
} from './stream-graph.js';

/** Where a stream comes from: an output of a node, and how records leave it. */
export interface StreamOrigin {
  readonly from: NodeId;
  /** Null: the main output. */
  readonly sideTag: string | null;
  readonly partitioner: PartitionerSpec;
}

/** What must be known to declare a node; the rest is set later. */
export interface NodeDeclaration {
  readonly operation: string;
  readonly name: string;
  readonly work: NodeWork;
  readonly sideTags: readonly string[] | null;
  readonly declaredAt: string | undefined;
}

/** What can be set after the declaration. */
export type NodeSettings = Partial<
  Pick<StreamNode, 'name' | 'uid' | 'parallelism' | 'maxParallelism' | 'chaining' | 'sideTags' | 'onError'>
>;

export class StreamGraphBuilder {
  readonly job: string;
  readonly #nodes: StreamNode[] = [];
  readonly #edges: StreamEdge[] = [];
  readonly #problems: string[] = [];
  #parallelism: number | null = null;
  #maxParallelism: number | null = null;
  #finished = false;

  constructor(job: string) {
    this.job = job;
  }

  addNode(declaration: NodeDeclaration): NodeId {
    this.#requireOpen();
    const id = this.#nodes.length as NodeId;
    this.#nodes.push({
      ...declaration,
      id,
      uid: null,
      parallelism: null,
      maxParallelism: null,
      chaining: 'always',
      onError: 'fail',
    });
    return id;
  }

  /** Connects outputs to an input of `to`; several origins are a union, in this order. */
  connect(origins: readonly StreamOrigin[], to: NodeId, input: 0 | 1 = 0): void {
    this.#requireOpen();
    for (const origin of origins) {
      assert(origin.from < to, 'an edge leads to a node declared later', { from: origin.from, to });
      this.#edges.push({ ...origin, to, input });
    }
  }

  node(id: NodeId): StreamNode {
    return present(this.#nodes[id], 'node of this graph');
  }

  change(id: NodeId, settings: NodeSettings): void {
    this.#requireOpen();
    this.#nodes[id] = { ...this.node(id), ...settings };
  }

  setParallelism(parallelism: number): void {
    this.#requireOpen();
    this.#parallelism = parallelism;
  }

  setMaxParallelism(maxParallelism: number): void {
    this.#requireOpen();
    this.#maxParallelism = maxParallelism;
  }

  /** Remembers a wrong use of the API, so that it is reported together with all others. */
  problem(text: string): void {
    this.#requireOpen();
    this.#problems.push(text);
  }

  finish(): StreamGraph {
    this.#requireOpen();
    this.#finished = true;
    return {
      job: this.job,
      nodes: this.#nodes,
      edges: this.#edges,
      parallelism: this.#parallelism,
      maxParallelism: this.#maxParallelism,
      problems: this.#problems,
    };
  }

  #requireOpen(): void {
    if (!this.#finished) return;
    throw new JobDefinitionError(this.job, [
      'a stream was used after the build function had returned; describe the whole job inside the function given to defineJob',
    ]);
  }
}
