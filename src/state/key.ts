// Keys: what makes two keys the same, in a form that a JavaScript Map can look up.
//
// Owns:    the canonical form of a key and the way back to the key that the user gave.
// Not:     hashing (key-hash.ts), key groups (key-groups.ts).
//
// K1. Keys are the same when they are structurally equal: property order does not matter, types do. 1, 1n, "1" and true are
//     four keys; 0 and -0 are one; NaN equals itself; a Date is its epoch milliseconds (semantics 1.3).
// K2. Strings, numbers, bigints and booleans are their own canonical form, so that the usual key costs nothing.
// K3. Every other form is a string that begins with ESCAPE; a string of the user's that begins with it is escaped as well.
// K4. The canonical form depends on the key alone: the same in every process and version. It is in stored bytes.

import { KeyError, type WeirErrorOptions } from '../base/errors.js';
import { KEY_DEPTH_MAX } from '../base/limits.js';
import { readCanonical } from './key-reader.js';

/** A key as Maps of the engine hold it. Never -0 and never NaN. */
export type MapKey = string | number | bigint | boolean;

const ESCAPE = '\u0000';
const ESCAPE_CODE = 0;
/** After ESCAPE: a string of the user's; NaN. Structures begin with a tag of `writeCanonical`. */
const STRING_MARK = 's';
const NAN_KEY = `${ESCAPE}N`;

/**
 * The canonical form of a key. Throws KeyError, at `place`, for what cannot be a key: undefined, null, functions, symbols,
 * instances of classes other than Date, cyclic or very deep structures. Inside a structure null is allowed, undefined is not.
 */
export function canonicalKey(key: unknown, place: WeirErrorOptions = {}): MapKey {
  switch (typeof key) {
    case 'string':
      return key.charCodeAt(0) === ESCAPE_CODE ? `${ESCAPE}${STRING_MARK}${key}` : key;
    case 'number':
      // Adding 0 turns -0 into 0.
      return Number.isNaN(key) ? NAN_KEY : key + 0;
    case 'bigint':
    case 'boolean':
      return key;
    default: {
      if (key === null || typeof key !== 'object') throw notAKey(key, 'key', place);
      const out = [ESCAPE];
      writeCanonical(key, 'key', 0, out, place);
      return out.join('');
    }
  }
}

/** The key that `canonicalKey` was given, or one that is structurally equal to it. */
export function originalKey(key: MapKey): unknown {
  if (typeof key !== 'string' || key.charCodeAt(0) !== ESCAPE_CODE) return key;
  if (key === NAN_KEY) return Number.NaN;
  return key[1] === STRING_MARK ? key.slice(2) : readCanonical(key, 1);
}

/** Tags: s string, n number, i bigint, t true, f false, z null, d date, a array, o object. Lengths make it unambiguous. */
function writeCanonical(
  value: unknown,
  path: string,
  depth: number,
  out: string[],
  place: WeirErrorOptions,
): void {
  switch (typeof value) {
    case 'string':
      out.push('s', String(value.length), ':', value);
      return;
    case 'number':
      out.push('n', String(value + 0), ';');
      return;
    case 'bigint':
      out.push('i', String(value), ';');
      return;
    case 'boolean':
      out.push(value ? 't' : 'f');
      return;
    case 'object':
      break;
    default:
      throw notAKey(value, path, place);
  }
  if (value === null) {
    out.push('z');
    return;
  }
  if (depth >= KEY_DEPTH_MAX) {
    throw new KeyError(
      `A key is at most ${KEY_DEPTH_MAX} levels deep; ${path.slice(0, 60)}... is deeper, or cyclic.`,
      {
        remedy: 'Use the few fields that identify the record as its key.',
        ...place,
      },
    );
  }
  writeStructure(value, path, depth, out, place);
}

function writeStructure(
  value: object,
  path: string,
  depth: number,
  out: string[],
  place: WeirErrorOptions,
): void {
  if (Array.isArray(value)) {
    out.push('a', String(value.length), ':');
    // By index, because forEach would skip the holes of a sparse array and a hole is an undefined part.
    for (let index = 0; index < value.length; index += 1) {
      writeCanonical(value[index], `${path}[${index}]`, depth + 1, out, place);
    }
  } else if (value instanceof Date) {
    const time = value.getTime();
    if (Number.isNaN(time)) throw notAKey('an invalid Date', path, place);
    out.push('d', String(time), ';');
  } else if (isPlain(value)) {
    const names = Object.keys(value).sort();
    out.push('o', String(names.length), ':');
    for (const name of names) {
      out.push(String(name.length), ':', name);
      writeCanonical(Reflect.get(value, name), `${path}.${name}`, depth + 1, out, place);
    }
  } else {
    throw notAKey(value, path, place);
  }
}

function isPlain(value: object): boolean {
  return hasPlainPrototype(value) && Object.getOwnPropertySymbols(value).length === 0;
}

function notAKey(value: unknown, path: string, place: WeirErrorOptions): KeyError {
  return new KeyError(
    `A key consists of strings, numbers, bigints, booleans, Dates, arrays and plain objects; ${path} is ${describe(value)}.`,
    {
      remedy: 'Return such a value from the key function; filter out the records that have no key.',
      ...place,
    },
  );
}

function describe(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'string') return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  if (hasPlainPrototype(value)) return 'an object with symbols as property names';
  return `an instance of ${value.constructor?.name ?? 'a class'}`;
}

function hasPlainPrototype(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
