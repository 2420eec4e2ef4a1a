// What is wrong with the results of a run, by the model of its shape.
//
// Owns:    comparing multisets, and the order within a key.
// Not:     what the results have to be (models), everything else that an oracle sees (src/chaos).
//
// J1. Results are texts, so that a model and a job are compared without knowing what they mean.
// J2. What a fault has ended for good may lack results, but none of them may be wrong.

import type { Violation } from '../../src/chaos/execution.js';
import type { CommittedResult, FinishedRun } from '../../src/chaos/scenario-options.js';
import type { Row } from './rows.js';
import type { Shape, ShapeOracle } from './shape.js';

/** How often each result is expected. */
export type Expected = (rows: readonly Row[]) => ReadonlyMap<string, number>;

const EXAMPLES = 3;
const NAMES: Readonly<Record<ShapeOracle, string>> = {
  O1: 'exactly once',
  O2: 'state',
  O3: 'order',
  O13: 'event time',
  O17: 'differential',
};

export function judge(
  shape: Shape,
  run: FinishedRun<string>,
  expectedOf: Expected,
): { readonly violations: readonly Violation[]; readonly checked: number } {
  const rows = run.input as readonly Row[];
  const texts = run.results.map(({ value }) => value);
  const violations: Violation[] = [];
  if (shape.model !== undefined) violations.push(...differences(shape, run, texts, expectedOf(rows)));
  if (shape.check !== undefined) {
    const wrong = shape.check(rows, texts, run.finished);
    if (wrong.length > 0) violations.push(violation(shape, run, `${wrong.length} results are wrong`, wrong));
  }
  if (shape.ordered === true) violations.push(...disorder(run.results));
  return { violations, checked: run.results.length };
}

export function countsOf(texts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

function differences(
  shape: Shape,
  run: FinishedRun<string>,
  texts: readonly string[],
  expected: ReadonlyMap<string, number>,
): Violation[] {
  const got = countsOf(texts);
  const missing: string[] = [];
  const surplus: string[] = [];
  for (const [text, times] of expected) if ((got.get(text) ?? 0) < times) missing.push(text);
  for (const [text, times] of got) {
    const wanted = expected.get(text) ?? 0;
    // Without a failure nothing comes twice.
    const failed = run.counts.attempts > 1;
    const mayRepeat = failed && (shape.repeats === 'more' || (shape.repeats === 'same' && wanted > 0));
    if (times > wanted && !mayRepeat) surplus.push(text);
  }
  const lost = run.finished ? missing.length : 0;
  if (lost === 0 && surplus.length === 0) return [];
  const message = `${lost} of ${expected.size} results are lost, ${surplus.length} are wrong or come too often`;
  return [violation(shape, run, message, [...(lost > 0 ? missing : []), ...surplus])];
}

function violation(
  shape: Shape,
  run: FinishedRun<string>,
  message: string,
  examples: readonly string[],
): Violation {
  return {
    check: `${shape.oracle} ${NAMES[shape.oracle]}`,
    oracle: run.finished ? shape.oracle : 'O11',
    message,
    example: examples.slice(0, EXAMPLES),
  };
}

function disorder(results: readonly CommittedResult<string>[]): Violation[] {
  const last = new Map<string, number>();
  for (const { value } of results) {
    const [key = '', n] = value.split('#');
    if (n === undefined) continue;
    if (Number(n) <= (last.get(key) ?? 0)) {
      const message = `${value} is committed after ${key}#${last.get(key)}`;
      return [{ check: 'O3 order', oracle: 'O3', message, example: [value] }];
    }
    last.set(key, Number(n));
  }
  return [];
}
