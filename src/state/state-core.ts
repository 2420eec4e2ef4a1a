// What all keyed state of one operator subtask shares: the key in hand, epochs, and the snapshots to build on.
//
// Owns:    the current key; the epoch counter; which completed snapshot an increment may build on.
// Not:     tables (table.ts), the walk of a snapshot (keyed-snapshot.ts).
//
// E1. A snapshot begins a new epoch. What changes from then on has that epoch or a later one, so an increment on the snapshot
//     that began epoch b is what has epoch b or later.
// E2. Only a snapshot whose checkpoint is known to be complete is built on; others may fail and leave nothing behind.

import { type ErrorPlace, StateError } from '../base/errors.js';
import { SNAPSHOT_BASES_MAX } from '../base/limits.js';
import { DEFAULT_TUNING, type Tuning } from '../base/tuning.js';
import { canonicalKey, type MapKey, originalKey } from './key.js';
import { LentValues } from './lent-values.js';
import { PutCheck } from './put-check.js';
import { RemovalLog, type RemovalMark } from './removals.js';
import type { Capture, Entry, Namespace, Table, TableHost } from './table.js';
import { UndoLog } from './undo-log.js';

export interface StateCoreOptions {
  readonly operator: string;
  readonly subtask: number;
  readonly declaredAt?: string | undefined;
  readonly freeze: boolean;
  readonly tuning?: Tuning;
  readonly processingTimeMs: () => number;
}

interface Base {
  readonly checkpoint: number;
  readonly epoch: number;
}

export class StateCore implements TableHost {
  /** For error messages. */
  readonly place: ErrorPlace;
  readonly freeze: boolean;
  readonly tuning: Tuning;
  readonly processingTimeMs: () => number;
  readonly tables: Map<string, Table> = new Map();
  /** Undefined: no key in hand. */
  key: MapKey | undefined = undefined;
  epoch = 1;
  capture: Capture | null = null;
  undo: UndoLog | null = null;
  liveEntries = 0;
  /** Null in production. */
  readonly lent: LentValues | null;
  /** What was given to `setKey`, so that a structured key need not be read back from its canonical form. */
  private givenKey: unknown = undefined;
  private completed: Base | null = null;
  private readonly begun = new Map<number, Base>();
  private readonly removals: RemovalLog;
  private readonly undoLog = new UndoLog();
  private removalsBefore: RemovalMark | null = null;

  constructor(options: StateCoreOptions) {
    this.place = {
      operator: options.operator,
      subtask: options.subtask,
      ...(options.declaredAt === undefined ? {} : { declaredAt: options.declaredAt }),
    };
    this.freeze = options.freeze;
    this.lent = options.freeze ? new LentValues(this.place) : null;
    this.tuning = options.tuning ?? DEFAULT_TUNING;
    this.removals = new RemovalLog(this.tuning.snapshotRemovalsFloor);
    this.processingTimeMs = options.processingTimeMs;
  }

  putCheck(state: string): PutCheck {
    return new PutCheck(`State "${state}"`, this.place, this.freeze, this.lent);
  }

  setKey(key: unknown): void {
    if (typeof key === 'number' && (key | 0) === key) {
      // Adding 0 turns -0 into 0.
      this.key = key + 0;
    } else {
      this.key = canonicalKey(key, this.place);
      this.givenKey = key;
    }
  }

  setMapKey(key: MapKey): void {
    this.key = key;
    this.givenKey = undefined;
  }

  clearKey(): void {
    this.key = undefined;
    this.givenKey = undefined;
  }

  get hasKey(): boolean {
    return this.key !== undefined;
  }

  currentKey(): unknown {
    const key = this.requireKey('the current key');
    if (typeof key !== 'string') return key;
    // A primitive is its own key; the object given is only reused while it is the one whose canonical form this is.
    if (typeof this.givenKey !== 'object' || this.givenKey === null) return originalKey(key);
    return this.givenKey;
  }

  requireKey(what: string): MapKey {
    if (this.key === undefined) throw this.noKey(what);
    return this.key;
  }

  noKey(what: string): StateError {
    return new StateError(`State belongs to the key of a record or timer; "${what}" was used without one.`, {
      ...this.place,
      remedy:
        'Use keyed state inside onElement and onTimer of an operator after keyBy, not in open or close.',
    });
  }

  change(entry: Entry): void {
    if (this.undo !== null) this.undo.changed(entry);
    if (entry.epoch === this.epoch) return;
    if (this.capture !== null) this.capture.save(entry);
    entry.epoch = this.epoch;
    entry.space.epoch = this.epoch;
  }

  /** Changes from now on can be taken back. */
  beginTrial(): void {
    this.undo = this.undoLog;
    this.removalsBefore = this.removals.mark();
  }

  endTrial(kept: boolean): void {
    const { undoLog } = this;
    this.undo = null;
    if (kept) return undoLog.clear();
    undoLog.undo();
    // A removal that was taken back must be in no increment: what it names is as old as it was.
    if (this.removalsBefore !== null) this.removals.backTo(this.removalsBefore);
    // What could not be taken back is told: an element of a list that was changed in place.
    this.lent?.verify();
  }

  /** Whether an increment may ever build on a snapshot that was begun. */
  get canBuildOnSnapshots(): boolean {
    return this.begun.size > 0 || this.completed !== null;
  }

  noteRemoval(table: Table, namespace: Namespace, key: MapKey | null): void {
    // Without a snapshot there is nothing to build on.
    if (!this.canBuildOnSnapshots) return;
    if (!this.removals.add({ table, namespace, key, epoch: this.epoch }, this.liveEntries))
      this.forgetBases();
  }

  /** Begins an epoch for the snapshot of a checkpoint, and answers the epoch of its base, or null for a full one. */
  beginEpoch(checkpoint: number, baseCheckpoint: number | null): number | null {
    this.epoch += 1;
    this.begun.set(checkpoint, { checkpoint, epoch: this.epoch });
    for (const oldest of this.begun.keys()) {
      if (this.begun.size <= SNAPSHOT_BASES_MAX) break;
      this.begun.delete(oldest);
    }
    const { completed } = this;
    return completed !== null && completed.checkpoint === baseCheckpoint ? completed.epoch : null;
  }

  removalsSince(epoch: number): ReturnType<RemovalLog['since']> {
    return this.removals.since(epoch);
  }

  abandon(checkpoint: number): void {
    this.begun.delete(checkpoint);
    this.forgetIdleRemovals();
  }

  /** Covers all earlier checkpoints; may come late, or for a checkpoint that this subtask knows nothing of. */
  complete(checkpoint: number): void {
    const base = this.begun.get(checkpoint);
    for (const each of this.begun.keys()) if (each <= checkpoint) this.begun.delete(each);
    if (base === undefined) return this.forgetIdleRemovals();
    this.completed = base;
    this.removals.prune(base.epoch);
  }

  /** After a restore: everything in memory is older than the epoch that begins now. */
  restored(epoch: number, base: number | null): void {
    this.epoch = epoch;
    this.completed = base === null ? null : { checkpoint: base, epoch };
  }

  private forgetIdleRemovals(): void {
    if (!this.canBuildOnSnapshots) this.removals.clear();
  }

  private forgetBases(): void {
    this.begun.clear();
    this.completed = null;
    this.removals.clear();
  }
}
