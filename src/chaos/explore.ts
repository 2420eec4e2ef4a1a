// Exploring a subject: many seeds, each with a plan of its own, until something fails or the time is over.
//
// Owns:    which runs are made and in which order, running twice, when exploring ends, the report.
// Not:     drawing plans (draw-plan.ts), shrinking (shrink.ts), sums (exploration-sums.ts), vacuity (vacuity.ts).
//
// X1. Known failures (the corpus) come first, then the seeds in order: the same options explore the same runs.
// X2. Every failure has run twice; a run that is not the same the second time violates O18, whatever else it did.
// X3. Between two runs the event loop gets its turn, so that exploring can be stopped and watched.

import { messageOf, UserCodeError, WeirError } from '../base/errors.js';
import type { Runtime } from '../base/runtime.js';
import { readCorpus, writeToCorpus } from './corpus.js';
import { drawKnobs, drawPlan, joinPlans } from './draw-plan.js';
import { ENGINE_VERSION } from './engine-version.js';
import type { Outcome, RunSpec, Subject, Violation } from './execution.js';
import type { ExploreOptions, ExploreReport, Failure } from './exploration.js';
import { ExplorationSums } from './exploration-sums.js';
import { NO_FAULTS, type Plan } from './plan.js';
import { type CheckedRun, failureOf } from './shrink-failure.js';
import { unreachedProperties, vacuityOf, vacuousOver } from './vacuity.js';

const SEEDS_DEFAULT = 100;
const DOUBLE_RUNS_DEFAULT = 0.01;
const FAILURES_DEFAULT = 1;
/** About twice a second: often enough to be watched, too rare to cost anything. */
const PROGRESS_INTERVAL_MS = 500;
const MS_PER_MINUTE = 60_000;

export const DETERMINISM_CHECK = 'O18 determinism';

export interface CheckOptions {
  /** Run it twice and compare. A run that violates something is run twice in any case. Default false. */
  readonly double?: boolean;
  /** The plan was written by somebody: each of its faults must fire. Default false: it was drawn. */
  readonly fixed?: boolean;
}

/** One run and what a second look at it shows. */
export async function runOnce(
  subject: Subject,
  spec: RunSpec,
  options: CheckOptions = {},
): Promise<CheckedRun> {
  const outcome = await carriedOut(subject, spec);
  const more: Violation[] = [];
  const again = options.double || outcome.violations.length > 0 ? await carriedOut(subject, spec) : outcome;
  const difference = differenceOf(outcome, again);
  if (difference !== null) more.push(difference);
  const vacuity = options.fixed ? vacuityOf(spec, outcome) : null;
  // What came of the program itself is told first: a fault that did not fire may be its consequence.
  const violations = difference === null ? [...outcome.violations] : [...more, ...outcome.violations];
  if (vacuity !== null) violations.push(vacuity);
  return { spec, outcome: { ...outcome, violations }, unstable: difference !== null };
}

/** Runs seeds until the options are fulfilled. Rejects only when a run could not be carried out at all. */
export async function explore(
  subject: Subject,
  options: ExploreOptions,
  runtime: Runtime,
): Promise<ExploreReport> {
  const exploration = new Exploration(subject, options, runtime);
  await exploration.runCorpus();
  await exploration.runSeeds();
  await exploration.judgeProperties();
  return exploration.report();
}

class Exploration {
  private readonly subject: Subject;
  private readonly options: ExploreOptions;
  private readonly runtime: Runtime;
  private readonly fixed: Plan;
  private readonly sums: ExplorationSums;
  private readonly failures: Failure[] = [];
  private readonly startedMs: number;
  private first: CheckedRun | null = null;
  private seeds = 0;
  private doubleRuns = 0;
  private shrinkMs = 0;
  private toldMs: number;

  constructor(subject: Subject, options: ExploreOptions, runtime: Runtime) {
    this.subject = subject;
    this.options = options;
    this.runtime = runtime;
    this.fixed = options.plan ?? NO_FAULTS;
    this.sums = new ExplorationSums(this.fixed.faults.length);
    this.startedMs = runtime.clock.monotonicMs();
    this.toldMs = this.startedMs;
  }

  async runCorpus(): Promise<void> {
    const directory = this.options.corpus ?? null;
    if (directory === null) return;
    for (const { run } of await readCorpus(this.runtime.files, directory, this.subject.name)) {
      if (this.ended()) return;
      await this.run({ ...run.spec, trace: false }, false);
    }
  }

  async runSeeds(): Promise<void> {
    const { seeds = SEEDS_DEFAULT, firstSeed = 1, doubleRuns = DOUBLE_RUNS_DEFAULT } = this.options;
    // Evenly, from the first on: also a short exploration runs something twice.
    const doubleEvery = doubleRuns > 0 ? Math.max(1, Math.round(1 / doubleRuns)) : Number.POSITIVE_INFINITY;
    for (let index = 0; index < seeds && !this.ended(); index += 1) {
      this.seeds += 1;
      await this.run(this.specOf(firstSeed + index), index % doubleEvery === 0);
    }
  }

  /** After all seeds: what should have been seen sometimes, and never was. */
  async judgeProperties(): Promise<void> {
    const run = this.first;
    if (run === null || this.ended()) return;
    for (const violation of unreachedProperties(this.sums.properties, this.seeds)) {
      const outcome = { ...run.outcome, violations: [violation] };
      this.failures.push(await this.failure({ ...run, outcome }, violation, false));
    }
  }

  report(): ExploreReport {
    this.tell(true);
    const { sums } = this;
    return {
      subject: this.subject.name,
      seeds: this.seeds,
      failures: this.failures,
      elapsedMs: this.elapsedMs,
      seedsPerMinute: this.seedsPerMinute,
      faultsFired: sums.fired,
      counts: sums.counts,
      stepsReached: sums.stepsReached,
      stepsCrashed: sums.stepsCrashed,
      properties: sums.properties,
      vacuous: vacuousOver(sums, this.subject.targets, this.fixed.faults),
      doubleRuns: this.doubleRuns,
    };
  }

  private specOf(seed: number): RunSpec {
    const { swarm = {} } = this.options;
    const drawn = swarm === false ? NO_FAULTS : drawPlan(this.subject.targets, seed, swarm);
    const knobs = drawKnobs(this.subject.knobs, seed);
    return { seed, plan: joinPlans(this.fixed, drawn), knobs, choices: null, trace: false };
  }

  private async run(spec: RunSpec, double: boolean): Promise<void> {
    const run = await runOnce(this.subject, spec, { double });
    const [violation] = run.outcome.violations;
    this.first ??= run;
    this.sums.add(spec, run.outcome);
    if (double || violation !== undefined) this.doubleRuns += 1;
    if (violation !== undefined) await this.fail(run, violation);
    this.tell(false);
    await turn(this.runtime);
  }

  private async fail(run: CheckedRun, violation: Violation): Promise<void> {
    const beganMs = this.runtime.clock.monotonicMs();
    const failure = await this.failure(run, violation, this.options.shrink ?? true);
    this.failures.push(failure);
    await this.keep(failure);
    this.shrinkMs += this.runtime.clock.monotonicMs() - beganMs;
  }

  private failure(run: CheckedRun, violation: Violation, shrinks: boolean): Promise<Failure> {
    return failureOf(this.subject, run, violation, this.runtime, { shrink: shrinks });
  }

  private async keep({ minimal, outcome, subject, unstable, violation }: Failure): Promise<void> {
    const directory = this.options.corpus ?? null;
    // What is another run the next time proves nothing the next time.
    if (directory === null || unstable) return;
    const run = { version: ENGINE_VERSION, subject, spec: minimal, hash: outcome.hash };
    await writeToCorpus(this.runtime.files, directory, { check: violation.check, run });
  }

  private ended(): boolean {
    const { failuresMax = FAILURES_DEFAULT, timeMs = Number.POSITIVE_INFINITY } = this.options;
    return this.failures.length >= failuresMax || this.elapsedMs >= timeMs;
  }

  private get elapsedMs(): number {
    return this.runtime.clock.monotonicMs() - this.startedMs;
  }

  /** Of the time for seeds: shrinking says nothing about the speed of the program. */
  private get seedsPerMinute(): number {
    const ms = this.elapsedMs - this.shrinkMs;
    return ms <= 0 ? 0 : (this.seeds / ms) * MS_PER_MINUTE;
  }

  private tell(last: boolean): void {
    const nowMs = this.runtime.clock.monotonicMs();
    if (!last && nowMs - this.toldMs < PROGRESS_INTERVAL_MS) return;
    this.toldMs = nowMs;
    this.options.onProgress?.({
      seeds: this.seeds,
      failures: this.failures.length,
      seedsPerMinute: this.seedsPerMinute,
      faultsFired: this.sums.faultsFired,
      checkpoints: this.sums.counts.checkpoints,
      restores: this.sums.counts.restores,
    });
  }
}

/** A turn of the event loop. */
export function turn(runtime: Runtime): Promise<void> {
  return new Promise((resolve) => runtime.dispatch(resolve));
}

async function carriedOut(subject: Subject, spec: RunSpec): Promise<Outcome> {
  try {
    return await subject.execute(spec);
  } catch (error) {
    // Errors that say what to do about them pass as they are.
    if (error instanceof WeirError) throw error;
    throw new UserCodeError(`Seed ${spec.seed} of "${subject.name}" could not be run: ${messageOf(error)}`, {
      cause: error,
      remedy:
        'What a program does wrong is a violation; this came out of the scenario or the simulation itself.',
    });
  }
}

function differenceOf(first: Outcome, second: Outcome): Violation | null {
  const checks = [first, second].map(({ violations }) => violations.map(({ check }) => check).join(', '));
  if (first.hash === second.hash && checks[0] === checks[1]) return null;
  const told = checks.map((names) => (names === '' ? 'nothing' : names));
  return {
    check: DETERMINISM_CHECK,
    oracle: 'O18',
    message:
      `The same seed and plan ran differently the second time: hash ${first.hash}, then ${second.hash}; ` +
      `violated ${told[0]}, then ${told[1]}. Something outside the simulation decides: a clock, randomness, I/O, ` +
      'or state that outlives a run.',
    example: [],
  };
}
