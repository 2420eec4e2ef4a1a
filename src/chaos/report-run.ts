// One run as text and as JSON.
//
// Owns:    what is said of a single run, good or bad.
// Not:     the report of a failure (failure-report.ts), sums over runs (report-explore.ts).

import type { Outcome, RunCounts, TraceEvent, Violation } from './execution.js';
import { failureText } from './failure-report.js';
import { type FailureJson, failureJson } from './report-explore.js';
import { numberOf, showMs } from './report-words.js';
import type { RunOnceResult } from './runnable.js';

export interface RunJson {
  readonly subject: string;
  readonly violations: readonly Violation[];
  readonly failure: FailureJson | null;
  readonly fired: Outcome['fired'];
  readonly unfired: Outcome['unfired'];
  readonly counts: RunCounts;
  readonly stepsReached: Readonly<Record<string, number>>;
  readonly hash: string;
  readonly notes: readonly string[];
}

/** True when a check of the run was violated. */
export function isViolated(result: RunOnceResult): boolean {
  return result.failure !== null || result.outcome.violations.length > 0;
}

export function runText(subject: string, result: RunOnceResult, replayCommand: string): string {
  const { outcome, failure, notes } = result;
  const text = failure === null ? plainText(subject, outcome) : failureText(failure, { replayCommand });
  return [text, ...notes.map((note) => `note: ${note}`)].join('\n');
}

export function runJson(subject: string, result: RunOnceResult, replayCommand: string): RunJson {
  const { outcome, failure, notes } = result;
  return {
    subject,
    violations: outcome.violations,
    failure: failure === null ? null : failureJson(failure, replayCommand),
    fired: outcome.fired,
    unfired: outcome.unfired,
    counts: outcome.counts,
    stepsReached: Object.fromEntries(outcome.stepsReached),
    hash: outcome.hash,
    notes,
  };
}

/** Every event of a run, for a file. */
export function traceJson(subject: string, token: string, outcome: Outcome): object {
  const events: readonly TraceEvent[] = outcome.trace?.events ?? [];
  const { violations, fired, counts, hash } = outcome;
  return { subject, token, hash, violations, fired, counts, tree: outcome.trace?.tree ?? null, events };
}

function plainText(subject: string, outcome: Outcome): string {
  const { counts, fired, unfired, violations } = outcome;
  return [
    violations.length === 0 ? `${subject}: every check held` : `${subject}: violated`,
    ...violations.map((violation) => `  ${violation.check}: ${violation.message}`),
    `  ${numberOf(counts.checked, 'result')} checked, ${numberOf(counts.steps, 'step')}, ${showMs(counts.virtualMs)} of virtual time, ${numberOf(counts.checkpoints, 'checkpoint')}, ${numberOf(counts.restores, 'restore')}`,
    ...fired.map(({ fault, kind, atMs, hit }) => `  ${showMs(atMs)}: fault ${fault}, ${kind}, hit ${hit}`),
    ...unfired.map(({ fault, nearest }) => `  fault ${fault} never fired; nearest: ${nearest}`),
  ].join('\n');
}
