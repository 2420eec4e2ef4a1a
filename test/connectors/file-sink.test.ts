import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.js';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import type { Runtime } from '../../src/base/runtime.js';
import type { FileCommittable } from '../../src/connectors/file-commits.js';
import { type FileFormat, ndjson } from '../../src/connectors/file-format.js';
import { type FileSinkOptions, fileSink } from '../../src/connectors/file-sink.js';
import type { SinkContext, TransactionalWriter } from '../../src/operators/sink.js';
import { verifySink } from '../../src/testing/sink-contract.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { settleOn, sinkContextOn } from './sink-probe.js';

interface Hit {
  readonly n: number;
}

function published(runtime: Runtime, directory = 'out'): readonly Hit[] {
  const { disk } = runtime as VirtualRuntime;
  return names(runtime, directory).flatMap((name) => {
    const lines = (disk.readText(`${directory}/${name}`) ?? '').split('\n');
    expect(lines.pop()).toBe('');
    return lines.map((line) => JSON.parse(line) as Hit);
  });
}

function names(runtime: Runtime, directory = 'out'): readonly string[] {
  const { disk } = runtime as VirtualRuntime;
  return listed(disk, '.').includes(directory)
    ? listed(disk, directory).filter((name) => !name.startsWith('.'))
    : [];
}

function unfinished(runtime: Runtime): readonly string[] {
  const { disk } = runtime as VirtualRuntime;
  return listed(disk, 'out').includes('.weir') ? ['.weir', ...listed(disk, 'out/.weir')] : [];
}

function listed(disk: VirtualRuntime['disk'], path: string): readonly string[] {
  return disk.list(path);
}

test('files keep the contract of a transactional sink, whatever crashes and whatever a power cut takes', () =>
  verifySink<Hit>(() => fileSink('out', { roll: { sizeBytes: 100 } }), {
    readCommitted: (runtime) => published(runtime),
    leftovers: unfinished,
    runs: 250,
  }));

test('files keep the contract in any order of events, and when only the process dies', async () => {
  const options = {
    readCommitted: (runtime: Runtime) => published(runtime),
    leftovers: unfinished,
    runs: 100,
  };
  await verifySink<Hit>(() => fileSink('out'), {
    ...options,
    runtime: (seed) => virtualRuntime({ seed, order: 'random' }),
  });
  await verifySink<Hit>(() => fileSink('out'), { ...options, crash: 'process' });
});

test('files keep the contract on the real file system', async () => {
  const base = await mkdtemp(join(tmpdir(), 'weir-files-'));
  const runtime = nodeRuntime();
  let directory = base;
  await verifySink<Hit>(() => fileSink(directory), {
    runtime: () => runtime,
    prepare: (_runtime, seed) => {
      directory = join(base, `run-${seed}`);
    },
    async readCommitted() {
      const files = (await readdir(directory)).filter((name) => !name.startsWith('.'));
      const texts = await Promise.all(files.map((name) => readFile(join(directory, name), 'utf8')));
      return texts.flatMap((text) => text.trimEnd().split('\n')).map((line) => JSON.parse(line) as Hit);
    },
    leftovers: async () => (await readdir(directory)).filter((name) => name.startsWith('.')),
    runs: 15,
  });
  await rm(base, { recursive: true });
});

/** One writer on a virtual disk, driven by hand. */
async function writer(
  runtime: VirtualRuntime,
  options: FileSinkOptions<Hit> = {},
  place: Partial<SinkContext> = {},
): Promise<TransactionalWriter<Hit, FileCommittable>> {
  return await settleOn(runtime, fileSink('out', options).open(sinkContextOn(runtime, place)));
}

const hits = (from: number, to: number): Hit[] =>
  Array.from({ length: to - from }, (_, index) => ({ n: from + index }));

async function transaction(
  runtime: VirtualRuntime,
  sink: TransactionalWriter<Hit, FileCommittable>,
  records: readonly Hit[],
) {
  await settleOn(
    runtime,
    sink.write(
      records,
      records.map(() => 0),
    ),
  );
  return await settleOn(runtime, sink.prepare(1));
}

test('names tell whose a file is and sort in the order of commits', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const sink = await writer(runtime, {}, { attempt: 3, uid: 'hits' });
  for (let checkpoint = 1; checkpoint <= 12; checkpoint += 1) {
    const prepared = await transaction(runtime, sink, hits(checkpoint, checkpoint + 1));
    expect(await settleOn(runtime, sink.commit(checkpoint, prepared))).toEqual({ kind: 'ok' });
  }
  expect(names(runtime)[0]).toMatch(/^hits-0000-0003-000001-[0-9a-z]{10}\.ndjson$/);
  expect(published(runtime)).toEqual(hits(1, 13));
});

test('an empty transaction makes no file', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const sink = await writer(runtime);
  expect(await settleOn(runtime, sink.prepare(1))).toEqual([]);
  expect(await settleOn(runtime, sink.prepare(2))).toEqual([]);
  await settleOn(runtime, sink.close());
  expect(runtime.disk.list('out')).toEqual([]);
});

test('files roll by size and by time between checkpoints, each with its header', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const format: FileFormat<Hit> = {
    name: 'text',
    extension: 'txt',
    header: '# hits\n',
    encode: ({ n }) => `${n}\n`,
  };
  const sized = await writer(runtime, { format, roll: { sizeBytes: 12 } });
  const bySize = await transaction(runtime, sized, hits(10, 17));
  expect(bySize.map(({ records, sizeBytes }) => [records, sizeBytes])).toEqual([
    [2, 13],
    [2, 13],
    [2, 13],
    [1, 10],
  ]);
  const timed = await writer(runtime, { format, roll: { intervalMs: 1_000 } }, { uid: 'timed' });
  await settleOn(runtime, timed.write(hits(0, 2), [0, 0]));
  await runtime.advance(1_000);
  await settleOn(runtime, timed.write(hits(2, 3), [0]));
  const byTime = await settleOn(runtime, timed.prepare(1));
  expect(byTime.map(({ records }) => records)).toEqual([2, 1]);
  await settleOn(runtime, timed.commit(1, byTime));
  const texts = names(runtime).map((name) => runtime.disk.readText(`out/${name}`));
  expect(texts).toEqual(['# hits\n0\n1\n', '# hits\n2\n']);
});

test('blocks are larger than one record and smaller than one transaction', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const appends: number[] = [];
  const sink = await writer(runtime);
  runtime.faults.files = (operation, path) => {
    if (operation === 'append') appends.push(runtime.disk.read(path)?.byteLength ?? 0);
    return null;
  };
  const prepared = await transaction(runtime, sink, hits(0, 20_000));
  expect(prepared[0]?.sizeBytes).toBe(
    hits(0, 20_000)
      .map((hit) => `${JSON.stringify(hit)}\n`)
      .join('').length,
  );
  expect(appends.length).toBe(Math.ceil((prepared[0]?.sizeBytes ?? 0) / 65_536));
});

test('a record larger than a block is written whole', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const format: FileFormat<string> = { name: 'text', extension: 'txt', encode: (text) => `${text}\n` };
  const sink = await settleOn(runtime, fileSink<string>('out', { format }).open(sinkContextOn(runtime)));
  const records = ['a', 'ü'.repeat(200_000), 'b', '漢'.repeat(21_845), 'x'.repeat(65_536)];
  await settleOn(runtime, sink.write(records, []));
  const prepared = (await settleOn(runtime, sink.prepare(1))) as readonly FileCommittable[];
  await settleOn(runtime, sink.commit(1, prepared));
  expect(runtime.disk.readText(`out/${prepared[0]?.final}`)).toBe(
    records.map((each) => `${each}\n`).join(''),
  );
});

test('two jobs and two sinks in one directory leave each other alone', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const places = [{ uid: 'hits' }, { uid: 'errors' }, { uid: 'hits', job: 'other' }, { uid: 'hits.errors' }];
  const sinks = [];
  for (const place of places) sinks.push(await writer(runtime, {}, { ...place, attempt: 1 }));
  for (const sink of sinks) await transaction(runtime, sink, hits(0, 2));
  const told: string[] = [];
  const logger = { ...silentLogger, warn: (_fields: unknown, message: string) => void told.push(message) };
  const successor = await writer(runtime, {}, { uid: 'hits', attempt: 2, logger });
  await settleOn(runtime, successor.recover({ commit: [], known: [] }));
  expect(runtime.disk.list('out/.weir')).toHaveLength(3);
  await settleOn(runtime, successor.close());
  expect(runtime.disk.list('out/.weir')).toHaveLength(3);
  expect(told).toEqual([]);
});

test('a sink that ends may take the empty folder away under another that has not written yet', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const slow = await writer(runtime, {}, { uid: 'slow' });
  await settleOn(runtime, (await writer(runtime, {}, { uid: 'quick' })).close());
  expect(runtime.disk.list('out')).toEqual([]);
  const prepared = await transaction(runtime, slow, hits(0, 2));
  expect(await settleOn(runtime, slow.commit(1, prepared))).toEqual({ kind: 'ok' });
  expect(published(runtime)).toEqual(hits(0, 2));
});

test('unfinished files of a later attempt belong to another run and are left alone', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  await transaction(runtime, await writer(runtime, {}, { attempt: 7 }), hits(0, 2));
  const fresh = await writer(runtime, {}, { attempt: 1 });
  await settleOn(runtime, fresh.recover({ commit: [], known: [] }));
  expect(runtime.disk.list('out/.weir')).toHaveLength(1);
});

test('a foreign file with the final name is never overwritten', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const sink = await writer(runtime);
  const prepared = await transaction(runtime, sink, hits(0, 2));
  runtime.disk.write(`out/${prepared[0]?.final}`, 'precious');
  const outcome = await settleOn(runtime, sink.commit(1, prepared));
  expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'WEIR_CONNECTOR' } });
  expect(runtime.disk.readText(`out/${prepared[0]?.final}`)).toBe('precious');
});

test('a transaction of which nothing is left is unknown, and a damaged one is not published', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const sink = await writer(runtime);
  const lost = await transaction(runtime, sink, hits(0, 2));
  runtime.disk.remove(`out/.weir/${lost[0]?.aside}`);
  const unknown = await settleOn(runtime, sink.commit(1, lost));
  expect(unknown).toMatchObject({
    kind: 'unknown',
    error: { message: expect.stringMatching(/Neither out.* nor out/) },
  });
  const torn = await transaction(runtime, sink, hits(2, 4));
  runtime.disk.append(`out/.weir/${torn[0]?.aside}`, 'x');
  const failed = await settleOn(runtime, sink.commit(2, torn));
  expect(failed).toMatchObject({
    kind: 'failed',
    error: { message: expect.stringMatching(/17 bytes, 16 were written/) },
  });
  expect(names(runtime)).toEqual([]);
  await expect(settleOn(runtime, sink.recover({ commit: torn, known: torn }))).rejects.toThrow(
    /were written/,
  );
});

test.each(['EACCES', 'EROFS', 'ENOSPC'] as const)(
  'a directory that cannot be written (%s) is named at the start',
  async (code) => {
    const runtime = virtualRuntime({ seed: 1 });
    runtime.faults.files = (operation) =>
      operation === 'open' || operation === 'makeDirectory' ? code : null;
    await expect(writer(runtime)).rejects.toThrow(
      /Cannot write into the directory out: .*(Give the process|choose another|make room)/,
    );
  },
);

test('a path through a file is no directory', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  runtime.disk.write('out', 'a file');
  await expect(writer(runtime)).rejects.toThrow(
    /Cannot write into the directory out: .*is a file, not a directory/,
  );
});

test('after a failed fsync the writer takes nothing more, and closing still removes its file', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const sink = await writer(runtime);
  runtime.faults.files = (operation) => (operation === 'sync' ? 'EIO' : null);
  await expect(transaction(runtime, sink, hits(0, 2))).rejects.toThrow(/EIO/);
  runtime.faults.files = null;
  await expect(settleOn(runtime, sink.prepare(2))).rejects.toThrow(/EIO/);
  await expect(transaction(runtime, sink, hits(0, 2))).rejects.toThrow(/EIO/);
  await settleOn(runtime, sink.close());
  expect(runtime.disk.list('out')).toEqual([]);
});

test('a commit whose rename is not durable is unknown, and a second one settles it', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const sink = await writer(runtime);
  const prepared = await transaction(runtime, sink, hits(0, 2));
  runtime.faults.files = (operation) => (operation === 'syncDirectory' ? 'EIO' : null);
  expect(await settleOn(runtime, sink.commit(1, prepared))).toMatchObject({ kind: 'unknown' });
  runtime.faults.files = null;
  expect(await settleOn(runtime, sink.commit(1, prepared))).toEqual({ kind: 'ok' });
  expect(published(runtime)).toEqual(hits(0, 2));
});

test('closing in the middle of a write waits for it and removes the file', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const sink = await writer(runtime);
  const writing = sink.write(hits(0, 20_000), []);
  await settleOn(runtime, sink.close());
  await settleOn(runtime, Promise.resolve(writing));
  expect(runtime.disk.list('out')).toEqual([]);
  await expect(transaction(runtime, sink, hits(0, 2))).rejects.toThrow(/has been closed/);
});

test('a record that the format cannot express fails the attempt', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const sink = await settleOn(runtime, fileSink<unknown>('out').open(sinkContextOn(runtime)));
  expect(() => sink.write([{ n: 1n }], [0])).toThrow(/The format ndjson could not express a record/);
  expect(() => ndjson().encode(undefined)).toThrow(/NDJSON cannot express a undefined/);
});

test.each(['', '.hidden', 'a/b', 'a\\b', '..', 'a\nb', 'a\0', 'x'.repeat(129), 'ü'.repeat(65)])(
  'a prefix or an extension that is no part of a file name is found when the sink is made: %j',
  (text) => {
    expect(() => fileSink('out', { prefix: text })).toThrow(/prefix is the beginning of a file name, got/);
    expect(() => fileSink('out', { format: { ...ndjson(), extension: text } })).toThrow(
      /the extension of format "ndjson" is the end of a file name, got/,
    );
  },
);

test('the longest names that are taken fit into a file system', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const format = { ...ndjson(), extension: `${'e'.repeat(40)}.tar.gz` };
  const sink = fileSink('out', { prefix: 'p'.repeat(128), format });
  const writer = await settleOn(runtime, sink.open(sinkContextOn(runtime)));
  await settleOn(runtime, writer.recover({ commit: [], known: [] }));
  await settleOn(runtime, writer.write([{ n: 1 }], [0]));
  const written = await settleOn(runtime, writer.prepare(1 as never));
  expect(Buffer.byteLength(written[0]?.final ?? '')).toBeGreaterThan(128 + 47);
  expect(Buffer.byteLength(written[0]?.final ?? '')).toBeLessThanOrEqual(255);
});

test('wrong options are refused at once', () => {
  expect(() => fileSink('')).toThrow(/name a directory/);
  expect(() => fileSink('out', { prefix: '../x' })).toThrow(/prefix is the beginning of a file name/);
  expect(() => fileSink('out', { roll: { sizeBytes: 0 } })).toThrow(/roll\.sizeBytes is a positive number/);
});

test.each([
  { aside: '../../etc/passwd', final: 'stolen' },
  { aside: '', final: '' },
  { final: '../escaped.ndjson' },
  { final: '/escaped.ndjson' },
  { final: 'another-0000-0001-000001-abc.ndjson' },
  { aside: '../secret.open' },
])(
  'a restored transaction with a name that the sink has not made is refused, and nothing moves: %j',
  async (names) => {
    const runtime = virtualRuntime({ seed: 1 });
    const [prepared] = await transaction(runtime, await writer(runtime), hits(0, 2));
    runtime.disk.write('secret.open', 'precious');
    const tampered = { ...prepared, ...names } as FileCommittable;
    const successor = await writer(runtime, {}, { attempt: 2 });
    const restored = { commit: [tampered], known: [tampered] };
    await expect(settleOn(runtime, successor.recover(restored))).rejects.toThrow(/cannot have written/);
    expect(runtime.disk.readText('secret.open')).toBe('precious');
    expect(runtime.disk.list('out/.weir')).toHaveLength(1);
    expect(published(runtime)).toEqual([]);
  },
);
