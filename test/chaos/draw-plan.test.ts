// Swarm testing: drawn plans are the same for the same seed, valid, varied, and kind to correct programs.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import { drawKnobs, drawPlan, joinPlans } from '../../src/chaos/draw-plan.js';
import type { Targets } from '../../src/chaos/execution.js';
import { FAULT_KINDS, type FaultKind } from '../../src/chaos/fault-kinds.js';
import type { Plan, PlannedFault } from '../../src/chaos/plan.js';
import { parsePlan, planText } from '../../src/chaos/plan-json.js';
import { PROTOCOL_STEPS } from '../../src/task/effect.js';

const ALL: Targets = {
  apps: 'jobs',
  kinds: kindsOf('jobs'),
  actors: ['source', 'operator', 'sink', 'coordinator', 'store', 'job', 'enrich'],
  links: ['source -> enrich', 'enrich -> sink'],
  predicates: ['half done'],
};
const APP: Targets = {
  ...ALL,
  apps: 'actors',
  kinds: kindsOf('actors'),
  actors: ['/till'],
  links: [],
  predicates: [],
};
const SEEDS = Array.from({ length: 3_000 }, (_, index) => index + 1);

describe('a drawn plan', () => {
  test('is the same for the same seed, and another for another seed', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        expect(drawPlan(ALL, seed)).toEqual(drawPlan(ALL, seed));
      }),
    );
    expect(new Set(SEEDS.map((seed) => JSON.stringify(drawPlan(ALL, seed)))).size).toBeGreaterThan(2_500);
  });

  test('has valid faults only: targets that exist, parameters within bounds, references to earlier faults', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.constantFrom(ALL, APP),
        fc.integer({ min: 1, max: 12 }),
        (seed, targets, max) => {
          const { faults } = drawPlan(targets, seed, { max });
          expect(faults.length).toBeLessThanOrEqual(max);
          for (const [index, fault] of faults.entries())
            expect(problemsOf(fault, index, targets)).toEqual([]);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('is accepted by whoever reads plans', () => {
    for (const seed of SEEDS) {
      const plans = [drawPlan(ALL, seed), drawPlan(APP, seed)];
      expect(plans.map((plan) => parsePlan(JSON.parse(planText(plan))))).toEqual(plans);
    }
  });

  test('has at most one fault that stops the program, and that one mostly alone', () => {
    const stops = SEEDS.map((seed) => drawPlan(ALL, seed)).filter(({ faults }) => faults.some(isStop));
    expect(stops.length).toBeGreaterThan(50);
    for (const { faults } of stops) expect(faults.filter(isStop)).toHaveLength(1);
    expect(stops.filter(({ faults }) => faults.length === 1).length / stops.length).toBeGreaterThan(0.7);
  });

  test('rarely poisons an actor', () => {
    const faults = drawn(ALL);
    const share = (kind: FaultKind): number => faults.filter((fault) => fault.kind === kind).length;
    expect(share('actor.poison')).toBeGreaterThan(0);
    expect(share('actor.poison')).toBeLessThan(share('actor.crash') / 2);
  });

  test('comes in every form: no fault, many, every kind, every trigger, crashes during recovery', () => {
    const plans = SEEDS.map((seed) => drawPlan(ALL, seed));
    expect(new Set(plans.map(({ faults }) => faults.length))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
    const faults = drawn(ALL);
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(ALL.kinds));
    expect(new Set(faults.map(({ trigger }) => trigger.kind)).size).toBe(7);
    const steps = faults.flatMap(({ trigger }) => (trigger.kind === 'step' ? [trigger.step] : []));
    expect(new Set(steps)).toEqual(new Set(PROTOCOL_STEPS));
    const recoveries = faults.filter(
      ({ trigger }) => trigger.kind === 'step' && trigger.step === 'restore.read',
    );
    expect(recoveries.every(({ after }) => after !== undefined)).toBe(true);
  });

  test('enables a subset of the kinds per seed', () => {
    const kinds = SEEDS.slice(0, 300).map(
      (seed) => new Set(drawPlan(ALL, seed, { max: 40 }).faults.map(({ kind }) => kind)),
    );
    const sizes = kinds.map(({ size }) => size);
    expect(sizes.filter((size) => size > 0 && size < 9).length).toBeGreaterThan(30);
    expect(sizes.filter((size) => size > 20).length).toBeGreaterThan(8);
  });

  test('has a theme in some seeds, where kinds that need each other meet', () => {
    const meet = (a: FaultKind, b: FaultKind): number =>
      SEEDS.filter((seed) => {
        const kinds = new Set(drawPlan(ALL, seed).faults.map(({ kind }) => kind));
        return kinds.has(a) && kinds.has(b);
      }).length / SEEDS.length;
    expect(meet('sink.commitSlow', 'sink.commitFail')).toBeGreaterThan(0.006);
    expect(meet('process.zombie', 'process.lateWrites')).toBeGreaterThan(0.006);
    // Of different themes: as rare as ever.
    expect(meet('sink.commitSlow', 'clock.drift')).toBeLessThan(0.004);
  });

  test('refuses kinds that do not apply', () => {
    const targets: Targets = { ...ALL, kinds: ['actor.crash'] };
    expect(() => drawPlan(targets, 1, { kinds: ['link.drop'] })).toThrow(ConfigError);
    expect(drawPlan({ ...ALL, kinds: [] }, 3).faults).toEqual([]);
  });

  test('goes behind the faults that are part of every plan, references included', () => {
    const crash: PlannedFault = { kind: 'actor.crash', target: 'sink', trigger: { kind: 'nth', n: 3 } };
    const fixed: Plan = { version: 1, faults: [crash] };
    const drawnPlan: Plan = {
      version: 1,
      faults: [crash, { ...crash, after: 0 }, { ...crash, trigger: { kind: 'during', fault: 1 } }],
    };
    const { faults } = joinPlans(fixed, drawnPlan);
    expect(faults.map(({ after }) => after)).toEqual([undefined, undefined, 1, undefined]);
    expect(faults[3]?.trigger).toEqual({ kind: 'during', fault: 2 });
  });
});

describe('drawn knobs', () => {
  const info = { min: 1, max: 9, least: 2, default: 7, level: 'input' } as const;

  test('lie within their bounds, more often at the least and the default than elsewhere', () => {
    const values = SEEDS.map((seed) => drawKnobs({ records: info }, seed)['records'] ?? 0);
    const share = (value: number): number => values.filter((each) => each === value).length / values.length;
    expect([...new Set(values)].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(share(2)).toBeGreaterThan(0.2);
    expect(share(7)).toBeGreaterThan(0.2);
  });

  test('do not shift when another knob joins', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const { records } = drawKnobs({ records: info }, seed);
        expect(drawKnobs({ parallelism: info, records: info }, seed)['records']).toBe(records);
      }),
    );
  });
});

function drawn(targets: Targets): readonly PlannedFault[] {
  return SEEDS.flatMap((seed) => drawPlan(targets, seed).faults);
}

function kindsOf(apps: Targets['apps']): readonly FaultKind[] {
  return [...FAULT_KINDS]
    .filter(([, info]) => info.apps === apps || info.apps === 'both')
    .map(([kind]) => kind);
}

function isStop({ kind }: PlannedFault): boolean {
  return FAULT_KINDS.get(kind)?.class === 'stop';
}

function problemsOf(fault: PlannedFault, index: number, targets: Targets): readonly string[] {
  const problems: string[] = [];
  const info = FAULT_KINDS.get(fault.kind);
  if (info === undefined) return [`unknown kind ${fault.kind}`];
  if (info.target === 'actor' && fault.target !== '*' && !targets.actors.includes(fault.target)) {
    problems.push(`no such actor: ${fault.target}`);
  }
  if (info.target === 'link' && !/^\S+ -> \S+$/.test(fault.target)) problems.push(`no link: ${fault.target}`);
  for (const [name, value] of Object.entries(fault.parameters ?? {})) {
    const bounds = info.parameters[name];
    if (bounds === undefined || value < bounds.min || value > bounds.max) problems.push(`${name} = ${value}`);
  }
  const { trigger } = fault;
  if (trigger.kind === 'step' && targets.apps === 'actors') problems.push('apps have no protocol steps');
  if ('n' in trigger && (!Number.isInteger(trigger.n) || trigger.n < 1)) problems.push(`n = ${trigger.n}`);
  if (trigger.kind === 'during' && trigger.fault >= index) problems.push('during a later fault');
  if (fault.after !== undefined && fault.after >= index) problems.push('after a later fault');
  if (fault.times !== undefined && fault.times !== null && fault.times < 2)
    problems.push(`times = ${fault.times}`);
  if (fault.forMs !== undefined && fault.forMs < 1) problems.push(`forMs = ${fault.forMs}`);
  return problems;
}
