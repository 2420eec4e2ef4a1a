// Disks that are full for real: a small tmpfs, filled while a job runs, and emptied again.
//
// Owns:    mounting and filling the tmpfs, the life of a job on it.
// Not:     judging (store-fault-table.ts).
//
// K1. Mounting takes a right that not every user has. Without it nothing is tried, and the proof says so.

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { liveOnce } from './job-life.js';
import type { JobTask } from './job-process.js';
import { type Row, readOutcome } from './store-fault-table.js';

const TRUTH = { records: 3_000, keys: 40 };
const RECORDS_PER_SECOND = 2_000;
const INTERVAL_MS = 30;
const TMPFS_BYTES = 4 * 1024 * 1024;
const FULL_MS = 1_200;
const LIFE_DEADLINE_MS = 60_000;
const FILL_AT_CHECKPOINT = 4;

export interface FullDisk {
  readonly name: string;
  /** Which of the two lies on the small disk. */
  readonly on: 'checkpoints' | 'output';
  /** False: the disk stays full, and the job has to end with an error. */
  readonly emptied: boolean;
}

export const FULL_DISKS: readonly FullDisk[] = [
  { name: 'the disk of the store is full for a while', on: 'checkpoints', emptied: true },
  { name: 'the disk of the store stays full', on: 'checkpoints', emptied: false },
  { name: 'the disk of the sink is full for a while', on: 'output', emptied: true },
  { name: 'the disk of the sink stays full', on: 'output', emptied: false },
];

export interface FullDiskRow extends Row {
  /** The job noticed: it was restarted, or it failed. */
  readonly felt: boolean;
}

/** Null when this user may not mount. */
export async function fullDiskRow(
  program: string,
  directory: string,
  disk: FullDisk,
): Promise<FullDiskRow | null> {
  const mount = join(directory, 'small');
  if (!mountTmpfs(directory, mount)) return null;
  try {
    const place = (name: FullDisk['on']): string => join(disk.on === name ? mount : directory, name);
    const task: JobTask = {
      job: { kind: 'counting', ...TRUTH, ratePerSecond: RECORDS_PER_SECOND, output: place('output') },
      parallelism: 2,
      checkpoints: place('checkpoints'),
      intervalMs: INTERVAL_MS,
      death: null,
      settings: { restarts: disk.emptied ? 200 : 5, restartDelayMs: 60, storeDeadlineMs: 5_000 },
    };
    const { end, restarts } = await liveOnce(program, task, {
      afterMs: null,
      from: 'start',
      deadlineMs: LIFE_DEADLINE_MS,
      onNews: fillOnce(mount, disk.emptied),
    });
    const error =
      end.kind === 'finished'
        ? null
        : end.kind === 'killed'
          ? 'the process was killed by a signal'
          : end.reason;
    const outcome = readOutcome(place('output'), TRUTH, error);
    const names = disk.on === 'checkpoints' ? [mount, 'no room', 'Free some space'] : [mount, 'ENOSPC'];
    const expected = disk.emptied ? ({ kind: 'exact' } as const) : ({ kind: 'refused', names } as const);
    const name = `tmpfs of ${TMPFS_BYTES / 1024 / 1024} MB: ${disk.name}`;
    return { name, expected, outcome, felt: error !== null || restarts > 0 };
  } finally {
    spawnSync('umount', ['-l', mount]);
  }
}

function fillOnce(mount: string, emptied: boolean): (news: string) => void {
  let checkpoints = 0;
  return (news) => {
    if (news !== 'checkpoint') return;
    checkpoints += 1;
    if (checkpoints !== FILL_AT_CHECKPOINT) return;
    fill(join(mount, 'ballast'));
    if (emptied) setTimeout(() => rmSync(join(mount, 'ballast')), FULL_MS);
  };
}

function mountTmpfs(directory: string, mount: string): boolean {
  spawnSync('mkdir', ['-p', mount], { cwd: directory });
  const size = `size=${TMPFS_BYTES}`;
  return spawnSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', mount]).status === 0;
}

/** Writes until there is no room for another page. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (const bytes of [Buffer.alloc(65_536), Buffer.alloc(4_096)]) writeUntilFull(file, bytes);
  } finally {
    closeSync(file);
  }
}

function writeUntilFull(file: number, bytes: Buffer): void {
  for (;;) {
    try {
      writeSync(file, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
      throw error;
    }
  }
}
