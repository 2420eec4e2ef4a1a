// The tables of `npm run simulate`: which one is asked for, how it is made and shown.
//
// Owns:    the way from options to an exit code.
// Not:     the command line (simulate.ts), the pieces (perform-task.ts).

import { unreachable } from '../../../src/base/assert.js';
import { ConfigError } from '../../../src/base/errors.js';
import { nodeRuntime } from '../../../src/base/node-runtime.js';
import { progressLine } from '../../proof/progress-line.js';
import { crashTasks, pairTasks } from './crash-points.js';
import { operationTasks } from './operations.js';
import { replayTasks } from './replays.js';
import {
  crashReport,
  hashLines,
  operationReport,
  pairReport,
  replayReport,
  type TableReport,
} from './table-report.js';
import type { TableResult, TableTask } from './table-task.js';
import { shareOut } from './table-workers.js';

export type TableAsked =
  | { readonly kind: 'crashPoints'; readonly pairs: boolean; readonly limit: number | null }
  | { readonly kind: 'operations'; readonly limit: number | null }
  | { readonly kind: 'replays'; readonly seeds: number; readonly firstSeed: number }
  | { readonly kind: 'hashes'; readonly seeds: number; readonly firstSeed: number };

export interface TableOptions {
  readonly 'crash-points'?: boolean;
  readonly pairs?: boolean;
  readonly operations?: boolean;
  readonly replays?: string;
  readonly hashes?: string;
  readonly limit?: string;
  readonly first?: string;
}

/** Null: no table is asked for. Throws ConfigError for what is no number. */
export function tableAsked(options: TableOptions): TableAsked | null {
  const limit = options.limit === undefined ? null : wholeNumber('limit', options.limit);
  const firstSeed = wholeNumber('first', options.first ?? '1');
  if (options['crash-points'] || options.pairs)
    return { kind: 'crashPoints', pairs: options.pairs ?? false, limit };
  if (options.operations) return { kind: 'operations', limit };
  if (options.replays !== undefined)
    return { kind: 'replays', seeds: wholeNumber('replays', options.replays), firstSeed };
  if (options.hashes === undefined) return null;
  return { kind: 'hashes', seeds: wholeNumber('hashes', options.hashes), firstSeed };
}

/** Prints the table, as text or as one JSON object. 0: it is complete and nothing was violated. */
export async function runTable(
  asked: TableAsked,
  how: { readonly workers: number; readonly json: boolean },
): Promise<number> {
  const runtime = nodeRuntime();
  const startedMs = runtime.clock.monotonicMs();
  const line = progressLine(process.stderr);
  const results = await shareOut(tasksOf(asked), how.workers, ({ done, pieces, runs }) =>
    line.show(`${asked.kind}: ${runs} runs, ${done} of ${pieces} pieces`),
  );
  line.clear();
  const elapsedMs = runtime.clock.monotonicMs() - startedMs;
  if (asked.kind === 'hashes') return showHashes(results, how.json);
  const reports = reportsOf(asked, results);
  const failures = reports.flatMap((report) => report.failures);
  if (how.json) {
    const tables = Object.fromEntries(reports.map(({ table, good, sums }) => [table, { good, ...sums }]));
    console.log(JSON.stringify({ elapsedMs, node: process.version, failures, tables }));
  } else {
    for (const text of reports.flatMap(({ lines }) => lines)) console.log(text);
    console.log(`${(elapsedMs / 1_000).toFixed(0)} s on ${how.workers} processes, Node ${process.version}`);
  }
  return reports.every(({ good }) => good) ? 0 : 1;
}

function tasksOf(asked: TableAsked): readonly TableTask[] {
  switch (asked.kind) {
    case 'crashPoints':
      return [...crashTasks(), ...(asked.pairs ? pairTasks(asked.limit) : [])];
    case 'operations':
      return operationTasks(asked.limit);
    case 'replays':
      return replayTasks(asked.seeds, asked.firstSeed, true);
    case 'hashes':
      return replayTasks(asked.seeds, asked.firstSeed, false);
    default:
      return unreachable(asked);
  }
}

function reportsOf(asked: TableAsked, results: readonly TableResult[]): readonly TableReport[] {
  switch (asked.kind) {
    case 'crashPoints':
      return [
        crashReport(only(results, 'crashes')),
        ...(asked.pairs ? [pairReport(only(results, 'pairs'))] : []),
      ];
    case 'operations':
      return [operationReport(only(results, 'operations'))];
    case 'replays':
    case 'hashes':
      return [replayReport(only(results, 'replays'))];
    default:
      return unreachable(asked);
  }
}

function showHashes(results: readonly TableResult[], json: boolean): number {
  const lines = hashLines(only(results, 'replays'));
  if (json) console.log(JSON.stringify({ node: process.version, hashes: lines }));
  else for (const text of lines) console.log(text);
  return 0;
}

function only<K extends TableResult['kind']>(
  results: readonly TableResult[],
  kind: K,
): readonly Extract<TableResult, { kind: K }>[] {
  return results.filter((result): result is Extract<TableResult, { kind: K }> => result.kind === kind);
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new ConfigError(`--${name} takes a whole number above 0, got ${text}.`);
}
