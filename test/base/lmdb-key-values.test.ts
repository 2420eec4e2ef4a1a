// What only the real store can show: processes, locks between them, damaged files, LMDB's own write lock.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open as openRaw } from 'lmdb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { present } from '../../src/base/assert.js';
import { StoreError } from '../../src/base/errors.js';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import type { KeyValueEnvironment, OpenOptions, StoreWrite } from '../../src/base/runtime.js';
import { encodeStoreKey } from '../../src/base/store-keys.js';

const OPTIONS: OpenOptions = { tables: ['a'], commitDeadlineMs: 20_000 };
const OWNER_ROW = encodeStoreKey(['owner']);

let directory: string;
const opened: KeyValueEnvironment[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-lmdb-'));
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all(opened.splice(0).map((environment) => environment.close()));
  await rm(directory, { recursive: true });
});

async function open(options: OpenOptions = OPTIONS): Promise<KeyValueEnvironment> {
  const environment = await nodeRuntime().keyValues.open(directory, options);
  opened.push(environment);
  return environment;
}

const put = (key: string, ...value: number[]): StoreWrite => ({
  kind: 'put',
  table: 'a',
  key: [key],
  value: Uint8Array.from(value),
});

/** A raw handle on the same environment, as a process would have it that does not see our lock. */
function intruder(): ReturnType<typeof openRaw> {
  return openRaw({ path: directory, noSubdir: false, overlappingSync: false, maxDbs: 16 });
}

interface Owner {
  readonly process: ChildProcess;
  /** Resolves with everything that it told, once it told `lines` lines. */
  told(lines: number): Promise<readonly number[]>;
  kill(): Promise<readonly number[]>;
}

function startOwner(): Owner {
  const fixture = fileURLToPath(new URL('./fixtures/store-owner.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', fixture, directory], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  let errors = '';
  child.stderr.on('data', (text) => (errors += text));
  const numbers = (): number[] => output.split('\n').slice(0, -1).map(Number);
  return {
    process: child,
    told: (lines) =>
      new Promise((resolve, reject) => {
        child.stdout.on('data', (text) => {
          output += text;
          if (numbers().length >= lines) resolve(numbers());
        });
        child.once('exit', () => reject(new Error(`the owner ended: ${errors}`)));
      }),
    kill: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit');
        child.once('close', () => resolve(numbers()));
        child.kill('SIGKILL');
      }),
  };
}

test('kill -9 leaves no lock behind, and everything that was told durable', async () => {
  for (let round = 0; round < 3; round += 1) {
    const owner = startOwner();
    await owner.told(5 + round);
    const told = await owner.kill();
    const env = await open();
    const stored = env.get('a', ['count'])?.[0];
    const last = told.at(-1) ?? 0;
    // One more may have become durable without being told.
    expect([last, (last + 1) % 256]).toContain(stored);
    expect(env.get('a', ['copy', present(stored, 'a count')])?.every((byte) => byte === stored)).toBe(true);
    await env.close();
  }
});

test('a living owner in another process is named by its pid, a frozen one is respected too', async () => {
  const owner = startOwner();
  await owner.told(1);
  await expect(open()).rejects.toThrow(`process ${owner.process.pid}`);
  owner.process.kill('SIGSTOP');
  await expect(open()).rejects.toThrow('does not answer');
  await owner.kill();
  await open();
});

test('who was replaced by another process does not get the store again; an own claim that was never told of does not count', async () => {
  const first = await open();
  await first.close();
  const unknown = await open();
  await unknown.close();
  const again = await open({ ...OPTIONS, ownedBefore: first.owner });
  await again.close();
  const owner = startOwner();
  await owner.told(1);
  await owner.kill();
  const refused = nodeRuntime().keyValues.open(directory, { ...OPTIONS, ownedBefore: again.owner });
  await expect(refused).rejects.toMatchObject({ code: 'WEIR_STORE_FENCED', unrecoverable: true });
  await open();
});

test('an owner that was overtaken writes nothing more', async () => {
  const env = await open();
  await env.commit([put('x', 1)]);
  const raw = intruder();
  const owners = raw.openDB('#owner', { encoding: 'binary', keyEncoding: 'binary', useVersions: true });
  await owners.put(OWNER_ROW, Buffer.from('{"format":1}'), 2);
  const late = await Promise.allSettled([env.commit([put('x', 2)]), env.commit([put('y', 2)])]);
  for (const outcome of late) expect(outcome).toMatchObject({ reason: { code: 'WEIR_STORE_FENCED' } });
  await expect(env.commit([put('z', 2)])).rejects.toMatchObject({ code: 'WEIR_STORE_FENCED' });
  expect(env.get('a', ['x'])).toEqual(Uint8Array.of(1));
  expect(env.keys('a', {})).toEqual([['x']]);
  await raw.close();
});

test('owner numbers grow with every owner, over processes', async () => {
  const numbers: unknown[] = [];
  for (let round = 0; round < 3; round += 1) {
    await (await open()).close();
    const raw = intruder();
    const owners = raw.openDB('#owner', { encoding: 'binary', keyEncoding: 'binary', useVersions: true });
    numbers.push(owners.getEntry(OWNER_ROW)?.version);
    await raw.close();
  }
  expect(numbers).toEqual([1, 2, 3]);
});

test('a commit that does not settle poisons the store; the lock stays until the write has landed', async () => {
  const env = await open({ ...OPTIONS, commitDeadlineMs: 200 });
  await env.commit([put('x', 1)]);
  const raw = intruder();
  let letGo: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  // Holds LMDB's write lock, as a thread does whose fsync hangs.
  const held = raw.transaction(() => gate);
  const stuck = env.commit([put('x', 2)]);
  const queued = env.commit([put('y', 2)]);
  await expect(stuck).rejects.toMatchObject({ code: 'WEIR_STORE_POISONED' });
  await expect(queued).rejects.toMatchObject({ code: 'WEIR_STORE_POISONED' });
  await expect(env.commit([put('z', 2)])).rejects.toMatchObject({ code: 'WEIR_STORE_POISONED' });
  await env.close();
  await expect(open()).rejects.toThrow('stuck in a write');
  letGo();
  await held;
  await raw.close();
  let again: KeyValueEnvironment | null = null;
  while (again === null) {
    again = await open().catch((error: unknown) => {
      if (error instanceof StoreError && error.message.includes('in use')) return null;
      throw error;
    });
  }
  // The outcome was unknown; it turns out that the write has landed.
  expect(again.get('a', ['x'])).toEqual(Uint8Array.of(2));
  expect(again.get('a', ['y'])).toBeUndefined();
});

const headerOf = (page: number, offset: number): number => page * 4096 + offset;
const damages: Record<string, (file: string) => Promise<void>> = {
  'cut in half': async (file) => truncate(file, Math.floor((await stat(file)).size / 2)),
  'cut to a fraction of a page': (file) => truncate(file, 100),
  'cut by one page': async (file) => truncate(file, (await stat(file)).size - 4096),
  empty: (file) => truncate(file, 0),
  missing: (file) => rm(file),
  'full of zeros': async (file) => writeFile(file, new Uint8Array((await stat(file)).size)),
  'a text': (file) => writeFile(file, 'hello '.repeat(10_000)),
  'without its magic number': (file) => change(file, headerOf(1, 24)),
  'of another page size': (file) => change(file, headerOf(0, 24 + 25)),
  'without a tree': (file) => change(file, headerOf(0, 24 + 24 + 48 + 40), headerOf(1, 24 + 24 + 48 + 40)),
};

async function change(file: string, ...offsets: number[]): Promise<void> {
  const bytes = await readFile(file);
  for (const offset of offsets) bytes[offset] = (bytes[offset] ?? 0) ^ 0x5a;
  await writeFile(file, bytes);
}

test.each(Object.keys(damages))(
  'a data file that is %s is refused by name, and never crashes',
  async (damage) => {
    const env = await open();
    for (let row = 0; row < 20; row += 1) await env.commit([put(`row ${row}`, ...new Uint8Array(10_000))]);
    await env.close();
    const file = join(directory, 'data.mdb');
    await damages[damage]?.(file);
    for (const readOnly of [false, true]) {
      const refusal = await open({ ...OPTIONS, readOnly }).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(StoreError);
      expect(refusal).toMatchObject({ code: 'WEIR_STORE', unrecoverable: true });
      expect(String(refusal)).toContain(file);
    }
  },
);

test('what an interrupted creation left is made anew', async () => {
  await writeFile(join(directory, 'data.mdb'), new Uint8Array(4096));
  await writeFile(join(directory, 'lock.mdb'), 'garbage');
  const env = await open();
  await env.commit([put('x', 1)]);
  expect(env.get('a', ['x'])).toEqual(Uint8Array.of(1));
});

test('a damaged lock file of a dead process does not matter', async () => {
  const env = await open();
  await env.commit([put('x', 1)]);
  await env.close();
  await writeFile(join(directory, 'lock.mdb'), new Uint8Array(500).fill(0xa5));
  expect((await open()).get('a', ['x'])).toEqual(Uint8Array.of(1));
});

test('a store of a newer format is refused', async () => {
  await (await open()).close();
  const raw = intruder();
  const owners = raw.openDB('#owner', { encoding: 'binary', keyEncoding: 'binary', useVersions: true });
  await owners.put(OWNER_ROW, Buffer.from('{"format":2}'), 9);
  await raw.close();
  await expect(open()).rejects.toThrow('has format 2; this version of Weir reads format 1');
});

test('a directory that cannot be written is refused by name', async () => {
  // Not even root may make directories there.
  const path = process.platform === 'linux' ? '/sys/weir-store' : '/System/weir-store';
  const refusal = await nodeRuntime()
    .keyValues.open(path, OPTIONS)
    .catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'WEIR_STORE', unrecoverable: true });
  expect(String(refusal)).toContain(path);
  expect(String(refusal)).toMatch(/permission/);
});

test.runIf(process.platform === 'linux').each(['all at once', 'a byte now and then'])(
  'a lock that is held by somebody who answers without end is refused: %s',
  async (pace) => {
    const { dev, ino } = await stat(directory, { bigint: true });
    const chatty = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      const timer = setInterval(() => socket.write(pace === 'all at once' ? 'x'.repeat(10_000) : 'x'), 50);
      socket.on('close', () => clearInterval(timer));
    });
    await new Promise<void>((resolve) => {
      chatty.listen({ path: `\0weir-store-${dev.toString(36)}-${ino.toString(36)}` }, resolve);
    });
    try {
      await expect(open()).rejects.toThrow(/in use by another process, which does not answer/);
    } finally {
      await new Promise((resolve) => chatty.close(resolve));
    }
  },
);
