// Splits and positions as they come out of a checkpoint or savepoint, which is data from outside.
//
// Owns:    refusing what the source itself cannot have stored, before anything is opened with it.
// Not:     whether the file or the values are still the same (the connectors).
//
// P1. A split that the source does not list is never opened, whatever its stored form says of where it came from.

import { ConnectorError } from '../base/errors.js';
import { shownValue } from '../base/shown-text.js';
import { isWhole } from '../base/whole.js';
import type { SourceContext, SourceSplit } from '../operators/source.js';
import { AT_END, type ContentMark, type FilePosition, HEAD_BYTES, TAIL_BYTES } from './file-mark.js';

type Place = Pick<SourceContext, 'operator' | 'subtask'>;

/** Throws ConnectorError unless the split is one of the source's own. */
export function checkSplitId(split: SourceSplit, own: readonly string[], context: Place): void {
  if (own.includes(split.id)) return;
  throw refused(
    split,
    `is not one of its own: ${shownValue(own)}`,
    'Restore with the source that wrote it, or give this one a uid of its own; if it is the same, the checkpoint has been tampered with.',
    context,
  );
}

/** Throws ConnectorError unless the position is a number of records. */
export function checkCount(split: SourceSplit, context: Place): void {
  if (isWhole(split.position)) return;
  throw wrongPosition(split, 'a number of records', context);
}

/** Throws ConnectorError unless the position is such as a reader of files stores. */
export function checkFilePosition(split: SourceSplit, context: Place): void {
  if (isFilePosition(split.position)) return;
  throw wrongPosition(split, 'a place in a file with its marks', context);
}

/** The one split of a source that has no parts; null for a subtask that has nothing to read. Throws as above. */
export function onlySplit(
  splits: readonly SourceSplit<number>[],
  id: string,
  context: Place,
): SourceSplit<number> | null {
  for (const split of splits) {
    checkSplitId(split, [id], context);
    checkCount(split, context);
  }
  return splits[0] ?? null;
}

function isFilePosition(position: unknown): position is FilePosition {
  if (typeof position !== 'object' || position === null) return false;
  const { offset, identity, head, tail } = position as Partial<Record<keyof FilePosition, unknown>>;
  if (identity !== null && typeof identity !== 'string') return false;
  if (offset === AT_END) return isMark(head, 0) && isMark(tail, 0);
  return (
    isWhole(offset) &&
    isMark(head, Math.min(offset, HEAD_BYTES)) &&
    isMark(tail, Math.min(offset, TAIL_BYTES))
  );
}

/** A mark over nothing would take any file for the one that was read, so where there is something, there is a mark. */
function isMark(mark: unknown, bytesMax: number): mark is ContentMark {
  if (typeof mark !== 'object' || mark === null) return false;
  const { bytes, checksum } = mark as Partial<Record<keyof ContentMark, unknown>>;
  return isWhole(bytes) && bytes <= bytesMax && bytes > 0 === bytesMax > 0 && Number.isInteger(checksum);
}

function wrongPosition(split: SourceSplit, expected: string, context: Place): ConnectorError {
  return refused(
    split,
    `stands at ${shownValue(split.position)}, expected ${expected}`,
    'Restore with the source that wrote it; if it is the same, the checkpoint is damaged or has been tampered with: use an older one.',
    context,
  );
}

function refused(
  split: SourceSplit,
  what: string,
  remedy: string,
  { operator, subtask }: Place,
): ConnectorError {
  return new ConnectorError(`A restored split of source "${operator}", ${shownValue(split.id)}, ${what}.`, {
    operator,
    subtask,
    remedy,
    unrecoverable: true,
  });
}
