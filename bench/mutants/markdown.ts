// The hunt as a page: docs/mutants.md is written by this file, and by nothing else.
//
// Owns:    the page.
// Not:     the numbers (verdict.ts).

import { cpus } from 'node:os';
import { MUTANTS } from './catalog.js';
import { OUT_OF_REACH } from './list-out-of-reach.js';
import { type Mutant, ORACLES } from './mutant.js';
import { type Report, type Shrunk, shown, summaryOf, type Verdict } from './verdict.js';

export function pageOf(report: Report): string {
  const { verdicts, falseAlarms, seedsMax, node, date } = report;
  // Of the others, the slice as a whole failed.
  const seeds = falseAlarms.filter((alarm) => !alarm.endsWith(': 0 O16 vacuity'));
  const summary = summaryOf(verdicts);
  const { killed, mutants, medianSeeds, worstSeeds, vacuous } = summary;
  return `# Mutants

Does the simulation find bugs? A mutant is one planted bug: one edit of the engine, or of the simulation itself, that a user
would suffer from. Each is planted in a copy of the sources, and the simulation, which knows nothing of it, looks for it with
random seeds. Killed means: it reported a failure in every batch of seeds, each of at most ${seedsMax.toLocaleString('en')} and all of them different,
and the same seed passes in the unchanged sources. A simulation that crashes or does not end has killed nothing.

This page is written by \`npm run mutants -- --markdown docs/mutants.md\`; the mutants are in \`bench/mutants/list-*.ts\`.

## Figures

| | |
| --- | --- |
| mutants killed | ${killed} of ${mutants} that were hunted, of ${MUTANTS.length + OUT_OF_REACH.length} in the lists |
| seeds to detect | median ${numberOf(medianSeeds)}, worst ${numberOf(worstSeeds)} (means over the batches) |
| files that a mutant is in | ${new Set(MUTANTS.map(({ file }) => file)).size} |
| runs whose checks had no result to look at | ${vacuous} |
| seeds that fail in the unchanged sources too, and count for no mutant | ${seeds.length === 0 ? 'none' : seeds.join(', ')} |
| slices of some hundred seeds in which, in the unchanged sources too, a kind of fault was planned a dozen times and never fired: they count for no mutant either | ${falseAlarms.length - seeds.length} |
| measured | ${date}, Node ${node}, a machine with ${cpus().length} cores |

${survivors(verdicts)}${notHunted(verdicts)}
## Which oracle notices

Mutants that each oracle has noticed, as the first violation of a failing run or as another one of the same run.

| oracle | ${ORACLES.join(' | ')} |
| --- | ${ORACLES.map(() => '---').join(' | ')} |
| mutants | ${ORACLES.map((oracle) => summary.kills[oracle]).join(' | ')} |

${shrinking(verdicts)}
## All mutants

Seeds: how many were run until the failure, the failing one included, in each batch. Mutants of the kernel and
of the protocol are looked for in the simulations of actor trees and of the bare protocol first, where a seed costs a few
milliseconds; all others in whole jobs.

| mutant | what goes wrong | file | seeds | noticed by |
| --- | --- | --- | --- | --- |
${verdicts.map(row).join('\n')}
`;
}

function numberOf(seeds: number | null): string {
  return seeds === null ? '-' : shown(seeds);
}

function row(verdict: Verdict): string {
  const { name, title, outcome, seedsToDetect, seedsPerBatch, noticedBy } = verdict;
  const seeds = seedsToDetect === null ? outcome : seedsPerBatch.join(', ');
  return `| ${name} | ${cell(title)} | \`${mutantOf(name)?.file ?? ''}\` | ${seeds} | ${noticedBy.join(' ') || '-'} |`;
}

function mutantOf(name: string): Mutant | undefined {
  return MUTANTS.find((mutant) => mutant.name === name);
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function survivors(verdicts: readonly Verdict[]): string {
  const left = verdicts.filter(({ outcome }) => outcome !== 'killed');
  const lines = [
    ...left.map((verdict) => `- **${verdict.name}**: ${verdict.title} ${endOf(verdict)}`),
    ...OUT_OF_REACH.map(({ name, title, reason }) => `- **${name}**: ${title} ${reason}`),
  ];
  const text =
    lines.length === 0 ? 'None.' : `Planted, and not found by the simulation:\n\n${lines.join('\n')}`;
  return `## Survivors\n\n${text}\n`;
}

/** A page that is written from parts may lack some: they are named. */
function notHunted(verdicts: readonly Verdict[]): string {
  const names = MUTANTS.filter(({ name }) => !verdicts.some((verdict) => verdict.name === name)).map(
    ({ name }) => name,
  );
  if (names.length === 0) return '';
  return `\n## Not hunted yet\n\n${names.length} mutants of the lists, of which this page says nothing: ${names.join(', ')}.\n`;
}

function endOf({ outcome, seedsPerBatch, noticedBy }: Verdict): string {
  const seeds = seedsPerBatch.join(' and ') || 'no';
  const once = noticedBy.length === 0 ? '' : ` One batch found it (${noticedBy.join(' ')}), another did not.`;
  const how =
    outcome === 'stuck'
      ? 'its batch was ended by the time limit'
      : `${seeds} seeds did not show it in every batch`;
  return `Not killed: ${how}.${once}`;
}

function shrinking(verdicts: readonly Verdict[]): string {
  const all = verdicts.flatMap(({ shrunk }) => shrunk ?? []);
  if (all.length === 0) return '';
  const rows: readonly (readonly [string, (each: Shrunk) => number])[] = [
    ['faults in the run as found', ({ faultsBefore }) => faultsBefore],
    ['faults after shrinking', ({ faultsAfter }) => faultsAfter],
    ['runs that shrinking took', ({ runs }) => runs],
    ['real milliseconds that shrinking took', ({ ms }) => Math.round(ms)],
    ['real milliseconds from the command to the report', ({ commandMs }) => Math.round(commandMs)],
  ];
  const lines = rows.map(([what, of]) => {
    const values = all.map(of).sort((a, b) => a - b);
    const median = values[Math.floor((values.length - 1) / 2)] ?? 0;
    return `| ${what} | ${median.toLocaleString('en')} | ${(values.at(-1) ?? 0).toLocaleString('en')} |`;
  });
  const minimal = all.filter((each) => each.minimal).length;
  return `## Shrinking and replay

The first failures of ${all.length} mutants, replayed from their tokens (\`npm run simulate -- --replay <token>\`), which shrinks them.
All of them failed again in the same way; ${minimal} are minimal: no fault of them can be left out. For the others the budget of
shrinking was spent first.

| | median | most |
| --- | --- | --- |
${lines.join('\n')}
`;
}
