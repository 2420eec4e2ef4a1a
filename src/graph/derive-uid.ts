// The identity of operators that the user did not name.
//
// Owns:    uids derived from the shape of the graph (semantics 1.25).
// Not:     declared uids: they are taken as they are.
//
// U1. A derived uid depends on what the operator does and on what feeds it, never on what comes after it, on names,
//     parallelism or chaining. So another branch, another sink or another run option leaves it alone.
// U2. Operators that are alike in all this are told apart by the order of their declaration: adding one more after
//     them is harmless, adding one before them shifts them. Only a declared uid is safe against that.

import { present } from '../base/assert.js';
import type { NodeId, StreamEdge, StreamGraph, StreamNode } from './stream-graph.js';
import { topologyOf } from './topology.js';

/** The uid of every node: declared, or `<operation>-<16 hex digits>`. */
export function uidsOf(graph: StreamGraph): ReadonlyMap<NodeId, string> {
  const topology = topologyOf(graph);
  const uids = new Map<NodeId, string>();
  const alike = new Map<string, number>();
  for (const node of topology.order) {
    if (node.uid !== null) {
      uids.set(node.id, node.uid);
      continue;
    }
    const feeds = (topology.inputs.get(node.id) ?? []).map((index) =>
      feedOf(present(graph.edges[index], 'edge'), uids),
    );
    const shape = [ownShape(node), ...feeds].join('\n');
    const ordinal = alike.get(shape) ?? 0;
    alike.set(shape, ordinal + 1);
    uids.set(node.id, `${slug(node.operation)}-${stableHash(`${shape}\n${ordinal}`)}`);
  }
  return uids;
}

// Connectors carry names that say what they read or write, which tells two sources apart better than their order does.
function ownShape(node: StreamNode): string {
  if (node.work.kind === 'source') return `${node.operation} ${node.work.source.name}`;
  if (node.work.kind === 'sink') return `${node.operation} ${node.work.sink.name}`;
  return node.operation;
}

function feedOf(edge: StreamEdge, uids: ReadonlyMap<NodeId, string>): string {
  const from = uids.get(edge.from) ?? '';
  return `${edge.input} ${edge.partitioner.kind} ${JSON.stringify(edge.sideTag)} ${JSON.stringify(from)}`;
}

/** Letters, digits, dash and underscore only: fit for actor names and file names. */
export function slug(text: string): string {
  const plain = text.replace(/[^A-Za-z0-9_]+/g, '-').replace(/^-+|-+$/g, '');
  return plain === '' ? 'operator' : plain.slice(0, 40);
}

// Two 32-bit lanes, each multiplied and rotated per UTF-16 unit and mixed at the end. Stored in checkpoints through
// uids, so it never changes; test/graph/derive-uid.test.ts holds its vectors.
function stableHash(text: string): string {
  let left = 0x9e3779b9;
  let right = 0x85ebca6b;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    left = Math.imul(left ^ unit, 0x9e3779b1);
    left = (left << 13) | (left >>> 19);
    right = Math.imul(right ^ unit, 0x5f356495);
    right = (right << 17) | (right >>> 15);
  }
  return hex(mix(left ^ text.length, right)) + hex(mix(right, left));
}

function mix(lane: number, other: number): number {
  let mixed = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b);
  mixed ^= Math.imul(other ^ (other >>> 13), 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 16);
}

function hex(lane: number): string {
  return (lane >>> 0).toString(16).padStart(8, '0');
}
