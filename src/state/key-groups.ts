// Key groups: the smallest unit in which keyed state moves between subtasks.
//
// Owns:    the arithmetic from a key's hash to its key group, and from a key group to its subtask.
// Not:     the hash (key.ts), which subtask reads which segment on restore (src/checkpoint).
//
// G1. Every key group belongs to exactly one subtask, and the groups of a subtask are contiguous (semantics 1.37, 1.38).
// G2. Changing the parallelism moves key groups; it never changes the key group of a key.

import type { KeyGroup } from '../base/ids.js';
import { MAX_PARALLELISM_CEILING, MAX_PARALLELISM_FLOOR } from '../base/limits.js';

/** Key groups `from` to `to`, both included. */
export interface KeyGroupRange {
  readonly from: number;
  readonly to: number;
}

/** Key group of a key with this hash. Called once per record, therefore without the checks of `ids.keyGroup`. */
export function keyGroupOf(hash: number, maxParallelism: number): KeyGroup {
  return ((hash >>> 0) % maxParallelism) as KeyGroup;
}

/** The subtask that owns a key group. */
export function subtaskOfKeyGroup(keyGroup: number, maxParallelism: number, parallelism: number): number {
  return Math.floor((keyGroup * parallelism) / maxParallelism);
}

/** The key groups that a subtask owns. */
export function keyGroupRange(subtask: number, maxParallelism: number, parallelism: number): KeyGroupRange {
  return {
    from: Math.ceil((subtask * maxParallelism) / parallelism),
    to: Math.floor(((subtask + 1) * maxParallelism - 1) / parallelism),
  };
}

export function isInRange(keyGroup: number, range: KeyGroupRange): boolean {
  return keyGroup >= range.from && keyGroup <= range.to;
}

/** Key groups for an operator whose maximum nobody set (semantics 1.39): room to grow by half, a power of two. */
export function defaultMaxParallelism(parallelism: number): number {
  const wanted = parallelism + Math.floor(parallelism / 2);
  const power = 2 ** Math.ceil(Math.log2(Math.max(1, wanted)));
  return Math.min(Math.max(power, MAX_PARALLELISM_FLOOR), MAX_PARALLELISM_CEILING);
}
