import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decode, encode } from '../../src/base/codec.js';
import { CodecError } from '../../src/base/errors.js';

const roundTrip = (value: unknown): unknown => decode(encode(value));

const scalar = fc.oneof(
  fc.constantFrom(
    undefined,
    null,
    true,
    false,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ),
  fc.double(),
  fc.maxSafeInteger(),
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 300n), max: 2n ** 300n }),
  fc.string({ unit: 'binary' }),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.int16Array(),
);
const name = fc.string({ unit: 'binary' });
const { value: anything } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    scalar,
    fc.array(tie('value')),
    fc.dictionary(name, tie('value'), { noNullPrototype: true }),
    fc.array(fc.tuple(scalar, tie('value'))).map((entries) => new Map(entries)),
    fc.array(tie('value')).map((values) => new Set(values)),
  ),
}));

test('whatever is data comes back equal', () => {
  fc.assert(
    fc.property(anything, (value) => {
      expect(roundTrip(value)).toStrictEqual(value);
    }),
    { numRuns: 500 },
  );
});

test('cycles and shared parts come back as cycles and shared parts', () => {
  const shared = { x: 1 };
  const cyclic: Record<string, unknown> = { first: shared, second: shared };
  cyclic['self'] = cyclic;
  const copy = roundTrip(cyclic) as typeof cyclic;
  expect(copy['self']).toBe(copy);
  expect(copy['first']).toBe(copy['second']);
});

test('errors keep name, message and cause', () => {
  const copy = roundTrip(new TypeError('outer', { cause: new Error('inner') })) as Error;
  expect(copy).toBeInstanceOf(TypeError);
  expect(copy.message).toBe('outer');
  expect((copy.cause as Error).message).toBe('inner');
});

test('encoded bytes are not touched by later encodings', () => {
  const first = encode({ id: 1, name: 'a' });
  const kept = Buffer.from(first);
  for (let count = 0; count < 1_000; count += 1) encode({ id: count, name: 'b'.repeat(100) });
  expect(Buffer.from(first)).toEqual(kept);
  expect(first.byteLength).toBe(first.buffer.byteLength);
});

test('decoded bytes do not change with the buffer that they came from', () => {
  const bytes = encode({ payload: new Uint8Array([1, 2, 3]), buffer: Buffer.from('x') });
  const value = decode(bytes) as { payload: Uint8Array; buffer: Uint8Array };
  bytes.fill(0);
  expect([...value.payload]).toEqual([1, 2, 3]);
  expect([...value.buffer]).toEqual([120]);
});

test.each([
  [() => 1, 'function at value.'],
  [{ a: [{ b: 1 }, { run: () => 1 }] }, 'function at value.a[1].run.'],
  [new Map([['k', { s: Symbol('s') }]]), 'symbol at value.get("k").s.'],
  [{ 'a b': new Set([Symbol('s')]) }, 'symbol at value["a b"].values().'],
])('a value that is not data is refused with its place: %#', (value, place) => {
  expect(() => encode(value)).toThrow(CodecError);
  expect(() => encode(value)).toThrow(place);
  // The shared packer is fit for use after it threw.
  expect(roundTrip({ id: 1 })).toEqual({ id: 1 });
});

test('nesting too deep for the stack is refused, not a crash', () => {
  let deep: unknown = 1;
  for (let depth = 0; depth < 200_000; depth += 1) deep = [deep];
  expect(() => encode(deep)).toThrow(CodecError);
  expect(roundTrip([1])).toEqual([1]);
});

test('damaged bytes are a CodecError or another value, never anything else', () => {
  fc.assert(
    fc.property(anything, fc.nat(), fc.nat(255), (value, position, byte) => {
      const bytes = encode(value);
      bytes[position % bytes.length] = byte;
      try {
        decode(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
      }
    }),
  );
  expect(() => decode(encode({ a: 1 }).subarray(0, 3))).toThrow(CodecError);
});

test('bytes are self-describing: those of earlier shapes can be decoded on their own', () => {
  const shapes = Array.from({ length: 300 }, (_, index) => ({
    [`field${index}`]: { [`inner${index}`]: index },
  }));
  const all = shapes.map((shape) => encode(shape));
  for (const [index, bytes] of all.entries()) expect(decode(bytes)).toEqual(shapes[index]);
});
