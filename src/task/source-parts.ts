// What a source gives its chain, in order: batches, and watermarks and idleness among them.
//
// Owns:    cutting what was polled at once into parts, so that a watermark stands where its record does.
// Not:     which watermarks there are (split-watermarks.ts), when a part is given (source-machine.ts).
//
// P1. The parts are the records of the poll, each once, in their order; without anything among them there is one part.

import type { DeadLetter } from '../operators/poison.js';
import type { WatermarkEmission } from '../operators/split-watermarks.js';

export interface BatchPart {
  readonly kind: 'part';
  /** Index of its first record among all that was polled at once. */
  readonly from: number;
  readonly values: unknown[];
  readonly timestamps: number[];
}

/** What was read and is no record, on its way to the dead letters. */
export interface LetterPart {
  readonly kind: 'letter';
  readonly tag: string;
  readonly letter: DeadLetter;
  readonly timestamp: number;
}

export type SourcePart = BatchPart | WatermarkEmission | LetterPart;

/** Something among the records of a poll; `after`: how many of them stand before it. In order where that is the same. */
export type PlacedPart =
  | { readonly kind: 'time'; readonly after: number; readonly part: WatermarkEmission }
  /** What was read and is no record. `part` null: nothing is left of it. */
  | { readonly kind: 'rejected'; readonly after: number; readonly part: LetterPart | null }
  /** The same in the place of the record that would be next. */
  | { readonly kind: 'leftOut'; readonly after: number; readonly part: LetterPart | null };

const ORDER = { time: 0, rejected: 1, leftOut: 2 };

/** In the order in which they stand. */
export function inOrder(placed: PlacedPart[]): readonly PlacedPart[] {
  return placed.sort((a, b) => a.after - b.after || ORDER[a.kind] - ORDER[b.kind]);
}

/** `placed` in order. */
export function cutBatch(
  values: unknown[],
  timestamps: number[],
  placed: readonly PlacedPart[],
): readonly SourcePart[] {
  if (placed.length === 0) return values.length === 0 ? [] : [{ kind: 'part', from: 0, values, timestamps }];
  const parts: SourcePart[] = [];
  let from = 0;
  let rejected = 0;
  const range = (to: number): void => {
    if (to <= from) return;
    const all = from === 0 && to === values.length;
    parts.push({
      kind: 'part',
      from: from + rejected,
      values: all ? values : values.slice(from, to),
      timestamps: all ? timestamps : timestamps.slice(from, to),
    });
    from = to;
  };
  for (const { kind, after, part } of placed) {
    range(after);
    if (part !== null) parts.push(part);
    if (kind === 'leftOut') from += 1;
    else if (kind === 'rejected') rejected += 1;
  }
  range(values.length);
  return parts;
}
