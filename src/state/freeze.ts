// Deep freezing of stored values, for development.
//
// F1. Freezes arrays and plain objects all the way down. Typed arrays cannot be frozen; Map, Set and Date can, but their
//     contents stay changeable: all four are left as they are.

import { KEY_DEPTH_MAX } from '../base/limits.js';

/** Freezes `value` and what it contains, and answers it. */
export function deepFreeze<T>(value: T): T {
  freeze(value, 0);
  return value;
}

function freeze(value: unknown, depth: number): void {
  // Very deep or cyclic values are left to the codec, which refuses them with an error that names them.
  if (typeof value !== 'object' || value === null || depth > KEY_DEPTH_MAX) return;
  if (Array.isArray(value)) {
    for (const item of value) freeze(item, depth + 1);
    Object.freeze(value);
  } else if (isPlainObject(value)) {
    for (const item of Object.values(value)) freeze(item, depth + 1);
    Object.freeze(value);
  }
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
