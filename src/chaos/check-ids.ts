// Ids that must be there exactly once, or at least once.
//
// Owns:    comparing the ids of results with those that are expected, and the words for lost, duplicated and unexpected.
// Not:     where the expected ones come from (check.ts, vitest.ts).
//
// I1. An id that is expected k times must come k times: programs that emit one result per key and window have such ids.

import { bySize, countTexts, examplesOf, type ResultId, surplus } from './check-values.js';

export interface IdDifferences {
  /** Expected and missing, once per time that it is missing. */
  readonly lost: readonly string[];
  /** There more often than expected, once per time too often. */
  readonly duplicated: readonly string[];
  /** Not expected at all. */
  readonly unexpected: readonly string[];
}

export function compareIds(actual: Iterable<ResultId>, expected: Iterable<ResultId>): IdDifferences {
  const there = countTexts([...actual].map(String));
  const wanted = countTexts([...expected].map(String));
  const more = surplus(there, wanted);
  return {
    lost: surplus(wanted, there),
    duplicated: more.filter((id) => wanted.has(id)),
    unexpected: more.filter((id) => !wanted.has(id)),
  };
}

/** One sentence per thing that is wrong; empty: nothing is. */
export function idSentences(differences: IdDifferences): readonly string[] {
  return [
    ...sentence(differences.lost, 'lost'),
    ...sentence(differences.duplicated, 'duplicated'),
    ...sentence(differences.unexpected, 'unexpected'),
  ];
}

/** The smallest ids of all that is wrong. */
export function idExamples(differences: IdDifferences): readonly string[] {
  const { lost, duplicated, unexpected } = differences;
  return examplesOf([...lost, ...duplicated, ...unexpected].sort(bySize));
}

function sentence(ids: readonly string[], what: string): string[] {
  if (ids.length === 0) return [];
  const named = examplesOf(ids);
  const rest = new Set(ids).size > named.length ? ', ...' : '';
  return [`${ids.length} ${what}: ${named.join(', ')}${rest}`];
}
