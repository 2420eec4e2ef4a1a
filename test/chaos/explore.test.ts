// Exploring: which runs are made, when it ends, what it reports about failures, instability, vacuity and properties.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { UserCodeError } from '../../src/base/errors.js';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import type { Runtime } from '../../src/base/runtime.js';
import type { RunSpec, Subject } from '../../src/chaos/execution.js';
import type { ExploreOptions, ExploreProgress, ExploreReport } from '../../src/chaos/exploration.js';
import { explore, runOnce } from '../../src/chaos/explore.js';
import type { Plan, PlannedFault } from '../../src/chaos/plan.js';
import { parseReplayToken } from '../../src/chaos/replay-token.js';
import { toySubject } from './toy-subject.js';

const CRASH: PlannedFault = { kind: 'actor.crash', target: 'sink', trigger: { kind: 'nth', n: 3 } };
const NEVER: PlannedFault = { ...CRASH, trigger: { kind: 'nth', n: 100_000 } };

describe('exploring a correct program', () => {
  test('runs every seed, finds nothing, and adds up what happened', async () => {
    const subject = toySubject();
    const report = await exploring(subject, { seeds: 200 });
    expect(report).toMatchObject({ subject: 'toy', seeds: 200, failures: [], doubleRuns: 2 });
    expect(subject.specs).toHaveLength(202);
    expect(new Set(subject.specs.map(({ seed }) => seed)).size).toBe(200);
    expect(report.counts.restores).toBeGreaterThan(0);
    expect(report.faultsFired.get('actor.crash')).toBeGreaterThan(0);
    expect(report.stepsReached.get('sink commit.acked')).toBeGreaterThan(0);
    expect(report.vacuous).toEqual([]);
  });

  test('explores the same runs with the same options', async () => {
    const [first, second] = [toySubject(), toySubject()];
    await exploring(first, { seeds: 50, firstSeed: 1_000 });
    await exploring(second, { seeds: 50, firstSeed: 1_000 });
    expect(first.specs).toEqual(second.specs);
    expect(first.specs.at(-1)?.seed).toBe(1_049);
  });

  test('puts the fixed faults into every plan, and nothing else without swarm', async () => {
    const plan: Plan = { version: 1, faults: [CRASH] };
    const [swarm, alone] = [toySubject(), toySubject()];
    await exploring(swarm, { seeds: 50, plan });
    await exploring(alone, { seeds: 50, plan, swarm: false });
    expect(swarm.specs.every((spec) => spec.plan.faults[0] === CRASH)).toBe(true);
    expect(swarm.specs.some((spec) => spec.plan.faults.length > 2)).toBe(true);
    expect(alone.specs.every((spec) => spec.plan.faults.length === 1)).toBe(true);
  });

  test('tells which fixed fault never fired in any seed', async () => {
    const report = await exploring(toySubject(), {
      seeds: 20,
      plan: { version: 1, faults: [NEVER] },
      swarm: false,
    });
    expect(report.vacuous).toEqual([
      expect.stringMatching(/actor\.crash was planned 20 times and never fired/),
      expect.stringMatching(/Fault 0 .* part of every plan, never fired/),
    ]);
  });
});

describe('exploring a program with a bug', () => {
  test('reports the failure shrunk, with its trace, its token and the run that found it', async () => {
    const subject = toySubject({ bugs: { twiceAfterCrash: true } });
    const report = await exploring(subject, { seeds: 2_000 });
    const [failure] = report.failures;
    expect(report.failures).toHaveLength(1);
    expect(failure).toMatchObject({ violation: { check: 'doubled' }, unstable: false });
    expect(failure?.minimal.plan.faults).toHaveLength(2);
    expect(failure?.shrink?.result).toBe('minimal');
    expect(failure?.outcome.trace).not.toBeNull();
    expect(failure?.found.seed).toBe(report.seeds);
    const told = parseReplayToken(failure?.token ?? '');
    expect(told).toMatchObject({
      hash: failure?.outcome.hash,
      version: JSON.parse(await readFile('package.json', 'utf8')).version,
    });
    expect((await subject.execute(told.spec)).hash).toBe(told.hash);
  });

  test('stops at the wanted number of failures, and leaves them as found when asked to', async () => {
    const subject = toySubject({ bugs: { overtakes: 4 } });
    const report = await exploring(subject, { seeds: 500, failuresMax: 3, shrink: false });
    expect(report.failures).toHaveLength(3);
    expect(report.seeds).toBeLessThan(500);
    for (const { minimal, found, shrink, outcome } of report.failures) {
      expect(minimal).toEqual({ ...found, choices: outcome.choices, trace: true });
      expect(shrink).toBeNull();
    }
  });

  test('keeps what it finds, and runs it first the next time', async () => {
    const corpus = await mkdtemp(join(tmpdir(), 'weir-explore-'));
    onTestFinished(() => rm(corpus, { recursive: true }));
    const subject = toySubject({ bugs: { twiceAfterCrash: true } });
    const [found] = (await exploring(subject, { seeds: 2_000, corpus })).failures;
    const again = await exploring(subject, { corpus });
    expect(again).toMatchObject({ seeds: 0, failures: [{ violation: { check: 'doubled' } }] });
    expect(again.failures[0]?.found).toEqual({ ...found?.minimal, trace: false });
    const mended = await exploring(toySubject(), { seeds: 10, corpus });
    expect(mended).toMatchObject({ seeds: 10, failures: [] });
  });

  test('names a program that does not repeat itself, and shrinks nothing', async () => {
    const report = await exploring(toySubject({ bugs: { unstable: true } }), { seeds: 10 });
    expect(report.failures).toMatchObject([
      { violation: { check: 'O18 determinism', oracle: 'O18' }, unstable: true, shrink: null },
    ]);
    expect(report.seeds).toBe(1);
  });
});

describe('an exploration ends', () => {
  test('at its time: no seed is begun after it, and progress is told about twice a second', async () => {
    const told: ExploreProgress[] = [];
    const options: ExploreOptions = {
      seeds: 1_000,
      timeMs: 5_000,
      onProgress: (progress) => told.push(progress),
    };
    const report = await lasting(100, options);
    expect(report.seeds).toBe(49);
    expect(report.elapsedMs).toBe(5_000);
    expect(told).toHaveLength(11);
    expect(told.at(-1)).toMatchObject({ seeds: 49, failures: 0 });
    expect(report.seedsPerMinute).toBeCloseTo(588, 0);
  });

  test('with a failure for a property that no seed has seen', async () => {
    const properties = { 'recovered twice': { kind: 'sometimes', held: 0, failed: 3 } } as const;
    const report = await exploring(toySubject({ properties }), { seeds: 25 });
    expect(report.failures).toMatchObject([{ violation: { check: 'recovered twice' }, shrink: null }]);
    expect(report.failures[0]?.violation.message).toMatch(/none of 25 seeds \(looked at 75 times\)/);
    expect((await exploring(toySubject({ properties }), { seeds: 19 })).failures).toEqual([]);
  });

  test('with an error that names the seed when a run cannot be carried out', async () => {
    const broken: Subject = {
      ...toySubject(),
      execute: async ({ seed }) => {
        if (seed === 4) throw new TypeError('no such thing');
        return await toySubject().execute(specOf([]));
      },
    };
    const exploration = exploring(broken, { seeds: 10 });
    await expect(exploration).rejects.toThrow(UserCodeError);
    await expect(exploration).rejects.toThrow(/Seed 4 of "toy" could not be run: no such thing/);
  });
});

describe('a run that is looked at', () => {
  test('runs once when it is good, twice when it fails or when asked to', async () => {
    const good = toySubject();
    await runOnce(good, specOf([CRASH]));
    expect(good.specs).toHaveLength(1);
    await runOnce(good, specOf([CRASH]), { double: true });
    expect(good.specs).toHaveLength(3);
    const bad = toySubject({ bugs: { losesAboveDelayMs: 0 } });
    expect((await runOnce(bad, specOf([]))).outcome.violations).toMatchObject([{ check: 'lost' }]);
    expect(bad.specs).toHaveLength(2);
  });

  test('of a fixed plan fails when a fault did not fire; of a drawn plan it does not', async () => {
    const violationsOf = async (fixed: boolean): Promise<readonly string[]> =>
      (await runOnce(toySubject(), specOf([NEVER]), { fixed })).outcome.violations.map(({ check }) => check);
    expect(await violationsOf(true)).toEqual(['O16 vacuity']);
    expect(await violationsOf(false)).toEqual([]);
  });
});

function exploring(
  subject: Subject,
  options: ExploreOptions,
  runtime: Runtime = nodeRuntime(),
): Promise<ExploreReport> {
  return explore(subject, options, runtime);
}

/** Every run takes so long, on a clock that only these runs move. */
async function lasting(runMs: number, options: ExploreOptions): Promise<ExploreReport> {
  let nowMs = 0;
  const toy = toySubject();
  const subject: Subject = {
    ...toy,
    execute: async (spec) => {
      nowMs += runMs;
      return await toy.execute(spec);
    },
  };
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
  return await exploring(subject, options, { ...nodeRuntime(), clock });
}

function specOf(faults: readonly PlannedFault[]): RunSpec {
  return {
    seed: 7,
    plan: { version: 1, faults },
    knobs: { parallelism: 3, records: 30, delayMs: 5 },
    choices: null,
    trace: false,
  };
}
