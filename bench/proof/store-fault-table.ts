// The table of the proof `store-faults`: one row per fault, what must come of it, what came.
//
// Owns:    the shape of a row and the judgement of one.
// Not:     the faults (store-faults-virtual.ts, store-faults-disk.ts, store-faults-damage.ts).
//
// T1. A fault ends in one of two ways: the job finishes exactly once, or it is refused or fails with an error that names the
//     place and the way out. Wrong output, a hang, or the death of the process by a signal are neither.

import { CommittedFiles, realShelf, type Shelf } from './committed-files.js';
import { type Account, complaints, Ledger } from './ledger.js';

export type Expected =
  /** Finished, and every record is there once. */
  | { readonly kind: 'exact' }
  /** Ended with an error whose text has all these; what was committed is a part of the truth, nothing twice. */
  | { readonly kind: 'refused'; readonly names: readonly string[] }
  /** One of both: the fault may have hit something that nobody needs. */
  | { readonly kind: 'either'; readonly names: readonly string[] };

export interface Outcome {
  /** Null: the job finished. */
  readonly error: string | null;
  readonly account: Account;
  /** Torn, changed or vanished files; and those left over, when the job finished. */
  readonly fileProblems: readonly string[];
}

export interface Row {
  readonly name: string;
  readonly expected: Expected;
  readonly outcome: Outcome;
}

const SEEN_CHARS_MAX = 170;

export function readOutcome(
  output: string,
  truth: { readonly records: number; readonly keys: number },
  error: string | null,
  shelf: Shelf = realShelf,
): Outcome {
  const files = new CommittedFiles(output, shelf);
  const ledger = new Ledger(truth);
  files.readNew((value) => ledger.enter(value));
  const left = error === null ? files.leftOver() : [];
  const leftOver = left.length === 0 ? [] : [`${left.length} files are left over`];
  return { error, account: ledger.account(), fileProblems: [...files.problems, ...leftOver] };
}

/** What is wrong with a row; empty when it is as expected. */
export function judgeRow({ expected, outcome }: Row): string[] {
  const { account, error, fileProblems } = outcome;
  if (error === null) {
    const early = expected.kind === 'refused' ? ['the job finished, an error was expected'] : [];
    return [...early, ...complaints(account), ...fileProblems];
  }
  if (expected.kind === 'exact') return [`the job failed: ${error}`];
  // What was not processed is missing, and the error says so. Anything else is wrong output.
  const wrong = complaints({ ...account, lost: 0, miscounted: 0 });
  const missing = expected.names.filter((name) => !error.includes(name));
  return [...wrong, ...fileProblems, ...missing.map((name) => `the error does not name "${name}": ${error}`)];
}

export function rowText(row: Row, problems: readonly string[]): string {
  const { name, expected, outcome } = row;
  const wanted = {
    exact: 'exactly once',
    refused: 'a clear error',
    either: 'exactly once, or a clear error',
  };
  const seen =
    outcome.error === null
      ? `finished, ${outcome.account.committed} of ${outcome.account.expected} committed`
      : outcome.error.slice(0, SEEN_CHARS_MAX);
  const verdict = problems.length === 0 ? 'ok   ' : 'WRONG';
  return `${verdict} ${name}\n      expected ${wanted[expected.kind]}; seen: ${seen}`;
}
