// Plans of crashes survive being written down, and every planned crash happens when its plan is replayed.

import { expect, test } from 'vitest';
import { type CrashPlan, parsePlan, planFor, planText, randomPlan } from '../../bench/proof/crash-plan.js';
import { crashRun } from '../../bench/proof/crash-run.js';
import { randomStream } from '../../src/base/random-stream.js';

test('a plan is its text', () => {
  const random = randomStream(1, 'plans');
  for (let index = 0; index < 200; index += 1) {
    const plan = randomPlan(random);
    expect(parsePlan(planText(plan))).toEqual(plan);
  }
});

test.each(['virtual:3', 'virtual:3:1:sink', 'virtual:3:1:sink@nowhere#1', 'mars:3:1:sink@ack.sent#1'])(
  '%s is no plan',
  (text) => {
    expect(() => parsePlan(text)).toThrow('a plan looks like');
  },
);

test('a planned crash that cannot happen fails its run', async () => {
  const plan = planFor('virtual', 1, 'sink', 'barrier.aligned', 10_000);
  const report = await crashRun(plan, 'unused');
  expect(report.failures.join()).toContain('never happened');
});

test('the same plan runs the same way twice', async () => {
  const plan: CrashPlan = parsePlan('virtual:3:17:sink@commit.applied#2,job@restore.read#1,power@ack.sent#5');
  const runs = [await crashRun(plan, 'unused'), await crashRun(plan, 'unused')];
  expect(runs[0]).toEqual(runs[1]);
  expect(runs[0]?.failures).toEqual([]);
  expect(runs[0]?.crashes).toBe(3);
});
