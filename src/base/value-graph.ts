// Values of any shape as a flat list of nodes: what msgpackr cannot carry exactly, and why the rest cannot be stored.
//
// Owns:    which values are storable; the place of one that is not; the nodes. Stored bytes: a change needs a new
//          GRAPH_VERSION (codec.ts) and a decision note.
// Not:     the bytes, and which values can do without (codec.ts).
//
// A slot is a primitive, or [n]: node n. Nodes:
//   ['z'] -0 · ['s', json] a text that UTF-8 would not bring back · ['o' | 'n', keys, slots] object, with or without prototype
//   ['a', slots] array · ['h', length, indexes, slots] array with holes · ['m', keys, slots] Map · ['e', slots] Set
//   ['d', ms] Date · ['r', source, flags, lastIndex] RegExp · ['v', binary] · ['b', bytes] Buffer
//   ['x', class, keys, slots, enumerable] Error · ['t', type, slot] instance of a registered type, by its index in `types`
//
// G1. What flatten accepts, unflatten brings back equal: prototypes, -0, holes, order of keys, sharing and cycles included.
// G2. A cycle may not pass through an instance of a registered type: `decode` would have to be given what it is to make.

import { present } from './assert.js';
import { typeOfPrototype } from './class-registry.js';
import { messageOf } from './errors.js';
import { VALUE_DEPTH_MAX } from './limits.js';

export interface Graph {
  readonly root: unknown;
  readonly nodes: readonly (readonly unknown[])[];
  /** Names of the registered types whose instances are in it. */
  readonly types: readonly string[];
}

/** A value that is no data, and where it is. */
export class NotStorable extends Error {
  /** `a function`, `an instance of Money`. */
  readonly what: string;
  readonly path: string;
  readonly remedy: string;
  /** Not what the value is, but how deep it lies. */
  readonly isTooDeep: boolean;

  constructor(what: string, path: string, remedy: string, cause?: unknown) {
    super(`Expected data, got ${what} at ${path}.`, cause === undefined ? undefined : { cause });
    this.what = what;
    this.path = path;
    this.remedy = remedy;
    this.isTooDeep = remedy === FLATTEN;
  }
}

const LEAVE_OUT = 'Keep only data in state and records: leave it out, or store what it stands for.';
const FLATTEN = 'Store nested data flat: a list of parts, each with the number of its parent.';
const PLAIN_ARRAY = 'Store an array of its elements, or an object with the array and the other fields.';
/** A path in a message: enough to find the place. */
const PATH_CHARS_MAX = 200;

/** The value as a graph. Throws NotStorable. `root` is how messages call the value. */
export function flatten(value: unknown, root = 'value'): Graph {
  const flattener = new Flattener(root);
  return { root: flattener.slot(value), nodes: flattener.nodes, types: [...flattener.types.keys()] };
}

class Flattener {
  readonly nodes: unknown[][] = [];
  readonly types = new Map<string, number>();
  private readonly root: string;
  private readonly slots = new Map<object, readonly [number]>();
  /** The containers that the walk is inside of, with their depth. */
  private readonly open = new Map<object, number>();
  /** Depths of the instances of registered types that the walk is inside of. */
  private readonly instances: number[] = [];
  private readonly path: string[] = [];

  constructor(root: string) {
    this.root = root;
  }

  slot(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        return isExactText(value) ? value : this.node(['s', JSON.stringify(value)]);
      case 'number':
        return Object.is(value, -0) ? this.node(['z']) : value;
      case 'function':
      case 'symbol':
        throw this.refuse(`a ${typeof value}`, LEAVE_OUT);
      case 'object':
        return value === null ? value : this.objectSlot(value);
      default:
        return value;
    }
  }

  private objectSlot(value: object): readonly [number] {
    const known = this.slots.get(value);
    if (known !== undefined) {
      this.refuseCycle(value);
      return known;
    }
    const depth = this.open.size;
    if (depth >= VALUE_DEPTH_MAX) {
      throw this.refuse(`more than ${VALUE_DEPTH_MAX} levels of nesting`, FLATTEN);
    }
    const node: unknown[] = [];
    const slot = this.node(node);
    this.slots.set(value, slot);
    this.open.set(value, depth);
    for (const part of this.partsOf(value, depth)) node.push(part);
    this.open.delete(value);
    return slot;
  }

  private refuseCycle(value: object): void {
    const depth = this.open.get(value);
    const instance = this.instances.at(-1);
    if (depth === undefined || instance === undefined || depth > instance) return;
    throw this.refuse('a cycle through an instance of a registered type', 'Break the cycle in its encode.');
  }

  private partsOf(value: object, depth: number): unknown[] {
    const prototype: unknown = Object.getPrototypeOf(value);
    const registered = typeOfPrototype(prototype);
    if (registered !== undefined) return this.instanceParts(value, registered, depth);
    if (prototype === null) return ['n', ...this.fields(value)];
    if (Array.isArray(value)) return this.arrayParts(value, prototype);
    if (isObjectPrototype(prototype)) return ['o', ...this.fields(value)];
    return this.builtInParts(value, prototype);
  }

  private instanceParts(
    value: object,
    registered: { readonly name: string; encode(value: unknown): unknown },
    depth: number,
  ): unknown[] {
    let data: unknown;
    try {
      data = registered.encode(value);
    } catch (cause) {
      throw this.refuse(
        `an instance of ${registered.name} whose encode threw "${messageOf(cause)}"`,
        'Mend the encode of its registration.',
        '',
        cause,
      );
    }
    let type = this.types.get(registered.name);
    if (type === undefined) {
      type = this.types.size;
      this.types.set(registered.name, type);
    }
    this.instances.push(depth);
    const slot = this.at('.encode()', data);
    this.instances.pop();
    return ['t', type, slot];
  }

  private fields(value: object): [unknown[], unknown[]] {
    const keys: unknown[] = [];
    const slots: unknown[] = [];
    for (const key of Reflect.ownKeys(value)) {
      if (typeof key === 'symbol') throw this.refuse('a symbol as a key', LEAVE_OUT, `[${String(key)}]`);
      const property = Object.getOwnPropertyDescriptor(value, key);
      if (property?.get !== undefined || property?.set !== undefined)
        throw this.refuse('a getter or setter', LEAVE_OUT, stepOf(key));
      if (property?.enumerable === false)
        throw this.refuse('a property that is not enumerable', LEAVE_OUT, stepOf(key));
      keys.push(this.slot(key));
      slots.push(this.at(stepOf(key), property?.value));
    }
    return [keys, slots];
  }

  private arrayParts(items: readonly unknown[], prototype: unknown): unknown[] {
    // Array.prototype is an array itself, that of another realm too; the prototype of a subclass is not.
    if (!Array.isArray(prototype)) throw this.refuseInstance(items);
    const slots: unknown[] = [];
    const indexes: number[] = [];
    for (const [key, item] of Object.entries(items)) {
      const index = Number(key);
      if (String(index >>> 0) !== key || index >= items.length)
        throw this.refuse('a field of an array', PLAIN_ARRAY, stepOf(key));
      indexes.push(index);
      slots.push(this.at(`[${key}]`, item));
    }
    if (Object.getOwnPropertySymbols(items).length > 0)
      throw this.refuse('a symbol as a key of an array', PLAIN_ARRAY);
    return indexes.length === items.length ? ['a', slots] : ['h', items.length, indexes, slots];
  }

  private builtInParts(value: object, prototype: unknown): unknown[] {
    if (prototype === Buffer.prototype) return ['b', new Uint8Array(value as Buffer)];
    if (BINARY_PROTOTYPES.has(prototype)) return ['v', this.binary(value)];
    if (ERROR_CLASSES.has(prototype)) return this.errorParts(value, prototype);
    if (!CONTAINERS.has(prototype)) throw this.refuseInstance(value);
    // A RegExp has `lastIndex`, the others have nothing.
    if (Reflect.ownKeys(value).length > (prototype === RegExp.prototype ? 1 : 0)) {
      throw this.refuse(`${named(value)} with fields of its own`, LEAVE_OUT);
    }
    switch (prototype) {
      case Map.prototype: {
        const pairs = [...(value as Map<unknown, unknown>)];
        const keys = pairs.map(([key]) => this.at('.keys()', key));
        return ['m', keys, pairs.map(([key, part]) => this.at(`.get(${shownKey(key)})`, part))];
      }
      case Set.prototype:
        return ['e', [...(value as Set<unknown>)].map((part) => this.at('.values()', part))];
      case Date.prototype:
        return ['d', (value as Date).getTime()];
      default: {
        const { source, flags, lastIndex } = value as RegExp;
        return ['r', source, flags, lastIndex];
      }
    }
  }

  private binary(value: object): object {
    if (hasOwnMemory(value)) return value;
    throw this.refuse(`${named(value)} on shared or resizable memory`, 'Store a copy of the bytes.');
  }

  private errorParts(value: object, prototype: unknown): unknown[] {
    const keys: unknown[] = [];
    const slots: unknown[] = [];
    const enumerable: boolean[] = [];
    for (const key of Reflect.ownKeys(value)) {
      if (typeof key === 'symbol') throw this.refuse('a symbol as a key', LEAVE_OUT, `[${String(key)}]`);
      keys.push(this.slot(key));
      slots.push(this.at(stepOf(key), Reflect.get(value, key)));
      enumerable.push(Object.prototype.propertyIsEnumerable.call(value, key));
    }
    return ['x', present(ERROR_CLASSES.get(prototype), 'a class of errors').name, keys, slots, enumerable];
  }

  private at(step: string, part: unknown): unknown {
    this.path.push(step);
    const slot = this.slot(part);
    this.path.pop();
    return slot;
  }

  private node(node: unknown[]): readonly [number] {
    this.nodes.push(node);
    return [this.nodes.length - 1];
  }

  private refuseInstance(value: object): NotStorable {
    if (typeof (value as { readonly then?: unknown }).then === 'function')
      return this.refuse('a promise', 'Wait for it before the value is stored, in the source for instance.');
    const name = value.constructor?.name || 'a class without name';
    return this.refuse(
      `an instance of ${name}`,
      `Register the class, registerType(${name}, { encode, decode }), or store its fields as a plain object.`,
    );
  }

  private refuse(what: string, remedy: string, step = '', cause?: unknown): NotStorable {
    const path = `${this.root}${this.path.join('')}${step}`;
    const shown = path.length > PATH_CHARS_MAX ? `${path.slice(0, PATH_CHARS_MAX)}…` : path;
    return new NotStorable(what, shown, remedy, cause);
  }
}

/** Classes of errors by prototype; a subclass of the user's needs a registration, as every class does. */
export const ERROR_CLASSES: ReadonlyMap<unknown, ErrorConstructor> = new Map<unknown, ErrorConstructor>(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((type) => [
    type.prototype,
    type,
  ]),
);

const CONTAINERS: ReadonlySet<unknown> = new Set<unknown>(
  [Map, Set, Date, RegExp].map((type) => type.prototype),
);

/** What msgpackr writes as bytes: buffers, views, typed arrays of the built-in classes. */
export const BINARY_PROTOTYPES: ReadonlySet<unknown> = new Set<unknown>([
  ArrayBuffer.prototype,
  DataView.prototype,
  ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array].map(
    (type) => type.prototype,
  ),
  ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array].map((type) => type.prototype),
]);

/** True for a text that comes back from UTF-8 as it was: no half of a surrogate pair, and no mark that readers swallow. */
export function isExactText(text: string): boolean {
  return (text as WellFormedText).isWellFormed() && text.charCodeAt(0) !== BYTE_ORDER_MARK;
}

type WellFormedText = string & { isWellFormed(): boolean };
/** At the front of a longer text, msgpackr swallows it on hosts without its native part. */
const BYTE_ORDER_MARK = 0xfeff;

/** Not shared with threads and not resizable: a copy would be neither. */
export function hasOwnMemory(value: object): boolean {
  const memory = ArrayBuffer.isView(value) ? value.buffer : value;
  return memory instanceof ArrayBuffer && (memory as { readonly resizable?: boolean }).resizable !== true;
}

/** Object.prototype, of this realm or another: what JSON.parse makes inside `node:vm`, for instance, is plain as well. */
function isObjectPrototype(prototype: unknown): boolean {
  if (prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

function stepOf(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function shownKey(key: unknown): string {
  if (typeof key === 'string') return JSON.stringify(key);
  return typeof key === 'object' || typeof key === 'symbol' ? typeof key : String(key);
}

function named(value: object): string {
  return `a ${value.constructor?.name ?? 'value'}`;
}
