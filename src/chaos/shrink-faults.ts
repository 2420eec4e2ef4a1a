// Shrinking of a plan: fewer faults, then simpler ones.
//
// Owns:    leaving faults out without breaking the references of the others; simpler triggers, times and parameters.
// Not:     the search (shrink-search.ts), the other levels (shrink.ts).
//
// F1. A plan without some faults is a valid plan: `after` and `during` name what is still there, or nothing.
// F2. What counts as simpler is an order without cycles, so simplifying ends.

import { leastOf } from './draw-plan.js';
import { FAULT_KINDS } from './fault-kinds.js';
import type { Plan, PlannedFault, Trigger } from './plan.js';
import { ddmin, lowest, type ShrinkSearch } from './shrink-search.js';

const FIRST_HIT: Trigger = { kind: 'nth', n: 1 };
/** Hits that replace a probability, a time or a predicate: the first ones only, the rest is bisected. */
const NTH_TRIED_MAX = 3;
/** Repetitions that replace `for ever`. */
const TIMES_TRIED_MAX = 3;

/** Leaves out faults until each that is left is needed. True: there are fewer now. */
export async function shrinkFaults(search: ShrinkSearch): Promise<boolean> {
  const before = search.best.plan.faults.length;
  await dropUnfired(search);
  const { plan } = search.best;
  const indices = plan.faults.map((_, index) => index);
  await ddmin(indices, (kept) => search.accept({ ...search.best, plan: planWith(plan, new Set(kept)) }));
  return search.best.plan.faults.length < before;
}

/** Makes each fault simpler where that still fails. True: something became simpler. */
export async function simplifyFaults(search: ShrinkSearch): Promise<boolean> {
  const before = search.best.plan;
  for (let index = 0; index < search.best.plan.faults.length; index += 1) {
    await simplifyTrigger(search, index);
    await simplifyRest(search, index);
    await lowerParameters(search, index);
  }
  return search.best.plan !== before;
}

/**
 * The faults at `kept`, in their order. Who waited for a fault that is gone waits for what that one waited for; who fired
 * during it fires at the first hit.
 */
export function planWith(plan: Plan, kept: ReadonlySet<number>): Plan {
  const places = new Map([...kept].sort((left, right) => left - right).map((index, place) => [index, place]));
  const faults = plan.faults.flatMap((fault, index): PlannedFault[] => {
    if (!kept.has(index)) return [];
    const { after: _, ...rest } = fault;
    const after = waitsFor(plan, fault.after, kept);
    const place = after === undefined ? undefined : places.get(after);
    return [
      {
        ...rest,
        trigger: movedTrigger(fault.trigger, places),
        ...(place === undefined ? {} : { after: place }),
      },
    ];
  });
  return { ...plan, faults };
}

function waitsFor(plan: Plan, after: number | undefined, kept: ReadonlySet<number>): number | undefined {
  let lead = after;
  // A plan written by hand may wait in a circle: no more steps than there are faults.
  for (let step = 0; step < plan.faults.length && lead !== undefined; step += 1) {
    if (kept.has(lead)) return lead;
    lead = plan.faults[lead]?.after;
  }
  return undefined;
}

function movedTrigger(trigger: Trigger, places: ReadonlyMap<number, number>): Trigger {
  if (trigger.kind !== 'during') return trigger;
  const place = places.get(trigger.fault);
  return place === undefined ? FIRST_HIT : { kind: 'during', fault: place };
}

/** Cheapest of all: what did not even fire goes in one run. */
async function dropUnfired(search: ShrinkSearch): Promise<void> {
  if (search.outcome === null) return;
  const fired = new Set(search.outcome.fired.map(({ fault }) => fault));
  const { plan } = search.best;
  if (fired.size === plan.faults.length) return;
  await search.accept({ ...search.best, plan: planWith(plan, fired) });
}

async function simplifyTrigger(search: ShrinkSearch, index: number): Promise<void> {
  const trigger = search.best.plan.faults[index]?.trigger;
  if (trigger === undefined) return;
  for (const simpler of simplerTriggers(trigger)) {
    if (await change(search, index, { trigger: simpler })) break;
  }
  await lowerTrigger(search, index);
}

/** Triggers of a simpler form, simplest first. A protocol step says more to a reader than a number, so it stays. */
function simplerTriggers(trigger: Trigger): readonly Trigger[] {
  switch (trigger.kind) {
    case 'nth':
      return [];
    case 'step':
      return trigger.role === undefined ? [] : [{ kind: 'step', step: trigger.step, n: trigger.n }];
    case 'every':
      return [FIRST_HIT, { kind: 'nth', n: trigger.n }];
    case 'time':
    case 'when':
    case 'chance':
    case 'during':
      return Array.from({ length: NTH_TRIED_MAX }, (_, nth): Trigger => ({ kind: 'nth', n: nth + 1 }));
  }
}

async function lowerTrigger(search: ShrinkSearch, index: number): Promise<void> {
  const trigger = search.best.plan.faults[index]?.trigger;
  if (trigger === undefined) return;
  if (trigger.kind === 'time') {
    await lowest(trigger.ms, 0, (ms) => change(search, index, { trigger: { kind: 'time', ms } }));
  } else if (trigger.kind === 'nth' || trigger.kind === 'step' || trigger.kind === 'every') {
    await lowest(trigger.n, 1, (n) => change(search, index, { trigger: { ...trigger, n } }));
  }
}

async function simplifyRest(search: ShrinkSearch, index: number): Promise<void> {
  const fault = search.best.plan.faults[index];
  if (fault === undefined) return;
  if (fault.times !== undefined && !(await leaveOut(search, index, 'times'))) {
    const most = fault.times === null ? TIMES_TRIED_MAX : fault.times - 1;
    for (let times = 2; times <= most; times += 1) {
      if (await change(search, index, { times })) break;
    }
  }
  if (fault.forMs !== undefined && !(await leaveOut(search, index, 'forMs'))) {
    await lowest(fault.forMs, 1, (forMs) => change(search, index, { forMs }));
  }
  // Last: a fault that fires for ever needs no lead, but one that fires once, after its lead, tells the story.
  if (fault.after !== undefined) await leaveOut(search, index, 'after');
}

async function lowerParameters(search: ShrinkSearch, index: number): Promise<void> {
  const fault = search.best.plan.faults[index];
  for (const [name, value] of Object.entries(fault?.parameters ?? {})) {
    const info = fault === undefined ? undefined : FAULT_KINDS.get(fault.kind)?.parameters[name];
    const least = info === undefined ? 0 : leastOf(info);
    const far = info !== undefined && Math.abs(value - least) >= Math.abs(info.default - least);
    // The default needs no words; below it, every number does.
    if (far && (await setParameter(search, index, name, null))) continue;
    if (info?.unit !== 'fraction') {
      await lowest(value, least, (lower) => setParameter(search, index, name, lower));
    } else {
      await setParameter(search, index, name, least);
    }
  }
}

function setParameter(
  search: ShrinkSearch,
  index: number,
  name: string,
  value: number | null,
): Promise<boolean> {
  const { [name]: _, ...others } = search.best.plan.faults[index]?.parameters ?? {};
  const parameters = value === null ? others : { ...others, [name]: value };
  return Object.keys(parameters).length === 0
    ? leaveOut(search, index, 'parameters')
    : change(search, index, { parameters });
}

function leaveOut(
  search: ShrinkSearch,
  index: number,
  field: 'after' | 'times' | 'forMs' | 'parameters',
): Promise<boolean> {
  return replace(search, index, (fault) => {
    const { [field]: _, ...rest } = fault;
    return rest;
  });
}

function change(search: ShrinkSearch, index: number, changes: Partial<PlannedFault>): Promise<boolean> {
  return replace(search, index, (fault) => ({ ...fault, ...changes }));
}

function replace(
  search: ShrinkSearch,
  index: number,
  make: (fault: PlannedFault) => PlannedFault,
): Promise<boolean> {
  const { plan } = search.best;
  const faults = plan.faults.map((fault, at) => (at === index ? make(fault) : fault));
  return search.accept({ ...search.best, plan: { ...plan, faults } });
}
