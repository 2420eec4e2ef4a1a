// A campaign is called vacuous only for a silence that is no chance.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CampaignSums, emptySums } from '../../bench/simulate/campaign.js';
import { vacuous } from '../../bench/simulate/vacuity.js';
import { PLAN_RATES, STEP_RATES } from '../../bench/simulate/vacuity-rates.js';
import { randomStream } from '../../src/base/random-stream.js';
import { PROTOCOL_STEPS } from '../../src/task/effect.js';

/** Planned faults of one kind in a seed, about. */
const PLANS_A_SEED = 0.06;

/** Sums as a campaign of so many seeds has them, when everything happens as often as it should. `silent`: except these. */
function drawn(seeds: number, seed: number, silent: (name: string) => boolean = () => false): CampaignSums {
  const random = randomStream(seed, 'campaign');
  const count = (trials: number, rate: number): number => {
    let hits = 0;
    for (let trial = 0; trial < trials; trial += 1) if (random.next() < rate) hits += 1;
    return hits;
  };
  const sums: CampaignSums = { ...emptySums(), seeds, checked: seeds, restores: count(seeds, 0.5) };
  for (const [name, rate] of Object.entries(PLAN_RATES)) {
    sums.planned[name] = count(seeds, PLANS_A_SEED);
    sums.plannedFired[name] = silent(name) ? 0 : count(sums.planned[name], rate);
  }
  for (const [step, rate] of Object.entries(STEP_RATES))
    sums.stepSeeds[step] = silent(step) ? 0 : count(seeds, rate);
  return sums;
}

test('a short or a long campaign in which everything happens as it should is not vacuous', () => {
  fc.assert(
    fc.property(fc.constantFrom(1, 30, 100, 250, 300, 600, 2_000), fc.nat(), (seeds, seed) => {
      expect(vacuous(drawn(seeds, seed))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('faults that never fire are noticed after some hundred seeds', () => {
  expect(vacuous(drawn(300, 1, (name) => !PROTOCOL_STEPS.some((step) => step === name)))).toContain(
    'no planned fault has ever fired',
  );
});

test('a form of trigger that never opens, and a step that nobody reaches, are noticed', () => {
  const manyPlans = drawn(600, 1, (name) => name === 'trigger step' || name === 'prepare.done');
  manyPlans.planned['trigger step'] = 600;
  expect(vacuous(manyPlans)).toEqual([
    'trigger step was planned 600 times and never fired',
    'nobody reached prepare.done',
  ]);
});

test('a kind that never fires is noticed once it was planned often', () => {
  for (const [name, rate] of Object.entries(PLAN_RATES)) {
    const sums = drawn(100, 1);
    sums.planned[name] = Math.ceil(60 / rate);
    sums.plannedFired[name] = 0;
    expect(vacuous(sums)).toEqual([`${name} was planned ${sums.planned[name]} times and never fired`]);
  }
});

test('every step of the protocol has a rate', () => {
  expect(Object.keys(STEP_RATES).sort()).toEqual([...PROTOCOL_STEPS].sort());
});
