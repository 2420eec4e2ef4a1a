// Keyed state of one operator subtask.
//
// Owns:    the key in hand, the states by name, when snapshots begin and what a restore brings.
// Not:     the layout (table.ts), the accessors, the snapshot itself (keyed-snapshot.ts).
//
// B1. A name belongs to one kind of state within an operator (semantics 4.7).
// B2. State that was restored and that nobody has declared yet is kept, and is in every later snapshot, until the operator has
//     opened: then it is refused, or left behind if the user allows it (semantics 4.19).
// B3. At most one snapshot is on its way.

import { assert, InvariantError } from '../base/assert.js';
import { messageOf, RestoreError, StateError, WeirError } from '../base/errors.js';
import type { Tuning } from '../base/tuning.js';
import { auditState } from './audit.js';
import type {
  AggregatingOptions,
  AggregatingState,
  ListState,
  MapState,
  ReducingOptions,
  ReducingState,
  StateOptions,
  ValueState,
} from './descriptors.js';
import { KeyedAggregatingState, KeyedReducingState } from './folding-state.js';
import type { MapKey } from './key.js';
import type { KeyGroupRange } from './key-groups.js';
import { KeyKindCheck } from './key-kind.js';
import { describeTable, KeyedRestore, type TableOpener } from './keyed-restore.js';
import { KeyedSnapshot, type SnapshotWalk } from './keyed-snapshot.js';
import type { LentValues } from './lent-values.js';
import { KeyedListState } from './list-state.js';
import { KeyedMapState } from './map-state.js';
import type { PutCheck } from './put-check.js';
import { RestoredStates } from './restored-states.js';
import { isTimers } from './snapshot-chunk.js';
import { StateCore } from './state-core.js';
import { aggregateShape, type StateShape, shapesOf } from './state-shape.js';
import { type StateKind, Table } from './table.js';
import { TimerTable } from './timer-table.js';
import { TimerService } from './timers.js';
import { Ttl } from './ttl.js';
import { ValueCell } from './value-cell.js';
import { KeyedValueState } from './value-state.js';
import { WindowTable } from './window-table.js';

export interface KeyedBackendOptions {
  /** Name of the operator, for errors. */
  readonly operator: string;
  readonly subtask: number;
  readonly maxParallelism: number;
  /** The key groups of this subtask. */
  readonly range: KeyGroupRange;
  /** Development: check and freeze what is put, and notice what is changed in place. */
  readonly freeze: boolean;
  /** Where the operator was declared, for errors. */
  readonly declaredAt?: string | undefined;
  /** Sizes of snapshots. Default: those of limits.ts. */
  readonly tuning?: Tuning;
  /** Clock of time to live. */
  readonly processingTimeMs: () => number;
}

export interface RestoreOptions {
  /** The restored checkpoint, when increments may build on it: the same subtask wrote all segments. Default: none. */
  readonly baseCheckpoint?: number;
  /** Refuse, at the first record, keys of another kind than those of the state (D1 of key-kind.ts). Default false. */
  readonly checkKeys?: boolean;
}

const EVENT_TIMERS = 'timers/event';
const PROCESSING_TIMERS = 'timers/processing';

export class KeyedBackend {
  readonly timers: TimerService;
  private readonly options: KeyedBackendOptions;
  private readonly core: StateCore;
  /** Names that user code or an operator has declared, as opposed to merely restored. */
  private readonly declared = new Set<string>();
  private readonly windowTables = new Map<string, WindowTable<unknown>>();
  private readonly sweeps: Ttl[] = [];
  private readonly restored: RestoredStates;
  /** Until the first key after a restore. */
  private keyKinds: KeyKindCheck | null = null;

  constructor(options: KeyedBackendOptions) {
    this.options = options;
    this.core = new StateCore(options);
    this.restored = new RestoredStates(this.core.place);
    const event = new TimerTable(this.core, EVENT_TIMERS, 'eventTimers', false);
    const processing = new TimerTable(this.core, PROCESSING_TIMERS, 'processingTimers', false);
    this.core.tables.set(EVENT_TIMERS, event);
    this.core.tables.set(PROCESSING_TIMERS, processing);
    this.timers = new TimerService(this.core, event, processing);
  }

  // ---------------------------------------------------------------- the key in hand

  /** Throws KeyError for what cannot be a key. */
  setKey(key: unknown): void {
    this.core.setKey(key);
    if (this.keyKinds !== null) this.checkFirstKey(this.keyKinds);
    if (this.sweeps.length > 0) for (const ttl of this.sweeps) ttl.sweep();
  }

  private checkFirstKey(kinds: KeyKindCheck): void {
    this.keyKinds = null;
    kinds.first(this.core.requireKey('the first key'));
  }

  /** As `setKey`, for a key that came out of a table. */
  setMapKey(key: MapKey): void {
    this.core.setMapKey(key);
  }

  clearKey(): void {
    this.core.clearKey();
  }

  /** Throws StateError when no key is in hand. */
  currentKey(): unknown {
    return this.core.currentKey();
  }

  /** For error messages: undefined where there is none. */
  keyInHand(): unknown {
    return this.core.hasKey ? this.core.currentKey() : undefined;
  }

  // ---------------------------------------------------------------- state by name

  /** `shape`: of what operators of the engine keep; values of users have none. */
  value<T>(name: string, options: StateOptions = {}, shape: StateShape | null = null): ValueState<T> {
    return new KeyedValueState<T>(this.cell(name, 'value', options, shape));
  }

  list<T>(name: string, options: StateOptions = {}): ListState<T> {
    const { table, ttl } = this.declare(name, 'list', options);
    return new KeyedListState<T>(this.core, table, ttl);
  }

  map<K, V>(name: string, options: StateOptions = {}): MapState<K, V> {
    const { table, ttl } = this.declare(name, 'map', options);
    return new KeyedMapState<K, V>(this.core, table, ttl);
  }

  reducing<T>(name: string, options: ReducingOptions<T>): ReducingState<T> {
    return new KeyedReducingState<T>(this.cell(name, 'reducing', options), this.core.freeze, options.reduce);
  }

  aggregating<In, Acc, Out>(
    name: string,
    options: AggregatingOptions<In, Acc, Out>,
  ): AggregatingState<In, Out> {
    return new KeyedAggregatingState(
      this.cell(name, 'aggregating', options, { shape: aggregateShape(options.aggregate), setting: null }),
      this.core.freeze,
      options.aggregate,
    );
  }

  /** For window operators: state by window, then by key. The same table for the same name. */
  windows<A>(name: string, shape: StateShape | null = null): WindowTable<A> {
    const { table } = this.declare(name, 'window', {}, shape);
    let windows = this.windowTables.get(name);
    if (windows === undefined) {
      windows = new WindowTable<unknown>(this.core, table);
      this.windowTables.set(name, windows);
    }
    return windows as WindowTable<A>;
  }

  /** Development: what is stored or handed out is frozen, so that changing it in place throws where it happens. */
  get freezes(): boolean {
    return this.core.freeze;
  }

  /** What may be put into the state of this name, for operators that hold values themselves. */
  putCheck(name: string): PutCheck {
    return this.core.putCheck(name);
  }

  /** Values that a function of the user has in hand; null in production. */
  get lent(): LentValues | null {
    return this.core.lent;
  }

  /** Entries in memory over all states and timers: 0 when everything has been cleared. */
  get size(): number {
    return this.core.liveEntries;
  }

  /**
   * Recounts everything that is kept in two places and answers a sentence for each thing that does not hold. For tests and
   * simulations, between two calls of the operator: it walks over all state.
   */
  audit(): readonly string[] {
    return auditState(this.core);
  }

  // ---------------------------------------------------------------- calls that can be taken back

  /** What changes from now on, timers included, can be taken back, until `endTrial`. No snapshot begins meanwhile. */
  beginTrial(): void {
    this.core.beginTrial();
  }

  /** The changes since `beginTrial` stay, or are taken back as if they had not been made. */
  endTrial(kept: boolean): void {
    this.core.endTrial(kept);
    if (!kept) for (const windows of this.windowTables.values()) windows.refresh();
  }

  // ---------------------------------------------------------------- snapshots

  /**
   * Fixes the state as it is now for a snapshot that the walk then writes. `baseCheckpoint`: write only what has changed
   * since that checkpoint, if it is the newest that completed here; see `walk.full` for what was decided.
   */
  beginSnapshot(options: {
    readonly checkpoint: number;
    readonly baseCheckpoint: number | null;
  }): SnapshotWalk {
    const { core } = this;
    const { checkpoint } = options;
    assert(core.capture === null, 'one snapshot at a time', { checkpoint });
    this.lent?.verify();
    const base = core.beginEpoch(checkpoint, options.baseCheckpoint);
    const { operator, subtask, maxParallelism, range } = this.options;
    const header = {
      ...{ operator, subtask, from: range.from, to: range.to, maxParallelism, checkpoint },
      ...shapesOf(core.tables.values()),
    };
    const walk = new KeyedSnapshot(core, header, base);
    core.capture = walk;
    return walk;
  }

  /** The checkpoint and all before it are complete: increments may build on it. May come late or not at all. */
  onCheckpointComplete(checkpoint: number): void {
    this.core.complete(checkpoint);
  }

  /**
   * Before the first record: brings back the state of the key groups of this subtask. `segments`: each the chunks of one
   * snapshot, oldest first; several subtasks may read the same ones. Throws RestoreError for what does not fit.
   */
  restore(segments: Iterable<Iterable<Uint8Array>>, options: RestoreOptions = {}): void {
    const { maxParallelism, range } = this.options;
    const kinds = options.checkKeys === true ? new KeyKindCheck(this.core.place) : null;
    const open: TableOpener = (name, kind, stamped) => this.openTable(name, kind, stamped);
    const restore = new KeyedRestore(this.core, range, maxParallelism, open, kinds);
    try {
      for (const segment of segments) {
        restore.beginSegment();
        for (const chunk of segment) restore.apply(chunk);
      }
    } catch (error) {
      throw this.unreadable(error);
    }
    restore.finish(options.baseCheckpoint ?? null);
    this.keyKinds = kinds?.isDecided === true ? kinds : null;
  }

  /**
   * When the operator has opened: state that was restored and that it has not declared is refused with RestoreError, or left
   * behind. Answers what there is to be told about the state that was restored.
   */
  settle(undeclared: 'refuse' | 'leave'): readonly string[] {
    const { tables } = this.core;
    for (const table of [...tables.values()]) {
      if (isTimers(table.kind) || table.isEmpty || this.declared.has(table.name)) continue;
      this.restored.leave(table, undeclared, this.declared);
      for (const space of table.spaces.values()) this.core.liveEntries -= space.size;
      tables.delete(table.name);
      // An increment on what was restored would bring it back.
      this.core.restored(this.core.epoch, null);
    }
    return this.restored.take();
  }

  // ---------------------------------------------------------------- declaring

  private cell(
    name: string,
    kind: StateKind,
    options: StateOptions,
    shape: StateShape | null = null,
  ): ValueCell {
    const { table, ttl } = this.declare(name, kind, options, shape);
    return new ValueCell(this.core, table, ttl);
  }

  private declare(
    name: string,
    kind: StateKind,
    options: StateOptions,
    shape: StateShape | null = null,
  ): { table: Table; ttl: Ttl | null } {
    const { ttl: ttlOption } = options;
    const stamped = ttlOption !== undefined;
    const table = this.openTable(name, kind, stamped);
    if (table.kind !== kind || table.stamped !== stamped) throw this.conflict(table, { kind, stamped });
    if (shape !== null && !this.declared.has(name)) this.restored.reshape(table, shape);
    this.declared.add(name);
    if (ttlOption === undefined) return { table, ttl: null };
    const ttl = new Ttl(this.core, table, typeof ttlOption === 'number' ? { ttlMs: ttlOption } : ttlOption);
    if (ttl.sweepsOnEveryRecord) this.sweeps.push(ttl);
    return { table, ttl };
  }

  private openTable(name: string, kind: StateKind, stamped: boolean): Table {
    const { tables } = this.core;
    let table = tables.get(name);
    if (table === undefined) {
      table = new Table(this.core, name, kind, stamped);
      tables.set(name, table);
    }
    return table;
  }

  /** Bytes whose checksums fit may still be none of ours. */
  private unreadable(error: unknown): unknown {
    if (error instanceof WeirError || error instanceof InvariantError) return error;
    return new RestoreError(
      `The state of operator "${this.options.operator}" cannot be read: ${messageOf(error)}.`,
      {
        ...this.core.place,
        cause: error,
        remedy: 'The snapshot is damaged, or was not written by Weir: restore another one.',
      },
    );
  }

  private conflict(
    table: Table,
    wanted: { readonly kind: StateKind; readonly stamped: boolean },
  ): StateError | RestoreError {
    const restored =
      !this.declared.has(table.name) && table.kind !== 'eventTimers' && table.kind !== 'processingTimers';
    const had = restored ? 'the restored snapshot has' : 'the operator already has';
    const message = `State "${table.name}" is declared as ${describeTable(wanted)}; ${had} ${describeTable(table)} of that name.`;
    const details = { ...this.core.place, remedy: 'Give one of them another name, or declare it as it was.' };
    return restored ? new RestoreError(message, details) : new StateError(message, details);
  }
}
