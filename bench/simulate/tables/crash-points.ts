// Crash points: every role dies at every step of the protocol, alone and followed by every other death.
//
// Owns:    the shapes that together reach every step, and the pieces of both tables.
// Not:     the crashes (src/chaos/every-step.ts), adding up and printing (crash-report.ts).
//
// C1. A cell counts when some shape has crashed there; no cell is left out because a shape cannot reach it.

import { nodeRuntime } from '../../../src/base/node-runtime.js';
import { everyStep } from '../../../src/chaos/every-step.js';
import { JOB_ROLES } from '../../../src/chaos/scenario-options.js';
import { PROTOCOL_STEPS } from '../../../src/task/effect.js';
import { knownSubject, type OnRuns, type TableResult, type TableTask, tableFailure } from './table-task.js';

/** Of actors, and the process and its machine. */
export const CRASH_ROLES: readonly string[] = [...JOB_ROLES, 'process', 'power'];
export const CRASH_CELLS: number = CRASH_ROLES.length * PROTOCOL_STEPS.length;
/** Chained and not, and two operators side by side, one of them with windows. */
export const CRASH_SHAPES: readonly string[] = ['count', 'unchained', 'diamond'];
/** Pieces of the table of one shape: workers are then done at about the same time. */
const ROLES_OF_PIECE = 4;
/** Every role is an actor of its own there, so that a pair is two deaths of two actors. */
export const PAIR_SHAPE = 'unchained';
const PAIR_SHARES = 8;

type CrashTask = Extract<TableTask, { kind: 'crashes' }>;
type PairTask = Extract<TableTask, { kind: 'pairs' }>;

export function crashTasks(shapes: readonly string[] = CRASH_SHAPES): readonly CrashTask[] {
  const pieces = Math.ceil(CRASH_ROLES.length / ROLES_OF_PIECE);
  return shapes.flatMap((job) =>
    Array.from({ length: pieces }, (_, piece) => ({
      kind: 'crashes' as const,
      job,
      roles: CRASH_ROLES.slice(piece * ROLES_OF_PIECE, (piece + 1) * ROLES_OF_PIECE),
    })),
  );
}

/** `limit` null: all of them. */
export function pairTasks(limit: number | null): readonly PairTask[] {
  const all = CRASH_CELLS ** 2;
  return Array.from({ length: PAIR_SHARES }, (_, share) => ({
    kind: 'pairs',
    job: PAIR_SHAPE,
    roles: CRASH_ROLES,
    share,
    shares: PAIR_SHARES,
    limit: Math.min(limit ?? all, all),
  }));
}

export async function runCrashes(task: CrashTask, onRuns: OnRuns): Promise<TableResult> {
  const options = { kill: task.roles, onProgress: ({ runs }: { readonly runs: number }) => onRuns(runs) };
  const { cells, runs, failures } = await everyStep(knownSubject(task.job), options, nodeRuntime());
  return {
    kind: 'crashes',
    cells: cells.map(({ role, step, crashes }) => ({ role, step, crashes })),
    runs,
    failures: failures.map(tableFailure),
  };
}

export async function runPairs(task: PairTask, onRuns: OnRuns): Promise<TableResult> {
  const { share, shares, limit, roles, job } = task;
  const all = (roles.length * PROTOCOL_STEPS.length) ** 2;
  const missed: string[] = [];
  const report = await everyStep(
    knownSubject(job),
    {
      kill: roles,
      singles: false,
      pairs: true,
      takesPair: (place) => {
        const ordinal = Math.floor((place * limit) / all);
        // The first place of each of `limit` stretches of the table.
        return ordinal % shares === share && place === Math.ceil((ordinal * all) / limit);
      },
      onPair: (pair) => {
        if (pair.missed === 'none') return;
        missed.push(`${pair.first} > ${pair.second}: the ${pair.missed} did not happen`);
      },
      onProgress: ({ runs }) => onRuns(runs),
    },
    nodeRuntime(),
  );
  const { planned = 0, run = 0, crashed = 0 } = report.pairs ?? {};
  return { kind: 'pairs', planned, run, crashed, missed, failures: report.failures.map(tableFailure) };
}
