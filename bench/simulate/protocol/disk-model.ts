// The disk under the simulated store: what is visible, what is durable, and what a power failure undoes.
//
// Owns:    the rows, the names of chunks, copies for restoring one checkpoint alone.
// Not:     who may write and in what order (store-model.ts).
//
// D1. A power failure undoes what is visible and not durable. The death of a process leaves what is visible.

import type { Manifest, SegmentRef } from '../../../src/checkpoint/manifest.js';

export type Row = string | number;

export interface RowWrite {
  readonly table: Map<Row, unknown>;
  readonly key: Row;
  /** Undefined: the row goes. */
  readonly value: unknown;
}

export class Disk {
  readonly meta: Map<Row, unknown> = new Map();
  readonly manifests: Map<Row, unknown> = new Map();
  readonly chunks: Map<Row, unknown> = new Map();
  /** Chunks that were durable at some time, whatever has become of them. */
  readonly everStored: Set<string> = new Set();
  /** Who may write: the process that has opened it last. */
  owner = 0;
  /** How to undo what is visible and not durable, oldest first. */
  #undo: RowWrite[] = [];

  apply(rows: readonly RowWrite[]): void {
    for (const { table, key, value } of rows) {
      this.#undo.push({ table, key, value: table.get(key) });
      if (value === undefined) table.delete(key);
      else table.set(key, value);
    }
  }

  flush(): void {
    this.#undo.length = 0;
  }

  losePower(): void {
    for (const { table, key, value } of this.#undo.reverse()) {
      if (value === undefined) table.delete(key);
      else table.set(key, value);
    }
    this.#undo = [];
  }

  get attempt(): number {
    return (this.meta.get('attempt') as number | undefined) ?? 0;
  }

  catalog(attempt: number): readonly number[] {
    return (this.meta.get(`catalog/${attempt}`) as readonly number[] | undefined) ?? [];
  }

  manifest(checkpoint: number): Manifest | undefined {
    return this.manifests.get(checkpoint) as Manifest | undefined;
  }

  /** Its chunks were durable, at least until somebody had reason to remove them. */
  hasStored(segment: SegmentRef): boolean {
    for (let index = 0; index < segment.chunks; index += 1) {
      if (!this.everStored.has(chunkName(segment, index))) return false;
    }
    return true;
  }

  readSegment(segment: SegmentRef): Uint8Array[] {
    return Array.from({ length: segment.chunks }, (_, index) => {
      const bytes = this.chunks.get(chunkName(segment, index)) as Uint8Array | undefined;
      if (bytes === undefined) throw new LostChunkError(chunkName(segment, index));
      return bytes;
    });
  }

  /** A copy for restoring one checkpoint alone. */
  copyOf(manifest: Manifest): Disk {
    const copy = new Disk();
    copy.meta.set('attempt', manifest.attempt);
    copy.meta.set('ids', manifest.checkpoint + 1_000);
    copy.meta.set(`catalog/${manifest.attempt}`, [manifest.checkpoint]);
    copy.manifests.set(manifest.checkpoint, manifest);
    for (const segment of segmentsOf(manifest)) {
      for (const [index, bytes] of this.readSegment(segment).entries()) {
        copy.chunks.set(chunkName(segment, index), bytes);
        copy.everStored.add(chunkName(segment, index));
      }
    }
    return copy;
  }
}

/** A completed checkpoint names a chunk that is not there. */
export class LostChunkError extends Error {}

function segmentsOf(manifest: Manifest): readonly SegmentRef[] {
  const segments: SegmentRef[] = [];
  for (const operator of manifest.operators) {
    for (const subtask of operator.subtasks) if (subtask !== null) segments.push(...subtask.keyed);
  }
  return segments;
}

/** Manifests are asked for their chunks again and again. */
const CHUNK_NAMES = new WeakMap<Manifest, readonly string[]>();

export function chunkNames(manifest: Manifest): readonly string[] {
  const known = CHUNK_NAMES.get(manifest);
  if (known !== undefined) return known;
  const names: string[] = [];
  for (const segment of segmentsOf(manifest)) {
    for (let index = 0; index < segment.chunks; index += 1) names.push(chunkName(segment, index));
  }
  CHUNK_NAMES.set(manifest, names);
  return names;
}

export function chunkName(segment: Omit<SegmentRef, 'chunks' | 'bytes'>, index: number): string {
  return `${segment.operator}/${segment.subtask}/${segment.checkpoint}/${segment.attempt}/${index}`;
}
