// Bytes that no codec of ours has written: refused at once, whatever they say of depth and length.

import { describe, expect, test } from 'vitest';
import { decode, encode, typesNeededBy } from '../../src/base/codec.js';
import { CodecError } from '../../src/base/errors.js';
import { VALUE_DEPTH_MAX } from '../../src/base/limits.js';

const repeated = (byte: number, times: number, ...end: readonly number[]): Uint8Array =>
  Uint8Array.from([...new Array<number>(times).fill(byte), ...end]);
const graph = (root: unknown, nodes: unknown, types: unknown = []): Uint8Array =>
  Uint8Array.from([0xc1, 1, ...encode([root, nodes, types])]);
const chain = (levels: number): unknown[] =>
  Array.from({ length: levels }, (_, index) => ['a', index + 1 < levels ? [[index + 1]] : []]);

const ARRAY_OF_ONE = 0x91;
const NIL = 0xc0;

describe('nesting', () => {
  test('as deep as a value may be stored comes back', () => {
    let value: unknown[] = [];
    for (let level = 1; level < VALUE_DEPTH_MAX; level += 1) value = [value];
    expect(decode(encode(value))).toEqual(value);
    expect(() => decode(graph([0], chain(VALUE_DEPTH_MAX)))).not.toThrow();
  });

  test.each([VALUE_DEPTH_MAX + 1, 1_400, 5_000, 1_000_000])('%i levels are refused', (levels) => {
    expect(() => decode(repeated(ARRAY_OF_ONE, levels, NIL))).toThrow(CodecError);
  });

  test.each([VALUE_DEPTH_MAX + 2, 1_400, 50_000])('%i levels of a graph are refused', (levels) => {
    expect(() => decode(graph([0], chain(levels)))).toThrow(/levels of nesting/);
  });

  test('what was refused leaves nothing behind', () => {
    for (let round = 0; round < 100; round += 1) {
      expect(() => decode(repeated(0xd4, 3, 0x72, 0x40, 0x91, 0xa1, 0x78))).toThrow(CodecError);
      expect(() => decode(repeated(ARRAY_OF_ONE, 1_400, NIL))).toThrow(CodecError);
      const records = [{ x: 1, y: [2] }, { x: 3, y: [4] }, new Map([['k', { z: 5 }]])];
      expect(decode(encode(records))).toEqual(records);
    }
  });
});

test.each([
  ['an array', [0xdd, 0xff, 0xff, 0xff, 0xff]],
  ['arrays in arrays', [0xdd, 0, 0, 0, 9, 0xdd, 0, 0, 0, 9, 0xdd, 0x01, 0xff, 0xff, 0xff]],
  ['a map', [0xdf, 0xff, 0xff, 0xff, 0xff]],
  ['a text', [0xdb, 0xff, 0xff, 0xff, 0xff]],
  ['bytes', [0xc6, 0xff, 0xff, 0xff, 0xff]],
  ['an extension', [0xc9, 0xff, 0xff, 0xff, 0xff, 0x74]],
])('the length of %s that is not there is refused', (_what, bytes) => {
  expect(() => decode(Uint8Array.from(bytes))).toThrow(CodecError);
});

/** An array of arrays, each of which leads twice to the one before it: 2^levels of them, for whoever writes out all. */
function shared(levels: number): number[] {
  const u32 = (n: number): number[] => [0, 0, n >> 8, n & 0xff];
  const bytes = [0xdc, levels >> 8, levels & 0xff, 0xd6, 0x69, ...u32(1), 0x90];
  for (let level = 2; level <= levels; level += 1) {
    bytes.push(0xd6, 0x69, ...u32(level), 0x92, 0xd6, 0x70, ...u32(level - 1), 0xd6, 0x70, ...u32(level - 1));
  }
  return bytes;
}

test('parts that are shared over and over are read once, and refused as fast when bytes follow', () => {
  expect(decode(Uint8Array.from(shared(60)))).toHaveLength(60);
  expect(() => decode(Uint8Array.from([...shared(60), NIL]))).toThrow(CodecError);
  expect(() => decode(Uint8Array.from([...encode({ id: 1 }), ...encode({ id: 2 })]))).toThrow(CodecError);
});

describe('a graph', () => {
  test('that is an array of four billion holes takes no room', () => {
    const holes = decode(graph([0], [['h', 2 ** 32 - 1, [7], [1]]])) as unknown[];
    expect(holes).toHaveLength(2 ** 32 - 1);
    expect(holes[7]).toBe(1);
    const many = Array.from({ length: 50 }, () => ['h', 30_000_000, [], []]);
    const all = [['a', many.map((_, index) => [index + 1])], ...many];
    const before = process.memoryUsage().heapUsed;
    expect(decode(graph([0], all))).toHaveLength(50);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200e6);
  });

  test.each<[string, unknown]>([
    ['more holes than an array has', ['h', 2 ** 40, [], []]],
    ['fewer holes than none', ['h', -1, [], []]],
    ['an index behind its end', ['h', 3, [3], [1]]],
    ['a prototype for an index', ['h', 3, ['__proto__'], [1]]],
    ['a node that is not there', ['a', [[9]]]],
    ['a kind that is not there', ['?']],
    ['a type that is not there', ['t', 0, 1]],
    ['keys that are no list', ['o', 7, 7]],
  ])('with %s is refused', (_what, node) => {
    expect(() => decode(graph([0], [node]))).toThrow(CodecError);
  });

  test.each<[string, unknown, unknown, unknown]>([
    ['nodes that are no list', [0], 7, []],
    ['a node that is no list', [0], [7], []],
    ['types that are no list', [0], [], 'Money'],
    ['a type that is no name', [0], [], [7]],
  ])('with %s is refused, also when only its types are asked for', (_what, root, nodes, types) => {
    expect(() => decode(graph(root, nodes, types))).toThrow(CodecError);
    expect(() => typesNeededBy(graph(root, nodes, types))).toThrow(CodecError);
  });

  test('cannot give an object another prototype', () => {
    const made = decode(
      graph(
        [0],
        [
          ['o', ['__proto__'], [[1]]],
          ['o', ['polluted'], [true]],
        ],
      ),
    ) as object;
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
    expect('polluted' in made).toBe(false);
  });
});
