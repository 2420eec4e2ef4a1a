// Text that is safe to show: what comes from records and from users cannot move a cursor, color a line or fake one.
//
// Owns:    escaping, shortening, and how a value looks in a message. Every message, log line and report passes here.
// Not:     what a message says.
//
// X1. `shownText` has no control character, no terminal sequence, no sign that turns the direction of reading, and no line end.
// X2. Showing a value calls neither its toString nor an inspection of its own, and never fails.

import { inspect } from 'node:util';
import { SHOWN_TEXT_CHARS_MAX, SHOWN_VALUE_CHARS_MAX } from './limits.js';

/** Controls, halves of a pair, signs of direction, other line ends, and signs that are there and not seen. */
const UNSAFE =
  /[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029\u00ad\u200b\u2060-\u2064\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;
const UNSAFE_IN_LINES = new RegExp(`(?!\\n)(?:${UNSAFE.source})`, 'gu');
const NAMES: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** One line. */
export function shownText(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** Text that Weir itself has put into lines: their ends stay. */
export function shownLines(text: string): string {
  return text.replace(UNSAFE_IN_LINES, escaped);
}

/** One line of bounded length. */
export function shortText(text: string, charactersMax: number = SHOWN_TEXT_CHARS_MAX): string {
  // Escapes are longer than what they stand for: cutting comes last, and cuts no escape that counts.
  const shown = shownText(text.slice(0, charactersMax + 1));
  if (shown.length <= charactersMax) return shown;
  return `${shown.slice(0, charactersMax - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** JSON as it may stand in a terminal: the same value, with nothing unsafe in its strings. */
export function shownJson(json: string): string {
  return json.replace(UNSAFE, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/** A list under a message, one line each. */
export function shownList(items: readonly string[]): string {
  return items.map((item) => `\n  - ${shownText(item)}`).join('');
}

/** A value in a message: short, one line. */
export function shownValue(value: unknown, charactersMax: number = SHOWN_VALUE_CHARS_MAX): string {
  if (typeof value === 'string')
    return shortText(JSON.stringify(value.slice(0, charactersMax)), charactersMax);
  return shortText(inspected(value), charactersMax);
}

function inspected(value: unknown): string {
  try {
    return inspect(value, {
      depth: 3,
      breakLength: Number.POSITIVE_INFINITY,
      compact: true,
      customInspect: false,
      maxArrayLength: 20,
      maxStringLength: SHOWN_VALUE_CHARS_MAX,
    });
  } catch {
    // A value that cannot even be looked at still has a type.
    return `a value of type ${typeof value}`;
  }
}

function escaped(character: string): string {
  const name = NAMES.get(character);
  if (name !== undefined) return name;
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  return code < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u{${digits}}`;
}
