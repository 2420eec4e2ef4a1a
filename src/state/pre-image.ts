// A copy of a value that is about to change while a snapshot still needs it.
//
// Owns:    fast copies of plain data.
// Not:     values of other kinds: the caller encodes them at once, which is always right but ten times slower.
//
// I1. A copy shares nothing mutable with its original.

import { KEY_DEPTH_MAX } from '../base/limits.js';

/** Answer of `copyOf` for a value that it does not know how to copy. */
export const NOT_COPIED: unique symbol = Symbol('not copied');

/** A deep copy of plain data, Dates, Maps, Sets and typed arrays; NOT_COPIED for anything else. */
export function copyOf(value: unknown): unknown {
  return copy(value, 0);
}

function copy(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > KEY_DEPTH_MAX) return NOT_COPIED;
  if (Array.isArray(value)) return copyArray(value, depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return copyObject(value, depth);
  return copyBuiltIn(value, depth);
}

function copyArray(items: readonly unknown[], depth: number): unknown {
  const copies = items.slice();
  for (let index = 0; index < copies.length; index += 1) {
    const item = copies[index];
    if (typeof item !== 'object' || item === null) continue;
    const copied = copy(item, depth + 1);
    if (copied === NOT_COPIED) return NOT_COPIED;
    copies[index] = copied;
  }
  return copies;
}

function copyObject(object: object, depth: number): unknown {
  // Spreading keeps the shape, and V8 copies known shapes as a block.
  const fields: Record<string, unknown> = { ...object };
  for (const name in fields) {
    const field = fields[name];
    if (typeof field !== 'object' || field === null) continue;
    const copied = copy(field, depth + 1);
    if (copied === NOT_COPIED) return NOT_COPIED;
    fields[name] = copied;
  }
  return fields;
}

function copyBuiltIn(value: object, depth: number): unknown {
  if (value instanceof Date) return new Date(value.getTime());
  if (value instanceof Map) {
    const pairs = copyArray([...value], depth);
    return pairs === NOT_COPIED ? NOT_COPIED : new Map(pairs as [unknown, unknown][]);
  }
  if (value instanceof Set) {
    const items = copyArray([...value], depth);
    return items === NOT_COPIED ? NOT_COPIED : new Set(items as unknown[]);
  }
  // Not `value.slice()`: that of a Buffer shares the memory.
  if (value instanceof Uint8Array) return Uint8Array.prototype.slice.call(value);
  if (value instanceof Float64Array || value instanceof Int32Array) return value.slice();
  return NOT_COPIED;
}
