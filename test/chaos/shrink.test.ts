// Shrinking: the smallest run that still violates the same check, level by level, within its budget.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import { randomStream } from '../../src/base/random-stream.js';
import { drawKnobs, drawPlan } from '../../src/chaos/draw-plan.js';
import type { RunSpec } from '../../src/chaos/execution.js';
import type { Plan, PlannedFault } from '../../src/chaos/plan.js';
import { type ShrunkRun, shrink } from '../../src/chaos/shrink.js';
import { planWith } from '../../src/chaos/shrink-faults.js';
import { ddmin, lowest } from '../../src/chaos/shrink-search.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { TOY_TARGETS, type ToyBugs, type ToySubject, toySubject } from './toy-subject.js';

const AMPLE = { runs: 5_000, ms: 60_000 };
const CRASH: PlannedFault = { kind: 'actor.crash', target: 'sink', trigger: { kind: 'nth', n: 1 } };
const KNOBS = { parallelism: 3, records: 30, delayMs: 5 };

describe('ddmin', () => {
  test('ends with a part of which no single item can be left out', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(30), { maxLength: 40 }),
        fc.array(fc.uniqueArray(fc.nat(30), { maxLength: 4 }), { minLength: 1, maxLength: 3 }),
        async (items, causes) => {
          // Fails when one of the causes is there completely: not monotone in general, but always an answer.
          const keeps = async (part: readonly number[]): Promise<boolean> =>
            causes.some((cause) => cause.every((each) => part.includes(each)));
          fc.pre(await keeps(items));
          const kept = await ddmin(items, keeps);
          expect(await keeps(kept)).toBe(true);
          for (const [index] of kept.entries()) {
            expect(await keeps(kept.filter((_, other) => other !== index))).toBe(false);
          }
        },
      ),
    );
  });

  test('ends so also when leaving out one item makes another one superfluous, or needed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 12 }), async (seed, length) => {
        const items = Array.from({ length }, (_, index) => index);
        // Which parts fail is left to chance: nothing follows from larger or smaller parts.
        const keeps = async (part: readonly number[]): Promise<boolean> =>
          part.length === length || randomStream(seed, part.join()).next() < 0.3;
        const kept = await ddmin(items, keeps);
        expect(await keeps(kept)).toBe(true);
        if (kept.length === length) return;
        for (const index of kept) expect(await keeps(kept.filter((other) => other !== index))).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test('finds one of a thousand in few questions for each halving', async () => {
    let asked = 0;
    const items = Array.from({ length: 1_000 }, (_, index) => index);
    const kept = await ddmin(items, async (part) => {
      asked += 1;
      return part.includes(617);
    });
    expect(kept).toEqual([617]);
    expect(asked).toBeLessThan(40);
  });

  test('bisects numbers towards the least, from both sides', async () => {
    expect(await lowest(100, 1, async (value) => value >= 37)).toBe(37);
    expect(await lowest(-100, 0, async (value) => value <= -37)).toBe(-37);
    expect(await lowest(100, 1, async () => true)).toBe(1);
    expect(await lowest(100, 1, async () => false)).toBe(100);
  });
});

describe('a plan without some faults', () => {
  const plan: Plan = {
    version: 1,
    faults: [
      CRASH,
      { ...CRASH, after: 0 },
      { ...CRASH, after: 1 },
      { ...CRASH, trigger: { kind: 'during', fault: 2 } },
    ],
  };

  test('waits for what the missing fault waited for, or for nothing', () => {
    expect(planWith(plan, new Set([0, 2])).faults).toEqual([CRASH, { ...CRASH, after: 0 }]);
    expect(planWith(plan, new Set([2])).faults).toEqual([CRASH]);
  });

  test('keeps "during" where it can, and fires at the first hit where it cannot', () => {
    expect(planWith(plan, new Set([2, 3])).faults[1]?.trigger).toEqual({ kind: 'during', fault: 0 });
    expect(planWith(plan, new Set([3])).faults[0]?.trigger).toEqual({ kind: 'nth', n: 1 });
  });

  test('refers to faults that exist, whatever is left out', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(fc.nat(9)), (seed, kept) => {
        const drawn = drawPlan(TOY_TARGETS, seed, { max: 10 });
        const indices = kept.filter((index) => index < drawn.faults.length);
        const { faults } = planWith(drawn, new Set(indices));
        expect(faults).toHaveLength(new Set(indices).size);
        for (const [index, { after, trigger }] of faults.entries()) {
          expect(after ?? -1).toBeLessThan(index);
          if (trigger.kind === 'during') expect(trigger.fault).toBeLessThan(index);
        }
      }),
    );
  });

  test('does not hang on faults that wait for each other', () => {
    const circle: Plan = {
      version: 1,
      faults: [
        { ...CRASH, after: 1 },
        { ...CRASH, after: 0 },
        { ...CRASH, after: 0 },
      ],
    };
    expect(planWith(circle, new Set([2])).faults).toEqual([CRASH]);
  });
});

describe('shrinking', () => {
  test('leaves the two faults that the bug needs, in their simplest form', async () => {
    const faults: PlannedFault[] = [
      {
        kind: 'link.delay',
        target: '*',
        trigger: { kind: 'chance', probability: 0.3 },
        parameters: { ms: 1_400 },
      },
      { kind: 'actor.crash', target: 'sink', trigger: { kind: 'step', step: 'commit.sent', n: 3 }, times: 2 },
      { kind: 'store.flip', target: '*', trigger: { kind: 'nth', n: 900 } },
      { kind: 'link.duplicate', target: '*', trigger: { kind: 'every', n: 2 }, times: null, after: 1 },
      { kind: 'store.reject', target: '*', trigger: { kind: 'time', ms: 40 }, forMs: 100 },
    ];
    const { spec, outcome, summary } = await shrunk({ twiceAfterCrash: true }, { faults, check: 'doubled' });
    expect(spec.plan.faults).toEqual([
      { kind: 'actor.crash', target: 'sink', trigger: { kind: 'step', step: 'commit.sent', n: 1 } },
      { kind: 'link.duplicate', target: '*', trigger: { kind: 'nth', n: 1 }, after: 0 },
    ]);
    // A crash at the first checkpoint, after five records, and the sixth comes twice.
    expect(spec.knobs).toEqual({ parallelism: 1, records: 6, delayMs: 0 });
    expect(spec.choices).toEqual([]);
    expect(outcome.violations.map(({ check }) => check)).toContain('doubled');
    expect(outcome.trace).not.toBeNull();
    expect(summary).toMatchObject({ result: 'minimal', faultsBefore: 5, faultsAfter: 2 });
    expect(summary.runs).toBeLessThanOrEqual(60);
  });

  test('needs no fault for a bug of the schedule, and pulls the schedule to what matters', async () => {
    const faults = Array.from({ length: 5 }, () => CRASH);
    const { spec } = await shrunk({ overtakes: 4 }, { faults, check: 'order' });
    expect(spec.plan.faults).toEqual([]);
    expect(spec.knobs['parallelism']).toBe(2);
    // Two workers: the second runs ahead of record 0 until it is five places late.
    expect(spec.choices).toEqual([1, 1, 1, 1, 1]);
    expect(spec.knobs['records']).toBe(10);
  });

  test('brings delays to the least that still fails', async () => {
    const { spec } = await shrunk({ losesAboveDelayMs: 3 }, { faults: [CRASH], check: 'lost' });
    expect(spec).toMatchObject({ plan: { faults: [] }, knobs: { delayMs: 4, records: 1 } });
  });

  test('keeps to the check that failed, though another one fails more easily', async () => {
    // Without any fault records overtake each other; what is looked for needs two faults.
    const bugs = { twiceAfterCrash: true, overtakes: 1 };
    const faults: PlannedFault[] = [
      CRASH,
      { kind: 'link.duplicate', target: '*', trigger: { kind: 'nth', n: 8 } },
    ];
    const { spec, outcome } = await shrunk(bugs, { faults, check: 'doubled' });
    expect(spec.plan.faults).toHaveLength(2);
    expect(outcome.violations.map(({ check }) => check)).toContain('doubled');
  });

  test('never changes the check, never grows the plan, and ends with a run that repeats itself', async () => {
    const bugs: ToyBugs = {
      twiceAfterCrash: true,
      overtakes: 6,
      losesAt: 'commit.sent',
      repeatsWriteFrom: 2,
    };
    const subject = toySubject({ bugs });
    let shrunken = 0;
    for (let seed = 1; seed <= 80; seed += 1) {
      const spec = specOf(drawPlan(TOY_TARGETS, seed).faults, seed, drawKnobs(subject.knobs, seed));
      const found = await subject.execute(spec);
      for (const violation of found.violations) {
        const result = await shrink(subject, { spec, violation }, nodeRuntime(), AMPLE);
        const told = `seed ${seed}`;
        shrunken += 1;
        expect(
          result.outcome.violations.map(({ check }) => check),
          told,
        ).toContain(violation.check);
        expect(result.spec.plan.faults.length, told).toBeLessThanOrEqual(spec.plan.faults.length);
        expect((await subject.execute(result.spec)).hash, told).toBe(result.outcome.hash);
        expect(await isOneMinimal(subject, result.spec, violation.check), told).toBe(true);
      }
    }
    expect(shrunken).toBeGreaterThan(20);
  });

  test('ends at its budget of runs, with the best so far and one more run for the trace', async () => {
    const subject = toySubject({ bugs: { overtakes: 4 } });
    const spec = specOf(Array.from({ length: 6 }, () => CRASH));
    const [violation] = (await subject.execute(spec)).violations;
    subject.specs.length = 0;
    const result = await shrink(subject, { spec, violation: must(violation) }, nodeRuntime(), {
      runs: 7,
      ms: 60_000,
    });
    expect(result.summary).toMatchObject({ result: 'bestEffort', runs: 7 });
    expect(subject.specs).toHaveLength(8);
    expect(result.outcome.violations.map(({ check }) => check)).toContain('order');
  });

  test('ends at its budget of time', async () => {
    const runtime = virtualRuntime({ seed: 1 });
    const toy = toySubject({ bugs: { overtakes: 4 } });
    const subject = {
      ...toy,
      execute: async (spec: RunSpec) => {
        // One run takes a second.
        await runtime.advance(1_000);
        return await toy.execute(spec);
      },
    };
    const spec = specOf([CRASH, CRASH]);
    const [violation] = (await toy.execute(spec)).violations;
    const result = await shrink(subject, { spec, violation: must(violation) }, runtime, {
      runs: 200,
      ms: 3_000,
    });
    expect(result.summary).toMatchObject({ result: 'bestEffort', runs: 3 });
  });

  test('runs no candidate twice', async () => {
    const subject = toySubject({ bugs: { twiceAfterCrash: true } });
    const faults: PlannedFault[] = [
      CRASH,
      CRASH,
      { kind: 'link.duplicate', target: '*', trigger: { kind: 'nth', n: 8 } },
    ];
    const spec = specOf(faults);
    const violation = must((await subject.execute(spec)).violations[0]);
    subject.specs.length = 0;
    await shrink(subject, { spec, violation }, nodeRuntime(), AMPLE);
    const texts = subject.specs.slice(0, -1).map((each) => JSON.stringify(each));
    expect(new Set(texts).size).toBe(texts.length);
  });

  test('gives back a run that does not fail again as it was', async () => {
    const spec = specOf([CRASH]);
    const violation = { check: 'gone', oracle: null, message: '', example: [] };
    const result = await shrink(toySubject(), { spec, violation }, nodeRuntime());
    expect(result.spec).toEqual({ ...spec, trace: true });
    expect(result.summary).toMatchObject({ result: 'bestEffort', runs: 1 });
  });
});

async function shrunk(
  bugs: ToyBugs,
  { faults, check }: { readonly faults: readonly PlannedFault[]; readonly check: string },
): Promise<ShrunkRun> {
  const subject = toySubject({ bugs });
  const spec = specOf(faults);
  const violation = (await subject.execute(spec)).violations.find((each) => each.check === check);
  return await shrink(subject, { spec, violation: must(violation) }, nodeRuntime(), AMPLE);
}

async function isOneMinimal(subject: ToySubject, spec: RunSpec, check: string): Promise<boolean> {
  const indices = spec.plan.faults.map((_, index) => index);
  for (const index of indices) {
    const plan = planWith(spec.plan, new Set(indices.filter((other) => other !== index)));
    const { violations } = await subject.execute({ ...spec, plan });
    if (violations.some((violation) => violation.check === check)) return false;
  }
  return true;
}

function specOf(faults: readonly PlannedFault[], seed = 7, knobs: RunSpec['knobs'] = KNOBS): RunSpec {
  return { seed, plan: { version: 1, faults }, knobs, choices: null, trace: false };
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the run was expected to fail');
  return value;
}
