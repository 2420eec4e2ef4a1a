import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checksum } from '../../src/base/checksum.js';

test.each([
  ['', 0x02cc5d05],
  ['a', 0x550d7456],
  ['abc', 0x32d153ff],
  ['Nobody inspects the spammish repetition', 0xe2293b2f],
])('the checksum of %j is that of xxHash32', (text, expected) => {
  expect(checksum(Buffer.from(text))).toBe(expected);
});

test('bytes give the same checksum wherever they lie in memory', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(7), (bytes, shift) => {
      const shifted = new Uint8Array(bytes.length + shift);
      shifted.set(bytes, shift);
      expect(checksum(shifted.subarray(shift))).toBe(checksum(bytes));
    }),
  );
});

test('every single flipped bit and every cut changes the checksum', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(), (bytes, choice) => {
      const flipped = bytes.slice();
      const bit = choice % (bytes.length * 8);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(checksum(flipped)).not.toBe(checksum(bytes));
      expect(checksum(bytes.subarray(0, bytes.length - 1))).not.toBe(checksum(bytes));
    }),
  );
});
