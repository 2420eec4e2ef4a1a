// The corpus: what once failed is there next time, once, on any file system.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import type { FileSystem } from '../../src/base/runtime.js';
import { type CorpusEntry, readCorpus, writeToCorpus } from '../../src/chaos/corpus.js';
import { fault, planOf } from '../../src/chaos/fault.js';
import type { FaultSpec } from '../../src/chaos/scenario-options.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';

function failure(
  check: string,
  spec: FaultSpec,
  more: { subject?: string; seed?: number } = {},
): CorpusEntry {
  const { subject = 'orders', seed = 1 } = more;
  const plan = planOf([spec], () => 0);
  const choices = [...Array<number>(1_200).fill(0), 3];
  return {
    check,
    run: {
      version: '0.1.0',
      subject,
      spec: { seed, plan, knobs: { parallelism: 2 }, choices, trace: true },
      hash: '9f3a',
    },
  };
}

const LOST = failure('exactlyOnce', fault.kill('sink').at('commit.sent'));
const STUCK = failure('O7 liveness', fault.store().hangs());

/** The story that every file system must tell in the same way. */
async function keeps(files: FileSystem, directory: string): Promise<void> {
  expect(await readCorpus(files, directory, 'orders')).toEqual([]);
  const first = await writeToCorpus(files, directory, LOST);
  expect(first.added).toBe(true);
  expect(first.path).toMatch(/\/orders-[0-9a-f]{8}\.json$/);
  const second = await writeToCorpus(files, directory, STUCK);
  const again = failure('exactlyOnce', fault.kill('sink').at('commit.sent'), { seed: 99 });
  expect(await writeToCorpus(files, directory, again)).toEqual({ path: first.path, added: false });
  const expected = [
    { path: first.path, ...LOST },
    { path: second.path, ...STUCK },
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
  expect(await readCorpus(files, directory, 'orders')).toEqual(expected);
  expect(await files.list(directory)).toHaveLength(2);
}

/** Runs on a virtual machine until the promise has settled. */
async function simulated<T>(story: (files: FileSystem) => Promise<T>): Promise<T> {
  const machine = virtualRuntime({ seed: 1 });
  let settled = false;
  const result = story(machine.files).finally(() => {
    settled = true;
  });
  await machine.run(() => settled);
  return await result;
}

describe('a corpus', () => {
  let directory: string;
  const { files } = nodeRuntime();

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'weir-corpus-'));
  });
  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  test('keeps each failure once, on a virtual disk', async () => {
    await simulated((virtual) => keeps(virtual, '/app/.chaos'));
  });

  test('keeps each failure once, on the disk', async () => {
    await keeps(files, join(directory, 'once', '.chaos'));
  });

  test('is readable, and the same on every machine and day', async () => {
    const { path } = await writeToCorpus(files, join(directory, 'readable'), LOST);
    expect(await readFile(path, 'utf8')).toBe(`{
  "format": 1,
  "check": "exactlyOnce",
  "weir": "0.1.0",
  "subject": "orders",
  "seed": 1,
  "knobs": {
    "parallelism": 2
  },
  "plan": {
    "version": 1,
    "faults": [
      {
        "kind": "actor.crash",
        "target": "sink",
        "trigger": {
          "kind": "step",
          "step": "commit.sent",
          "n": 1
        }
      }
    ]
  },
  "hash": "9f3a",
  "choices": "0*1200 3"
}
`);
  });

  test('parts subjects, also those with names that look alike', async () => {
    await simulated(async (virtual) => {
      const subjects = ['orders', 'orders-2', 'a/b', 'a b', '../secret', 'été'];
      for (const subject of subjects) {
        const { path } = await writeToCorpus(virtual, '/c', failure('O1', fault.kill('sink'), { subject }));
        expect(path).toMatch(/^\/c\/[\w-][\w.-]*\.json$/);
      }
      for (const subject of subjects) {
        const found = await readCorpus(virtual, '/c', subject);
        expect(found.map((one) => one.run.subject)).toEqual([subject]);
      }
    });
  });

  test('names the file that it cannot read', async () => {
    const corpus = join(directory, 'damaged');
    const { path } = await writeToCorpus(files, corpus, LOST);
    const whole = await readFile(path, 'utf8');
    const damages: readonly [string, RegExp][] = [
      [whole.slice(0, 200), /JSON/],
      ['', /JSON/],
      ['null', /format: expected 1, got undefined/],
      [whole.replace('"format": 1', '"format": 2'), /format: expected 1, got 2/],
      [whole.replace('actor.crash', 'actor.crush'), /faults\[0\]\.kind: expected .* got "actor\.crush"/],
      [whole.replace('0*1200 3', '0x1200'), /there is "0x1200"/],
      [whole.replace('"check": "exactlyOnce"', '"check": 7'), /check: expected a text, got 7/],
    ];
    for (const [text, reason] of damages) {
      await writeFile(path, text);
      const reading = readCorpus(files, corpus, 'orders');
      await expect(reading).rejects.toThrow(ConfigError);
      await expect(reading).rejects.toThrow(path);
      await expect(reading).rejects.toThrow(reason);
      await expect(writeToCorpus(files, corpus, LOST)).rejects.toThrow(path);
    }
  });

  test('gives a plan of its own to a name that is taken by another plan', async () => {
    const corpus = join(directory, 'namesakes');
    const { path } = await writeToCorpus(files, corpus, LOST);
    const other = failure('exactlyOnce', fault.kill('source').at('commit.sent'));
    await writeFile(path, (await readFile(path, 'utf8')).replace('"sink"', '"source"'));
    const moved = await writeToCorpus(files, corpus, LOST);
    expect(moved).toEqual({ path: path.replace('.json', '-2.json'), added: true });
    expect(await writeToCorpus(files, corpus, LOST)).toEqual({ path: moved.path, added: false });
    const kept = (await readCorpus(files, corpus, 'orders')).map((one) => one.run.spec.plan);
    expect(kept).toHaveLength(2);
    expect(kept).toEqual(expect.arrayContaining([LOST.run.spec.plan, other.run.spec.plan]));
  });

  test('is not stopped by the draft of an interrupted program, nor by files of others', async () => {
    const corpus = join(directory, 'drafts');
    const { path } = await writeToCorpus(files, corpus, LOST);
    await rm(path);
    await writeFile(`${path}.draft`, 'half a');
    await writeFile(join(corpus, 'README.md'), 'ours');
    expect(await readCorpus(files, corpus, 'orders')).toEqual([]);
    expect(await writeToCorpus(files, corpus, LOST)).toEqual({ path, added: true });
    expect(await files.list(corpus)).toHaveLength(2);
  });

  test('that is a file, or cannot be written, says so', async () => {
    const blocked = join(directory, 'file');
    await writeFile(blocked, '');
    await expect(readCorpus(files, blocked, 'orders')).rejects.toThrow(
      /corpus .*file cannot be read: ENOTDIR/,
    );
    const below = join(blocked, 'below');
    await expect(writeToCorpus(files, below, LOST)).rejects.toThrow(ConfigError);
  });
});
