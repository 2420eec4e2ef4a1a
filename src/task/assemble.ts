// From the plan of a vertex to the parts of one subtask: operators with restored state, outgoing edges, the chain.
//
// Owns:    creating operators, giving each its state back, wiring chained targets, fusing stateless lines.
// Not:     opening connectors (the subtask actor), reading segments (the store), which segments (assignment.ts).
//
// Z1. The operator list of a vertex is topological; positions in the chain follow it, less the source or sink at its head
//     and with every fused line as one link.

import { present } from '../base/assert.js';
import { refuseLater } from '../base/at-once.js';
import { messageOf, UserCodeError } from '../base/errors.js';
import { deepFreeze } from '../base/freeze.js';
import type { Logger } from '../base/logger.js';
import type { RandomStream } from '../base/runtime.js';
import type { Tuning } from '../base/tuning.js';
import type { OperatorListSnapshot } from '../checkpoint/manifest.js';
import { createPartitioner, type PartitionerKind } from '../flow/partitioner.js';
import type { SubtaskChannels } from '../graph/channels.js';
import type {
  JobPlan,
  KeySelector,
  PlanOperator,
  PlanPartitioner,
  PlanTarget,
  PlanVertex,
} from '../graph/job-plan.js';
import { fuseStateless } from '../operators/fuse.js';
import { guardedOperator } from '../operators/guarded-operator.js';
import type { Operator, OperatorContext } from '../operators/operator.js';
import { isPoison } from '../operators/poison.js';
import type { StatelessStep } from '../operators/stateless-step.js';
import { canonicalKey } from '../state/key.js';
import { keyGroupRange } from '../state/key-groups.js';
import { hashKey } from '../state/key-hash.js';
import { KeyedBackend } from '../state/keyed-backend.js';
import { OperatorStateStore } from '../state/operator-state.js';
import type { ChainLinkSpec } from './chain.js';
import type { ChainTarget } from './chain-outputs.js';
import type { ChannelChoice, OutboxEdge } from './outbox.js';

/** What a checkpoint holds for one operator of one new subtask. */
export interface RestoredOperator {
  /** One chain of segments per old subtask, each oldest first. */
  readonly chains: readonly (readonly Iterable<Uint8Array>[])[];
  readonly lists: readonly OperatorListSnapshot[];
  readonly finished: boolean;
}

export interface SubtaskFacts {
  readonly plan: JobPlan;
  readonly vertex: PlanVertex;
  readonly channels: SubtaskChannels;
  readonly subtask: number;
  readonly freeze: boolean;
  readonly tuning: Tuning;
  /** Refuse keys of another kind than those of the restored state. */
  readonly checkKeys: boolean;
  readonly restored: ReadonlyMap<string, RestoredOperator>;
  readonly random: RandomStream;
  readonly logger: Logger;
  readonly now: () => number;
}

/** Outgoing edges with channel numbers running through all of them, in the order of `PlanVertex.outputs`. */
export function outboxEdges(facts: SubtaskFacts): readonly OutboxEdge[] {
  let next = 0;
  return facts.channels.outputs.map((output) => {
    const channels = output.targets.map(() => next++);
    const edge = present(facts.plan.edges[output.edge], 'an edge of the plan');
    const receiver = present(
      facts.plan.vertices.find((vertex) => vertex.id === edge.to),
      'the receiver of an edge',
    );
    return { choice: choiceOf(edge.partitioner, facts, receiver), channels };
  });
}

/** The links of the chain behind the head connector; an operators vertex has all its operators here. */
export function chainLinks(facts: SubtaskFacts): readonly ChainLinkSpec[] {
  const { vertex } = facts;
  const lines = new Map(
    vertex.fusedRuns.map((run) => [present(run[0], 'a fused line has a first step'), run]),
  );
  const swallowed = new Set(vertex.fusedRuns.flatMap((run) => run.slice(1)));
  const source = vertex.kind === 'source' ? 1 : 0;
  const kept = vertex.operators
    .map((_, index) => index)
    .filter((index) => index >= source && !swallowed.has(index));
  const heads = source === 1 && !startsWithOneOperator(vertex) ? 1 : 0;
  const position = new Map(kept.map((index, at) => [index, at + heads]));
  const links = kept.map((index) => {
    const run = lines.get(index);
    const last = present(vertex.operators[run?.at(-1) ?? index], 'an operator of the vertex');
    const first = present(vertex.operators[index], 'an operator of the vertex');
    const work =
      run === undefined
        ? createOperator(first, facts.freeze)
        : fuseLine(
            run.map((at) => present(vertex.operators[at], 'a step')),
            facts.freeze,
          );
    return linkOf(first, last, work, position, facts);
  });
  if (heads === 0) return links;
  const head = present(vertex.operators[0], 'a source heads its vertex');
  return [
    { ...linkOf(head, head, passThrough(), position, { ...facts, restored: new Map() }), uid: HEAD_UID },
    ...links,
  ];
}

/** Uid of the link that only hands a source's records on; it has no state and is in no snapshot. */
export const HEAD_UID = '';

/** A link that stands for the connector at the head of a vertex in snapshots. */
export function connectorLink(vertex: PlanVertex, subtask: number): ChainLinkSpec {
  const head = present(vertex.operators[0], 'a connector heads its vertex');
  return {
    uid: head.uid,
    name: head.name,
    declaredAt: head.node.declaredAt,
    operator: passThrough(),
    keyed: null,
    operatorState: new OperatorStateStore({ operator: head.name, subtask, freeze: false }),
    main: [],
    sides: new Map(),
    finished: false,
  };
}

function startsWithOneOperator(vertex: PlanVertex): boolean {
  const head = present(vertex.operators[0], 'a source heads its vertex');
  return head.sides.size === 0 && head.main.length === 1 && head.main[0]?.kind === 'chained';
}

function createOperator(operator: PlanOperator, freezes: boolean): Operator {
  const { work, onError } = operator.node;
  return work.kind === 'operator' ? guardedOperator(work.create(), onError, freezes) : passThrough();
}

function fuseLine(operators: readonly PlanOperator[], freezes: boolean): Operator {
  return fuseStateless(
    operators.map(({ name, node }) => ({
      name,
      declaredAt: node.declaredAt,
      step: stepOf(node.work, freezes),
    })),
  );
}

/** With `freezes`, the next step gets what an operator that stands alone would get: no function sees that it is fused. */
function stepOf(work: PlanOperator['node']['work'], freezes: boolean): StatelessStep {
  const step = present(
    work.kind === 'operator' ? work.stateless : null,
    'a step of a fused line is stateless',
  );
  if (!freezes || step.kind !== 'map') return step;
  const apply = (value: unknown): unknown => deepFreeze(step.apply(value as never));
  // Messages call a function by its name.
  Object.defineProperty(apply, 'name', { value: step.apply.name });
  return { ...step, apply };
}

function linkOf(
  first: PlanOperator,
  last: PlanOperator,
  operator: Operator,
  position: ReadonlyMap<number, number>,
  facts: SubtaskFacts,
): ChainLinkSpec {
  const { vertex } = facts;
  const target = (each: PlanTarget): ChainTarget =>
    each.kind === 'chained'
      ? { kind: 'chained', index: present(position.get(each.operator), 'a chained target is in the chain') }
      : {
          kind: 'edge',
          index: present(indexIn(vertex.outputs, each.edge), 'an edge target leaves this vertex'),
        };
  const restored = facts.restored.get(first.uid);
  const operatorState = new OperatorStateStore({
    operator: first.name,
    subtask: facts.subtask,
    freeze: facts.freeze,
  });
  if (restored !== undefined) operatorState.restoreLists(restored.lists);
  return {
    uid: first.uid,
    name: first.name,
    declaredAt: first.node.declaredAt,
    operator,
    keyed: keyedBackend(first, facts, restored),
    operatorState,
    main: last.main.map(target),
    sides: new Map([...last.sides].map(([tag, targets]) => [tag, targets.map(target)])),
    finished: restored?.finished ?? false,
  };
}

function keyedBackend(
  operator: PlanOperator,
  facts: SubtaskFacts,
  restored: RestoredOperator | undefined,
): KeyedBackend | null {
  const { work } = operator.node;
  if (work.kind !== 'operator' || work.keys.every((key) => key === null)) return null;
  const { vertex, subtask } = facts;
  const backend = new KeyedBackend({
    operator: operator.name,
    subtask,
    maxParallelism: vertex.maxParallelism,
    range: keyGroupRange(subtask, vertex.maxParallelism, vertex.parallelism),
    freeze: facts.freeze,
    tuning: facts.tuning,
    declaredAt: operator.node.declaredAt,
    processingTimeMs: facts.now,
  });
  if (restored !== undefined) backend.restore(restored.chains.flat(), { checkKeys: facts.checkKeys });
  return backend;
}

function choiceOf(partitioner: PlanPartitioner, facts: SubtaskFacts, receiver: PlanVertex): ChannelChoice {
  const { subtask, vertex, random } = facts;
  const spec = partitionerOf(partitioner, receiver);
  return createPartitioner(spec, subtask, vertex.parallelism, receiver.parallelism, random);
}

function partitionerOf(partitioner: PlanPartitioner, receiver: PlanVertex): PartitionerKind {
  switch (partitioner.kind) {
    case 'key':
      // With one receiver there is nothing to choose: it evaluates the key itself, and complains about a bad one.
      if (receiver.parallelism === 1) return { kind: 'global' };
      return {
        kind: 'key',
        hashOfKey: leavingOut(receiver, hashOfKey(partitioner.selector, receiver)),
        maxParallelism: receiver.maxParallelism,
      };
    case 'custom':
      return {
        kind: 'custom',
        selector: partitioner.selector as (value: unknown) => unknown,
        partition: partitioner.partition as (key: unknown, channels: number) => number,
        operator: receiver.name,
      };
    default:
      return partitioner;
  }
}

function hashOfKey(selector: KeySelector, receiver: PlanVertex): (value: unknown) => number {
  const place = { operator: receiver.name, declaredAt: receiver.operators[0]?.node.declaredAt };
  const keyOf = selector as (value: unknown) => unknown;
  return (value) => {
    let key: unknown;
    try {
      key = keyOf(value);
    } catch (error) {
      throw new UserCodeError(`The key function threw: ${messageOf(error)}`, { ...place, cause: error });
    }
    if (typeof key === 'object') refuseLater('the key selector', key, place);
    return hashKey(canonicalKey(key, place));
  };
}

/** A key that cannot be told is for the receiver to complain about, if it leaves such records out: it meets the same error. */
function leavingOut(receiver: PlanVertex, hash: (value: unknown) => number): (value: unknown) => number {
  const head = receiver.operators[0]?.node;
  if (head?.work.kind !== 'operator' || head.onError === 'fail' || head.work.keys[0] == null) return hash;
  return (value) => {
    try {
      return hash(value);
    } catch (error) {
      if (isPoison(error)) return 0;
      throw error;
    }
  };
}

function indexIn(list: readonly number[], value: number): number | null {
  const index = list.indexOf(value);
  return index < 0 ? null : index;
}

function passThrough(): Operator {
  let context: OperatorContext | null = null;
  return {
    open: (opened) => {
      context = opened;
    },
    onRecord: (value, timestamp) => present(context, 'an open operator').output.emit(value, timestamp),
    close: () => {
      context = null;
    },
  };
}
