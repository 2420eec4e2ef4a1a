// Results of one key that were committed out of order.
//
// Owns:    the place of each result in its key, from its position or from the run without faults, and where the order breaks.
//
// O1. Only order is judged: what is missing, twice or unknown has no place and is left to other checks.
// O2. Two equal results are told apart by counting: the second one takes the second place of its kind.

import { bySize, canonical } from './check-values.js';

export interface Inversion {
  readonly key: string;
  /** `<key>: <earlier> after <later>`. */
  readonly text: string;
}

type Place = number | bigint | string;

/** The first break of each key that has one, in the order of their size. `reference` is there when `position` is not. */
export function inversions<R>(
  results: readonly R[],
  key: (result: R) => unknown,
  position: ((result: R) => Place) | null,
  reference: readonly R[] | null,
): readonly Inversion[] {
  const placeOf = position === null ? placesIn(reference ?? []) : position;
  const highest = new Map<string, { readonly place: Place; readonly result: R }>();
  const broken = new Map<string, Inversion>();
  for (const result of results) {
    const of = plain(key(result));
    const place = placeOf(result);
    if (place === null) continue;
    const before = highest.get(of);
    if (before === undefined || place >= before.place) highest.set(of, { place, result });
    else if (!broken.has(of)) {
      const [later, earlier] = position === null ? [before.result, result] : [before.place, place];
      broken.set(of, { key: of, text: `${of}: ${plain(earlier)} after ${plain(later)}` });
    }
  }
  return [...broken.values()].sort((a, b) => bySize(a.key, b.key));
}

function placesIn<R>(reference: readonly R[]): (result: R) => number | null {
  const places = new Map<string, number[]>();
  for (const [index, result] of reference.entries()) {
    const text = canonical(result);
    const known = places.get(text);
    if (known === undefined) places.set(text, [index]);
    else known.push(index);
  }
  const taken = new Map<string, number>();
  return (result) => {
    const text = canonical(result);
    const next = taken.get(text) ?? 0;
    taken.set(text, next + 1);
    return places.get(text)?.[next] ?? null;
  };
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : canonical(value);
}
