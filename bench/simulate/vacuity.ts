// Oracle O16 for a campaign: one that tests less than it seems to has failed.
//
// Owns:    which silence is no chance any more: kinds of faults that never fire, steps that nobody reaches, nothing restored.
// Not:     counting (campaign.ts), the rates (vacuity-rates.ts).
//
// V1. A silence counts when it was to be expected far more often: by the rate of a long run, halved, at least EXPECTED_MIN times. Then
//     it is chance in one of e^20 campaigns; a short campaign expects too little, and says nothing.
// V2. Few plans of one kind say little, all plans together much: so everything that is rare is also looked at as one.

import type { CampaignSums } from './campaign.js';
import { PLAN_RATES, STEP_RATES } from './vacuity-rates.js';

export const EXPECTED_MIN = 20;
/** A rate may have become half of what was measured before a silence is misread. */
const RATE_MARGIN = 0.5;
const RESTORES_A_SEED = 0.3;
const CHECKED_A_SEED = 0.9;

/** Why the campaign proves less than it seems, one sentence each; empty: it does not. */
export function vacuous(sums: CampaignSums): readonly string[] {
  const found: string[] = [];
  let expectedOfAll = 0;
  let firedOfAll = 0;
  for (const [name, plans] of Object.entries(sums.planned)) {
    const expected = plans * RATE_MARGIN * (PLAN_RATES[name] ?? 0);
    const fired = sums.plannedFired[name] ?? 0;
    if (!name.startsWith('trigger ')) {
      expectedOfAll += expected;
      firedOfAll += fired;
    }
    if (expected >= EXPECTED_MIN && fired === 0)
      found.push(`${name} was planned ${plans} times and never fired`);
  }
  if (expectedOfAll >= EXPECTED_MIN && firedOfAll === 0) found.push('no planned fault has ever fired');
  for (const [step, rate] of Object.entries(STEP_RATES)) {
    const expected = sums.seeds * RATE_MARGIN * rate;
    if (expected >= EXPECTED_MIN && (sums.stepSeeds[step] ?? 0) === 0) found.push(`nobody reached ${step}`);
  }
  const isMissing = (count: number, rate: number): boolean =>
    count === 0 && sums.seeds * RATE_MARGIN * rate >= EXPECTED_MIN;
  if (isMissing(sums.checked, CHECKED_A_SEED)) found.push('no result was looked at');
  if (isMissing(sums.restores, RESTORES_A_SEED)) found.push('nothing was ever restored');
  return found;
}
