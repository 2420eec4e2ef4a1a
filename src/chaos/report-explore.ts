// What many runs amount to: as plain JSON, and as a table made from that JSON.
//
// Owns:    the JSON of an exploration, which programs read and which processes hand to each other, and its table.
// Not:     exploring (explore.ts), single failures (failure-report.ts).
//
// J1. Programs rely on the names here: only add to them.
// J2. The sum of several reports is a report: explorations that share their seeds among processes print one table.

import type { Knobs, PropertyCount, RunCounts, Violation } from './execution.js';
import type { ExploreReport, Failure, ShrinkSummary } from './exploration.js';
import { failureText } from './failure-report.js';
import type { Plan } from './plan.js';
import { numberOf, showCount, showMs } from './report-words.js';
import { unreachedProperties } from './vacuity.js';

export interface FailureJson {
  readonly subject: string;
  readonly violation: Violation;
  readonly seed: number;
  readonly foundWithSeed: number;
  readonly plan: Plan;
  readonly knobs: Knobs;
  readonly shrink: ShrinkSummary | null;
  readonly unstable: boolean;
  readonly token: string;
  readonly replay: string;
  /** For people. */
  readonly text: string;
}

export interface ExploreJson {
  readonly subject: string;
  readonly seeds: number;
  readonly elapsedMs: number;
  readonly seedsPerMinute: number;
  readonly faultsFired: Readonly<Record<string, number>>;
  readonly counts: RunCounts;
  readonly stepsReached: Readonly<Record<string, number>>;
  readonly stepsCrashed: Readonly<Record<string, number>>;
  readonly properties: Readonly<Record<string, PropertyCount>>;
  readonly vacuous: readonly string[];
  readonly doubleRuns: number;
  readonly failures: readonly FailureJson[];
}

const UNCOVERED_SHOWN_MAX = 8;

export function exploreJson(
  report: ExploreReport,
  how: { readonly replayCommand: (failure: Failure) => string },
): ExploreJson {
  return {
    subject: report.subject,
    seeds: report.seeds,
    elapsedMs: report.elapsedMs,
    seedsPerMinute: report.seedsPerMinute,
    faultsFired: Object.fromEntries(report.faultsFired),
    counts: report.counts,
    stepsReached: Object.fromEntries(report.stepsReached),
    stepsCrashed: Object.fromEntries(report.stepsCrashed),
    properties: Object.fromEntries(report.properties),
    vacuous: report.vacuous,
    doubleRuns: report.doubleRuns,
    failures: report.failures.map((failure) => failureJson(failure, how.replayCommand(failure))),
  };
}

export function failureJson(failure: Failure, replayCommand: string): FailureJson {
  const { minimal, found } = failure;
  return {
    subject: failure.subject,
    violation: failure.violation,
    seed: minimal.seed,
    foundWithSeed: found.seed,
    plan: minimal.plan,
    knobs: minimal.knobs,
    shrink: failure.shrink,
    unstable: failure.unstable,
    token: failure.token,
    replay: replayCommand,
    text: failureText(failure, { replayCommand }),
  };
}

/** The sum of explorations of one subject that ran at the same time. At least one. */
export function sumOf(parts: readonly [ExploreJson, ...ExploreJson[]]): ExploreJson {
  const [first] = parts;
  const elapsedMs = Math.max(...parts.map((part) => part.elapsedMs));
  const seeds = total(parts.map((part) => part.seeds));
  const properties = addedProperties(parts.map((part) => part.properties));
  const failures = distinct(parts.flatMap((part) => part.failures)).filter(
    ({ violation }) => !isRefuted(violation, properties),
  );
  return {
    subject: first.subject,
    seeds,
    elapsedMs,
    seedsPerMinute: total(parts.map((part) => part.seedsPerMinute)),
    faultsFired: added(parts.map((part) => part.faultsFired)),
    counts: {
      steps: total(parts.map(({ counts }) => counts.steps)),
      virtualMs: total(parts.map(({ counts }) => counts.virtualMs)),
      checkpoints: total(parts.map(({ counts }) => counts.checkpoints)),
      restores: total(parts.map(({ counts }) => counts.restores)),
      attempts: total(parts.map(({ counts }) => counts.attempts)),
      checked: total(parts.map(({ counts }) => counts.checked)),
    },
    stepsReached: added(parts.map((part) => part.stepsReached)),
    stepsCrashed: added(parts.map((part) => part.stepsCrashed)),
    properties,
    vacuous: [...inAll(parts.map((part) => part.vacuous)), ...unjudged(properties, seeds, failures)],
    doubleRuns: total(parts.map((part) => part.doubleRuns)),
    failures,
  };
}

/** A table for a terminal, without the failures. */
export function exploreText(report: ExploreJson): string {
  const { counts } = report;
  const kinds = Object.entries(report.faultsFired).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const fired = total(kinds.map(([, times]) => times));
  const rows: readonly (readonly [string, string])[] = [
    ['seeds', `${showCount(report.seeds)}, ${showCount(report.doubleRuns)} of them run twice`],
    ['seeds/min', `${showCount(report.seedsPerMinute)}, ${showMs(Math.round(report.elapsedMs))} in all`],
    ['steps', `${showCount(counts.steps)} in ${showMs(Math.round(counts.virtualMs))} of virtual time`],
    ['faults fired', `${showCount(fired)} of ${numberOf(kinds.length, 'kind')}`],
    ['checkpoints', showCount(counts.checkpoints)],
    ['restores', `${showCount(counts.restores)}, ${numberOf(counts.attempts, 'attempt')}`],
    ['checked', showCount(counts.checked)],
    ...crashPoints(report),
    ['violations', showCount(report.failures.length)],
  ];
  return [
    report.subject,
    ...table(rows),
    ...titled('Faults fired', table(kinds.map(([kind, times]) => [kind, showCount(times)]))),
    ...titled('Properties', table(propertyRows(report.properties))),
    ...titled(
      'Proves less than it seems',
      report.vacuous.map((why) => `  ${why}`),
    ),
  ].join('\n');
}

function crashPoints(report: ExploreJson): [string, string][] {
  const reached = Object.keys(report.stepsReached);
  if (reached.length === 0) return [];
  const missed = reached.filter((step) => !Object.hasOwn(report.stepsCrashed, step)).sort();
  const shown = missed.slice(0, UNCOVERED_SHOWN_MAX).join(', ');
  const rest = missed.length > UNCOVERED_SHOWN_MAX ? `, and ${missed.length - UNCOVERED_SHOWN_MAX} more` : '';
  const not = missed.length === 0 ? '' : `; no crash yet at ${shown}${rest}`;
  return [['crash points', `${reached.length - missed.length} of ${reached.length}${not}`]];
}

function propertyRows(properties: ExploreJson['properties']): [string, string][] {
  return Object.entries(properties).map(([name, { kind, held, failed }]) => [
    `${kind} ${name}`,
    `held ${showCount(held)}, not ${showCount(failed)}`,
  ]);
}

function titled(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', title, ...lines];
}

function table(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function added(parts: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const sums = new Map<string, number>();
  for (const part of parts) {
    for (const [name, count] of Object.entries(part)) sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return Object.fromEntries(sums);
}

function addedProperties(parts: readonly ExploreJson['properties'][]): ExploreJson['properties'] {
  const sums = new Map<string, PropertyCount>();
  for (const part of parts) {
    for (const [name, { kind, held, failed }] of Object.entries(part)) {
      const sum = sums.get(name) ?? { kind, held: 0, failed: 0 };
      sums.set(name, { kind: sum.kind, held: sum.held + held, failed: sum.failed + failed });
    }
  }
  return Object.fromEntries(sums);
}

// What one share of the seeds has not seen, another may have seen.
function inAll(parts: readonly (readonly string[])[]): readonly string[] {
  const [first = [], ...rest] = parts;
  return first.filter((reason) => rest.every((part) => part.includes(reason)));
}

// "Never held in these seeds", says one share; another has seen it.
function isRefuted(violation: Violation, properties: ExploreJson['properties']): boolean {
  const count = properties[violation.check];
  if (count === undefined) return false;
  return count.kind === 'always' ? count.held + count.failed > 0 : count.held > 0;
}

// Shares that are too small to judge a property leave it to the sum of them.
function unjudged(
  properties: ExploreJson['properties'],
  seeds: number,
  failures: readonly FailureJson[],
): readonly string[] {
  return unreachedProperties(new Map(Object.entries(properties)), seeds)
    .filter(({ check }) => failures.every(({ violation }) => violation.check !== check))
    .map(({ message }) => message);
}

// Every process runs the corpus first, and finds the same there.
function distinct(failures: readonly FailureJson[]): readonly FailureJson[] {
  const byToken = new Map(failures.map((failure) => [failure.token, failure]));
  return [...byToken.values()];
}
