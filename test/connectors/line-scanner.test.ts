import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type InvalidText, LineScanner, type LongLine } from '../../src/connectors/line-scanner.js';

function scanner(
  options: { lineBytesMax?: number; longLine?: LongLine; invalid?: InvalidText; atBeginning?: boolean } = {},
): LineScanner {
  const { lineBytesMax = 1_000_000, longLine = 'fail', invalid = 'replace', atBeginning = true } = options;
  const describe = (offset: number): string => `in:${offset}`;
  return new LineScanner({ lineBytesMax, longLine, invalid, describe }, atBeginning);
}

function linesOf(
  bytes: Uint8Array,
  cuts: readonly number[],
  perTake: number,
  scan = scanner(),
): readonly string[] {
  const lines: string[] = [];
  let from = 0;
  for (const cut of [...cuts.map((each) => each % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)) {
    scan.push(bytes.subarray(from, cut));
    from = cut;
    while (scan.hasLine) {
      const some: string[] = [];
      scan.take(perTake, some);
      lines.push(...some);
    }
  }
  scan.takeRest(lines);
  expect(scan.takenBytes).toBe(bytes.length);
  return lines;
}

test('lines are the same wherever the blocks are cut', () => {
  const text = fc.array(fc.constantFrom('a', 'ü', '漢', '😀', '\r', '\n', '\r\n', '', 'xyz'), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(
      text,
      fc.array(fc.nat(), { maxLength: 8 }),
      fc.integer({ min: 1, max: 5 }),
      (parts, cuts, perTake) => {
        const whole = parts.join('');
        const expected = whole.split('\n').map((line) => line.replace(/\r$/, ''));
        if (whole.endsWith('\n') || whole === '') expected.pop();
        expect(linesOf(Buffer.from(whole), cuts, perTake)).toEqual(expected);
      },
    ),
    { numRuns: 500 },
  );
});

const BYTES_MAX = 6;
/** Lines around the bound of six bytes, with and without carriage return, the last one with or without its end. */
const texts = fc
  .tuple(
    fc.array(fc.tuple(fc.integer({ min: 0, max: 14 }), fc.constantFrom('\n', '\r\n')), { maxLength: 12 }),
    fc.integer({ min: 0, max: 14 }),
  )
  .map(([lines, rest]) => lines.map(([length, end]) => 'x'.repeat(length) + end).join('') + 'y'.repeat(rest));
const cutting = [fc.array(fc.nat(), { maxLength: 12 }), fc.integer({ min: 1, max: 4 })] as const;

function splitLines(text: string): readonly string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

test('skipping long lines leaves out exactly those above the bound, wherever the blocks are cut', () => {
  fc.assert(
    fc.property(texts, ...cutting, (text, cuts, perTake) => {
      const lines = splitLines(text);
      const scan = scanner({ lineBytesMax: BYTES_MAX, longLine: 'skip' });
      const kept = lines.filter((line) => line.length <= BYTES_MAX).map((line) => line.replace(/\r$/, ''));
      expect(linesOf(Buffer.from(text), cuts, perTake, scan)).toEqual(kept);
      expect(scan.longLines).toBe(lines.length - kept.length);
      expect(scan.pendingBytes).toBe(0);
    }),
    { numRuns: 1_000 },
  );
});

test('the first line above the bound fails with its place, after all lines before it, wherever the blocks are cut', () => {
  fc.assert(
    fc.property(texts, ...cutting, (text, cuts, perTake) => {
      const lines = splitLines(text);
      const first = lines.findIndex((line) => line.length > BYTES_MAX);
      fc.pre(first >= 0);
      const place = lines.slice(0, first).reduce((sum, line) => sum + line.length + 1, 0);
      const scan = scanner({ lineBytesMax: BYTES_MAX });
      expect(() => linesOf(Buffer.from(text), cuts, perTake, scan)).toThrow(new RegExp(`at in:${place}\\b`));
      expect(scan.takenBytes).toBe(place);
    }),
    { numRuns: 1_000 },
  );
});

test('what stands before a line that fails is handed over first', () => {
  const scan = scanner({ invalid: 'fail' });
  scan.push(Buffer.concat([Buffer.from('one\ntwo\n'), Buffer.from([0xff, 0x0a])]));
  const lines: string[] = [];
  scan.take(10, lines);
  expect(lines).toEqual(['one', 'two']);
  expect(() => scan.take(10, [])).toThrow(/not valid UTF-8.*at in:8/);
});

test('of a line that is skipped nothing is kept', () => {
  const scan = scanner({ lineBytesMax: 1_000, longLine: 'skip' });
  for (let block = 0; block < 100; block += 1) {
    scan.push(Buffer.alloc(500, 0x61));
    expect(scan.bufferedBytes).toBeLessThanOrEqual(1_500);
  }
  expect(scan.pendingBytes).toBe(50_000);
});

test('a byte order mark is no part of the first line, and is one anywhere else', () => {
  const lines: string[] = [];
  const scan = scanner();
  scan.push(Buffer.from('\uFEFFid\n\uFEFFx\n'));
  scan.take(10, lines);
  expect(lines).toEqual(['id', '\uFEFFx']);
  const middle: string[] = [];
  const resumed = scanner({ atBeginning: false });
  resumed.push(Buffer.from('\uFEFFid\n'));
  resumed.take(10, middle);
  expect(middle).toEqual(['\uFEFFid']);
});

test('a line that is too long is refused with the byte where it begins, finished or not', () => {
  const finished = scanner({ lineBytesMax: 10 });
  finished.push(Buffer.from('short\n0123456789\n0123456789A\n'));
  finished.take(10, []);
  expect(() => finished.take(10, [])).toThrow(/longer than 10 bytes.*at in:17.*raise lineBytesMax/);
  const unfinished = scanner({ lineBytesMax: 10 });
  unfinished.push(Buffer.from('0123'));
  expect(() => unfinished.push(Buffer.from('456789A'))).toThrow(/at in:0/);
});

test('a long line over many blocks is put together in few copies', () => {
  const scan = scanner({ lineBytesMax: 1_000_000 });
  for (let block = 0; block < 900; block += 1) scan.push(Buffer.alloc(1_000, 0x61));
  scan.push(Buffer.from('\nnext\n'));
  const lines: string[] = [];
  scan.take(10, lines);
  expect(lines.map((line) => line.length)).toEqual([900_000, 4]);
});

test.each([
  ['replace', ['ok', 'a\uFFFDb', 'ü'], 1],
  ['skip', ['ok', 'ü'], 1],
] as const)('invalid UTF-8: %s', (invalid, expected, count) => {
  const scan = scanner({ invalid });
  const lines: string[] = [];
  scan.push(Buffer.concat([Buffer.from('ok\na'), Buffer.from([0xff]), Buffer.from('b\nü\n')]));
  scan.take(10, lines);
  expect(lines).toEqual(expected);
  expect(scan.invalidLines).toBe(count);
  expect(scan.takenBytes).toBe(10);
});

test('invalid UTF-8: fail names the line', () => {
  const scan = scanner({ invalid: 'fail' });
  scan.push(Buffer.concat([Buffer.from('ok\na'), Buffer.from([0xff, 0x0a])]));
  scan.take(10, []);
  expect(() => scan.take(10, [])).toThrow(/not valid UTF-8.*at in:3/);
});

test('kept lines do not keep their block', () => {
  const scan = scanner();
  const block = Buffer.from(`${'x'.repeat(100)}\n${'y'.repeat(100)}\n`);
  scan.push(block);
  const lines: string[] = [];
  scan.take(1, lines);
  block.fill(0x7a);
  expect(lines).toEqual(['x'.repeat(100)]);
});

test('what was pushed is read, never written to', () => {
  const scan = scanner();
  const block = Buffer.from('one\nbeginning of a line');
  const before = Buffer.from(block);
  scan.push(block);
  const lines: string[] = [];
  scan.take(1, lines);
  scan.push(Buffer.from('!\n'));
  scan.take(1, lines);
  expect(block).toEqual(before);
});
