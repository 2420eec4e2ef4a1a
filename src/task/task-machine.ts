// The machine of a subtask of operators: elements in, effects out.
//
// Owns:    the order of everything that happens in one subtask: which channel is read, when the chain runs, when a
//          barrier is taken, when credits go back.
// Not:     sources (source-machine.ts), sinks (sink-machine.ts), performing effects (actors/subtask-actor.ts).
//
// A1. One element is handled to its end before the next is taken; without room downstream nothing is taken.
// A2. A blocked channel is not read: its elements stay in its own credits (semantics 5.4).
// A3. The barrier goes on, then state is fixed, then the next element is taken; nothing comes between (semantics 5.3).
// A4. While an older snapshot still walks through state, a newer barrier waits with everything behind it: so the oldest
//     checkpoint always completes, however fast barriers come.

import { MIN_TIMESTAMP } from '../base/timestamps.js';
import type { Barrier, Element } from '../elements/element.js';
import type { Alignment, AlignmentEffect } from '../flow/alignment.js';
import type { Inbox } from '../flow/inbox.js';
import type { WatermarkMerge } from '../flow/watermark-merge.js';
import type { Chain } from './chain.js';
import type { Machine, MachineStatus, TaskEffect, TaskInput } from './effect.js';
import type { Outbox } from './outbox.js';
import type { Snapshots } from './snapshots.js';

export interface TaskParts {
  readonly chain: Chain;
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  readonly alignment: Alignment;
  readonly merge: WatermarkMerge;
  readonly snapshots: Snapshots;
  /** Input of the head operator per incoming channel. */
  readonly inputOf: readonly (0 | 1)[];
  /** Clock that the chain's operators read; the machine sets it at every step. */
  readonly clock: { nowMs: number };
}

export class TaskMachine implements Machine {
  private readonly parts: TaskParts;
  private effects: TaskEffect[] = [];
  private endedChannels = 0;
  private endStarted = false;
  private finished = false;
  private watermark = MIN_TIMESTAMP;
  private alarmMs: number | null = null;
  private alarmDue = false;
  /** What the merge of watermarks has answered and the chain has not been given yet. */
  private merged: readonly Element[] = [];
  /** Aligned and passed on; its snapshot waits for the walk of an older one. */
  private held: Barrier | null = null;

  constructor(parts: TaskParts) {
    this.parts = parts;
  }

  step(input: TaskInput, nowMs: number): readonly TaskEffect[] {
    this.parts.clock.nowMs = nowMs;
    this.accept(input);
    this.work();
    this.depart();
    this.askForAlarm();
    const { effects } = this;
    this.effects = [];
    return effects;
  }

  get status(): MachineStatus {
    return {
      recordsIn: this.parts.chain.recordsIn,
      watermark: this.watermark,
      backPressured: this.parts.outbox.room.full,
      finished: this.finished,
      queuedElements: this.parts.inbox.size,
      heldBackBy: this.parts.merge.holdingBack(),
    };
  }

  private accept(input: TaskInput): void {
    const { inbox, outbox, snapshots } = this.parts;
    switch (input.kind) {
      case 'element':
        inbox.put(input.channel, input.seq, input.element);
        return;
      case 'credit':
        outbox.addCredits(input.channel, input.credits);
        return;
      case 'alarm':
        this.alarmMs = null;
        this.alarmDue = true;
        return;
      default:
        if (input.kind === 'checkpointAborted' && input.checkpoint === this.held?.checkpoint)
          this.held = null;
        this.effects.push(...snapshots.accept(input));
    }
  }

  private work(): void {
    const { chain, inbox, outbox, alignment } = this.parts;
    while (this.takeHeld() && chain.run() && !outbox.room.full) {
      if (this.continueEnd() || this.continueMerged()) continue;
      if (this.alarmDue) {
        this.alarmDue = false;
        chain.startAlarms(this.parts.clock.nowMs);
        continue;
      }
      const channel = inbox.next((index) => alignment.isBlocked(index));
      if (channel === null) break;
      const { element, credits } = inbox.take(channel);
      if (credits > 0) this.effects.push({ kind: 'grant', channel, credits });
      this.handle(channel, element);
    }
    if (chain.timeUp) this.effects.push({ kind: 'continue' });
    // Nothing more to do now: what is open leaves rather than waits for company.
    if (chain.atRest && !outbox.room.full) outbox.flush();
  }

  private handle(channel: number, element: Element): void {
    const { chain, alignment, merge, outbox } = this.parts;
    switch (element.kind) {
      case 'batch':
        chain.startBatch(element.values, element.timestamps, this.parts.inputOf[channel] ?? 0);
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
        outbox.controlAll(element);
        return;
      default:
        this.endedChannels += 1;
        if (this.endedChannels === this.parts.inputOf.length) chain.startEnd();
        this.endStarted = this.endedChannels === this.parts.inputOf.length;
    }
  }

  private continueEnd(): boolean {
    if (!this.endStarted || this.finished) return false;
    this.finished = true;
    this.effects.push({ kind: 'finished' });
    return true;
  }

  private advance(outputs: readonly Element[]): void {
    this.merged = outputs;
  }

  /** One at a time: a status must not overtake the results of the watermark before it. */
  private continueMerged(): boolean {
    const [output, ...rest] = this.merged;
    if (output === undefined) return false;
    this.merged = rest;
    if (output.kind === 'watermark') {
      this.watermark = output.time;
      this.parts.chain.startWatermark(output.time);
    } else if (output.kind === 'status') {
      this.parts.chain.status(output.idle);
    }
    return true;
  }

  private align(effects: readonly AlignmentEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'aligned') this.takeBarrier(effect.barrier);
      else this.giveUp(effect);
    }
  }

  private takeBarrier(barrier: Barrier): void {
    this.effects.push({ kind: 'point', step: 'barrier.aligned', checkpoint: barrier.checkpoint });
    this.parts.outbox.controlAll(barrier);
    this.held = barrier;
    this.takeHeld();
  }

  /** False: state must stay as it is. */
  private takeHeld(): boolean {
    const { held } = this;
    const { snapshots } = this.parts;
    if (held === null) return true;
    if (snapshots.isWalking) return false;
    this.held = null;
    this.effects.push(...snapshots.begin(held.checkpoint, held.purpose, new Map()));
    return true;
  }

  private giveUp(aborted: AlignmentEffect & { readonly kind: 'aborted' }): void {
    const { outbox, snapshots } = this.parts;
    outbox.controlAll({ kind: 'barrierCancel', checkpoint: aborted.checkpoint });
    snapshots.abort(aborted.checkpoint);
    this.effects.push({
      kind: 'decline',
      checkpoint: aborted.checkpoint,
      cause: 'subsumed',
      reason: aborted.reason,
    });
  }

  private depart(): void {
    for (const departure of this.parts.outbox.takeDepartures()) {
      this.effects.push({ kind: 'send', ...departure });
    }
  }

  private askForAlarm(): void {
    // One that has rung and waits for room is enough: an overdue alarm asked for again would ring without pause.
    if (this.alarmDue) return;
    const next = this.parts.chain.nextAlarm();
    if (next === this.alarmMs) return;
    this.alarmMs = next;
    this.effects.push({ kind: 'alarm', wallMs: next });
  }
}
