// What has been removed since the snapshots that an increment may build on.
//
// Owns:    the log of removals and when it is given up.
// Not:     writing them into a snapshot (keyed-snapshot.ts).
//
// R1. The log is complete from the oldest possible base on, or it is empty and there is no possible base.
// R2. A published array only grows at its end, or goes back to a length that it had since the last snapshot began: a running
//     snapshot reads a part of it while the log goes on.

import type { MapKey } from './key.js';
import type { Namespace, Table } from './table.js';

export interface Removal {
  readonly table: Table;
  readonly namespace: Namespace;
  /** Null: the whole namespace. */
  readonly key: MapKey | null;
  readonly epoch: number;
}

/** The removals of the epochs from a base to a snapshot. */
export interface RemovalRange {
  readonly log: readonly Removal[];
  readonly from: number;
  readonly to: number;
}

/** Where the log stood; only good while no snapshot begins. */
export interface RemovalMark {
  readonly log: readonly Removal[];
  readonly length: number;
}

export const NO_REMOVALS: RemovalRange = { log: [], from: 0, to: 0 };

export class RemovalLog {
  private log: Removal[] = [];
  private readonly floor: number;

  /** `floor`: removals that are never too many, however little state is left. */
  constructor(floor: number) {
    this.floor = floor;
  }

  /** False when there are more removals than a full snapshot would have entries: then it is the cheaper one. */
  add(removal: Removal, liveEntries: number): boolean {
    this.log.push(removal);
    return this.log.length <= liveEntries + this.floor;
  }

  mark(): RemovalMark {
    return { log: this.log, length: this.log.length };
  }

  /** Forgets what was added since, unless all has been forgotten meanwhile. */
  backTo({ log, length }: RemovalMark): void {
    if (this.log === log) this.log.length = length;
  }

  /** All removals from an epoch on, up to now. */
  since(epoch: number): RemovalRange {
    const { log } = this;
    return { log, from: firstFrom(log, epoch), to: log.length };
  }

  /** Forgets the removals before an epoch. */
  prune(epoch: number): void {
    const from = firstFrom(this.log, epoch);
    if (from > 0) this.log = this.log.slice(from);
  }

  clear(): void {
    this.log = [];
  }
}

function firstFrom(log: readonly Removal[], epoch: number): number {
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const removal = log[middle];
    if (removal !== undefined && removal.epoch < epoch) low = middle + 1;
    else high = middle;
  }
  return low;
}
