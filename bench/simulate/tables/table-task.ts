// A piece of a table, small enough to be given to a worker process, and what came of it.
//
// Owns:    the pieces as data, which job a piece is about.
// Not:     doing them (crash-points.ts, operations.ts, replays.ts), processes (table-workers.ts).

import { ConfigError } from '../../../src/base/errors.js';
import type { OperationError, OperationMode, OperationPort } from '../../../src/chaos/every-operation.js';
import type { Subject } from '../../../src/chaos/execution.js';
import type { Failure } from '../../../src/chaos/exploration.js';
import { jobSubject } from '../../../src/chaos/job-subject.js';
import type { PlannedFault } from '../../../src/chaos/plan.js';
import type { ProtocolStep } from '../../../src/task/effect.js';
import { subjectOf } from '../shape.js';
import { SHAPES } from '../shapes.js';
import { FILE_KINDS, fileCounts } from './file-counts.js';

export type TableTask =
  | { readonly kind: 'crashes'; readonly job: string; readonly roles: readonly string[] }
  | {
      readonly kind: 'pairs';
      readonly job: string;
      readonly roles: readonly string[];
      readonly share: number;
      readonly shares: number;
      /** Pairs of all shares together, spread evenly over the table. */
      readonly limit: number;
    }
  | {
      readonly kind: 'operations';
      readonly job: string;
      readonly port: OperationPort;
      readonly error: OperationError;
      readonly mode: OperationMode;
      readonly operationsMax: number;
    }
  | {
      readonly kind: 'replays';
      readonly firstSeed: number;
      readonly seeds: number;
      readonly twice: boolean;
    };

export interface TableFailure {
  readonly job: string;
  readonly seed: number;
  readonly check: string;
  readonly message: string;
  /** Of the shrunk run. */
  readonly faults: readonly PlannedFault[];
  readonly token: string;
}

export type TableResult =
  | {
      readonly kind: 'crashes';
      readonly cells: readonly {
        readonly role: string;
        readonly step: ProtocolStep;
        readonly crashes: number;
      }[];
      readonly runs: number;
      readonly failures: readonly TableFailure[];
    }
  | {
      readonly kind: 'pairs';
      readonly planned: number;
      readonly run: number;
      readonly crashed: number;
      /** Pairs of which a crash did not happen: `<first> > <second>: <which>`. */
      readonly missed: readonly string[];
      readonly failures: readonly TableFailure[];
    }
  | {
      readonly kind: 'operations';
      readonly job: string;
      readonly port: OperationPort;
      readonly error: OperationError;
      readonly mode: OperationMode;
      /** Operations that the fault has hit, over all kinds that express the error. */
      readonly operations: number;
      readonly violated: number;
      readonly complete: boolean;
      readonly notExercised: readonly string[];
      readonly failures: readonly TableFailure[];
    }
  | {
      readonly kind: 'replays';
      readonly runs: readonly SeedRun[];
    };

export interface SeedRun {
  readonly shape: string;
  readonly seed: number;
  readonly hash: string;
  readonly violations: readonly string[];
  /** The second run was the same; true also when there was none. */
  readonly same: boolean;
}

/** What a piece says while it is at work: how many runs it has made. */
export type OnRuns = (runs: number) => void;

/** A shape of the list, or the job on files. */
export function subjectNamed(name: string): Subject | null {
  const files = fileCounts();
  if (files.name === name) return jobSubject(files, { extraKinds: FILE_KINDS });
  const shape = SHAPES.find((each) => each.name === name);
  return shape === undefined ? null : subjectOf(shape);
}

export function knownSubject(name: string): Subject {
  const subject = subjectNamed(name);
  if (subject === null) throw new ConfigError(`There is no shape "${name}".`);
  return subject;
}

export function tableFailure({ subject, violation, minimal, token }: Failure): TableFailure {
  const { check, message, example } = violation;
  return {
    job: subject,
    seed: minimal.seed,
    check,
    message: `${message} ${example.join(', ')}`.trim(),
    faults: minimal.plan.faults,
    token,
  };
}
