// The vacuity guard, oracle O16: a test that tested nothing does not pass in silence.
//
// Owns:    saying that a planned fault never fired, that nothing was checked, that properties were never reached.
// Not:     counting (exploration-sums.ts), deciding when a run is over.
//
// V1. In a fixed plan every fault fires, or the run fails and names the nearest hit and the remedy.
// V2. In drawn plans a single fault may miss; over many runs, a kind that always misses is told.

import { KILL_KINDS } from './draw-plan.js';
import type { Outcome, PropertyCount, RunSpec, Targets, UnfiredFault, Violation } from './execution.js';
import type { ExplorationSums } from './exploration-sums.js';
import { FAULT_KINDS, type FaultKind } from './fault-kinds.js';
import type { PlannedFault, Trigger } from './plan.js';

export const VACUITY_CHECK = 'O16 vacuity';

/** Seeds below which a property that never held says nothing yet. */
export const PROPERTY_SEEDS_MIN = 20;

/** What makes a run of a fixed plan worth nothing; null: it tested what it promised. */
export function vacuityOf(spec: RunSpec, outcome: Outcome): Violation | null {
  const missed = outcome.unfired.map((unfired) => missedText(spec, unfired));
  if (missed.length > 0) {
    return vacuity(
      `${missed.join(' ')} ${remedyOf(spec, outcome.unfired)}`,
      missedNames(spec, outcome.unfired),
    );
  }
  if (outcome.counts.checked === 0) {
    return vacuity(
      'No check looked at any record or message. Give the scenario input, or a check that reads its results.',
      [],
    );
  }
  return null;
}

/** Why many runs together prove less than it seems, one sentence each. `fixed` faults are the first of every plan. */
export function vacuousOver(
  sums: ExplorationSums,
  targets: Targets,
  fixed: readonly PlannedFault[],
): readonly string[] {
  if (sums.runs === 0) return ['No seed was run.'];
  const found: string[] = [];
  for (const [kind, planned] of sums.planned) {
    if (sums.fired.has(kind)) continue;
    found.push(
      `${kind} was planned ${times(planned)} and never fired: ${sums.nearest.get(kind) ?? 'its place was never reached'}.`,
    );
  }
  for (const [index, fault] of fixed.entries()) {
    if (sums.firedOfFixed(index) > 0) continue;
    found.push(`${describeFault(fault, index)}, which is part of every plan, never fired.`);
  }
  if (sums.counts.checked === 0) found.push('No check looked at any record or message.');
  const kills = KILL_KINDS.reduce((sum, kind) => sum + (sums.fired.get(kind) ?? 0), 0);
  if (targets.apps === 'jobs' && kills > 0 && sums.counts.restores === 0) {
    found.push(
      `${kills} crashes fired and nothing was ever restored: no checkpoint was complete before any of them.`,
    );
  }
  return found;
}

/** Properties that many runs never saw: each fails the exploration. Empty below `PROPERTY_SEEDS_MIN` seeds. */
export function unreachedProperties(
  properties: ReadonlyMap<string, PropertyCount>,
  seeds: number,
): readonly Violation[] {
  if (seeds < PROPERTY_SEEDS_MIN) return [];
  return [...properties].flatMap(([name, count]) => {
    const problem = unreached(count, seeds);
    return problem === null
      ? []
      : [{ check: name, oracle: null, message: `"${name}" ${problem}`, example: [] }];
  });
}

/** `fault 1 (actor.crash of sink, 3rd hit)`. */
export function describeFault(fault: PlannedFault, index: number): string {
  return `Fault ${index} (${fault.kind} of ${fault.target}, ${describeTrigger(fault.trigger)})`;
}

function unreached({ kind, held, failed }: PropertyCount, seeds: number): string | null {
  switch (kind) {
    case 'sometimes':
      return held > 0 ? null : `held in none of ${seeds} seeds (looked at ${times(failed)}).`;
    case 'reachable':
      return held > 0 ? null : `was reached in none of ${seeds} seeds.`;
    case 'always':
      return held + failed > 0
        ? null
        : `was evaluated in none of ${seeds} seeds; say alwaysOrUnreachable if that is meant.`;
    case 'alwaysOrUnreachable':
    case 'unreachable':
      return null;
  }
}

function vacuity(message: string, example: readonly string[]): Violation {
  return { check: VACUITY_CHECK, oracle: 'O16', message, example };
}

function missedText(spec: RunSpec, unfired: UnfiredFault): string {
  const fault = spec.plan.faults[unfired.fault];
  const name = fault === undefined ? `Fault ${unfired.fault}` : describeFault(fault, unfired.fault);
  const title = fault === undefined ? undefined : FAULT_KINDS.get(fault.kind)?.title;
  return `${name} never fired${title === undefined ? '' : `: ${title}`}; nearest: ${unfired.nearest}.`;
}

function missedNames(spec: RunSpec, unfired: readonly UnfiredFault[]): readonly string[] {
  return unfired.flatMap(({ fault }): FaultKind[] => {
    const planned = spec.plan.faults[fault];
    return planned === undefined ? [] : [planned.kind];
  });
}

function remedyOf(spec: RunSpec, unfired: readonly UnfiredFault[]): string {
  const sleeping = unfired.some(({ fault }) => {
    const after = spec.plan.faults[fault]?.after;
    return after !== undefined && unfired.some((other) => other.fault === after);
  });
  if (sleeping) return 'Let the fault that the others wait for fire first.';
  return unfired.some(({ hits }) => hits === 0)
    ? 'Aim at something that the run reaches, or take the fault out.'
    : 'Aim at an earlier hit, or give the run more input.';
}

function describeTrigger(trigger: Trigger): string {
  switch (trigger.kind) {
    case 'nth':
      return `hit ${trigger.n}`;
    case 'every':
      return `every ${trigger.n} hits`;
    case 'step':
      return `at ${trigger.role === undefined ? '' : `${trigger.role} `}${trigger.step}, time ${trigger.n}`;
    case 'time':
      return `from ${trigger.ms} ms`;
    case 'when':
      return `when ${trigger.predicate}`;
    case 'chance':
      return `with probability ${trigger.probability}`;
    case 'during':
      return `during fault ${trigger.fault}`;
  }
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
