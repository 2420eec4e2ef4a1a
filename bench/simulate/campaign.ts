// One worker of a simulation campaign: its share of the seeds, run by run, and what they add up to.
//
// Owns:    which program a seed runs, the sums, the failures with their tokens.
// Not:     processes and printing (simulate.ts), what the programs are.
//
// C1. A seed is a run of one program: of the engine shape `seed mod shapes`, or of the protocol, or of a tree of actors.
//     The same seed is the same run in every campaign.

import { nodeRuntime } from '../../src/base/node-runtime.js';
import { drawKnobs, drawPlan } from '../../src/chaos/draw-plan.js';
import { ENGINE_VERSION } from '../../src/chaos/engine-version.js';
import type { Outcome, RunSpec, Subject } from '../../src/chaos/execution.js';
import { ExplorationSums } from '../../src/chaos/exploration-sums.js';
import { runOnce } from '../../src/chaos/explore.js';
import { enterSimulation } from '../../src/chaos/inside.js';
import { replayToken } from '../../src/chaos/replay-token.js';
import { protocolRun } from './protocol/protocol-run.js';
import { type Shape, subjectOf } from './shape.js';
import { DRAWN_SHAPES } from './shapes.js';
import { treeRun } from './trees/tree-run.js';
import { vacuous } from './vacuity.js';

export type CampaignPart = 'engine' | 'protocol' | 'trees';

export interface CampaignOptions {
  readonly part: CampaignPart;
  readonly seeds: number;
  readonly firstSeed: number;
  /** This worker takes the seeds whose place is `share` modulo `shares`. */
  readonly share: number;
  readonly shares: number;
  readonly shapes: readonly string[];
  /** Fraction of the seeds that run twice. */
  readonly doubleRuns: number;
  readonly failuresMax: number;
}

export interface CampaignFailure {
  readonly shape: string;
  readonly seed: number;
  readonly check: string;
  readonly oracle: string | null;
  readonly message: string;
  readonly token: string | null;
}

export interface CampaignSums {
  seeds: number;
  doubleRuns: number;
  /** Runs whose checks looked at nothing. */
  unchecked: number;
  steps: number;
  virtualMs: number;
  checkpoints: number;
  restores: number;
  attempts: number;
  checked: number;
  readonly faults: Record<string, number>;
  /** Planned faults, by kind and by the form of their trigger, and how many of them have fired at least once. */
  readonly planned: Record<string, number>;
  readonly plannedFired: Record<string, number>;
  /** Seeds in which somebody has reached the step. */
  readonly stepSeeds: Record<string, number>;
  readonly stepsReached: Record<string, number>;
  readonly stepsCrashed: Record<string, number>;
  readonly perShape: Record<string, number>;
  readonly failures: CampaignFailure[];
  /** How many failures each oracle has reported, every oracle of a run once. */
  readonly oracles: Record<string, number>;
}

export function emptySums(): CampaignSums {
  return {
    seeds: 0,
    doubleRuns: 0,
    unchecked: 0,
    steps: 0,
    virtualMs: 0,
    checkpoints: 0,
    restores: 0,
    attempts: 0,
    checked: 0,
    faults: {},
    planned: {},
    plannedFired: {},
    stepSeeds: {},
    stepsReached: {},
    stepsCrashed: {},
    perShape: {},
    failures: [],
    oracles: {},
  };
}

/** Real milliseconds between two words to the parent. */
const PROGRESS_MS = 500;

export async function runCampaign(
  options: CampaignOptions,
  onProgress: (sums: CampaignSums) => void,
): Promise<CampaignSums> {
  const runtime = nodeRuntime();
  const sums = emptySums();
  const one = runnerOf(options, sums);
  const leave = enterSimulation();
  // Injected errors are many, and nobody reads where they were made: a failure is replayed with its trace.
  Error.stackTraceLimit = 0;
  let toldMs = runtime.clock.monotonicMs();
  try {
    for (let place = options.share; place < options.seeds; place += options.shares) {
      await one(options.firstSeed + place, place);
      sums.seeds += 1;
      if (sums.failures.length >= options.failuresMax) break;
      if (runtime.clock.monotonicMs() - toldMs < PROGRESS_MS) continue;
      toldMs = runtime.clock.monotonicMs();
      onProgress(sums);
      // The parent may have something to say.
      await new Promise<void>((resolve) => runtime.dispatch(resolve));
    }
  } finally {
    leave();
  }
  return sums;
}

function runnerOf(
  options: CampaignOptions,
  sums: CampaignSums,
): (seed: number, place: number) => Promise<void> {
  if (options.part === 'protocol') return async (seed) => addPlain('protocol', seed, protocolRun(seed), sums);
  if (options.part === 'trees') return async (seed) => addPlain('trees', seed, await treeRun(seed), sums);
  const named = DRAWN_SHAPES.filter(
    ({ name }) => options.shapes.length === 0 || options.shapes.includes(name),
  );
  const subjects = named.map((shape: Shape) => subjectOf(shape));
  const doubleEvery = options.doubleRuns > 0 ? Math.round(1 / options.doubleRuns) : Number.POSITIVE_INFINITY;
  return async (seed, place) => {
    const subject = subjects[seed % subjects.length];
    if (subject === undefined) return;
    const double = place % doubleEvery === 0;
    const spec = specOf(subject, seed);
    const { outcome } = await runOnce(subject, spec, { double });
    if (double) sums.doubleRuns += 1;
    addOutcome(subject, spec, outcome, sums);
  };
}

export function specOf(subject: Subject, seed: number): RunSpec {
  const plan = drawPlan(subject.targets, seed);
  return { seed, plan, knobs: drawKnobs(subject.knobs, seed), choices: null, trace: false };
}

function addOutcome(subject: Subject, spec: RunSpec, outcome: Outcome, sums: CampaignSums): void {
  const { counts, violations } = outcome;
  sums.steps += counts.steps;
  sums.virtualMs += counts.virtualMs;
  sums.checkpoints += counts.checkpoints;
  sums.restores += counts.restores;
  sums.attempts += counts.attempts;
  sums.checked += counts.checked;
  if (counts.checked === 0) sums.unchecked += 1;
  increase(sums.perShape, subject.name, 1);
  const one = new ExplorationSums(0);
  one.add(spec, outcome);
  for (const [kind, times] of one.fired) increase(sums.faults, kind, times);
  addPlanned(spec, outcome, sums);
  for (const [step, times] of one.stepsReached) increase(sums.stepsReached, step, times);
  for (const [step, times] of one.stepsCrashed) increase(sums.stepsCrashed, step, times);
  const [first] = violations;
  if (first === undefined) return;
  const run = { version: ENGINE_VERSION, subject: subject.name, spec, hash: outcome.hash };
  sums.failures.push({
    shape: subject.name,
    seed: spec.seed,
    check: first.check,
    oracle: first.oracle,
    message: `${first.message} ${first.example.join(', ')}`.trim(),
    token: replayToken(run),
  });
  for (const oracle of new Set(violations.map((violation) => violation.oracle))) {
    if (oracle !== null) increase(sums.oracles, oracle, 1);
  }
}

function addPlanned({ plan }: RunSpec, { fired, stepsReached }: Outcome, sums: CampaignSums): void {
  const indexes = new Set(fired.map(({ fault }) => fault));
  for (const [index, { kind, trigger }] of plan.faults.entries()) {
    for (const key of [kind, `trigger ${trigger.kind}`]) {
      increase(sums.planned, key, 1);
      if (indexes.has(index)) increase(sums.plannedFired, key, 1);
    }
  }
  const steps = new Set([...stepsReached.keys()].map((key) => key.slice(key.lastIndexOf(' ') + 1)));
  for (const step of steps) increase(sums.stepSeeds, step, 1);
}

/** A campaign that tests less than it seems to has failed. */
export function addVacuity(sums: CampaignSums): void {
  for (const message of vacuous(sums)) {
    sums.failures.push({ shape: 'all', seed: 0, check: 'O16 vacuity', oracle: 'O16', message, token: null });
    increase(sums.oracles, 'O16', 1);
  }
}

interface PlainRun {
  readonly violations: readonly {
    readonly check: string;
    readonly oracle: string;
    readonly message: string;
  }[];
  readonly counts: { readonly steps: number; readonly faults: Readonly<Record<string, number>> };
}

function addPlain(shape: string, seed: number, run: PlainRun, sums: CampaignSums): void {
  sums.steps += run.counts.steps;
  sums.checked += 1;
  increase(sums.perShape, shape, 1);
  for (const [kind, times] of Object.entries(run.counts.faults)) increase(sums.faults, kind, times);
  const [first] = run.violations;
  if (first === undefined) return;
  const { check, oracle, message } = first;
  sums.failures.push({ shape, seed, check, oracle, message, token: null });
  for (const each of new Set(run.violations.map((violation) => violation.oracle)))
    increase(sums.oracles, each, 1);
}

/** Adds the sums of another worker. */
export function mergeInto(sums: CampaignSums, other: CampaignSums): void {
  for (const name of [
    'seeds',
    'doubleRuns',
    'unchecked',
    'steps',
    'virtualMs',
    'checkpoints',
    'restores',
    'attempts',
    'checked',
  ] as const) {
    sums[name] += other[name];
  }
  for (const name of [
    'faults',
    'planned',
    'plannedFired',
    'stepSeeds',
    'stepsReached',
    'stepsCrashed',
    'perShape',
    'oracles',
  ] as const) {
    for (const [key, times] of Object.entries(other[name])) increase(sums[name], key, times);
  }
  sums.failures.push(...other.failures);
}

function increase(counts: Record<string, number>, key: string, by: number): void {
  counts[key] = (counts[key] ?? 0) + by;
}
