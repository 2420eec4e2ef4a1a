// Results of a job read in the same process.

import { expect, test } from 'vitest';
import type { CollectHandle } from '../../src/api/data-stream.js';
import { defineJob } from '../../src/api/define-job.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { settle, startJob } from './virtual-job.js';

function collecting(map: (value: number) => number) {
  let results: CollectHandle<number> | null = null;
  const job = defineJob('collecting', (env) => {
    results = env.from([1, 2, 3]).map(map).collect();
  });
  return {
    job,
    async read(): Promise<number[]> {
      const rows: number[] = [];
      if (results === null) throw new Error('the job has been described');
      for await (const value of results) rows.push(value);
      return rows;
    },
  };
}

test('a loop over collected results ends when the job does', async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const { job, read } = collecting((value) => value * 10);
  await startJob(runtime, job, {});
  expect(await settle(runtime, read())).toEqual([10, 20, 30]);
});

test('it throws what the job failed with', async () => {
  const runtime = virtualRuntime({ seed: 2 });
  const { job, read } = collecting(() => {
    throw new Error('no result');
  });
  const handle = await startJob(runtime, job, {});
  const reading = read();
  await expect(settle(runtime, reading)).rejects.toThrow('no result');
  await expect(handle.finished).rejects.toThrow('no result');
});
