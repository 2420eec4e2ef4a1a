// Which checkpoint is triggered next, and under which id.
//
// Owns:    waiting savepoints, the periodic schedule, the final checkpoint, ids and their reservation.
// Not:     whether a slot is free and what becomes of a triggered checkpoint (coordinator-machine.ts).
//
// D1. Order: savepoints as they were asked for, the final checkpoint, the first one if it is waited for, the periodic one
//     (semantics 5.10, 5.19).
// D2. Ids strictly increase, and none is given out before it was reserved durably: an id that a dead attempt has used
//     in file names or transactions is never used again.
// D3. When all subtasks have finished, only final checkpoints are triggered, one at a time.

import { type CheckpointId, checkpointId, type SubtaskId } from '../base/ids.js';
import { CHECKPOINT_IDS_RESERVED, FINAL_CHECKPOINT_RETRY_MS } from '../base/limits.js';
import type { BarrierPurpose } from '../elements/element.js';
import type { CoordinatorConfig } from './coordinator-protocol.js';
import { PeriodicSchedule } from './periodic-schedule.js';
import { type SavepointRequest, SavepointRequests } from './savepoint-requests.js';

export interface NextTrigger {
  readonly checkpoint: CheckpointId;
  readonly purpose: BarrierPurpose;
  readonly request: SavepointRequest | null;
}

export class TriggerDesk {
  readonly requests: SavepointRequests = new SavepointRequests();
  readonly schedule: PeriodicSchedule;
  readonly #subtasks: number;
  readonly #finished = new Set<SubtaskId>();
  /** Of the final and the first checkpoint. */
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  /** Sources wait for the first checkpoint of the attempt. */
  #firstWanted = false;
  #lastId: number;
  #reservedUpTo: number;
  #reserving = false;

  constructor(config: CoordinatorConfig) {
    this.schedule = new PeriodicSchedule(config.intervalMs, config.minPauseMs);
    this.#subtasks = config.subtasks.length;
    this.#lastId = config.lastCheckpointId;
    this.#reservedUpTo = config.lastCheckpointId;
  }

  subtaskFinished(subtask: SubtaskId): void {
    this.#finished.add(subtask);
  }

  /** The first checkpoint is due now, whatever the interval. */
  wantFirst(): void {
    this.#firstWanted = true;
  }

  checkpointCompleted(): void {
    this.#firstWanted = false;
  }

  /** One that is waited for and failed is tried again after a pause, or a fault that answers at once would spin. */
  checkpointAborted(nowMs: number): void {
    this.#notBeforeMs = nowMs + FINAL_CHECKPOINT_RETRY_MS;
  }

  /** The id up to which to reserve now, or null while enough are left or a reservation is under way. */
  reservation(): CheckpointId | null {
    if (this.#reserving || this.#reservedUpTo - this.#lastId >= CHECKPOINT_IDS_RESERVED / 2) return null;
    this.#reserving = true;
    return checkpointId(this.#lastId + CHECKPOINT_IDS_RESERVED);
  }

  reserved(upTo: CheckpointId): void {
    this.#reserving = false;
    this.#reservedUpTo = Math.max(this.#reservedUpTo, upTo);
  }

  /** What to trigger now, given that a slot is free. `slotsInUse`: checkpoints that may still turn out to be the final one. */
  next(nowMs: number, slotsInUse: number): NextTrigger | null {
    if (this.#lastId >= this.#reservedUpTo) return null;
    const request = this.requests.take();
    if (request !== null) return this.#give(purposeOf(request), request);
    if (this.#allFinished()) {
      const due = slotsInUse === 0 && this.#notBeforeMs <= nowMs;
      return due ? this.#give({ kind: 'checkpoint' }, null) : null;
    }
    if (this.#firstWanted && slotsInUse === 0 && this.#notBeforeMs <= nowMs)
      return this.#give({ kind: 'checkpoint' }, null);
    const dueMs = this.schedule.dueMs();
    if (dueMs === null || dueMs > nowMs) return null;
    this.schedule.triggeredPeriodic(nowMs);
    return this.#give({ kind: 'checkpoint' }, null);
  }

  /** The next moment at which time alone makes something due; what is due already waits for an answer, not for time. */
  alarmMs(nowMs: number): number | null {
    const periodicMs = this.schedule.dueMs();
    if (this.#allFinished()) return this.#notBeforeMs > nowMs ? this.#notBeforeMs : null;
    const moments = this.#firstWanted ? [this.#notBeforeMs, periodicMs] : [periodicMs];
    const ahead = moments.filter((ms): ms is number => ms !== null && ms > nowMs);
    return ahead.length === 0 ? null : Math.min(...ahead);
  }

  #give(purpose: BarrierPurpose, request: SavepointRequest | null): NextTrigger {
    this.#lastId += 1;
    return { checkpoint: checkpointId(this.#lastId), purpose, request };
  }

  #allFinished(): boolean {
    return this.#finished.size === this.#subtasks;
  }
}

function purposeOf(request: SavepointRequest): BarrierPurpose {
  return request.stop === null ? { kind: 'savepoint' } : { kind: 'stop', drain: request.stop === 'drain' };
}
