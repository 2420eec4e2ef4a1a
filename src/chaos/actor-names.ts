// By which names a plan can call an actor.
//
// Owns:    from the path of an actor to its role and names; which targets fit it.
// Not:     hitting it (actor-door.ts, world-faults.ts).
//
// N1. A name is stable over attempts and restarts: plans never name an attempt.

import type { JobPlan, PlanVertex } from '../graph/job-plan.js';
import type { JobRole } from './scenario-options.js';

export interface ActorName {
  readonly path: string;
  /** Null for actors that belong to no role: the attempt, the watch. */
  readonly role: JobRole | null;
  /** Everything that a target may say for it, `*` apart. */
  readonly names: readonly string[];
  /** `<vertex>/<subtask>`, for a subtask. */
  readonly subtask: string | null;
}

export interface ActorNames {
  of(path: string): ActorName;
  ofSubtask(subtask: string): ActorName;
}

export function fitsActor(target: string, actor: ActorName): boolean {
  return target === '*' ? actor.names.length > 0 : actor.names.includes(target);
}

/** `a -> b` against two actors; an unknown sender fits `*` only. */
export function fitsLink(target: string, from: ActorName | null, to: ActorName): boolean {
  if (target === '*') return true;
  const [sender = '*', receiver = '*'] = target.split(' -> ');
  return (sender === '*' || (from !== null && fitsActor(sender, from))) && fitsActor(receiver, to);
}

const ROLE_OF_KIND: Readonly<Record<PlanVertex['kind'], JobRole>> = {
  source: 'source',
  operators: 'operator',
  sink: 'sink',
};

/** Actors of a job: `/job`, `/job/store-1`, `/job/attempt-3/coordinator`, `/job/attempt-3/2-count.0`. */
export function jobNames(plan: JobPlan): ActorNames {
  const vertices = new Map(plan.vertices.map((vertex) => [String(vertex.id), vertex]));
  const ofSubtask = (subtask: string, path: string): ActorName => {
    const vertex = vertices.get(subtask.slice(0, subtask.lastIndexOf('/')));
    if (vertex === undefined) return { path, role: null, names: [], subtask };
    const role = ROLE_OF_KIND[vertex.kind];
    return { path, role, names: [role, ...vertex.operators.map(({ uid }) => uid)], subtask };
  };
  const make = (path: string): ActorName => {
    const [, top, second = '', third = ''] = path.split('/');
    const plain = (role: JobRole): ActorName => ({ path, role, names: [role], subtask: null });
    if (top === 'job' && second === '') return plain('job');
    if (second.startsWith('store')) return plain('store');
    if (third === 'coordinator') return plain('coordinator');
    const dot = third.lastIndexOf('.');
    if (dot > 0) return ofSubtask(`${third.slice(0, dot)}/${third.slice(dot + 1)}`, path);
    return { path, role: null, names: [], subtask: null };
  };
  const subtasks = remembered((subtask) => ofSubtask(subtask, subtask));
  return { of: remembered(make), ofSubtask: subtasks };
}

/** Actors of an app are called by their path, or by their last name. */
export function appNames(): ActorNames {
  const of = remembered((path: string): ActorName => {
    const last = path.slice(path.lastIndexOf('/') + 1);
    return { path, role: null, names: path === '/' ? [] : [path, last], subtask: null };
  });
  return { of, ofSubtask: of };
}

function remembered<T>(make: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = make(key);
    known.set(key, made);
    return made;
  };
}
