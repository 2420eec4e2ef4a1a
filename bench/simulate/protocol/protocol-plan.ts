// What one seed of the protocol simulation is about: its input, its shape, and the faults that it is to meet.
//
// Owns:    the fault kinds of this simulation, and drawing a plan from a seed.
// Not:     carrying faults out (protocol-world.ts and the files that it names).
//
// P1. Every seed has its own selection of kinds: faults that always come together hide each other's bugs.
// P2. Faults end with `faultStepsMax`; afterwards the job has to come to its end.

import { PROTOCOL_STEPS, type ProtocolStep } from '../../../src/task/effect.js';
import { Chance } from './chance.js';

/** Name and number in the fault model. */
export const PROTOCOL_FAULTS = {
  'link.delay': 'F11',
  'link.duplicate': 'F12',
  'link.drop': 'F13',
  'barrier.delay': 'F20',
  'trigger.duplicate': 'F21',
  'trigger.drop': 'F22',
  'trigger.stale': 'F24',
  'snapshot.decline': 'F25',
  'ack.drop': 'F26',
  'ack.duplicate': 'F26',
  'ack.stale': 'F26',
  'notify.drop': 'F26',
  'abort.drop': 'F26',
  'actor.crash': 'F27',
  'process.zombie': 'F29',
  'process.lateWrites': 'F30',
  'job.rescale': 'F33',
  'store.reject': 'F34',
  'store.hang': 'F36',
  'power.loss': 'F38',
  'process.kill': 'F48',
  'sink.commitFail': 'F70',
  'sink.commitUnknown': 'F70',
} as const;

export type ProtocolFault = keyof typeof PROTOCOL_FAULTS;

/** A death at the `nth` time that anybody reaches `step`. */
export interface PlannedCrash {
  readonly step: ProtocolStep;
  readonly how: 'actor.crash' | 'process.kill' | 'power.loss' | 'process.zombie';
  nth: number;
}

export interface ProtocolPlan {
  readonly records: number;
  readonly keys: number;
  readonly parallelism: 1 | 2;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly minPauseMs: number;
  readonly concurrentMax: number;
  readonly tolerableFailures: number;
  readonly incremental: boolean;
  /** Records of one poll. */
  readonly pollMax: number;
  /** Probability that there is nothing to read for up to `pauseMsMax`. */
  readonly pauses: number;
  readonly pauseMsMax: number;
  /** Probability that a connector answers at once, within the same step. */
  readonly promptness: number;
  /** `uniform`: any waiting link. `eager`: the same link as long as it has something. `starve`: one link last. */
  readonly order: 'uniform' | 'eager' | 'starve';
  readonly crashes: PlannedCrash[];
  /** Probability of each kind at each occasion; absent: never. */
  readonly rates: ReadonlyMap<ProtocolFault, number>;
  readonly faultStepsMax: number;
}

/** Most runs are short: some twenty checkpoints show what a hundred show, and there are five times as many of them. */
const RECORDS_SHORT_MIN = 60;
const RECORDS_SHORT_MAX = 140;
const RECORDS_LONG = 600;
const LONG_FRACTION = 0.1;
/** Of the steps that a run takes: the rest is calm. */
const FAULT_STEPS_PER_RECORD = 10;
/** A planned death waits for a step to be reached so many times at most, per record. */
const DEATH_NTH_PER_RECORD = 0.1;
const PLAN_PURPOSE = 1;
/** By occasion: messages are many, commits few. */
const RATES: readonly (readonly [ProtocolFault, number])[] = [
  ['link.delay', 0.02],
  ['link.duplicate', 0.01],
  ['link.drop', 0.000_7],
  ['barrier.delay', 0.1],
  ['trigger.duplicate', 0.1],
  ['trigger.drop', 0.05],
  ['trigger.stale', 0.1],
  ['snapshot.decline', 0.02],
  ['ack.drop', 0.01],
  ['ack.duplicate', 0.05],
  ['ack.stale', 0.5],
  ['notify.drop', 0.1],
  ['abort.drop', 0.3],
  ['process.lateWrites', 0.5],
  ['job.rescale', 0.5],
  ['store.reject', 0.01],
  ['store.hang', 0.005],
  ['sink.commitFail', 0.05],
  ['sink.commitUnknown', 0.05],
];
const DEATHS: readonly PlannedCrash['how'][] = [
  'actor.crash',
  'actor.crash',
  'process.kill',
  'power.loss',
  'process.zombie',
];

export function drawProtocolPlan(seed: number): ProtocolPlan {
  const chance = new Chance(seed, PLAN_PURPOSE);
  const rates = new Map<ProtocolFault, number>();
  // One seed in sixteen meets no fault at all: the results then are those of a job that nothing happens to.
  const calm = chance.below(16) === 0;
  for (const [kind, rate] of RATES) if (chance.of(0.35) && !calm) rates.set(kind, rate);
  const parallelism = chance.of(0.25) ? 2 : 1;
  const minPauseMs = chance.of(0.2) ? 10 : 0;
  const isLong = chance.of(LONG_FRACTION);
  const records = isLong ? RECORDS_LONG : chance.between(RECORDS_SHORT_MIN, RECORDS_SHORT_MAX);
  return {
    records,
    keys: chance.between(3, 12),
    parallelism,
    // A message takes a millisecond, and a checkpoint of twice as many subtasks three times as many messages.
    intervalMs: chance.between(18, 30) * (parallelism === 1 ? 1 : 3),
    timeoutMs: chance.pick([150, 400, 1_500]) * parallelism,
    minPauseMs,
    concurrentMax: chance.between(1, 3),
    tolerableFailures: chance.pick([0, 2, 1_000, 1_000]),
    incremental: chance.of(0.5),
    pollMax: chance.pick([1, 3, 5, 9]),
    pauses: 0.5,
    pauseMsMax: parallelism === 1 ? 22 : 60,
    promptness: chance.pick([0, 0.5, 0.9]),
    order: chance.pick(['uniform', 'uniform', 'eager', 'starve'] as const),
    crashes: calm ? [] : drawCrashes(chance, Math.round(records * DEATH_NTH_PER_RECORD)),
    rates,
    faultStepsMax: records * FAULT_STEPS_PER_RECORD,
  };
}

/** The same without faults: for restoring one checkpoint alone. */
export function calmPlan(plan: ProtocolPlan): ProtocolPlan {
  return { ...plan, crashes: [], rates: new Map(), order: 'uniform', faultStepsMax: 0 };
}

function drawCrashes(chance: Chance, nthMax: number): PlannedCrash[] {
  return Array.from({ length: chance.below(5) }, () => {
    const step = chance.pick(PROTOCOL_STEPS);
    // These happen once or a few times per restart, the others with every checkpoint.
    const rare = step.startsWith('restore') || step === 'record.afterRestore';
    return { step, how: chance.pick(DEATHS), nth: rare ? chance.between(1, 3) : chance.between(1, nthMax) };
  });
}
