// The walk that writes a snapshot of keyed state in slices, while records go on changing it.
//
// Owns:    which image of which entry goes into the snapshot.
// Not:     the bytes (snapshot-chunk.ts), when a slice is taken and where chunks go (src/task).
//
// S1. What is written is exactly the state at the moment in which the walk was made. An entry that changes before the walk
//     has reached it hands over its image first (T1 of table.ts); a dropped space hands over itself.
// S2. An image is taken once: `entry.mark` says by which snapshot.
// S3. An increment holds what changed since its base and the removals since then. With more removals than entries, or
//     without a completed base, the walk is full instead and says so.
// S4. The walk ends although state grows: what was created after it began is behind everything older (T2 of table.ts).

import { assert } from '../base/assert.js';
import { SNAPSHOT_FRAME_ENTRIES_MAX, SNAPSHOT_FRAMES_PER_CHUNK } from '../base/limits.js';
import type { ListCell } from './list-cell.js';
import { copyOf, NOT_COPIED } from './pre-image.js';
import { NO_REMOVALS, type RemovalRange } from './removals.js';
import { type ChunkHeader, ChunkWriter, FramePage, isTimers } from './snapshot-chunk.js';
import type { StateCore } from './state-core.js';
import { type Capture, type Entry, PRUNED, type Space, type Table } from './table.js';

export interface SnapshotSlice {
  /** Chunks that are complete; to be stored in this order under increasing indexes. */
  readonly chunks: Uint8Array[];
  readonly done: boolean;
}

/** A snapshot on its way. Made by `KeyedBackend.beginSnapshot` at the barrier. */
export interface SnapshotWalk {
  /** True: needs no base. May be true although a base was asked for. */
  readonly full: boolean;
  /** Entries written so far. */
  readonly entries: number;
  /** Registered types whose instances were written so far: a reader needs them. */
  readonly types: ReadonlySet<string>;
  /** Writes about `entriesMax` entries. Not called again after `done`. Throws StateError for a value that cannot be stored. */
  next(entriesMax: number): SnapshotSlice;
  /** Gives the snapshot up; after the end it does nothing. */
  cancel(): void;
}

type Phase =
  | { readonly kind: 'removals'; at: number }
  | { readonly kind: 'tables'; at: number; spaces: Iterator<Space> | null }
  | { readonly kind: 'orphans'; at: number }
  | { readonly kind: 'ended' };

/** Looking at an entry that need not be written costs about a sixteenth of writing one. */
const WRITE_COST = 16;
const LOOK_COST = 1;

export class KeyedSnapshot implements SnapshotWalk, Capture {
  readonly full: boolean;
  entries = 0;
  readonly types: Set<string> = new Set();
  private readonly core: StateCore;
  private readonly checkpoint: number;
  private readonly epoch: number;
  /** Entries of this epoch or a later one have changed since the base. */
  private readonly since: number;
  private readonly nowMs: number;
  private readonly removals: RemovalRange;
  private readonly tables: readonly Table[];
  private readonly orphans: Space[] = [];
  private readonly writer: ChunkWriter;
  private phase: Phase;
  /** The rest of the space in hand. */
  private space: Iterator<Entry> | null = null;
  /** Rows of this slice that are not encoded yet: by reference, so they never outlive the slice. */
  private page: FramePage | null = null;
  /** Images that entries handed over before they changed. */
  private readonly handedOver = new Map<Table, FramePage>();
  private frameEntries = SNAPSHOT_FRAME_ENTRIES_MAX;

  /** `base`: epoch of the completed snapshot to build on, or null. */
  constructor(core: StateCore, header: Omit<ChunkHeader, 'full'>, base: number | null) {
    const removals = base === null ? NO_REMOVALS : core.removalsSince(base);
    this.full = base === null || removals.to - removals.from > core.liveEntries;
    this.removals = this.full ? NO_REMOVALS : removals;
    this.since = this.full || base === null ? 0 : base;
    this.core = core;
    this.checkpoint = header.checkpoint;
    this.epoch = core.epoch;
    this.nowMs = core.processingTimeMs();
    this.tables = [...core.tables.values()];
    this.writer = new ChunkWriter({ ...header, full: this.full }, core.tuning.snapshotChunkBytes);
    this.phase = { kind: 'removals', at: this.removals.from };
  }

  next(entriesMax: number): SnapshotSlice {
    assert(this.phase.kind !== 'ended', 'a walk is not continued after its end', {
      checkpoint: this.checkpoint,
    });
    try {
      this.writeHandedOver();
      this.walk(Math.max(1, entriesMax) * WRITE_COST);
      this.writePage();
    } catch (error) {
      this.cancel();
      throw error;
    }
    const done = this.isEnded();
    if (done) {
      this.writer.seal();
      this.end();
    }
    return { chunks: this.writer.take(), done };
  }

  cancel(): void {
    if (this.isEnded() && this.core.capture !== this) return;
    this.phase = { kind: 'ended' };
    this.core.abandon(this.checkpoint);
    this.end();
  }

  save(entry: Entry): void {
    if (!this.needs(entry)) return;
    entry.mark = this.epoch;
    const { table } = entry.space;
    const image = this.imageOf(table, entry.value);
    if (image === PRUNED) return;
    const copied = copyOf(image);
    let page = this.handedOver.get(table);
    if (page === undefined) {
      page = new FramePage(table, 'entries');
      this.handedOver.set(table, page);
    }
    page.add(entry.space, entry.key, copied === NOT_COPIED ? image : copied);
    this.entries += 1;
    // What cannot be copied is encoded before the caller goes on and changes it.
    if (copied === NOT_COPIED || page.rows >= this.frameEntries) this.encodePage(page);
  }

  orphan(space: Space): void {
    if (space.born < this.epoch && space.epoch >= this.since) this.orphans.push(space);
  }

  private isEnded(): boolean {
    return this.phase.kind === 'ended';
  }

  private end(): void {
    if (this.core.capture === this) this.core.capture = null;
    this.handedOver.clear();
    this.orphans.length = 0;
    this.space = null;
    this.page = null;
  }

  private needs(entry: Entry): boolean {
    return entry.epoch < this.epoch && entry.epoch >= this.since && entry.mark !== this.epoch;
  }

  private imageOf(table: Table, value: unknown): unknown {
    if (isTimers(table.kind)) return true;
    const image = table.kind === 'list' ? (value as ListCell).items : value;
    // Increments keep expired entries: leaving one out would bring back its older image from the base.
    return this.full && table.prune !== null ? table.prune(image, this.nowMs) : image;
  }

  /** Goes through removals, tables and orphans until the budget is used up. */
  private walk(budget: number): void {
    let left = budget;
    while (left > 0) {
      const { phase } = this;
      if (phase.kind === 'ended') return;
      if (phase.kind === 'removals') left -= this.walkRemovals(phase, left);
      else if (this.space !== null) left -= this.walkSpace(this.space, left);
      else left -= this.nextSpace(phase);
    }
  }

  private walkRemovals(phase: { at: number }, budget: number): number {
    const { log, to } = this.removals;
    let used = 0;
    for (; phase.at < to && used < budget; phase.at += 1) {
      const removal = log[phase.at];
      if (removal === undefined) continue;
      this.pageOf(removal.table, 'removed').addRemoval(removal.namespace, removal.key);
      used += WRITE_COST;
    }
    if (phase.at >= to) {
      this.writePage();
      this.phase = { kind: 'tables', at: 0, spaces: null };
    }
    return used;
  }

  private walkSpace(entries: Iterator<Entry>, budget: number): number {
    let used = 0;
    while (used < budget) {
      const { value: entry, done } = entries.next();
      if (done === true || entry.isBornIn(this.epoch)) {
        this.space = null;
        return used + LOOK_COST;
      }
      if (this.needs(entry)) {
        used += WRITE_COST;
        this.writeEntry(entry);
      } else {
        used += LOOK_COST;
      }
    }
    return used;
  }

  private writeEntry(entry: Entry): void {
    entry.mark = this.epoch;
    const { space } = entry;
    const image = this.imageOf(space.table, entry.value);
    if (image === PRUNED) return;
    // Not a copy: the page is encoded before the slice ends, and nothing changes meanwhile.
    this.pageOf(space.table, 'entries').add(space, entry.key, image);
    this.entries += 1;
  }

  /** Steps to the next space, table or phase. */
  private nextSpace(phase: Exclude<Phase, { kind: 'removals' | 'ended' }>): number {
    if (phase.kind === 'orphans') {
      const space = this.orphans[phase.at];
      phase.at += 1;
      if (space === undefined) this.phase = { kind: 'ended' };
      else this.space = space.entries();
      return LOOK_COST;
    }
    if (phase.spaces === null) {
      const table = this.tables[phase.at];
      if (table === undefined) this.phase = { kind: 'orphans', at: 0 };
      else phase.spaces = table.spaces.values();
      return LOOK_COST;
    }
    const { value: space, done } = phase.spaces.next();
    if (done === true || space.born >= this.epoch) {
      phase.spaces = null;
      phase.at += 1;
    } else if (space.epoch >= this.since) {
      this.space = space.entries();
    }
    return LOOK_COST;
  }

  private pageOf(table: Table, kind: 'entries' | 'removed'): FramePage {
    const { page } = this;
    if (page !== null && page.table === table && page.rows < this.frameEntries) return page;
    this.writePage();
    const next = new FramePage(table, kind);
    this.page = next;
    return next;
  }

  private writePage(): void {
    const { page } = this;
    this.page = null;
    if (page !== null) this.encodePage(page);
  }

  private writeHandedOver(): void {
    for (const page of this.handedOver.values()) this.encodePage(page);
  }

  private encodePage(page: FramePage): void {
    const { rows } = page;
    if (rows === 0) return;
    const frame = page.encode(this.core.place, this.types);
    this.writer.write(frame);
    // Large entries make frames of fewer, so that a frame stays well below a chunk.
    const frameBytes = this.core.tuning.snapshotChunkBytes / SNAPSHOT_FRAMES_PER_CHUNK;
    const fitting = Math.floor((frameBytes * rows) / frame.byteLength);
    this.frameEntries = Math.min(Math.max(1, fitting), SNAPSHOT_FRAME_ENTRIES_MAX);
  }
}
