// Foreign text in a message cannot move a cursor, color a line or fake one, and does not hide the rest.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shortText, shownLines, shownText, shownValue } from '../../src/base/shown-text.js';

const UNSAFE = /[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029\ufeff\u200b]/u;

test('controls, directions, line ends and halves of pairs are written out', () => {
  expect(shownText('a\x1b[31mred\x07\n\tb\r')).toBe('a\\x1b[31mred\\x07\\n\\tb\\r');
  expect(shownText('x\u202egnp.exe \u2066y\u2069 \x9b2J')).toBe(
    'x\\u{202e}gnp.exe \\u{2066}y\\u{2069} \\x9b2J',
  );
  expect(shownText('\ud83d \ud83d\ude00 é 漢')).toBe('\\u{d83d} 😀 é 漢');
  expect(shownLines('one\n  - two\x1b\r\n')).toBe('one\n  - two\\x1b\\r\n');
});

test('no text and no value is shown with an unsafe character, or longer than it may be', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.anything(),
      fc.integer({ min: 20, max: 300 }),
      (text, value, max) => {
        for (const shown of [
          shownText(text),
          shortText(text, max),
          shownValue(text, max),
          shownValue(value, max),
        ]) {
          expect(UNSAFE.test(shown)).toBe(false);
        }
        expect(shortText(text, max).length).toBeLessThanOrEqual(max);
        expect(shownValue(value, max).length).toBeLessThanOrEqual(max);
      },
    ),
  );
});

test('showing a value runs no code of it and never fails', () => {
  const hostile = {
    toString(): never {
      throw new Error('toString');
    },
    [Symbol.for('nodejs.util.inspect.custom')](): never {
      throw new Error('inspect');
    },
    get [Symbol.toStringTag](): never {
      throw new Error('tag');
    },
  };
  expect(shownValue(hostile)).toBe('a value of type object');
  expect(shownValue(Object.create(null))).toBe('[Object: null prototype] {}');
  expect(shownValue({ id: 7, items: ['a\nb'] })).toBe("{ id: 7, items: [ 'a\\nb' ] }");
  const trap = (): never => {
    throw new Error('trap');
  };
  expect(shownValue(new Proxy({}, { get: trap, ownKeys: trap, getPrototypeOf: trap }))).toBe('{}');
});
