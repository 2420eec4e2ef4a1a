// Event time out of users' functions.
//
// Owns:    what counts as a timestamp, a watermark or a generator of them, and the error for what does not.

import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../base/timestamps.js';
import { type CodePlace, contractError, expectNow, poisonError, shown, userError } from './user-code.js';
import type { WatermarkGenerator, WatermarkStrategy } from './watermark-strategy.js';

/** What throws, for messages. */
export const ASSIGNING = 'the timestamp assigner';
export const GENERATING = 'the watermark generator';
const CREATING = 'the watermark strategy';

/** The timestamp of a record under a strategy. UserCodeError when the assigner throws or answers something that is no time. */
export function assignTimestamp(
  strategy: WatermarkStrategy<unknown>,
  place: CodePlace,
  value: unknown,
  recordTimestamp: number,
): number {
  if (strategy.timestamp === null) return recordTimestamp;
  let timestamp: unknown;
  try {
    timestamp = strategy.timestamp(value, recordTimestamp);
  } catch (cause) {
    throw userError(place, ASSIGNING, cause);
  }
  if (typeof timestamp === 'number' && timestamp > MIN_TIMESTAMP && timestamp < MAX_TIMESTAMP)
    return timestamp;
  return refuseTimestamp(place, value, timestamp);
}

/** The error for what an assigner answered for a record and is no time. */
export function refuseTimestamp(place: CodePlace, value: unknown, timestamp: unknown): never {
  expectNow(place, ASSIGNING, timestamp);
  throw poisonError(
    place,
    `Expected a timestamp in milliseconds since 1970, got ${shown(timestamp)} for ${described(value)}.`,
    'Return a number, for example Date.parse(text) or date.getTime(), and drop records without time before this operator.',
  );
}

/** What a watermark generator answered, or null when there is nothing to say. UserCodeError for what is no time. */
export function checkWatermark(place: CodePlace, time: unknown): number | null {
  if (time === null || time === undefined) return null;
  if (typeof time === 'number' && !Number.isNaN(time)) return time;
  expectNow(place, GENERATING, time);
  throw contractError(
    place,
    `Expected a watermark in milliseconds since 1970 or null, got ${shown(time)}.`,
    'Check what the watermark generator computes from the record.',
  );
}

/** A generator of the strategy. UserCodeError when it throws, or answers something that is none. */
export function createGenerator(
  strategy: WatermarkStrategy<unknown>,
  place: CodePlace,
): WatermarkGenerator<unknown> {
  let generator: WatermarkGenerator<unknown>;
  try {
    generator = strategy.createGenerator();
  } catch (cause) {
    throw userError(place, CREATING, cause);
  }
  expectNow(place, CREATING, generator);
  return generator;
}

function described(value: unknown): string {
  try {
    return JSON.stringify(value)?.slice(0, 200) ?? String(value);
  } catch {
    // Cyclic values and bigints have no JSON; the kind of value must do.
    return shown(value);
  }
}
