// Which chunk rows are durable, and which of them somebody still needs.
//
// Owns:    the chunks per segment; what becomes garbage when a manifest goes or a checkpoint is given up.
// Not:     writing and removing rows (lmdb-checkpoint-store.ts).
//
// G1. A segment is needed while a retained manifest names it or somebody pins it; an incremental checkpoint keeps the older
//     segments that it builds on (semantics 5.16).
// G2. Need is computed from the retained manifests each time, never counted up and down: a count that is off by one would
//     delete state. There are two or three manifests, so this costs nothing.

import { present } from '../base/assert.js';
import type { AttemptNumber, CheckpointId } from '../base/ids.js';
import type { StoreKey, StoreWrite } from '../base/runtime.js';
import type { Manifest, SegmentRef } from './manifest.js';
import { CHUNKS, type SegmentName, segmentId, segmentPrefix, segmentsOf } from './store-rows.js';

interface Segment {
  readonly prefix: StoreKey;
  readonly checkpoint: number;
  readonly attempt: number;
  readonly chunks: Set<number>;
}

export class SegmentIndex {
  readonly #segments = new Map<string, Segment>();
  readonly #pins = new Map<string, number>();

  /** The chunk row of this key is durable. */
  add(key: StoreKey): void {
    const prefix = key.slice(0, -1);
    const id = segmentId(prefix);
    let segment = this.#segments.get(id);
    if (segment === undefined) {
      segment = { prefix, checkpoint: Number(key[0]), attempt: Number(key[1]), chunks: new Set() };
      this.#segments.set(id, segment);
    }
    segment.chunks.add(Number(key[key.length - 1]));
  }

  /** The first chunk of the segment that is not durable, or null when all are. */
  firstMissing(ref: SegmentRef): number | null {
    const chunks = this.#segments.get(idOf(ref))?.chunks;
    for (let index = 0; index < ref.chunks; index += 1) if (!chunks?.has(index)) return index;
    return null;
  }

  /** Keeps segments while they are being copied. */
  pin(refs: readonly SegmentRef[]): void {
    for (const ref of refs) this.#pins.set(idOf(ref), (this.#pins.get(idOf(ref)) ?? 0) + 1);
  }

  unpin(refs: readonly SegmentRef[]): void {
    for (const ref of refs) {
      const left = present(this.#pins.get(idOf(ref)), 'an unpinned segment was pinned') - 1;
      if (left === 0) this.#pins.delete(idOf(ref));
      else this.#pins.set(idOf(ref), left);
    }
  }

  /** Segments that only the `dropped` manifests needed. */
  freedBy(dropped: readonly Manifest[], retained: readonly Manifest[]): readonly string[] {
    return this.unneeded(dropped.flatMap(segmentsOf), retained);
  }

  /** Segments written under this checkpoint that no retained manifest names. */
  leftBy(checkpoint: CheckpointId, attempt: AttemptNumber, retained: readonly Manifest[]): readonly string[] {
    const ids: string[] = [];
    for (const [id, segment] of this.#segments) {
      if (segment.checkpoint === checkpoint && segment.attempt === attempt) ids.push(id);
    }
    return this.#unneeded(ids, retained);
  }

  /** Removes the rows of these segments from the store ... */
  removals(ids: readonly string[]): readonly StoreWrite[] {
    return ids.flatMap((id) => {
      const segment = this.#segments.get(id);
      if (segment === undefined) return [];
      return Array.from(segment.chunks, (index): StoreWrite => {
        return { kind: 'remove', table: CHUNKS, key: [...segment.prefix, index] };
      });
    });
  }

  /** ... and, once that is durable, from here. */
  forget(ids: readonly string[]): void {
    for (const id of ids) this.#segments.delete(id);
  }

  /** Those of the segments that no retained manifest names and nobody pins. */
  unneeded(segments: readonly SegmentRef[], retained: readonly Manifest[]): readonly string[] {
    return this.#unneeded(segments.map(idOf), retained);
  }

  #unneeded(ids: readonly string[], retained: readonly Manifest[]): readonly string[] {
    const needed = neededBy(retained);
    return [...new Set(ids)].filter((id) => this.#segments.has(id) && !needed.has(id) && !this.#pins.has(id));
  }
}

/** Ids of all segments that these manifests name. */
export function neededBy(manifests: readonly Manifest[]): ReadonlySet<string> {
  return new Set(manifests.flatMap((manifest) => segmentsOf(manifest).map(idOf)));
}

function idOf(segment: SegmentName): string {
  return segmentId(segmentPrefix(segment));
}
