// The checkpoints that have been triggered and have not ended.
//
// Owns:    their stages, who has acknowledged, which of them hold a slot.
// Not:     what moves them from stage to stage (coordinator-machine.ts).
//
// P1. collecting -> writing -> gone, for checkpoints of the job; a stop may go on to exporting after that.
// P2. collecting -> exporting -> gone, for savepoints.

import { assert } from '../base/assert.js';
import type { CheckpointId, SubtaskId } from '../base/ids.js';
import type { BarrierPurpose } from '../elements/element.js';
import type { CheckpointDraft, CoordinatorStatus } from './coordinator-protocol.js';
import type { SubtaskSnapshot } from './manifest.js';
import type { SavepointRequest } from './savepoint-requests.js';

export type Stage =
  | { readonly kind: 'collecting'; readonly deadlineMs: number }
  | { readonly kind: 'writing'; readonly draft: CheckpointDraft }
  | { readonly kind: 'exporting'; readonly draft: CheckpointDraft };

export interface PendingCheckpoint {
  readonly checkpoint: CheckpointId;
  readonly purpose: BarrierPurpose;
  readonly request: SavepointRequest | null;
  readonly triggeredMs: number;
  readonly snapshots: Map<SubtaskId, SubtaskSnapshot>;
  stage: Stage;
}

export class PendingCheckpoints {
  readonly #byId = new Map<CheckpointId, PendingCheckpoint>();

  get(checkpoint: CheckpointId): PendingCheckpoint | undefined {
    return this.#byId.get(checkpoint);
  }

  add(pending: PendingCheckpoint): void {
    assert(!this.#byId.has(pending.checkpoint), 'an id is pending once', { checkpoint: pending.checkpoint });
    this.#byId.set(pending.checkpoint, pending);
  }

  remove(checkpoint: CheckpointId): void {
    this.#byId.delete(checkpoint);
  }

  /** Oldest first; a copy, so that ending some of them while iterating is safe. */
  all(): readonly PendingCheckpoint[] {
    return [...this.#byId.values()];
  }

  collecting(): readonly PendingCheckpoint[] {
    return this.all().filter((pending) => pending.stage.kind === 'collecting');
  }

  /** A newer checkpoint that the store has been given, or null. */
  writingAbove(checkpoint: CheckpointId): CheckpointId | null {
    const newer = this.all().find((each) => each.checkpoint > checkpoint && each.stage.kind === 'writing');
    return newer?.checkpoint ?? null;
  }

  /** Exporting holds no slot: copying a large savepoint must not keep the job without checkpoints. */
  slotsInUse(): number {
    return this.all().filter((pending) => pending.stage.kind !== 'exporting').length;
  }

  ofRequest(requestId: string): PendingCheckpoint | undefined {
    return this.all().find((pending) => pending.request?.requestId === requestId);
  }

  /** The first moment at which one of them expires. */
  deadlineMs(): number | null {
    let earliest: number | null = null;
    for (const { stage } of this.#byId.values()) {
      if (stage.kind === 'collecting') earliest = Math.min(earliest ?? stage.deadlineMs, stage.deadlineMs);
    }
    return earliest;
  }

  status(subtasks: readonly SubtaskId[]): CoordinatorStatus['pending'] {
    return this.all().map((pending) => ({
      checkpoint: pending.checkpoint,
      purpose: pending.purpose.kind,
      stage: pending.stage.kind,
      triggeredMs: pending.triggeredMs,
      acknowledged: pending.snapshots.size,
      missing: missingOf(pending, subtasks),
    }));
  }
}

/** Subtasks that have not acknowledged yet. */
export function missingOf(pending: PendingCheckpoint, subtasks: readonly SubtaskId[]): readonly SubtaskId[] {
  return subtasks.filter((subtask) => !pending.snapshots.has(subtask));
}
