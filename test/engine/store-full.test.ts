// A store that has no room for a while holds the job up, and nothing more.

import { expect, test } from 'vitest';
import { defineJob } from '../../src/api/define-job.js';
import { collectSink } from '../../src/connectors/collect-sink.js';
import { generator } from '../../src/connectors/generator.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { finishJob, startJob } from './virtual-job.js';

test('an attempt that could not begin leaves no actor behind that writes to the closed store', async () => {
  const machine = virtualRuntime({ seed: 1 });
  let commits = 0;
  // The fifth commit fails the attempt, the ones after it the beginnings of the next attempts.
  machine.faults.keyValues = (operation) => {
    if (operation === 'commit') commits += 1;
    return operation === 'commit' && commits >= 5 && commits < 9 ? 'full' : null;
  };
  const sink = collectSink<number>();
  const job = defineJob('full', (env) => {
    env
      .from(generator({ count: 200, ratePerSecond: 500, seed: 1, make: (seq) => seq }), { uid: 'numbers' })
      .sinkTo(sink, { uid: 'out' });
  });
  const handle = await startJob(machine, job, {
    checkpoint: { dir: '/full', intervalMs: 20 },
    restart: { kind: 'fixedDelay', attempts: 20, delayMs: 10 },
  });
  const result = await finishJob(machine, handle);
  expect(result.state).toBe('FINISHED');
  expect(commits).toBeGreaterThan(9);
  expect([...sink.committed()].sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, seq) => seq));
});
