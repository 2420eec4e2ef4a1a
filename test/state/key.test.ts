import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyError, RestoreError } from '../../src/base/errors.js';
import { canonicalKey, originalKey } from '../../src/state/key.js';
import { hashKey } from '../../src/state/key-hash.js';

const leaf = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.bigInt(),
  fc.boolean(),
  fc.date({ noInvalidDate: true }),
);
const { key: anyKey } = fc.letrec((tie) => ({
  part: fc.oneof(leaf, fc.constant(null), tie('key')),
  key: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('part'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'binary' }), tie('part'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

describe('keys are the same when they are structurally equal (1.3)', () => {
  test('1, 1n, "1", true, [1] and {1: 1} are different keys', () => {
    const keys = [1, 1n, '1', true, 'true', [1], ['1'], { 1: 1 }, new Date(1), [[1]], [1, null], [], {}];
    expect(new Set(keys.map((key) => canonicalKey(key))).size).toBe(keys.length);
  });

  test('0 and -0 are one key, NaN equals itself, also inside a structure', () => {
    expect(Object.is(canonicalKey(-0), 0)).toBe(true);
    expect(canonicalKey([-0])).toBe(canonicalKey([0]));
    expect(canonicalKey(Number.NaN)).toBe(canonicalKey(0 / 0));
    expect(canonicalKey({ at: Number.NaN })).toBe(canonicalKey({ at: Number.NaN }));
  });

  test('the order of properties does not matter, the order of elements does', () => {
    expect(canonicalKey({ a: 1, b: { d: 2, c: 3 } })).toBe(canonicalKey({ b: { c: 3, d: 2 }, a: 1 }));
    expect(canonicalKey([1, 2])).not.toBe(canonicalKey([2, 1]));
  });

  test('a Date is its epoch milliseconds', () => {
    expect(canonicalKey(new Date(5))).toBe(canonicalKey(new Date('1970-01-01T00:00:00.005Z')));
    expect(canonicalKey(new Date(5))).not.toBe(canonicalKey(5));
  });

  test('parts never run into each other', () => {
    expect(canonicalKey(['ab', 'c'])).not.toBe(canonicalKey(['a', 'bc']));
    expect(canonicalKey([['a'], 'b'])).not.toBe(canonicalKey([['a', 'b']]));
    expect(canonicalKey({ a: 's1:b' })).not.toBe(canonicalKey({ a: 's', 1: 'b' }));
  });

  test('a string that looks like the form of another key is not that key', () => {
    for (const key of [[1], { a: 1 }, Number.NaN, '\u0000x', '\u0000s']) {
      const form = String(canonicalKey(key));
      expect(canonicalKey(form)).not.toBe(form);
      expect(originalKey(canonicalKey(form))).toBe(form);
    }
  });

  test('two keys are the same exactly when they are deeply equal', () => {
    const related = fc.oneof(
      fc.tuple(anyKey, anyKey),
      anyKey.map((key) => [key, reversed(key)] as const),
    );
    fc.assert(
      fc.property(related, ([left, right]) => {
        const same = canonicalKey(left) === canonicalKey(right);
        expect(same).toBe(isDeepStrictEqual(unsigned(left), unsigned(right)));
      }),
      { numRuns: 500 },
    );
  });

  test('the original key comes back', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        expect(originalKey(canonicalKey(key))).toEqual(unsigned(key));
      }),
      { numRuns: 500 },
    );
  });

  test('a property named __proto__ is a property', () => {
    const key: unknown = JSON.parse('{"__proto__": {"a": 1}}');
    const back = originalKey(canonicalKey(key));
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(Object.keys(back as object)).toEqual(['__proto__']);
  });
});

/** The same key with its properties in another order. */
function reversed(key: unknown): unknown {
  if (Array.isArray(key)) return key.map(reversed);
  if (typeof key !== 'object' || key === null || key instanceof Date) return key;
  const parts = Object.entries(key).map(([name, part]) => [name, reversed(part)] as const);
  return Object.fromEntries(parts.reverse());
}

/** Keys know no -0. */
function unsigned(key: unknown): unknown {
  if (typeof key === 'number') return key + 0;
  if (Array.isArray(key)) return key.map(unsigned);
  if (typeof key !== 'object' || key === null || key instanceof Date) return key;
  return Object.fromEntries(Object.entries(key).map(([name, part]) => [name, unsigned(part)]));
}

describe('what cannot be a key is refused with its place', () => {
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  class User {
    readonly id = 1;
  }
  const cases: readonly (readonly [string, unknown, string])[] = [
    ['undefined', undefined, 'key is undefined'],
    ['null', null, 'key is null'],
    ['a function', () => 1, 'key is a function'],
    ['a symbol', Symbol('s'), 'key is a symbol'],
    ['a class instance', new User(), 'key is an instance of User'],
    ['a Map', new Map(), 'key is an instance of Map'],
    ['an undefined part', { user: { id: undefined } }, 'key.user.id is undefined'],
    ['a hole', Array(2), 'key[0] is undefined'],
    ['an invalid Date', [new Date(Number.NaN)], 'key[0] is an invalid Date'],
    ['symbol properties', { [Symbol('s')]: 1 }, 'key is an object with symbols'],
    ['a cyclic key', cyclic, 'levels deep'],
  ];
  for (const [name, key, message] of cases) {
    test(name, () => {
      const attempt = () => canonicalKey(key, { operator: 'count', subtask: 3 });
      expect(attempt).toThrow(KeyError);
      expect(attempt).toThrow(message);
      expect(attempt).toThrow('operator "count" subtask 3');
    });
  }

  test('a stored form that no key has is damage, not a key', () => {
    for (const form of [
      '\u0000x',
      '\u0000a2:t',
      '\u0000n1',
      '\u0000s1:ab'.replace('s', 'o'),
      '\u0000a1:tt',
      '\u0000a9:t',
    ]) {
      expect(() => originalKey(form), JSON.stringify(form)).toThrow(RestoreError);
    }
  });
});

describe('the hash of a key never changes (H1)', () => {
  const golden: readonly (readonly [unknown, number])[] = [
    [0, -1_834_670_196],
    [1, -829_548_759],
    [-1, -2_090_776_032],
    [42, 940_991_957],
    [2 ** 31, 246_810_284],
    [-(2 ** 31), 1_914_010_864],
    [2 ** 53, 86_698_632],
    [0.5, -282_826_061],
    [-1e300, 727_743_809],
    [Number.NaN, -159_717_982],
    [Number.POSITIVE_INFINITY, 973_305_323],
    ['', -1_124_788_169],
    ['a', -53_231_537],
    ['ab', 1_631_994_471],
    ['abc', 2_067_164_284],
    ['user-17', -737_636_860],
    ['ключ', 476_256_478],
    ['\u0000', 198_341_235],
    [0n, -1_679_937_228],
    [-1n, -1_932_051_769],
    [2n ** 64n, 1_284_679_249],
    [true, 1_284_865_837],
    [false, 1_481_765_933],
    [[1, '1', 1n, true, null], 1_516_950_714],
    [{ b: [1.5], a: 'x' }, 1_265_441_271],
    [new Date(86_400_000), 93_304_739],
    [[], 1_160_334_523],
    [{}, 1_626_783_307],
  ];
  test.each(golden)('%o', (key, hash) => {
    expect(hashKey(canonicalKey(key))).toBe(hash);
  });

  test('neighbouring keys spread evenly over key groups', () => {
    for (const make of [
      (i: number) => i,
      (i: number) => `user-${i}`,
      (i: number) => i / 7,
      (i: number) => BigInt(i),
    ]) {
      const groups = new Array<number>(128).fill(0);
      for (let i = 0; i < 12_800; i += 1) {
        const group = (hashKey(make(i)) >>> 0) % 128;
        groups[group] = (groups[group] ?? 0) + 1;
      }
      // 100 each on average with a deviation of 10: six of them.
      expect(Math.min(...groups)).toBeGreaterThan(40);
      expect(Math.max(...groups)).toBeLessThan(160);
    }
  });

  test('the hash is a 32-bit integer', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        const hash = hashKey(canonicalKey(key));
        expect(hash).toBe(hash | 0);
      }),
    );
  });
});
