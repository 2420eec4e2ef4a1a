// Operator state for a new number of subtasks.
//
// Owns:    even split and union (semantics 4.14, 4.15) over items whose bytes nobody here can read.
// Not:     keyed state, which moves by key group (assignment.ts).
//
// R1. At unchanged parallelism every subtask gets exactly its own split lists back.
// R2. A rescale keeps the order: the concatenation over new subtasks equals the one over old subtasks.
// R3. Union gives everybody everything, at unchanged parallelism too.

import type { OperatorListSnapshot } from './manifest.js';

/**
 * `old[i]`: the lists of old subtask i, empty where nothing was reported. Answers the lists of each new subtask;
 * a list with a name in `old` is there for everybody, even if it has no items.
 */
export function redistributeLists(
  old: readonly (readonly OperatorListSnapshot[])[],
  parallelism: number,
): readonly (readonly OperatorListSnapshot[])[] {
  const result: OperatorListSnapshot[][] = Array.from({ length: parallelism }, () => []);
  // Where the previous split state stopped giving away its extra items, so that they do not all land on subtask 0.
  let extrasFrom = 0;
  for (const { name, redistribution } of namedStates(old)) {
    const items = old.map((lists) => lists.find((list) => list.name === name)?.items ?? []);
    const all = items.flat();
    const parts = redistribution === 'union' ? null : split(items, all, parallelism, extrasFrom);
    if (parts !== null && old.length !== parallelism)
      extrasFrom = (extrasFrom + (all.length % parallelism)) % parallelism;
    result.forEach((lists, subtask) => {
      lists.push({ name, redistribution, items: parts === null ? all : (parts[subtask] ?? []) });
    });
  }
  return result;
}

/** Every state once, in the order in which subtasks name them first. */
function namedStates(
  old: readonly (readonly OperatorListSnapshot[])[],
): readonly Pick<OperatorListSnapshot, 'name' | 'redistribution'>[] {
  const states = new Map<string, OperatorListSnapshot>();
  for (const list of old.flat()) if (!states.has(list.name)) states.set(list.name, list);
  return [...states.values()];
}

function split(
  own: readonly (readonly Uint8Array[])[],
  all: readonly Uint8Array[],
  parallelism: number,
  extrasFrom: number,
): readonly (readonly Uint8Array[])[] {
  if (own.length === parallelism) return own;
  const base = Math.floor(all.length / parallelism);
  const extras = all.length % parallelism;
  let position = 0;
  return Array.from({ length: parallelism }, (_, subtask) => {
    const turn = (subtask - extrasFrom + parallelism) % parallelism;
    const from = position;
    position += base + (turn < extras ? 1 : 0);
    return all.slice(from, position);
  });
}
