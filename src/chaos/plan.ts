// A plan of faults, as data: what happens, where, when. Plain JSON, with a version.
//
// Owns:    the form of plans.
// Not:     reading and checking JSON (plan-json.ts), writing plans in TypeScript (fault.ts), drawing them (draw-plan.ts).
//
// P1. A plan, a seed and the knobs decide a simulated run completely.
// P2. A fault fires at most `times` times, and only while everything that it waits for holds.

import type { ProtocolStep } from '../task/effect.js';
import type { FaultKind } from './fault-kinds.js';

export const PLAN_VERSION = 1;

export interface Plan {
  readonly version: typeof PLAN_VERSION;
  readonly faults: readonly PlannedFault[];
}

/**
 * When a fault fires. Faults have a place where they can happen: a message that is handled, a barrier on a link, a write of the
 * store. `nth`, `every`, `chance` and `when` look at the hits of that place that fit the target; `step` and `time` open the door
 * for the next hit. Faults without a place of their own (a crash, a kill, a jump of the clock) happen at once when the trigger
 * holds; for them the hits are the protocol steps of a job, or the messages handled by the actors of an app.
 */
export type Trigger =
  /** The n-th hit, from 1. */
  | { readonly kind: 'nth'; readonly n: number }
  /** Every n-th hit. */
  | { readonly kind: 'every'; readonly n: number }
  /** The n-th time that the protocol step is reached, by anybody or by one role. */
  | { readonly kind: 'step'; readonly step: ProtocolStep; readonly role?: string; readonly n: number }
  /** So many milliseconds of virtual time after the start. */
  | { readonly kind: 'time'; readonly ms: number }
  /** While a predicate of the scenario, by name, holds. */
  | { readonly kind: 'when'; readonly predicate: string }
  /** Each hit with this probability, by the seed. */
  | { readonly kind: 'chance'; readonly probability: number }
  /** While the fault at this index of the plan is in effect: from its firing until its `forMs`, or until the job has recovered. */
  | { readonly kind: 'during'; readonly fault: number };

export interface PlannedFault {
  readonly kind: FaultKind;
  /** What it hits, see `FaultTarget`; `*`: any. */
  readonly target: string;
  readonly trigger: Trigger;
  /** How often it may fire. Default 1; null: for ever. */
  readonly times?: number | null;
  /** How long its effect lasts after a firing, where the kind has an effect that lasts. */
  readonly forMs?: number;
  /** Sleeps until the fault at this index of the plan has fired. */
  readonly after?: number;
  /** Parameters of the kind; what is absent has its default. */
  readonly parameters?: Readonly<Record<string, number>>;
}

export const NO_FAULTS: Plan = { version: PLAN_VERSION, faults: [] };
