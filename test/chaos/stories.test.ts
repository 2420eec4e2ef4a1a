// Faults that need each other: they overlap in time, and what they leave behind is noticed.

import { expect, test } from 'vitest';
import { subjectOf } from '../../bench/simulate/shape.js';
import { SHAPES } from '../../bench/simulate/shapes.js';
import { present } from '../../src/base/assert.js';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import type { FiredFault, RunSpec } from '../../src/chaos/execution.js';
import { runOnce } from '../../src/chaos/explore.js';
import { JobWatch } from '../../src/chaos/job-watch.js';
import { OpenConnectors } from '../../src/chaos/open-connectors.js';
import type { PlannedFault } from '../../src/chaos/plan.js';

const subject = subjectOf(
  present(
    SHAPES.find(({ name }) => name === 'count'),
    'a shape that counts',
  ),
);

/** Without violations. */
async function fired(
  faults: readonly PlannedFault[],
  knobs: RunSpec['knobs'],
): Promise<readonly FiredFault[]> {
  const spec: RunSpec = { seed: 3, plan: { version: 1, faults }, knobs, choices: null, trace: false };
  const { outcome } = await runOnce(subject, spec);
  expect(outcome.violations).toEqual([]);
  return outcome.fired;
}

/** A restart that takes long: nobody reaches a protocol step between the failure and the next attempt. */
const SLOW_RESTART = { parallelism: 1, records: 120, gapUs: 600, restartDelayMs: 30 };

test('what is to happen during a fault happens before its consequences are dealt with', async () => {
  const during: PlannedFault[] = [
    { kind: 'store.rejectWritten', target: '*', trigger: { kind: 'nth', n: 6 } },
    { kind: 'process.pause', target: '*', trigger: { kind: 'during', fault: 0 }, parameters: { ms: 500 } },
  ];
  const [reject, pause] = await fired(during, SLOW_RESTART);
  expect([reject?.kind, pause?.kind]).toEqual(['store.rejectWritten', 'process.pause']);
  expect((pause?.atMs ?? 0) - (reject?.atMs ?? 0)).toBeLessThanOrEqual(20);
});

test('a slow commit keeps newer transactions waiting, and a stuck one ends by a restart: every result comes once', async () => {
  const commits: PlannedFault[] = [
    { kind: 'sink.commitSlow', target: '*', trigger: { kind: 'nth', n: 2 }, parameters: { ms: 300 } },
    { kind: 'sink.commitStuck', target: '*', trigger: { kind: 'nth', n: 4 } },
  ];
  const kinds = (await fired(commits, SLOW_RESTART)).map(({ kind }) => kind);
  expect(kinds).toEqual(['sink.commitSlow', 'sink.commitStuck']);
});

test('a replaced process that begins another attempt is noticed, however late it tells', () => {
  const watch = new JobWatch();
  watch.attemptOf(1, 1);
  watch.attemptOf(3, 3);
  // It began before it was replaced, and tells of it only now.
  watch.attemptOf(1, 2);
  expect(watch.violations).toEqual([]);
  watch.attemptOf(1, 4);
  expect(watch.violations).toMatchObject([{ oracle: 'O6', check: 'O6 fencing' }]);
});

test('connectors are open until they are closed, or their process is gone', () => {
  const connectors = new OpenConnectors();
  const [mine, other] = [nodeRuntime(), nodeRuntime()];
  const [reader, writer, gone] = [{}, {}, {}];
  connectors.opened(reader, 'reader', mine);
  connectors.opened(writer, 'writer', mine);
  connectors.opened(gone, 'writer of a dead process', other);
  connectors.closed(reader);
  expect(connectors.of(mine)).toEqual(['writer']);
});
