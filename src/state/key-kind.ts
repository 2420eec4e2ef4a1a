// What kind of value a key is, to notice that a job looks for its state under keys of another kind than it was written with.
//
// Owns:    the kind of a key, and the check of the first key after a start.
// Not:     what makes two keys the same (key.ts).
//
// D1. 7 and "7" are different keys, so a key function that changes its type finds none of its state and starts every key
//     anew, without a word. The first key after a start tells.
// D2. Only state whose keys are all of one kind says what kind is expected. The check looks at one key: a stream of mixed
//     keys passes it unless its very first key is of a kind that no key in its state has.

import { type ErrorPlace, RestoreError } from '../base/errors.js';
import { type MapKey, originalKey } from './key.js';

type KeyKind = 'string' | 'number' | 'bigint' | 'boolean' | 'Date' | 'array' | 'object';

export class KeyKindCheck {
  private readonly place: ErrorPlace;
  private readonly kinds = new Map<KeyKind, MapKey>();

  constructor(place: ErrorPlace) {
    this.place = place;
  }

  /** A key of the restored state. */
  note(key: MapKey): void {
    const kind = kindOf(key);
    if (!this.kinds.has(kind)) this.kinds.set(kind, key);
  }

  /** True when the state says what its keys are like. */
  get isDecided(): boolean {
    return this.kinds.size === 1;
  }

  /** Throws RestoreError when the first key is of another kind than all keys of the state. */
  first(key: MapKey): void {
    const kind = kindOf(key);
    const [stored] = this.kinds;
    if (stored === undefined || this.kinds.has(kind)) return;
    const [storedKind, example] = stored;
    throw new RestoreError(
      `The restored state was written under keys that are ${storedKind}s, such as ${shown(example)}; the first key of this run is a ${kind}, ${shown(key)}.`,
      {
        ...this.place,
        remedy:
          'Let the key function answer what it did before; or give the operator a new uid, to begin without its state; or set allowNonRestoredState.',
      },
    );
  }
}

function kindOf(key: MapKey): KeyKind {
  const value = originalKey(key);
  if (Array.isArray(value)) return 'array';
  if (value instanceof Date) return 'Date';
  const type = typeof value;
  return type === 'string' || type === 'number' || type === 'bigint' || type === 'boolean' ? type : 'object';
}

function shown(key: MapKey): string {
  const value = originalKey(key);
  const text = typeof value === 'bigint' ? `${value}n` : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
