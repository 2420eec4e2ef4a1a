// What a user says about a job that is to be tested: its input, its graph, its faults, what must hold.
//
// Owns:    the types of a scenario of a job, and of the checks of its results.
// Not:     running it (job-subject.ts), the checks that exist (check.ts), the builder of faults (fault.ts).

import type { RunOptions } from '../../actors/run-options.js';
import type { JobDefinition } from '../api/define-job.js';
import type { Runtime } from '../base/runtime.js';
import type { Sink } from '../operators/sink.js';
import type { Source } from '../operators/source.js';
import type { RunCounts, Violation } from './execution.js';
import type { Plan, PlannedFault } from './plan.js';

/** Roles that every job has; beside them, faults name the operators that the scenario lists. */
export const JOB_ROLES = ['source', 'operator', 'sink', 'coordinator', 'store', 'job'] as const;
export type JobRole = (typeof JOB_ROLES)[number];

/** Draws input from the seed of the run; numbers come from a stream of their own, so that faults do not shift them. */
export interface InputGenerator {
  /** The records 0 to n-1; `n` is the most, a shrunk run makes fewer. */
  records<T>(n: number, make: (index: number) => T): readonly T[];
  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number;
  /** In [0, 1). */
  fraction(): number;
  pick<T>(items: readonly T[]): T;
}

/** What the graph is built of. Input and output belong to the world outside of the job, and survive its crashes. */
export interface JobWorld<T, R> {
  /** Replayable, in splits; faults of kind `input` hit it. */
  readonly input: Source<T>;
  /** Transactional; what it has committed is what the checks read. */
  readonly output: Sink<R>;
  readonly runtime: Runtime;
  readonly seed: number;
}

export interface JobScenarioOptions<T, R, N extends string = never> {
  /** Default `scenario`. */
  readonly name?: string;
  /** `import.meta.url` of the file that exports the scenario: needed for the modes `threads` and `processes`. */
  readonly module?: string;
  /** Uids of operators that faults may name; a name that the job does not have is an error when it is built. */
  readonly operators?: readonly N[];
  readonly input: (gen: InputGenerator) => readonly T[];
  /** Event time of a record. Default: its index in milliseconds. */
  readonly timestamp?: (record: T, index: number) => number;
  /** Splits of the input. Default 2. */
  readonly splits?: number;
  readonly app: (world: JobWorld<T, R>) => JobDefinition;
  readonly faults?: readonly FaultSpec<NoInfer<N> | JobRole>[];
  readonly expect: readonly Check<R>[];
  /** For triggers of kind `when`. */
  readonly predicates?: Readonly<Record<string, (view: PredicateView) => boolean>>;
  /** What `record.poison` puts in the place of a record. Without it that kind does not apply. */
  readonly poison?: (record: T) => T;
  /** Options of the runs; `checkpoint.dir` is given by the scenario. Default: parallelism 1 to 3 and checkpoints every 20 to 100 ms, by the seed. */
  readonly run?: Partial<
    Omit<RunOptions, 'runtime' | 'actorHost' | 'interceptor' | 'checkpoint' | 'from' | 'signal'>
  > & {
    readonly checkpoint?: Partial<Omit<NonNullable<RunOptions['checkpoint']>, 'dir'>>;
  };
}

/** What a predicate sees. */
export interface PredicateView {
  readonly nowMs: number;
  readonly checkpoints: number;
  readonly restores: number;
  readonly attempt: number;
  /** Results committed so far. */
  readonly committed: number;
}

/**
 * A fault, or a combination of faults, as written in TypeScript. `N`: the actors that it names, so that a scenario can
 * refuse, when compiling, what it does not have.
 */
export interface FaultSpec<out N extends string = string> {
  /** For the compiler only. */
  readonly names?: N;
  /** Faults in order; `after` counts from the first fault of this list. `choose` draws a number below the bound, by the seed. */
  readonly planned: (choose: (bound: number) => number) => readonly PlannedFault[];
}

/** A result as the world outside has it. */
export interface CommittedResult<R> {
  readonly value: R;
  readonly timestamp: number;
  /** Transaction in which it was committed, in order of commits, from 0. */
  readonly transaction: number;
  readonly subtask: number;
}

/** A run that is over, as checks see it. */
export interface FinishedRun<R> {
  readonly results: readonly CommittedResult<R>[];
  /** Results of the same input without faults, in the order of their commits; null when nobody asked for them. */
  readonly faultFree: readonly CommittedResult<R>[] | null;
  /** Records of the input, as they came from outside. */
  readonly input: readonly unknown[];
  /** The job ended as it should; false: it failed, or stood still. */
  readonly finished: boolean;
  readonly error: unknown;
  readonly plan: Plan;
  readonly counts: RunCounts;
  /** Virtual milliseconds from the last fault to the end of the run. */
  readonly healMs: number;
}

export interface Check<in R> {
  readonly name: string;
  readonly oracle: string | null;
  /** Wants `faultFree`: one more run per input. */
  readonly needsFaultFree: boolean;
  /** What is wrong; empty: nothing. `checked` counts what it looked at, for the vacuity guard. */
  readonly evaluate: (run: FinishedRun<R>) => {
    readonly violations: readonly Violation[];
    readonly checked: number;
  };
}
