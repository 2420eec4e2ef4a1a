// The tree of actors, as faults, oracles and reports look at it.

import type { ActorSnapshot } from '../../actors/kernel/actor.js';
import { type ActorNames, fitsActor } from './actor-names.js';
import type { ActorTreeNode } from './execution.js';

const LIVING: ReadonlySet<ActorSnapshot['state']> = new Set(['running', 'starting'] as const);

/** All actors, in the order of the tree; the root is not one of them. */
export function actorsIn(tree: ActorSnapshot): readonly ActorSnapshot[] {
  return tree.children.flatMap((child) => [child, ...actorsIn(child)]);
}

/** Paths of those who live and whom a fault with this target may hit, in the order of the tree. */
export function livingPaths(tree: ActorSnapshot, names: ActorNames, target: string): readonly string[] {
  return actorsIn(tree)
    .filter(({ state, path }) => LIVING.has(state) && fitsActor(target, names.of(path)))
    .map(({ path }) => path);
}

/** What a cleanup should have left behind: nothing. */
export function leftOver(tree: ActorSnapshot): readonly string[] {
  return actorsIn(tree)
    .filter(({ state }) => state !== 'stopped')
    .map(({ path }) => path);
}

export function treeOf({ path, state, restarts, lastError, children }: ActorSnapshot): ActorTreeNode {
  return { name: path, state, restarts, lastError, children: children.map(treeOf) };
}
