// What the hunt for one mutant has shown, and the report over all of them.
//
// Owns:    reading the answer of a simulation, means, the table, the summary.
// Not:     running simulations (hunt.ts).
//
// V1. Killed means: the simulation reported a failure in every batch of seeds. A simulation that crashed or did not end has
//     reported nothing, so it kills nothing.
// V2. Seeds to detect is the mean over the batches, the failing seed included.

import { MUTANTS } from './catalog.js';
import { type Mutant, ORACLES, type Oracle } from './mutant.js';

/** The part of the simulation's answer that matters here. */
export interface SimulationAnswer {
  readonly seeds: number;
  readonly failures: readonly {
    readonly shape: string;
    readonly seed: number;
    readonly check: string;
    readonly oracle: string | null;
    readonly message: string;
    readonly token: string | null;
  }[];
  readonly seedsPerMinute: number;
  /** How many failing runs each oracle has noticed; a run that fails may be noticed by several. */
  readonly oracles?: Readonly<Record<string, number>>;
  /** `unchecked`: runs in which no check looked at anything. */
  readonly parts?: Readonly<Record<string, { readonly sums: { readonly unchecked?: number } }>>;
}

/** What became of one batch. */
export type BatchResult =
  | { readonly kind: 'answered'; readonly answer: SimulationAnswer; readonly elapsedMs: number }
  /** It was ended after the time limit. */
  | { readonly kind: 'stuck'; readonly elapsedMs: number }
  /** It ended without an answer. */
  | { readonly kind: 'broken'; readonly why: string; readonly elapsedMs: number };

export interface Verdict {
  readonly name: string;
  readonly title: string;
  readonly expected: readonly Oracle[];
  readonly outcome: 'killed' | 'survived' | 'stuck' | 'broken';
  /** Mean over the batches; null unless killed. */
  readonly seedsToDetect: number | null;
  readonly seedsPerBatch: readonly number[];
  readonly noticedBy: readonly string[];
  readonly checks: readonly string[];
  /** Of the first failure: replays it in the planted copy. */
  readonly token: string | null;
  readonly vacuous: number;
  readonly elapsedMs: number;
  readonly why: string | null;
  /** Of the first failure, where it was asked for. */
  readonly shrunk?: Shrunk | null;
}

/** What shrinking made of a failure. */
export interface Shrunk {
  readonly faultsBefore: number;
  readonly faultsAfter: number;
  readonly runs: number;
  readonly ms: number;
  /** False: the budget ended first. */
  readonly minimal: boolean;
  /** Real milliseconds of the whole command, its start included. */
  readonly commandMs: number;
}

/** What a hunt has shown, as it is kept in a file. */
export interface Report {
  readonly node: string;
  readonly date: string;
  readonly seedsMax: number;
  readonly batches: number;
  /** What fails without any mutant. */
  readonly falseAlarms: readonly string[];
  readonly verdicts: readonly Verdict[];
}

/** Later verdicts replace earlier ones; what was shrunk earlier stays. In the order of the list. */
export function mergedWith(earlier: readonly Report[], last: Report): Report {
  const all = [...earlier, last];
  const byName = new Map<string, Verdict>();
  for (const verdict of all.flatMap(({ verdicts }) => verdicts)) {
    const shrunk = verdict.shrunk ?? byName.get(verdict.name)?.shrunk ?? null;
    byName.set(verdict.name, { ...verdict, shrunk });
  }
  return {
    ...last,
    seedsMax: Math.max(...all.map(({ seedsMax }) => seedsMax)),
    falseAlarms: [...new Set(all.flatMap(({ falseAlarms }) => falseAlarms))],
    verdicts: MUTANTS.flatMap(({ name }) => byName.get(name) ?? []),
  };
}

const SHRUNK = /shrunk from ([\d,]+) faults? to ([\d,]+) in ([\d,]+) runs?, ([\d.]+) (ms|s|min): (.+); found/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000 };

/** From the text of a replay. Null when nothing was shrunk. */
export function shrunkOf(text: string, commandMs: number): Shrunk | null {
  const found = SHRUNK.exec(text);
  if (found === null) return null;
  const [before, after, runs] = found.slice(1, 4).map((each) => Number(each.replaceAll(',', '')));
  return {
    faultsBefore: before ?? 0,
    faultsAfter: after ?? 0,
    runs: runs ?? 0,
    ms: Number(found[4]) * (UNIT_MS[found[5] ?? ''] ?? 1),
    minimal: found[6] === 'nothing can be left out',
    commandMs,
  };
}

/** The object that the simulation printed. Throws when there is none. */
export function parseAnswer(stdout: string): SimulationAnswer {
  const answer: unknown = JSON.parse(stdout.slice(stdout.indexOf('{')));
  if (typeof answer === 'object' && answer !== null && 'seeds' in answer && 'failures' in answer)
    return answer as SimulationAnswer;
  throw new Error('the simulation printed no report');
}

export function verdictOf(mutant: Mutant, batches: readonly BatchResult[]): Verdict {
  const answers = batches.flatMap((batch) => (batch.kind === 'answered' ? [batch.answer] : []));
  const failures = answers.flatMap((answer) => answer.failures);
  const outcome = outcomeOf(batches);
  const seedsPerBatch = answers.map((answer) => answer.seeds);
  const broken = batches.find((batch) => batch.kind === 'broken');
  return {
    name: mutant.name,
    title: mutant.title,
    expected: mutant.oracles,
    outcome,
    seedsToDetect: outcome === 'killed' ? mean(seedsPerBatch) : null,
    seedsPerBatch,
    noticedBy: inOrder([
      ...failures.map(({ oracle }) => oracle ?? 'user'),
      ...answers.flatMap(({ oracles = {} }) => Object.keys(oracles)),
    ]),
    checks: [...new Set(failures.map(({ check }) => check))].sort(),
    token: failures[0]?.token ?? null,
    vacuous: answers.reduce((sum, answer) => sum + vacuousIn(answer), 0),
    elapsedMs: batches.reduce((sum, batch) => sum + batch.elapsedMs, 0),
    why: broken?.kind === 'broken' ? broken.why : null,
  };
}

function vacuousIn({ parts = {} }: SimulationAnswer): number {
  return Object.values(parts).reduce((sum, { sums }) => sum + (sums.unchecked ?? 0), 0);
}

function outcomeOf(batches: readonly BatchResult[]): Verdict['outcome'] {
  for (const kind of ['broken', 'stuck'] as const)
    if (batches.some((batch) => batch.kind === kind)) return kind;
  const killed = batches.every((batch) => batch.kind === 'answered' && batch.answer.failures.length > 0);
  return killed && batches.length > 0 ? 'killed' : 'survived';
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

function inOrder(names: readonly string[]): readonly string[] {
  const rank = (name: string): number => {
    const at = (ORACLES as readonly string[]).indexOf(name);
    return at === -1 ? ORACLES.length : at;
  };
  return [...new Set(names)].sort((a, b) => rank(a) - rank(b));
}

export function tableOf(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map((verdict) => [
    verdict.name,
    verdict.outcome,
    verdict.seedsToDetect === null ? '-' : shown(verdict.seedsToDetect),
    verdict.noticedBy.join(' ') || '-',
    verdict.expected.join(' '),
  ]);
  const all = [['mutant', 'outcome', 'seeds', 'noticed by', 'expected'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function shown(seeds: number): string {
  return seeds < 10 ? seeds.toFixed(1) : String(Math.round(seeds));
}

export interface Summary {
  readonly killed: number;
  readonly mutants: number;
  /** Names of those that were not killed, with what became of them. */
  readonly left: readonly string[];
  /** Mutants that each oracle has noticed. */
  readonly kills: Readonly<Record<Oracle, number>>;
  readonly medianSeeds: number | null;
  readonly worstSeeds: number | null;
  readonly vacuous: number;
}

export function summaryOf(verdicts: readonly Verdict[]): Summary {
  const killed = verdicts.filter(({ outcome }) => outcome === 'killed');
  const seeds = killed.flatMap(({ seedsToDetect }) => seedsToDetect ?? []).sort((a, b) => a - b);
  const kills = Object.fromEntries(
    ORACLES.map((oracle) => [oracle, killed.filter(({ noticedBy }) => noticedBy.includes(oracle)).length]),
  );
  return {
    killed: killed.length,
    mutants: verdicts.length,
    left: verdicts.flatMap(({ name, outcome }) => (outcome === 'killed' ? [] : [`${name} (${outcome})`])),
    kills: kills as Record<Oracle, number>,
    medianSeeds: seeds[Math.floor((seeds.length - 1) / 2)] ?? null,
    worstSeeds: seeds.at(-1) ?? null,
    vacuous: verdicts.reduce((sum, verdict) => sum + verdict.vacuous, 0),
  };
}

export function summaryLines(summary: Summary): readonly string[] {
  const { killed, mutants, left, kills, medianSeeds, worstSeeds, vacuous } = summary;
  const seeds =
    medianSeeds === null || worstSeeds === null
      ? ''
      : `, seeds to detect: median ${shown(medianSeeds)}, worst ${shown(worstSeeds)}`;
  return [
    `killed ${killed} of ${mutants}${seeds}`,
    `kills by oracle: ${ORACLES.map((oracle) => `${oracle} ${kills[oracle]}`).join(', ')}`,
    `vacuous runs: ${vacuous}`,
    ...(left.length === 0 ? [] : [`not killed: ${left.join(', ')}`]),
  ];
}
