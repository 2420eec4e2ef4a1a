// The actor kernel holds in every simulated tree and program: supervision as in OTP, no message lost, nothing left behind.

import { beforeAll, expect, test } from 'vitest';
import { TREE_FAULTS } from '../../bench/simulate/trees/tree-counts.js';
import { type TreeRun, treeRun } from '../../bench/simulate/trees/tree-run.js';

const SEEDS = 300;

const runs: TreeRun[] = [];

beforeAll(async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) runs.push(await treeRun(seed));
});

test('trees restart as OTP says, and every message is handled or dead exactly once', () => {
  const bad = runs.filter(({ violations }) => violations.length > 0);
  expect(bad.map(({ seed, violations }) => ({ seed, violations }))).toEqual([]);
});

test('the runs meet every kind of fault of actors', () => {
  const faults = new Set(runs.flatMap(({ counts }) => Object.keys(counts.faults)));
  expect([...faults].sort()).toEqual([...TREE_FAULTS].sort());
  expect(runs.reduce((sum, { counts }) => sum + counts.restarts, 0)).toBeGreaterThan(SEEDS);
  expect(runs.reduce((sum, { counts }) => sum + counts.lateReplies, 0)).toBeGreaterThan(SEEDS / 10);
});

test('a run is a function of its seed', async () => {
  for (const { seed, hash, counts } of runs.slice(0, 30)) {
    const again = await treeRun(seed);
    expect({ hash: again.hash, counts: again.counts }).toEqual({ hash, counts });
  }
  expect(new Set(runs.map(({ hash }) => hash)).size).toBeGreaterThan(SEEDS / 2);
});
