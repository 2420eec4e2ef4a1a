// The tree of actors as it is now, for people and for tests.
//
// Owns:    the mapping from what the kernel keeps to what a user reads.

import type { ActorSnapshot } from './actor.js';
import type { Cell } from './cell.js';

export function snapshotOf(cell: Cell, living: ReadonlyMap<number, Cell>): ActorSnapshot {
  const { path, incarnation, receiver, life, lastError } = cell;
  const cells = life?.supervision?.children() ?? [];
  const counts = receiver.counts();
  return {
    path,
    incarnation,
    state: stateOf(cell),
    queued: receiver.mailbox.data.length,
    queuedControl: receiver.queuedControl(),
    capacity: receiver.mailbox.capacity,
    handled: counts.handled,
    restarts: Math.max(0, cell.lives - 1),
    lastError,
    counts,
    children: cells.flatMap((child) => {
      const found = living.get(child.incarnation);
      return found === undefined ? [] : [snapshotOf(found, living)];
    }),
  };
}

function stateOf(cell: Cell): ActorSnapshot['state'] {
  const { life } = cell;
  if (cell.receiver.ended !== null) return 'stopped';
  if (life === null) return 'restarting';
  if (life.ending === null) return life.stage === 'running' ? 'running' : 'starting';
  return life.ending.goal === 'remove' || life.ending.goal === 'ask' ? 'stopping' : 'restarting';
}
