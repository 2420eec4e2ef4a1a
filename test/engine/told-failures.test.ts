// What a program without a logger sees of a job that fails: the first failure whole, repetitions in a line each.

import { expect, test } from 'vitest';
import { defineJob } from '../../src/api/define-job.js';
import { silentLogger } from '../../src/base/logger.js';
import { collectSink } from '../../src/connectors/collect-sink.js';
import { forEachSink } from '../../src/connectors/for-each-sink.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, settle, startJob } from './virtual-job.js';

const failing = defineJob('orders', (env) => {
  env
    .from(['a', 'b\x1b[2J'], { uid: 'letters' })
    .map((letter) => {
      if (letter !== 'a') throw new TypeError(`cannot read ${letter}`);
      return letter;
    })
    .name('parse')
    .sinkTo(collectSink<string>());
});

async function told(options: Parameters<typeof startJob>[2]): Promise<readonly string[]> {
  const lines: string[] = [];
  const runtime = virtualRuntime({ seed: 1, report: (text) => lines.push(...text.split('\n')) });
  const handle = await startJob(runtime, failing, {
    checkpoint: { dir: '/job' },
    restart: { kind: 'fixedDelay', attempts: 100, delayMs: 1_000 },
    ...options,
  });
  await expect(settle(runtime, handle.finished)).rejects.toThrow('3 times in a row');
  return lines.map((line) => line.replace(/^\d\d:\d\d:\d\d /, '').replace(/\/[\w./-]*\/test\//, 'test/'));
}

test('the first failure is told with its causes and lines, the next ones in a line', async () => {
  const again =
    'weir error attempt failed job=orders actor=/job attempt=N: The function of map threw: cannot read b\\x1b[2J. [operator "parse" subtask 0, declared test/engine/told-failures.test.ts:N:N] [at index 1, subtask 0, record "b\\u001b[2J"]';
  const lines = (await told({})).map((line) =>
    line.replace(/attempt=\d+/, 'attempt=N').replace(/:\d+:\d+/g, ':N:N'),
  );
  expect(lines).toEqual([
    'weir error attempt failed job=orders actor=/job attempt=N',
    '    The function of map threw: cannot read b\\x1b[2J.',
    '      where  operator "parse", subtask 0, index 1',
    '      record  "b\\u001b[2J"',
    '      declared at test/engine/told-failures.test.ts:N:N',
    '      thrown at test/engine/told-failures.test.ts:N:N (TypeError)',
    'weir warn the job restarts from the last completed checkpoint job=orders actor=/job delayMs=1000 restarts=1',
    again,
    'weir warn the job restarts from the last completed checkpoint job=orders actor=/job delayMs=1000 restarts=2',
    again,
    'weir error the job has failed for good job=orders actor=/job why=3 times in a row at the same record',
  ]);
});

test('a silent logger says nothing', async () => {
  expect(await told({ logger: silentLogger })).toEqual([]);
});

test('a job that had finished before says that nothing is left, also when its input has grown', async () => {
  const lines: string[] = [];
  const runtime = virtualRuntime({ seed: 1, report: (text) => lines.push(text) });
  const over = (items: readonly number[]): ReturnType<typeof defineJob> =>
    defineJob('sums', (env) => {
      env.from(items, { uid: 'items' }).sinkTo(
        forEachSink(() => undefined),
        { uid: 'out' },
      );
    });
  for (const items of [
    [1, 2],
    [1, 2, 3],
    [1, 2, 3],
  ]) {
    const handle = await startJob(runtime, over(items), { checkpoint: { dir: '/sums' } });
    await finishJob(runtime, handle);
  }
  expect(lines).toHaveLength(2);
  expect(lines[0]).toContain('weir warn the job had finished before, so nothing is left to do');
  expect(lines[0]).toContain('input that has come since is not read');
  expect(lines[0]).toContain('directory=/sums');
});
