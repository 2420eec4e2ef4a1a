// `run` answers: with a handle, or with why there is none.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from '../../actors/run.js';
import { defineJob } from '../../src/api/define-job.js';
import { FIRST_BEGINS_MAX } from '../../src/base/limits.js';
import { makeDirectories } from '../../src/base/node-directories.js';
import { collectSink } from '../../src/connectors/collect-sink.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { settle } from './virtual-job.js';

const TSX = import.meta.resolve('tsx');
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

function runOnce(
  directory: string,
  ...imports: string[]
): Promise<{ readonly out: string; readonly code: number | null }> {
  const options = [
    '--conditions=weir-source',
    '--import',
    TSX,
    ...imports.flatMap((each) => ['--import', each]),
  ];
  const child = spawn(process.execPath, [...options, fixture('run-once.ts'), directory]);
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ out, code }));
  });
}

test('a checkpoint directory that cannot be made is refused, and the process can end', async () => {
  const impossible = existsSync('/proc') ? '/proc/nope/x' : `${fixture('run-once.ts')}/x`;
  const { out, code } = await runOnce(impossible);
  expect(out).toContain(impossible);
  expect(code).toBe(0);
  await expect(makeDirectories(impossible)).rejects.toMatchObject({ code: expect.stringMatching(/^E/) });
});

test("a missing native file of LMDB is told with the system's name and what to do", async () => {
  const { out, code } = await runOnce('unused', fixture('without-lmdb.ts'));
  expect(out).toContain(`LMDB could not be loaded (${process.platform} ${process.arch}`);
  expect(out).toContain('No native build was found');
  expect(out).toContain('install the packages again');
  expect(code).toBe(0);
});

test('a store that stays closed to the first attempt is tried a few times, whatever the restart strategy', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  let opened = 0;
  runtime.faults.keyValues = (operation) => {
    if (operation !== 'open') return null;
    opened += 1;
    return 'full';
  };
  const job = defineJob('busy', (env) => {
    env.from([1]).sinkTo(collectSink());
  });
  const started = run(job, { runtime, actorHost: 'dispatch', checkpoint: { dir: '/job' } });
  await expect(settle(runtime, started)).rejects.toMatchObject({ name: 'StoreError' });
  expect(opened).toBe(FIRST_BEGINS_MAX);
});
