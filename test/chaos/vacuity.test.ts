// Oracle O16: what tested nothing does not pass in silence.

import { describe, expect, test } from 'vitest';
import type { PropertyCount, RunSpec } from '../../src/chaos/execution.js';
import { ExplorationSums } from '../../src/chaos/exploration-sums.js';
import type { PlannedFault } from '../../src/chaos/plan.js';
import { unreachedProperties, vacuityOf, vacuousOver } from '../../src/chaos/vacuity.js';
import { TOY_TARGETS, toySubject } from './toy-subject.js';

const CRASH: PlannedFault = {
  kind: 'actor.crash',
  target: 'sink',
  trigger: { kind: 'step', step: 'commit.sent', n: 1 },
};
const NEVER: PlannedFault = { ...CRASH, trigger: { kind: 'nth', n: 100_000 } };

describe('a run of a fixed plan', () => {
  test('passes when every fault fired', async () => {
    expect(await vacuity([CRASH])).toBeNull();
  });

  test('fails when a fault never fired, and names the nearest hit and the remedy', async () => {
    const violation = await vacuity([CRASH, NEVER]);
    expect(violation).toMatchObject({ check: 'O16 vacuity', oracle: 'O16', example: ['actor.crash'] });
    expect(violation?.message).toMatch(/Fault 1 \(actor\.crash of sink, hit 100000\) never fired/);
    expect(violation?.message).toMatch(/nearest: its place was hit \d+ times\. Aim at an earlier hit/);
  });

  test('fails with another remedy when the fault waits for one that never fired', async () => {
    expect((await vacuity([NEVER, { ...CRASH, after: 0 }]))?.message).toMatch(
      /Let the fault that the others wait for fire first/,
    );
  });

  test('fails when the checks looked at nothing', async () => {
    const subject = toySubject({ checksNothing: true });
    const spec = specOf([]);
    expect(vacuityOf(spec, await subject.execute(spec))?.message).toMatch(/No check looked at any record/);
  });
});

describe('many runs', () => {
  test('are vacuous where a kind always missed, or crashes never led to a restore', async () => {
    const sums = new ExplorationSums(1);
    const spec = specOf([NEVER]);
    const outcome = await toySubject().execute(spec);
    sums.add(spec, { ...outcome, counts: { ...outcome.counts, checked: 0 } });
    sums.add(spec, {
      ...outcome,
      fired: [{ fault: 3, kind: 'power.loss', atMs: 0, atStep: 1, hit: '' }],
      counts: { ...outcome.counts, checked: 0 },
    });
    const vacuous = vacuousOver(sums, TOY_TARGETS, [NEVER]);
    expect(vacuous).toHaveLength(4);
    expect(vacuous[0]).toMatch(
      /actor\.crash was planned 2 times and never fired: its place was hit \d+ times/,
    );
    expect(vacuous[1]).toMatch(/part of every plan, never fired/);
    expect(vacuous[2]).toMatch(/No check looked/);
    expect(vacuous[3]).toMatch(/1 crashes fired and nothing was ever restored/);
  });

  test('are not vacuous when everything fired and was checked', async () => {
    const sums = new ExplorationSums(1);
    const spec = specOf([CRASH]);
    sums.add(spec, await toySubject().execute(spec));
    expect(vacuousOver(sums, TOY_TARGETS, [CRASH])).toEqual([]);
  });

  test('fail for properties that never held, from 20 seeds on', () => {
    const of = (kind: PropertyCount['kind'], held: number, failed: number): PropertyCount => ({
      kind,
      held,
      failed,
    });
    const properties = new Map([
      ['never restored', of('sometimes', 0, 40)],
      ['never there', of('reachable', 0, 0)],
      ['never evaluated', of('always', 0, 0)],
      ['fine', of('always', 3, 0)],
      ['held once', of('sometimes', 1, 30)],
      ['optional', of('alwaysOrUnreachable', 0, 0)],
      ['good', of('unreachable', 0, 0)],
    ]);
    expect(unreachedProperties(properties, 20).map(({ check }) => check)).toEqual([
      'never restored',
      'never there',
      'never evaluated',
    ]);
    expect(unreachedProperties(properties, 19)).toEqual([]);
  });
});

async function vacuity(faults: readonly PlannedFault[]): Promise<ReturnType<typeof vacuityOf>> {
  const spec = specOf(faults);
  return vacuityOf(spec, await toySubject().execute(spec));
}

function specOf(faults: readonly PlannedFault[]): RunSpec {
  return {
    seed: 1,
    plan: { version: 1, faults },
    knobs: { parallelism: 2, records: 30, delayMs: 1 },
    choices: null,
    trace: false,
  };
}
