// Stream jobs under test: `scenario`.
//
// Owns:    the public entry for jobs: from what a user says to a program that can be simulated, with all that can be done with it.
// Not:     simulating (job-subject.ts), exploring (explore.ts), real processes (real-mode.ts).
//
// S1. What does not fit the job (an operator that it does not have) is an error when the scenario is made, not when it is run.

import { ConfigError } from '../base/errors.js';
import { nodeRuntime } from '../base/node-runtime.js';
import { randomBelow, randomStream } from '../base/random-stream.js';
import { type EveryOperationOptions, type EveryOperationReport, everyOperation } from './every-operation.js';
import { type EveryStepOptions, type EveryStepReport, everyStep } from './every-step.js';
import type { Violation } from './execution.js';
import type { Failure } from './exploration.js';
import { failureText } from './failure-report.js';
import { inSimulation } from './inside.js';
import type { JobProgram } from './job-program.js';
import { jobSubject } from './job-subject.js';
import { realModes } from './real-modes.js';
import { replayCommandOf } from './replay-command.js';
import { type Runnable, ViolationError } from './runnable.js';
import { SubjectRuns } from './runs-of.js';
import type { FinishedRun, InputGenerator, JobScenarioOptions } from './scenario-options.js';

const SPLITS_DEFAULT = 2;
/** Different inputs over all seeds: the run without faults is then made once per input, not once per seed. */
const INPUTS = 16;
/** Records that are asked for when nobody has said how many there are: the generator decides. */
const RECORDS_ASKED = Number.MAX_SAFE_INTEGER;

export interface JobScenario extends Runnable {
  /** Every role dies at every step of the checkpoint protocol. Rejects with ViolationError. */
  everyStep(options?: Partial<EveryStepOptions>): Promise<EveryStepReport>;
  /** The n-th operation of the store fails, for every n. Rejects with ViolationError. */
  everyOperation(options: EveryOperationOptions): Promise<EveryOperationReport>;
}

/**
 * A job with an input, faults and expectations. `run` carries out one plan, `explore` many random ones. Throws ConfigError or
 * JobDefinitionError when the job cannot be planned or a fault names an operator that it does not have.
 */
export function scenario<T, R, const N extends string = never>(
  options: JobScenarioOptions<T, R, N>,
): JobScenario {
  const program = programOf(options);
  const subject = jobSubject(program);
  const missing = (options.operators ?? []).filter((name) => !operatorsOf(options, program).includes(name));
  if (missing.length > 0) {
    const known = operatorsOf(options, program).join(', ');
    throw new ConfigError(
      `The job of scenario "${program.name}" has no operator with the uid ${missing.join(', ')}.`,
      {
        remedy: known === '' ? 'Give the operators a uid.' : `Its operators with a uid are ${known}.`,
      },
    );
  }
  const runs = new SubjectRuns({
    subject,
    faults: options.faults ?? [],
    module: options.module ?? null,
    prepare: () => Promise.resolve(),
    elsewhere: realModes(program, subject, options.module),
  });
  return Object.assign(runs, {
    async everyStep(given: Partial<EveryStepOptions> = {}): Promise<EveryStepReport> {
      const kill = ['source', 'operator', 'sink', 'coordinator', 'store', 'job', 'process', 'power'];
      const report = await inSimulation(() => everyStep(subject, { kill, ...given }, nodeRuntime()));
      throwFirst(report.failures, options.module);
      return report;
    },
    async everyOperation(given: EveryOperationOptions): Promise<EveryOperationReport> {
      const report = await inSimulation(() => everyOperation(subject, given, nodeRuntime()));
      throwFirst(report.failures, options.module);
      return report;
    },
  });
}

function throwFirst(failures: readonly Failure[], module: string | undefined): void {
  const [first] = failures;
  if (first === undefined) return;
  const replayCommand = replayCommandOf(first.subject, module ?? null, first.token);
  const text = failureText(first, { replayCommand });
  throw new ViolationError(text, { failures, report: null });
}

function operatorsOf<T, R, N extends string>(
  options: JobScenarioOptions<T, R, N>,
  program: JobProgram<T, R>,
): readonly string[] {
  const all = jobSubject({ ...program, operators: null }).targets.actors;
  return options.operators === undefined ? [] : all;
}

function programOf<T, R, N extends string>(options: JobScenarioOptions<T, R, N>): JobProgram<T, R> {
  const records = (count: number, seed: number): readonly T[] =>
    options.input(generatorOf(seed % INPUTS, count)).slice(0, count);
  const { timestamp } = options;
  return {
    name: options.name ?? 'scenario',
    records,
    recordsMax: Math.max(1, records(RECORDS_ASKED, 1).length),
    timestamp: timestamp ?? ((_record, index) => index),
    splits: options.splits ?? SPLITS_DEFAULT,
    app: options.app,
    run: options.run ?? {},
    poison: options.poison ?? null,
    predicates: options.predicates ?? {},
    operators: options.operators ?? null,
    evaluate: (run) => evaluate(options, run),
    expected: null,
    needsFaultFree: options.expect.some((check) => check.needsFaultFree),
  };
}

function evaluate<T, R, N extends string>(
  { expect }: JobScenarioOptions<T, R, N>,
  run: FinishedRun<R>,
): { readonly violations: readonly Violation[]; readonly checked: number } {
  const verdicts = expect.map((check) => check.evaluate(run));
  return {
    violations: verdicts.flatMap(({ violations }) => violations),
    checked: verdicts.reduce((sum, { checked }) => sum + checked, 0),
  };
}

/** `most` records at the most: a shrunk run makes fewer of the same. */
function generatorOf(seed: number, most: number): InputGenerator {
  const random = randomStream(seed, 'input');
  return {
    records: (n, make) => Array.from({ length: Math.min(n, most) }, (_, index) => make(index)),
    int: (min, max) => min + randomBelow(random, max - min + 1),
    fraction: () => random.next(),
    pick: (items) => {
      const item = items[randomBelow(random, items.length)];
      if (item === undefined) throw new ConfigError('pick: expected one item or more, got none.');
      return item;
    },
  };
}
