// Deep freezing of stored values, for development.
//
// Owns:    making stored plain data unchangeable, so that a change which would not be saved throws where it happens.
// Not:     production: there it costs too much, and such a change goes unnoticed.
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
  // The bound is for cyclic values, which the codec can store.
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
