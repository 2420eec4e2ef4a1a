// The tree of actors, as faults, oracles and reports look at it.

import type { ActorSnapshot } from '../../actors/kernel/actor.js';
import type { ActorTreeNode } from './execution.js';

/** Paths of all actors for which `fits` holds, in the order of the tree; the root is not one of them. */
export function pathsOf(tree: ActorSnapshot, fits: (actor: ActorSnapshot) => boolean): readonly string[] {
  const found: string[] = [];
  const visit = (actor: ActorSnapshot): void => {
    if (actor.path !== '/' && fits(actor)) found.push(actor.path);
    actor.children.forEach(visit);
  };
  visit(tree);
  return found;
}

export function isLiving({ state }: ActorSnapshot): boolean {
  return state === 'running' || state === 'starting';
}

/** What a cleanup should have left behind: nothing. */
export function leftOver(tree: ActorSnapshot): readonly string[] {
  return pathsOf(tree, ({ state }) => state !== 'stopped');
}

export function treeOf({ path, state, restarts, lastError, children }: ActorSnapshot): ActorTreeNode {
  return { name: path, state, restarts, lastError, children: children.map(treeOf) };
}
