// Which splits each subtask of a source reads: those it had, and its share of those that are new.
//
// Owns:    comparing what the source has with what the checkpoint knows, over all subtasks.
// Not:     finding splits (the connector), spreading stored ones when the parallelism changes (src/checkpoint/redistribute.ts).
//
// H1. Every subtask computes the same shares from the same facts, so each split has one reader.
// H2. A new split goes to the subtask that has fewest left to read, the first of them; without a checkpoint that is round robin.
// H3. A split that is gone before its end is not read on and not forgotten in silence: it is told by name. One that had ended is no
//     matter, and one that a reader announced itself was never among those that the source lists. Once the source does list it, it is
//     one like the others.
// H4. A subtask that had finished has told its end to everybody below: it gets nothing new.

import type { SourceSplit } from '../operators/source.js';
import type { StoredSplit } from './split-positions.js';

/** What the checkpoint says of one subtask; no splits and not finished at a first start. */
export interface StoredShare {
  readonly splits: readonly StoredSplit[];
  readonly finished: boolean;
}

export interface SplitShares {
  /** By subtask, those that are gone included. */
  readonly shares: readonly (readonly StoredSplit[])[];
  /** Ids of splits that the checkpoint has not read to their end, and that the source does not have any more. */
  readonly gone: readonly string[];
  /** Ids of new splits that nobody can read, because all subtasks had finished. */
  readonly unread: readonly string[];
}

export function shareSplits(found: readonly SourceSplit[], stored: readonly StoredShare[]): SplitShares {
  const known = new Set(stored.flatMap(({ splits }) => splits.map(({ id }) => id)));
  const there = new Set(found.map(({ id }) => id));
  const isGone = ({ id, ended, announced }: StoredSplit): boolean =>
    !ended && announced !== true && !there.has(id);
  const gone = stored.flatMap(({ splits, finished }) => (finished ? [] : splits.filter(isGone)));
  const shares = stored.map(({ splits }) =>
    splits.map((split) => (there.has(split.id) ? listed(split) : split)),
  );
  // What is gone is not read, by whatever answer to it, so it is no load.
  const live = stored.map(({ splits, finished }) =>
    finished ? Number.POSITIVE_INFINITY : splits.filter((split) => !split.ended && !isGone(split)).length,
  );
  const unread: string[] = [];
  for (const { id, position } of found) {
    if (known.has(id)) continue;
    const least = Math.min(...live);
    const subtask = live.indexOf(least);
    if (least === Number.POSITIVE_INFINITY) unread.push(id);
    else {
      shares[subtask]?.push({ id, position, ended: false });
      live[subtask] = least + 1;
    }
  }
  return { shares, gone: gone.map(({ id }) => id).sort(), unread };
}

/** Kept, the mark would hide that the source has lost the split again. */
function listed({ id, position, ended }: StoredSplit): StoredSplit {
  return { id, position, ended };
}
