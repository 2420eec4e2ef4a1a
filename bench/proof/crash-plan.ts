// A plan of crashes: who dies at which step of the protocol, in which world; as data, as text, at random.
//
// Owns:    the form of plans, reading and writing them on the command line, drawing random ones.
// Not:     carrying them out (crash-listener.ts, crash-run.ts).
//
// C1. A plan and its seed decide a run in virtual time completely, so the text of a plan is all that a replay needs.
// C2. A crash waits for an attempt above the one that the crash before it hit, unless it overlaps on purpose.
// C3. A crash before one at a step of a restore waits until a checkpoint is durable: there must be something to restore.

import { randomBelow } from '../../src/base/random-stream.js';
import type { RandomStream } from '../../src/base/runtime.js';
import { PROTOCOL_STEPS, type ProtocolStep } from '../../src/task/effect.js';
import { UsageError } from './proof-contract.js';

/** Actors that can be crashed. */
export const ACTOR_ROLES = ['source', 'operator', 'sink', 'coordinator', 'store', 'job'] as const;
/** The whole process, as by `kill -9`; and the machine, which forgets what was not synced. */
export const MACHINE_ROLES = ['process', 'power'] as const;

export type ActorRole = (typeof ACTOR_ROLES)[number];
export type MachineRole = (typeof MACHINE_ROLES)[number];
export type CrashRole = ActorRole | MachineRole;

export interface PlannedCrash {
  readonly role: CrashRole;
  readonly step: ProtocolStep;
  /** 1: at the first time that the step is reached after the crash before. */
  readonly hit: number;
  /** Does not wait for the recovery from the crash before. */
  readonly overlap: boolean;
}

export interface CrashPlan {
  /** `virtual`: virtual time, disk and store, actors on the runtime's dispatch. `node`: nact, LMDB, real files. */
  readonly world: 'virtual' | 'node';
  readonly parallelism: number;
  readonly seed: number;
  readonly crashes: readonly PlannedCrash[];
}

const RESTORE_STEPS: ReadonlySet<ProtocolStep> = new Set([
  'restore.read',
  'restore.applied',
  'record.afterRestore',
]);
const CRASHES_MAX = 5;
const HITS_MAX = 3;
const PARALLELISM_MAX = 3;

export function isRestoreStep(step: ProtocolStep): boolean {
  return RESTORE_STEPS.has(step);
}

/** One crash, and before it another one where it needs a restore to happen. */
export function planFor(
  world: CrashPlan['world'],
  parallelism: number,
  role: CrashRole,
  step: ProtocolStep,
  hit: number,
): CrashPlan {
  const crash: PlannedCrash = { role, step, hit, overlap: false };
  const lead: PlannedCrash = { role: 'operator', step: 'commit.acked', hit: 2, overlap: false };
  return {
    world,
    parallelism,
    seed: 1,
    crashes: isRestoreStep(step) ? [lead, { ...crash, hit: 1 }] : [crash],
  };
}

export function randomPlan(random: RandomStream): CrashPlan {
  const any = <T>(items: readonly T[]): T => items[randomBelow(random, items.length)] as T;
  const roles: readonly CrashRole[] = [...ACTOR_ROLES, ...MACHINE_ROLES];
  const firstSteps = PROTOCOL_STEPS.filter((step) => !isRestoreStep(step));
  const count = 1 + randomBelow(random, CRASHES_MAX);
  const crashes = Array.from({ length: count }, (_, index): PlannedCrash => {
    const step = any(index === 0 ? firstSteps : PROTOCOL_STEPS);
    return {
      role: any(roles),
      step,
      hit: isRestoreStep(step) ? 1 : 1 + randomBelow(random, HITS_MAX),
      overlap: index > 0 && !isRestoreStep(step) && random.next() < 0.2,
    };
  });
  return {
    world: 'virtual',
    parallelism: 1 + randomBelow(random, PARALLELISM_MAX),
    seed: randomBelow(random, 1_000_000_000),
    crashes,
  };
}

/** `virtual:3:17:sink@barrier.aligned#2,job@restore.read#1`; a `+` before a crash lets it overlap. */
export function planText(plan: CrashPlan): string {
  const crashes = plan.crashes.map(
    ({ role, step, hit, overlap }) => `${overlap ? '+' : ''}${role}@${step}#${hit}`,
  );
  return `${plan.world}:${plan.parallelism}:${plan.seed}:${crashes.join(',')}`;
}

export function parsePlan(text: string): CrashPlan {
  const [, world, parallelism, seed, list = ''] = /^(virtual|node):(\d+):(\d+):(.+)$/.exec(text) ?? [];
  const crashes = list.split(',').map(parseCrash);
  if (world === undefined || crashes.some((crash) => crash === null)) {
    throw new UsageError(
      `a plan looks like virtual:3:17:sink@barrier.aligned#2,job@restore.read#1, got ${text}`,
    );
  }
  return {
    world: world === 'node' ? 'node' : 'virtual',
    parallelism: Number(parallelism),
    seed: Number(seed),
    crashes: crashes.filter((crash) => crash !== null),
  };
}

function parseCrash(text: string): PlannedCrash | null {
  const [, plus, roleText, stepText, hit] = /^(\+?)(\w+)@([\w.]+)#(\d+)$/.exec(text) ?? [];
  const role = [...ACTOR_ROLES, ...MACHINE_ROLES].find((each) => each === roleText);
  const step = PROTOCOL_STEPS.find((each) => each === stepText);
  return role === undefined || step === undefined
    ? null
    : { role, step, hit: Number(hit), overlap: plus === '+' };
}
