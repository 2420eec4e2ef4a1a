// The way back from a graph (value-graph.ts) to the value.
//
// Owns:    making containers before their parts, so that cycles close.
//
// U1. A graph that flatten has not made ends in an error, never in a loop: each node is begun once.
// U2. What it says of lengths costs no memory by itself.

import { present } from './assert.js';
import { type RegisteredType, typeOfName } from './class-registry.js';
import { VALUE_DEPTH_MAX } from './limits.js';
import { ERROR_CLASSES, type Graph } from './value-graph.js';

/** The value of the graph. Throws what a damaged graph leads to, and what `decode` of a registered type throws. */
export function unflatten(graph: Graph): unknown {
  return new Reader(graph).value(graph.root);
}

const errorClasses = new Map([...ERROR_CLASSES.values()].map((type) => [type.name, type]));

/** Of the language. */
const ARRAY_LENGTH_MAX = 2 ** 32 - 1;

class Reader {
  private readonly nodes: Graph['nodes'];
  private readonly types: readonly (RegisteredType | undefined)[];
  private readonly made: unknown[] = [];
  private readonly begun: boolean[] = [];
  private depth = 0;

  constructor(graph: Graph) {
    this.nodes = graph.nodes;
    this.types = graph.types.map((name) => typeOfName(name));
  }

  value(slot: unknown): unknown {
    if (typeof slot !== 'object' || slot === null) return slot;
    const index = (slot as readonly [number])[0];
    if (this.begun[index] === true) return this.made[index];
    this.begun[index] = true;
    // A text or a -0 in the innermost container is a node, too.
    if (this.depth > VALUE_DEPTH_MAX)
      throw new Error(`it has more than ${VALUE_DEPTH_MAX} levels of nesting`);
    this.depth += 1;
    const read = this.read(index, present(this.nodes[index], 'a node of the graph'));
    this.depth -= 1;
    return read;
  }

  private keep<T>(index: number, value: T): T {
    this.made[index] = value;
    return value;
  }

  private read(index: number, node: readonly unknown[]): unknown {
    const [kind, first, second, third, fourth] = node;
    switch (kind) {
      case 'o':
        return this.fill(this.keep(index, {}), first, second);
      case 'n':
        return this.fill(this.keep(index, Object.create(null) as object), first, second);
      case 'a':
        return this.fillArray(this.keep(index, []), list(first));
      case 'h':
        return this.fillSparse(this.keep(index, holes(first)), list(second), list(third));
      case 'm':
        return this.fillMap(this.keep(index, new Map()), list(first), list(second));
      case 'e':
        return this.fillSet(this.keep(index, new Set()), list(first));
      case 'x':
        return this.readError(index, first, list(second), list(third), list(fourth));
      case 't': {
        const type = present(this.types[first as number], 'a registered type');
        return this.keep(index, type.decode(this.value(second)));
      }
      default:
        return this.keep(index, leaf(node));
    }
  }

  private fill(made: object, keys: unknown, slots: unknown): object {
    const values = list(slots);
    for (const [at, key] of list(keys).entries()) {
      // Not an assignment: that to `__proto__` sets the prototype.
      define(made, String(this.value(key)), this.value(values[at]), true);
    }
    return made;
  }

  private fillArray(made: unknown[], slots: readonly unknown[]): unknown[] {
    for (const slot of slots) made.push(this.value(slot));
    return made;
  }

  private fillSparse(made: unknown[], indexes: readonly unknown[], slots: readonly unknown[]): unknown[] {
    for (const [at, index] of indexes.entries()) {
      if (!(Number.isSafeInteger(index) && (index as number) >= 0 && (index as number) < made.length))
        throw notAsItShouldBe();
      made[index as number] = this.value(slots[at]);
    }
    return made;
  }

  private fillMap(
    made: Map<unknown, unknown>,
    keys: readonly unknown[],
    slots: readonly unknown[],
  ): Map<unknown, unknown> {
    // All keys first: flatten met them in this order, and what a registered type is given must be whole.
    const read = keys.map((key) => this.value(key));
    for (const [at, key] of read.entries()) made.set(key, this.value(slots[at]));
    return made;
  }

  private fillSet(made: Set<unknown>, slots: readonly unknown[]): Set<unknown> {
    for (const slot of slots) made.add(this.value(slot));
    return made;
  }

  private readError(
    index: number,
    name: unknown,
    keys: readonly unknown[],
    slots: readonly unknown[],
    enumerable: readonly unknown[],
  ): Error {
    const type = present(errorClasses.get(String(name)), 'a class of errors');
    const error = this.keep(index, new type());
    for (const key of Reflect.ownKeys(error)) Reflect.deleteProperty(error, key);
    for (const [at, key] of keys.entries()) {
      define(error, String(this.value(key)), this.value(slots[at]), enumerable[at] === true);
    }
    return error;
  }
}

function leaf([kind, first, second, third]: readonly unknown[]): unknown {
  switch (kind) {
    case 'z':
      return -0;
    case 's':
      return JSON.parse(first as string);
    case 'd':
      return new Date(first as number);
    case 'r': {
      const pattern = new RegExp(first as string, second as string);
      pattern.lastIndex = third as number;
      return pattern;
    }
    case 'v':
      return first;
    case 'b':
      return Buffer.from(first as Uint8Array);
    default:
      throw new Error(`a node has the unknown kind ${String(kind)}`);
  }
}

function define(target: object, key: string, value: unknown, enumerable: boolean): void {
  if (enumerable && key !== '__proto__') {
    Reflect.set(target, key, value);
    return;
  }
  Object.defineProperty(target, key, { value, enumerable, writable: true, configurable: true });
}

function list(part: unknown): readonly unknown[] {
  if (Array.isArray(part)) return part;
  throw notAsItShouldBe();
}

/** An array without elements. Given its length at once, it would reserve room for all of them. */
function holes(length: unknown): unknown[] {
  if (!(Number.isSafeInteger(length) && (length as number) >= 0 && (length as number) <= ARRAY_LENGTH_MAX))
    throw notAsItShouldBe();
  const made: unknown[] = [];
  if (length === 0) return made;
  made[(length as number) - 1] = null;
  delete made[(length as number) - 1];
  return made;
}

function notAsItShouldBe(): Error {
  return new Error('a node is not as it should be');
}
