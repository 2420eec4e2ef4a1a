// Replacing properties of objects that Node owns, and putting them back.
//
// Owns:    how a function, a getter or a class is replaced so that it looks and behaves as before outside of a step.
// Not:     what it does inside of one.
//
// P1. A property is replaced where it lives, on the object or up its prototype chain, and restored there, last one first.
// P2. The replacement has the name, length and own properties of the original.

import type { SimulatedSurroundings } from './simulated-globals-surroundings.js';

/** Any function whatever: it is only passed on. */
export type Callable = (this: unknown, ...args: never[]) => unknown;

/** What a function does inside of a step. */
export type InStep = (
  surroundings: SimulatedSurroundings,
  args: readonly unknown[],
  original: (...args: readonly unknown[]) => unknown,
) => unknown;

interface Replaced {
  readonly owner: object;
  readonly key: PropertyKey;
  readonly descriptor: PropertyDescriptor;
}

export class PatchSet {
  readonly current: () => SimulatedSurroundings | null;
  readonly #replaced: Replaced[] = [];

  constructor(current: () => SimulatedSurroundings | null) {
    this.current = current;
  }

  /** Replaces a method or function-valued property; absent ones, of other versions of Node, are passed over. */
  function(start: object, key: PropertyKey, inStep: InStep): void {
    const original = propertyOf(start, key)?.value as unknown;
    if (isCallable(original)) this.value(start, key, this.wrap(original, inStep));
  }

  /** The same under several names. */
  functions(start: object, table: Readonly<Record<string, InStep>>): void {
    for (const [key, inStep] of Object.entries(table)) this.function(start, key, inStep);
  }

  /** Replaces what a getter answers. */
  getter(
    start: object,
    key: PropertyKey,
    inStep: (surroundings: SimulatedSurroundings, answer: unknown) => unknown,
  ): void {
    const { current } = this;
    const original = propertyOf(start, key)?.get;
    if (original === undefined) return;
    const get = function (this: unknown): unknown {
      const answer: unknown = Reflect.apply(original, this, []);
      const surroundings = current();
      return surroundings === null ? answer : inStep(surroundings, answer);
    };
    this.#define(start, key, (descriptor) => ({ ...descriptor, get: likeOriginal(get, original) }));
  }

  /** Puts a value in the place of another one; a getter that answers a class becomes one that answers `value`. */
  value(start: object, key: PropertyKey, value: unknown): void {
    this.#define(start, key, (descriptor) =>
      descriptor.get === undefined ? { ...descriptor, value } : { ...descriptor, get: () => value },
    );
  }

  /** The function that asks each time whether it is called inside of a step. */
  wrap(original: Callable, inStep: InStep): Callable {
    const { current } = this;
    const wrapper = function (this: unknown, ...args: unknown[]): unknown {
      const surroundings = current();
      if (surroundings === null) return Reflect.apply(original, this, args as never[]);
      return inStep(surroundings, args, (...given) => Reflect.apply(original, this, given as never[]));
    };
    return likeOriginal(wrapper, original);
  }

  /** Puts everything back. */
  restore(): void {
    for (const { owner, key, descriptor } of this.#replaced.reverse()) {
      Object.defineProperty(owner, key, descriptor);
    }
    this.#replaced.length = 0;
  }

  #define(
    start: object,
    key: PropertyKey,
    change: (descriptor: PropertyDescriptor) => PropertyDescriptor,
  ): void {
    const owner = ownerOf(start, key);
    const descriptor = owner === null ? undefined : Object.getOwnPropertyDescriptor(owner, key);
    if (owner === null || descriptor?.configurable !== true) return;
    this.#replaced.push({ owner, key, descriptor });
    Object.defineProperty(owner, key, change(descriptor));
  }
}

export function propertyOf(start: object, key: PropertyKey): PropertyDescriptor | undefined {
  const owner = ownerOf(start, key);
  return owner === null ? undefined : Object.getOwnPropertyDescriptor(owner, key);
}

export function isCallable(value: unknown): value is Callable {
  return typeof value === 'function';
}

function ownerOf(start: object, key: PropertyKey): object | null {
  let owner: object | null = start;
  while (owner !== null && !Object.hasOwn(owner, key)) owner = Reflect.getPrototypeOf(owner);
  return owner;
}

function likeOriginal<Wrapper extends object>(wrapper: Wrapper, original: object): Wrapper {
  return Object.defineProperties(wrapper, Object.getOwnPropertyDescriptors(original)) as Wrapper;
}
