// Reads the canonical form of a structured key back into the key.
//
// Owns:    the inverse of what key.ts writes.
// Not:     the form itself: key.ts describes it.
//
// B1. It reads what key.ts wrote, in this version or an older one; anything else is a damaged or foreign snapshot.

import { RestoreError } from '../base/errors.js';

interface Cursor {
  readonly text: string;
  at: number;
}

/** The structure whose canonical form begins at `from`. */
export function readCanonical(text: string, from: number): unknown {
  const cursor: Cursor = { text, at: from };
  const value = readValue(cursor);
  if (cursor.at !== text.length) throw malformed(cursor);
  return value;
}

function readValue(cursor: Cursor): unknown {
  const tag = cursor.text[cursor.at];
  cursor.at += 1;
  switch (tag) {
    case 's':
      return readText(cursor);
    case 'n':
      return Number(readUntil(cursor, ';'));
    case 'i':
      return BigInt(readUntil(cursor, ';'));
    case 't':
      return true;
    case 'f':
      return false;
    case 'z':
      return null;
    case 'd':
      return new Date(Number(readUntil(cursor, ';')));
    case 'a':
      return readArray(cursor);
    case 'o':
      return readObject(cursor);
    default:
      throw malformed(cursor);
  }
}

function readArray(cursor: Cursor): unknown[] {
  const length = readLength(cursor);
  const items: unknown[] = [];
  for (let index = 0; index < length; index += 1) items.push(readValue(cursor));
  return items;
}

function readObject(cursor: Cursor): Record<string, unknown> {
  const length = readLength(cursor);
  const object: Record<string, unknown> = {};
  for (let index = 0; index < length; index += 1) {
    const name = readText(cursor);
    // Defined and not assigned: assigning `__proto__` would set the prototype instead.
    Object.defineProperty(object, name, {
      value: readValue(cursor),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return object;
}

function readText(cursor: Cursor): string {
  const length = readLength(cursor);
  const text = cursor.text.slice(cursor.at, cursor.at + length);
  if (text.length !== length) throw malformed(cursor);
  cursor.at += length;
  return text;
}

function readLength(cursor: Cursor): number {
  const length = Number(readUntil(cursor, ':'));
  // Every part takes at least one character, so a length beyond the text is damage, not a large key.
  if (!Number.isInteger(length) || length < 0 || length > cursor.text.length) throw malformed(cursor);
  return length;
}

function readUntil(cursor: Cursor, end: string): string {
  const stop = cursor.text.indexOf(end, cursor.at);
  if (stop < 0) throw malformed(cursor);
  const text = cursor.text.slice(cursor.at, stop);
  cursor.at = stop + 1;
  return text;
}

function malformed(cursor: Cursor): RestoreError {
  return new RestoreError(
    `A stored key has the canonical form of a key; this one breaks it at character ${cursor.at}: ${JSON.stringify(cursor.text.slice(0, 80))}.`,
    { remedy: 'The snapshot is damaged or was written by another program; restore an older checkpoint.' },
  );
}
