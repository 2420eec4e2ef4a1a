// What the tables have shown: sums for a machine, lines for a person, and whether it is good.
//
// Owns:    adding the pieces up, the verdict, the words.
// Not:     making them (perform-task.ts).
//
// R1. A table is good when it is complete: a cell without a crash fails it as a violation does.

import { PROTOCOL_STEPS } from '../../../src/task/effect.js';
import { CRASH_CELLS, CRASH_ROLES } from './crash-points.js';
import type { SeedRun, TableFailure, TableResult } from './table-task.js';

export interface TableReport {
  readonly table: 'crashPoints' | 'pairs' | 'operations' | 'replays';
  readonly good: boolean;
  /** For JSON. */
  readonly sums: Readonly<Record<string, unknown>>;
  readonly failures: readonly TableFailure[];
  readonly lines: readonly string[];
}

type Of<K extends TableResult['kind']> = Extract<TableResult, { kind: K }>;

const MISSED_SHOWN = 20;
const FAILURES_SHOWN = 10;

export function crashReport(results: readonly Of<'crashes'>[]): TableReport {
  const crashes = new Map<string, number>();
  for (const { cells } of results) {
    for (const { role, step, crashes: more } of cells) {
      crashes.set(`${role} ${step}`, (crashes.get(`${role} ${step}`) ?? 0) + more);
    }
  }
  const all = CRASH_ROLES.flatMap((role) => PROTOCOL_STEPS.map((step) => `${role} ${step}`));
  const missing = all.filter((cell) => (crashes.get(cell) ?? 0) === 0);
  const covered = all.length - missing.length;
  const runs = results.reduce((sum, each) => sum + each.runs, 0);
  const failures = results.flatMap((each) => each.failures);
  const rows = PROTOCOL_STEPS.map((step) =>
    row(
      step,
      CRASH_ROLES.map((role) => String(crashes.get(`${role} ${step}`) ?? 0)),
    ),
  );
  return {
    table: 'crashPoints',
    good: missing.length === 0 && failures.length === 0,
    sums: { cells: CRASH_CELLS, covered, missing, runs, crashes: Object.fromEntries(crashes) },
    failures,
    lines: [
      row('crashes of', CRASH_ROLES),
      ...rows,
      `crash points: ${covered} of ${CRASH_CELLS} (role x step), ${percent(covered, CRASH_CELLS)}, in ${runs} runs`,
      ...(missing.length === 0 ? [] : [`  never: ${missing.join(', ')}`]),
      ...failureLines(failures),
    ],
  };
}

export function pairReport(results: readonly Of<'pairs'>[]): TableReport {
  const planned = results[0]?.planned ?? 0;
  const run = results.reduce((sum, each) => sum + each.run, 0);
  const crashed = results.reduce((sum, each) => sum + each.crashed, 0);
  const missed = results.flatMap((each) => each.missed);
  const failures = results.flatMap((each) => each.failures);
  return {
    table: 'pairs',
    good: failures.length === 0 && run > 0,
    sums: { planned, run, crashed, missed },
    failures,
    lines: [
      `ordered pairs of crash points: ${run} of ${planned} run, in ${crashed} both crashes happened (${percent(crashed, run)})`,
      ...missed.slice(0, MISSED_SHOWN).map((text) => `  ${text}`),
      ...(missed.length > MISSED_SHOWN ? [`  and ${missed.length - MISSED_SHOWN} more`] : []),
      ...failureLines(failures),
    ],
  };
}

export function operationReport(results: readonly Of<'operations'>[]): TableReport {
  const failures = results.flatMap((each) => each.failures);
  const operations = results.reduce((sum, each) => sum + each.operations, 0);
  const violated = results.reduce((sum, each) => sum + each.violated, 0);
  const notExercised = [...new Set(results.flatMap((each) => each.notExercised))];
  const rows = results.map((each) =>
    row(`${each.port} of ${each.job}`, [
      each.error,
      each.mode === 'once' ? 'once' : 'for ever',
      String(each.operations),
      String(each.violated),
      each.complete ? '' : 'not all',
    ]),
  );
  return {
    table: 'operations',
    good: failures.length === 0 && operations > 0,
    sums: {
      operations,
      violated,
      loops: results.map(({ failures: _failures, kind: _kind, ...sums }) => sums),
      notExercised,
    },
    failures,
    lines: [
      row('every operation of', ['meets', 'mode', 'operations', 'violated', '']),
      ...rows,
      `operations: ${operations} met a fault, ${violated} runs hang or are wrong`,
      ...notExercised.map((text) => `  not exercised: ${text}`),
      ...failureLines(failures),
    ],
  };
}

export function replayReport(results: readonly Of<'replays'>[]): TableReport {
  const runs = results.flatMap((each) => each.runs);
  const different = runs.filter(({ same }) => !same);
  const violating = runs.filter(({ violations }) => violations.length > 0);
  return {
    table: 'replays',
    good: different.length === 0 && runs.length > 0,
    sums: { runs: runs.length, identical: runs.length - different.length, different, violating },
    failures: [],
    lines: [
      `double runs: ${runs.length - different.length} of ${runs.length} identical, in hash and violations`,
      ...different.map(({ shape, seed }) => `  DIFFERENT ${shape} seed ${seed}`),
      ...violating.map(
        ({ shape, seed, violations }) =>
          `  violating, the same way twice: ${shape} seed ${seed}: ${violations[0]}`,
      ),
    ],
  };
}

export function hashLines(results: readonly Of<'replays'>[]): readonly string[] {
  return results.flatMap(({ runs }) =>
    runs.map(({ shape, seed, hash }: SeedRun) => `${shape} ${seed} ${hash}`),
  );
}

function failureLines(failures: readonly TableFailure[]): string[] {
  return failures
    .slice(0, FAILURES_SHOWN)
    .flatMap(({ job, seed, check, message, faults, token }) => [
      `  FAILED ${job} seed ${seed}: ${check}: ${message}`,
      `    ${JSON.stringify(faults)}`,
      `    npm run simulate -- --replay ${token}`,
    ]);
}

const NAME_CHARS = 22;
const CELL_CHARS = 12;

function row(name: string, cells: readonly string[]): string {
  return `${name.padEnd(NAME_CHARS)}${cells.map((cell) => cell.padStart(CELL_CHARS)).join('')}`.trimEnd();
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '0 %' : `${((100 * part) / whole).toFixed(part === whole ? 0 : 2)} %`;
}
