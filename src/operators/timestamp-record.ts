// What assigning event time does to records: one by one in the middle of a stream, by batches at a source.
//
// Owns:    the order - timestamp, record, watermark - and whose failure a failure is.
// Not:     idleness, periodic watermarks, merging (timestamp-operator.ts, split-watermarks.ts).
//
// R1. With generated code, assigner and generator of one operator are inlined although other operators have others: 1.7 times
//     as many records/s through filter, map and a timestamp operator. Without it the same happens through shared code.

import { atBatchIndex } from '../base/errors.js';
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../base/timestamps.js';
import { generate } from './generated-code.js';
import type { Leap } from './leap.js';
import type { Output } from './operator.js';
import { ASSIGNING, assignTimestamp, GENERATING, refuseTimestamp } from './timestamp-assigner.js';
import { type CodePlace, userError } from './user-code.js';
import type { WatermarkGenerator, WatermarkStrategy } from './watermark-strategy.js';

export interface RecordParts {
  readonly strategy: WatermarkStrategy<unknown>;
  readonly place: CodePlace;
  readonly output: Output;
  readonly generator: WatermarkGenerator<unknown>;
  /** Shown every record that is ahead of all before it. */
  readonly leap: Leap;
  /** Takes what the generator answered, if it is not null. */
  readonly answered: (answer: unknown) => void;
}

export type RecordFunction = (value: unknown, recordTimestamp: number) => void;

/** Gives a record its time, emits it, asks the generator. */
export function recordFunction(parts: RecordParts): RecordFunction {
  const { strategy, place } = parts;
  if (strategy.timestamp === null) return sharedRecord(parts);
  return (
    generate<RecordFunction>({ ...parts, ...failuresOf(place), ...BOUNDS }, RECORD_SOURCE) ??
    sharedRecord(parts)
  );
}

export interface BatchParts {
  readonly strategy: WatermarkStrategy<unknown>;
  readonly place: CodePlace;
  readonly leap: Leap;
}

export type BatchFunction = (
  values: readonly unknown[],
  timestamps: number[],
  generator: WatermarkGenerator<unknown>,
  answered: (answer: unknown, index: number) => void,
) => void;

/** Writes the times of records into `timestamps` and shows them to the generator. */
export function batchFunction(parts: BatchParts): BatchFunction {
  const { strategy, place, leap } = parts;
  if (strategy.timestamp === null) return sharedBatch(parts);
  return (
    generate<BatchFunction>({ strategy, leap, ...failuresOf(place), ...BOUNDS }, BATCH_SOURCE) ??
    sharedBatch(parts)
  );
}

const BOUNDS = { MIN: MIN_TIMESTAMP, MAX: MAX_TIMESTAMP };

function failuresOf(place: CodePlace): Readonly<Record<'refuse' | 'explain', unknown>> {
  return {
    refuse: (value: unknown, timestamp: unknown): never => refuseTimestamp(place, value, timestamp),
    explain(cause: unknown, thrower: 'assigner' | 'generator' | 'engine', index?: number): unknown {
      if (thrower === 'engine') return index === undefined ? cause : atBatchIndex(cause, index);
      return userError(place, thrower === 'assigner' ? ASSIGNING : GENERATING, cause, index);
    },
  };
}

const RECORD_SOURCE = `return function (value, recordTimestamp) {
  let thrower = 'assigner';
  try {
    const timestamp = strategy.timestamp(value, recordTimestamp);
    thrower = 'engine';
    if (!(typeof timestamp === 'number' && timestamp > MIN && timestamp < MAX)) refuse(value, timestamp);
    if (timestamp > leap.highest) leap.rise(value, timestamp);
    output.emit(value, timestamp);
    thrower = 'generator';
    const answer = generator.onRecord(value, timestamp);
    thrower = 'engine';
    if (answer !== null) answered(answer);
  } catch (cause) {
    throw explain(cause, thrower);
  }
};`;

const BATCH_SOURCE = `return function (values, timestamps, generator, answered) {
  let thrower = 'engine';
  let index = 0;
  try {
    for (; index < values.length; index += 1) {
      const value = values[index];
      thrower = 'assigner';
      const timestamp = strategy.timestamp(value, timestamps[index]);
      thrower = 'engine';
      if (!(typeof timestamp === 'number' && timestamp > MIN && timestamp < MAX)) refuse(value, timestamp);
      timestamps[index] = timestamp;
      if (timestamp > leap.highest) leap.rise(value, timestamp);
      thrower = 'generator';
      const answer = generator.onRecord(value, timestamp);
      thrower = 'engine';
      if (answer !== null) answered(answer, index);
    }
  } catch (cause) {
    throw explain(cause, thrower, index);
  }
};`;

function sharedRecord({ strategy, place, output, generator, leap, answered }: RecordParts): RecordFunction {
  return (value, recordTimestamp) => {
    const timestamp = assignTimestamp(strategy, place, value, recordTimestamp);
    if (timestamp > leap.highest) leap.rise(value, timestamp);
    output.emit(value, timestamp);
    ask(place, generator, value, timestamp, answered);
  };
}

function sharedBatch({ strategy, place, leap }: BatchParts): BatchFunction {
  return (values, timestamps, generator, answered) => {
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index];
      try {
        const timestamp = assignTimestamp(strategy, place, value, timestamps[index] as number);
        timestamps[index] = timestamp;
        if (timestamp > leap.highest) leap.rise(value, timestamp);
        ask(place, generator, value, timestamp, (answer) => answered(answer, index));
      } catch (cause) {
        throw atBatchIndex(cause, index);
      }
    }
  };
}

function ask(
  place: CodePlace,
  generator: WatermarkGenerator<unknown>,
  value: unknown,
  timestamp: number,
  answered: (answer: unknown) => void,
): void {
  let answer: unknown;
  try {
    answer = generator.onRecord(value, timestamp);
  } catch (cause) {
    throw userError(place, GENERATING, cause);
  }
  if (answer !== null) answered(answer);
}
