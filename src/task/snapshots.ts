// The snapshots of one subtask: started at the barrier, written in slices between batches, acknowledged when durable.
//
// Owns:    the running snapshot, the segments of earlier ones that an increment builds on.
// Not:     the walk through state (src/state), making chunks durable (the store), alignment.
//
// W1. The synchronous part fixes the state at the barrier; what records change afterwards does not reach the snapshot.
// W2. The acknowledgement goes out when every chunk is durable (P1 of checkpoint-store.ts), once.
// W3. An increment builds only on a checkpoint that is known to be complete, and never on a savepoint.

import { assert, present } from '../base/assert.js';
import { messageOf } from '../base/errors.js';
import type { AttemptNumber, CheckpointId } from '../base/ids.js';
import {
  INCREMENTAL_CHAIN_MAX,
  SNAPSHOT_CHUNKS_IN_FLIGHT_MAX,
  SNAPSHOT_CHUNKS_MAX,
  SNAPSHOT_SLICE_ENTRIES,
} from '../base/limits.js';
import type { OperatorListSnapshot, OperatorSnapshot, SegmentRef } from '../checkpoint/manifest.js';
import type { BarrierPurpose } from '../elements/element.js';
import type { SnapshotWalk } from '../state/keyed-snapshot.js';
import type { ChainLink } from './chain.js';
import type { TaskEffect, TaskInput } from './effect.js';

interface LinkRun {
  readonly link: ChainLink;
  readonly lists: readonly OperatorListSnapshot[];
  readonly walk: SnapshotWalk | null;
  readonly base: readonly SegmentRef[];
  readonly finished: boolean;
  done: boolean;
  chunks: number;
  bytes: number;
}

interface Run {
  readonly checkpoint: CheckpointId;
  readonly purpose: BarrierPurpose['kind'];
  readonly links: readonly LinkRun[];
  inFlight: number;
}

export class Snapshots {
  private readonly subtask: number;
  private readonly attempt: AttemptNumber;
  private readonly incremental: boolean;
  private readonly links: readonly ChainLink[];
  private run: Run | null = null;
  /** Per operator: segments of the checkpoints from the last completed one on. */
  private readonly history = new Map<string, Map<CheckpointId, readonly SegmentRef[]>>();
  private completed: CheckpointId | null = null;

  constructor(options: {
    readonly subtask: number;
    readonly attempt: AttemptNumber;
    readonly incremental: boolean;
    readonly links: readonly ChainLink[];
  }) {
    this.subtask = options.subtask;
    this.attempt = options.attempt;
    this.incremental = options.incremental;
    this.links = options.links;
  }

  /** The synchronous part. `extra`: operator state that lives outside the operators (source positions, committables). */
  begin(
    checkpoint: CheckpointId,
    purpose: BarrierPurpose,
    extra: ReadonlyMap<string, readonly OperatorListSnapshot[]>,
  ): TaskEffect[] {
    const effects = this.run === null ? [] : this.abort(this.run.checkpoint, 'a newer checkpoint began');
    const full = !this.incremental || purpose.kind !== 'checkpoint';
    const links = this.links.map((link) => this.beginLink(link, checkpoint, full, extra.get(link.uid) ?? []));
    this.run = { checkpoint, purpose: purpose.kind, links, inFlight: 0 };
    effects.push({ kind: 'point', step: 'snapshot.started', checkpoint });
    return effects.concat(this.slice());
  }

  /** Inputs that concern nothing but snapshots; none for all others. */
  accept(input: TaskInput): readonly TaskEffect[] {
    switch (input.kind) {
      case 'chunkStored':
        return this.chunkStored(input.checkpoint);
      case 'chunkFailed':
        return this.chunkFailed(input.checkpoint, input.error);
      case 'checkpointAborted':
        return this.abort(input.checkpoint, null);
      case 'checkpointComplete':
        this.complete(input.checkpoint);
        return [];
      case 'work':
        return this.slice();
      default:
        return [];
    }
  }

  /** Packs the next slice of state, or nothing while the store is behind. */
  private slice(): TaskEffect[] {
    const { run } = this;
    if (run === null) return [];
    const effects: TaskEffect[] = [];
    const linkRun = run.links.find((each) => !each.done);
    if (linkRun !== undefined && run.inFlight < SNAPSHOT_CHUNKS_IN_FLIGHT_MAX) {
      this.sliceLink(run, linkRun, effects);
    }
    if (run.links.some((each) => !each.done)) {
      if (run.inFlight < SNAPSHOT_CHUNKS_IN_FLIGHT_MAX) effects.push({ kind: 'continue' });
    } else if (run.inFlight === 0) {
      this.finish(run, effects);
    }
    return effects;
  }

  private chunkStored(checkpoint: CheckpointId): TaskEffect[] {
    const { run } = this;
    // Chunks of an aborted checkpoint still become durable; nobody waits for them any more.
    if (run === null || run.checkpoint !== checkpoint) return [];
    assert(run.inFlight > 0, 'a stored chunk was in flight', { checkpoint });
    run.inFlight -= 1;
    return this.slice();
  }

  private complete(checkpoint: CheckpointId): void {
    if (this.completed === null || checkpoint > this.completed) this.completed = checkpoint;
    for (const link of this.links) {
      link.keyed?.onCheckpointComplete(checkpoint);
      link.operator.onCheckpointComplete?.(checkpoint);
    }
    for (const segments of this.history.values()) {
      for (const id of segments.keys()) if (id < checkpoint) segments.delete(id);
    }
  }

  /** Gives up the running snapshot if it is the one named; tells the coordinator when `reason` is ours. */
  abort(checkpoint: CheckpointId, reason: string | null): TaskEffect[] {
    const { run } = this;
    for (const segments of this.history.values()) segments.delete(checkpoint);
    if (run === null || run.checkpoint !== checkpoint) return [];
    for (const link of run.links) if (!link.done) link.walk?.cancel();
    this.run = null;
    return reason === null ? [] : [{ kind: 'decline', checkpoint, cause: 'subsumed', reason }];
  }

  /** The store refused a chunk: this checkpoint cannot complete, the job goes on (semantics 5.11). */
  private chunkFailed(checkpoint: CheckpointId, error: unknown): TaskEffect[] {
    if (this.run?.checkpoint !== checkpoint) return [];
    this.abort(checkpoint, null);
    return [{ kind: 'decline', checkpoint, cause: 'failed', reason: messageOf(error) }];
  }

  private beginLink(
    link: ChainLink,
    checkpoint: CheckpointId,
    full: boolean,
    extra: readonly OperatorListSnapshot[],
  ): LinkRun {
    if (!link.ended) link.operator.onSnapshot?.();
    const base = full ? null : this.baseOf(link.uid);
    const walk =
      link.keyed === null
        ? null
        : link.keyed.beginSnapshot({ checkpoint, baseCheckpoint: base === null ? null : base.checkpoint });
    return {
      link,
      lists: [...link.operatorState.snapshotLists(), ...extra],
      walk,
      base: base === null || walk === null || walk.full ? [] : base.segments,
      finished: link.ended,
      done: walk === null,
      chunks: 0,
      bytes: 0,
    };
  }

  private baseOf(
    uid: string,
  ): { readonly checkpoint: CheckpointId; readonly segments: readonly SegmentRef[] } | null {
    if (this.completed === null) return null;
    const segments = this.history.get(uid)?.get(this.completed);
    if (segments === undefined || segments.length >= INCREMENTAL_CHAIN_MAX) return null;
    return { checkpoint: this.completed, segments };
  }

  private sliceLink(run: Run, linkRun: LinkRun, effects: TaskEffect[]): void {
    const { chunks, done } = present(linkRun.walk, 'a walk of an operator with keyed state').next(
      SNAPSHOT_SLICE_ENTRIES,
    );
    linkRun.done = done;
    for (const bytes of chunks) {
      assert(linkRun.chunks < SNAPSHOT_CHUNKS_MAX, 'a segment has a bounded number of chunks', {
        operator: linkRun.link.uid,
      });
      const chunk = {
        operator: linkRun.link.uid,
        subtask: this.subtask,
        checkpoint: run.checkpoint,
        attempt: this.attempt,
        index: linkRun.chunks,
        bytes,
      };
      linkRun.chunks += 1;
      linkRun.bytes += bytes.byteLength;
      run.inFlight += 1;
      effects.push({ kind: 'store', chunk });
    }
  }

  private finish(run: Run, effects: TaskEffect[]): void {
    this.run = null;
    const operators = run.links.map((each) => this.report(run, each));
    effects.push(
      { kind: 'point', step: 'snapshot.flushed', checkpoint: run.checkpoint },
      { kind: 'acknowledge', checkpoint: run.checkpoint, snapshot: { subtask: this.subtask, operators } },
      { kind: 'point', step: 'ack.sent', checkpoint: run.checkpoint },
    );
  }

  private report(run: Run, linkRun: LinkRun): OperatorSnapshot {
    const { uid, name } = linkRun.link;
    const keyed = linkRun.chunks === 0 ? linkRun.base : [...linkRun.base, this.segmentOf(run, linkRun)];
    if (run.purpose === 'checkpoint' && linkRun.walk !== null) {
      const segments = this.history.get(uid) ?? new Map<CheckpointId, readonly SegmentRef[]>();
      segments.set(run.checkpoint, keyed);
      this.history.set(uid, segments);
    }
    return { uid, name, keyed, lists: linkRun.lists, finished: linkRun.finished };
  }

  private segmentOf(run: Run, linkRun: LinkRun): SegmentRef {
    return {
      operator: linkRun.link.uid,
      subtask: this.subtask,
      checkpoint: run.checkpoint,
      attempt: this.attempt,
      chunks: linkRun.chunks,
      bytes: linkRun.bytes,
    };
  }
}
