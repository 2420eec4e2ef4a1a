// Files that change while they are read, and paths that are no files.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type FileLinesOptions, fileLines } from '../../src/connectors/file-lines.js';
import { defineJob, forEachSink, run, silentLogger } from '../../src/index.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { SourceProbe } from './source-probe.js';

async function withFile(text: string, options: FileLinesOptions = {}) {
  const runtime = virtualRuntime({ seed: 1 });
  runtime.disk.makeDirectory('in');
  runtime.disk.write('in/a.log', text);
  return await new SourceProbe(fileLines('in/a.log', options), runtime).open();
}

test('a bounded read of a file that grows tears no line and ends with what was begun when it was opened', async () => {
  const probe = await withFile('one\ntwo\nthr');
  expect(await probe.poll(1)).toMatchObject({ values: ['one'] });
  probe.runtime.disk.append('in/a.log', 'ee\nfour\n');
  expect(await probe.readAvailable()).toEqual(['two', 'three']);
});

test('a last line without end is a record once, also when the file has grown before a restart', async () => {
  const probe = await withFile('one\ntw');
  expect(await probe.poll()).toMatchObject({ values: ['one'] });
  expect(await probe.poll()).toMatchObject({ values: ['tw'] });
  await probe.close();
  probe.runtime.disk.append('in/a.log', 'o\nthree\n');
  await probe.reopen();
  expect(await probe.readAvailable()).toEqual([]);
});

test('a truncated file of short lines is noticed although it has grown past its old size (64 bytes are remembered)', async () => {
  const lines = (from: number, count: number): string =>
    Array.from({ length: count }, (_, n) => `begin ${String(from + n).padStart(6, '0')}\nend\n`).join('');
  const probe = await withFile(lines(0, 10), { follow: true });
  const seen: unknown[] = [];
  for (let n = 0; n < 20; n += 1) seen.push(...(await probe.readAvailable()));
  expect(seen).toHaveLength(20);
  probe.runtime.disk.write('in/a.log', lines(100, 15));
  const after: unknown[] = [];
  for (let n = 0; n < 5; n += 1) after.push(...(await probe.readAvailable()));
  expect(after).toHaveLength(30);
  expect(probe.warnings).toContain('a followed file was truncated: reading it from its beginning');
});

test('a hole of NUL bytes that a truncation leaves is skipped and told', async () => {
  const probe = await withFile('some lines\nthat were there\n', { follow: true });
  expect(await probe.readAvailable()).toEqual(['some lines', 'that were there']);
  probe.runtime.disk.write('in/a.log', `${'\0'.repeat(500_000)}new\nnewer\n`);
  const after: unknown[] = [];
  for (let n = 0; n < 5; n += 1) after.push(...(await probe.readAvailable()));
  expect(after).toEqual(['new', 'newer']);
  expect(probe.warnings).toContain('a file has a hole of NUL bytes, which are skipped');
});

test('a named pipe is refused before it is opened', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'weir-pipe-'));
  try {
    const path = join(directory, 'pipe');
    execFileSync('mkfifo', [path]);
    const job = defineJob('pipe', (env) => {
      env.from(fileLines(path)).sinkTo(forEachSink(() => undefined));
    });
    const { finished } = await run(job, { logger: silentLogger });
    await expect(finished).rejects.toThrow(/is not a regular file but a pipe/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('a file that fails to close does not keep the others of its source open', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  runtime.disk.makeDirectory('in');
  const paths = ['in/a.log', 'in/b.log', 'in/c.log'];
  for (const path of paths) runtime.disk.write(path, 'one\n');
  const probe = await new SourceProbe(fileLines(paths, { follow: true }), runtime).open();
  for (let n = 0; n < 6; n += 1) await probe.readAvailable();
  runtime.faults.files = (operation, path) =>
    operation === 'close' && path.endsWith('b.log') ? 'EIO' : null;
  await expect(probe.close()).rejects.toThrow(/EIO/);
  expect(runtime.openFiles).toBe(0);
});
