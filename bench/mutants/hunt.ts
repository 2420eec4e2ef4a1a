// `npm run mutants -- [options]`: plants every mutant and lets the simulation look for it.
//
// Owns:    batches of seeds, two simulations at a time, time limits, the exit code.
// Not:     the mutants (catalog.ts), copies (plant.ts), reading answers and the report (verdict.ts), the simulation.
//
//   --only a,b          these mutants
//   --oracle O7         those that are expected to be noticed by this oracle
//   --seeds-max n       seeds of one batch, at most (10,000)
//   --batches n         batches of different seeds per mutant, for the mean (3)
//   --minutes n         real minutes after which a batch is ended (10)
//   --jobs n            simulations at a time (2)
//   --out file          the report as JSON (out/mutants.json)
//   --list              names and titles, and nothing else
//
// H1. Before any mutant, the unchanged sources are run: if they fail, a kill would prove nothing.
// H2. A mutant that survives one whole batch has survived: its other batches are left out.
//
// Exit codes: 0 all killed, 1 some left, or a failure without mutant; 2 the command line is wrong.

import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { MUTANTS } from './catalog.js';
import { type Mutant, ORACLES, type Part } from './mutant.js';
import { plant } from './plant.js';
import {
  type BatchResult,
  parseAnswer,
  summaryLines,
  summaryOf,
  tableOf,
  type Verdict,
  verdictOf,
} from './verdict.js';

interface Settings {
  readonly mutants: readonly Mutant[];
  readonly seedsMax: number;
  readonly batches: number;
  readonly limitMs: number;
  readonly jobs: number;
  readonly out: string;
}

const BASELINE_SEEDS_MAX = 200;
const DEFAULT_PARTS: readonly Part[] = ['engine'];
const ALL_PARTS: readonly Part[] = ['engine', 'protocol', 'trees'];
/** The option of the simulation that takes the number of seeds of a part. */
const SEEDS_OPTION: Readonly<Record<Part, string>> = {
  engine: '--seeds',
  protocol: '--protocol',
  trees: '--trees',
};
const MS_PER_MINUTE = 60_000;
/** Of what a simulation that broke has written to stderr. */
const WHY_CHARS_MAX = 600;

class UsageError extends Error {}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let settings: Settings | null;
  try {
    settings = settingsOf(args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 2;
  }
  if (settings === null) return 0;
  const baseline = await baselineFailure(settings);
  if (baseline !== null) {
    console.error(`The unchanged sources do not pass: ${baseline}`);
    return 1;
  }
  const verdicts = await huntAll(settings);
  const summary = summaryOf(verdicts);
  console.log(`\n${tableOf(verdicts)}\n`);
  for (const line of summaryLines(summary)) console.log(line);
  mkdirSync(dirname(settings.out), { recursive: true });
  const report = { node: process.version, seedsMax: settings.seedsMax, summary, verdicts };
  writeFileSync(settings.out, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`report: ${settings.out}`);
  return summary.killed === summary.mutants ? 0 : 1;
}

function settingsOf(args: readonly string[]): Settings | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      oracle: { type: 'string' },
      'seeds-max': { type: 'string', default: '10000' },
      batches: { type: 'string', default: '3' },
      minutes: { type: 'string', default: '10' },
      jobs: { type: 'string', default: '2' },
      out: { type: 'string', default: 'out/mutants.json' },
      list: { type: 'boolean', default: false },
    },
  });
  const mutants = chosen(values.only, values.oracle);
  if (values.list) {
    for (const { name, title, oracles } of mutants)
      console.log(`${name} (${oracles.join(' ')})\n    ${title}`);
    return null;
  }
  return {
    mutants,
    seedsMax: whole('seeds-max', values['seeds-max']),
    batches: whole('batches', values.batches),
    limitMs: whole('minutes', values.minutes) * MS_PER_MINUTE,
    jobs: whole('jobs', values.jobs),
    out: values.out,
  };
}

function chosen(only: string | undefined, oracle: string | undefined): readonly Mutant[] {
  const names = only?.split(',') ?? null;
  const unknown = names?.find((name) => !MUTANTS.some((mutant) => mutant.name === name));
  if (unknown !== undefined) throw new UsageError(`There is no mutant "${unknown}"; --list names them.`);
  const known = oracle === undefined || ORACLES.some((each) => each === oracle);
  if (!known) throw new UsageError(`There is no oracle "${oracle}"; there are ${ORACLES.join(', ')}.`);
  return MUTANTS.filter(
    ({ name, oracles }) =>
      (names === null || names.includes(name)) &&
      (oracle === undefined || oracles.some((each) => each === oracle)),
  );
}

function whole(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new UsageError(`--${name} takes a whole number above 0, got ${text}`);
}

async function baselineFailure(settings: Settings): Promise<string | null> {
  const planted = plant(null);
  try {
    const seeds = Math.min(BASELINE_SEEDS_MAX, settings.seedsMax);
    const order: Order = { part: 'engine', seeds, first: 1, shapes: null };
    const result = await simulate(planted.directory, order, settings.limitMs);
    if (result.kind === 'stuck') return 'the simulation did not end';
    if (result.kind === 'broken') return result.why;
    const [failure] = result.answer.failures;
    return failure === undefined
      ? null
      : `${failure.shape} seed ${failure.seed}: ${failure.check}: ${failure.message}`;
  } finally {
    planted.remove();
  }
}

/** In the order of the list, whichever ends first. */
async function huntAll(settings: Settings): Promise<readonly Verdict[]> {
  const verdicts = new Map<string, Verdict>();
  const waiting = [...settings.mutants];
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const verdict = await hunt(mutant, settings);
      verdicts.set(mutant.name, verdict);
      const seeds = verdict.seedsToDetect === null ? '' : ` after ${verdict.seedsToDetect.toFixed(1)} seeds`;
      const noticed = verdict.noticedBy.length === 0 ? '' : ` by ${verdict.noticedBy.join(' ')}`;
      console.log(
        `${String(verdicts.size).padStart(3)}/${settings.mutants.length}  ${mutant.name}: ${verdict.outcome}${seeds}${noticed} (${Math.round(verdict.elapsedMs / 1_000)} s)`,
      );
    }
  };
  await Promise.all(Array.from({ length: settings.jobs }, work));
  return settings.mutants.flatMap(({ name }) => verdicts.get(name) ?? []);
}

async function hunt(mutant: Mutant, settings: Settings): Promise<Verdict> {
  const planted = plant(mutant);
  const results: BatchResult[] = [];
  try {
    for (let batch = 0; batch < settings.batches; batch += 1) {
      const result = await look(mutant, planted.directory, 1 + batch * settings.seedsMax, settings);
      results.push(result);
      if (result.kind !== 'answered' || result.answer.failures.length === 0) break;
    }
  } finally {
    planted.remove();
  }
  return verdictOf(mutant, results);
}

/** One batch: the parts of the simulation in order, until one of them has found something. */
async function look(
  mutant: Mutant,
  directory: string,
  first: number,
  settings: Settings,
): Promise<BatchResult> {
  let seeds = 0;
  let elapsedMs = 0;
  let last: BatchResult = { kind: 'broken', why: 'the mutant names no part of the simulation', elapsedMs };
  for (const part of mutant.parts ?? DEFAULT_PARTS) {
    const shapes = part === 'engine' ? (mutant.shapes ?? null) : null;
    last = await simulate(directory, { part, seeds: settings.seedsMax, first, shapes }, settings.limitMs);
    elapsedMs += last.elapsedMs;
    if (last.kind !== 'answered') return { ...last, elapsedMs };
    seeds += last.answer.seeds;
    if (last.answer.failures.length > 0) break;
  }
  return last.kind === 'answered' ? { ...last, answer: { ...last.answer, seeds }, elapsedMs } : last;
}

interface Order {
  readonly part: Part;
  readonly seeds: number;
  readonly first: number;
  readonly shapes: readonly string[] | null;
}

function simulate(directory: string, order: Order, limitMs: number): Promise<BatchResult> {
  const script = ['--conditions=weir-source', '--import', 'tsx', 'bench/simulate/simulate.ts'];
  const numbers = ALL_PARTS.flatMap((part) => [
    SEEDS_OPTION[part],
    String(part === order.part ? order.seeds : 0),
  ]);
  numbers.push('--first', String(order.first), '--jobs', '1');
  const shapes = order.shapes === null ? [] : ['--shapes', order.shapes.join(',')];
  const beganMs = performance.now();
  const child = spawn(process.execPath, [...script, ...numbers, ...shapes, '--json', '--stop-at-failure'], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that the workers of a simulation that is stuck end with it.
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  let overdue = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-WHY_CHARS_MAX);
  });
  const limit = setTimeout(() => {
    overdue = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, limitMs);
  return new Promise((resolve) => {
    const broken = (why: string): void =>
      resolve({ kind: 'broken', why, elapsedMs: performance.now() - beganMs });
    child.on('error', (error) => broken(error.message));
    child.on('close', (code, signal) => {
      clearTimeout(limit);
      const elapsedMs = performance.now() - beganMs;
      if (overdue) return resolve({ kind: 'stuck', elapsedMs });
      try {
        resolve({ kind: 'answered', answer: parseAnswer(stdout), elapsedMs });
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error);
        broken(`${what} (exit code ${code}, signal ${signal}): ${stderr.trim()}`);
      }
    });
  });
}
