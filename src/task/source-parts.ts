// What a source gives its chain, in order: batches, and watermarks and idleness among them.
//
// Owns:    cutting what was polled at once into parts, so that a watermark stands where its record does.
// Not:     which watermarks there are (split-watermarks.ts), when a part is given (source-machine.ts).
//
// P1. The parts are the records of the poll, each once, in their order; without a watermark among them there is one part.

import type { PlacedEmission, WatermarkEmission } from '../operators/split-watermarks.js';

export interface BatchPart {
  readonly kind: 'part';
  /** Index of its first record among those that were polled at once. */
  readonly from: number;
  readonly values: unknown[];
  readonly timestamps: number[];
}

export type SourcePart = BatchPart | WatermarkEmission;

/** `placed` in rising order of `after`. */
export function cutBatch(
  values: unknown[],
  timestamps: number[],
  placed: readonly PlacedEmission[],
): readonly SourcePart[] {
  const parts: SourcePart[] = [];
  let from = 0;
  for (const { after, emission } of placed) {
    if (after > from && after < values.length) {
      parts.push({
        kind: 'part',
        from,
        values: values.slice(from, after),
        timestamps: timestamps.slice(from, after),
      });
      from = after;
    } else if (after === values.length && from < after) {
      parts.push(rest(values, timestamps, from));
      from = after;
    }
    parts.push(emission);
  }
  if (from < values.length) parts.push(rest(values, timestamps, from));
  return parts;
}

function rest(values: unknown[], timestamps: number[], from: number): BatchPart {
  if (from === 0) return { kind: 'part', from, values, timestamps };
  return { kind: 'part', from, values: values.slice(from), timestamps: timestamps.slice(from) };
}
