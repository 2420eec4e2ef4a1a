// The channels of every subtask: whom it sends to, whom it hears, and which number each channel has at either end.
//
// Owns:    spreading the edges of a plan over subtasks.
// Not:     choosing a channel for a record (src/flow/partitioner.ts), credits.
//
// N1. Both ends of a channel agree: sender and receiver are listed with each other's numbers (G3 of job-plan.ts).
// N2. An edge reaches every subtask of its receiver, whatever the parallelisms.

import { present, unreachable } from '../base/assert.js';
import type { VertexId } from '../base/ids.js';
import { rescaleTargets } from '../flow/partitioner.js';
import type { JobPlan, PlanEdge, PlanVertex } from './job-plan.js';

/** An incoming channel; its number is its index in `SubtaskChannels.inputs`. */
export interface InputChannel {
  readonly edge: number;
  /** Subtask of the sending vertex. */
  readonly sender: number;
  /** Which input of a two-input operator. */
  readonly input: 0 | 1;
}

export interface OutputChannel {
  /** Subtask of the receiving vertex. */
  readonly receiver: number;
  /** Number of this channel at the receiver. */
  readonly channel: number;
}

export interface EdgeOutputs {
  readonly edge: number;
  /** In the order of receiver subtasks; a partitioner chooses among these by index. */
  readonly targets: readonly OutputChannel[];
}

export interface SubtaskChannels {
  readonly vertex: VertexId;
  readonly subtask: number;
  readonly inputs: readonly InputChannel[];
  /** One per outgoing edge of the vertex, in the order of `PlanVertex.outputs`. */
  readonly outputs: readonly EdgeOutputs[];
}

/** Channels of all subtasks, by vertex and by subtask index. */
export function channelsOf(plan: JobPlan): ReadonlyMap<VertexId, readonly SubtaskChannels[]> {
  const receivers = plan.edges.map((edge) => receiversOf(edge, plan));
  const inputs = new Map(plan.vertices.map((vertex) => [vertex.id, inputsOf(vertex, plan, receivers)]));
  return new Map(
    plan.vertices.map((vertex) => [
      vertex.id,
      present(inputs.get(vertex.id), 'inputs of every vertex').map((own, subtask) => ({
        vertex: vertex.id,
        subtask,
        inputs: own,
        outputs: vertex.outputs.map((index) => edgeOutputs(index, subtask, plan, receivers, inputs)),
      })),
    ]),
  );
}

// By sender subtask: the receiver subtasks, ascending.
function receiversOf(edge: PlanEdge, plan: JobPlan): readonly (readonly number[])[] {
  const senders = vertexOf(edge.from, plan).parallelism;
  const receivers = vertexOf(edge.to, plan).parallelism;
  return upTo(senders).map((sender) => receiversOfSender(edge, sender, senders, receivers));
}

function receiversOfSender(
  edge: PlanEdge,
  sender: number,
  senders: number,
  receivers: number,
): readonly number[] {
  const { partitioner } = edge;
  switch (partitioner.kind) {
    case 'forward':
      return [sender];
    case 'rescale':
      return rescaleTargets(sender, senders, receivers);
    case 'rebalance':
    case 'shuffle':
    case 'broadcast':
    case 'global':
    case 'key':
    case 'custom':
      return upTo(receivers);
    default:
      return unreachable(partitioner);
  }
}

function inputsOf(
  vertex: PlanVertex,
  plan: JobPlan,
  receivers: readonly (readonly (readonly number[])[])[],
): readonly (readonly InputChannel[])[] {
  const inputs: InputChannel[][] = upTo(vertex.parallelism).map(() => []);
  for (const index of vertex.inputs) {
    const { input } = present(plan.edges[index], 'edge');
    present(receivers[index], 'receivers of every edge').forEach((targets, sender) => {
      for (const receiver of targets) inputs[receiver]?.push({ edge: index, sender, input });
    });
  }
  return inputs;
}

function edgeOutputs(
  index: number,
  subtask: number,
  plan: JobPlan,
  receivers: readonly (readonly (readonly number[])[])[],
  inputs: ReadonlyMap<VertexId, readonly (readonly InputChannel[])[]>,
): EdgeOutputs {
  const edge = present(plan.edges[index], 'edge');
  const far = present(inputs.get(edge.to), 'inputs of every vertex');
  const targets = present(receivers[index]?.[subtask], 'receivers of every sender').map((receiver) => ({
    receiver,
    channel: present(far[receiver], 'inputs of every subtask').findIndex(
      (channel) => channel.edge === index && channel.sender === subtask,
    ),
  }));
  return { edge: index, targets };
}

function vertexOf(id: VertexId, plan: JobPlan): PlanVertex {
  return present(
    plan.vertices.find((vertex) => vertex.id === id),
    'vertex of an edge',
  );
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
