// Reads snapshots of keyed state back, also those of other subtasks when the parallelism has changed.
//
// Owns:    applying chunks, oldest segment first; leaving out the key groups of others.
// Not:     which segments to read (src/checkpoint), the bytes (snapshot-chunk.ts).
//
// A1. Entries carry the number of the segment that brought them as their epoch. Removals of a segment apply to what older
//     segments brought, so the order of chunks within a segment does not matter.
// A2. A segment speaks only of the key groups of its writer: a window dropped by one subtask says nothing about the keys of
//     another in the same window.

import { RestoreError } from '../base/errors.js';
import { deepFreeze } from '../base/freeze.js';
import type { MapKey } from './key.js';
import { isInRange, type KeyGroupRange, keyGroupOf } from './key-groups.js';
import { hashKey } from './key-hash.js';
import type { KeyKindCheck } from './key-kind.js';
import { ListCell } from './list-cell.js';
import type { ChunkHeader, Frame, FrameGroup } from './snapshot-chunk.js';
import { readChunk } from './snapshot-reading.js';
import type { StateCore } from './state-core.js';
import type { Entry, Space, Table } from './table.js';

export type TableOpener = (name: string, kind: Frame['stateKind'], stamped: boolean) => Table;

export class KeyedRestore {
  private readonly core: StateCore;
  private readonly range: KeyGroupRange;
  private readonly maxParallelism: number;
  private readonly openTable: TableOpener;
  private readonly keyKinds: KeyKindCheck | null;

  /** `keyKinds`: told of every key that is put in place. */
  constructor(
    core: StateCore,
    range: KeyGroupRange,
    maxParallelism: number,
    openTable: TableOpener,
    keyKinds: KeyKindCheck | null,
  ) {
    this.core = core;
    this.range = range;
    this.maxParallelism = maxParallelism;
    this.openTable = openTable;
    this.keyKinds = keyKinds;
  }

  /** Call before each segment, the oldest first. */
  beginSegment(): void {
    this.core.epoch += 1;
  }

  apply(chunk: Uint8Array): void {
    const { header, frames } = readChunk(chunk);
    this.check(header);
    for (const frame of frames) {
      const table = this.openTable(frame.state, frame.stateKind, frame.stamped);
      if (table.kind !== frame.stateKind || table.stamped !== frame.stamped)
        throw this.mismatch(table, frame);
      const shape = header.shapes?.get(frame.state);
      // The newest segment that says anything is the last one.
      if (shape !== undefined) table.shape = shape;
      for (const group of frame.groups) {
        if (frame.kind === 'entries') this.applyEntries(table, group, header);
        else this.applyRemovals(table, group, header);
      }
    }
  }

  /** `base`: the checkpoint that was restored, when it may be built on (the parallelism has not changed). */
  finish(base: number | null): void {
    this.core.restored(this.core.epoch + 1, base);
  }

  private applyEntries(table: Table, group: FrameGroup, header: ChunkHeader): void {
    const { namespace, keys, values } = group;
    if (keys === null) return;
    const filter = this.needsFilter(header);
    const byNamespace = table.kind === 'map';
    if (filter && byNamespace && !this.owns(namespace as MapKey)) return;
    if (byNamespace) this.keyKinds?.note(namespace as MapKey);
    let space: Space | null = null;
    for (let index = 0; index < keys.length; index += 1) {
      const key = keys[index];
      if (key === undefined || (filter && !byNamespace && !this.owns(key))) continue;
      space ??= table.open(namespace);
      if (!byNamespace) this.keyKinds?.note(key);
      table.put(space, key, this.valueOf(table, values === null ? undefined : values[index]));
    }
  }

  private applyRemovals(table: Table, group: FrameGroup, header: ChunkHeader): void {
    const space = table.find(group.namespace);
    if (space === undefined) return;
    if (group.keys !== null) {
      for (const key of group.keys) this.removeOlder(table, space.get(key));
      return;
    }
    const ofWriter = (key: MapKey): boolean =>
      table.kind === 'map' || isInRange(keyGroupOf(hashKey(key), this.maxParallelism), header);
    for (const entry of [...space.entries()]) if (ofWriter(entry.key)) this.removeOlder(table, entry);
  }

  private removeOlder(table: Table, entry: Entry | undefined): void {
    if (entry !== undefined && entry.epoch < this.core.epoch) table.remove(entry);
  }

  private valueOf(table: Table, image: unknown): unknown {
    // Accumulators are changed in place, everything else is frozen in development.
    const frozen = this.core.freeze && table.kind !== 'window' && table.kind !== 'aggregating';
    if (table.kind !== 'list') return frozen ? deepFreeze(image) : image;
    const items = image as unknown[];
    if (frozen) items.forEach(deepFreeze);
    return new ListCell(items);
  }

  private needsFilter(header: ChunkHeader): boolean {
    return header.from < this.range.from || header.to > this.range.to;
  }

  private owns(key: MapKey): boolean {
    return isInRange(keyGroupOf(hashKey(key), this.maxParallelism), this.range);
  }

  private check(header: ChunkHeader): void {
    if (header.maxParallelism === this.maxParallelism) return;
    throw new RestoreError(
      `The maximum parallelism is fixed by the snapshot, ${header.maxParallelism} here; the job has ${this.maxParallelism}.`,
      { ...this.core.place, remedy: `Set maxParallelism to ${header.maxParallelism}, or leave it out.` },
    );
  }

  private mismatch(table: Table, frame: Frame): RestoreError {
    return new RestoreError(
      `State "${table.name}" is ${describeTable(table)}; the snapshot has ${describeTable({ kind: frame.stateKind, stamped: frame.stamped })}.`,
      { ...this.core.place, remedy: 'Give the new state another name, or declare it as it was.' },
    );
  }
}

export function describeTable(table: {
  readonly kind: Frame['stateKind'];
  readonly stamped: boolean;
}): string {
  return `${table.kind} state ${table.stamped ? 'with' : 'without'} a time to live`;
}
