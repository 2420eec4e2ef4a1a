// From a run that violated something to the failure that is reported: shrunk where that is sound, with its trace and its token.
//
// Owns:    which violations are shrunk, and what is reported for the others.
// Not:     shrinking (shrink.ts), the text of a report (failure-report.ts).
//
// F3. Every failure comes with a run that shows it again, its trace, and a token that replays it.

import { ConfigError } from '../base/errors.js';
import type { Runtime } from '../base/runtime.js';
import { ENGINE_VERSION } from './engine-version.js';
import type { Outcome, RunSpec, Subject, Violation } from './execution.js';
import type { Failure } from './exploration.js';
import type { RecordedRun } from './recorded-run.js';
import { replayToken } from './replay-token.js';
import { shrink } from './shrink.js';
import { SHRINK_BUDGET, type ShrinkBudget, violates } from './shrink-search.js';

/** A run that is over, judged by more than its own checks. */
export interface CheckedRun {
  readonly spec: RunSpec;
  /** With the violations that only a second look shows: other hash, vacuity. */
  readonly outcome: Outcome;
  /** The second run was another one. */
  readonly unstable: boolean;
}

export interface FailureOptions {
  /** False: only the trace and the token. */
  readonly shrink: boolean;
  readonly budget?: ShrinkBudget;
}

export async function failureOf(
  subject: Subject,
  run: CheckedRun,
  violation: Violation,
  runtime: Runtime,
  options: FailureOptions,
): Promise<Failure> {
  // Neither is there anything to shrink towards where the program itself violated nothing (vacuity), nor where the next
  // run may be another one.
  const own = violation.oracle !== 'O16' && violates(run.outcome, violation.check);
  const shrunk =
    options.shrink && own && !run.unstable
      ? await shrink(subject, { spec: run.spec, violation }, runtime, options.budget ?? SHRINK_BUDGET)
      : await traced(subject, run);
  const same = shrunk.outcome.violations.find(({ check }) => check === violation.check);
  return {
    subject: subject.name,
    violation: same ?? violation,
    found: run.spec,
    minimal: shrunk.spec,
    outcome: shrunk.outcome,
    shrink: shrunk.summary,
    token: tokenOf(
      { version: ENGINE_VERSION, subject: subject.name, spec: shrunk.spec, hash: shrunk.outcome.hash },
      run.spec,
    ),
    unstable: run.unstable,
  };
}

/** The same run once more, for its trace, with its choices written down. */
async function traced(
  subject: Subject,
  { spec, outcome }: CheckedRun,
): Promise<{ readonly spec: RunSpec; readonly outcome: Outcome; readonly summary: null }> {
  const again: RunSpec = { ...spec, choices: spec.choices ?? outcome.choices, trace: true };
  const shown = await subject.execute(again);
  const missing = outcome.violations.filter(({ check }) => !violates(shown, check));
  return { spec: again, outcome: { ...shown, violations: [...shown.violations, ...missing] }, summary: null };
}

/** A run with too many choices for a token is replayed by its seed: less durable, but a failure without a token is none. */
function tokenOf(run: RecordedRun, found: RunSpec): string {
  try {
    return replayToken(run);
  } catch (error) {
    if (!(error instanceof ConfigError) || run.spec.choices === null) throw error;
    return replayToken({
      ...run,
      spec: { ...run.spec, choices: found.choices === run.spec.choices ? null : found.choices },
    });
  }
}
