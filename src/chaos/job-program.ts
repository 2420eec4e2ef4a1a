// A job as something that can be simulated: its input, its graph, its checks.
//
// Owns:    the contract between scenarios (and our own shapes of jobs) and their simulated runs.
// Not:     running it (job-run.ts).

import type { JobDefinition } from '../api/define-job.js';
import type { DiskImage } from '../testing/disk-image.js';
import type { Knobs, Violation } from './execution.js';
import type { ScenarioRunOptions } from './job-knobs.js';
import type { CommittedResult, FinishedRun, JobWorld, PredicateView } from './scenario-options.js';

/** A program that reads and writes the disk of the machine instead of the input and output of its world. */
export interface ProgramOnDisk<T, R> {
  /** Before the first process begins. */
  readonly prepare: (disk: DiskImage, records: readonly T[]) => void;
  /** What is published by now, each writer's in its order. */
  readonly results: (disk: DiskImage) => readonly CommittedResult<R>[];
  /** When the job has finished: what is there and should not be. Default: nothing is looked at. */
  readonly oddities?: (disk: DiskImage) => readonly string[];
}

export interface JobProgram<T, R> {
  readonly name: string;
  /** Records of one input; a pure function of its arguments. */
  readonly records: (count: number, seed: number) => readonly T[];
  /** Most records of a run. */
  readonly recordsMax: number;
  readonly timestamp: (record: T, index: number) => number;
  readonly splits: number;
  /** Records of one poll, at most: a watermark takes effect behind what was polled with its record. Default 6. */
  readonly pollRecordsMax?: number;
  readonly pollMs?: number;
  readonly app: (world: JobWorld<T, R>) => JobDefinition;
  /** Its disk takes the place of the input and the output; a cut of it is not restored alone (O4). Default: none. */
  readonly onDisk?: ProgramOnDisk<T, R>;
  /** Its user drains it within so many virtual milliseconds, at a moment of the seed. Default: never. */
  readonly drainMsMax?: number;
  readonly run: ScenarioRunOptions;
  readonly poison: ((record: T) => T) | null;
  readonly predicates: Readonly<Record<string, (view: PredicateView) => boolean>>;
  /** Uids of operators that plans may name, or null: all that have one. */
  readonly operators: readonly string[] | null;
  /** What the checks say of a run. */
  readonly evaluate: (run: FinishedRun<R>) => {
    readonly violations: readonly Violation[];
    readonly checked: number;
  };
  /** The results that a run without faults has; null: such a run is to be made when somebody asks. */
  readonly expected: ((records: readonly T[], knobs: Knobs) => readonly CommittedResult<R>[]) | null;
  readonly needsFaultFree: boolean;
}
