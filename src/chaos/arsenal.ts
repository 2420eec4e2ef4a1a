// The faults of one run, armed: which of them fires at which hit, and what has fired.
//
// Owns:    triggers, how often a fault may fire, how long its effect lasts, the record of what happened.
// Not:     carrying a fault out (the doors: actor-door.ts, world-faults.ts, ...).
//
// A1. Whether a fault fires depends on the plan, the seed and the order of hits alone.
// A2. A fault that is due but finds nobody to hit stays due: it fires at the next hit that it can use.
// A3. Every fault draws from a stream of its own, named after what it is and not after its place in the plan, so that leaving
//     out one fault shifts no other.

import { present } from '../base/assert.js';
import { randomStream } from '../base/random-stream.js';
import type { RandomStream } from '../base/runtime.js';
import type { FiredFault, UnfiredFault } from './execution.js';
import { FAULT_KINDS, type FaultKind, type FaultKindInfo } from './fault-kinds.js';
import type { Plan, PlannedFault } from './plan.js';

/** Virtual milliseconds for which a fault without `forMs` counts as in effect, for `during`. */
const IN_EFFECT_MS = 100;

export interface ArsenalOptions {
  readonly plan: Plan;
  readonly seed: number;
  readonly nowMs: () => number;
  readonly step: () => number;
  readonly predicate: (name: string) => boolean;
  readonly onFired: (fired: FiredFault) => void;
}

export class ArmedFault {
  readonly index: number;
  readonly planned: PlannedFault;
  readonly info: FaultKindInfo;
  readonly random: RandomStream;
  hits = 0;
  firings = 0;
  /** Times that the step of the trigger was reached since the fault was awake. */
  stepsSeen = 0;
  /** The trigger has held, and the fault has not used it yet. */
  due = false;
  firedAtMs: number = Number.NEGATIVE_INFINITY;
  lastsUntilMs: number = Number.NEGATIVE_INFINITY;
  /** The kill has been done and the job has not recovered from it yet. */
  recovering = false;

  constructor(index: number, planned: PlannedFault, seed: number, ordinal: number) {
    this.index = index;
    this.planned = planned;
    this.info = present(FAULT_KINDS.get(planned.kind), 'a kind of the table');
    this.random = randomStream(seed, `fault ${planned.kind} ${planned.target} ${ordinal}`);
  }

  get exhausted(): boolean {
    const { times = 1 } = this.planned;
    return times !== null && this.firings >= times;
  }

  parameter(name: string): number {
    return this.planned.parameters?.[name] ?? this.info.parameters[name]?.default ?? 0;
  }
}

export class Arsenal {
  readonly faults: readonly ArmedFault[];
  readonly fired: FiredFault[] = [];
  readonly #options: ArsenalOptions;
  readonly #byKind = new Map<FaultKind, ArmedFault[]>();
  #healed = false;

  constructor(options: ArsenalOptions) {
    this.#options = options;
    const like = new Map<string, number>();
    this.faults = options.plan.faults.map((planned, index) => {
      const same = `${planned.kind} ${planned.target}`;
      const ordinal = like.get(same) ?? 0;
      like.set(same, ordinal + 1);
      return new ArmedFault(index, planned, options.seed, ordinal);
    });
    for (const fault of this.faults) {
      const { kind } = fault.planned;
      this.#byKind.set(kind, [...(this.#byKind.get(kind) ?? []), fault]);
    }
  }

  /** True when the plan has any of these kinds: whoever asks can otherwise spare the work. */
  has(...kinds: readonly FaultKind[]): boolean {
    return kinds.some((kind) => this.#byKind.has(kind));
  }

  of(kind: FaultKind): readonly ArmedFault[] {
    return this.#byKind.get(kind) ?? NONE;
  }

  /** Some fault may still fire. */
  get pending(): boolean {
    return !this.#healed && this.faults.some((fault) => fault.firings === 0);
  }

  /** From now on nothing fires and no effect lasts: how a run is given the chance to recover. */
  heal(): void {
    this.#healed = true;
  }

  get healed(): boolean {
    return this.#healed;
  }

  /** A hit of the place of a kind. The first fault of that kind that fits and fires, or whose effect still lasts; else null. */
  strike(kind: FaultKind, fits: (target: string) => boolean, hit: string): ArmedFault | null {
    for (const fault of this.of(kind)) {
      if (!fits(fault.planned.target)) continue;
      if (this.lasts(fault)) return fault;
      if (!this.holds(fault)) continue;
      this.use(fault, hit);
      return fault;
    }
    return null;
  }

  /** Counts a hit and says whether the trigger holds, or has held without being used. */
  holds(fault: ArmedFault): boolean {
    if (this.#healed || fault.exhausted || !this.#awake(fault)) return false;
    fault.hits += 1;
    fault.due ||= this.#triggered(fault);
    return fault.due;
  }

  /** The fault fires. */
  use(fault: ArmedFault, hit: string): void {
    const nowMs = this.#options.nowMs();
    const { forMs } = fault.planned;
    fault.due = false;
    fault.firings += 1;
    fault.firedAtMs = nowMs;
    if (forMs !== undefined) fault.lastsUntilMs = nowMs + forMs;
    const fired = {
      fault: fault.index,
      kind: fault.planned.kind,
      atMs: nowMs,
      atStep: this.#options.step(),
      hit,
    };
    this.fired.push(fired);
    this.#options.onFired(fired);
  }

  lasts(fault: ArmedFault): boolean {
    return !this.#healed && this.#options.nowMs() < fault.lastsUntilMs;
  }

  /** A protocol step is reached: opens the triggers that wait for it. */
  stepReached(step: string, role: string): void {
    if (this.#healed) return;
    for (const fault of this.faults) {
      const { trigger } = fault.planned;
      if (trigger.kind !== 'step' || trigger.step !== step) continue;
      if (trigger.role !== undefined && trigger.role !== role) continue;
      if (fault.exhausted || !this.#awake(fault)) continue;
      fault.stepsSeen += 1;
      if (fault.stepsSeen === trigger.n) {
        fault.due = true;
        // The next firing counts anew.
        fault.stepsSeen = 0;
      }
    }
  }

  /** The job runs again after whatever was done to it. */
  recovered(): void {
    for (const fault of this.faults) fault.recovering = false;
  }

  unfired(): UnfiredFault[] {
    return this.faults
      .filter((fault) => fault.firings === 0)
      .map((fault) => ({ fault: fault.index, hits: fault.hits, nearest: nearest(fault) }));
  }

  #awake(fault: ArmedFault): boolean {
    const { after } = fault.planned;
    return after === undefined || (this.faults[after]?.firings ?? 1) > 0;
  }

  #triggered(fault: ArmedFault): boolean {
    const { trigger } = fault.planned;
    switch (trigger.kind) {
      case 'nth':
        return fault.hits === trigger.n || (fault.firings > 0 && fault.hits > trigger.n);
      case 'every':
        return fault.hits % trigger.n === 0;
      case 'step':
        return false;
      case 'time':
        return this.#options.nowMs() >= trigger.ms;
      case 'when':
        return this.#options.predicate(trigger.predicate);
      case 'chance':
        return fault.random.next() < trigger.probability;
      case 'during': {
        const other = this.faults[trigger.fault];
        return other !== undefined && this.#inEffect(other);
      }
    }
  }

  #inEffect(fault: ArmedFault): boolean {
    if (fault.firings === 0) return false;
    if (fault.recovering || this.lasts(fault)) return true;
    return this.#options.nowMs() < fault.firedAtMs + Math.max(IN_EFFECT_MS, fault.parameter('ms'));
  }
}

const NONE: readonly ArmedFault[] = [];

function nearest(fault: ArmedFault): string {
  const { trigger, target, kind } = fault.planned;
  if (fault.due) return `the trigger held, and ${kind} found nobody to hit by ${target}`;
  if (trigger.kind === 'step') {
    return `${trigger.step} was reached ${fault.stepsSeen} times of ${trigger.n}, and ${kind} met ${fault.hits} chances to hit ${target}`;
  }
  if (trigger.kind === 'nth') return `the place was hit ${fault.hits} times of ${trigger.n}`;
  return `the place was hit ${fault.hits} times, and the trigger never held`;
}
