// The machine of a source subtask: polls in, batches and barriers out.
//
// Owns:    the positions of its splits, when to poll, when to insert a barrier, watermarks per split, the end.
// Not:     reading (the connector), performing polls (the task actor).
//
// R1. A position moves only together with the records before it: a barrier is inserted between two polls' records, when
//     everything emitted has left the chain (semantics 5.2).
// R2. A barrier id is taken once; the same or a lower one is ignored (F21, F24).
// R3. After the barrier of a stop nothing is polled any more.
// R4. While there is no room downstream nothing is polled, and a newer trigger replaces one that waits.
// R5. A start position that was found by looking is in a completed checkpoint before anything behind it is read.

import { ConnectorError } from '../base/errors.js';
import { deepFreeze } from '../base/freeze.js';
import type { CheckpointId } from '../base/ids.js';
import { BATCH_FLUSH_INTERVAL_MS, WATERMARK_INTERVAL_MS } from '../base/limits.js';
import { MAX_TIMESTAMP, MIN_TIMESTAMP } from '../base/timestamps.js';
import type { BarrierPurpose } from '../elements/element.js';
import type { Polled } from '../operators/source.js';
import type { SplitWatermarks } from '../operators/split-watermarks.js';
import type { Chain } from './chain.js';
import type { Machine, MachineStatus, TaskEffect, TaskInput } from './effect.js';
import type { Outbox } from './outbox.js';
import type { Snapshots } from './snapshots.js';
import { cutBatch, type SourcePart } from './source-parts.js';
import { placedAmong, type SourceRejects } from './source-rejects.js';
import type { SplitPositions } from './split-positions.js';

export interface SourceParts {
  readonly name: string;
  readonly uid: string;
  readonly chain: Chain;
  readonly outbox: Outbox;
  readonly snapshots: Snapshots;
  readonly positions: SplitPositions;
  /** Null: the source has no watermark strategy; timestamps of the source are kept. */
  readonly watermarks: SplitWatermarks | null;
  readonly rejects: SourceRejects;
  /** Where the record stands that is so far into the poll in hand; undefined where the source cannot say. */
  readonly describe: (index: number) => string | undefined;
  readonly bounded: boolean;
  /** Restored from a checkpoint in which this source had finished: nothing is read any more. */
  readonly finished: boolean;
  /** Positions were found by looking, and no checkpoint has them yet (R5). */
  readonly awaitsCheckpoint: boolean;
  readonly pollRecordsMax: number;
  /** Development: records are frozen, since a replay may give them again. */
  readonly freezes: boolean;
  readonly encode: (value: unknown) => Uint8Array;
  /** Stands for the source in snapshots: finished or not. */
  readonly self: { ended: boolean };
  readonly clock: { nowMs: number };
}

type Phase =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'running' }
  /** MAX and the end of data are on their way through the chain. */
  | { readonly kind: 'ending'; stage: 'watermark' | 'end' | 'flush' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'stopped' };

interface Trigger {
  readonly checkpoint: CheckpointId;
  readonly purpose: BarrierPurpose;
}

export class SourceMachine implements Machine {
  private readonly parts: SourceParts;
  private effects: TaskEffect[] = [];
  private phase: Phase = { kind: 'waiting' };
  private polling = false;
  /** An answer of the reader that waits for the chain to be at rest and for room. */
  private arrived: Polled<unknown> | null = null;
  private pollAfterMs: number | null = null;
  private trigger: Trigger | null = null;
  private lastBarrier = 0;
  /** Highest injected barrier whose checkpoint was given up and whose marker has not left. */
  private canceled: number | null = null;
  private watermark = MIN_TIMESTAMP;
  private periodicMs: number | null = null;
  /** When the batches opened meanwhile must leave, full or not. */
  private flushMs: number | null = null;
  private alarmMs: number | null = null;
  private alarmDue = false;
  /** What was polled and the watermarks among it, as far as the chain has not been given it. */
  private due: readonly SourcePart[] = [];
  private dueIndex = 0;
  private taken: readonly unknown[] = [];
  private firstRecordPending: boolean;
  private awaitsCheckpoint: boolean;

  constructor(parts: SourceParts, restored: boolean) {
    this.parts = parts;
    this.firstRecordPending = restored;
    this.awaitsCheckpoint = parts.awaitsCheckpoint;
  }

  step(input: TaskInput, nowMs: number): readonly TaskEffect[] {
    this.parts.clock.nowMs = nowMs;
    this.accept(input, nowMs);
    this.work(nowMs);
    for (const departure of this.parts.outbox.takeDepartures())
      this.effects.push({ kind: 'send', ...departure });
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
      finished: this.phase.kind === 'ended' || this.phase.kind === 'stopped',
      queuedElements: 0,
      heldBackBy: null,
    };
  }

  private accept(input: TaskInput, nowMs: number): void {
    const { outbox, snapshots } = this.parts;
    switch (input.kind) {
      case 'start':
        this.phase = { kind: 'running' };
        this.periodicMs = this.parts.watermarks === null ? null : nowMs + WATERMARK_INTERVAL_MS;
        this.emitMore(this.parts.watermarks?.start(nowMs) ?? []);
        return;
      case 'credit':
        outbox.addCredits(input.channel, input.credits);
        return;
      case 'polled':
        this.polling = false;
        // What a stop has left unread will be read again: the position has not moved.
        if (this.phase.kind === 'running') this.arrived = input.polled;
        return;
      case 'trigger':
        if (input.checkpoint > this.lastBarrier && input.checkpoint > (this.trigger?.checkpoint ?? 0)) {
          this.trigger = { checkpoint: input.checkpoint, purpose: input.purpose };
        }
        return;
      case 'checkpointComplete':
        this.effects.push(...snapshots.accept(input));
        return this.completed(input.checkpoint);
      case 'checkpointAborted':
        this.effects.push(...snapshots.accept(input));
        return this.aborted(input.checkpoint);
      case 'alarm':
        this.alarmMs = null;
        this.alarmDue = true;
        return;
      default:
        this.effects.push(...snapshots.accept(input));
    }
  }

  private work(nowMs: number): void {
    const { chain, outbox } = this.parts;
    while (chain.run() && !outbox.room.full) {
      if (this.continueDue() || this.continueCancel()) continue;
      if (this.alarmDue) {
        this.ring(nowMs);
        continue;
      }
      if (this.phase.kind === 'ending') {
        this.continueEnding();
        continue;
      }
      if (this.trigger !== null) {
        this.takeTrigger(this.trigger);
        continue;
      }
      if (this.arrived === null) break;
      const { arrived } = this;
      this.arrived = null;
      this.takePolled(arrived, nowMs);
    }
    if (chain.timeUp) this.effects.push({ kind: 'continue' });
    if (chain.atRest && !outbox.room.full) this.goOn();
    if (this.parts.watermarks !== null) this.parts.watermarks.setPaused(outbox.room.full, nowMs);
  }

  /** At rest and with room: ask for more, or let what is open leave. */
  private goOn(): void {
    const { outbox } = this.parts;
    if (this.phase.kind !== 'running' || this.polling || this.pollAfterMs !== null) {
      outbox.flush();
      return;
    }
    const { positions, bounded, finished } = this.parts;
    // An unbounded source without splits waits for new ones; with splits, it ends when they have.
    if (finished || (positions.count === 0 ? bounded : positions.allEnded)) {
      this.startEnding();
      this.effects.push({ kind: 'continue' });
      return;
    }
    if (this.awaitsCheckpoint) {
      outbox.flush();
      return;
    }
    this.flushMs ??= this.parts.clock.nowMs + BATCH_FLUSH_INTERVAL_MS;
    this.polling = true;
    this.effects.push({ kind: 'poll', recordsMax: this.parts.pollRecordsMax });
  }

  private takePolled(polled: Polled<unknown>, nowMs: number): void {
    switch (polled.kind) {
      case 'records':
        return this.takeRecords(polled, nowMs);
      case 'nothing':
        this.pollAfterMs = nowMs + Math.max(1, polled.retryMs);
        return;
      case 'splitEnd':
        this.parts.positions.end(polled.split);
        return this.emitMore(this.parts.watermarks?.splitEnded(polled.split, nowMs) ?? []);
      default:
        for (const split of polled.splits) {
          if (!this.parts.positions.add(split)) continue;
          this.emitMore(this.parts.watermarks?.splitAdded(split.id, nowMs) ?? []);
        }
    }
  }

  /** For error messages: a record that failed while it was given its time. */
  takenRecord(index: number): unknown {
    return this.taken[index];
  }

  private takeRecords(polled: Polled<unknown> & { readonly kind: 'records' }, nowMs: number): void {
    this.parts.positions.move(polled.split, polled.next);
    const count = polled.values.length;
    if (count === 0 && polled.rejected === undefined) return;
    const { pollRecordsMax } = this.parts;
    if (count > pollRecordsMax) {
      throw new ConnectorError(
        `Source "${this.parts.name}" answered ${count} records when asked for at most ${pollRecordsMax}.`,
        {
          operator: this.parts.name,
          unrecoverable: true,
          remedy: 'Return at most `recordsMax` records from `poll`.',
        },
      );
    }
    const values = polled.values as unknown[];
    if (this.parts.freezes) for (const value of values) deepFreeze(value);
    const timestamps =
      polled.timestamps === undefined ? new Array<number>(count).fill(MIN_TIMESTAMP) : [...polled.timestamps];
    this.taken = values;
    const placed = placedAmong(polled, timestamps, nowMs, this.parts);
    this.taken = [];
    if (this.firstRecordPending) {
      this.firstRecordPending = false;
      this.effects.push({ kind: 'point', step: 'record.afterRestore', checkpoint: 0 });
    }
    this.emitMore(cutBatch(values, timestamps, placed));
  }

  private takeTrigger(trigger: Trigger): void {
    const { checkpoint, purpose } = trigger;
    if (purpose.kind === 'stop' && purpose.drain && this.phase.kind === 'running') {
      this.startEnding();
      return;
    }
    this.trigger = null;
    this.lastBarrier = checkpoint;
    const { outbox, snapshots } = this.parts;
    outbox.controlAll({ kind: 'barrier', checkpoint, purpose });
    this.effects.push({ kind: 'point', step: 'barrier.injected', checkpoint });
    const stored = this.parts.positions.atBarrierOf(checkpoint, this.parts.encode);
    this.effects.push(...snapshots.begin(checkpoint, purpose, new Map([[this.parts.uid, [stored]]])));
    if (purpose.kind !== 'stop' || this.phase.kind !== 'running') return;
    this.phase = { kind: 'stopped' };
    this.arrived = null;
  }

  private completed(checkpoint: CheckpointId): void {
    const positions = this.parts.positions.complete(checkpoint);
    if (positions === null) return;
    this.effects.push({ kind: 'checkpointed', positions });
    if (!this.awaitsCheckpoint) return;
    this.awaitsCheckpoint = false;
    // So that the notice is repeated no more.
    this.effects.push({ kind: 'committed', checkpoint });
  }

  private aborted(checkpoint: CheckpointId): void {
    if (this.trigger?.checkpoint === checkpoint) this.trigger = null;
    this.parts.positions.aborted(checkpoint);
    // The marker follows its barrier and frees whoever aligns for it; one place is enough, it covers all lower ids.
    if (checkpoint <= this.lastBarrier) this.canceled = Math.max(this.canceled ?? 0, checkpoint);
    // A trigger that comes after its abort must not inject a barrier that nobody will align.
    this.lastBarrier = Math.max(this.lastBarrier, checkpoint);
  }

  private emitMore(parts: readonly SourcePart[]): void {
    if (parts.length === 0) return;
    this.due = this.dueIndex < this.due.length ? [...this.due.slice(this.dueIndex), ...parts] : parts;
    this.dueIndex = 0;
  }

  private continueDue(): boolean {
    const part = this.due[this.dueIndex];
    if (part === undefined) return false;
    this.dueIndex += 1;
    this.give(part);
    return true;
  }

  private give(part: SourcePart): void {
    const { chain, positions } = this.parts;
    switch (part.kind) {
      case 'part':
        positions.skip(part.from);
        return chain.startBatch(part.values, part.timestamps, 0);
      case 'letter':
        return chain.startSide(part.tag, part.letter, part.timestamp);
      case 'watermark':
        if (part.time <= this.watermark) return;
        this.watermark = part.time;
        return chain.startWatermark(part.time);
      default:
        return chain.status(part.idle);
    }
  }

  private continueCancel(): boolean {
    const { canceled } = this;
    if (canceled === null) return false;
    this.canceled = null;
    this.parts.outbox.controlAll({ kind: 'barrierCancel', checkpoint: canceled as CheckpointId });
    return true;
  }

  private ring(nowMs: number): void {
    this.alarmDue = false;
    if (this.pollAfterMs !== null && this.pollAfterMs <= nowMs) this.pollAfterMs = null;
    if (this.flushMs !== null && this.flushMs <= nowMs) {
      this.flushMs = null;
      this.parts.outbox.flush();
    }
    if (this.periodicMs !== null && this.periodicMs <= nowMs) {
      this.periodicMs = nowMs + WATERMARK_INTERVAL_MS;
      if (this.phase.kind === 'running') this.emitMore(this.parts.watermarks?.periodic(nowMs) ?? []);
    }
    this.parts.chain.startAlarms(nowMs);
  }

  private startEnding(): void {
    this.emitMore(this.parts.watermarks?.finish() ?? []);
    this.phase = { kind: 'ending', stage: 'watermark' };
    this.arrived = null;
  }

  private continueEnding(): void {
    if (this.phase.kind !== 'ending') return;
    switch (this.phase.stage) {
      case 'watermark':
        this.phase.stage = 'end';
        this.watermark = MAX_TIMESTAMP;
        this.parts.chain.startWatermark(MAX_TIMESTAMP);
        return;
      case 'end':
        this.phase.stage = 'flush';
        this.parts.chain.startEnd();
        return;
      default:
        this.phase = { kind: 'ended' };
        this.parts.self.ended = true;
        this.effects.push({ kind: 'finished' });
    }
  }

  private askForAlarm(): void {
    // One that has rung and waits for room is enough: an overdue alarm asked for again would ring without pause.
    if (this.alarmDue) return;
    let next = this.parts.chain.nextAlarm();
    if (this.phase.kind === 'running') {
      for (const wish of [this.pollAfterMs, this.periodicMs, this.flushMs]) {
        if (wish !== null && (next === null || wish < next)) next = wish;
      }
    }
    if (next === this.alarmMs) return;
    this.alarmMs = next;
    this.effects.push({ kind: 'alarm', wallMs: next });
  }
}
