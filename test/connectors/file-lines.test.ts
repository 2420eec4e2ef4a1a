import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import { fileLines } from '../../src/connectors/file-lines.js';
import { verifySource } from '../../src/testing/source-contract.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { SourceProbe } from './source-probe.js';

const numbered = (from: number, to: number, end = '\n'): string =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}${end}`).join('');
const expectedLines = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}`);

async function withFile(content: string | Uint8Array, options: Parameters<typeof fileLines>[1] = {}) {
  const runtime = virtualRuntime({ seed: 1 });
  runtime.disk.write('in/a.log', content);
  return await new SourceProbe(fileLines('in/a.log', options), runtime).open();
}

test('files keep the contract, on a virtual disk', () =>
  verifySource(() => fileLines(['a.log', 'b.log', 'empty.log']), {
    prepare(runtime) {
      const { disk } = runtime as ReturnType<typeof virtualRuntime>;
      disk.write('a.log', numbered(0, 120, '\r\n'));
      disk.write('b.log', `\uFEFF${numbered(200, 280)}no line end`);
      disk.write('empty.log', '');
    },
    expected: [...expectedLines(0, 120), ...expectedLines(200, 280), 'no line end'],
  }));

test('files keep the contract, paced and followed', async () => {
  const prepare = (runtime: unknown): void => {
    (runtime as ReturnType<typeof virtualRuntime>).disk.write('a.log', numbered(0, 200));
  };
  await verifySource(() => fileLines('a.log', { ratePerSecond: 100 }), {
    prepare,
    expected: expectedLines(0, 200),
    runs: 12,
  });
  await verifySource(() => fileLines('a.log', { follow: true }), {
    prepare,
    expected: expectedLines(0, 200),
    recordsTotal: 200,
    runs: 12,
  });
});

test('files keep the contract, on the real file system', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'weir-lines-'));
  const paths = [join(directory, 'a.log'), join(directory, 'b.log')];
  await writeFile(join(directory, 'a.log'), numbered(0, 500));
  await writeFile(join(directory, 'b.log'), numbered(500, 600));
  const runtime = nodeRuntime();
  await verifySource(() => fileLines(paths), {
    runtime: () => runtime,
    expected: expectedLines(0, 600),
    runs: 10,
  });
  await rm(directory, { recursive: true });
});

test('several files take turns, block by block', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  runtime.disk.write('a', 'a\n'.repeat(200_000));
  runtime.disk.write('b', 'b\n'.repeat(200_000));
  const probe = await new SourceProbe(fileLines(['a', 'b']), runtime).open();
  const values = await probe.readAll(4_096);
  expect(values.indexOf('b')).toBeLessThan(150_000);
  expect(values.lastIndexOf('a')).toBeGreaterThan(values.indexOf('b'));
  expect(values).toHaveLength(400_000);
});

test('the partial last line is kept back while following, and emitted at the end of a bounded read', async () => {
  const bounded = await withFile('one\ntwo\nthr');
  expect(await bounded.readAll()).toEqual(['one', 'two', 'thr']);
  const growing = await withFile('one\ntwo\nthr', { follow: true });
  expect(await growing.readAvailable()).toEqual(['one', 'two']);
  growing.runtime.disk.append('in/a.log', 'ee');
  expect(await growing.readAvailable()).toEqual([]);
  growing.runtime.disk.append('in/a.log', '\nfour\n');
  expect(await growing.readAvailable()).toEqual(['three', 'four']);
});

test('a restart in the middle of a partial line loses no byte of it', async () => {
  const probe = await withFile('one\ntw', { follow: true });
  await probe.readAvailable();
  await probe.reopen();
  probe.runtime.disk.append('in/a.log', 'o\n');
  expect(await probe.readAvailable()).toEqual(['two']);
});

test('a byte order mark belongs to the file, not to where reading was resumed', async () => {
  const probe = await withFile('\uFEFFone\n\uFEFFtwo\n');
  await probe.poll(1);
  await probe.reopen();
  await probe.readAll();
  expect(probe.values).toEqual(['one', '\uFEFFtwo']);
});

test('a rotated file is finished before the new one is read, and its rest is a line', async () => {
  const probe = await withFile('one\n', { follow: true, pollIntervalMs: 200 });
  const { disk } = probe.runtime;
  await probe.readAvailable();
  disk.rename('in/a.log', 'in/a.log.1');
  disk.append('in/a.log.1', 'two\nthree');
  disk.write('in/a.log', 'new one\n');
  await probe.runtime.advance(200);
  expect(await probe.readAvailable()).toEqual(['two']);
  disk.append('in/a.log.1', ' late');
  await probe.runtime.advance(200);
  await probe.readAvailable();
  await probe.runtime.advance(200);
  await probe.readAvailable();
  expect(probe.values).toEqual(['one', 'two', 'three late', 'new one']);
  expect(probe.counts).toEqual({ 'source.filesRotated': 1 });
});

test('a file that was rotated while nobody read it is found by its inode and finished first', async () => {
  const probe = await withFile('header\none\ntwo\nthree\n', { follow: true });
  await probe.poll(2);
  await probe.close();
  const { disk } = probe.runtime;
  disk.rename('in/a.log', 'in/a.log.1');
  disk.write('in/a.log', 'header\none\nnew\n');
  await probe.reopen();
  await probe.readAvailable();
  await probe.runtime.advance(500);
  await probe.readAvailable();
  expect(probe.values).toEqual(['header', 'one', 'two', 'three', 'header', 'one', 'new']);
});

test('a restart between the old file and the new one neither loses nor doubles', async () => {
  const probe = await withFile('one\ntwo\n', { follow: true });
  await probe.readAvailable();
  probe.runtime.disk.rename('in/a.log', 'in/a.log.1');
  probe.runtime.disk.write('in/a.log', 'new\n');
  for (let step = 0; step < 8; step += 1) {
    await probe.readAvailable();
    await probe.reopen();
    await probe.runtime.advance(300);
    await probe.readAvailable();
    await probe.runtime.advance(300);
  }
  expect(probe.values).toEqual(['one', 'two', 'new']);
});

test('a truncated file is read from its beginning', async () => {
  const probe = await withFile('one\ntwo\npart', { follow: true });
  await probe.readAvailable();
  probe.runtime.disk.write('in/a.log', 'short\n');
  await probe.runtime.advance(200);
  expect(await probe.readAvailable()).toEqual(['short']);
  expect(probe.counts).toEqual({ 'source.filesTruncated': 1 });
});

test('a file that was truncated and has grown past the old size is noticed by its content', async () => {
  const probe = await withFile('one\ntwo\n', { follow: true });
  await probe.readAvailable();
  probe.runtime.disk.write('in/a.log', 'other one\nother two\n');
  expect(await probe.readAvailable()).toEqual(['other one', 'other two']);
});

test('a file that was replaced under the same inode is noticed after a restart', async () => {
  const probe = await withFile('one\ntwo\n', { follow: true });
  await probe.readAvailable();
  await probe.close();
  probe.runtime.disk.write('in/a.log', 'uno\ndue\ntre\n');
  await probe.reopen();
  expect(await probe.readAvailable()).toEqual(['uno', 'due', 'tre']);
  expect(probe.counts).toEqual({ 'source.filesLost': 1 });
});

test('a file is known by its beginning as well as by the last line read', async () => {
  const probe = await withFile('january\nsame line\nrest\n', { follow: true });
  await probe.poll(2);
  await probe.close();
  probe.runtime.disk.write('in/a.log', 'october\nsame line\nother rest\n');
  await probe.reopen();
  expect(await probe.readAvailable()).toEqual(['october', 'same line', 'other rest']);
});

test('an old inode that now belongs to another file is not taken for the rotated one', async () => {
  const probe = await withFile('one\ntwo\n', { follow: true });
  await probe.poll(1);
  await probe.close();
  const { disk } = probe.runtime;
  disk.rename('in/a.log', 'in/other.txt');
  disk.write('in/other.txt', 'something else\nentirely\n');
  disk.write('in/a.log', 'new\n');
  await probe.reopen();
  expect(await probe.readAvailable()).toEqual(['new']);
  expect(probe.counts).toEqual({ 'source.filesLost': 1 });
});

test('closing at any moment of a poll leaves no file open', async () => {
  for (let steps = 0; steps < 12; steps += 1) {
    const probe = await withFile('one\ntwo\n');
    let open = 0;
    probe.runtime.faults.files = (operation) => {
      if (operation === 'open') open += 1;
      if (operation === 'close') open -= 1;
      return null;
    };
    const polling = probe.startPoll();
    const until = probe.runtime.steps + steps;
    await probe.runtime.run(() => probe.runtime.steps >= until);
    await probe.close();
    await probe.settle(polling);
    await probe.runtime.run();
    expect(open).toBe(0);
  }
});

test('the same file under another inode goes on where it was', async () => {
  const probe = await withFile('one\ntwo\n');
  await probe.poll(1);
  await probe.close();
  probe.runtime.disk.remove('in/a.log');
  probe.runtime.disk.write('in/a.log', 'one\ntwo\n');
  await probe.reopen();
  expect(await probe.readAll()).toEqual(['one', 'two']);
});

test('a bounded read refuses a file that was replaced or has shrunk', async () => {
  const replaced = await withFile('one\ntwo\n');
  await replaced.poll(1);
  await replaced.close();
  replaced.runtime.disk.write('in/a.log', 'uno\ndue\n');
  await replaced.reopen();
  await expect(replaced.poll()).rejects.toThrow(
    /is not the one that was read before.*at in\/a\.log:4.*Bring the old file back/,
  );
  const shrunk = await withFile('one\ntwo\n');
  await shrunk.poll();
  shrunk.runtime.disk.write('in/a.log', 'one\n');
  await expect(shrunk.poll()).rejects.toThrow(/has shrunk to 4 bytes/);
});

test('following starts behind the last whole line when told so', async () => {
  const probe = await withFile('old\nolder\nunfin', { follow: true, start: 'end' });
  expect(await probe.readAvailable()).toEqual([]);
  await probe.reopen();
  probe.runtime.disk.append('in/a.log', 'ished\nnew\n');
  expect(await probe.readAvailable()).toEqual(['unfinished', 'new']);
  await probe.reopen();
  probe.runtime.disk.append('in/a.log', 'newer\n');
  expect(await probe.readAvailable()).toEqual(['newer']);
});

test('a followed file may come later; a bounded one must be there', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const probe = await new SourceProbe(fileLines('late.log', { follow: true }), runtime).open();
  expect(await probe.readAvailable()).toEqual([]);
  expect(await probe.readAvailable()).toEqual([]);
  expect(probe.warnings).toEqual(['a followed file is not there yet']);
  runtime.disk.write('late.log', 'here\n');
  expect(await probe.readAvailable()).toEqual(['here']);
  const missing = await new SourceProbe(fileLines('missing.log'), runtime).open();
  await expect(missing.poll()).rejects.toThrow(/The file missing\.log is not there/);
});

test('a directory, a line too long, and wrong options have errors of their own', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  runtime.disk.makeDirectory('in');
  const directory = await new SourceProbe(fileLines('in'), runtime).open();
  await expect(directory.poll()).rejects.toMatchObject({ code: 'WEIR_CONNECTOR' });
  const long = await withFile(`ok\n${'x'.repeat(50)}\n`, { lineBytesMax: 20 });
  // What stands before it is read first.
  expect(await long.poll()).toMatchObject({ values: ['ok'] });
  await expect(long.poll()).rejects.toThrow(/longer than 20 bytes.*at in\/a\.log:3/);
  expect(() => fileLines([])).toThrow(/a path is missing/);
  expect(() => fileLines(['a', 'a'])).toThrow(/named twice/);
  expect(() => fileLines('a', { start: 'end' })).toThrow(/without follow/);
  expect(() => fileLines('a', { pollIntervalMs: 0 })).toThrow(/pollIntervalMs/);
});

test('invalid UTF-8 is counted and told once per file', async () => {
  const probe = await withFile(Buffer.concat([Buffer.from('a\n'), Buffer.from([0xff, 0x0a, 0xfe, 0x0a])]));
  expect(await probe.readAll()).toEqual(['a', '\uFFFD', '\uFFFD']);
  expect(probe.counts).toEqual({ 'source.linesInvalid': 2 });
  expect(probe.warnings).toHaveLength(1);
});

test('an I/O error names the file', async () => {
  const probe = await withFile('one\n');
  probe.runtime.faults.files = (operation) => (operation === 'read' ? 'EIO' : null);
  await expect(probe.poll()).rejects.toThrow(/Cannot read in\/a\.log: .*EIO/);
});
