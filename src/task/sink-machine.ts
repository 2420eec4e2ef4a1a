// The machine of a sink subtask: elements in; writes, prepares and commits out, one call at a time.
//
// Owns:    the order of calls on one writer, the prepared transactions that wait for their checkpoint.
// Not:     what a call does (the connector), performing it (the task actor).
//
// C1. One call is under way at a time; while it is, nothing is read: that is the backpressure.
// C2. A prepared transaction is in the snapshot until its commit was acknowledged (semantics 5.22).
// C3. notifyComplete(n) commits everything prepared up to n, oldest first; the first that is not ok fails the attempt
//     (semantics 5.13, 5.23). An aborted checkpoint's transactions wait for the next one (5.14).
// C4. Without checkpoints everything is prepared and committed once, at the end of input.

import { assert, present } from '../base/assert.js';
import { ConnectorError } from '../base/errors.js';
import type { CheckpointId } from '../base/ids.js';
import { isWhole } from '../base/whole.js';
import type { OperatorListSnapshot } from '../checkpoint/manifest.js';
import type { Barrier, Element } from '../elements/element.js';
import type { Alignment, AlignmentEffect } from '../flow/alignment.js';
import type { Inbox } from '../flow/inbox.js';
import type { WatermarkMerge } from '../flow/watermark-merge.js';
import type { CommitOutcome } from '../operators/sink.js';
import type { Machine, MachineStatus, TaskEffect, TaskInput } from './effect.js';
import type { Snapshots } from './snapshots.js';

export interface SinkParts {
  readonly name: string;
  readonly uid: string;
  readonly subtask: number;
  readonly transactional: boolean;
  readonly checkpointing: boolean;
  readonly channels: number;
  readonly inbox: Inbox;
  readonly alignment: Alignment;
  readonly merge: WatermarkMerge;
  readonly snapshots: Snapshots;
  readonly encode: (value: unknown) => Uint8Array;
  /** Stands for the sink in snapshots: finished or not. */
  readonly self: { ended: boolean };
}

type Call =
  | { readonly kind: 'none' }
  | { readonly kind: 'writing' }
  /** At the barrier: flush or prepare, then snapshot. */
  | { readonly kind: 'preparing'; readonly barrier: Barrier }
  | { readonly kind: 'committing'; readonly checkpoint: number }
  /** At the end of input: flush, or prepare and commit when there are no checkpoints. */
  | { readonly kind: 'finishing' };

interface Prepared {
  readonly checkpoint: number;
  readonly committables: readonly unknown[];
}

/** Checkpoint number of the one transaction of a job without checkpoints. */
const NO_CHECKPOINT = 0;

export class SinkMachine implements Machine {
  private readonly parts: SinkParts;
  private call: Call = { kind: 'none' };
  private prepared: Prepared[] = [];
  private completeUpTo = -1;
  private reportedUpTo = -1;
  private endedChannels = 0;
  private finished = false;
  private recordsIn = 0;
  private watermark = Number.MIN_SAFE_INTEGER;
  private effects: TaskEffect[] = [];

  constructor(parts: SinkParts) {
    this.parts = parts;
  }

  step(input: TaskInput, _nowMs: number): readonly TaskEffect[] {
    this.accept(input);
    this.work();
    const { effects } = this;
    this.effects = [];
    return effects;
  }

  get status(): MachineStatus {
    return {
      recordsIn: this.recordsIn,
      watermark: this.watermark,
      backPressured: this.call.kind !== 'none',
      finished: this.finished,
      queuedElements: this.parts.inbox.size,
      heldBackBy: this.parts.merge.holdingBack(),
    };
  }

  private accept(input: TaskInput): void {
    const { inbox, snapshots } = this.parts;
    switch (input.kind) {
      case 'element':
        inbox.put(input.channel, input.seq, input.element);
        return;
      case 'written':
        assert(this.call.kind === 'writing', 'a write that ended was under way', { call: this.call.kind });
        this.call = { kind: 'none' };
        return;
      case 'flushed':
        return this.afterPrepare([]);
      case 'prepared':
        return this.afterPrepare(input.committables);
      case 'commitOutcome':
        return this.afterCommit(input.checkpoint, input.outcome);
      case 'checkpointComplete':
        this.completeUpTo = Math.max(this.completeUpTo, input.checkpoint);
        this.effects.push(...snapshots.accept(input));
        return;
      default:
        this.effects.push(...snapshots.accept(input));
    }
  }

  private work(): void {
    const { inbox, alignment } = this.parts;
    while (this.call.kind === 'none') {
      if (this.commitNext()) return;
      const channel = inbox.next((index) => alignment.isBlocked(index));
      if (channel === null) return;
      const { element, credits } = inbox.take(channel);
      if (credits > 0) this.effects.push({ kind: 'grant', channel, credits });
      this.handle(channel, element);
    }
  }

  private handle(channel: number, element: Element): void {
    const { alignment, merge } = this.parts;
    switch (element.kind) {
      case 'batch':
        this.recordsIn += element.values.length;
        this.call = { kind: 'writing' };
        this.effects.push({ kind: 'write', values: element.values, timestamps: element.timestamps });
        return;
      case 'watermark':
        return this.advance(merge.watermark(channel, element.time));
      case 'status':
        return this.advance(merge.status(channel, element.idle));
      case 'barrier':
        this.effects.push({ kind: 'point', step: 'barrier.received', checkpoint: element.checkpoint });
        return this.align(alignment.barrier(channel, element));
      case 'barrierCancel':
        return this.align(alignment.cancel(channel, element.checkpoint));
      case 'latency':
        return;
      default:
        this.endedChannels += 1;
        if (this.endedChannels === this.parts.channels) this.finish();
    }
  }

  private advance(outputs: readonly Element[]): void {
    for (const output of outputs) if (output.kind === 'watermark') this.watermark = output.time;
  }

  private align(effects: readonly AlignmentEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'aligned') {
        this.effects.push({ kind: 'point', step: 'barrier.aligned', checkpoint: effect.barrier.checkpoint });
        this.call = { kind: 'preparing', barrier: effect.barrier };
        this.effects.push(this.prepareCall(effect.barrier.checkpoint));
      } else {
        this.parts.snapshots.abort(effect.checkpoint);
        this.effects.push({
          kind: 'decline',
          checkpoint: effect.checkpoint,
          cause: 'subsumed',
          reason: effect.reason,
        });
      }
    }
  }

  private prepareCall(checkpoint: number): TaskEffect {
    return this.parts.transactional ? { kind: 'prepare', checkpoint } : { kind: 'flush' };
  }

  private finish(): void {
    this.call = { kind: 'finishing' };
    // With checkpoints, what was written last is prepared by the final one; only a plain sink has something to do now.
    const prepareNow = this.parts.transactional && !this.parts.checkpointing;
    this.effects.push(prepareNow ? { kind: 'prepare', checkpoint: NO_CHECKPOINT } : { kind: 'flush' });
  }

  private afterPrepare(committables: readonly unknown[]): void {
    const { call } = this;
    this.call = { kind: 'none' };
    if (call.kind === 'finishing') {
      if (committables.length > 0) {
        this.prepared.push({ checkpoint: NO_CHECKPOINT, committables });
        this.completeUpTo = NO_CHECKPOINT;
      } else {
        this.reportFinished();
      }
      return;
    }
    assert(call.kind === 'preparing', 'a prepare that ended was under way', { call: call.kind });
    const { checkpoint, purpose } = call.barrier;
    if (committables.length > 0) this.prepared.push({ checkpoint, committables });
    this.effects.push({ kind: 'point', step: 'prepare.done', checkpoint });
    this.effects.push(
      ...this.parts.snapshots.begin(
        checkpoint,
        purpose,
        new Map([[this.parts.uid, [this.storedPrepared()]]]),
      ),
    );
  }

  private storedPrepared(): OperatorListSnapshot {
    const { subtask: writer } = this.parts;
    const items = this.prepared.flatMap(({ checkpoint, committables }) =>
      committables.map((committable) => this.parts.encode({ checkpoint, committable, writer })),
    );
    return { name: COMMITTABLES_STATE, redistribution: 'union', items };
  }

  private commitNext(): boolean {
    const next = this.prepared[0];
    if (next !== undefined && next.checkpoint <= this.completeUpTo) {
      this.call = { kind: 'committing', checkpoint: next.checkpoint };
      this.effects.push({ kind: 'point', step: 'commit.sent', checkpoint: next.checkpoint });
      this.effects.push({ kind: 'commit', checkpoint: next.checkpoint, committables: next.committables });
      return true;
    }
    if (this.completeUpTo > this.reportedUpTo) {
      this.reportedUpTo = this.completeUpTo;
      if (this.completeUpTo > NO_CHECKPOINT) {
        this.effects.push({ kind: 'committed', checkpoint: this.completeUpTo as CheckpointId });
      } else {
        this.reportFinished();
      }
    }
    return false;
  }

  private afterCommit(checkpoint: number, outcome: CommitOutcome): void {
    assert(
      this.call.kind === 'committing' && this.call.checkpoint === checkpoint,
      'a commit that ended was under way',
      { checkpoint },
    );
    if (outcome.kind !== 'ok') {
      const what = outcome.kind === 'failed' ? 'failed' : 'has an unknown outcome';
      throw new ConnectorError(
        `Commit of checkpoint ${checkpoint} ${what}; it is tried again after the restart.`,
        {
          operator: this.parts.name,
          subtask: this.parts.subtask,
          cause: outcome.error,
        },
      );
    }
    this.call = { kind: 'none' };
    const done = present(this.prepared.shift(), 'the transaction that was committed');
    assert(done.checkpoint === checkpoint, 'commits end in the order in which they began', {
      checkpoint,
      got: done.checkpoint,
    });
    this.effects.push({ kind: 'point', step: 'commit.acked', checkpoint });
  }

  private reportFinished(): void {
    if (this.finished) return;
    this.finished = true;
    this.parts.self.ended = true;
    this.effects.push({ kind: 'finished' });
  }
}

/** A prepared transaction as it is stored. Version 1 of the bytes has no `writer` in rows of the first releases. */
export interface StoredCommittable {
  readonly checkpoint: number;
  readonly committable: unknown;
  /** Subtask that prepared it: its transactions are committed in order, so they stay together. */
  readonly writer?: number;
}

export function isStoredCommittable(value: unknown): value is StoredCommittable {
  if (typeof value !== 'object' || value === null || !('committable' in value)) return false;
  const { checkpoint, writer } = value as Partial<Record<keyof StoredCommittable, unknown>>;
  return isWhole(checkpoint) && (writer === undefined || isWhole(writer));
}

/** Name of the operator union state in which a sink keeps prepared transactions. */
export const COMMITTABLES_STATE = 'weir.committables';
