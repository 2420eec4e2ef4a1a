// One contract, two file systems: what holds on the real one holds on the virtual one.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import type { FileSystem } from '../../src/base/runtime.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';

interface Subject {
  readonly files: FileSystem;
  readonly root: string;
  /** Lets virtual time run until the promise settles. */
  finish<T>(work: Promise<T>): Promise<T>;
  cleanUp(): Promise<void>;
}

const subjects: Record<string, () => Promise<Subject>> = {
  async node() {
    const root = await mkdtemp(join(tmpdir(), 'weir-files-'));
    return {
      files: nodeRuntime().files,
      root,
      finish: (work) => work,
      cleanUp: () => rm(root, { recursive: true }),
    };
  },
  async virtual() {
    const runtime = virtualRuntime({ seed: 1 });
    runtime.disk.makeDirectory('/root');
    return {
      files: runtime.files,
      root: '/root',
      async finish(work) {
        let settled = false;
        const mark = (): void => {
          settled = true;
        };
        work.then(mark, mark);
        await runtime.run(() => settled);
        return await work;
      },
      cleanUp: async () => {},
    };
  },
};

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const code = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work;
    return 'no error';
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

describe.each(Object.keys(subjects))('files of %s', (name) => {
  let subject: Subject;
  const story = (
    title: string,
    tell: (files: FileSystem, at: (path: string) => string) => Promise<void>,
  ): void => {
    test(title, async () => {
      const make = subjects[name];
      if (make === undefined) throw new Error(name);
      subject = await make();
      await subject.finish(tell(subject.files, (path) => join(subject.root, path)));
    });
  };
  afterEach(() => subject.cleanUp());

  story('what is appended can be read, at any position, short only at the end', async (files, at) => {
    const file = await files.open(at('log'), 'append');
    await file.append(Buffer.from('hello '));
    await file.append(Buffer.from('world'));
    expect(text(await file.read(0, 100))).toBe('hello world');
    expect(text(await file.read(4, 3))).toBe('o w');
    expect(text(await file.read(11, 5))).toBe('');
    expect(text(await file.read(99, 5))).toBe('');
    await file.sync();
    expect((await file.stat()).sizeBytes).toBe(11);
    await file.close();
    const again = await files.open(at('log'), 'append');
    await again.append(Buffer.from('!'));
    await again.close();
    const reader = await files.open(at('log'), 'read');
    expect(text(await reader.read(0, 100))).toBe('hello world!');
    await reader.close();
  });

  story('an append takes a copy: the caller may reuse its buffer', async (files, at) => {
    const file = await files.open(at('log'), 'append');
    const buffer = Buffer.from('first');
    await file.append(buffer);
    buffer.fill('x');
    expect(text(await file.read(0, 9))).toBe('first');
    await file.close();
  });

  story('truncating cuts, and appends go to the new end', async (files, at) => {
    const file = await files.open(at('log'), 'createNew');
    await file.append(Buffer.from('0123456789'));
    await file.truncate(4);
    await file.append(Buffer.from('ab'));
    expect(text(await file.read(0, 99))).toBe('0123ab');
    await file.close();
  });

  story('a reader may not write, a closed handle does nothing', async (files, at) => {
    await (await files.open(at('log'), 'createNew')).close();
    const file = await files.open(at('log'), 'read');
    expect(await code(file.append(Buffer.from('x')))).toBe('EBADF');
    expect(await code(file.truncate(0))).toBe('EINVAL');
    await file.close();
    expect(await code(file.read(0, 1))).toBe('EBADF');
  });

  story('opening says what is wrong by code', async (files, at) => {
    expect(await code(files.open(at('none'), 'read'))).toBe('ENOENT');
    expect(await code(files.open(at('none/log'), 'append'))).toBe('ENOENT');
    await (await files.open(at('log'), 'createNew')).close();
    expect(await code(files.open(at('log'), 'createNew'))).toBe('EEXIST');
    expect(await code(files.open(at('log/x'), 'append'))).toBe('ENOTDIR');
    await files.makeDirectory(at('dir'));
    expect(await code(files.open(at('dir'), 'append'))).toBe('EISDIR');
  });

  story('stat tells kind, size and identity, and null where nothing is', async (files, at) => {
    expect(await files.stat(at('none'))).toBeNull();
    expect(await files.stat(at('none/none'))).toBeNull();
    await files.makeDirectory(at('dir'));
    const file = await files.open(at('dir/a'), 'createNew');
    await file.append(Buffer.from('abc'));
    const found = await files.stat(at('dir/a'));
    expect(found).toMatchObject({ kind: 'file', sizeBytes: 3, identity: (await file.stat()).identity });
    expect(await files.stat(at('dir'))).toMatchObject({ kind: 'directory' });
    expect(await code(files.stat(at('dir/a/b')))).toBe('ENOTDIR');
    await file.close();
  });

  story('identity stays with the file: that is how rotation is noticed', async (files, at) => {
    const old = await files.open(at('log'), 'createNew');
    const before = (await old.stat()).identity;
    await old.append(Buffer.from('x'));
    expect((await files.stat(at('log')))?.identity).toBe(before);
    await files.rename(at('log'), at('log.1'));
    await (await files.open(at('log'), 'createNew')).close();
    expect((await files.stat(at('log')))?.identity).not.toBe(before);
    expect((await files.stat(at('log.1')))?.identity).toBe(before);
    await old.append(Buffer.from('y'));
    expect((await files.stat(at('log.1')))?.sizeBytes).toBe(2);
    await old.close();
  });

  story('directories are made with their parents, listed in order, removed when empty', async (files, at) => {
    await files.makeDirectory(at('a/b/c'));
    await files.makeDirectory(at('a/b/c'));
    for (const file of ['b', 'a', 'C']) await (await files.open(at(`a/b/c/${file}`), 'createNew')).close();
    expect(await files.list(at('a/b/c'))).toEqual(['C', 'a', 'b']);
    expect(await code(files.removeDirectory(at('a/b/c')))).toBe('ENOTEMPTY');
    for (const file of ['a', 'b', 'C']) await files.remove(at(`a/b/c/${file}`));
    await files.remove(at('a/b/c/a'));
    await files.removeDirectory(at('a/b/c'));
    await files.removeDirectory(at('a/b/c'));
    expect(await files.list(at('a/b'))).toEqual([]);
    expect(await code(files.list(at('none')))).toBe('ENOENT');
    await (await files.open(at('file'), 'createNew')).close();
    expect(await code(files.makeDirectory(at('file')))).toBe('EEXIST');
    expect(await code(files.makeDirectory(at('file/sub')))).toBe('ENOTDIR');
    expect(await code(files.list(at('file')))).toBe('ENOTDIR');
    expect(await code(files.removeDirectory(at('file')))).toBe('ENOTDIR');
  });

  story('a rename replaces its target; what cannot be replaced is named by code', async (files, at) => {
    const put = async (path: string, content: string): Promise<void> => {
      const file = await files.open(at(path), 'append');
      await file.append(Buffer.from(content));
      await file.close();
    };
    await put('a', 'new');
    await put('b', 'old');
    await files.rename(at('a'), at('b'));
    const file = await files.open(at('b'), 'read');
    expect(text(await file.read(0, 9))).toBe('new');
    await file.close();
    expect(await files.stat(at('a'))).toBeNull();
    expect(await code(files.rename(at('none'), at('b')))).toBe('ENOENT');
    await files.makeDirectory(at('dir/sub'));
    expect(await code(files.rename(at('b'), at('dir')))).toBe('EISDIR');
    expect(await code(files.rename(at('dir'), at('b')))).toBe('ENOTDIR');
    await files.makeDirectory(at('other'));
    expect(await code(files.rename(at('other'), at('dir')))).toBe('ENOTEMPTY');
    await files.rename(at('dir'), at('other'));
    expect(await files.list(at('other'))).toEqual(['sub']);
    await files.syncDirectory(at('.'));
    expect(await code(files.syncDirectory(at('dir')))).toBe('ENOENT');
  });
});
