// How far each split of a source subtask has been read.
//
// Owns:    positions now, at each barrier, and where the batch in hand began.
// Not:     when positions move and when barriers are taken (source-machine.ts).
//
// P1. A position moves with the records before it, in one call (S1 of source.ts).

import { ConnectorError } from '../base/errors.js';
import type { CheckpointId } from '../base/ids.js';
import type { OperatorListSnapshot } from '../checkpoint/manifest.js';
import type { SourceSplit } from '../operators/source.js';

/** A split as stored: `ended` so that a finished split is not read again after a restore. */
export interface StoredSplit {
  readonly id: string;
  readonly position: unknown;
  readonly ended: boolean;
  /** Its reader announced it while the job ran: the source does not list it. */
  readonly announced?: true;
}

export function isStoredSplit(value: unknown): value is StoredSplit {
  if (typeof value !== 'object' || value === null || !('position' in value)) return false;
  const { id, ended } = value as Partial<Record<keyof StoredSplit, unknown>>;
  return typeof id === 'string' && typeof ended === 'boolean';
}

/** Name of the operator list state in which a source keeps its splits. */
export const SPLITS_STATE = 'weir.splits';

export type DescribePosition = (split: string, position: unknown, offset: number) => string | undefined;

export class SplitPositions {
  private readonly source: string;
  private readonly splits: Map<string, StoredSplit>;
  /** Positions at each barrier, to tell the reader when that checkpoint is complete. */
  private readonly atBarrier = new Map<CheckpointId, readonly SourceSplit[]>();
  private inHand: { readonly split: string; readonly position: unknown; readonly skipped: number } | null =
    null;

  constructor(source: string, splits: readonly StoredSplit[]) {
    this.source = source;
    this.splits = new Map(splits.map((split) => [split.id, split]));
  }

  /** Records up to `next` have been handed over. */
  move(id: string, next: unknown): void {
    const split = this.split(id);
    this.inHand = { split: id, position: split.position, skipped: 0 };
    this.splits.set(id, { ...split, position: next });
  }

  /** The batch in hand goes on as one of its own, behind its first `records` ones. */
  skip(records: number): void {
    if (this.inHand !== null) this.inHand = { ...this.inHand, skipped: records };
  }

  end(id: string): void {
    this.splits.set(id, { ...this.split(id), ended: true });
  }

  /** False: it is known already. */
  add(split: SourceSplit): boolean {
    if (this.splits.has(split.id)) return false;
    this.splits.set(split.id, { ...split, ended: false, announced: true });
    return true;
  }

  get count(): number {
    return this.splits.size;
  }

  get allEnded(): boolean {
    for (const split of this.splits.values()) if (!split.ended) return false;
    return true;
  }

  /** Remembers the positions of a barrier and answers them as stored. */
  atBarrierOf(checkpoint: CheckpointId, encode: (value: unknown) => Uint8Array): OperatorListSnapshot {
    const all = [...this.splits.values()];
    this.atBarrier.set(
      checkpoint,
      all.map(({ id, position }) => ({ id, position })),
    );
    return { name: SPLITS_STATE, redistribution: 'split', items: all.map(encode) };
  }

  /** The positions of a checkpoint that is complete; it and all before it are forgotten. */
  complete(checkpoint: CheckpointId): readonly SourceSplit[] | null {
    const positions = this.atBarrier.get(checkpoint) ?? null;
    for (const id of this.atBarrier.keys()) if (id <= checkpoint) this.atBarrier.delete(id);
    return positions;
  }

  aborted(checkpoint: CheckpointId): void {
    this.atBarrier.delete(checkpoint);
  }

  /** Where the record `offset` records into the batch in hand stands, in the words of the source. */
  describe(offset: number, describe: DescribePosition): string | undefined {
    if (this.inHand === null) return undefined;
    const { split, position, skipped } = this.inHand;
    const records = skipped + offset;
    return (
      describe(split, position, records) ??
      `split ${split}, ${records} records after ${JSON.stringify(position)}`
    );
  }

  private split(id: string): StoredSplit {
    const split = this.splits.get(id);
    if (split !== undefined) return split;
    throw new ConnectorError(`Source "${this.source}" answered for split "${id}", which it was not given.`, {
      operator: this.source,
      unrecoverable: true,
      remedy: 'Announce new splits with a `newSplits` answer first.',
    });
  }
}
