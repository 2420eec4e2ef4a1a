// The snapshots of one subtask: started at the barrier, written in slices between batches, acknowledged when durable.
//
// Owns:    the running snapshots, the segments of earlier ones that an increment builds on.
// Not:     the walk through state (src/state), making chunks durable (the store), alignment.
//
// W1. The synchronous part fixes the state at the barrier; what records change afterwards does not reach the snapshot.
// W2. The acknowledgement goes out when every chunk is durable (P1 of checkpoint-store.ts), once.
// W3. An increment builds only on a checkpoint that is known to be complete, and never on a savepoint. If it turns out that
//     the bytes of that one are gone, the next snapshot is full.
// W4. One walk at a time: `isWalking` says that the next snapshot has to wait. Snapshots that are through their state and
//     wait for the store only are any number. Would a newer one end an older one instead, then none would ever complete
//     as soon as barriers come faster than state can be written.
// W5. The store holds at most so many chunks of this subtask that are not durable. A slice of large values makes more of them
//     than that: the rest waits here, and the walk with it.

import { assert, present } from '../base/assert.js';
import { messageOf } from '../base/errors.js';
import type { AttemptNumber, CheckpointId } from '../base/ids.js';
import { SNAPSHOT_CHUNKS_MAX } from '../base/limits.js';
import type { Tuning } from '../base/tuning.js';
import type { Chunk } from '../checkpoint/checkpoint-store.js';
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
  /** Of the last slice, for which the store has no room yet, in their order. */
  waiting: Chunk[];
  inFlight: number;
}

function isThrough(run: Run): boolean {
  return run.waiting.length === 0 && run.links.every((each) => each.done);
}

export class Snapshots {
  private readonly subtask: number;
  private readonly attempt: AttemptNumber;
  private readonly incremental: boolean;
  private readonly tuning: Tuning;
  private readonly links: readonly ChainLink[];
  /** Not acknowledged yet, oldest first. */
  private readonly runs = new Map<CheckpointId, Run>();
  /** Per operator: segments of the checkpoints from the last completed one on. */
  private readonly history = new Map<string, Map<CheckpointId, readonly SegmentRef[]>>();
  private completed: CheckpointId | null = null;

  constructor(options: {
    readonly subtask: number;
    readonly attempt: AttemptNumber;
    readonly incremental: boolean;
    readonly tuning: Tuning;
    readonly links: readonly ChainLink[];
  }) {
    this.subtask = options.subtask;
    this.attempt = options.attempt;
    this.incremental = options.incremental;
    this.tuning = options.tuning;
    this.links = options.links;
  }

  /** The synchronous part. `extra`: operator state that lives outside the operators (source positions, committables). */
  begin(
    checkpoint: CheckpointId,
    purpose: BarrierPurpose,
    extra: ReadonlyMap<string, readonly OperatorListSnapshot[]>,
  ): TaskEffect[] {
    assert(!this.isWalking, 'one walk through state at a time', { checkpoint });
    const full = !this.incremental || purpose.kind !== 'checkpoint';
    const links = this.links.map((link) => this.beginLink(link, checkpoint, full, extra.get(link.uid) ?? []));
    this.runs.set(checkpoint, { checkpoint, purpose: purpose.kind, links, waiting: [], inFlight: 0 });
    const effects: TaskEffect[] = [{ kind: 'point', step: 'snapshot.started', checkpoint }];
    return effects.concat(this.slice());
  }

  /** While true, no snapshot may begin, and so no record may be handled once a barrier has been taken. */
  get isWalking(): boolean {
    return this.walking() !== null;
  }

  /** Inputs that concern nothing but snapshots; none for all others. */
  accept(input: TaskInput): readonly TaskEffect[] {
    switch (input.kind) {
      case 'chunkStored':
        return this.chunkStored(input.checkpoint);
      case 'chunkFailed':
        return this.chunkFailed(input.checkpoint, input.error);
      case 'checkpointAborted':
        this.abort(input.checkpoint);
        // A notice of completion was lost, or came too late: what this subtask builds on may be gone altogether.
        if (input.reason === 'baseGone') this.history.clear();
        return this.slice();
      case 'checkpointComplete':
        this.complete(input.checkpoint);
        return this.slice();
      case 'work':
        return this.slice();
      default:
        return [];
    }
  }

  /** Packs the next slice of state, or nothing while the store is behind. */
  private slice(): TaskEffect[] {
    const effects: TaskEffect[] = [];
    const run = this.walking();
    if (run !== null) {
      this.handOver(run, effects);
      const linkRun = this.room() > 0 ? run.links.find((each) => !each.done) : undefined;
      if (linkRun !== undefined) this.sliceLink(run, linkRun);
      this.handOver(run, effects);
      if (!isThrough(run) && this.room() > 0) effects.push({ kind: 'continue' });
    }
    for (const each of [...this.runs.values()]) {
      if (isThrough(each) && each.inFlight === 0) this.finish(each, effects);
    }
    return effects;
  }

  private walking(): Run | null {
    for (const run of this.runs.values()) if (!isThrough(run)) return run;
    return null;
  }

  /** Chunks that the store may be given. Over all snapshots: the store is one. */
  private room(): number {
    let inFlight = 0;
    for (const run of this.runs.values()) inFlight += run.inFlight;
    return this.tuning.snapshotChunksInFlightMax - inFlight;
  }

  private handOver(run: Run, effects: TaskEffect[]): void {
    const room = this.room();
    if (run.waiting.length === 0 || room <= 0) return;
    const chunks = run.waiting.splice(0, room);
    run.inFlight += chunks.length;
    for (const chunk of chunks) effects.push({ kind: 'store', chunk });
  }

  private chunkStored(checkpoint: CheckpointId): TaskEffect[] {
    const run = this.runs.get(checkpoint);
    // Chunks of an aborted checkpoint still become durable; nobody waits for them any more.
    if (run === undefined) return [];
    assert(run.inFlight > 0, 'a stored chunk was in flight', { checkpoint });
    run.inFlight -= 1;
    return this.slice();
  }

  private complete(checkpoint: CheckpointId): void {
    if (this.completed === null || checkpoint > this.completed) this.completed = checkpoint;
    // It has taken the place of those before it, also when the notice that they are given up was lost; of savepoints never.
    for (const run of [...this.runs.values()]) {
      if (run.checkpoint < checkpoint && run.purpose === 'checkpoint') this.drop(run.checkpoint);
    }
    for (const link of this.links) {
      link.keyed?.onCheckpointComplete(checkpoint);
      link.operator.onCheckpointComplete?.(checkpoint);
    }
    for (const segments of this.history.values()) {
      for (const id of segments.keys()) if (id < checkpoint) segments.delete(id);
    }
  }

  /** Gives up the snapshot of this checkpoint, if it is under way. The next one may begin. */
  abort(checkpoint: CheckpointId): void {
    for (const segments of this.history.values()) segments.delete(checkpoint);
    this.drop(checkpoint);
  }

  private drop(checkpoint: CheckpointId): void {
    for (const link of this.runs.get(checkpoint)?.links ?? []) if (!link.done) link.walk?.cancel();
    this.runs.delete(checkpoint);
  }

  /** The store refused a chunk: this checkpoint cannot complete, the job goes on (semantics 5.11). */
  private chunkFailed(checkpoint: CheckpointId, error: unknown): TaskEffect[] {
    if (!this.runs.has(checkpoint)) return [];
    this.abort(checkpoint);
    return [{ kind: 'decline', checkpoint, cause: 'failed', reason: messageOf(error) }, ...this.slice()];
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
    if (segments === undefined || segments.length >= this.tuning.incrementalChainMax) return null;
    return { checkpoint: this.completed, segments };
  }

  private sliceLink(run: Run, linkRun: LinkRun): void {
    const { chunks, done } = present(linkRun.walk, 'a walk of an operator with keyed state').next(
      this.tuning.snapshotSliceEntries,
    );
    linkRun.done = done;
    for (const bytes of chunks) {
      assert(linkRun.chunks < SNAPSHOT_CHUNKS_MAX, 'a segment has a bounded number of chunks', {
        operator: linkRun.link.uid,
      });
      run.waiting.push({
        operator: linkRun.link.uid,
        subtask: this.subtask,
        checkpoint: run.checkpoint,
        attempt: this.attempt,
        index: linkRun.chunks,
        bytes,
      });
      linkRun.chunks += 1;
      linkRun.bytes += bytes.byteLength;
    }
  }

  private finish(run: Run, effects: TaskEffect[]): void {
    this.runs.delete(run.checkpoint);
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
    const types = [...(linkRun.walk?.types ?? [])].sort();
    return {
      operator: linkRun.link.uid,
      subtask: this.subtask,
      checkpoint: run.checkpoint,
      attempt: this.attempt,
      chunks: linkRun.chunks,
      bytes: linkRun.bytes,
      ...(types.length === 0 ? {} : { types }),
    };
  }
}
