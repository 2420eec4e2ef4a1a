// The n-th operation of a port fails, for every n, once and for ever: SQLite's loop.
//
// Owns:    which fault is planned at which operation, when the loop ends, the table of what was violated.
// Not:     what the faults do (storage-faults.ts).
//
// L1. No operation is left out: n grows by one until the fault is not reached any more. A loop that ends before says so.
// L2. A program may stop or degrade as the kind of fault allows; hanging and wrong results are violations of its checks.

import type { Runtime } from '../base/runtime.js';
import type { Knobs, RunSpec, Subject } from './execution.js';
import type { Failure } from './exploration.js';
import { runOnce, turn } from './explore.js';
import type { FaultKind } from './fault-kinds.js';
import { PLAN_VERSION, type PlannedFault } from './plan.js';
import { failureOf } from './shrink-failure.js';

/** Operations of one loop, unless somebody asks for more: a job of a few seconds makes some hundreds. */
const OPERATIONS_DEFAULT = 10_000;
const FAILURES_DEFAULT = 10;

export type OperationPort = 'store' | 'files';
/** `unknown`: the operation took effect, and the answer says otherwise, or never comes. */
export type OperationError = 'EIO' | 'ENOSPC' | 'hang' | 'unknown';
export type OperationMode = 'once' | 'forever';

const KINDS: Readonly<Record<OperationPort, Readonly<Record<OperationError, readonly FaultKind[]>>>> = {
  store: {
    EIO: ['store.reject'],
    ENOSPC: ['store.full'],
    hang: ['store.hang'],
    unknown: ['store.rejectWritten', 'store.hangWritten'],
  },
  files: {
    EIO: ['files.fail'],
    ENOSPC: ['files.full'],
    hang: ['files.hang'],
    unknown: ['files.failWritten', 'files.hangWritten'],
  },
};

export interface EveryOperationOptions {
  readonly port: OperationPort;
  readonly error: OperationError;
  /** Default both. */
  readonly mode?: readonly OperationMode[];
  /** First operation, from 1. Default 1. */
  readonly from?: number;
  /** Operations of one loop, at most. Default 10,000. */
  readonly operationsMax?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Default: the default of each. */
  readonly knobs?: Knobs;
  /** Default true. */
  readonly shrink?: boolean;
  /** Stop after so many failures. Default 10. */
  readonly failuresMax?: number;
  readonly onProgress?: (progress: {
    readonly kind: FaultKind;
    readonly n: number;
    readonly failures: number;
  }) => void;
}

export interface OperationRow {
  readonly kind: FaultKind;
  readonly mode: OperationMode;
  readonly n: number;
  /** Names of violated checks; empty: good. */
  readonly violated: readonly string[];
}

export interface OperationLoop {
  readonly kind: FaultKind;
  readonly mode: OperationMode;
  /** Operations at which the fault fired. */
  readonly operations: number;
  /** False: a bound ended the loop before the operations did. */
  readonly complete: boolean;
}

export interface EveryOperationReport {
  readonly subject: string;
  readonly loops: readonly OperationLoop[];
  readonly rows: readonly OperationRow[];
  readonly failures: readonly Failure[];
  readonly runs: number;
  readonly elapsedMs: number;
  /** What could not be exercised, one sentence each: kinds that the subject or the port does not have. */
  readonly notExercised: readonly string[];
}

/** Runs all loops. A loop that reached no operation at all is told in `notExercised`. */
export async function everyOperation(
  subject: Subject,
  options: EveryOperationOptions,
  runtime: Runtime,
): Promise<EveryOperationReport> {
  const startedMs = runtime.clock.monotonicMs();
  const { port, error, mode: modes = ['once', 'forever'] } = options;
  const rows: OperationRow[] = [];
  const failures: Failure[] = [];
  const loops: OperationLoop[] = [];
  const { kinds, notExercised } = applicable(subject, port, error);
  let runs = 0;
  for (const kind of kinds) {
    for (const mode of modes) {
      const loop = await runLoop(subject, kind, mode, { options, runtime, rows, failures });
      runs += loop.runs;
      loops.push(loop.summary);
      if (loop.summary.operations === 0 && loop.summary.complete) {
        notExercised.push(`${kind} ${mode}: the program makes no such operation.`);
      }
    }
  }
  const elapsedMs = runtime.clock.monotonicMs() - startedMs;
  return { subject: subject.name, loops, rows, failures, runs, elapsedMs, notExercised };
}

interface LoopContext {
  readonly options: EveryOperationOptions;
  readonly runtime: Runtime;
  readonly rows: OperationRow[];
  readonly failures: Failure[];
}

async function runLoop(
  subject: Subject,
  kind: FaultKind,
  mode: OperationMode,
  { options, runtime, rows, failures }: LoopContext,
): Promise<{ readonly runs: number; readonly summary: OperationLoop }> {
  const {
    from = 1,
    operationsMax = OPERATIONS_DEFAULT,
    failuresMax = FAILURES_DEFAULT,
    shrink = true,
  } = options;
  let operations = 0;
  let runs = 0;
  for (let n = from; n < from + operationsMax && failures.length < failuresMax; n += 1) {
    const run = await runOnce(subject, specOf(subject, options, faultAt(kind, mode, n)));
    runs += 1;
    const [violation] = run.outcome.violations;
    if (violation !== undefined) failures.push(await failureOf(subject, run, violation, runtime, { shrink }));
    const missed = run.outcome.fired.length === 0;
    if (!missed || violation !== undefined) {
      rows.push({ kind, mode, n, violated: run.outcome.violations.map(({ check }) => check) });
    }
    options.onProgress?.({ kind, n, failures: failures.length });
    await turn(runtime);
    if (missed) return { runs, summary: { kind, mode, operations, complete: true } };
    operations += 1;
  }
  return { runs, summary: { kind, mode, operations, complete: false } };
}

function applicable(
  subject: Subject,
  port: OperationPort,
  error: OperationError,
): { readonly kinds: readonly FaultKind[]; readonly notExercised: string[] } {
  const kinds = KINDS[port][error];
  const missing = kinds.filter((kind) => !subject.targets.kinds.includes(kind));
  const notExercised = missing.map((kind) => `${kind}: does not apply to ${subject.name}.`);
  if (kinds.length === 0) notExercised.push(`${port} ${error}: there is no such kind of fault.`);
  return { kinds: kinds.filter((kind) => !missing.includes(kind)), notExercised };
}

function faultAt(kind: FaultKind, mode: OperationMode, n: number): PlannedFault {
  const fault: PlannedFault = { kind, target: '*', trigger: { kind: 'nth', n } };
  return mode === 'once' ? fault : { ...fault, times: null };
}

function specOf(subject: Subject, options: EveryOperationOptions, fault: PlannedFault): RunSpec {
  const defaults = Object.entries(subject.knobs).map(([name, info]) => [name, info.default] as const);
  return {
    seed: options.seed ?? 1,
    plan: { version: PLAN_VERSION, faults: [fault] },
    knobs: { ...Object.fromEntries(defaults), ...options.knobs },
    choices: null,
    trace: false,
  };
}
