// Proof `access-log`: page hits per minute of a real log, equal to an independent script, also under kill -9.
//
// Owns:    the comparison with the truth, the run without failures, the run of lives that are killed.
// Not:     the job (page-hits-job.ts), the truth (access-log-truth.mjs), one life (job-life.ts).
//
// A1. The truth comes from a script that shares no code with Weir.
// A2. Nothing may be late: the bound on disorder is measured on the file, and a late line would be missing in the result.
// A3. The second result equals the first as a sorted list of lines, byte by byte.

import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomBelow, randomStream } from '../../src/base/random-stream.js';
import { CommittedFiles } from './committed-files.js';
import { compile } from './compiled.js';
import { type KillPlan, type LifeReport, liveOnce } from './job-life.js';
import type { JobTask } from './job-process.js';
import { hitsOf } from './page-hits-job.js';
import { type Proof, type ProofContext, UsageError, type Verdict } from './proof-contract.js';

const KILLS_LEAST = 30;
const KILL_AFTER_MS = { least: 200, most: 800 };
/** Seconds of reading that the throttled file is made to last: more than the kills asked for take, if starting took no time. */
const READING_SECONDS = 25;
/** The short form reads faster when it has had its kills; they go on until the end. */
const HURRY = { afterKills: 36, factor: 5 };
const LIVES_MAX = 1_000;
const LIFE_DEADLINE_MS = 120_000;
const PARALLELISM = 2;
const INTERVAL_MS = 50;
/** Lives without a checkpoint in a row after which the next is counted from the moment its job runs. */
const PATIENCE = 3;
const TRUTH: string = fileURLToPath(new URL('./access-log-truth.mjs', import.meta.url));

export const accessLog: Proof = {
  name: 'access-log',
  claim:
    'page hits per minute of a real log equal an independent script, also through kill -9 every 200 to 800 ms',
  usage: '<file>',
  run: prove,
};

async function prove(context: ProofContext): Promise<Verdict> {
  const [file, ...others] = context.args;
  if (file === undefined || others.length > 0) throw new UsageError('name one access log');
  const input = resolve(file);
  if (!statSync(input, { throwIfNoEntry: false })?.isFile()) throw new UsageError(`there is no file ${file}`);
  const log = survey(input);
  const truth = execFileSync(process.execPath, [TRUTH, input], { encoding: 'utf8', maxBuffer: 1 << 30 });
  const expected = truth.split('\n').filter((line) => line !== '');
  context.say(
    `${log.lines} lines, ${log.hits} requests, at most ${log.disorderMs / 1000} s out of order; ${expected.length} results expected`,
  );
  const program = compile(context.directory('compiled'))('bench/proof/job-process.ts');
  const failures: string[] = [];

  const calm = await whole(context, program, input, log.disorderMs);
  failures.push(...calm.failures, ...differences('the run without kills', calm.lines, expected));
  context.say(
    `without kills: ${calm.lines.length} results, ${failures.length === 0 ? 'equal' : 'not equal'}`,
  );

  const killed = await underFire(context, program, input, log);
  failures.push(...killed.failures, ...differences('the killed run', killed.lines, calm.lines));
  const { kills, restores, checkpoints, lives, livesFromRunning } = killed;
  if (kills < KILLS_LEAST) failures.push(`only ${kills} kills happened, ${KILLS_LEAST} are needed`);
  if (restores < KILLS_LEAST / 2) failures.push(`only ${restores} lives restored a checkpoint`);
  return {
    failures,
    figures: {
      lines: log.lines,
      results: expected.length,
      kills,
      restores,
      checkpoints,
      lives,
      livesFromRunning,
      files: killed.files,
      seed: context.seed,
    },
  };
}

interface Survey {
  readonly lines: number;
  readonly hits: number;
  readonly disorderMs: number;
}

function survey(input: string): Survey {
  const lines = readFileSync(input, 'utf8').split('\n');
  let newest = Number.NEGATIVE_INFINITY;
  let hits = 0;
  let disorderMs = 0;
  for (const hit of lines.flatMap(hitsOf)) {
    hits += 1;
    newest = Math.max(newest, hit.at);
    disorderMs = Math.max(disorderMs, newest - hit.at);
  }
  return { lines: lines.filter((line) => line !== '').length, hits, disorderMs };
}

interface Outcome {
  readonly lines: readonly string[];
  readonly failures: readonly string[];
}

async function whole(
  context: ProofContext,
  program: string,
  input: string,
  disorderMs: number,
): Promise<Outcome> {
  const directory = context.directory('calm');
  const output = join(directory, 'output');
  const report = await liveOnce(program, taskOf(directory, output, input, disorderMs, null), {
    afterMs: null,
    from: 'start',
    deadlineMs: LIFE_DEADLINE_MS,
  });
  const failures =
    report.end.kind === 'finished' ? [] : [`the run without kills ended as ${describe(report)}`];
  return collect(new CommittedFiles(output), failures);
}

interface FireOutcome extends Outcome {
  readonly kills: number;
  readonly restores: number;
  readonly checkpoints: number;
  readonly lives: number;
  /** Lives that were given their time from the moment the job ran: the machine was slow to start them. */
  readonly livesFromRunning: number;
  readonly files: number;
}

async function underFire(
  context: ProofContext,
  program: string,
  input: string,
  log: Survey,
): Promise<FireOutcome> {
  const directory = context.directory('killed');
  const output = join(directory, 'output');
  const random = randomStream(context.seed, 'access-log');
  const files = new CommittedFiles(output);
  const seen: string[] = [];
  const failures: string[] = [];
  const rate = Math.ceil(log.lines / READING_SECONDS);
  const totals = { kills: 0, restores: 0, checkpoints: 0, lives: 0, livesFromRunning: 0 };
  let barren = 0;
  for (let finished = false; !finished && failures.length === 0; ) {
    const plan = nextKill(random, barren);
    const hurry = context.short && totals.kills >= HURRY.afterKills ? HURRY.factor : 1;
    const task = taskOf(directory, output, input, log.disorderMs, rate * hurry);
    const report = await liveOnce(program, task, plan);
    totals.lives += 1;
    totals.checkpoints += report.checkpoints;
    if (plan.from === 'running') totals.livesFromRunning += 1;
    if (report.end.kind === 'killed') totals.kills += 1;
    if (report.restored) totals.restores += 1;
    barren = report.checkpoints > 0 ? 0 : barren + 1;
    files.readNew((_value, line) => seen.push(line));
    context.progress(
      `${totals.kills} kills, ${totals.restores} restores, ${totals.checkpoints} checkpoints, ${seen.length} results committed`,
    );
    if (report.end.kind === 'failed') failures.push(`life ${totals.lives} failed: ${report.end.reason}`);
    if (totals.lives >= LIVES_MAX) failures.push(`no end after ${LIVES_MAX} lives`);
    finished = report.end.kind === 'finished';
  }
  return { ...totals, ...collect(files, failures, seen), files: files.files };
}

function nextKill(random: ReturnType<typeof randomStream>, barren: number): KillPlan {
  const { least, most } = KILL_AFTER_MS;
  return {
    afterMs: least + randomBelow(random, most - least + 1),
    from: barren >= PATIENCE ? 'running' : 'start',
    deadlineMs: LIFE_DEADLINE_MS,
  };
}

function taskOf(
  directory: string,
  output: string,
  input: string,
  disorderMs: number,
  ratePerSecond: number | null,
): JobTask {
  return {
    job: { kind: 'pageHits', input, output, ratePerSecond, disorderMs },
    parallelism: PARALLELISM,
    checkpoints: join(directory, 'checkpoints'),
    intervalMs: INTERVAL_MS,
    death: null,
  };
}

/** All committed lines, and what is wrong with the files themselves. */
function collect(
  files: CommittedFiles,
  failures: readonly string[],
  before: readonly string[] = [],
): Outcome {
  const lines = [...before];
  files.readNew((_value, line) => lines.push(line));
  const left = files.leftOver();
  const leftOver = left.length === 0 ? [] : [`files are left over: ${left.join(', ')}`];
  return { lines: lines.sort(), failures: [...failures, ...files.problems, ...leftOver] };
}

/** Both sorted. */
function differences(what: string, got: readonly string[], expected: readonly string[]): string[] {
  if (got.length === expected.length && got.every((line, index) => line === expected[index])) return [];
  const times = new Map<string, number>();
  for (const line of expected) times.set(line, (times.get(line) ?? 0) + 1);
  for (const line of got) times.set(line, (times.get(line) ?? 0) - 1);
  const missing = [...times].filter(([, count]) => count > 0).map(([line]) => line);
  const extra = [...times].filter(([, count]) => count < 0).map(([line]) => line);
  return [
    `${what} has ${got.length} results, expected ${expected.length}: ${missing.length} missing (${missing.slice(0, 2).join(' ')}), ${extra.length} extra (${extra.slice(0, 2).join(' ')})`,
  ];
}

function describe(report: LifeReport): string {
  return report.end.kind === 'failed' ? `failed: ${report.end.reason}` : report.end.kind;
}
