// What of a plan can be carried out in a real thread or process, and a note for the rest.
//
// Owns:    the part of a plan that a mode carries out, with the way back to the numbers of the whole plan.
// Not:     carrying it out (real-host.ts, real-strace.ts).
//
// P1. No fault is left out without a note that says why.
// P2. A fault that waits for one that is left out is left out too: it would never fire.

import { ConfigError } from '../base/errors.js';
import { FAULT_KINDS } from './fault-kinds.js';
import { PLAN_VERSION, type Plan, type PlannedFault } from './plan.js';
import type { RealMode } from './real-news.js';
import { disturbedCall, straceProblem } from './real-strace.js';

export interface RealPlan {
  /** For the host. */
  readonly plan: Plan;
  /** Of each fault of `plan`: its index in the whole plan. */
  readonly indices: readonly number[];
  /** Carried out from outside, by disturbing a call to the operating system: index in the whole plan. */
  readonly disturbed: readonly { readonly index: number; readonly fault: PlannedFault }[];
  readonly notes: readonly string[];
}

/** Throws ConfigError when nothing of the plan can be carried out. */
export function realPlan(whole: Plan, mode: RealMode): RealPlan {
  const reasons = whole.faults.map((fault) => reasonAgainst(fault, mode));
  const left = new Set<number>();
  for (const [index, reason] of reasons.entries()) if (reason !== null) left.add(index);
  // Faults wait for any other, so one pass is not enough.
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const [index, fault] of whole.faults.entries()) {
      const waits = waitsFor(fault).find((other) => left.has(other));
      if (waits === undefined || left.has(index)) continue;
      left.add(index);
      reasons[index] = `it waits for fault ${waits}, which is not exercised`;
    }
  }
  const notes = whole.faults.flatMap((fault, index) =>
    left.has(index) ? [`not exercised: ${nameOf(fault, index)}, because ${reasons[index]}`] : [],
  );
  if (whole.faults.length > 0 && left.size === whole.faults.length) {
    throw new ConfigError(`Mode ${mode} can carry out no fault of this plan: ${notes.join('; ')}.`, {
      remedy: 'Run it in the simulation, or plan faults that this mode has.',
    });
  }
  const kept = whole.faults.flatMap((fault, index) => (left.has(index) ? [] : [{ index, fault }]));
  const hosted = kept.filter(({ fault }) => disturbedCall(fault) === null);
  const indices = hosted.map(({ index }) => index);
  return {
    plan: { version: PLAN_VERSION, faults: hosted.map(({ fault }) => renumbered(fault, indices)) },
    indices,
    disturbed: kept.filter(({ fault }) => disturbedCall(fault) !== null),
    notes: [...notes, ...hosted.flatMap(({ fault, index }) => early(fault, index))],
  };
}

/** F71: the limit of a heap is set when a host is started. */
function early(fault: PlannedFault, index: number): readonly string[] {
  const { kind, trigger, after } = fault;
  if (kind !== 'memory.pressure') return [];
  if (trigger.kind === 'nth' && trigger.n === 1 && after === undefined) return [];
  return [`${nameOf(fault, index)} holds from the start to the first death, whatever its trigger`];
}

function reasonAgainst(fault: PlannedFault, mode: RealMode): string | null {
  const info = FAULT_KINDS.get(fault.kind);
  if (info === undefined) return 'this version does not know it';
  if (disturbedCall(fault) !== null && mode === 'processes') return straceProblem(fault);
  if (!info.modes.includes(mode)) return `it needs mode ${info.modes.join(' or ')}`;
  if (info.apps === 'actors') return 'it is a fault of actor apps, and this is a job';
  if (info.target === 'network') return 'the scenario names no server for a proxy to stand in front of';
  return null;
}

function waitsFor({ after, trigger }: PlannedFault): readonly number[] {
  return [...(after === undefined ? [] : [after]), ...(trigger.kind === 'during' ? [trigger.fault] : [])];
}

function renumbered(fault: PlannedFault, indices: readonly number[]): PlannedFault {
  const { after, trigger } = fault;
  return {
    ...fault,
    ...(after === undefined ? {} : { after: indices.indexOf(after) }),
    trigger: trigger.kind === 'during' ? { ...trigger, fault: indices.indexOf(trigger.fault) } : trigger,
  };
}

function nameOf(fault: PlannedFault, index: number): string {
  return `fault ${index} (${fault.kind} of ${fault.target})`;
}
