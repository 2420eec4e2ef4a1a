// The checkpoint protocol holds in every simulated run: whatever dies, is lost, comes twice or lands late.

import { beforeAll, expect, test } from 'vitest';
import { drawProtocolPlan, PROTOCOL_FAULTS } from '../../bench/simulate/protocol/protocol-plan.js';
import { type ProtocolRun, protocolRun } from '../../bench/simulate/protocol/protocol-run.js';
import { PROTOCOL_STEPS } from '../../src/task/effect.js';

const SEEDS = 900;

const runs: ProtocolRun[] = [];

beforeAll(() => {
  for (let seed = 1; seed <= SEEDS; seed += 1) runs.push(protocolRun(seed));
});

test('every record is committed exactly once, in order, under random faults', () => {
  const bad = runs.filter(({ violations }) => violations.length > 0);
  expect(bad.map(({ seed, violations }) => ({ seed, violations }))).toEqual([]);
  for (const { seed, counts } of runs) expect(counts.records).toBe(drawProtocolPlan(seed).records);
});

test('the runs meet every kind of fault and a death at every step of the protocol', () => {
  const faults = new Set(runs.flatMap(({ counts }) => Object.keys(counts.faults)));
  expect([...faults].sort()).toEqual(Object.keys(PROTOCOL_FAULTS).sort());
  const crashes = new Set(runs.flatMap(({ counts }) => Object.keys(counts.crashes)));
  expect([...crashes].sort()).toEqual([...PROTOCOL_STEPS].sort());
  const restores = runs.reduce((sum, { counts }) => sum + counts.restores, 0);
  const checkpoints = runs.reduce((sum, { counts }) => sum + counts.checkpoints, 0);
  expect(restores).toBeGreaterThan(2 * SEEDS);
  expect(checkpoints).toBeGreaterThan(15 * SEEDS);
  expect(runs.some(({ counts }) => counts.shadows > 0)).toBe(true);
});

test('a run is a function of its seed', () => {
  for (const { seed, hash, counts } of runs.slice(0, 20)) {
    const again = protocolRun(seed);
    expect({ hash: again.hash, counts: again.counts }).toEqual({ hash, counts });
  }
  expect(new Set(runs.map(({ hash }) => hash)).size).toBe(SEEDS);
});
