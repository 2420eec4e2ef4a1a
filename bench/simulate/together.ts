// Several shapes in one job.
//
// Owns:    putting the operators of many shapes behind one source, each under uids of its own.
// Not:     which shapes go together (shapes-together.ts).
//
// T1. What a run costs is its attempts and its checkpoints, not its operators: a job of six shapes looks at six times as much with
//     each crash, and is drawn as often as one of them.
// T2. Results of all of them are compared at once; the models are those of the shapes.

import type { Shape } from './shape.js';

type Settings = Pick<Shape, 'oracle' | 'splits' | 'rows' | 'watermarks' | 'run' | 'withoutKinds'>;

/** All results of all of them. They share their settings, so only shapes go together that can. */
export function together(name: string, settings: Settings, members: readonly Shape[]): Shape {
  return {
    ...settings,
    name,
    build(rows, world) {
      const [first, ...others] = members.map((member) =>
        member.build(prefixed(rows, `${member.name}/`), world),
      );
      if (first === undefined) throw new Error(`${name} has no members`);
      return unwrapped(first).union(...others.map(unwrapped));
    },
    model: (rows) => members.flatMap((member) => member.model?.(rows) ?? []),
  };
}

const TARGET: unique symbol = Symbol('stream');

/** The stream, and all that is derived from it, with other uids. */
function prefixed<S extends object>(stream: S, prefix: string): S {
  return new Proxy(stream, {
    get(target, property) {
      if (property === TARGET) return target;
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      return (...given: readonly unknown[]): unknown => {
        const [first, ...rest] = given.map(unwrapped);
        const named =
          property === 'uid' ? [`${prefix}${String(first)}`] : [first, ...rest].slice(0, given.length);
        const answer: unknown = Reflect.apply(value, target, named);
        return typeof answer === 'object' && answer !== null ? prefixed(answer, prefix) : answer;
      };
    },
  });
}

function unwrapped<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  return ((value as { readonly [TARGET]?: T })[TARGET] ?? value) as T;
}
