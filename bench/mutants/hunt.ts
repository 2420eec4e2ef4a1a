// `npm run mutants -- [options]`: plants every mutant and lets the simulation look for it.
//
// Owns:    the command line, which mutants are hunted, the exit code.
// Not:     the mutants (catalog.ts), copies (plant.ts), running the simulation (simulation.ts), reading answers (verdict.ts),
//          the page (markdown.ts).
//
//   --only a,b          these mutants
//   --oracle O7         those that are expected to be noticed by this oracle
//   --seeds-max n       seeds of one batch, at most (2,000)
//   --batches n         batches of different seeds per mutant, for the mean (2)
//   --minutes n         real minutes after which a batch is ended (10)
//   --jobs n            simulations at a time (2)
//   --shrink            shrinks the first failure of each mutant that was killed
//   --out file          the report as JSON (out/mutants.json), written anew after every mutant
//   --reports a,b       verdicts of earlier reports, for all that is not hunted now; the last one counts
//   --no-hunt           only the reports
//   --markdown file     the report as a page
//   --list              names and titles, and nothing else
//
// H1. What fails in the unchanged sources too is no kill (R1 of simulation.ts).
// H2. A mutant that survives one whole batch has survived: its other batches are left out.
//
// Exit codes: 0 all killed, 1 some left, 2 the command line is wrong.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { MUTANTS } from './catalog.js';
import { OUT_OF_REACH } from './list-out-of-reach.js';
import { pageOf } from './markdown.js';
import { type Mutant, ORACLES } from './mutant.js';
import { plant } from './plant.js';
import { Control, look, shrinkIn } from './simulation.js';
import {
  type BatchResult,
  mergedWith,
  type Report,
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
  readonly shrink: boolean;
  readonly out: string;
  readonly reports: readonly string[];
  readonly markdown: string | null;
}

const CONTROL_LIMIT_MS = 300_000;
const MS_PER_MINUTE = 60_000;

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
  const earlier = settings.reports.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Report);
  const report = await huntAll(settings, earlier);
  const { verdicts } = report;
  const summary = summaryOf(verdicts);
  console.log(`\n${tableOf(verdicts)}\n`);
  for (const line of summaryLines(summary)) console.log(line);
  for (const seed of report.falseAlarms)
    console.log(`fails without any mutant, and counts for none: ${seed}`);
  write(settings.out, `${JSON.stringify({ ...report, summary }, null, 2)}\n`);
  if (settings.markdown !== null) write(settings.markdown, pageOf(report));
  console.log(`report: ${settings.markdown ?? settings.out}`);
  return summary.killed === summary.mutants ? 0 : 1;
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function settingsOf(args: readonly string[]): Settings | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      oracle: { type: 'string' },
      'seeds-max': { type: 'string', default: '2000' },
      batches: { type: 'string', default: '2' },
      minutes: { type: 'string', default: '10' },
      jobs: { type: 'string', default: '2' },
      shrink: { type: 'boolean', default: false },
      out: { type: 'string', default: 'out/mutants.json' },
      reports: { type: 'string' },
      'no-hunt': { type: 'boolean', default: false },
      markdown: { type: 'string' },
      list: { type: 'boolean', default: false },
    },
  });
  const mutants = values['no-hunt'] ? [] : chosen(values.only, values.oracle);
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
    shrink: values.shrink,
    out: values.out,
    reports: values.reports?.split(',') ?? [],
    markdown: values.markdown ?? null,
  };
}

function chosen(only: string | undefined, oracle: string | undefined): readonly Mutant[] {
  const names = only?.split(',') ?? null;
  const all = names === null ? MUTANTS : [...MUTANTS, ...OUT_OF_REACH];
  const unknown = names?.find((name) => !all.some((mutant) => mutant.name === name));
  if (unknown !== undefined) throw new UsageError(`There is no mutant "${unknown}"; --list names them.`);
  const known = oracle === undefined || ORACLES.some((each) => each === oracle);
  if (!known) throw new UsageError(`There is no oracle "${oracle}"; there are ${ORACLES.join(', ')}.`);
  return all.filter(
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

/** The report is in the order of the list, whichever ends first. */
async function huntAll(settings: Settings, earlier: readonly Report[]): Promise<Report> {
  const verdicts = new Map<string, Verdict>();
  const unchanged = plant(null);
  const control = new Control(unchanged.directory, CONTROL_LIMIT_MS);
  const reportNow = (): Report =>
    mergedWith(earlier, {
      node: process.version,
      date: new Date().toISOString().slice(0, 10),
      seedsMax: settings.seedsMax,
      batches: settings.batches,
      falseAlarms: [...control.falseAlarms],
      verdicts: settings.mutants.flatMap(({ name }) => verdicts.get(name) ?? []),
    });
  const waiting = [...settings.mutants];
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const verdict = await hunt(mutant, settings, control);
      verdicts.set(mutant.name, verdict);
      console.log(`${String(verdicts.size).padStart(3)}/${settings.mutants.length}  ${lineOf(verdict)}`);
      write(settings.out, `${JSON.stringify(reportNow(), null, 2)}\n`);
    }
  };
  try {
    await Promise.all(Array.from({ length: settings.jobs }, work));
    return reportNow();
  } finally {
    unchanged.remove();
  }
}

function lineOf({ name, outcome, seedsToDetect, noticedBy, elapsedMs, why }: Verdict): string {
  const seeds = seedsToDetect === null ? '' : ` after ${seedsToDetect.toFixed(1)} seeds`;
  const noticed = noticedBy.length === 0 ? '' : ` by ${noticedBy.join(' ')}`;
  return `${name}: ${outcome}${seeds}${noticed} (${Math.round(elapsedMs / 1_000)} s)${why === null ? '' : ` ${why}`}`;
}

async function hunt(mutant: Mutant, settings: Settings, control: Control): Promise<Verdict> {
  const { batches, seedsMax: seeds, limitMs } = settings;
  const planted = plant(mutant);
  const results: BatchResult[] = [];
  try {
    for (let batch = 0; batch < batches; batch += 1) {
      const order = { first: 1 + batch * seeds, seeds, limitMs };
      const result = await look(mutant, planted.directory, order, control);
      results.push(result);
      if (result.kind !== 'answered' || result.answer.failures.length === 0) break;
    }
    const verdict = verdictOf(mutant, results);
    if (!settings.shrink || verdict.outcome !== 'killed' || verdict.token === null) return verdict;
    return { ...verdict, shrunk: await shrinkIn(planted.directory, verdict.token) };
  } finally {
    planted.remove();
  }
}
