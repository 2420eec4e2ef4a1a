// Faults of store and disk while a job runs, in virtual time: commits that hang, fail, lie; full disks; failing syncs.
//
// Owns:    the faults and what must come of each.
// Not:     the virtual store and disk (src/testing), judging (store-fault-table.ts).
//
// V1. Every row proves that its fault was met: a hook that was never asked proves nothing.

import { join } from 'node:path';
import { run } from '../../actors/run.js';
import { messageOf } from '../../src/base/errors.js';
import type { FileFault, FileOperation, KeyValueFault } from '../../src/testing/virtual-faults.js';
import { type VirtualRuntime, virtualRuntime } from '../../src/testing/virtual-runtime.js';
import { countingJob } from './counting-job.js';
import { virtualShelf } from './crash-run.js';
import { type Expected, type Outcome, type Row, readOutcome } from './store-fault-table.js';

const TRUTH = { records: 900, keys: 11 };
const RECORDS_PER_SECOND = 1_500;
const INTERVAL_MS = 20;
const DIRECTORY = '/faults';
const CHECKPOINTS: string = join(DIRECTORY, 'checkpoints');
const OUTPUT: string = join(DIRECTORY, 'output');
const STORE_DEADLINE_MS = 300;
const RESTARTS = 40;
const RESTART_DELAY_MS = 20;
const MINUTES_MAX = 10;

interface VirtualFault {
  readonly name: string;
  readonly expected: Expected;
  /** After the refusal, a new process on the same machine, without the fault, has to finish exactly once. Default false. */
  readonly thenRestart?: boolean;
  /** Asked at the n-th commit, from 1. */
  commit?(n: number): KeyValueFault;
  /** Asked at the n-th operation of that kind, from 1. */
  file?(operation: FileOperation, n: number, path: string): FileFault;
}

const EXACT: Expected = { kind: 'exact' };
/** A write that never returns holds LMDB's own lock: this process cannot go on, and says so; the next one can. */
const STUCK: Expected = {
  kind: 'refused',
  names: [CHECKPOINTS, 'in use by this process', 'Stop that process'],
};
const AT = 12;

const FAULTS: readonly VirtualFault[] = [
  {
    name: 'a commit never settles',
    expected: STUCK,
    thenRestart: true,
    commit: (n) => (n === AT ? 'hang' : null),
  },
  {
    name: 'a commit never settles, but is durable',
    expected: STUCK,
    thenRestart: true,
    commit: (n) => (n === AT ? 'hangWritten' : null),
  },
  {
    name: 'the first commit of all never settles',
    expected: { kind: 'refused', names: [CHECKPOINTS] },
    thenRestart: true,
    commit: (n) => (n === 1 ? 'hang' : null),
  },
  {
    name: 'a commit settles after 250 of the 300 ms that it has',
    expected: EXACT,
    commit: (n) => (n % 10 === 0 ? { delayMs: 250 } : null),
  },
  { name: 'a commit fails with EIO', expected: EXACT, commit: (n) => (n === AT ? 'reject' : null) },
  {
    name: 'a commit fails with EIO, but can be read',
    expected: EXACT,
    commit: (n) => (n === AT ? 'rejectVisible' : null),
  },
  {
    name: 'a commit fails with EIO, but is durable',
    expected: EXACT,
    commit: (n) => (n === AT ? 'rejectWritten' : null),
  },
  { name: 'every seventh commit fails', expected: EXACT, commit: (n) => (n % 7 === 0 ? 'reject' : null) },
  {
    name: 'the disk of the store is full for a while',
    expected: EXACT,
    commit: (n) => (n >= AT && n < AT + 5 ? 'full' : null),
  },
  {
    name: 'the disk of the store stays full',
    thenRestart: true,
    expected: { kind: 'refused', names: [CHECKPOINTS, 'no room', 'Free some space'] },
    commit: (n) => (n >= AT ? 'full' : null),
  },
  {
    name: 'commits take 150 ms each',
    expected: EXACT,
    commit: () => ({ delayMs: 150 }),
  },
  {
    name: 'a write of the sink fails: disk full',
    expected: EXACT,
    file: (operation, n) => (operation === 'append' && n >= 5 && n < 8 ? 'ENOSPC' : null),
  },
  {
    name: 'the sink cannot sync a file: EIO',
    expected: EXACT,
    file: (operation, n) => (operation === 'sync' && n === 4 ? 'EIO' : null),
  },
  {
    name: 'the sink cannot sync its directory: EIO',
    expected: EXACT,
    file: (operation, n) => (operation === 'syncDirectory' && n % 9 === 8 && n < 40 ? 'EIO' : null),
  },
  {
    name: 'the sink cannot rename: EIO',
    expected: EXACT,
    file: (operation, n) => (operation === 'rename' && n % 5 === 4 && n < 20 ? 'EIO' : null),
  },
  {
    name: 'the sink can never rename again',
    thenRestart: true,
    expected: { kind: 'refused', names: [OUTPUT, 'EIO'] },
    file: (operation, n) => (operation === 'rename' && n >= 4 ? 'EIO' : null),
  },
];

export interface VirtualRow extends Row {
  /** How often the fault was injected. */
  readonly injected: number;
  /** Of the next process, which meets no fault; null when there was none. */
  readonly afterwards: Outcome | null;
}

export const VIRTUAL_FAULTS: number = FAULTS.length;

export async function virtualRow(index: number, parallelism: number): Promise<VirtualRow> {
  const fault = FAULTS[index];
  if (fault === undefined) throw new RangeError(`there are ${FAULTS.length} faults`);
  const machine = virtualRuntime({ seed: index + 1 });
  const injected = inject(machine, fault);
  const error = await failureOf(machine, parallelism);
  const outcome = readOutcome(OUTPUT, TRUTH, error, virtualShelf(machine));
  const name = `virtual, parallelism ${parallelism}: ${fault.name}`;
  const row = { name, expected: fault.expected, outcome, injected: injected(), afterwards: null };
  return fault.thenRestart === true ? { ...row, afterwards: await restart(machine, parallelism) } : row;
}

async function restart(before: VirtualRuntime, parallelism: number): Promise<Outcome> {
  before.faults.keyValues = null;
  before.faults.files = null;
  const machine = before.crashProcess();
  const error = await failureOf(machine, parallelism);
  return readOutcome(OUTPUT, TRUTH, error, virtualShelf(machine));
}

function inject(machine: VirtualRuntime, fault: VirtualFault): () => number {
  let commits = 0;
  let injected = 0;
  const operations = new Map<FileOperation, number>();
  machine.faults.keyValues = (operation) => {
    if (operation !== 'commit' || fault.commit === undefined) return null;
    commits += 1;
    const met = fault.commit(commits);
    if (met !== null) injected += 1;
    return met;
  };
  machine.faults.files = (operation, path) => {
    if (fault.file === undefined) return null;
    const n = (operations.get(operation) ?? 0) + 1;
    operations.set(operation, n);
    const met = fault.file(operation, n, path);
    if (met !== null) injected += 1;
    return met;
  };
  return () => injected;
}

/** Null when the job has finished. */
async function failureOf(machine: VirtualRuntime, parallelism: number): Promise<string | null> {
  const job = countingJob({
    ...TRUTH,
    ratePerSecond: RECORDS_PER_SECOND,
    output: OUTPUT,
  });
  let end: { readonly error: string | null } | null = null;
  run(job, {
    runtime: machine,
    actorHost: 'dispatch',
    parallelism,
    checkpoint: { dir: CHECKPOINTS, intervalMs: INTERVAL_MS, storeDeadlineMs: STORE_DEADLINE_MS },
    restart: { kind: 'fixedDelay', attempts: RESTARTS, delayMs: RESTART_DELAY_MS },
  })
    .then((handle) => handle.finished)
    .then(
      () => {
        end = { error: null };
      },
      (error) => {
        end = { error: chainText(error) };
      },
    );
  await machine.run(() => end !== null || machine.nowMs > MINUTES_MAX * 60_000);
  // Assigned in a callback, which the compiler does not follow.
  const seen = end as { readonly error: string | null } | null;
  if (seen !== null) return seen.error;
  return machine.nowMs > MINUTES_MAX * 60_000
    ? `no end after ${MINUTES_MAX} virtual minutes`
    : 'nothing is left to do, and the job has not ended';
}

function chainText(error: unknown): string {
  const chain: string[] = [];
  for (let each = error; each instanceof Error && chain.length < 6; each = each.cause)
    chain.push(`${each.name}: ${messageOf(each)}`);
  return chain.join(' <- ');
}
