// A failure for the person who has to mend the program: what was violated, by how little, and how to see it again.
//
// Owns:    the order and the words of the report.
// Not:     faults in words (report-words.ts), which events are shown (report-timeline.ts), many runs (report-explore.ts).
//
// R1. The first lines say what is wrong, the last line is the one command that does it again.
// R2. Plain text: a terminal, a log and the message of a failed test show the same.

import type { Knobs, RunSpec } from './execution.js';
import type { Failure, ShrinkSummary } from './exploration.js';
import { actorLines, timelineLines, treeLines } from './report-timeline.js';
import { faultInWords, numberOf, showMs } from './report-words.js';

/** `replayCommand`: what the reader types to see the minimal run again. */
export function failureText(failure: Failure, how: { readonly replayCommand: string }): string {
  const { violation, outcome, minimal } = failure;
  const { trace } = outcome;
  if (isOfExploration(failure)) return explorationText(failure, how.replayCommand);
  return [
    `${failure.subject}: ${checkName(failure)} is violated, seed ${minimal.seed}`,
    ...indented([violation.message]),
    ...(violation.example.length === 0 ? [] : indented([`counterexample: ${violation.example.join(', ')}`])),
    ...section('Faults', faultLines(minimal)),
    ...section('With', knobLines(failure)),
    ...(trace === null || trace.events.length === 0 ? [] : section('What happened', timelineLines(trace))),
    ...(trace?.tree == null ? [] : section('Actors at the end', treeLines(trace.tree))),
    ...(trace === null ? [] : section('Last events of those involved', actorLines(outcome, trace))),
    ...section('Found', foundLines(failure)),
    '',
    `Replay: ${how.replayCommand}`,
  ].join('\n');
}

/** As `unreachedProperties` says it; a check of a user's own would have to quote its name and say the same. */
const IN_NONE = / in none of \d+ seeds/;

/** True when no single run shows it: what should have happened sometimes has happened in none of them. */
export function isOfExploration({ violation: { check, message, oracle } }: Failure): boolean {
  return oracle === null && message.startsWith(`"${check}" `) && IN_NONE.test(message);
}

function explorationText(failure: Failure, replayCommand: string): string {
  return [
    `${failure.subject}: ${checkName(failure)} is violated by all runs together`,
    ...indented([failure.violation.message]),
    '',
    `Replay the first of them: ${replayCommand}`,
  ].join('\n');
}

/** `exactlyOnce (O1)`. */
function checkName(failure: Failure): string {
  const { check, oracle } = failure.violation;
  return oracle === null || check.startsWith(oracle) ? check : `${check} (${oracle})`;
}

function faultLines(minimal: RunSpec): readonly string[] {
  const { faults } = minimal.plan;
  if (faults.length === 0) return ['none: the order of events alone is enough'];
  return faults.map((fault, index) => `${index}  ${faultInWords(fault)}`);
}

function knobLines(failure: Failure): readonly string[] {
  const { minimal, found } = failure;
  const knobs = knobsInWords(minimal.knobs, found.knobs);
  return knobs === '' ? [] : [knobs];
}

// A knob at 0 has been shrunk to where it does nothing.
function knobsInWords(minimal: Knobs, found: Knobs): string {
  return Object.entries(minimal)
    .filter(([, value]) => value !== 0)
    .map(([name, value]) => {
      const before = found[name];
      return `${name} ${value}${before === undefined || before === value ? '' : ` (was ${before})`}`;
    })
    .join(', ');
}

function foundLines(failure: Failure): readonly string[] {
  const { outcome, found, shrink } = failure;
  const others = new Set(outcome.violations.map(({ check }) => check));
  others.delete(failure.violation.check);
  return [
    shrink === null
      ? `as found, with seed ${found.seed}; not shrunk`
      : `${shrinkInWords(shrink)}; found with seed ${found.seed}`,
    `${numberOf(outcome.counts.steps, 'step')}, ${showMs(outcome.counts.virtualMs)} of virtual time, ${numberOf(
      outcome.counts.checkpoints,
      'checkpoint',
    )}, ${numberOf(outcome.counts.restores, 'restore')}`,
    ...(others.size === 0 ? [] : [`the same run violates also: ${[...others].join(', ')}`]),
    ...(failure.unstable
      ? [
          'UNSTABLE: the second run of it was another one. Something outside of the simulation decides: real time, real I/O,',
          'or state that outlives a run. A replay may not show the failure until that is gone.',
        ]
      : []),
  ];
}

function shrinkInWords(shrink: ShrinkSummary): string {
  const faults = `shrunk from ${numberOf(shrink.faultsBefore, 'fault')} to ${shrink.faultsAfter}`;
  const effort = `in ${numberOf(shrink.runs, 'run')}, ${showMs(Math.round(shrink.elapsedMs))}`;
  const least =
    shrink.result === 'minimal' ? 'nothing can be left out' : 'the budget ended before it was minimal';
  return `${faults} ${effort}: ${least}`;
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', title, ...indented(lines)];
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => line.split('\n')).map((line) => `  ${line}`);
}
