// From a failing run to the smallest run that violates the same check.
//
// Owns:    the order of the levels: faults, their details, parallelism, input, schedule, delays; the budget.
// Not:     running (the subject), the levels about plans and schedules (shrink-faults.ts, shrink-schedule.ts).
//
// S4. The result violates the same check as what came in, shown by its last run, which keeps its trace.
// S5. `minimal` means: the budget was not used up, so every level ended by itself.
// S6. A run that does not fail again comes back as it was, as `bestEffort`: shrinking it would be luck.

import type { Runtime } from '../base/runtime.js';
import type { KnobInfo, Outcome, RunSpec, Subject, Violation } from './execution.js';
import type { ShrinkSummary } from './exploration.js';
import { shrinkFaults, simplifyFaults } from './shrink-faults.js';
import { shrinkSchedule } from './shrink-schedule.js';
import { lowest, SHRINK_BUDGET, type ShrinkBudget, ShrinkSearch } from './shrink-search.js';

/** Passes over all levels: what a later level simplified may free an earlier one. */
const PASSES_MAX = 3;

export interface FailingRun {
  readonly spec: RunSpec;
  readonly violation: Violation;
}

export interface ShrunkRun {
  readonly spec: RunSpec;
  /** Of the last run, with its trace. */
  readonly outcome: Outcome;
  readonly summary: ShrinkSummary;
}

/** The smallest failing run that the budget allows to find; the last run, for its trace, is not counted. */
export async function shrink(
  subject: Subject,
  failing: FailingRun,
  runtime: Runtime,
  budget: ShrinkBudget = SHRINK_BUDGET,
): Promise<ShrunkRun> {
  const search = new ShrinkSearch(subject, failing.spec, failing.violation.check, runtime, budget);
  // The run itself first: what did not fire in it can go at once, and its choices are known.
  const reproduced = await search.accept(search.best);
  for (let pass = 0; reproduced && pass < PASSES_MAX && !search.exhausted; pass += 1) {
    await simplifyPlan(search);
    const later = await simplifyRun(search, subject);
    if (!later) break;
  }
  const spec: RunSpec = { ...search.best, trace: true };
  const outcome = await subject.execute(spec);
  return {
    spec,
    outcome,
    summary: {
      result: search.exhausted || !reproduced ? 'bestEffort' : 'minimal',
      runs: search.runs,
      elapsedMs: search.elapsedMs,
      faultsBefore: failing.spec.plan.faults.length,
      faultsAfter: spec.plan.faults.length,
    },
  };
}

async function simplifyPlan(search: ShrinkSearch): Promise<void> {
  await shrinkFaults(search);
  // Simpler faults may make others superfluous.
  if (await simplifyFaults(search)) await shrinkFaults(search);
}

/** True when something became smaller. */
async function simplifyRun(search: ShrinkSearch, subject: Subject): Promise<boolean> {
  const before = search.best;
  await lowerKnobs(search, subject, 'parallelism');
  await lowerKnobs(search, subject, 'input');
  await shrinkSchedule(search);
  await lowerKnobs(search, subject, 'delay');
  return search.best !== before;
}

async function lowerKnobs(search: ShrinkSearch, subject: Subject, level: KnobInfo['level']): Promise<void> {
  const knobs = Object.entries(subject.knobs).filter(
    ([name, info]) => info.level === level && (search.best.knobs[name] ?? info.default) !== info.least,
  );
  if (knobs.length === 0) return;
  const least = Object.fromEntries(knobs.map(([name, info]) => [name, info.least]));
  if (await search.accept({ ...search.best, knobs: { ...search.best.knobs, ...least } })) return;
  for (const [name, info] of knobs) {
    await lowest(search.best.knobs[name] ?? info.default, info.least, (value) =>
      search.accept({ ...search.best, knobs: { ...search.best.knobs, [name]: value } }),
    );
  }
}
