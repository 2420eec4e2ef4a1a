// Damage to a checkpoint directory at rest: flipped bytes, missing rows, truncated and lost files, on real LMDB.
//
// Owns:    a directory that a killed job has left, ways to damage copies of it, starting the job again on them.
// Not:     judging (store-fault-table.ts), the process (job-process.ts).
//
// D1. The job is killed at an exact step, so that it is known whether the results of the newest checkpoint are published:
//     before, the older checkpoint repeats nothing; afterwards, going back to it would, and has to be refused.
// D2. A row is damaged by changing its bytes wherever the data file has them: LMDB keeps several copies of a page.

import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import { randomBelow, randomStream } from '../../src/base/random-stream.js';
import type { KeyValueEnvironment, RandomStream, StoreKey } from '../../src/base/runtime.js';
import { CHUNKS, MANIFESTS, TABLES } from '../../src/checkpoint/store-rows.js';
import { liveOnce } from './job-life.js';
import type { JobSettings, JobTask } from './job-process.js';
import { type Expected, type Row, readOutcome } from './store-fault-table.js';

const TRUTH = { records: 1_500, keys: 40 };
const RECORDS_PER_SECOND = 5_000;
const INTERVAL_MS = 25;
const LIFE_DEADLINE_MS = 60_000;
const COMMIT_DEADLINE_MS = 10_000;
/** Bytes that identify a row in the data file. */
const NEEDLE_BYTES = 40;

/** When the job was killed: with the newest checkpoint complete, and its results published or not. */
type Left = 'published' | 'unpublished';

interface Damage {
  readonly name: string;
  readonly left: Left;
  readonly expected: Expected;
  readonly settings?: JobSettings;
  /** Damages the checkpoint directory. */
  readonly inflict: (directory: string) => void | Promise<void>;
}

const EXACT: Expected = { kind: 'exact' };
/** `$` stands for the directory. */
const refused = (...names: readonly string[]): Expected => ({ kind: 'refused', names: ['$', ...names] });
const OLDER: JobSettings = { allowOlderCheckpoint: true };
const ALLOW = 'allowOlderCheckpoint';

const DAMAGES: readonly Damage[] = [
  { name: 'nothing at all', left: 'published', expected: EXACT, inflict: () => undefined },
  {
    name: 'nothing at all, results not yet published',
    left: 'unpublished',
    expected: EXACT,
    inflict: () => undefined,
  },
  {
    name: 'a flipped byte in the newest chunk',
    left: 'published',
    expected: refused(ALLOW),
    inflict: (directory) => flipRow(directory, CHUNKS, 'newest'),
  },
  {
    name: 'a flipped byte in the newest chunk, older checkpoint allowed, results not yet published',
    left: 'unpublished',
    expected: EXACT,
    settings: OLDER,
    inflict: (directory) => flipRow(directory, CHUNKS, 'newest'),
  },
  {
    name: 'a flipped byte in the newest manifest',
    left: 'published',
    expected: refused(ALLOW),
    inflict: (directory) => flipRow(directory, MANIFESTS, 'newest'),
  },
  {
    name: 'a flipped byte in the newest manifest, older checkpoint allowed, results not yet published',
    left: 'unpublished',
    expected: EXACT,
    settings: OLDER,
    inflict: (directory) => flipRow(directory, MANIFESTS, 'newest'),
  },
  {
    name: 'the newest manifest is missing',
    left: 'published',
    expected: refused(ALLOW),
    inflict: (directory) => removeRow(directory, MANIFESTS),
  },
  {
    name: 'the newest manifest is missing, older checkpoint allowed, results not yet published',
    left: 'unpublished',
    expected: EXACT,
    settings: OLDER,
    inflict: (directory) => removeRow(directory, MANIFESTS),
  },
  {
    name: 'a chunk is missing',
    left: 'published',
    expected: refused(ALLOW),
    inflict: (directory) => removeRow(directory, CHUNKS),
  },
  {
    name: 'flipped bytes in all manifests',
    left: 'published',
    expected: refused('none of them is intact', 'backup'),
    settings: OLDER,
    inflict: (directory) => flipRow(directory, MANIFESTS, 'all'),
  },
  {
    name: 'data file cut in half',
    left: 'published',
    expected: refused('damaged', 'Restore it from a copy'),
    inflict: (directory) => truncateSync(dataFile(directory), Math.floor(sizeOf(directory) / 2)),
  },
  {
    name: 'data file without its last page',
    left: 'published',
    expected: { kind: 'either', names: ['$', 'Restore'] },
    inflict: (directory) => truncateSync(dataFile(directory), sizeOf(directory) - 4_096),
  },
  {
    name: 'data file of length 0',
    left: 'published',
    expected: refused('is empty', 'Restore it from a copy'),
    inflict: (directory) => truncateSync(dataFile(directory), 0),
  },
  {
    name: 'data file lost',
    left: 'published',
    expected: refused('is missing', 'Restore it from a copy'),
    inflict: (directory) => rmSync(dataFile(directory)),
  },
  {
    name: 'header pages full of noise',
    left: 'published',
    expected: refused('damaged', 'Restore it from a copy'),
    inflict: (directory) => noise(directory, 0, 2 * 4_096, randomStream(1, 'noise')),
  },
];

export const DAMAGES_KNOWN: number = DAMAGES.length;

/** What two killed jobs have left, to be copied for each damage. */
export interface Leftovers {
  readonly published: string;
  readonly unpublished: string;
}

export async function prepareLeftovers(program: string, directory: string): Promise<Leftovers> {
  const leave = async (left: Left): Promise<string> => {
    const path = join(directory, left);
    // The sixth checkpoint: more have been completed than are kept.
    const step = left === 'published' ? 'commit.acked' : 'metadata.durable';
    const task = taskOf(path, {}, { step, role: null, hit: 6 });
    const { end } = await liveOnce(program, task, {
      afterMs: null,
      from: 'start',
      deadlineMs: LIFE_DEADLINE_MS,
    });
    if (end.kind !== 'killed') throw new Error(`the job that was to be killed at ${step} has ${end.kind}`);
    return path;
  };
  return { published: await leave('published'), unpublished: await leave('unpublished') };
}

export async function damageRow(
  program: string,
  leftovers: Leftovers,
  directory: string,
  index: number,
): Promise<Row> {
  const damage = DAMAGES[index];
  if (damage === undefined) throw new RangeError(`there are ${DAMAGES.length} damages`);
  cpSync(leftovers[damage.left], directory, { recursive: true });
  const checkpoints = join(directory, 'checkpoints');
  await damage.inflict(checkpoints);
  const outcome = await startAgain(program, directory, damage.settings ?? {});
  return { name: `at rest: ${damage.name}`, expected: named(damage.expected, checkpoints), outcome };
}

/** Some bytes of the data file become noise, anywhere: whatever they were, the job is exact or is refused. */
export async function randomDamageRow(
  program: string,
  leftovers: Leftovers,
  directory: string,
  seed: number,
): Promise<Row> {
  cpSync(leftovers.published, directory, { recursive: true });
  const checkpoints = join(directory, 'checkpoints');
  const random = randomStream(seed, 'damage');
  const length = 2 ** randomBelow(random, 13);
  const places = 1 + randomBelow(random, 4);
  for (let place = 0; place < places; place += 1)
    noise(checkpoints, randomBelow(random, sizeOf(checkpoints)), length, random);
  const outcome = await startAgain(program, directory, {});
  const name = `at rest: ${places} times ${length} bytes of noise (seed ${seed})`;
  return { name, expected: named({ kind: 'either', names: ['$'] }, checkpoints), outcome };
}

function named(expected: Expected, directory: string): Expected {
  if (expected.kind === 'exact') return expected;
  return { ...expected, names: expected.names.map((name) => (name === '$' ? directory : name)) };
}

async function startAgain(
  program: string,
  directory: string,
  settings: JobSettings,
): Promise<Row['outcome']> {
  const task = taskOf(directory, settings, null);
  const { end } = await liveOnce(program, task, {
    afterMs: null,
    from: 'start',
    deadlineMs: LIFE_DEADLINE_MS,
  });
  const error =
    end.kind === 'finished'
      ? null
      : end.kind === 'killed'
        ? 'the process was killed by a signal'
        : end.reason;
  return readOutcome(join(directory, 'output'), TRUTH, error);
}

function taskOf(directory: string, settings: JobSettings, death: JobTask['death']): JobTask {
  return {
    job: {
      kind: 'counting',
      ...TRUTH,
      ratePerSecond: RECORDS_PER_SECOND,
      output: join(directory, 'output'),
    },
    parallelism: 1,
    checkpoints: join(directory, 'checkpoints'),
    intervalMs: INTERVAL_MS,
    death,
    settings: { restarts: 3, restartDelayMs: 20, ...settings },
  };
}

// ---------------------------------------------------------------- damage

function dataFile(directory: string): string {
  return join(directory, 'data.mdb');
}

function sizeOf(directory: string): number {
  return existsSync(dataFile(directory)) ? readFileSync(dataFile(directory)).byteLength : 0;
}

async function opened<T>(
  directory: string,
  readOnly: boolean,
  work: (environment: KeyValueEnvironment) => T | Promise<T>,
): Promise<T> {
  const options = { tables: TABLES, commitDeadlineMs: COMMIT_DEADLINE_MS, readOnly };
  const environment = await nodeRuntime().keyValues.open(directory, options);
  try {
    return await work(environment);
  } finally {
    await environment.close();
  }
}

interface StoredRow {
  readonly key: StoreKey;
  readonly value: Uint8Array;
}

/** Newest first: both tables have the number of the checkpoint in front of their keys. */
function rowsOf(environment: KeyValueEnvironment, table: string): readonly StoredRow[] {
  return environment.range(table, { reverse: true });
}

async function removeRow(directory: string, table: string): Promise<void> {
  await opened(directory, false, async (environment) => {
    const newest = rowsOf(environment, table)[0];
    if (newest === undefined) throw new Error(`there is no row in ${table}`);
    await environment.commit([{ kind: 'remove', table, key: newest.key }]);
  });
}

async function flipRow(directory: string, table: string, which: 'newest' | 'all'): Promise<void> {
  const rows = await opened(directory, true, (environment) => rowsOf(environment, table));
  const chosen = which === 'all' ? rows : rows.slice(0, 1);
  if (chosen.length === 0) throw new Error(`there is no row in ${table}`);
  const file = readFileSync(dataFile(directory));
  for (const { value } of chosen) {
    // The end of a row: its beginning is a frame that rows of one kind have in common.
    const needle = Buffer.from(value.subarray(-NEEDLE_BYTES));
    let found = 0;
    for (let at = file.indexOf(needle); at !== -1; at = file.indexOf(needle, at + 1)) {
      file[at + needle.length - 1] = (file[at + needle.length - 1] ?? 0) ^ 0x10;
      found += 1;
    }
    if (found === 0) throw new Error(`the bytes of a row of ${table} are not in the data file`);
  }
  writeFileSync(dataFile(directory), file);
}

function noise(directory: string, from: number, length: number, random: RandomStream): void {
  const file = readFileSync(dataFile(directory));
  for (let at = from; at < Math.min(from + length, file.length); at += 1) file[at] = randomBelow(random, 256);
  writeFileSync(dataFile(directory), file);
}
