// Every role dies at every step of the checkpoint protocol: crash points, without exception, and in pairs.
//
// Owns:    which crashes are planned, the table of what was crashed, reached or violated.
// Not:     carrying crashes out (world-faults.ts), random crashes (draw-plan.ts).
//
// T1. The table is the product of all roles and all steps; a cell without a crash says so and why.
// T2. A step that is reached often has its crash at the first, a middle and the last time: there the job is about to end.
// T3. A crash at a step of a restore has a crash before it, after something was committed: there is something to restore.

import type { Runtime } from '../base/runtime.js';
import { PROTOCOL_STEPS, type ProtocolStep } from '../task/effect.js';
import { drawKnobs } from './draw-plan.js';
import type { Knobs, RunSpec, Subject, UnfiredFault } from './execution.js';
import type { Failure } from './exploration.js';
import { runOnce, turn } from './explore.js';
import { PLAN_VERSION, type Plan, type PlannedFault } from './plan.js';
import { type CheckedRun, failureOf } from './shrink-failure.js';

/** Failures after which the table ends: it then says nothing new, and shrinking takes time. */
const FAILURES_DEFAULT = 10;
const RESTORE_STEPS: ReadonlySet<ProtocolStep> = new Set<ProtocolStep>([
  'restore.read',
  'restore.applied',
  'record.afterRestore',
]);
/** Crashes that make a job restore, in the order in which they are tried: not every job has operators, or commits. */
const LEADS: readonly PlannedFault[] = (['commit.acked', 'metadata.durable'] as const).flatMap((step) =>
  ['operator', 'sink', 'coordinator'].map((role) => crashOf(role, step, 2)),
);

export interface EveryStepOptions {
  /** Roles of actors, and `process` (killed) and `power` (the machine forgets what was not synced). */
  readonly kill: readonly string[];
  /** Schedules and knobs under which the whole table is run; the first has the default knobs. Default 1. */
  readonly seeds?: number;
  /** Default 1. */
  readonly firstSeed?: number;
  /** Every crash is also followed by every crash: all ordered pairs. Default false. */
  readonly pairs?: boolean;
  /** Crashes without another one after them. Default true; false: only pairs. */
  readonly singles?: boolean;
  /** Which pairs are run, by their place among all of a seed, from 0: for shares and samples. Default all. */
  readonly takesPair?: (place: number) => boolean;
  readonly onPair?: (pair: PairRun) => void;
  /** Default true. */
  readonly shrink?: boolean;
  /** Stop after so many failures. Default 10. */
  readonly failuresMax?: number;
  readonly onProgress?: (progress: EveryStepProgress) => void;
}

export interface EveryStepProgress {
  readonly runs: number;
  readonly crashed: number;
  readonly cells: number;
  readonly failures: number;
}

export interface StepCell {
  readonly role: string;
  readonly step: ProtocolStep;
  readonly state: 'crashed' | 'notReached' | 'violated';
  readonly runs: number;
  /** Crashes of the role at this step, in all runs of the table. */
  readonly crashes: number;
  /** Of a crash that did not happen: what came nearest. */
  readonly nearest: string | null;
}

/** `<role> <step>` of both crashes, and which of them did not happen. */
export interface PairRun {
  readonly first: string;
  readonly second: string;
  readonly missed: 'none' | 'first' | 'second';
  readonly violated: boolean;
}

export interface PairSums {
  /** Pairs of the whole table, whether they were taken or not. */
  readonly planned: number;
  readonly run: number;
  /** Both crashes happened. */
  readonly crashed: number;
  readonly violated: number;
}

export interface EveryStepReport {
  readonly subject: string;
  /** Roles in the order in which they were asked for, each with all steps. */
  readonly cells: readonly StepCell[];
  /** Cells with a crash, as a fraction of all cells. */
  readonly coverage: number;
  readonly pairs: PairSums | null;
  readonly runs: number;
  readonly failures: readonly Failure[];
  readonly elapsedMs: number;
}

export async function everyStep(
  subject: Subject,
  options: EveryStepOptions,
  runtime: Runtime,
): Promise<EveryStepReport> {
  const table = new StepTable(subject, options, runtime);
  const { seeds = 1, firstSeed = 1 } = options;
  for (let index = 0; index < seeds && !table.ended; index += 1) {
    const knobs = index === 0 ? defaultKnobs(subject) : drawKnobs(subject.knobs, firstSeed + index);
    await table.run(firstSeed + index, knobs);
  }
  return table.report();
}

/** How often each step is reached when nobody dies. */
interface Survey {
  readonly seed: number;
  readonly knobs: Knobs;
  /** Without a fault; the steps of a restore, with the lead alone. */
  readonly reached: ReadonlyMap<ProtocolStep, number>;
  /** The crash before those at a step of a restore. */
  readonly lead: PlannedFault;
}

interface CellRecord {
  readonly role: string;
  readonly step: ProtocolStep;
  runs: number;
  violated: boolean;
  nearest: string | null;
}

class StepTable {
  private readonly subject: Subject;
  private readonly options: EveryStepOptions;
  private readonly runtime: Runtime;
  private readonly startedMs: number;
  private readonly cells: readonly CellRecord[];
  private readonly crashes = new Map<string, number>();
  private readonly failures: Failure[] = [];
  private readonly pairs = { planned: 0, run: 0, crashed: 0, violated: 0 };
  private runs = 0;

  constructor(subject: Subject, options: EveryStepOptions, runtime: Runtime) {
    this.subject = subject;
    this.options = options;
    this.runtime = runtime;
    this.startedMs = runtime.clock.monotonicMs();
    this.cells = options.kill.flatMap((role) =>
      PROTOCOL_STEPS.map((step) => ({ role, step, runs: 0, violated: false, nearest: null })),
    );
  }

  get ended(): boolean {
    return this.failures.length >= (this.options.failuresMax ?? FAILURES_DEFAULT);
  }

  async run(seed: number, knobs: Knobs): Promise<void> {
    const survey = await this.survey(seed, knobs);
    if (survey === null) return;
    for (const cell of (this.options.singles ?? true) ? this.cells : []) {
      for (const n of times(survey.reached.get(cell.step) ?? 0)) {
        if (this.ended) return;
        await this.crash(cell, n, survey);
      }
    }
    if (this.options.pairs ?? false) await this.runPairs(survey);
  }

  report(): EveryStepReport {
    const cells = this.cells.map((cell): StepCell => {
      const crashes = this.crashes.get(`${cell.role} ${cell.step}`) ?? 0;
      const state = cell.violated ? 'violated' : crashes > 0 ? 'crashed' : 'notReached';
      return { ...cell, state, crashes, nearest: crashes > 0 ? null : cell.nearest };
    });
    return {
      subject: this.subject.name,
      cells,
      coverage: cells.filter(({ crashes }) => crashes > 0).length / Math.max(1, cells.length),
      pairs: (this.options.pairs ?? false) ? this.pairs : null,
      runs: this.runs,
      failures: this.failures,
      elapsedMs: this.runtime.clock.monotonicMs() - this.startedMs,
    };
  }

  /** Null when the subject fails without a crash: then crashes show nothing. */
  private async survey(seed: number, knobs: Knobs): Promise<Survey | null> {
    const calm = await this.execute(seed, knobs, []);
    if (calm.outcome.violations.length > 0) return null;
    const reached = reachedSteps(calm);
    let lead = crashOf('operator', 'commit.acked', 2);
    for (lead of LEADS) {
      const restoring = reachedSteps(await this.execute(seed, knobs, [lead]));
      for (const step of RESTORE_STEPS) reached.set(step, restoring.get(step) ?? 0);
      if (restoring.has('restore.applied')) break;
    }
    return { seed, knobs, reached, lead };
  }

  private async crash(cell: CellRecord, n: number, { seed, knobs, lead }: Survey): Promise<void> {
    const run = await this.execute(seed, knobs, withLead(lead, crashOf(cell.role, cell.step, n)));
    cell.runs += 1;
    cell.violated ||= run.outcome.violations.length > 0;
    cell.nearest ??= run.outcome.unfired.map(({ nearest }) => nearest).at(-1) ?? null;
  }

  private async runPairs({ seed, knobs, reached, lead }: Survey): Promise<void> {
    const { takesPair = () => true, onPair } = this.options;
    this.pairs.planned += this.cells.length ** 2;
    for (const [row, first] of this.cells.entries()) {
      const n = Math.max(1, Math.ceil((reached.get(first.step) ?? 0) / 2));
      const leading = withLead(lead, crashOf(first.role, first.step, n));
      for (const [column, second] of this.cells.entries()) {
        if (this.ended) return;
        if (!takesPair(row * this.cells.length + column)) continue;
        const then = { ...crashOf(second.role, second.step, 1), after: leading.length - 1 };
        const { outcome } = await this.execute(seed, knobs, [...leading, then]);
        const missed = missedOf(outcome.unfired, leading.length);
        const violated = outcome.violations.length > 0;
        this.pairs.run += 1;
        if (missed === 'none') this.pairs.crashed += 1;
        if (violated) this.pairs.violated += 1;
        onPair?.({ first: nameOf(first), second: nameOf(second), missed, violated });
      }
    }
  }

  private async execute(seed: number, knobs: Knobs, faults: readonly PlannedFault[]): Promise<CheckedRun> {
    const plan: Plan = { version: PLAN_VERSION, faults };
    const spec: RunSpec = { seed, plan, knobs, choices: null, trace: false };
    const run = await runOnce(this.subject, spec);
    this.runs += 1;
    for (const [name, count] of run.outcome.stepsCrashed) {
      this.crashes.set(name, (this.crashes.get(name) ?? 0) + count);
    }
    const [violation] = run.outcome.violations;
    if (violation !== undefined) {
      const shrink = this.options.shrink ?? true;
      this.failures.push(await failureOf(this.subject, run, violation, this.runtime, { shrink }));
    }
    this.tell();
    await turn(this.runtime);
    return run;
  }

  private tell(): void {
    this.options.onProgress?.({
      runs: this.runs,
      crashed: this.cells.filter(({ role, step }) => this.crashes.has(`${role} ${step}`)).length,
      cells: this.cells.length,
      failures: this.failures.length,
    });
  }
}

function crashOf(role: string, step: ProtocolStep, n: number): PlannedFault {
  const trigger = { kind: 'step', step, n } as const;
  if (role === 'process') return { kind: 'process.kill', target: 'process', trigger };
  if (role === 'power') return { kind: 'power.loss', target: 'machine', trigger };
  return { kind: 'actor.crash', target: role, trigger };
}

function withLead(lead: PlannedFault, crash: PlannedFault): readonly PlannedFault[] {
  const restores = crash.trigger.kind === 'step' && RESTORE_STEPS.has(crash.trigger.step);
  return restores ? [lead, { ...crash, after: 0 }] : [crash];
}

function nameOf({ role, step }: CellRecord): string {
  return `${role} ${step}`;
}

function missedOf(unfired: readonly UnfiredFault[], leading: number): PairRun['missed'] {
  if (unfired.length === 0) return 'none';
  return unfired.some(({ fault }) => fault < leading) ? 'first' : 'second';
}

/** First, middle and last; a step that was not reached is tried all the same. */
function times(reached: number): readonly number[] {
  const last = Math.max(1, reached);
  return [...new Set([1, Math.ceil(last / 2), last])];
}

function reachedSteps({ outcome }: CheckedRun): Map<ProtocolStep, number> {
  const reached = new Map<ProtocolStep, number>();
  for (const [name, count] of outcome.stepsReached) {
    const step = PROTOCOL_STEPS.find((each) => name.endsWith(` ${each}`));
    if (step !== undefined) reached.set(step, (reached.get(step) ?? 0) + count);
  }
  return reached;
}

function defaultKnobs(subject: Subject): Knobs {
  return Object.fromEntries(Object.entries(subject.knobs).map(([name, info]) => [name, info.default]));
}
