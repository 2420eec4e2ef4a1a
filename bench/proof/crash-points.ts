// Proof `crash-points`: every role dies at every step of the checkpoint protocol, and nothing is lost or doubled.
//
// Owns:    the table of roles and steps, the random plans, the processes that kill themselves, the tally of all runs.
// Not:     one run (crash-run.ts), striking (crash-listener.ts).
//
// T1. The table is the product of all roles, all steps and the parallelisms, without exception.
// T2. In the middle of a job, and at the last time that the step is reached: there the job is about to end.
// T3. A failed plan is printed as the command that replays it.

import { join } from 'node:path';
import { randomStream } from '../../src/base/random-stream.js';
import { PROTOCOL_STEPS, type ProtocolStep } from '../../src/task/effect.js';
import {
  ACTOR_ROLES,
  type CrashPlan,
  type CrashRole,
  isRestoreStep,
  MACHINE_ROLES,
  parsePlan,
  planFor,
  planText,
  randomPlan,
} from './crash-plan.js';
import { processTable } from './crash-processes.js';
import { crashRun } from './crash-run.js';
import { type Proof, type ProofContext, UsageError, type Verdict, wholeOption } from './proof-contract.js';

const PARALLELISMS = [1, 3];
const SOAK_PLANS = 1_000;
const SOAK_PLANS_SHORT = 40;
const FAILED_RUNS_MAX = 25;
/** Rotates through the roles without keeping step with the order of the steps. */
const STRIDE = 5;

export const crashPoints: Proof = {
  name: 'crash-points',
  claim:
    'every role killed at every one of 19 protocol steps, alone and in random combinations: nothing lost or doubled',
  usage: '[--soak [n]] [--real] [--process] [--plan text]',
  run: prove,
};

async function prove(context: ProofContext): Promise<Verdict> {
  const tally = new Tally(context);
  const plan = context.option('plan');
  if (plan === true) throw new UsageError('--plan takes the text of a plan');
  if (plan !== undefined) {
    await tally.run('plan', [parsePlan(plan)]);
    return tally.verdict();
  }
  if (context.option('process') !== undefined) return processTable(context, PARALLELISMS);
  if (context.option('soak') !== undefined) {
    await tally.run('random plans', soak(context.seed, wholeOption(context, 'soak', SOAK_PLANS)));
    return tally.verdict();
  }
  if (context.option('real') === undefined) await virtualTables(context, tally);
  await tally.run(
    'on nact and LMDB',
    context.short ? rotating('node', ACTOR_ROLES, 1) : table('node', ACTOR_ROLES),
  );
  return tally.verdict();
}

async function virtualTables(context: ProofContext, tally: Tally): Promise<void> {
  const middle = await middleHits(tally);
  const roles: readonly CrashRole[] = [...ACTOR_ROLES, ...MACHINE_ROLES];
  await tally.run('every actor', aim(table('virtual', ACTOR_ROLES), middle, 0.5));
  if (context.short) {
    const machines = [0, 1].flatMap((shift) => rotating('virtual', MACHINE_ROLES, shift));
    await tally.run('process and power', aim(machines, middle, 0.5));
    await tally.run('at the end', aim(rotating('virtual', roles, 2), middle, 1).filter(isDirect));
  } else {
    await tally.run('process and power', aim(table('virtual', MACHINE_ROLES), middle, 0.5));
    await tally.run('at the end', aim(table('virtual', roles), middle, 1).filter(isDirect));
  }
  await tally.run('random plans', soak(context.seed, context.short ? SOAK_PLANS_SHORT : SOAK_PLANS / 4));
}

/** How often each step is reached by a run that nobody disturbs, by parallelism. */
async function middleHits(tally: Tally): Promise<ReadonlyMap<number, ReadonlyMap<string, number>>> {
  const hits = new Map<number, ReadonlyMap<string, number>>();
  for (const parallelism of PARALLELISMS) {
    const plan = planFor('virtual', parallelism, 'operator', 'barrier.aligned', Number.MAX_SAFE_INTEGER);
    hits.set(parallelism, await tally.survey(plan));
  }
  return hits;
}

function table(world: CrashPlan['world'], roles: readonly CrashRole[]): readonly CrashPlan[] {
  return PARALLELISMS.flatMap((parallelism) =>
    PROTOCOL_STEPS.flatMap((step) => roles.map((role) => planFor(world, parallelism, role, step, 3))),
  );
}

/** One role per step and parallelism. */
function rotating(
  world: CrashPlan['world'],
  roles: readonly CrashRole[],
  shift: number,
): readonly CrashPlan[] {
  return PARALLELISMS.flatMap((parallelism, row) =>
    PROTOCOL_STEPS.map((step, index) => {
      const role = roles[(index * STRIDE + row + shift) % roles.length] as CrashRole;
      return planFor(world, parallelism, role, step, 3);
    }),
  );
}

/** Moves each crash that stands alone to a fraction of the times that its step is reached. */
function aim(
  plans: readonly CrashPlan[],
  hits: ReadonlyMap<number, ReadonlyMap<string, number>>,
  fraction: number,
): readonly CrashPlan[] {
  return plans.map((plan) => {
    if (!isDirect(plan)) return plan;
    const crashes = plan.crashes.map((crash) => {
      const reached = hits.get(plan.parallelism)?.get(crash.step) ?? 0;
      return { ...crash, hit: Math.max(1, Math.ceil(reached * fraction)) };
    });
    return { ...plan, crashes };
  });
}

/** Not about a restore: these have a crash before, so their times differ from those of an undisturbed run. */
function isDirect(plan: CrashPlan): boolean {
  return !plan.crashes.some((crash) => isRestoreStep(crash.step));
}

function soak(seed: number, count: number): readonly CrashPlan[] {
  const random = randomStream(seed, 'crash-points');
  return Array.from({ length: count }, () => randomPlan(random));
}

/** Runs plans one after another and adds up what they show. */
class Tally {
  private readonly context: ProofContext;
  private readonly failures: string[] = [];
  private readonly steps = new Set<ProtocolStep>();
  private readonly figures = {
    runs: 0,
    virtual: 0,
    node: 0,
    crashes: 0,
    restores: 0,
    checkpoints: 0,
    records: 0,
  };
  private failedRuns = 0;

  constructor(context: ProofContext) {
    this.context = context;
  }

  async survey(plan: CrashPlan): Promise<ReadonlyMap<string, number>> {
    return (await crashRun(plan, this.scratch())).hits;
  }

  async run(title: string, plans: readonly CrashPlan[]): Promise<void> {
    const { context, figures } = this;
    let crashes = 0;
    let failed = 0;
    for (const [index, plan] of plans.entries()) {
      if (this.failedRuns >= FAILED_RUNS_MAX) break;
      const report = await crashRun(plan, this.scratch());
      crashes += report.crashes;
      figures.runs += 1;
      figures[plan.world] += 1;
      figures.restores += report.restores;
      figures.checkpoints += report.checkpoints;
      figures.records += report.committed;
      for (const crash of plan.crashes) this.steps.add(crash.step);
      if (report.failures.length > 0) {
        failed += 1;
        this.failed(plan, report.failures, report.victims);
      }
      context.progress(
        `${title}: ${index + 1} of ${plans.length} runs, ${crashes} crashes, ${failed} failed`,
      );
    }
    figures.crashes += crashes;
    context.say(`${title}: ${plans.length} runs, ${crashes} crashes, ${failed} failed`);
  }

  verdict(): Verdict {
    return {
      failures: this.failures,
      figures: {
        ...this.figures,
        steps: this.steps.size,
        lostOrDoubled: this.failedRuns === 0 ? 0 : 'see above',
        seed: this.context.seed,
      },
    };
  }

  private failed(plan: CrashPlan, failures: readonly string[], victims: readonly string[]): void {
    this.failedRuns += 1;
    this.failures.push(...failures);
    this.context.say(`failed, died: ${victims.join('; ')}`);
    for (const failure of failures) this.context.say(`  ${failure}`);
    this.context.say(`  replay: npm run proof -- crash-points --plan "${planText(plan)}"`);
  }

  private scratch(): string {
    return join(this.context.directory('runs'), 'run');
  }
}
