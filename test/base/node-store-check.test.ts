// The check of store files before LMDB maps them: no healthy file is refused, no damaged one crashes the process.

import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StoreError } from '../../src/base/errors.js';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import { checkStoreFile } from '../../src/base/node-store-check.js';
import { randomBelow, randomStream } from '../../src/base/random-stream.js';
import type { RandomStream, StoreWrite } from '../../src/base/runtime.js';

const TABLES = ['a', 'b'];
const PAGE_BYTES = 4096;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-check-'));
});
afterEach(() => rm(directory, { recursive: true }));

function randomWrites(stream: RandomStream, count: number, keys: number): StoreWrite[] {
  return Array.from({ length: count }, () => {
    const table = TABLES[randomBelow(stream, TABLES.length)] ?? 'a';
    const key = ['row', randomBelow(stream, keys)];
    const kind = stream.next();
    if (kind < 0.3) return { kind: 'remove', table, key };
    const bytes = kind < 0.8 ? 300 : kind < 0.97 ? 6_000 : 200_000;
    return { kind: 'put', table, key, value: new Uint8Array(randomBelow(stream, bytes)) };
  });
}

test.each([1, 2, 3])(
  'a file is fit after every commit, whatever was written and removed: seed %i',
  async (seed) => {
    const stream = randomStream(seed, 'workload');
    const env = await nodeRuntime().keyValues.open(directory, { tables: TABLES, commitDeadlineMs: 20_000 });
    for (let round = 0; round < 60; round += 1) {
      const count = 1 + randomBelow(stream, round % 10 === 0 ? 400 : 20);
      const commits = [randomWrites(stream, count, seed % 2 === 0 ? 100 : 2_000)];
      if (round % 3 === 0) commits.push(randomWrites(stream, 20, 50), randomWrites(stream, 5, 5));
      if (round % 30 === 29)
        commits.push(env.keys('a', {}).map((key) => ({ kind: 'remove', table: 'a', key })));
      await Promise.all(commits.map((writes) => env.commit(writes)));
      await checkStoreFile(join(directory, 'data.mdb'));
    }
    await env.close();
  },
);

async function makeStore(): Promise<Buffer> {
  const stream = randomStream(1, 'workload');
  const env = await nodeRuntime().keyValues.open(directory, { tables: TABLES, commitDeadlineMs: 20_000 });
  for (let round = 0; round < 12; round += 1) await env.commit(randomWrites(stream, 100, 500));
  await env.close();
  return readFile(join(directory, 'data.mdb'));
}

/** Offsets of the header and tree pages: damage there is what could crash LMDB. */
function structure(file: Buffer): number[] {
  const pages = Array.from({ length: file.length / PAGE_BYTES }, (_, page) => page * PAGE_BYTES);
  return pages.filter((offset) => offset < 2 * PAGE_BYTES || [1, 2].includes(file.readUInt16LE(offset + 18)));
}

test('damage in the structure is a StoreError or harmless, never another error, never endless', async () => {
  const file = await makeStore();
  const pages = structure(file);
  const path = join(directory, 'damaged.mdb');
  let refused = 0;
  const flip = fc.record({
    page: fc.nat(pages.length - 1),
    offset: fc.nat(PAGE_BYTES - 1),
    mask: fc.integer({ min: 1, max: 255 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(flip, { minLength: 1, maxLength: 20 }),
      fc.option(fc.nat(file.length)),
      async (flips, cut) => {
        const damaged = Buffer.from(file);
        for (const { page, offset, mask } of flips) {
          const position = (pages[page] ?? 0) + offset;
          damaged[position] = (damaged[position] ?? 0) ^ mask;
        }
        await writeFile(path, damaged.subarray(0, cut ?? file.length));
        const result = await checkStoreFile(path).catch((error: unknown) => error);
        if (result === undefined) return;
        expect(result).toBeInstanceOf(StoreError);
        expect(String(result)).toContain(path);
        refused += 1;
      },
    ),
    { numRuns: 200 },
  );
  expect(refused).toBeGreaterThan(100);
});

test('whatever the check lets through, a process that uses the store ends without a crash', async () => {
  const file = await makeStore();
  const pages = structure(file);
  const stream = randomStream(5, 'damage');
  const fixture = fileURLToPath(new URL('./fixtures/store-user.ts', import.meta.url));
  const outcomes = new Set<string>();
  for (let round = 0; round < 10; round += 1) {
    const damaged = Buffer.from(file);
    // The first bytes of a page hold its header, its pointers and, on the two header pages, the roots of the trees.
    const page = round % 2 === 0 ? 0 : randomBelow(stream, pages.length);
    const position = (pages[page] ?? 0) + randomBelow(stream, 160);
    damaged[position] = (damaged[position] ?? 0) ^ (1 << randomBelow(stream, 8));
    const copy = await mkdtemp(join(tmpdir(), 'weir-damaged-'));
    await cp(directory, copy, { recursive: true });
    await writeFile(join(copy, 'data.mdb'), damaged);
    outcomes.add(await runFixture(fixture, copy, `byte ${position}`));
    await rm(copy, { recursive: true });
  }
  expect([...outcomes].sort()).toEqual(['refused', 'used']);
});

function runFixture(fixture: string, path: string, what: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', fixture, path, ...TABLES]);
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output.trim());
      else reject(new Error(`${what}: ended with ${signal ?? code}: ${output}`));
    });
  });
}
