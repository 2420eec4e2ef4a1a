// Proof `kill9`: SIGKILL, hundreds of times, at random moments from the start of the process on.
//
// Owns:    the rounds of kills, how long lives are, the account at every moment and at the end.
// Not:     the job (counting-job.ts), one life (job-life.ts), reading files (committed-files.ts).
//
// K1. After every kill the committed files are read: whole lines only, nothing twice, nothing that vanished or changed.
// K2. A job that finishes early is checked and replaced by a new one, so that the number of kills is what was asked for.
// K3. Lives are as long as it takes for work to go on: some end before the store is open, some after many checkpoints.

import { join } from 'node:path';
import { randomStream } from '../../src/base/random-stream.js';
import type { RandomStream } from '../../src/base/runtime.js';
import { CommittedFiles } from './committed-files.js';
import { compile } from './compiled.js';
import { type LifeReport, liveOnce } from './job-life.js';
import type { JobTask } from './job-process.js';
import { complaints, Ledger } from './ledger.js';
import { type Proof, type ProofContext, type Verdict, wholeOption } from './proof-contract.js';

const KILLS = 500;
const KILLS_SHORT = 40;
/** More than the records between two checkpoints touch, so that increments leave some out. */
const KEYS = 1_000;
const RECORDS_PER_SECOND = 5_000;
/** What a life adds on average; so one job lasts about as long as the kills. */
const RECORDS = { perKill: 700, most: 400_000 };
const PARALLELISM = 2;
const INTERVAL_MS = 40;
const LIFE_DEADLINE_MS = 120_000;
const LIFE_MS = { first: 700, least: 150, most: 20_000 };

export const kill9: Proof = {
  name: 'kill9',
  claim: 'kill -9 of a keyed count with transactional files, 500 times: nothing lost, doubled or torn',
  usage: '[--kills n]',
  run: prove,
};

interface Totals {
  kills: number;
  killsBeforeRunning: number;
  restores: number;
  checkpoints: number;
  records: number;
  files: number;
  rounds: number;
  torn: number;
  readonly failures: string[];
}

async function prove(context: ProofContext): Promise<Verdict> {
  const kills = wholeOption(context, 'kills', context.short ? KILLS_SHORT : KILLS);
  const random = randomStream(context.seed, 'kill9');
  const program = compile(context.directory('compiled'))('bench/proof/job-process.ts');
  const totals: Totals = {
    kills: 0,
    killsBeforeRunning: 0,
    restores: 0,
    checkpoints: 0,
    records: 0,
    files: 0,
    rounds: 0,
    torn: 0,
    failures: [],
  };
  while (totals.kills < kills && totals.failures.length === 0) {
    totals.rounds += 1;
    await round(context, program, random, kills, totals);
  }
  if (totals.restores === 0) totals.failures.push('no life has restored a checkpoint: nothing was proven');
  const { failures, ...figures } = totals;
  return { failures, figures: { ...figures, seed: context.seed } };
}

/** One job, killed until it finishes, or until there were kills enough and it may finish. */
async function round(
  context: ProofContext,
  program: string,
  random: RandomStream,
  kills: number,
  totals: Totals,
): Promise<void> {
  const directory = context.directory(`round-${totals.rounds}`);
  const records = Math.min(RECORDS.most, RECORDS.perKill * (kills - totals.kills));
  const output = join(directory, 'output');
  const files = new CommittedFiles(output);
  const ledger = new Ledger({ records, keys: KEYS });
  const pace = new Pace(random);
  for (let life = 1; totals.failures.length === 0; life += 1) {
    const last = totals.kills >= kills;
    const ratePerSecond = last ? null : RECORDS_PER_SECOND;
    const task: JobTask = {
      job: { kind: 'counting', records, keys: KEYS, ratePerSecond, output },
      parallelism: PARALLELISM,
      checkpoints: join(directory, 'checkpoints'),
      intervalMs: INTERVAL_MS,
      death: null,
    };
    const report = await liveOnce(program, task, {
      afterMs: last ? null : pace.next(),
      from: 'start',
      deadlineMs: LIFE_DEADLINE_MS,
    });
    pace.learn(report);
    count(totals, report);
    files.readNew((value) => ledger.enter(value));
    if (ledger.hasDuplicates) totals.failures.push(`records were committed twice after life ${life}`);
    context.progress(
      `${totals.kills} of ${kills} kills, ${totals.restores} restores, ${totals.checkpoints} checkpoints, ${ledger.committed} of ${records} records committed`,
    );
    if (report.end.kind === 'failed') totals.failures.push(`life ${life} failed: ${report.end.reason}`);
    if (report.end.kind === 'finished') break;
  }
  close(totals, files, ledger);
}

function count(totals: Totals, report: LifeReport): void {
  if (report.end.kind === 'killed') totals.kills += 1;
  if (report.end.kind === 'killed' && !report.running) totals.killsBeforeRunning += 1;
  if (report.restored) totals.restores += 1;
  totals.checkpoints += report.checkpoints;
}

function close(totals: Totals, files: CommittedFiles, ledger: Ledger): void {
  totals.records += ledger.committed;
  totals.files += files.files;
  totals.torn += files.torn;
  totals.failures.push(...files.problems, ...complaints(ledger.account()));
  const left = files.leftOver();
  if (left.length > 0)
    totals.failures.push(`${left.length} files are left over: ${left.slice(0, 3).join(', ')}`);
}

/** How long lives are: uniform from nothing to a limit that follows what the machine manages. */
class Pace {
  private readonly random: RandomStream;
  private limitMs = LIFE_MS.first;

  constructor(random: RandomStream) {
    this.random = random;
  }

  next(): number {
    return Math.floor(this.random.next() * this.limitMs);
  }

  learn(report: LifeReport): void {
    if (report.checkpoints === 0) this.limitMs = Math.min(LIFE_MS.most, this.limitMs * 1.1);
    else if (report.checkpoints > 2) this.limitMs = Math.max(LIFE_MS.least, this.limitMs * 0.92);
  }
}
