// Where a failure stands: the record or the key in hand, for people and for telling one record from others over restarts.
//
// Owns:    finding it when an operator or a source has failed.
// Not:     what is done about repeated failures (src/recovery/repeated-failure.ts).
//
// Q1. Nothing here costs anything while no error is on its way, and nothing here throws.

import { checksum } from '../src/base/checksum.js';
import { encode } from '../src/base/codec.js';
import type { PlaceInHand, RecordIdentity, WeirError } from '../src/base/errors.js';
import { shownValue } from '../src/base/shown-text.js';
import { MIN_TIMESTAMP, showTime } from '../src/base/timestamps.js';
import type { Chain } from '../src/task/chain.js';

/** What of a place is not the subtask. */
export type HandOf = Omit<PlaceInHand, 'subtask'>;

/** In a subtask of operators: the order of records differs from one attempt to the next, so only their content tells them apart. */
export function handOfOperators(chain: Chain, error: WeirError): HandOf {
  const record = chain.recordInHand(error.batchIndex);
  if (record === null) return momentIn(chain, error);
  const { value, timestamp, number } = record;
  return {
    position: `record ${number} of this subtask`,
    record: shownValue(value),
    identity: contentOf(value, timestamp),
  };
}

export interface SourceInHand {
  readonly chain: Chain;
  /** Of the records that are being taken, before the chain has them. */
  readonly taken: (index: number) => unknown;
  readonly describe: (index: number) => string | undefined;
  /** False: positions are counted from where a poll began, and differ from one attempt to the next. */
  readonly describesPositions: boolean;
}

/** In a subtask of a source with its chain. */
export function handOfSource(
  { chain, taken, describe, describesPositions }: SourceInHand,
  error: WeirError,
): HandOf {
  const record = chain.recordInHand(error.batchIndex);
  const index = record?.index ?? error.batchIndex;
  if (index === undefined) return momentIn(chain, error);
  const value = record === null ? taken(index) : record.value;
  const content = contentOf(value, record?.timestamp ?? MIN_TIMESTAMP);
  const position = attempted(() => describe(index));
  const lasting = describesPositions && position !== undefined;
  return {
    position,
    record: shownValue(value),
    identity: lasting ? { kind: 'position', text: `${position} ${content.text}` } : content,
  };
}

/** No record, but maybe a key: a timer rings, or a window fires. */
function momentIn(chain: Chain, error: WeirError): HandOf {
  const moment = chain.momentOf(error.operator);
  if (moment === null || moment.key === undefined) return {};
  const key = shownValue(moment.key);
  const time = moment.watermark > MIN_TIMESTAMP ? ` at watermark ${showTime(moment.watermark)}` : '';
  return { position: `key ${key}${time}`, identity: { kind: 'content', text: `key ${digest(moment.key)}` } };
}

function contentOf(value: unknown, timestamp: number): RecordIdentity {
  return { kind: 'content', text: `${timestamp} ${digest(value)}` };
}

function digest(value: unknown): string {
  return attempted(() => String(checksum(encode(value)))) ?? shownValue(value);
}

function attempted<T>(find: () => T): T | undefined {
  try {
    return find();
  } catch {
    // The failure that is being described is the news, not that a part of its description could not be found.
    return undefined;
  }
}
