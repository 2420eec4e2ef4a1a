// One seed of the protocol simulation: the real machines of a job in a tight loop, deaths and all, and the verdict.
//
// Owns:    the loop, deaths and successors of processes, the end of a run, restoring one checkpoint alone.
// Not:     what must hold on the way (protocol-world.ts), the job (job-process.ts).
//
// R1. No promise, no actor, no real clock: a run is a function of its seed, and its hash says so.
// R2. One message is one step and one virtual millisecond; without messages, time jumps to the next alarm.

import type { Manifest } from '../../../src/checkpoint/manifest.js';
import type { ProtocolStep } from '../../../src/task/effect.js';
import { Chance } from './chance.js';
import { JobProcess } from './job-process.js';
import { calmPlan, drawProtocolPlan, type ProtocolFault, type ProtocolPlan } from './protocol-plan.js';
import type { InputRecord } from './protocol-subtasks.js';
import {
  ActorDeath,
  ProcessDeath,
  type ProtocolViolation,
  ProtocolWorld,
  type WorldStart,
} from './protocol-world.js';

export interface ProtocolRunOptions {
  /** Default: drawn from the seed. */
  readonly plan?: Partial<ProtocolPlan>;
  /** Restore one checkpoint alone and run it to the end. Default: for one seed in 16. */
  readonly shadow?: boolean;
}

export interface ProtocolRun {
  readonly seed: number;
  readonly violations: readonly ProtocolViolation[];
  /** Equal for equal runs. */
  readonly hash: string;
  readonly counts: {
    readonly steps: number;
    readonly virtualMs: number;
    readonly checkpoints: number;
    readonly restores: number;
    readonly processes: number;
    readonly refused: number;
    readonly records: number;
    /** Checkpoints that were restored alone and run to the end. */
    readonly shadows: number;
    readonly faults: Readonly<Partial<Record<ProtocolFault, number>>>;
    readonly crashes: Readonly<Partial<Record<ProtocolStep, number>>>;
  };
}

const RUN_PURPOSE = 2;
const SHADOW_PURPOSE = 3;
const INPUT_PURPOSE = 4;
/** After the last fault the job has so many steps to come to its end. */
const DRAIN_STEPS_MAX = 40_000;
/** Steps that a process goes on after another one has taken over. */
const ZOMBIE_STEPS_MAX = 200;
const SHADOW_EVERY_SEEDS = 16;
/** So many checkpoints are completed by the shortest of runs. */
const SHADOW_CHECKPOINT_BELOW = 8;

export function protocolRun(seed: number, options: ProtocolRunOptions = {}): ProtocolRun {
  const { stackTraceLimit } = Error;
  // Refusals and deaths are many, and nobody reads where they were made.
  Error.stackTraceLimit = 0;
  try {
    return runSeed(seed, options);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function runSeed(seed: number, options: ProtocolRunOptions): ProtocolRun {
  const plan: ProtocolPlan = { ...drawProtocolPlan(seed), ...options.plan };
  const input = drawInput(seed, plan);
  const world = new ProtocolWorld(plan, new Chance(seed, RUN_PURPOSE), input, null);
  const shadow = { start: null as WorldStart | null };
  if (options.shadow ?? seed % SHADOW_EVERY_SEEDS === 0) keepOne(world, shadow);
  run(world, plan.parallelism);
  let shadows = 0;
  if (shadow.start !== null && world.violations.length === 0) {
    shadows = 1;
    const alone = new ProtocolWorld(calmPlan(plan), new Chance(seed, SHADOW_PURPOSE), input, shadow.start);
    run(alone, plan.parallelism);
    for (const { check, oracle, message } of alone.violations) {
      world.violate(
        'O4',
        `cut ${check}`,
        `checkpoint ${shadow.start.checkpoint} alone, ${oracle}: ${message}`,
      );
    }
  }
  const { counts } = world;
  return {
    seed,
    violations: world.violations,
    hash: world.hash.hex,
    counts: {
      steps: counts.steps,
      virtualMs: world.nowMs,
      checkpoints: counts.checkpoints,
      restores: counts.restores,
      processes: world.processes,
      refused: counts.refused,
      records: world.external.records,
      shadows,
      faults: Object.fromEntries(counts.faults),
      crashes: Object.fromEntries(counts.crashes),
    },
  };
}

function drawInput(seed: number, plan: ProtocolPlan): readonly InputRecord[] {
  const chance = new Chance(seed, INPUT_PURPOSE);
  return Array.from({ length: plan.records }, (_, id) => ({ id, key: chance.below(plan.keys) }));
}

/** One of the completed checkpoints, with the world outside as it was then. */
function keepOne(world: ProtocolWorld, shadow: { start: WorldStart | null }): void {
  const at = new Chance(world.input[0]?.key ?? 0, SHADOW_PURPOSE + world.plan.intervalMs).below(
    SHADOW_CHECKPOINT_BELOW,
  );
  world.onComplete = (manifest: Manifest) => {
    if (world.counts.checkpoints !== at + 1) return;
    const { attempt, checkpoint } = manifest;
    const cut = { ...world.cutOf(manifest) };
    shadow.start = {
      disk: world.disk.copyOf(manifest),
      external: world.external.copy(),
      attempt,
      checkpoint,
      cut,
    };
  };
}

function run(world: ProtocolWorld, parallelism: number): void {
  let process = new JobProcess(world, parallelism);
  let zombie: JobProcess | null = null;
  let zombieSteps = 0;
  while (!world.finished && world.violations.length === 0) {
    if (world.counts.steps > world.lastFaultStep + DRAIN_STEPS_MAX) {
      world.violate('O7', 'liveness', `not at its end ${DRAIN_STEPS_MAX} steps after the last fault`);
      break;
    }
    const turn: JobProcess = zombie !== null && world.chance.of(0.4) ? zombie : process;
    let how: ProcessDeath['how'] | null = null;
    try {
      if (!step(world, turn) && turn === process) {
        world.violate('O7', 'liveness', 'nothing is left to do, and the job has not ended');
      }
    } catch (error) {
      how = deathOf(error);
    }
    if (how !== null && turn === zombie) zombie = end(zombie);
    else if (how !== null || world.takeover) {
      zombie = end(zombie);
      if (how === null) {
        zombie = process;
        zombie.zombie = true;
        zombieSteps = world.chance.below(ZOMBIE_STEPS_MAX);
      } else {
        process.die();
        if (how === 'power.loss') world.disk.losePower();
      }
      process = new JobProcess(world, process.parallelism);
    }
    world.takeover = false;
    if (zombie !== null && --zombieSteps < 0) zombie = end(zombie);
  }
  if (world.violations.length > 0) return;
  process.die();
  const { input } = world;
  const wrong = world.external.verify((id) => input[id]?.key ?? -1);
  if (wrong !== null) world.violate('O1', 'exactlyOnce', wrong);
}

function end(zombie: JobProcess | null): null {
  zombie?.die();
  return null;
}

/** An actor outside any attempt takes its process with it. */
function deathOf(error: unknown): ProcessDeath['how'] {
  if (error instanceof ProcessDeath) return error.how;
  if (error instanceof ActorDeath) return 'process.kill';
  throw error;
}

/** False: nothing can ever happen again. */
function step(world: ProtocolWorld, process: JobProcess): boolean {
  const { links } = process;
  world.counts.steps += 1;
  world.nowMs += 1;
  if (links.idle) {
    const nextMs = Math.min(links.nextDueMs, world.lateDueMs);
    if (nextMs === Number.POSITIVE_INFINITY) return false;
    // A paused process does not make time pass for the one that runs.
    if (!process.zombie) world.nowMs = Math.max(world.nowMs, nextMs);
  }
  world.landDue();
  links.ringDue(world.nowMs);
  if (links.idle) return true;
  const link = links.choose(world.chance, world.nowMs);
  world.hash.add(link.id);
  link.deliver();
  return true;
}
