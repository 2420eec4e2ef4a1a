// How a run ended, and whether its plan allows that.
//
// Owns:    the four ends, which every check needs before it calls a missing result lost.
//
// A1. A fault of class `stop`, or one of class `degrade` that never ends, allows a job to fail, loudly. Nothing allows it to stand still.

import { messageOf } from '../base/errors.js';
import { FAULT_KINDS } from './fault-kinds.js';
import type { Plan } from './plan.js';
import type { FinishedRun } from './scenario-options.js';

export type RunEnd =
  | { readonly kind: 'finished' }
  /** It failed with an error, which its plan allows. */
  | { readonly kind: 'failedAsAllowed'; readonly error: string }
  | { readonly kind: 'failed'; readonly error: string }
  /** Neither finished nor failed. */
  | { readonly kind: 'stoodStill' };

export function endOf(run: FinishedRun<unknown>): RunEnd {
  if (run.finished) return { kind: 'finished' };
  if (run.error === null || run.error === undefined) return { kind: 'stoodStill' };
  const error = messageOf(run.error);
  return mayFailLoudly(run.plan) ? { kind: 'failedAsAllowed', error } : { kind: 'failed', error };
}

/** Results may be missing at this end; at every other one they are lost. */
export function mayLackResults(end: RunEnd): boolean {
  return end.kind === 'failedAsAllowed';
}

function mayFailLoudly(plan: Plan): boolean {
  return plan.faults.some((fault) => {
    const kind = FAULT_KINDS.get(fault.kind)?.class;
    return kind === 'stop' || (kind === 'degrade' && fault.times === null);
  });
}
