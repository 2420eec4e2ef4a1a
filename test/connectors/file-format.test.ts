import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csv, ndjson } from '../../src/connectors/file-format.js';
import { asideName, ownerOf, parseAsideName } from '../../src/connectors/file-sink-names.js';

/** A reader of RFC 4180, independent of the writer. */
function parseCsv(text: string, delimiter: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index];
    if (quoted && char === '"' && text[index + 1] === '"') {
      field += '"';
      index += 1;
    } else if (char === '"') quoted = !quoted;
    else if (!quoted && char === delimiter) {
      row.push(field);
      field = '';
    } else if (!quoted && char === '\r' && text[index + 1] === '\n') {
      rows.push([...row, field]);
      row = [];
      field = '';
      index += 1;
    } else field += char;
  }
  expect([quoted, row, field]).toEqual([false, [], '']);
  return rows;
}

test('what CSV writes, a reader of RFC 4180 reads back', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', ' ', '"', ',', ';', '\n', '\r', 'ü', '\t'),
    maxLength: 8,
  });
  fc.assert(
    fc.property(
      fc.array(fc.record({ a: text, b: text }), { maxLength: 5 }),
      fc.constantFrom(',', ';', '\t'),
      (rows, delimiter) => {
        const format = csv<{ a: string; b: string }>({ columns: ['a', 'b'], delimiter });
        const written = format.header + rows.map((row) => format.encode(row)).join('');
        expect(parseCsv(written, delimiter)).toEqual([['a', 'b'], ...rows.map(({ a, b }) => [a, b])]);
      },
    ),
  );
});

test('CSV fields: what is plain, what is quoted, what is empty', () => {
  const format = csv<{ v: unknown }>({ columns: ['v'], header: false, newline: '\n' });
  const fields = [
    1,
    -0.5,
    10n,
    true,
    null,
    undefined,
    '',
    'a b',
    ' a',
    'a,b',
    'say "hi"',
    new Date(0),
    { k: [1] },
  ];
  expect(fields.map((v) => format.encode({ v }).slice(0, -1))).toEqual([
    '1',
    '-0.5',
    '10',
    'true',
    '',
    '',
    '""',
    'a b',
    '" a"',
    '"a,b"',
    '"say ""hi"""',
    '1970-01-01T00:00:00.000Z',
    '"{""k"":[1]}"',
  ]);
  expect(format.header).toBeUndefined();
  expect(() => format.encode({ v: () => 1 })).toThrow(/CSV cannot express a function/);
});

test('columns can be computed and named', () => {
  const format = csv<{ at: number }>({
    columns: ['at', { name: 'minute, of day', value: ({ at }) => at / 60 }],
  });
  expect(format.header).toBe('at,"minute, of day"\r\n');
  expect(format.encode({ at: 120 })).toBe('120,2\r\n');
});

test('wrong CSV options are refused', () => {
  expect(() => csv({ columns: [] })).toThrow(/at least one column/);
  expect(() => csv<{ a: 1 }>({ columns: ['a'], delimiter: '"' })).toThrow(/delimiter is one character/);
});

test('NDJSON is one JSON text per line', () => {
  expect(ndjson().encode({ a: 'line\nend', u: undefined })).toBe('{"a":"line\\nend"}\n');
});

test('owners of unfinished files are told apart whatever jobs and uids are called', () => {
  const id = fc.string({
    unit: fc.constantFrom('a', 'B', '.', '+', '%', '-', '/', '2', 'ü', ' '),
    maxLength: 6,
  });
  fc.assert(
    fc.property(id, id, id, id, (jobA, uidA, jobB, uidB) => {
      const same = jobA === jobB && uidA === uidB;
      expect(ownerOf(jobA, uidA) === ownerOf(jobB, uidB)).toBe(same);
      const naming = {
        owner: ownerOf(jobA, uidA),
        prefix: 'p',
        subtask: 3,
        attempt: 12,
        token: 'abc',
        extension: 'x',
      };
      expect(parseAsideName(asideName(naming, 7))).toEqual({ owner: naming.owner, attempt: 12 });
      expect(asideName(naming, 7)).toMatch(/^[A-Za-z0-9%+_.~-]+$/);
    }),
  );
  const long = ownerOf('j'.repeat(300), 'u'.repeat(300));
  expect(long.length).toBeLessThan(120);
  expect(long).not.toBe(ownerOf('j'.repeat(300), 'v'.repeat(300)));
});

test('names of others are not taken for ours', () => {
  for (const name of ['data.mdb', 'a.b.open', '.open', 'job+uid.0.1.2.open', 'notes.txt'])
    expect(parseAsideName(name)).toBeNull();
});
