// Disturbed calls to the operating system: strace makes a sync of the store's file fail, on Linux, where it is installed.
//
// Owns:    which faults are done so, the command line, and reading in its log whether it has struck.
// Not:     starting the process (real-process.ts).
//
// T1. Only the file of the checkpoint store is hit: the files of the output have another path.
// T2. strace counts per thread: a store is opened by the main thread, with about four syncs, and written by the one thread that the
//     pool then has. So small numbers hit the opening, larger ones the n-th sync of a write.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultKind } from './fault-kinds.js';
import type { PlannedFault } from './plan.js';

interface DisturbedCall {
  readonly call: 'fdatasync' | 'pwrite64';
  readonly error: 'EIO' | 'ENOSPC';
}

const CALLS: ReadonlyMap<FaultKind, DisturbedCall> = new Map<FaultKind, DisturbedCall>([
  ['store.rejectVisible', { call: 'fdatasync', error: 'EIO' }],
  ['store.reject', { call: 'pwrite64', error: 'EIO' }],
]);
const PROBE_MS_MAX = 10_000;

/** Null: this fault is not done so. */
export function disturbedCall({ kind }: PlannedFault): DisturbedCall | null {
  return CALLS.get(kind) ?? null;
}

/** Why strace cannot carry the fault out; null: it can. */
export function straceProblem({ target, trigger, after, times = 1 }: PlannedFault): string | null {
  if (process.platform !== 'linux') return `strace is there on Linux only, and this is ${process.platform}`;
  if (target !== 'checkpoints' && target !== '*')
    return `strace disturbs the checkpoints only, not ${target}`;
  if (trigger.kind !== 'nth' || after !== undefined || times !== 1) {
    return 'strace counts calls, so it can fail the n-th one, once';
  }
  return straceThere() ? null : 'strace is not installed, or may not trace here';
}

/** The words before those of the process. `log`: where it notes what it has done. */
export function straceCommand(faults: readonly PlannedFault[], directory: string): readonly string[] {
  const injections = faults.flatMap((fault) => {
    const disturbed = disturbedCall(fault);
    if (disturbed === null || fault.trigger.kind !== 'nth') return [];
    return ['-e', `inject=${disturbed.call}:error=${disturbed.error}:when=${fault.trigger.n}`];
  });
  const calls = [...new Set(faults.map((fault) => disturbedCall(fault)?.call ?? ''))].join(',');
  const file = join(directory, 'checkpoints', 'data.mdb');
  return [
    'strace',
    '-f',
    '-qq',
    '-o',
    straceLog(directory),
    '-P',
    file,
    '-e',
    `trace=${calls}`,
    ...injections,
  ];
}

/** Which of the faults have struck, by the log: of those that disturb one call, the earlier ones first. */
export function struck(faults: readonly PlannedFault[], directory: string): ReadonlySet<PlannedFault> {
  const log = straceLog(directory);
  const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
  const found = new Set<PlannedFault>();
  for (const { call } of CALLS.values()) {
    const ofCall = faults.filter((fault) => disturbedCall(fault)?.call === call);
    const strikes = lines.filter((line) => line.includes(`${call}(`) && line.includes('INJECTED')).length;
    for (const fault of ofCall.sort((a, b) => nth(a) - nth(b)).slice(0, strikes)) found.add(fault);
  }
  return found;
}

function nth({ trigger }: PlannedFault): number {
  return trigger.kind === 'nth' ? trigger.n : 0;
}

function straceLog(directory: string): string {
  return join(directory, 'strace.log');
}

let known: boolean | null = null;

/** Containers often have the program and forbid what it does. */
function straceThere(): boolean {
  if (known !== null) return known;
  try {
    execFileSync('strace', ['-f', '-qq', '-o', '/dev/null', '-e', 'inject=fdatasync:error=EIO', 'true'], {
      stdio: 'ignore',
      timeout: PROBE_MS_MAX,
    });
    known = true;
  } catch {
    // Not there, not allowed, or too old: which of them makes no difference to the plan.
    known = false;
  }
  return known;
}
