// Many runs of one subject: what is asked for, and what is reported.
//
// Owns:    the types of exploring, of tables of crash points and operations, and of shrunk failures.
// Not:     doing it (explore.ts, every-step.ts, every-operation.ts, shrink.ts), showing it (report.ts).

import type { Outcome, PropertyCount, RunCounts, RunSpec, Violation } from './execution.js';
import type { FaultKind } from './fault-kinds.js';
import type { Plan } from './plan.js';

export interface SwarmOptions {
  /** Faults of one run, at most. Default 6. */
  readonly max?: number;
  /** Default: every kind that applies to the subject. */
  readonly kinds?: readonly FaultKind[];
}

export interface ExploreOptions {
  /** Number of runs. Default 100. */
  readonly seeds?: number;
  /** Default 1. */
  readonly firstSeed?: number;
  /** Random plans from the applicable kinds (default). False: only the scenario's own faults, under many schedules. */
  readonly swarm?: SwarmOptions | false;
  /** Faults that are part of every plan. Default: those of the scenario. */
  readonly plan?: Plan;
  /** Default true: a failure is shrunk before it is reported. */
  readonly shrink?: boolean;
  /** Stop after so many failures. Default 1. */
  readonly failuresMax?: number;
  /** Fraction of the seeds that run twice and must have one hash. Default 0.01; every failure is run twice too. */
  readonly doubleRuns?: number;
  /** Directory of minimal failing plans, run first. Default null: none. */
  readonly corpus?: string | null;
  /** Real milliseconds after which no new seed is begun. Default: none. */
  readonly timeMs?: number;
  readonly onProgress?: (progress: ExploreProgress) => void;
}

export interface ExploreProgress {
  readonly seeds: number;
  readonly failures: number;
  readonly seedsPerMinute: number;
  readonly faultsFired: number;
  readonly checkpoints: number;
  readonly restores: number;
}

export interface ShrinkSummary {
  /** `minimal`: nothing can be left out any more; `bestEffort`: the budget ended before. */
  readonly result: 'minimal' | 'bestEffort';
  readonly runs: number;
  readonly elapsedMs: number;
  readonly faultsBefore: number;
  readonly faultsAfter: number;
}

export interface Failure {
  readonly subject: string;
  readonly violation: Violation;
  /** The run that failed first. */
  readonly found: RunSpec;
  /** The smallest run that violates the same check. */
  readonly minimal: RunSpec;
  /** Of the minimal run, with its trace. */
  readonly outcome: Outcome;
  readonly shrink: ShrinkSummary | null;
  /** Replays the minimal run: `weir chaos replay <file> <token>`. */
  readonly token: string;
  /** The same run had another hash the second time: something outside the simulation decided. */
  readonly unstable: boolean;
}

/** Sums over many runs. */
export interface ExploreReport {
  readonly subject: string;
  readonly seeds: number;
  readonly failures: readonly Failure[];
  readonly elapsedMs: number;
  readonly seedsPerMinute: number;
  readonly faultsFired: ReadonlyMap<FaultKind, number>;
  readonly counts: RunCounts;
  readonly stepsReached: ReadonlyMap<string, number>;
  readonly stepsCrashed: ReadonlyMap<string, number>;
  readonly properties: ReadonlyMap<string, PropertyCount>;
  /** Why the whole exploration proves less than it seems: kinds that never fired, properties never reached, nothing checked. */
  readonly vacuous: readonly string[];
  readonly doubleRuns: number;
}
