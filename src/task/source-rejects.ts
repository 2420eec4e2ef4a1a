// What a source has read and nobody can make a record of.
//
// Owns:    what becomes of it under the policy of the source (onError): a failure, a letter, nothing; and its place among the records.
// Not:     cutting records into parts (source-parts.ts).

import { messageOf, UserCodeError, WeirError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { MIN_TIMESTAMP } from '../base/timestamps.js';
import { LeftOut } from '../operators/left-out.js';
import { isPoison, type OnError } from '../operators/poison.js';
import type { Polled, Rejected } from '../operators/source.js';
import type { PlacedEmission, SplitWatermarks } from '../operators/split-watermarks.js';
import { type CodePlace, shown } from '../operators/user-code.js';
import { inOrder, type LetterPart, type PlacedPart } from './source-parts.js';

export interface SourceRejectsOptions extends CodePlace {
  readonly logger: Logger;
  readonly count: (metric: string, delta: number) => void;
}

export class SourceRejects {
  /** False: what fails is a failure of the source. */
  readonly leavesOut: boolean;
  private readonly place: CodePlace;
  private readonly leftOut: LeftOut | null;

  constructor(options: SourceRejectsOptions, policy: OnError) {
    this.place = options;
    this.leavesOut = policy !== 'fail';
    this.leftOut = policy === 'fail' ? null : new LeftOut(options, policy);
  }

  /** Throws what ends the attempt; null: nothing is left of it. */
  reject(
    { record, error, position }: Omit<Rejected, 'before'>,
    timestamp: number = MIN_TIMESTAMP,
  ): LetterPart | null {
    const { leftOut } = this;
    const failure = this.errorOf(record, error, position);
    if (leftOut === null || !isPoison(failure)) throw failure;
    const failed = {
      trigger: 'record',
      record,
      position: position ?? null,
      key: null,
      timestamp,
      window: null,
    } as const;
    leftOut.note(failed, failure);
    const { tag } = leftOut;
    return tag === null ? null : { kind: 'letter', tag, letter: leftOut.letter(failed, failure), timestamp };
  }

  private errorOf(record: unknown, error: unknown, position: string | undefined): unknown {
    const { name, subtask, declaredAt } = this.place;
    if (error instanceof WeirError) return error.at({ operator: name, subtask, position });
    return new UserCodeError(`Source "${name}" has read what is no record: ${messageOf(error)}.`, {
      ...{ operator: name, subtask, declaredAt, position, record: shown(record) },
      cause: error,
    });
  }
}

const NOTHING: readonly never[] = [];

function placedTime({ after, emission }: PlacedEmission): PlacedPart {
  return { kind: 'time', after, part: emission };
}

export interface Among {
  readonly watermarks: SplitWatermarks | null;
  readonly rejects: SourceRejects;
  readonly describe: (index: number) => string | undefined;
}

/** Watermarks among the records of a poll, and what of it is no record. Writes the event times into `timestamps`. */
export function placedAmong(
  { split, values, rejected }: Polled<unknown> & { readonly kind: 'records' },
  timestamps: number[],
  nowMs: number,
  { watermarks, rejects, describe }: Among,
): readonly PlacedPart[] {
  // Of most polls nothing is to be said.
  if (rejected === undefined && !rejects.leavesOut) {
    const times = watermarks?.onRecords(split, values, timestamps, nowMs) ?? NOTHING;
    return times.length === 0 ? NOTHING : times.map(placedTime);
  }
  const placed: PlacedPart[] = [];
  for (const each of rejected ?? [])
    placed.push({ kind: 'rejected', after: each.before, part: rejects.reject(each) });
  const leaveOut = (index: number, error: unknown): void => {
    const before = rejected?.filter((each) => each.before <= index).length ?? 0;
    const position = describe(index + before);
    const given = { record: values[index], error, ...(position === undefined ? {} : { position }) };
    placed.push({ kind: 'leftOut', after: index, part: rejects.reject(given, timestamps[index]) });
  };
  const times =
    watermarks?.onRecords(split, values, timestamps, nowMs, rejects.leavesOut ? leaveOut : null) ?? [];
  for (const time of times) placed.push(placedTime(time));
  return inOrder(placed);
}
