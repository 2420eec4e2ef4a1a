// Values that codecs get wrong: each comes back the same, or is refused with its place.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkStorable, decode, encode, fingerprint } from '../../src/base/codec.js';
import { CodecError } from '../../src/base/errors.js';
import { VALUE_DEPTH_MAX } from '../../src/base/limits.js';
import { differenceOf } from './same-value.js';

class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
}
class Names extends Array<string> {}
class Index extends Map<string, number> {}
class Problem extends Error {}

const roundTrip = (value: unknown): unknown => decode(encode(value));

const hostileText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '\ud800',
    'a\udc00b',
    `\ufeff${'x'.repeat(100)}`,
    '__proto__',
    'constructor',
    'toJSON',
    'then',
    '',
  ),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
);
const refused = fc.constantFrom<unknown>(
  () => 1,
  Symbol('s'),
  new Money(5),
  Names.from(['a']),
  new Index(),
  new Problem('p'),
  new WeakMap(),
  Promise.resolve(1),
  Object.assign([1], { extra: 2 }),
  { [Symbol('s')]: 1 },
  Object.defineProperty({}, 'hidden', { value: 1 }),
  {
    get now() {
      return 1;
    },
  },
  new URL('http://weir.example/'),
  Object(1),
);
const scalar = fc.oneof(
  hostileText,
  fc.double(),
  fc.constantFrom<unknown>(-0, 0, undefined, null, true, Number.NaN, 2 ** 53, 2 ** 64, -(2 ** 31)),
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
);
const leaf = fc.oneof(
  { arbitrary: scalar, weight: 10 },
  fc.date({ noInvalidDate: false }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.float64Array(),
  fc.bigUint64Array(),
  fc.uint8Array().map((bytes) => new DataView(bytes.slice().buffer, Math.min(1, bytes.length))),
  fc.constantFrom(/a/gi, /[/]\n/y).map((pattern) => Object.assign(new RegExp(pattern), { lastIndex: 2 })),
  hostileText.map((text) => Object.assign(new TypeError(text, { cause: text }), { code: text })),
);

interface Built {
  readonly value: unknown;
  readonly containers: readonly unknown[];
}

/** A value whose containers are linked with each other at random: shared parts and cycles. */
const linked = fc
  .tuple(
    fc.array(
      fc.tuple(
        fc.constantFrom('object', 'bare', 'array', 'sparse', 'map', 'set'),
        fc.array(fc.tuple(hostileText, leaf)),
      ),
      { minLength: 1, maxLength: 8 },
    ),
    fc.array(fc.tuple(fc.nat(), fc.nat(), hostileText), { maxLength: 16 }),
  )
  .map(([specs, links]): Built => {
    const containers = specs.map(([kind, entries]) => {
      const made = emptyOf(kind);
      for (const [key, value] of entries) put(made, key, value);
      return made;
    });
    for (const [from, to, key] of links)
      put(containers[from % containers.length], key, containers[to % containers.length]);
    return { value: [...containers], containers };
  });

function emptyOf(kind: string): unknown {
  if (kind === 'bare') return Object.create(null);
  if (kind === 'array') return [];
  if (kind === 'sparse') return new Array(3);
  if (kind === 'map') return new Map();
  return kind === 'set' ? new Set() : {};
}

function put(container: unknown, key: string, value: unknown): void {
  if (Array.isArray(container)) container.push(value);
  else if (container instanceof Map) container.set(key.length % 2 === 0 ? key : value, value);
  else if (container instanceof Set) container.add(value);
  else Object.defineProperty(container, key, { value, enumerable: true, writable: true, configurable: true });
}

test('whatever can be encoded comes back the same: prototypes, -0, holes, order of keys, sharing and cycles', () => {
  fc.assert(
    fc.property(linked, ({ value }) => {
      expect(differenceOf(value, roundTrip(value))).toBeNull();
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  `\ufeff${'x'.repeat(100)}`,
  { [`\ufeff${'x'.repeat(100)}`]: 1 },
  { constructor: new Map() },
  { constructor: 'Map', toJSON: 5 },
  JSON.parse('{"__proto__":{"a":1}}'),
])('alone among usual values it comes back the same: %#', (value) => {
  expect(differenceOf(value, roundTrip(value))).toBeNull();
});

test('a value that is no data is refused wherever it stands, and its place is named', () => {
  fc.assert(
    fc.property(linked, refused, fc.nat(), hostileText, ({ value, containers }, nasty, at, key) => {
      put(containers[at % containers.length], key, nasty);
      expect(() => checkStorable(value)).toThrow(CodecError);
      expect(() => checkStorable(value)).toThrow(/ at value[.[]/);
    }),
  );
});

test('what encode lets pass of a refused value comes back the same in all that it looks at', () => {
  fc.assert(
    fc.property(fc.oneof(leaf, refused), (value) => {
      let bytes: Uint8Array;
      try {
        bytes = encode({ value });
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
        return;
      }
      expect(JSON.stringify(show(decode(bytes)))).toBe(JSON.stringify(show({ value })));
    }),
  );
});

function show(value: unknown): unknown {
  return typeof value === 'bigint'
    ? `${value}n`
    : Object.prototype.toString.call((value as { value: unknown }).value);
}

describe('refusals', () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    [
      'an instance of a class',
      { total: new Money(1) },
      'an instance of Money at value.total. Register the class, registerType(Money,',
    ],
    ['a subclass of Array', { tags: Names.from(['a']) }, 'an instance of Names at value.tags.'],
    ['a subclass of Map', [new Index()], 'an instance of Index at value[0].'],
    ['a subclass of Error', new Map([['k', new Problem('p')]]), 'an instance of Problem at value.get("k").'],
    ['a promise', { later: Promise.resolve(1) }, 'a promise at value.later.'],
    ['a WeakMap', { cache: new WeakMap() }, 'an instance of WeakMap at value.cache.'],
    ['a number object', { n: Object(1) }, 'an instance of Number at value.n.'],
    [
      'shared memory',
      { b: new Uint8Array(new SharedArrayBuffer(2)) },
      'on shared or resizable memory at value.b.',
    ],
    ['a function that an object carries as toJSON', { toJSON: () => 1 }, 'a function at value.toJSON.'],
  ];
  test.each(cases)('%s', (_, value, message) => {
    expect(() => encode(value)).toThrow(message);
    expect(() => checkStorable(value)).toThrow(message);
  });

  const strict: readonly (readonly [string, unknown, string])[] = [
    [
      'a getter',
      {
        a: {
          get b() {
            return 1;
          },
        },
      },
      'a getter or setter at value.a.b.',
    ],
    [
      'a hidden property',
      Object.defineProperty({}, 'h', { value: 1 }),
      'a property that is not enumerable at value.h.',
    ],
    ['a symbol key', { a: [{ [Symbol('k')]: 1 }] }, 'a symbol as a key at value.a[0][Symbol(k)].'],
    [
      'a field of an array',
      { list: Object.assign([1], { extra: 2 }) },
      'a field of an array at value.list.extra.',
    ],
    [
      'a field of a Map',
      { m: Object.assign(new Map(), { extra: 2 }) },
      'a Map with fields of its own at value.m.',
    ],
    [
      'a field of a Date',
      Object.assign(new Date(0), { zone: 'x' }),
      'a Date with fields of its own at value.',
    ],
  ];
  test.each(strict)('%s is seen by the check, and not by the fast way of writing', (_, value, message) => {
    expect(() => checkStorable(value)).toThrow(message);
    expect(() => encode(value)).not.toThrow();
  });
});

test('nesting is bounded: what is within comes back, what is beyond is refused by name', () => {
  const nested = (levels: number, wrap: (inner: unknown) => unknown): unknown => {
    let value: unknown = 'end';
    for (let level = 0; level < levels; level += 1) value = wrap(value);
    return value;
  };
  for (const wrap of [
    (inner: unknown) => [inner],
    (a: unknown) => ({ a }),
    (a: unknown) => new Map([[1, a]]),
  ]) {
    const deepest = nested(VALUE_DEPTH_MAX, wrap);
    expect(differenceOf(deepest, roundTrip(deepest))).toBeNull();
    // The slow form has to be as deep.
    const slow = nested(VALUE_DEPTH_MAX - 1, wrap);
    expect(roundTrip([slow, -0])).toStrictEqual([slow, -0]);
    expect(() => encode(nested(VALUE_DEPTH_MAX + 1, wrap))).toThrow(
      `more than ${VALUE_DEPTH_MAX} levels of nesting`,
    );
    expect(() => encode(nested(1_400, wrap))).toThrow(CodecError);
  }
});

test('objects that lead into each other a thousandfold are written in one pass', () => {
  const parts = Array.from({ length: 300 }, (): unknown[] => []);
  for (const part of parts) part.push(...parts);
  expect(differenceOf(parts, roundTrip(parts))).toBeNull();
});

test('fingerprints change exactly when the value does', () => {
  const value = {
    seen: new Set(['a']),
    at: new Date(1),
    counts: new Map([['a', 1]]),
    bytes: new Uint8Array(2),
  };
  const before = fingerprint(value);
  encode({ other: 1 });
  expect(fingerprint(value)).toEqual(before);
  value.counts.set('a', 2);
  expect(fingerprint(value)).not.toEqual(before);
  value.counts.set('a', 1);
  value.bytes[1] = 9;
  expect(fingerprint(value)).not.toEqual(before);
});

// Written by the version before values had a second form; '__proto_', 0 and Uint8Array are what it made of them.
const OLD_BYTES: readonly (readonly [string, unknown])[] = [
  [
    'd4724094a26964a46e616d65a474616773a2617407a2c3a993a161c0d40000d7ff1d5353006553f100',
    { id: 7, name: 'é', tags: ['a', null, undefined], at: new Date(1_700_000_000_123) },
  ],
  [
    '81a16bd4730092d30000000000000001d84200000000000000400000000000000000',
    new Map<unknown, unknown>([['k', new Set([1n, 2n ** 70n])]]),
  ],
  ['c7117408000000000000f83f0000000000000080', new Float64Array([1.5, -0])],
  ['d4650093aa52616e67654572726f72a36f6c64d40000', new RangeError('old')],
  ['c4020102', new Uint8Array([1, 2])],
  ['92d66900000001d4724091a16101d67000000001', [{ a: 1 }, { a: 1 }]],
  ['9200d4724091a95f5f70726f746f5f5f01', [0, { __proto_: 1 }]],
];

test.each(OLD_BYTES)('bytes of older versions are read: %s', (hex, value) => {
  expect(decode(Buffer.from(hex, 'hex'))).toStrictEqual(value);
});

test('bytes of a newer form are refused by name', () => {
  const bytes = encode(-0);
  expect(bytes[0]).toBe(0xc1);
  bytes[1] = 2;
  expect(() => decode(bytes)).toThrow('these bytes have form 2');
});
