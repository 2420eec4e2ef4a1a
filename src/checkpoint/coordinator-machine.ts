// The coordinator of checkpoints of one attempt: when a checkpoint starts, when it is complete, when it has failed.
//
// Owns:    the ends of pending checkpoints, the answers to savepoint requests, counting failures.
// Not:     alignment in subtasks (src/flow), what is triggered next (trigger-desk.ts), writing bytes (the store).
//
// K1. A checkpoint is complete when every subtask has acknowledged and the store has said that its manifest is durable;
//     `notifyComplete` goes out then, and never before.
// K2. At most `concurrentMax` checkpoints stand between trigger and durable manifest, savepoints included: a barrier
//     cannot pass one that is being aligned, so forcing a savepoint in would only make it wait elsewhere.
// K3. Every triggered checkpoint ends exactly once: completed, exported, aborted, or unknown.
// K4. Once the manifest has been handed to the store, only the store's answer ends the checkpoint. The time-out covers
//     collecting acknowledgements; for the write the store's own deadline does. Reporting "aborted" while the manifest may
//     become durable would let a restart restore a checkpoint whose transactions somebody has meanwhile given up.
// K5. For the same reason a broken store (poisoned, fenced) leaves the checkpoint `unknown`: nobody is told anything, the
//     attempt fails, and the next attempt finds out by reading what is durable.
// K6. A savepoint that is no stop never completes anything: no notification, no reset of failures, not used for recovery
//     (semantics 5.18). Its failures are never counted (5.11).
// K7. A stop is completed in the job's own store first, then exported. In the other order a crash in between would leave
//     a savepoint whose transactions the restarted job has aborted.

import { assert, unreachable } from '../base/assert.js';
import { CheckpointError, isUnrecoverable, messageOf, StoreError } from '../base/errors.js';
import type { AttemptNumber, CheckpointId, SubtaskId } from '../base/ids.js';
import { SAVEPOINT_REQUESTS_MAX } from '../base/limits.js';
import { bytesOf, CheckpointHistory } from './checkpoint-history.js';
import type {
  AbortReason,
  CheckpointDraft,
  CheckpointRecord,
  CoordinatorConfig,
  CoordinatorEffect,
  CoordinatorInput,
  CoordinatorStatus,
} from './coordinator-protocol.js';
import { allFinished, partlyFinishedUnion } from './finished-operators.js';
import type { SubtaskSnapshot } from './manifest.js';
import { missingOf, type PendingCheckpoint, PendingCheckpoints } from './pending-checkpoints.js';
import type { SavepointRequest } from './savepoint-requests.js';
import { StopFailedError } from './stop-failed-error.js';
import { type NextTrigger, TriggerDesk } from './trigger-desk.js';

type Phase =
  | { readonly kind: 'created' }
  | { readonly kind: 'running' }
  /** A stop was triggered: sources stand still, nothing else is triggered. */
  | { readonly kind: 'stopping' }
  /** The final checkpoint, or the one of a stop, is complete. */
  | { readonly kind: 'done' }
  | { readonly kind: 'closed' };

type Answer = Extract<CoordinatorInput, { readonly subtask: SubtaskId }>;
type Ended = Pick<CheckpointRecord, 'outcome' | 'reason' | 'detail'>;

const COMPLETED: Ended = { outcome: 'completed', reason: null, detail: '' };
/** Subtasks named in the message of an expired checkpoint. */
const MISSING_SHOWN_MAX = 8;

export class CoordinatorMachine {
  readonly #config: CoordinatorConfig;
  readonly #attempt: AttemptNumber;
  readonly #subtasks: ReadonlySet<SubtaskId>;
  readonly #concurrentMax: number;
  readonly #desk: TriggerDesk;
  readonly #pending = new PendingCheckpoints();
  readonly #history = new CheckpointHistory();
  #phase: Phase = { kind: 'created' };
  #consecutiveFailures = 0;
  #alarmMs: number | null = null;
  #nowMs = Number.NEGATIVE_INFINITY;
  #effects: CoordinatorEffect[] = [];

  constructor(config: CoordinatorConfig, attempt: AttemptNumber) {
    assert(config.subtasks.length > 0, 'a job has subtasks', { attempt });
    assert(config.concurrentMax >= 1, 'at least one checkpoint may be pending', {
      got: config.concurrentMax,
    });
    this.#config = config;
    this.#attempt = attempt;
    this.#subtasks = new Set(config.subtasks);
    // A pause between checkpoints has no meaning while two of them overlap (semantics 5.10).
    this.#concurrentMax = config.minPauseMs > 0 ? 1 : config.concurrentMax;
    this.#desk = new TriggerDesk(config);
  }

  /** Handles one input. The effects are to be performed in order; each of their answers is a new input. */
  step(input: CoordinatorInput): readonly CoordinatorEffect[] {
    this.#nowMs = Math.max(this.#nowMs, input.nowMs);
    this.#effects = [];
    this.#handle(input);
    this.#expire();
    this.#reserve();
    this.#trigger();
    this.#setAlarm();
    return this.#effects;
  }

  status(): CoordinatorStatus {
    return {
      phase: this.#phase.kind,
      mode: this.#config.mode,
      pending: this.#pending.status(this.#config.subtasks),
      lastCompleted: this.#history.lastCompleted,
      consecutiveFailures: this.#consecutiveFailures,
      counters: this.#history.counters(),
      history: this.#history.records,
    };
  }

  /** A savepoint is under way that somebody waits for. */
  get owesSavepoint(): boolean {
    return [...this.#pending.all()].some(({ request }) => request !== null);
  }

  #handle(input: CoordinatorInput): void {
    switch (input.kind) {
      case 'started':
        return this.#started(input.atOnce);
      case 'tick':
        return;
      case 'acknowledged':
      case 'declined':
      case 'finished':
        return this.#answered(input);
      case 'savepointRequested':
        return this.#requested({ requestId: input.requestId, directory: input.directory, stop: input.stop });
      case 'idsReserved':
        return this.#desk.reserved(input.upTo);
      case 'storeCompleted':
        return this.#inStage(input.checkpoint, 'writing', (pending, draft) => this.#complete(pending, draft));
      case 'storeFailed':
        return this.#inStage(input.checkpoint, 'writing', (pending) =>
          this.#writeFailed(pending, input.error),
        );
      case 'exported':
        return this.#inStage(input.checkpoint, 'exporting', (pending) => this.#exported(pending));
      case 'exportFailed':
        return this.#inStage(input.checkpoint, 'exporting', (pending) =>
          this.#exportFailed(pending, input.error),
        );
      case 'storeBroken':
        return this.#failAttempt('The checkpoint store takes no more writes', input.error);
      case 'attemptEnded':
        return this.#close(input.reason);
      default:
        return unreachable(input);
    }
  }

  #started(atOnce: boolean): void {
    if (this.#phase.kind !== 'created') return this.#history.count('ignored');
    this.#phase = { kind: 'running' };
    this.#desk.schedule.started(this.#nowMs);
    if (atOnce) this.#desk.wantFirst();
  }

  #answered(input: Answer): void {
    if (input.attempt !== this.#attempt) return this.#history.count('stale');
    if (!this.#subtasks.has(input.subtask)) return this.#history.count('ignored');
    if (input.kind === 'finished') return this.#desk.subtaskFinished(input.subtask);
    const pending = this.#pending.get(input.checkpoint);
    if (pending?.stage.kind !== 'collecting') return this.#history.count('ignored');
    // The first answer of a subtask is its answer: an acknowledged snapshot is durable, a later word cannot change it.
    if (pending.snapshots.has(input.subtask)) return this.#history.count('ignored');
    if (input.kind === 'acknowledged') return this.#acknowledged(pending, input.subtask, input.snapshot);
    const reason = input.cause === 'subsumed' ? 'subsumed' : 'declined';
    const detail = `subtask ${input.subtask} declined: ${input.reason}`;
    if (input.cause === 'failed') this.#fail(pending, reason, detail);
    else this.#abort(pending, reason, detail);
  }

  #acknowledged(pending: PendingCheckpoint, subtask: SubtaskId, snapshot: SubtaskSnapshot): void {
    pending.snapshots.set(subtask, snapshot);
    if (pending.snapshots.size < this.#subtasks.size) return;
    const newer = this.#pending.writingAbove(pending.checkpoint);
    // Were it written behind the newer one, a restart would go back to the older: to results that are committed already.
    if (newer !== null && pending.purpose.kind === 'checkpoint') {
      return void this.#abort(pending, 'subsumed', `checkpoint ${newer}, which is newer, is being written`);
    }
    const mixed = partlyFinishedUnion(pending.snapshots.values());
    if (mixed !== null) {
      const detail = `operator "${mixed}" has union state, and only some of its subtasks have finished`;
      this.#abort(pending, 'partlyFinished', detail);
      return;
    }
    const draft: CheckpointDraft = {
      checkpoint: pending.checkpoint,
      attempt: this.#attempt,
      purpose: pending.purpose,
      durationMs: this.#nowMs - pending.triggeredMs,
      jobFinished: allFinished(pending.snapshots.values()),
      snapshots: pending.snapshots,
    };
    if (pending.purpose.kind === 'savepoint') return this.#export(pending, draft);
    pending.stage = { kind: 'writing', draft };
    this.#effects.push({ kind: 'writeManifest', draft });
  }

  #requested(request: SavepointRequest): void {
    const { requestId } = request;
    // The same request twice is one savepoint; its answer goes to the one request id (semantics 6.17).
    const known = this.#desk.requests.has(requestId) || this.#pending.ofRequest(requestId) !== undefined;
    if (known) return this.#history.count('ignored');
    const refusal = this.#refusalOf(request);
    if (refusal === null) return this.#desk.requests.add(request);
    this.#effects.push({ kind: 'savepointFailed', requestId, error: refusal });
  }

  #refusalOf(request: SavepointRequest): CheckpointError | null {
    if (request.directory === null && request.stop === null) {
      return new CheckpointError('A savepoint needs a directory.', { remedy: 'Name an empty one.' });
    }
    switch (this.#phase.kind) {
      case 'stopping':
        return new CheckpointError('The job is stopping; it takes no further savepoint.');
      case 'done':
        return new CheckpointError('The job has processed all its data; its last checkpoint is complete.');
      case 'closed':
        return new CheckpointError('The job is not running.', { remedy: 'Try again when it is.' });
      default:
        if (this.#desk.requests.size < SAVEPOINT_REQUESTS_MAX) return null;
        return new CheckpointError(`${SAVEPOINT_REQUESTS_MAX} savepoints are waiting already.`, {
          remedy: 'Wait for them to be done.',
        });
    }
  }

  #complete(pending: PendingCheckpoint, draft: CheckpointDraft): void {
    this.#consecutiveFailures = 0;
    this.#desk.checkpointCompleted();
    this.#effects.push({ kind: 'notifyComplete', checkpoint: pending.checkpoint });
    this.#end(pending, COMPLETED);
    this.#subsumeBelow(pending.checkpoint);
    if (pending.purpose.kind === 'stop' || draft.jobFinished) this.#enterDone();
    const request = pending.request;
    if (request === null) return;
    if (request.directory === null) return this.#savepointDone(pending, request);
    // The checkpoint has ended; what is left is a copy of it for the user (K7).
    this.#pending.add(pending);
    this.#export(pending, draft);
  }

  /** The data of an older checkpoint is in the completed one. Savepoints belong to the user and go on (semantics 5.12). */
  #subsumeBelow(checkpoint: CheckpointId): void {
    for (const older of this.#pending.collecting()) {
      if (older.checkpoint > checkpoint || older.purpose.kind !== 'checkpoint') continue;
      this.#abort(older, 'subsumed', `checkpoint ${checkpoint} is complete`);
    }
  }

  #enterDone(): void {
    this.#phase = { kind: 'done' };
    for (const pending of this.#pending.collecting()) {
      // A stop loses nothing by the end of the job, and giving it up would restart a job that has nothing left to do.
      if (pending.purpose.kind !== 'stop') this.#abort(pending, 'jobFinished', 'the job has finished');
    }
    this.#refuseWaiting('The job has finished before the savepoint could be taken.');
  }

  #writeFailed(pending: PendingCheckpoint, error: unknown): void {
    if (isIncomplete(error)) return void this.#abort(pending, 'baseGone', messageOf(error), error);
    if (!isBroken(error)) return this.#fail(pending, 'storeFailed', messageOf(error), error);
    this.#end(pending, { outcome: 'unknown', reason: null, detail: messageOf(error) });
    this.#failRequest(pending, error);
    this.#failAttempt(`Checkpoint ${pending.checkpoint} could not be written`, error);
  }

  #export(pending: PendingCheckpoint, draft: CheckpointDraft): void {
    const directory = pending.request?.directory ?? null;
    assert(directory !== null, 'an exported savepoint has a directory', { checkpoint: pending.checkpoint });
    pending.stage = { kind: 'exporting', draft };
    this.#effects.push({ kind: 'exportSavepoint', draft, directory });
  }

  #exported(pending: PendingCheckpoint): void {
    this.#endExport(pending, { outcome: 'exported', reason: null, detail: '' });
    if (pending.request !== null) this.#savepointDone(pending, pending.request);
  }

  #exportFailed(pending: PendingCheckpoint, error: unknown): void {
    this.#endExport(pending, { outcome: 'aborted', reason: 'storeFailed', detail: messageOf(error) });
    this.#failRequest(pending, error);
    if (pending.purpose.kind === 'stop') this.#stopFailed(pending, error);
  }

  /** A stop has ended as a checkpoint of the job already; a savepoint ends here, and its chunks are of no use to the job. */
  #endExport(pending: PendingCheckpoint, ended: Ended): void {
    if (pending.purpose.kind === 'stop') return this.#pending.remove(pending.checkpoint);
    this.#end(pending, ended);
    this.#effects.push({ kind: 'discard', checkpoint: pending.checkpoint });
  }

  #savepointDone(pending: PendingCheckpoint, request: SavepointRequest): void {
    const { requestId, directory, stop } = request;
    this.#effects.push({
      kind: 'savepointDone',
      requestId,
      checkpoint: pending.checkpoint,
      directory,
      stop,
    });
  }

  /** An abort that counts towards the tolerable failures, each checkpoint once (semantics 5.11). */
  #fail(pending: PendingCheckpoint, reason: AbortReason, detail: string, cause?: unknown): void {
    const error = this.#abort(pending, reason, detail, cause);
    if (pending.purpose.kind !== 'checkpoint') return;
    this.#history.count('failed');
    this.#consecutiveFailures += 1;
    const { tolerableFailures } = this.#config;
    if (this.#consecutiveFailures <= tolerableFailures) return;
    const failures = `${this.#consecutiveFailures} in a row, ${tolerableFailures} tolerable`;
    this.#failAttempt(`Checkpoints do not complete (${failures})`, error);
  }

  #abort(pending: PendingCheckpoint, reason: AbortReason, detail: string, cause?: unknown): CheckpointError {
    const { checkpoint, purpose } = pending;
    this.#end(pending, { outcome: 'aborted', reason, detail });
    this.#effects.push(
      { kind: 'notifyAborted', checkpoint, reason, detail },
      { kind: 'discard', checkpoint },
    );
    const error = new CheckpointError(`Checkpoint ${checkpoint} was aborted (${reason}): ${detail}.`, {
      cause,
    });
    this.#failRequest(pending, error);
    if (purpose.kind === 'stop') this.#stopFailed(pending, error);
    // Being overtaken by a newer checkpoint is no reason to make the final one wait.
    if (purpose.kind === 'checkpoint' && reason !== 'subsumed') this.#desk.checkpointAborted(this.#nowMs);
    return error;
  }

  #stopFailed(pending: PendingCheckpoint, error: unknown): void {
    const requestId = pending.request?.requestId ?? '';
    // Last, like failAttempt: whoever performs it may not come back for the rest.
    this.#close('the stop failed, the job restarts');
    this.#effects.push({ kind: 'stopFailed', requestId, error: new StopFailedError(error) });
  }

  #failRequest(pending: PendingCheckpoint, error: unknown): void {
    if (pending.request === null) return;
    this.#effects.push({ kind: 'savepointFailed', requestId: pending.request.requestId, error });
  }

  #failAttempt(message: string, cause: unknown): void {
    if (this.#phase.kind === 'closed') return;
    const unrecoverable = isUnrecoverable(cause) || isFenced(cause);
    const error = new CheckpointError(`${message}: ${messageOf(cause)}`, { cause, unrecoverable });
    this.#close(error.message);
    this.#effects.push({ kind: 'failAttempt', error });
  }

  #end(pending: PendingCheckpoint, ended: Ended): void {
    this.#pending.remove(pending.checkpoint);
    this.#desk.schedule.ended(this.#nowMs);
    this.#history.ended({
      checkpoint: pending.checkpoint,
      purpose: pending.purpose.kind,
      triggeredMs: pending.triggeredMs,
      endedMs: this.#nowMs,
      ...ended,
      acknowledged: pending.snapshots.size,
      bytes: bytesOf(pending.checkpoint, pending.snapshots.values()),
    });
  }

  /** Ends everything that can be ended from here. Subtasks of a dying attempt are told nothing. */
  #close(detail: string): void {
    if (this.#phase.kind === 'closed') return;
    this.#phase = { kind: 'closed' };
    const error = new CheckpointError(`The attempt ended before the savepoint was done: ${detail}`, {
      remedy: 'Try again when the job runs; a directory without a complete savepoint is refused on restore.',
    });
    for (const pending of this.#pending.all()) {
      this.#failRequest(pending, error);
      // A stop that is being exported has ended as a checkpoint before.
      const ended = pending.stage.kind === 'exporting' && pending.purpose.kind === 'stop';
      if (ended) this.#pending.remove(pending.checkpoint);
      else if (pending.stage.kind !== 'collecting')
        this.#end(pending, { outcome: 'unknown', reason: null, detail });
      else this.#end(pending, { outcome: 'aborted', reason: 'attemptEnded', detail });
    }
    this.#refuseWaiting(error.message);
  }

  #refuseWaiting(message: string): void {
    for (const { requestId } of this.#desk.requests.takeAll()) {
      this.#effects.push({ kind: 'savepointFailed', requestId, error: new CheckpointError(message) });
    }
  }

  #expire(): void {
    for (const pending of this.#pending.collecting()) {
      // An earlier one may have failed the attempt, and ended this one with it.
      if (this.#phase.kind === 'closed') return;
      if (pending.stage.kind !== 'collecting' || pending.stage.deadlineMs > this.#nowMs) continue;
      const missing = missingOf(pending, this.#config.subtasks).slice(0, MISSING_SHOWN_MAX).join(', ');
      this.#fail(pending, 'expired', `not acknowledged within ${this.#config.timeoutMs} ms by ${missing}`);
    }
  }

  #reserve(): void {
    if (this.#phase.kind === 'done' || this.#phase.kind === 'closed') return;
    const upTo = this.#desk.reservation();
    if (upTo !== null) this.#effects.push({ kind: 'reserveIds', upTo });
  }

  #trigger(): void {
    while (this.#phase.kind === 'running' && this.#hasSlot()) {
      const next = this.#desk.next(this.#nowMs, this.#pending.slotsInUse());
      if (next === null) return;
      if (next.purpose.kind === 'stop') this.#phase = { kind: 'stopping' };
      this.#start(next);
    }
  }

  #start(next: NextTrigger): void {
    const { checkpoint, purpose } = next;
    this.#history.count('triggered');
    this.#pending.add({
      ...next,
      triggeredMs: this.#nowMs,
      snapshots: new Map(),
      stage: { kind: 'collecting', deadlineMs: this.#nowMs + this.#config.timeoutMs },
    });
    this.#effects.push({ kind: 'trigger', checkpoint, purpose, sources: this.#config.sources });
  }

  #hasSlot(): boolean {
    return this.#pending.slotsInUse() < this.#concurrentMax;
  }

  #setAlarm(): void {
    const deadlineMs = this.#pending.deadlineMs();
    const dueMs = this.#phase.kind === 'running' && this.#hasSlot() ? this.#desk.alarmMs(this.#nowMs) : null;
    const atMs = dueMs === null || deadlineMs === null ? (dueMs ?? deadlineMs) : Math.min(dueMs, deadlineMs);
    if (atMs === this.#alarmMs) return;
    this.#alarmMs = atMs;
    this.#effects.push({ kind: 'wakeAt', atMs });
  }

  #inStage(
    checkpoint: CheckpointId,
    kind: 'writing' | 'exporting',
    act: (pending: PendingCheckpoint, draft: CheckpointDraft) => void,
  ): void {
    const pending = this.#pending.get(checkpoint);
    if (pending === undefined || pending.stage.kind !== kind) return this.#history.count('ignored');
    act(pending, pending.stage.draft);
  }
}

function isBroken(error: unknown): boolean {
  return error instanceof StoreError && error.code !== 'WEIR_STORE' && !isIncomplete(error);
}

function isIncomplete(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'WEIR_STORE_INCOMPLETE';
}

function isFenced(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'WEIR_STORE_FENCED';
}
