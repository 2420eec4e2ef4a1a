// One run of a program under a plan, as data in and data out: what everything above a single run stands on.
//
// Owns:    the types between the program under test (a job, an actor app) and those who run it: explore, shrink, replay, report.
// Not:     running anything.
//
// E1. The same subject and RunSpec give the same Outcome, its hash included, on every machine and Node version.
// E2. An Outcome never throws away a failure: whatever went wrong is a violation with the name of a check.

import type { FaultKind } from './fault-kinds.js';
import type { Plan } from './plan.js';

/** Numbers that shape a run beside its plan: parallelism, records, strategy of the scheduler. By name. */
export type Knobs = Readonly<Record<string, number>>;

export interface KnobInfo {
  readonly min: number;
  readonly max: number;
  /** Where shrinking pulls it. */
  readonly least: number;
  /** Used when nobody says otherwise. */
  readonly default: number;
  /** In which level of shrinking it takes part. */
  readonly level: 'parallelism' | 'input' | 'delay';
}

/** What faults can hit in a program, for whoever draws plans or writes them in tables. */
export interface Targets {
  readonly apps: 'jobs' | 'actors';
  /** Kinds that make sense here, without those that need what the program does not have. */
  readonly kinds: readonly FaultKind[];
  readonly actors: readonly string[];
  /** `<from> -> <to>`. */
  readonly links: readonly string[];
  readonly predicates: readonly string[];
}

export interface RunSpec {
  readonly seed: number;
  readonly plan: Plan;
  readonly knobs: Knobs;
  /** The choices of the scheduler, to be made again; after the last of them it takes the oldest task. Null: by the seed. */
  readonly choices: readonly number[] | null;
  /** Keep what a report shows: the timeline, the tree of actors, their last events. Does not change the run. */
  readonly trace: boolean;
}

/** A program that can be run again and again. */
export interface Subject {
  readonly name: string;
  readonly knobs: Readonly<Record<string, KnobInfo>>;
  readonly targets: Targets;
  execute(spec: RunSpec): Promise<Outcome>;
}

export interface Violation {
  /** Which check: `exactlyOnce`, `O7 liveness`, or the name that a user gave. Shrinking keeps to the same one. */
  readonly check: string;
  /** Oracle of the reliability model, `O1` to `O18`; null for checks of users. */
  readonly oracle: string | null;
  readonly message: string;
  /** The smallest counterexample that the check can name: ids of records, paths of actors. */
  readonly example: readonly string[];
}

export interface FiredFault {
  /** Index in the plan. */
  readonly fault: number;
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly atStep: number;
  /** Who or what was hit. */
  readonly hit: string;
}

/** A planned fault that did not fire, and how close it came. */
export interface UnfiredFault {
  readonly fault: number;
  /** Hits of its place; 0: the place was never reached. */
  readonly hits: number;
  /** What was reached instead, in words, for the vacuity guard. */
  readonly nearest: string;
}

/** How often a property of the program was evaluated, and held, in one run. */
export interface PropertyCount {
  readonly kind: 'always' | 'alwaysOrUnreachable' | 'sometimes' | 'reachable' | 'unreachable';
  readonly held: number;
  readonly failed: number;
}

export interface RunCounts {
  readonly steps: number;
  readonly virtualMs: number;
  readonly checkpoints: number;
  readonly restores: number;
  readonly attempts: number;
  /** Records or messages that the checks looked at: 0 makes a run vacuous. */
  readonly checked: number;
}

export interface TraceEvent {
  readonly atMs: number;
  readonly atStep: number;
  /** Path of an actor, or `world`. */
  readonly actor: string;
  readonly text: string;
  readonly kind: 'message' | 'step' | 'fault' | 'life' | 'note';
}

export interface ActorTreeNode {
  readonly name: string;
  readonly state: string;
  readonly restarts: number;
  readonly lastError: string | null;
  readonly children: readonly ActorTreeNode[];
}

export interface RunTrace {
  readonly events: readonly TraceEvent[];
  /** At the end of the run, or at its failure. */
  readonly tree: ActorTreeNode | null;
}

export interface Outcome {
  /** Empty: the run was good. */
  readonly violations: readonly Violation[];
  readonly fired: readonly FiredFault[];
  readonly unfired: readonly UnfiredFault[];
  /** Protocol steps reached, by `<role> <step>`, and crashes done there, by the same name. */
  readonly stepsReached: ReadonlyMap<string, number>;
  readonly stepsCrashed: ReadonlyMap<string, number>;
  readonly properties: ReadonlyMap<string, PropertyCount>;
  readonly counts: RunCounts;
  /** Of everything that happened, in order. */
  readonly hash: string;
  /** The choices that the scheduler made. */
  readonly choices: readonly number[];
  readonly trace: RunTrace | null;
}
