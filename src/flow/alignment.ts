// Barrier alignment for one subtask.
//
// Owns:    which input channels have delivered barrier n, and which checkpoints will never align.
// Not:     holding back elements of blocked channels (inbox.ts), taking the snapshot (src/task).
//
// A1. Aligned mode: at most one checkpoint is being aligned at a time; a newer barrier subsumes it (semantics 5.5).
// A2. A finished channel counts as aligned: it delivers no further record, so a barrier on it would separate nothing.
// A3. An id is reported once, as aligned or as aborted; everything up to `settled` is decided and ignored from then on.
// A4. Channels are marked, never counted by barriers: two barriers of one channel complete nothing.

import type { CheckpointId } from '../base/ids.js';
import { PENDING_BARRIERS_MAX } from '../base/limits.js';
import type { Barrier } from '../elements/element.js';

export type AlignmentMode = 'aligned' | 'atLeastOnce';

/** `subsumed`: a newer checkpoint took its place. `canceled`: it was given up upstream. `overflow`: too many at once. */
export type AlignmentAbortReason = 'subsumed' | 'canceled' | 'overflow';

export type AlignmentEffect =
  /** Every channel has delivered it: now is the moment of the snapshot. */
  | { readonly kind: 'aligned'; readonly barrier: Barrier }
  /** It will never align here; nobody is blocked for it any more. */
  | { readonly kind: 'aborted'; readonly checkpoint: CheckpointId; readonly reason: AlignmentAbortReason };

interface Pending {
  readonly barrier: Barrier;
  readonly arrived: Uint8Array;
  /** Live channels that have not delivered the barrier. */
  missing: number;
}

const NOTHING: readonly AlignmentEffect[] = [];

export class Alignment {
  private readonly mode: AlignmentMode;
  private readonly ended: Uint8Array;
  private live: number;
  /** In the order of ids. Aligned mode: none or one. */
  private pending: Pending[] = [];
  /** The highest id that is aligned, aborted, or overtaken by a cancel; no barrier up to it means anything (A3). */
  private settled = 0;

  constructor(channels: number, mode: AlignmentMode) {
    this.mode = mode;
    this.ended = new Uint8Array(channels);
    this.live = channels;
  }

  /** True while elements of this channel must stay unread. Always false in at-least-once mode (semantics 5.8). */
  isBlocked(channel: number): boolean {
    if (this.mode === 'atLeastOnce') return false;
    const first = this.pending[0];
    return first !== undefined && first.arrived[channel] === 1;
  }

  /** The checkpoint that channels wait for, or null. */
  get aligning(): CheckpointId | null {
    return this.pending[0]?.barrier.checkpoint ?? null;
  }

  barrier(channel: number, barrier: Barrier): readonly AlignmentEffect[] {
    const { checkpoint } = barrier;
    if (checkpoint <= this.settled) return NOTHING;
    const effects: AlignmentEffect[] = [];
    let entry = this.pending.find((candidate) => candidate.barrier.checkpoint === checkpoint);
    if (entry === undefined) {
      if (this.mode === 'aligned') {
        // A blocked channel is not read, so an id below the pending one comes from a channel that was overtaken.
        if (this.isBelowPending(checkpoint)) return NOTHING;
        this.abortUpTo(checkpoint - 1, 'subsumed', effects);
      } else if (this.pending.length >= PENDING_BARRIERS_MAX) {
        const [oldest] = this.pending;
        if (oldest !== undefined) this.abortUpTo(oldest.barrier.checkpoint, 'overflow', effects);
        if (checkpoint <= this.settled) return effects;
      }
      entry = { barrier, arrived: new Uint8Array(this.ended.length), missing: this.live };
      this.insert(entry);
    }
    this.arrive(entry, channel, effects);
    return effects;
  }

  /**
   * The marker came in line on `channel`: behind it no barrier up to `checkpoint` can follow there, so neither that
   * checkpoint nor an older one that this channel still owes can ever align (semantics 5.6).
   */
  cancel(_channel: number, checkpoint: CheckpointId): readonly AlignmentEffect[] {
    if (checkpoint <= this.settled) return NOTHING;
    if (this.mode === 'aligned' && this.isBelowPending(checkpoint)) return NOTHING;
    const effects: AlignmentEffect[] = [];
    this.abortUpTo(checkpoint - 1, 'subsumed', effects);
    this.pending = this.pending.filter((entry) => entry.barrier.checkpoint !== checkpoint);
    effects.push({ kind: 'aborted', checkpoint, reason: 'canceled' });
    this.settle(checkpoint);
    return effects;
  }

  /** The channel will deliver no record any more: it no longer holds back any checkpoint (semantics 5.7). */
  channelEnded(channel: number): readonly AlignmentEffect[] {
    if (this.ended[channel] === 1) return NOTHING;
    this.ended[channel] = 1;
    this.live -= 1;
    const effects: AlignmentEffect[] = [];
    for (const entry of [...this.pending]) {
      // Completing a later one settles the earlier ones, so each is asked whether it is still there.
      if (!this.pending.includes(entry) || entry.arrived[channel] === 1) continue;
      entry.missing -= 1;
      if (entry.missing === 0) this.complete(entry, effects);
    }
    return effects;
  }

  private arrive(entry: Pending, channel: number, effects: AlignmentEffect[]): void {
    if (entry.arrived[channel] === 0) {
      entry.arrived[channel] = 1;
      if (this.ended[channel] === 0) entry.missing -= 1;
    }
    if (entry.missing === 0) this.complete(entry, effects);
  }

  private complete(entry: Pending, effects: AlignmentEffect[]): void {
    const { checkpoint } = entry.barrier;
    this.abortUpTo(checkpoint - 1, 'subsumed', effects);
    this.pending = this.pending.filter((other) => other !== entry);
    effects.push({ kind: 'aligned', barrier: entry.barrier });
    this.settle(checkpoint);
  }

  private abortUpTo(checkpoint: number, reason: AlignmentAbortReason, effects: AlignmentEffect[]): void {
    const kept: Pending[] = [];
    for (const entry of this.pending) {
      if (entry.barrier.checkpoint > checkpoint) kept.push(entry);
      else effects.push({ kind: 'aborted', checkpoint: entry.barrier.checkpoint, reason });
    }
    this.pending = kept;
    this.settle(checkpoint);
  }

  private settle(checkpoint: number): void {
    if (checkpoint > this.settled) this.settled = checkpoint;
  }

  private isBelowPending(checkpoint: number): boolean {
    const first = this.pending[0];
    return first !== undefined && checkpoint < first.barrier.checkpoint;
  }

  private insert(entry: Pending): void {
    const after = this.pending.findIndex((other) => other.barrier.checkpoint > entry.barrier.checkpoint);
    if (after === -1) this.pending.push(entry);
    else this.pending.splice(after, 0, entry);
  }
}
