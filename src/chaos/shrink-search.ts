// The search for a smaller failing run: the best so far, what was tried, what is left of the budget.
//
// Owns:    accepting a candidate, remembering candidates, the budget; making a list minimal (ddmin).
// Not:     which candidates there are (shrink.ts and the levels beside it).
//
// S1. A candidate is accepted only when it violates the very check that failed first.
// S2. No candidate runs twice.
// S3. After the budget no candidate runs any more; every level then ends by itself.

import type { Runtime } from '../base/runtime.js';
import type { Outcome, RunSpec, Subject } from './execution.js';

/** Enough for two passes over six faults; a run of an engine takes about 10 ms. */
const SHRINK_RUNS_MAX = 200;
const SHRINK_MS = 10_000;
export interface ShrinkBudget {
  readonly runs: number;
  /** Real milliseconds. */
  readonly ms: number;
}

export const SHRINK_BUDGET: ShrinkBudget = { runs: SHRINK_RUNS_MAX, ms: SHRINK_MS };

export class ShrinkSearch {
  best: RunSpec;
  /** Of `best`; null until something was run. */
  outcome: Outcome | null = null;
  runs = 0;
  /** True when a candidate could not be tried any more: what is found may not be minimal. */
  exhausted = false;
  private readonly subject: Subject;
  private readonly check: string;
  private readonly runtime: Runtime;
  private readonly budget: ShrinkBudget;
  private readonly startedMs: number;
  /** What was tried, by its text: its outcome where it failed as it should, else null. */
  private readonly tried = new Map<string, Outcome | null>();

  constructor(subject: Subject, failing: RunSpec, check: string, runtime: Runtime, budget: ShrinkBudget) {
    this.subject = subject;
    this.best = { ...failing, trace: false };
    this.check = check;
    this.runtime = runtime;
    this.budget = budget;
    this.startedMs = runtime.clock.monotonicMs();
  }

  get elapsedMs(): number {
    return this.runtime.clock.monotonicMs() - this.startedMs;
  }

  /** True, and from now on the best: the candidate violates the same check. */
  async accept(candidate: RunSpec): Promise<boolean> {
    const key = JSON.stringify([candidate.plan, candidate.knobs, candidate.choices]);
    const known = this.tried.get(key);
    if (known !== undefined) return this.decide(candidate, known);
    if (this.runs >= this.budget.runs || this.elapsedMs >= this.budget.ms) {
      this.exhausted = true;
      return false;
    }
    this.runs += 1;
    const outcome = await this.subject.execute(candidate);
    const failed = violates(outcome, this.check) ? outcome : null;
    this.tried.set(key, failed);
    return this.decide(candidate, failed);
  }

  private decide(candidate: RunSpec, failed: Outcome | null): boolean {
    if (failed === null) return false;
    this.best = candidate;
    this.outcome = failed;
    return true;
  }
}

export function violates(outcome: Outcome, check: string): boolean {
  return outcome.violations.some((violation) => violation.check === check);
}

/**
 * The smallest part of `items` that still passes `keeps`, in their order: from the result no single item can be left out.
 * `keeps` is never asked about all items, which are known to pass.
 */
export async function ddmin<T>(
  items: readonly T[],
  keeps: (part: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  if (items.length === 0 || (await keeps([]))) return [];
  let kept = items;
  let size = Math.ceil(kept.length / 2);
  while (kept.length > 1) {
    const before = kept.length;
    kept = await withoutChunks(kept, size, keeps);
    if (kept.length === before && size === 1) break;
    size = Math.max(1, Math.min(Math.ceil(kept.length / 2), Math.floor(size / 2)));
  }
  return kept;
}

/** One pass: leaves out each chunk in turn where that still passes. */
async function withoutChunks<T>(
  items: readonly T[],
  size: number,
  keeps: (part: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let kept = items;
  for (let from = 0; from < kept.length; ) {
    const part = [...kept.slice(0, from), ...kept.slice(from + size)];
    if (part.length > 0 && (await keeps(part))) kept = part;
    else from += size;
  }
  return kept;
}

/** Smallest whole value in [least, from] that is accepted, supposing that larger ones are too; tries `least` first. */
export async function lowest(
  from: number,
  least: number,
  accepts: (value: number) => Promise<boolean>,
): Promise<number> {
  if (from === least || (await accepts(least))) return least;
  // Towards the least from either side: a clock may have jumped back.
  let refused = least;
  let accepted = from;
  while (Math.abs(accepted - refused) > 1) {
    const middle = Math.trunc((accepted + refused) / 2);
    if (await accepts(middle)) accepted = middle;
    else refused = middle;
  }
  return accepted;
}
