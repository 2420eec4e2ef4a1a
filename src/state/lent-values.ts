// Values that came out of state and can be changed in place, while a user's function has them. Development only.
//
// Owns:    noticing that such a value has changed and was not put back.
// Not:     plain objects and arrays, which are frozen and throw where they are changed (freeze.ts).
//
// N1. State is what was put. A change in place happens to be seen until the process dies, and is gone after it.
// N2. A value is compared with itself when the call in hand is over, and when a snapshot begins. What was put again meanwhile,
//     replaced or removed is no change.

import { fingerprint } from '../base/codec.js';
import { type ErrorPlace, StateError } from '../base/errors.js';
import { originalKey } from './key.js';
import { ListCell } from './list-cell.js';
import type { Entry } from './table.js';
import type { Stamped } from './ttl.js';

interface Lent {
  readonly entry: Entry;
  readonly bytes: Uint8Array;
}

export class LentValues {
  private readonly place: ErrorPlace;
  private readonly lent = new Map<object, Lent>();

  constructor(place: ErrorPlace) {
    this.place = place;
  }

  /** A reader gets this value of the entry. */
  lend(entry: Entry, value: unknown): void {
    if (
      typeof value !== 'object' ||
      value === null ||
      this.lent.has(value) ||
      !isChangeable(value, new Set())
    )
      return;
    this.lent.set(value, { entry, bytes: fingerprint(value) });
  }

  /** The value is put, as it is now. */
  put(value: unknown): void {
    if (this.lent.size > 0) this.lent.delete(value as object);
  }

  /** Throws StateError for the first value that has changed; forgets them all. */
  verify(): void {
    if (this.lent.size === 0) return;
    const lent = [...this.lent];
    this.lent.clear();
    for (const [value, { entry, bytes }] of lent) {
      if (isHeld(entry, value) && !isSame(bytes, fingerprint(value))) throw this.changed(entry, value);
    }
  }

  private changed(entry: Entry, value: object): StateError {
    const { table, namespace } = entry.space;
    const isMap = table.kind === 'map' && namespace !== null && typeof namespace !== 'object';
    const key = originalKey(isMap ? namespace : entry.key);
    const of = isMap ? ` at ${shownKey(originalKey(entry.key))}` : '';
    const kind = Object.getPrototypeOf(value)?.constructor?.name ?? 'object';
    return new StateError(
      `A value of state "${table.name}"${of} was changed in place and not put back (${kind}, key ${shownKey(key)}): the next crash would lose the change.`,
      {
        ...this.place,
        remedy:
          'Use set: change a copy and put it, `state.set(new Set([...seen, id]))`, or put the changed value itself.',
        unrecoverable: true,
      },
    );
  }
}

/** Whether anything in it can be changed although plain data is frozen. */
function isChangeable(value: unknown, seen: Set<object>): boolean {
  if (typeof value !== 'object' || value === null || seen.has(value)) return false;
  seen.add(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = Array.isArray(value) || prototype === Object.prototype || prototype === null;
  return !isPlain || Object.values(value).some((part) => isChangeable(part, seen));
}

function isHeld(entry: Entry, value: object): boolean {
  const { space } = entry;
  if (space.table.find(space.namespace) !== space || space.get(entry.key) !== entry) return false;
  const held = entry.value;
  const parts = held instanceof ListCell ? held.items : [held];
  return parts.some((part) => part === value || (space.table.stamped && (part as Stamped).value === value));
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

const KEY_CHARS_MAX = 60;

function shownKey(key: unknown): string {
  const text = typeof key === 'bigint' ? `${key}n` : (JSON.stringify(key) ?? String(key));
  return text.length > KEY_CHARS_MAX ? `${text.slice(0, KEY_CHARS_MAX)}…` : text;
}
