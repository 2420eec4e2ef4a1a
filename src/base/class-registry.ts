// Classes whose instances are values: how each is written as plain data and made again.
//
// Owns:    the types by class and by name, for the whole process.
// Not:     the bytes (codec.ts), which checkpoint needs which type (segments and lists of manifest.ts).
//
// T1. A name stands for one class. It is in stored bytes, so it outlives the process that registered it.
// T2. A type covers the instances of its class alone: a subclass may have fields that `encode` knows nothing of, and needs
//     a registration of its own.

import { ConfigError } from './errors.js';

/** A class as `registerType` takes it, whatever its constructor wants. */
export interface RegistrableClass {
  readonly name: string;
  readonly prototype: unknown;
}

/** How instances of a class become data, and instances again. */
export interface TypeDefinition<T, D, C> {
  /**
   * Names the type in stored bytes, for good. Default: the name of the class, which does where no bundler shortens it.
   */
  readonly name?: string;
  /** The instance as data: plain values, or instances of other registered types. Leaves the instance as it is. */
  readonly encode: (value: T) => D;
  /** An instance equal to the one that `encode` was given; `type` is the registered class. */
  readonly decode: (data: D, type: C) => T;
}

export interface RegisteredType {
  readonly name: string;
  readonly type: RegistrableClass;
  encode(value: unknown): unknown;
  decode(data: unknown): unknown;
}

const byPrototype = new Map<unknown, RegisteredType>();
const byName = new Map<string, RegisteredType>();

/**
 * Lets instances of a class be stored: in state, events, positions, wherever a value becomes bytes. Call it when your program
 * loads, before `run`, in every process that reads or writes them. Subclasses need registrations of their own. Registering a
 * class again replaces its functions. Throws ConfigError when the name or the class is taken.
 */
export function registerType<C extends RegistrableClass, D>(
  type: C,
  definition: TypeDefinition<C['prototype'], D, C>,
): void {
  const given: unknown = type;
  if (typeof given !== 'function') {
    throw new ConfigError(`registerType takes a class, got ${typeof given}.`, {
      remedy: 'Write registerType(Money, { encode, decode }).',
    });
  }
  if (typeof definition.encode !== 'function' || typeof definition.decode !== 'function') {
    throw new ConfigError(`The type of class ${type.name} has no encode, or no decode.`, {
      remedy: 'Give both: encode(value) answers plain data, decode(data) the value again.',
    });
  }
  const name = definition.name ?? type.name;
  checkFree(name, type);
  const registered: RegisteredType = {
    name,
    type,
    encode: (value) => definition.encode(value as C['prototype']),
    decode: (data) => definition.decode(data as D, type),
  };
  byPrototype.set(type.prototype, registered);
  byName.set(name, registered);
}

/** The type whose instances have this prototype. */
export function typeOfPrototype(prototype: unknown): RegisteredType | undefined {
  return byPrototype.get(prototype);
}

export function typeOfName(name: string): RegisteredType | undefined {
  return byName.get(name);
}

/** Those names that nobody has registered in this process. */
export function missingTypes(names: Iterable<string>): readonly string[] {
  return [...new Set(names)].filter((name) => !byName.has(name)).sort();
}

function checkFree(name: string, type: RegistrableClass): void {
  if (name === '') {
    throw new ConfigError('A type without name cannot be found again in stored bytes.', {
      remedy: 'Give the registration a name: registerType(Class, { name, encode, decode }).',
    });
  }
  if (BUILT_IN.has(type.prototype)) {
    throw new ConfigError(`Values of the built-in class ${type.name} are stored as they are.`, {
      remedy: 'Leave the registration out.',
    });
  }
  const named = byName.get(name);
  if (named !== undefined && named.type !== type) {
    throw new ConfigError(`Two classes are registered as type "${name}".`, {
      remedy:
        'Give one of them another name. If it is one class, your program loads its module twice, for instance as CommonJS and as ESM.',
    });
  }
  const registered = byPrototype.get(type.prototype);
  if (registered !== undefined && registered.name !== name) {
    throw new ConfigError(`Class ${type.name} is registered as "${registered.name}" and as "${name}".`, {
      remedy: 'Register it once: its name is in stored bytes.',
    });
  }
}

const BUILT_IN: ReadonlySet<unknown> = new Set<unknown>(
  [Object, Array, Map, Set, Date, RegExp, Error, ArrayBuffer, DataView, Uint8Array, Buffer].map(
    (type) => type.prototype,
  ),
);
