// Whether a value is of the usual kind, which msgpackr carries exactly.
//
// Owns:    one fast look at every part of a value before it is written.
// Not:     anything that is refused (value-graph.ts): "not plain" only means that the slow way decides.
//
// N1. It never answers true for a value that would come back different, but for what it does not look at, because looking
//     would cost as much as writing: getters, properties that are not enumerable or named by symbols, fields on arrays,
//     Maps, Sets, Dates and typed arrays. `flatten` sees all of these.

import { PLAIN_KEYS_KEPT, VALUE_DEPTH_MAX, VALUE_SCAN_OBJECTS_MAX } from './limits.js';
import { BINARY_PROTOTYPES, hasOwnMemory, isExactText } from './value-graph.js';

/** True: msgpackr brings the value back as it is. False: it may not. */
export function isPlain(value: unknown): boolean {
  return new Scan().isPlain(value, 0);
}

/** Names of fields that were found to be plain: records have the same few, and a look at this costs less than one at the text. */
const plainKeys = new Set<string>();

function isPlainKey(key: string): boolean {
  // msgpackr asks a value for these, and takes `__proto__` for an attack.
  if (key === 'constructor' || key === 'toJSON' || key === '__proto__' || !isExactText(key)) return false;
  if (plainKeys.size < PLAIN_KEYS_KEPT) plainKeys.add(key);
  return true;
}

class Scan {
  private left = VALUE_SCAN_OBJECTS_MAX;
  /** Only once the value has turned out to be large, or to lead back into itself. */
  private seen: Set<object> | null = null;

  isPlain(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        return isExactText(value);
      case 'number':
        return value !== 0 || Object.is(value, 0);
      case 'object':
        return value === null || this.isPlainObject(value, depth);
      case 'function':
      case 'symbol':
        return false;
      default:
        return true;
    }
  }

  private isPlainObject(value: object, depth: number): boolean {
    if (depth >= VALUE_DEPTH_MAX) return false;
    if (this.seen !== null) {
      if (this.seen.has(value)) return true;
      this.seen.add(value);
    } else if (--this.left < 0) {
      this.seen = new Set();
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype)
      return this.hasPlainFields(value as Record<string, unknown>, depth + 1);
    if (prototype === Array.prototype) return this.hasPlainItems(value as readonly unknown[], depth + 1);
    if (prototype === Map.prototype) {
      for (const [key, part] of value as Map<unknown, unknown>)
        if (!this.isPlain(key, depth + 1) || !this.isPlain(part, depth + 1)) return false;
      return true;
    }
    if (prototype === Set.prototype) {
      for (const part of value as Set<unknown>) if (!this.isPlain(part, depth + 1)) return false;
      return true;
    }
    return prototype === Date.prototype || (BINARY_PROTOTYPES.has(prototype) && hasOwnMemory(value));
  }

  private hasPlainFields(value: Record<string, unknown>, depth: number): boolean {
    for (const key in value) {
      if (!plainKeys.has(key) && !isPlainKey(key)) return false;
      const part = value[key];
      // The usual parts, without a call.
      if (typeof part === 'number' ? part === 0 && !Object.is(part, 0) : !this.isPlain(part, depth))
        return false;
    }
    return true;
  }

  private hasPlainItems(items: readonly unknown[], depth: number): boolean {
    for (let index = 0; index < items.length; index += 1) {
      const item = items[index];
      if (item === undefined && !(index in items)) return false;
      if (!this.isPlain(item, depth)) return false;
    }
    return true;
  }
}
