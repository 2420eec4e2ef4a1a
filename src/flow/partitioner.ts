// Which channel of an edge a record takes.
//
// Owns:    the rules of semantics 1.30 to 1.40, one partitioner per sending subtask and edge.
// Not:     control elements, which go to every channel whatever the partitioner; keys and hashes (src/state).
//
// P1. A choice is an index among the sender's own channels of this edge, in the order of the receiving subtasks.
// P2. Positions of round robins are not state: the order between senders is undefined anyway (X3).

import { assert } from '../base/assert.js';
import { refuseLater } from '../base/at-once.js';
import { UserCodeError } from '../base/errors.js';
import type { RandomStream } from '../base/runtime.js';

export type PartitionerKind =
  | { readonly kind: 'forward' }
  | { readonly kind: 'rebalance' }
  | { readonly kind: 'rescale' }
  | { readonly kind: 'shuffle' }
  | { readonly kind: 'broadcast' }
  | { readonly kind: 'global' }
  | {
      readonly kind: 'key';
      /** 32-bit hash of the record's key; src/state makes it, so that state and channels agree. */
      readonly hashOfKey: (value: unknown) => number;
      readonly maxParallelism: number;
    }
  | {
      readonly kind: 'custom';
      readonly selector: (value: unknown) => unknown;
      readonly partition: (key: unknown, channels: number) => number;
      /** Named in the error when the function answers a channel that does not exist. */
      readonly operator?: string;
    };

/** `all`: every channel gets every record. */
export type Partitioner =
  | { readonly kind: 'all' }
  | { readonly kind: 'one'; readonly select: (value: unknown) => number };

/** The partitioner of sender `sender` of `senders` towards `targets` receivers. */
export function createPartitioner(
  spec: PartitionerKind,
  sender: number,
  senders: number,
  targets: number,
  random: RandomStream,
): Partitioner {
  switch (spec.kind) {
    case 'broadcast':
      return { kind: 'all' };
    case 'global':
      return one(() => 0);
    case 'forward':
      assert(senders === targets, 'forward joins equal parallelisms', { senders, targets });
      return one(() => 0);
    case 'rebalance':
      return roundRobin(targets, Math.floor(random.next() * targets));
    case 'rescale':
      return roundRobin(rescaleTargets(sender, senders, targets).length, 0);
    case 'shuffle':
      return one(() => Math.floor(random.next() * targets));
    case 'key':
      return byKey(spec.hashOfKey, spec.maxParallelism, targets);
    default:
      return custom(spec, targets);
  }
}

/** Receivers that sender `sender` feeds when `senders` are spread locally over `targets` (semantics 1.35), ascending. */
export function rescaleTargets(sender: number, senders: number, targets: number): readonly number[] {
  if (senders <= targets) {
    return range(Math.ceil((sender * targets) / senders), Math.ceil(((sender + 1) * targets) / senders));
  }
  return [Math.ceil(((sender + 1) * targets) / senders) - 1];
}

/** Senders that feed receiver `target`: the inverse of `rescaleTargets`, ascending. */
export function rescaleSources(target: number, senders: number, targets: number): readonly number[] {
  return range(0, senders).filter((sender) => rescaleTargets(sender, senders, targets).includes(target));
}

function one(select: (value: unknown) => number): Partitioner {
  return { kind: 'one', select };
}

function roundRobin(channels: number, first: number): Partitioner {
  let next = first;
  return one(() => {
    const chosen = next;
    next = chosen + 1 === channels ? 0 : chosen + 1;
    return chosen;
  });
}

function byKey(hashOfKey: (value: unknown) => number, maxParallelism: number, targets: number): Partitioner {
  if (targets === 1) return one(() => 0);
  return one((value) => {
    const keyGroup = (hashOfKey(value) >>> 0) % maxParallelism;
    return Math.floor((keyGroup * targets) / maxParallelism);
  });
}

function custom(spec: PartitionerKind & { readonly kind: 'custom' }, targets: number): Partitioner {
  return one((value) => {
    const place = { operator: spec.operator };
    const key = spec.selector(value);
    refuseLater('the key selector of partitionCustom', key, place);
    const chosen = spec.partition(key, targets);
    refuseLater('the function of partitionCustom', chosen, place);
    if (Number.isInteger(chosen) && chosen >= 0 && chosen < targets) return chosen;
    throw new UserCodeError(
      `The custom partitioner answered ${String(chosen)}; expected a whole number from 0 to ${targets - 1}.`,
      {
        operator: spec.operator,
        unrecoverable: true,
        remedy:
          'Return an index below the number of channels that the function is given as its second argument.',
      },
    );
  });
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
}
