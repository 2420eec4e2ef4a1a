// Links between lives: two actors that fail together.
//
// Owns:    breaking links, and spreading a failure along them.
// Not:     making them (context.ts).
//
// K1. Links are broken before a failure spreads along them, so that it never comes back.

import { LinkedFailureError } from './actor-errors.js';
import type { Life } from './life.js';

/** Breaks all links of a life and returns those that it had. */
export function unlink(life: Life): readonly Life[] {
  const linked = [...life.links];
  for (const other of linked) other.links.delete(life);
  life.links.clear();
  return linked;
}

/** Fails those who were linked to the actor at `path`. */
export function failLinked(path: string, linked: readonly Life[], error: unknown): void {
  for (const life of linked) life.owner.fail(life, new LinkedFailureError(life.owner.path, path, error));
}
