// How an actor gets a child.
//
// Owns:    names, and the promise of a spawn that waits for the setup.
// Not:     what the child does from then on (cell.ts).
//
// N1. A child can be spawned only by a life that is not ending.
// N2. Two living siblings never have the same name; a name is free again when its actor is gone, last hook included.

import type { ActorRef, ActorSetup, SpawnOptions } from './actor.js';
import { ActorError, ActorStoppedError } from './actor-errors.js';
import { Cell, type Kernel, type StartWaiter } from './cell.js';
import { spawnSettings } from './spawn-options.js';
import type { Supervision } from './supervision.js';

export function spawnChild(
  kernel: Kernel,
  parent: Cell,
  setup: ActorSetup<unknown>,
  options: SpawnOptions,
  waiter: StartWaiter | null = null,
): Cell {
  const { life } = parent;
  if (life === null || life.ending !== null)
    throw new ActorStoppedError(parent.path, 'a child was to be spawned');
  const supervision = parent.supervise(life);
  const name = options.name ?? generateName(parent, supervision);
  const path = `${parent.path === '/' ? '' : parent.path}/${name}`;
  if (name === '' || name.includes('/')) {
    throw new ActorError(path, 'a name is not empty and contains no slash', 'Choose another name.');
  }
  if (supervision.hasName(name)) {
    throw new ActorError(
      path,
      'the name is taken by a living sibling',
      'Choose another name, or await stop(ref) first.',
    );
  }
  const asked = { setup, options };
  const spawning = kernel.interceptor?.spawning(path, asked) ?? asked;
  const settings = spawnSettings(path, spawning.options);
  const child = new Cell(kernel, parent, { path, name }, spawning.setup, settings, waiter);
  supervision.add(child);
  child.startLife();
  return child;
}

/** Rejects when the spawn is refused, the setup fails, or the child is stopped before its setup has settled. */
export async function spawnStarted<C>(
  kernel: Kernel,
  parent: Cell,
  setup: ActorSetup<unknown>,
  options: SpawnOptions,
): Promise<ActorRef<C>> {
  let waiter: StartWaiter | null = null;
  const started = new Promise<void>((resolve, reject) => {
    waiter = { resolve, reject };
  });
  const child = spawnChild(kernel, parent, setup, options, waiter);
  await started;
  return child.receiver.ref;
}

function generateName(parent: Cell, supervision: Supervision): string {
  for (;;) {
    parent.unnamedChildren += 1;
    const name = `$${parent.unnamedChildren}`;
    if (!supervision.hasName(name)) return name;
  }
}
