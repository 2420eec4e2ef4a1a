// The checks of a scenario: what must hold of the results of every run, whatever the faults.
//
// Owns:    which checks exist, and what each of them calls wrong.
// Not:     comparing values (check-values.ts), oracles of the engine itself, which apply without being asked for.
//
// C1. A violation names the smallest counterexample that is known, and how many there are.
// C2. A check that has looked at nothing says so: `checked` is 0 then, and the run proves nothing.
// C3. Checks read what has been committed outside of the program, never its own counters.

import { present } from '../base/assert.js';
import { messageOf } from '../base/errors.js';
import { endOf, mayLackResults } from './check-end.js';
import { compareIds, idExamples, idSentences } from './check-ids.js';
import { inversions } from './check-order.js';
import {
  canonical,
  countTexts,
  EXAMPLES_MAX,
  examplesOf,
  type ResultId,
  shortened,
  surplus,
} from './check-values.js';
import { type Duration, durationMs } from './durations.js';
import type { Violation } from './execution.js';
import { declareProperty, property } from './property.js';
import type { Check, CommittedResult, FinishedRun } from './scenario-options.js';

/** Names under which `check.sometimes` knows what to look at by itself. */
const KNOWN_SITUATIONS: ReadonlyMap<string, (run: FinishedRun<unknown>) => boolean> = new Map([
  ['recovered from a checkpoint', (run: FinishedRun<unknown>) => run.counts.restores > 0],
  ['completed a checkpoint', (run: FinishedRun<unknown>) => run.counts.checkpoints > 0],
  ['restarted', (run: FinishedRun<unknown>) => run.counts.attempts > 1],
]);

/** What a check of a user says: nothing, or what is wrong, in one sentence or several. */
export type CustomVerdict = string | readonly string[] | null | undefined;

interface Checks {
  /**
   * Every id comes as often as in the run without faults, and no other comes: nothing lost, nothing twice, nothing invented.
   * Oracle O1.
   */
  exactlyOnce<R>(id: (result: R) => ResultId): Check<R>;
  /** Every id of the run without faults comes, perhaps more than once; no other comes. */
  atLeastOnce<R>(id: (result: R) => ResultId): Check<R>;
  /**
   * Results of one key are committed in the order that they have without faults; or, with `position`, in the order of their
   * positions. Oracle O3.
   */
  orderedBy<R>(key: (result: R) => unknown, position?: (result: R) => number | bigint | string): Check<R>;
  /** The program has finished, and at most `within` (default `'30s'`) of virtual time after the last fault. Oracle O7. */
  drains(within?: Duration): Check<unknown>;
  /**
   * The results are those of the run without faults, in any order. `compare` makes of a result what counts of it, default all.
   * Oracle O17.
   */
  sameAsFaultFree<R>(compare?: (result: R) => unknown): Check<R>;
  /** The results are those that a simple function makes of the whole input, in any order. Oracle O2. */
  model<R, T = unknown>(fold: (input: readonly T[]) => readonly R[]): Check<R>;
  /**
   * In at least one run of an exploration `holds` is true. Without `holds`: `property.sometimes(name, ...)` in the program; the names
   * `recovered from a checkpoint`, `completed a checkpoint` and `restarted` are known.
   */
  sometimes<R>(name: string, holds?: (run: FinishedRun<R>) => boolean): Check<R>;
  /** In at least one run of an exploration the program comes by its `property.reachable(name)`. */
  reachable(name: string): Check<unknown>;
  /** The program is right, or fails with a typed error; either way it has committed nothing wrong before. Oracle O11. */
  failsLoudly<R>(compare?: (result: R) => unknown): Check<R>;
  /** What `verdict` says of a run that is over; an exception is a verdict too, so assertions of a test library may be used. */
  custom<R>(name: string, verdict: (run: FinishedRun<R>) => CustomVerdict): Check<R>;
}

export const check: Checks = {
  exactlyOnce: (id) =>
    compared('exactlyOnce', 'O1', (run) => {
      const differences = compareIds(idsOf(run.results, id), idsOf(faultFreeOf(run), id));
      return mayLackResults(endOf(run)) ? { ...differences, lost: [] } : differences;
    }),
  atLeastOnce: (id) =>
    compared('atLeastOnce', 'O1', (run) => {
      const differences = compareIds(idsOf(run.results, id), idsOf(faultFreeOf(run), id));
      return { ...differences, duplicated: [], ...(mayLackResults(endOf(run)) ? { lost: [] } : {}) };
    }),
  orderedBy,
  drains,
  sameAsFaultFree: (compare = itself) => ({
    name: 'sameAsFaultFree',
    oracle: 'O17',
    needsFaultFree: true,
    evaluate: (run) =>
      judgeMultisets('sameAsFaultFree', 'O17', run, run.results.map(resultOf).map(compare), {
        expected: faultFreeOf(run).map(resultOf).map(compare),
        source: 'the run without faults',
      }),
  }),
  model: (fold) => model(fold),
  sometimes,
  reachable: (name) => ({
    name: `reachable ${name}`,
    oracle: null,
    needsFaultFree: false,
    evaluate: () => {
      declareProperty('reachable', name);
      return NOTHING_TO_CHECK;
    },
  }),
  failsLoudly,
  custom,
};

type Judgement = ReturnType<Check<never>['evaluate']>;

/** Looks at the whole exploration and at no result of one run, so it does not count as having checked one. */
const NOTHING_TO_CHECK: Judgement = { violations: [], checked: 0 };

function compared<R>(
  name: string,
  oracle: string,
  differencesIn: (run: FinishedRun<R>) => ReturnType<typeof compareIds>,
): Check<R> {
  return {
    name,
    oracle,
    needsFaultFree: true,
    evaluate: (run) => {
      const differences = differencesIn(run);
      const sentences = idSentences(differences);
      const checked = Math.max(run.results.length, faultFreeOf(run).length);
      if (sentences.length === 0) return { violations: [], checked };
      const message = `${sentences.join('; ')}.`;
      return { violations: [{ check: name, oracle, message, example: idExamples(differences) }], checked };
    },
  };
}

function orderedBy<R>(
  key: (result: R) => unknown,
  position?: (result: R) => number | bigint | string,
): Check<R> {
  const name = 'orderedBy';
  return {
    name,
    oracle: 'O3',
    needsFaultFree: position === undefined,
    evaluate: (run) => {
      const results = run.results.map(resultOf);
      const reference = position === undefined ? faultFreeOf(run).map(resultOf) : null;
      const found = inversions(results, key, position ?? null, reference);
      if (found.length === 0) return { violations: [], checked: results.length };
      const example = found.slice(0, EXAMPLES_MAX).map(({ text }) => shortened(text));
      const keys = found.length === 1 ? '1 key' : `${found.length} keys`;
      const message = `Results of ${keys} were committed out of order; ${found[0]?.text ?? ''}.`;
      return { violations: [{ check: name, oracle: 'O3', message, example }], checked: results.length };
    },
  };
}

function drains(within: Duration = '30s'): Check<unknown> {
  const withinMs = durationMs(within, 'check.drains');
  const violation = (message: string): readonly Violation[] => [
    { check: 'drains', oracle: 'O7', message, example: [] },
  ];
  return {
    name: 'drains',
    oracle: 'O7',
    needsFaultFree: false,
    evaluate: (run) => ({ violations: drained(run), checked: 1 }),
  };

  function drained(run: FinishedRun<unknown>): readonly Violation[] {
    const end = endOf(run);
    if (end.kind === 'stoodStill')
      return violation('The program neither finished nor failed: it stands still.');
    if (end.kind === 'failed') return violation(`The program failed instead of finishing: ${end.error}`);
    if (run.healMs <= withinMs) return [];
    return violation(
      `The program needed ${run.healMs} ms after the last fault, and has ${withinMs} ms (virtual time).`,
    );
  }
}

function model<R, T>(fold: (input: readonly T[]) => readonly R[]): Check<R> {
  return {
    name: 'model',
    oracle: 'O2',
    needsFaultFree: false,
    evaluate: (run) =>
      judgeMultisets('model', 'O2', run, run.results.map(resultOf), {
        // The scenario knows the type of its own input; a run carries it without.
        expected: fold(run.input as readonly T[]),
        source: 'the model',
      }),
  };
}

function sometimes<R>(name: string, holds?: (run: FinishedRun<R>) => boolean): Check<R> {
  return {
    name: `sometimes ${name}`,
    oracle: null,
    needsFaultFree: false,
    evaluate: (run) => {
      const seen = holds ?? KNOWN_SITUATIONS.get(name);
      if (seen === undefined) declareProperty('sometimes', name);
      else property.sometimes(name, seen(run));
      return NOTHING_TO_CHECK;
    },
  };
}

function failsLoudly<R>(compare: (result: R) => unknown = itself): Check<R> {
  const name = 'failsLoudly';
  return {
    name,
    oracle: 'O11',
    needsFaultFree: true,
    evaluate: (run) => {
      const there = countTexts(run.results.map(resultOf).map(compare).map(canonical));
      const right = countTexts(faultFreeOf(run).map(resultOf).map(compare).map(canonical));
      const violations: Violation[] = [];
      const wrong = surplus(there, right);
      if (wrong.length > 0) {
        const message = `${wrong.length} wrong committed${run.finished ? '' : ' before the failure'}.`;
        violations.push({ check: name, oracle: 'O11', message, example: examplesOf(wrong) });
      }
      const silent = silence(run);
      if (silent !== null) violations.push({ check: name, oracle: 'O11', message: silent, example: [] });
      return { violations, checked: run.results.length + (run.finished ? 0 : 1) };
    },
  };
}

function silence(run: FinishedRun<unknown>): string | null {
  if (run.finished) return null;
  const { error } = run;
  if (error === null || error === undefined)
    return 'The program ended without an error, and had not finished.';
  const typed = error instanceof Error && 'code' in error && typeof error.code === 'string';
  return typed ? null : `The program failed with an error that has no code: ${messageOf(error)}`;
}

function custom<R>(name: string, verdict: (run: FinishedRun<R>) => CustomVerdict): Check<R> {
  return {
    name,
    oracle: null,
    needsFaultFree: false,
    evaluate: (run) => ({
      violations: sentencesOf(() => verdict(run)).map((message) => ({
        check: name,
        oracle: null,
        message,
        example: [],
      })),
      checked: run.results.length,
    }),
  };
}

function sentencesOf(verdict: () => CustomVerdict): readonly string[] {
  try {
    const said = verdict() ?? [];
    return typeof said === 'string' ? [said] : said;
  } catch (error) {
    return [messageOf(error)];
  }
}

function judgeMultisets(
  name: string,
  oracle: string,
  run: FinishedRun<unknown>,
  actual: readonly unknown[],
  reference: { readonly expected: readonly unknown[]; readonly source: string },
): Judgement {
  const there = countTexts(actual.map(canonical));
  const wanted = countTexts(reference.expected.map(canonical));
  const missing = mayLackResults(endOf(run)) ? [] : surplus(wanted, there);
  const extra = surplus(there, wanted);
  const checked = Math.max(actual.length, reference.expected.length);
  if (missing.length + extra.length === 0) return { violations: [], checked };
  const parts = [
    ...(missing.length > 0 ? [`${missing.length} missing: ${examplesOf(missing)[0] ?? ''}`] : []),
    ...(extra.length > 0 ? [`${extra.length} too many: ${examplesOf(extra)[0] ?? ''}`] : []),
  ];
  const message = `Other results than ${reference.source}; ${parts.join('; ')}.`;
  const example = examplesOf([...missing, ...extra]);
  return { violations: [{ check: name, oracle, message, example }], checked };
}

function faultFreeOf<R>(run: FinishedRun<R>): readonly CommittedResult<R>[] {
  return present(run.faultFree, 'a run without faults for a check that asks for one');
}

function idsOf<R>(results: readonly CommittedResult<R>[], id: (result: R) => ResultId): readonly ResultId[] {
  return results.map((result) => id(result.value));
}

function resultOf<R>(result: CommittedResult<R>): R {
  return result.value;
}

function itself(result: unknown): unknown {
  return result;
}
