// What a run in real threads or processes has shown.
//
// Owns:    judging a run that is over: by its committed output, its ends, its ledgers; the outcome and the failure.
// Not:     supervising it (real-supervisor.ts), the checks of the scenario.
//
// V1. The checks read what was committed outside, as a user would find it.
// V2. As in the simulation: an end that no fault excuses is a violation, and so is a fault that never fired.

import { RollingHash } from '../testing/rolling-hash.js';
import { canonical } from './check-values.js';
import { ENGINE_VERSION } from './engine-version.js';
import type { FiredFault, Outcome, PropertyCount, RunSpec, UnfiredFault, Violation } from './execution.js';
import type { Failure } from './exploration.js';
import { FAULT_KINDS } from './fault-kinds.js';
import type { JobProgram } from './job-program.js';
import { enterPropertyLog, PropertyLog } from './property.js';
import type { HostLedger, RealMode } from './real-news.js';
import { readOutput } from './real-output.js';
import { outputIn } from './real-places.js';
import type { RealEnd, Supervisor } from './real-supervisor.js';
import { replayToken } from './replay-token.js';
import type { CommittedResult, FinishedRun } from './scenario-options.js';
import { vacuityOf } from './vacuity.js';

export interface RealRunDone<T, R> {
  readonly program: JobProgram<T, R>;
  readonly spec: RunSpec;
  readonly supervisor: Supervisor;
  readonly directory: string;
  readonly records: readonly T[];
  readonly faultFree: readonly CommittedResult<R>[] | null;
  /** With the numbers of the whole plan. */
  readonly fired: readonly FiredFault[];
  readonly unfired: readonly UnfiredFault[];
}

export function realOutcome<T, R>(done: RealRunDone<T, R>): Outcome {
  const { supervisor, spec, fired, unfired } = done;
  const { ledgers, events } = supervisor;
  const output = readOutput<R>(outputIn(done.directory));
  const properties = new PropertyLog();
  const leave = enterPropertyLog(properties);
  const run = finishedRun(done, output.results);
  const evaluated = done.program.evaluate(run);
  leave();
  const violations = [
    ...supervisor.violations,
    ...ledgers.flatMap((ledger) => ledger.violations),
    ...endings(done),
    ...evaluated.violations,
    ...properties.violations,
    ...litter(supervisor.end, output),
  ];
  const outcome: Outcome = {
    violations,
    fired,
    unfired,
    stepsReached: summed(ledgers, ({ stepsReached }) => stepsReached),
    stepsCrashed: summed(ledgers, ({ stepsCrashed }) => stepsCrashed),
    properties: countsOf(ledgers, properties.counts),
    counts: { ...run.counts, checked: evaluated.checked },
    hash: hashOf(output.results),
    choices: [],
    trace: { events, tree: null },
  };
  const vacuity = vacuityOf(spec, outcome);
  return vacuity === null ? outcome : { ...outcome, violations: [...violations, vacuity] };
}

/** Null: every check held. `kept`: where the files of the run are. */
export function realFailure(
  subject: string,
  spec: RunSpec,
  outcome: Outcome,
  { mode, kept }: { readonly mode: RealMode; readonly kept: string },
): Failure | null {
  const [violation] = outcome.violations;
  if (violation === undefined) return null;
  const where = `Seen in mode ${mode}, which a replay in the simulation need not show. The files of the run are kept in ${kept}.`;
  return {
    subject,
    violation: { ...violation, message: `${violation.message} ${where}` },
    found: spec,
    minimal: spec,
    outcome,
    shrink: null,
    token: replayToken({ version: ENGINE_VERSION, subject, spec, hash: outcome.hash }),
    unstable: false,
  };
}

/** A fault of its class may end the job for good. */
export function mayEndJob({ kind }: FiredFault): boolean {
  return FAULT_KINDS.get(kind)?.class !== 'mask';
}

function finishedRun<T, R>(
  { supervisor, spec, records, faultFree, fired }: RealRunDone<T, R>,
  results: readonly CommittedResult<R>[],
): FinishedRun<R> {
  const { end, ledgers, elapsedMs } = supervisor;
  const lastMs = fired.reduce((latest, { atMs }) => Math.max(latest, atMs), 0);
  return {
    results,
    faultFree,
    input: records,
    finished: end.kind === 'finished',
    error: end.kind === 'failed' ? new Error(end.error.message) : null,
    plan: spec.plan,
    counts: {
      steps: 0,
      virtualMs: elapsedMs,
      checkpoints: ledgers.reduce((sum, { checkpoints }) => sum + checkpoints, 0),
      restores: ledgers.reduce((sum, { restores }) => sum + restores, 0),
      attempts: ledgers.reduce((latest, { attempt }) => Math.max(latest, attempt), 0),
      checked: 0,
    },
    healMs: Math.max(0, elapsedMs - lastMs),
  };
}

function endings<T, R>({ supervisor, fired }: RealRunDone<T, R>): readonly Violation[] {
  const { end, earlierEnds } = supervisor;
  const found = [...earlierEnds, end].flatMap(loudness);
  if (end.kind !== 'failed') return found;
  const why = fired.some(mayEndJob)
    ? 'the job cannot go on, although its faults are gone'
    : 'the job failed, although its faults are to be masked';
  return [...found, liveness(`${why}: ${end.error.message}`)];
}

/** O7, O11: whoever stops says so, with an error that has a code. */
function loudness(end: RealEnd): readonly Violation[] {
  if (end.kind === 'stuck') return [liveness(end.reason)];
  if (end.kind === 'finished' || end.error.code !== null || end.error.name === 'InjectedFault') return [];
  const message = `the job ended with an error without a code: ${end.error.message}`;
  return [{ check: 'O11 fail-stop', oracle: 'O11', message, example: [] }];
}

function liveness(message: string): Violation {
  return { check: 'O7 liveness', oracle: 'O7', message, example: [] };
}

/** O14: nothing is left behind, and what was committed is whole. */
function litter(end: RealEnd, output: ReturnType<typeof readOutput>): readonly Violation[] {
  const { problems, leftOver } = output;
  const found: Violation[] = problems.slice(0, 1).map((message) => ({
    check: 'O1 output',
    oracle: 'O1',
    message,
    example: [],
  }));
  if (end.kind !== 'finished' || leftOver.length === 0) return found;
  const message = `left over: ${leftOver.length} files that were neither committed nor removed`;
  return [...found, { check: 'O14 cleanup', oracle: 'O14', message, example: leftOver.slice(0, 3) }];
}

function summed(
  ledgers: readonly HostLedger[],
  of: (ledger: HostLedger) => readonly (readonly [string, number])[],
): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const [name, count] of ledgers.flatMap(of)) sums.set(name, (sums.get(name) ?? 0) + count);
  return sums;
}

function countsOf(
  ledgers: readonly HostLedger[],
  own: ReadonlyMap<string, PropertyCount>,
): ReadonlyMap<string, PropertyCount> {
  const sums = new Map(own);
  for (const [name, { kind, held, failed }] of ledgers.flatMap(({ properties }) => properties)) {
    const before = sums.get(name);
    sums.set(name, { kind, held: held + (before?.held ?? 0), failed: failed + (before?.failed ?? 0) });
  }
  return sums;
}

/** Of the results, not of their order in time: real schedules differ from run to run. */
function hashOf(results: readonly CommittedResult<unknown>[]): string {
  const hash = new RollingHash();
  for (const text of results.map(({ value }) => canonical(value)).sort()) hash.addText(text);
  return hash.text();
}
