// From what a user hands to `process` to the instance that one subtask runs.
//
// Owns:    the three forms - class, factory, object - and how each yields an instance of its own.
//
// N1. Every subtask of every attempt has an instance of its own: subtasks of one process that shared one would share its
//     fields, and a restart would find what the failed attempt left in them.
// N2. So a ready-made instance of a class is refused. An object literal is not: each subtask works on an object that inherits
//     from it, with copies of its state handles, and a literal with other objects in its fields is refused, because those
//     would be shared.

import type { KeyedBackend } from '../state/keyed-backend.js';
import { KeyedProcessFunction, ProcessFunction } from './process-function.js';
import { collectHandles, StateHandle } from './state-handles.js';
import { type CodePlace, contractError, expectNow, shown, userError } from './user-code.js';

/** `process(Dedup)`, `process(() => new Dedup(5))` or `process({ onElement(value, context) { ... } })`. */
export type FunctionDefinition<F extends object> = (new () => F) | (() => F) | F;

export interface FunctionInstance<F> {
  readonly fn: F;
  readonly handles: readonly StateHandle[];
}

/** What is wrong with a definition, as a sentence, or null. For checks before the job starts. */
export function problemOfDefinition(definition: unknown): string | null {
  if (typeof definition === 'function') return null;
  if (typeof definition !== 'object' || definition === null) {
    return `expected a class, a factory or an object with onElement, got ${shown(definition)}`;
  }
  const prototype: unknown = Object.getPrototypeOf(definition);
  if (prototype !== Object.prototype && prototype !== null) {
    const name = definition.constructor.name;
    return `an instance of ${name} would be shared by all subtasks and attempts; pass the class (${name}) or a factory (() => new ${name}(...))`;
  }
  for (const [field, value] of Object.entries(definition)) {
    if (typeof value !== 'object' || value === null || value instanceof StateHandle) continue;
    return `field "${field}" would be shared by all subtasks; pass a factory (() => ({ ... })) or create it in open`;
  }
  return 'onElement' in definition && typeof definition.onElement === 'function'
    ? null
    : 'expected a method onElement(value, context)';
}

/** The instance for one subtask. UserCodeError when the definition is wrong, or throws. */
export function instantiate<F extends object>(
  definition: FunctionDefinition<F>,
  place: CodePlace,
): FunctionInstance<F> {
  const problem = problemOfDefinition(definition);
  if (problem !== null) {
    throw contractError(
      place,
      `The function of process cannot be used: ${problem}.`,
      'Change what is passed to process.',
    );
  }
  if (typeof definition !== 'function') return inherit(definition);
  const { made, handles } = construct(definition, place);
  if (
    typeof made === 'object' &&
    made !== null &&
    'onElement' in made &&
    typeof made.onElement === 'function'
  ) {
    return { fn: made, handles };
  }
  expectNow(place, 'the factory of process', made);
  throw contractError(
    place,
    `Expected the factory of process to answer an object with onElement, got ${shown(made)}.`,
    'Pass a class, or a function without parameters that returns a new object.',
  );
}

/** Connects the handles of an instance to the state of its operator. */
export function bindHandles(
  handles: readonly StateHandle[],
  keyed: KeyedBackend | null,
  place: CodePlace,
): void {
  for (const handle of handles) {
    if (keyed !== null) handle.bind(keyed);
    else {
      throw contractError(
        place,
        `State "${handle.name}" needs a key, and this stream has none.`,
        'Call keyBy before process.',
      );
    }
  }
}

function construct<F extends object>(
  definition: (new () => F) | (() => F),
  place: CodePlace,
): { readonly made: F; readonly handles: readonly StateHandle[] } {
  try {
    return collectHandles(() => (isClass(definition) ? new definition() : definition()));
  } catch (cause) {
    throw userError(place, 'the constructor of the process function', cause);
  }
}

function isClass<F>(definition: (new () => F) | (() => F)): definition is new () => F {
  const prototype: unknown = definition.prototype;
  if (prototype instanceof ProcessFunction || prototype instanceof KeyedProcessFunction) return true;
  return /^class\b/.test(Function.prototype.toString.call(definition));
}

function inherit<F extends object>(literal: F): FunctionInstance<F> {
  const fn = Object.create(literal) as F;
  const handles: StateHandle[] = [];
  for (const [field, value] of Object.entries(literal)) {
    if (!(value instanceof StateHandle)) continue;
    const copy = value.copy();
    handles.push(copy);
    Object.defineProperty(fn, field, { value: copy, enumerable: true });
  }
  return { fn, handles };
}
