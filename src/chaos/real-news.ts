// What a host (the thread or process that runs the job) and its supervisor tell each other.
//
// Owns:    the task of one life, the news of a host, the state of faults that outlives a host.
// Not:     carrying them (real-thread.ts, real-process.ts), acting on them (real-host.ts, real-supervisor.ts).
//
// N1. Everything is plain JSON: the same news go through a message port and through a pipe.
// N2. A host tells what it is about to do to itself before it does it, synchronously: nothing of that is lost with it.

import type { ArmedFault, Arsenal } from './arsenal.js';
import type { FiredFault, Knobs, PropertyCount, UnfiredFault, Violation } from './execution.js';
import type { Plan } from './plan.js';

export type RealMode = 'threads' | 'processes';

/** One life: run the job on these directories, from its last checkpoint, under what is left of the plan. */
export interface HostTask {
  /** URL of the module that exports the scenario. */
  readonly module: string;
  readonly scenario: string;
  readonly mode: RealMode;
  readonly seed: number;
  readonly knobs: Knobs;
  /** What the mode can carry out. */
  readonly plan: Plan;
  readonly directory: string;
  /** From 1. */
  readonly life: number;
  /** Milliseconds from the start of the run to the start of this life. */
  readonly beforeMs: number;
  /** How far the faults had come when the life before ended; null in the first. */
  readonly faults: readonly FaultState[] | null;
  /** No fault fires any more. */
  readonly healed: boolean;
  /** What the lives before have made durable; null: nothing. */
  readonly durable: DurableCheckpoint | null;
  /** Results that the lives before have committed. */
  readonly committed: number;
}

export interface DurableCheckpoint {
  readonly checkpoint: number;
  readonly attempt: number;
}

/** How far a fault has come. Null times: never. */
export interface FaultState {
  readonly hits: number;
  readonly firings: number;
  readonly stepsSeen: number;
  readonly due: boolean;
  readonly recovering: boolean;
  readonly firedAtMs: number | null;
  readonly lastsUntilMs: number | null;
}

/** What a host has seen so far in its life. */
export interface HostLedger {
  readonly faults: readonly FaultState[];
  readonly unfired: readonly UnfiredFault[];
  readonly checkpoints: number;
  readonly restores: number;
  readonly attempt: number;
  readonly durable: DurableCheckpoint | null;
  readonly stepsReached: readonly (readonly [string, number])[];
  readonly stepsCrashed: readonly (readonly [string, number])[];
  readonly properties: readonly (readonly [string, PropertyCount])[];
  readonly violations: readonly Violation[];
}

/** Ways in which a host ends by a fault. */
export type PlannedDeath = 'kill' | 'abort' | 'uncaught' | 'exit' | 'memory';

/** An error that has crossed a border. */
export interface ToldError {
  readonly name: string;
  /** Of a WeirError; null for others. */
  readonly code: string | null;
  readonly message: string;
}

export type HostNews =
  | { readonly kind: 'begun'; readonly pid: number }
  | { readonly kind: 'beat' }
  | { readonly kind: 'fired'; readonly fired: FiredFault }
  | { readonly kind: 'ledger'; readonly ledger: HostLedger }
  | { readonly kind: 'dying'; readonly how: PlannedDeath }
  /** It stops itself now, and wants to be continued. */
  | { readonly kind: 'pausing'; readonly ms: number }
  | { readonly kind: 'finished' }
  | { readonly kind: 'failed'; readonly error: ToldError }
  /** There is no such scenario: nothing can be run. */
  | { readonly kind: 'unusable'; readonly message: string };

export function stateOf(fault: ArmedFault): FaultState {
  const { hits, firings, stepsSeen, due, recovering, firedAtMs, lastsUntilMs } = fault;
  return {
    hits,
    firings,
    stepsSeen,
    due,
    recovering,
    firedAtMs: finite(firedAtMs),
    lastsUntilMs: finite(lastsUntilMs),
  };
}

/** The faults go on from where an earlier life has left them. Those of the input are part of it, and the same in each life. */
export function takeUp(arsenal: Arsenal, states: readonly FaultState[]): void {
  for (const [index, fault] of arsenal.faults.entries()) {
    const state = states[index];
    if (state === undefined || (fault.info.target === 'input' && fault.planned.kind.startsWith('record.')))
      continue;
    fault.hits = state.hits;
    fault.firings = state.firings;
    fault.stepsSeen = state.stepsSeen;
    fault.due = state.due;
    fault.recovering = state.recovering;
    fault.firedAtMs = state.firedAtMs ?? Number.NEGATIVE_INFINITY;
    fault.lastsUntilMs = state.lastsUntilMs ?? Number.NEGATIVE_INFINITY;
  }
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null;
}
