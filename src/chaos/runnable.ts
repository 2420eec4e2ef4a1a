// A scenario as seen by those who run it without knowing what it tests: the command, and the adapters of test runners.
//
// Owns:    the interface between scenarios and their runners, and the error that carries a violation into a plain test.
// Not:     scenarios (scenario.ts), the text of a failure (failure-report.ts).
//
// N1. A violated check is an answer: `failure` or `failures` has it. A method that rejects with ViolationError instead says the same.
// N2. Any other rejection means that nothing could be run: a wrong plan, a token of something else.

import type { Outcome, Subject } from './execution.js';
import type { ExploreOptions, ExploreReport, Failure } from './exploration.js';
import type { ChaosMode } from './fault-kinds.js';
import type { Plan } from './plan.js';

export interface RunOnceOptions {
  /** Default 1. */
  readonly seed?: number;
  /** Default: the faults of the scenario. */
  readonly plan?: Plan;
  /** Default `simulation`. */
  readonly mode?: ChaosMode;
}

export interface RunOnceResult {
  readonly outcome: Outcome;
  /** Null: every check held. */
  readonly failure: Failure | null;
  /** What the reader must know to judge the run: faults that the mode cannot carry out, a token of another version. */
  readonly notes: readonly string[];
}

export interface ExploreWith extends ExploreOptions {
  /** Default `simulation`. */
  readonly mode?: ChaosMode;
}

export interface Runnable {
  readonly name: string;
  readonly subject: Subject;
  run(options?: RunOnceOptions): Promise<RunOnceResult>;
  explore(options?: ExploreWith): Promise<ExploreReport>;
  /** With its trace. */
  replay(token: string): Promise<RunOnceResult>;
  shrink(token: string): Promise<Failure>;
}

/** True for whatever has the methods of a scenario, also when another copy of Weir has made it. */
export function isRunnable(value: unknown): value is Runnable {
  if (typeof value !== 'object' || value === null) return false;
  const methods = ['run', 'explore', 'replay', 'shrink'] as const;
  return (
    'name' in value &&
    typeof value.name === 'string' &&
    methods.every((method) => typeof (value as Readonly<Record<string, unknown>>)[method] === 'function')
  );
}

/** A check was violated: what makes a test fail. Its message is the whole failure report. */
export class ViolationError extends Error {
  override readonly name = 'ViolationError';
  readonly code = 'WEIR_CHAOS_VIOLATION';
  // Not enumerable: runners and Node print every own property of an error, and the message says it all.
  readonly #failures: readonly Failure[];
  readonly #report: ExploreReport | null;

  constructor(
    message: string,
    found: { readonly failures: readonly Failure[]; readonly report: ExploreReport | null },
  ) {
    super(message);
    this.#failures = found.failures;
    this.#report = found.report;
    // Frames of the runner say nothing about the program under test.
    this.stack = `${this.name}: ${message}`;
  }

  get failures(): readonly Failure[] {
    return this.#failures;
  }

  /** Of the exploration that found it; null: it was a single run. */
  get report(): ExploreReport | null {
    return this.#report;
  }
}

/** The report of an exploration, whichever way N1 it brings its failures. */
export async function exploreReport(scenario: Runnable, options: ExploreWith): Promise<ExploreReport> {
  try {
    return await scenario.explore(options);
  } catch (error) {
    if (error instanceof ViolationError && error.report !== null) return error.report;
    throw error;
  }
}

/** The result of a single run, whichever way N1 it brings its failure. */
export async function runResult(run: Promise<RunOnceResult>): Promise<RunOnceResult> {
  try {
    return await run;
  } catch (error) {
    const failure = error instanceof ViolationError ? error.failures[0] : undefined;
    if (failure === undefined) throw error;
    return { outcome: failure.outcome, failure, notes: [] };
  }
}
