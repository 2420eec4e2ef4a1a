// The account that proofs rest on notices every way in which committed records can be wrong.

import { expect, test } from 'vitest';
import { CommittedFiles, type Shelf } from '../../bench/proof/committed-files.js';
import { type Counted, keyOf } from '../../bench/proof/counting-job.js';
import { complaints, Ledger } from '../../bench/proof/ledger.js';

const RECORDS = 60;
const KEYS = 4;

function truth(): Counted[] {
  const counts = new Map<string, number>();
  return Array.from({ length: RECORDS }, (_, id) => {
    const key = keyOf(id, KEYS);
    const n = (counts.get(key) ?? 0) + 1;
    counts.set(key, n);
    return { id, key, n };
  });
}

function complaintsOf(rows: readonly unknown[]): string[] {
  const ledger = new Ledger({ records: RECORDS, keys: KEYS });
  for (const row of rows) ledger.enter(row);
  return complaints(ledger.account());
}

test('the truth, in any order, has nothing wrong with it', () => {
  expect(complaintsOf(truth())).toEqual([]);
  expect(complaintsOf(truth().reverse())).toEqual([]);
  expect(new Set(truth().map(({ key }) => key)).size).toBe(KEYS);
});

test('a lost, a doubled, a foreign record and a wrong count each show', () => {
  const rows = truth();
  const [first] = rows;
  expect(complaintsOf(rows.slice(1))[0]).toBe(`1 lost of ${RECORDS}`);
  expect(complaintsOf([...rows, first])).toEqual([
    `1 duplicated of ${RECORDS}`,
    `1 miscounted of ${RECORDS}`,
  ]);
  expect(complaintsOf([...rows, { id: RECORDS, key: 'key-0', n: 1 }])).toEqual([
    `1 unexpected of ${RECORDS}`,
  ]);
  const recounted = rows.map((row) => (row.id === 40 ? { ...row, n: row.n + 1 } : row));
  expect(complaintsOf(recounted)[0]).toMatch(/miscounted/);
});

test('a record of the right number under a wrong key is foreign', () => {
  const rows = truth().map((row) => (row.id === 3 ? { ...row, key: 'key-x' } : row));
  expect(complaintsOf(rows)).toContain(`1 unexpected of ${RECORDS}`);
});

class FakeShelf implements Shelf {
  readonly files = new Map<string, string>();

  list(path: string): readonly string[] {
    return [...this.files.keys()]
      .filter((name) => name.startsWith(`${path}/`))
      .map((name) => name.slice(path.length + 1))
      .filter((name) => !name.includes('/'));
  }

  readText(path: string): string {
    return this.files.get(path) ?? '';
  }

  sizeBytes(path: string): number {
    return this.readText(path).length;
  }
}

function read(
  shelf: FakeShelf,
  files = new CommittedFiles('out', shelf),
): { files: CommittedFiles; rows: unknown[] } {
  const rows: unknown[] = [];
  files.readNew((row) => rows.push(row));
  return { files, rows };
}

test('whole files are read once each, in the order of their names', () => {
  const shelf = new FakeShelf();
  shelf.files.set('out/a', '1\n2\n');
  const first = read(shelf);
  shelf.files.set('out/b', '3\n');
  const second = read(shelf, first.files);
  expect([first.rows, second.rows, first.files.problems]).toEqual([[1, 2], [3], []]);
});

test.each([
  ['a line that was cut off', '1\n{"id":', 'newline'],
  ['a torn line in the middle', '1\n{"id":\n', 'has the line'],
])('%s is torn', (_name, text, problem) => {
  const shelf = new FakeShelf();
  shelf.files.set('out/a', text);
  const { files } = read(shelf);
  expect(files.torn).toBeGreaterThan(0);
  expect(files.problems[0]).toContain(problem);
});

test('a committed file that changes or vanishes is noticed', () => {
  const shelf = new FakeShelf();
  shelf.files.set('out/a', '1\n');
  shelf.files.set('out/b', '2\n');
  const { files } = read(shelf);
  shelf.files.set('out/a', '1\n1\n');
  shelf.files.delete('out/b');
  read(shelf, files);
  expect(files.problems).toEqual(['committed file a has changed', 'committed file b has vanished']);
});

test('what is left in the folder of unfinished files is seen', () => {
  const shelf = new FakeShelf();
  shelf.files.set('out/.weir/part', 'x');
  expect(read(shelf).files.leftOver()).toEqual(['part']);
});
