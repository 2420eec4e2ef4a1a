// Fault injection for examples: looks up living actors of a running job, and kills them.
//
// Owns:    finding and killing one actor. The job's supervision does the rest.

import type { JobHandle } from 'weirjs';

/** Paths of the living actors of a job, such as `/job/attempt-1/2-sink.0`. */
export function livingActors(handle: JobHandle): readonly string[] {
  const paths: string[] = [];
  const open = [handle.actors()];
  for (let actor = open.pop(); actor !== undefined; actor = open.pop()) {
    if (actor.state === 'running') paths.push(actor.path);
    open.push(...actor.children);
  }
  return paths.sort();
}

/** Kills the first living actor whose path contains `part`, as if its code had thrown. False when there is none just now. */
export function kill(handle: JobHandle, part: string): boolean {
  const path = livingActors(handle).find((living) => living.includes(part));
  const ref = path === undefined ? null : handle.system.find(path);
  if (ref === null) return false;
  handle.system.crash(ref, new Error(`killed ${path}`));
  return true;
}
