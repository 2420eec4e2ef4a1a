// One contract, two stores: what holds on LMDB holds on the virtual one.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import type {
  KeyValueEnvironment,
  KeyValueStores,
  OpenOptions,
  StoreKey,
  StoreWrite,
} from '../../src/base/runtime.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';

interface Subject {
  readonly stores: KeyValueStores;
  readonly root: string;
  makeFile(path: string): Promise<void>;
  /** Lets virtual time run until the promise settles. */
  finish<T>(work: Promise<T>): Promise<T>;
  cleanUp(): Promise<void>;
}

const subjects: Record<string, () => Promise<Subject>> = {
  async lmdb() {
    const root = await mkdtemp(join(tmpdir(), 'weir-store-'));
    return {
      stores: nodeRuntime().keyValues,
      root,
      makeFile: (path) => writeFile(path, 'x'),
      finish: (work) => work,
      cleanUp: () => rm(root, { recursive: true }),
    };
  },
  async virtual() {
    const runtime = virtualRuntime({ seed: 1 });
    return {
      stores: runtime.keyValues,
      root: '/root',
      makeFile: async (path) => runtime.disk.write(path, 'x'),
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

const OPTIONS: OpenOptions = { tables: ['a', 'b'], commitDeadlineMs: 20_000 };
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const put = (table: string, key: StoreKey, value: Uint8Array): StoreWrite => ({
  kind: 'put',
  table,
  key,
  value,
});
const remove = (table: string, key: StoreKey): StoreWrite => ({ kind: 'remove', table, key });

describe.each(Object.keys(subjects))('key values of %s', (name) => {
  let subject: Subject;
  let opened: KeyValueEnvironment[];
  const open = async (directory: string, options: OpenOptions = OPTIONS): Promise<KeyValueEnvironment> => {
    const environment = await subject.stores.open(directory, options);
    opened.push(environment);
    return environment;
  };
  const story = (title: string, tell: (at: (path: string) => string) => Promise<void>): void => {
    test(title, async () => {
      const make = subjects[name];
      if (make === undefined) throw new Error(name);
      subject = await make();
      opened = [];
      await subject.finish(tell((path) => join(subject.root, path)));
    });
  };
  afterEach(async () => {
    await subject.finish(Promise.all(opened.map((environment) => environment.close())));
    await subject.cleanUp();
  });

  story('a commit applies all its writes in order, in all its tables', async (at) => {
    const env = await open(at('store'));
    await env.commit([put('a', ['x'], bytes(1)), put('b', ['x'], bytes(2)), put('a', ['y'], bytes(3))]);
    await env.commit([
      remove('a', ['y']),
      put('a', ['x'], bytes(9)),
      put('a', ['x'], bytes(4)),
      remove('b', ['none']),
    ]);
    expect(env.get('a', ['x'])).toEqual(bytes(4));
    expect(env.get('b', ['x'])).toEqual(bytes(2));
    expect(env.get('a', ['y'])).toBeUndefined();
    expect(env.keys('a', {})).toEqual([['x']]);
  });

  story('a process gets its store again, also when it never learned of a claim of its own', async (at) => {
    const first = await open(at('store'));
    await first.close();
    const again = await open(at('store'), { ...OPTIONS, ownedBefore: first.owner });
    expect(again.owner).toBeGreaterThan(first.owner);
    await again.close();
    const newest = await open(at('store'), { ...OPTIONS, ownedBefore: first.owner });
    await newest.commit([put('a', ['x'], bytes(1))]);
  });

  story('values are copied both ways', async (at) => {
    const env = await open(at('store'));
    const value = Buffer.from('before');
    const commit = env.commit([put('a', ['k'], value)]);
    value.fill('x');
    await commit;
    const read = env.get('a', ['k']);
    expect(Buffer.from(read ?? []).toString()).toBe('before');
    read?.fill(0);
    env.range('a', {})[0]?.value.fill(0);
    await env.commit([put('a', ['other'], bytes(1))]);
    expect(Buffer.from(env.get('a', ['k']) ?? []).toString()).toBe('before');
  });

  story('values of every size come back, also from shared memory', async (at) => {
    const env = await open(at('store'));
    const sizes = [0, 1, 2_000, 4_096, 262_144, 3_000_000];
    const shared = new Uint8Array(new SharedArrayBuffer(300_000)).fill(7);
    await env.commit([
      ...sizes.map((size) => put('a', ['size', size], new Uint8Array(size).fill(size % 251))),
      put('a', ['shared'], shared),
    ]);
    for (const size of sizes) {
      const value = env.get('a', ['size', size]);
      expect(value?.byteLength).toBe(size);
      expect(value?.every((byte) => byte === size % 251)).toBe(true);
    }
    expect(env.get('a', ['shared'])?.every((byte) => byte === 7)).toBe(true);
  });

  story('ranges follow the order of the tuples, whatever the keys', async (at) => {
    const env = await open(at('store'));
    const element = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom('', '\0', '\0\0', 'a', 'a\0', 'ä', '\u{10ffff}', '\uffff'),
      fc.maxSafeInteger(),
      fc.constantFrom(0, 1, -1, 2 ** 32, -(2 ** 32), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
    );
    const key = fc.array(element, { minLength: 1, maxLength: 3 });
    // Bounds that are keys of rows matter most: there `from` is included and `to` is not.
    const bound = fc.oneof(fc.constant(null), key, fc.nat(19));
    const keyAt = (choice: StoreKey | number | null, keys: readonly StoreKey[]): StoreKey | null =>
      typeof choice === 'number' ? (keys[choice] ?? null) : choice;
    const property = fc.asyncProperty(
      fc.uniqueArray(key, { selector: (parts) => JSON.stringify(parts), maxLength: 20 }),
      bound,
      bound,
      fc.option(fc.nat(8)),
      fc.boolean(),
      async (keys, fromBound, toBound, limit, reverse) => {
        const from = keyAt(fromBound, keys);
        const to = keyAt(toBound, keys);
        await env.commit(env.keys('a', {}).map((old) => remove('a', old)));
        await env.commit(keys.map((each, index) => put('a', each, bytes(index))));
        const expected = keys
          .map((each, index) => ({ key: each, value: bytes(index) }))
          .filter(
            (row) => (from === null || order(row.key, from) >= 0) && (to === null || order(row.key, to) < 0),
          )
          .sort((one, other) => order(one.key, other.key));
        const options = { ...(from && { from }), ...(to && { to }) };
        expect(env.keys('a', options)).toEqual(expected.map((row) => row.key));
        if (reverse) expected.reverse();
        expect(env.range('a', { ...options, ...(limit !== null && { limit }), reverse })).toEqual(
          expected.slice(0, limit ?? undefined),
        );
      },
    );
    await fc.assert(property, { numRuns: 150 });
  });

  story('a commit that cannot be is refused whole', async (at) => {
    const env = await open(at('store'));
    const good = put('a', ['good'], bytes(1));
    await expect(env.commit([good, put('c', ['x'], bytes(1))])).rejects.toThrow('without the table "c"');
    await expect(env.commit([good, put('a', [], bytes(1))])).rejects.toThrow('at least one element');
    await expect(env.commit([good, put('a', [0.5], bytes(1))])).rejects.toThrow('whole numbers');
    await expect(env.commit([good, put('a', ['\ud800'], bytes(1))])).rejects.toThrow('well-formed');
    await expect(env.commit([good, put('a', ['x'.repeat(1_900)], bytes(1))])).rejects.toThrow('at most 1900');
    expect(() => env.get('c', ['x'])).toThrow('without the table "c"');
    expect(env.keys('a', {})).toEqual([]);
    await env.commit([good, put('a', ['x'.repeat(1_890)], bytes(1))]);
    expect(env.keys('a', {})).toHaveLength(2);
  });

  story('commits at the same time all happen, in order', async (at) => {
    const env = await open(at('store'));
    const commits = Array.from({ length: 50 }, (_, index) =>
      env.commit([put('a', ['row', index], bytes(index)), put('a', ['last'], bytes(index))]),
    );
    await Promise.all(commits);
    expect(env.keys('a', { from: ['row'] })).toHaveLength(50);
    expect(env.get('a', ['last'])).toEqual(bytes(49));
  });

  story('closing waits for what was committed, and is for good', async (at) => {
    const env = await open(at('store'));
    const commit = env.commit([put('a', ['x'], bytes(1))]);
    await Promise.all([env.close(), env.close()]);
    await commit;
    await expect(env.commit([put('a', ['x'], bytes(2))])).rejects.toMatchObject({ code: 'WEIR_STORE' });
    expect(() => env.get('a', ['x'])).toThrow('is closed');
    const again = await open(at('store'));
    expect(again.get('a', ['x'])).toEqual(bytes(1));
  });

  story('a second owner is refused while the first lives', async (at) => {
    const env = await open(at('store'));
    await expect(open(at('store'))).rejects.toMatchObject({ code: 'WEIR_STORE', unrecoverable: true });
    await expect(open(at('other/../store'))).rejects.toThrow('is in use by');
    await env.commit([put('a', ['x'], bytes(1))]);
    await open(at('store2'));
    await env.close();
    expect((await open(at('store'))).get('a', ['x'])).toEqual(bytes(1));
  });

  story('a reader sees what is there, beside a living owner, and changes nothing', async (at) => {
    await expect(open(at('store'), { ...OPTIONS, readOnly: true })).rejects.toMatchObject({
      code: 'WEIR_STORE',
    });
    const env = await open(at('store'));
    await env.commit([put('a', ['x'], bytes(1))]);
    const reader = await open(at('store'), {
      tables: ['a', 'later'],
      commitDeadlineMs: 1_000,
      readOnly: true,
    });
    expect(reader.get('a', ['x'])).toEqual(bytes(1));
    expect(reader.get('later', ['x'])).toBeUndefined();
    expect(reader.range('later', {})).toEqual([]);
    await expect(reader.commit([put('a', ['x'], bytes(2))])).rejects.toThrow('read-only');
    await reader.close();
    await env.commit([put('a', ['x'], bytes(3))]);
    expect(env.get('a', ['x'])).toEqual(bytes(3));
  });

  story('tables may be added by a later owner', async (at) => {
    await (await open(at('store'))).close();
    const env = await open(at('store'), { ...OPTIONS, tables: ['a', 'new'] });
    await env.commit([put('new', ['x'], bytes(1))]);
    expect(env.get('new', ['x'])).toEqual(bytes(1));
  });

  story('a path that cannot be a store is refused by name', async (at) => {
    await open(at('made/with/parents.v1'));
    await subject.makeFile(at('file'));
    await expect(open(at('file'))).rejects.toThrow(at('file'));
    await expect(open(at('file/sub'))).rejects.toMatchObject({ code: 'WEIR_STORE', unrecoverable: true });
  });
});

/** Element by element; numbers before strings, strings by code point; a tuple before those that it begins. */
function order(a: StoreKey, b: StoreKey): number {
  for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
    const [x, y] = [a[index] ?? 0, b[index] ?? 0];
    if (typeof x !== typeof y) return typeof x === 'number' ? -1 : 1;
    const difference =
      typeof x === 'number' ? x - Number(y) : Buffer.compare(Buffer.from(x), Buffer.from(String(y)));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
