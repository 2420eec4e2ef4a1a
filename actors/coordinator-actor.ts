// The coordinator actor: drives the coordinator machine of one attempt and carries out what it decides.
//
// Owns:    its alarm, the way to sources, subtasks and store, and when an attempt has ended well.
// Not:     any decision about a checkpoint (src/checkpoint/coordinator-machine.ts).
//
// O1. An attempt that ends well ends after its last checkpoint is complete and every sink has committed it.
// O2. It does not end under a savepoint that is on its way to the user: its checkpoint may be the one that finishes the job.

import { present, unreachable } from '../src/base/assert.js';
import { CheckpointError } from '../src/base/errors.js';
import type { AttemptNumber, CheckpointId, SubtaskId } from '../src/base/ids.js';
import { NOTIFY_AGAIN_INTERVAL_MS } from '../src/base/limits.js';
import type { TimerHandle } from '../src/base/runtime.js';
import { CoordinatorMachine } from '../src/checkpoint/coordinator-machine.js';
import type {
  CoordinatorConfig,
  CoordinatorEffect,
  CoordinatorInput,
} from '../src/checkpoint/coordinator-protocol.js';
import { buildManifest, type PlannedOperator } from '../src/checkpoint/manifest-builder.js';
import type { ProtocolStep } from '../src/task/effect.js';
import type { ActorContext, ActorRef, ActorSetup, Behavior } from './kernel/actor.js';
import type {
  AttemptOutcome,
  CoordinatorMessage,
  JobMessage,
  StoreMessage,
  SubtaskMessage,
} from './messages.js';

export interface CoordinatorWiring {
  readonly job: ActorRef<JobMessage>;
  readonly store: ActorRef<StoreMessage>;
  readonly jobName: string;
  readonly attempt: AttemptNumber;
  readonly config: CoordinatorConfig;
  readonly operators: readonly PlannedOperator[];
  /** Subtasks that commit: the attempt ends well when they have. */
  readonly sinks: readonly SubtaskId[];
}

export function coordinatorActor(wiring: CoordinatorWiring): ActorSetup<CoordinatorMessage> {
  return (context) => new Coordinator(wiring, context);
}

type PerformedEffect = Exclude<CoordinatorEffect, { readonly kind: 'stopFailed' | 'failAttempt' }>;

interface LastCheckpoint {
  readonly checkpoint: CheckpointId;
  readonly outcome: AttemptOutcome;
}

class Coordinator implements Behavior<CoordinatorMessage> {
  private readonly wiring: CoordinatorWiring;
  private readonly context: ActorContext<CoordinatorMessage>;
  private readonly machine: CoordinatorMachine;
  private subtasks: ReadonlyMap<SubtaskId, ActorRef<SubtaskMessage>> = new Map();
  private alarm: TimerHandle | null = null;
  private readonly committed = new Map<SubtaskId, CheckpointId>();
  /** Checkpoints with which the job is finished. With several under way there may be more than one, and any of them will do. */
  private readonly finalDrafts = new Set<CheckpointId>();
  private last: LastCheckpoint | null = null;
  /** Sources that read nothing before a checkpoint is complete, and the first that was. */
  private awaiting: readonly SubtaskId[] = [];
  private first: CheckpointId | null = null;
  private reported = false;
  private lastSinceMs = 0;
  private again: TimerHandle | null = null;

  constructor(wiring: CoordinatorWiring, context: ActorContext<CoordinatorMessage>) {
    this.wiring = wiring;
    this.context = context;
    this.machine = new CoordinatorMachine(wiring.config, wiring.attempt);
  }

  onMessage(message: CoordinatorMessage): void {
    const nowMs = this.context.runtime.clock.monotonicMs();
    switch (message.kind) {
      case 'subtasks':
        this.subtasks = message.refs;
        return;
      case 'committed':
        this.committed.set(message.subtask, message.checkpoint);
        return this.endWhenCommitted();
      case 'started':
        this.awaiting = message.awaiting;
        return this.step({ kind: 'started', atOnce: message.awaiting.length > 0, nowMs });
      case 'notifyAgain':
        return this.notifyAgain();
      case 'savepoint':
        return this.step({ ...message, kind: 'savepointRequested', nowMs });
      case 'status':
        return message.reply.resolve(this.machine.status());
      case 'acknowledged':
        this.point('ack.received', message.checkpoint);
        return this.step({ ...message, nowMs });
      default:
        return this.step({ ...message, nowMs });
    }
  }

  postStop(): void {
    this.alarm?.cancel();
    // Savepoints that wait are answered rather than forgotten.
    const nowMs = this.context.runtime.clock.monotonicMs();
    for (const effect of this.machine.step({ kind: 'attemptEnded', nowMs, reason: 'the attempt ended' })) {
      if (effect.kind === 'savepointFailed') this.wiring.job.control(effect);
    }
  }

  /** All effects of a step are carried out, also those behind the one that ends this attempt. */
  private step(input: CoordinatorInput): void {
    let failure: { readonly error: unknown } | null = null;
    for (const effect of this.machine.step(input)) {
      if (effect.kind === 'stopFailed' || effect.kind === 'failAttempt') failure ??= effect;
      else this.perform(effect);
    }
    if (failure !== null) throw failure.error;
    // A savepoint that the end waited for may have been written, or given up.
    this.endWhenCommitted();
  }

  private perform(effect: PerformedEffect): void {
    const { job, store } = this.wiring;
    switch (effect.kind) {
      case 'reserveIds':
        return store.control({ kind: 'reserveIds', upTo: effect.upTo, from: this.context.self });
      case 'trigger':
        for (const source of effect.sources)
          this.subtask(source).control({
            kind: 'trigger',
            checkpoint: effect.checkpoint,
            purpose: effect.purpose,
          });
        return;
      case 'wakeAt':
        return this.setAlarm(effect.atMs);
      case 'writeManifest':
        if (effect.draft.jobFinished) this.finalDrafts.add(effect.draft.checkpoint);
        return store.control({
          kind: 'complete',
          manifest: this.manifestOf(effect.draft),
          from: this.context.self,
        });
      case 'exportSavepoint':
        return store.control({
          kind: 'export',
          manifest: this.manifestOf(effect.draft),
          directory: effect.directory,
          from: this.context.self,
        });
      case 'notifyComplete':
        return this.notifyComplete(effect.checkpoint);
      case 'notifyAborted':
        for (const ref of this.subtasks.values()) {
          const { checkpoint, reason } = effect;
          ref.control({ kind: 'checkpointAborted', checkpoint, reason });
        }
        this.context.logger.warn(
          { checkpoint: effect.checkpoint, reason: effect.reason, detail: effect.detail },
          'checkpoint aborted',
        );
        return;
      case 'discard':
        return store.control({
          kind: 'discard',
          checkpoint: effect.checkpoint,
          attempt: this.wiring.attempt,
        });
      case 'savepointDone':
        return this.savepointDone(effect);
      case 'savepointFailed':
        return job.control(effect);
      default:
        return unreachable(effect);
    }
  }

  private notifyComplete(checkpoint: CheckpointId): void {
    const record = this.machine.status().history.at(-1);
    this.wiring.job.control({
      kind: 'checkpointCompleted',
      attempt: this.wiring.attempt,
      checkpoint,
      durationMs: record === undefined ? 0 : record.endedMs - record.triggeredMs,
      bytes: record?.bytes ?? 0,
    });
    for (const ref of this.subtasks.values()) ref.control({ kind: 'checkpointComplete', checkpoint });
    this.point('notify.sent', checkpoint);
    if (this.first === null && this.awaiting.length > 0) {
      this.first = checkpoint;
      this.notifyAgainLater();
    }
    if (this.finalDrafts.has(checkpoint)) this.endAfter({ checkpoint, outcome: { kind: 'finished' } });
  }

  private savepointDone(effect: PerformedEffect & { readonly kind: 'savepointDone' }): void {
    const { requestId, checkpoint, directory, stop } = effect;
    this.wiring.job.control({ kind: 'savepointDone', requestId, checkpoint, directory });
    if (stop !== null)
      this.endAfter({ checkpoint, outcome: { kind: 'stopped', mode: stop, checkpoint, directory } });
  }

  private endAfter(last: LastCheckpoint): void {
    if (this.last === null) this.lastSinceMs = this.context.runtime.clock.monotonicMs();
    // A stop is asked for by somebody who waits for its savepoint: it names the end, also where the input ended by itself.
    if (this.last === null || last.outcome.kind === 'stopped') this.last = last;
    this.endWhenCommitted();
    this.notifyAgainLater();
  }

  /**
   * No later notice covers for the last one, so it is repeated to the sinks that have not committed by it; nor need one follow the
   * first, so it is repeated to the sources that wait for it.
   */
  private notifyAgainLater(): void {
    if (this.reported || this.again !== null) return;
    this.again = this.context.every(NOTIFY_AGAIN_INTERVAL_MS, { kind: 'notifyAgain' });
  }

  private notifyAgain(): void {
    this.tellAwaiting();
    const { last } = this;
    if (last === null || this.reported) return;
    const { checkpoint } = last;
    const behind = this.sinksBehind(checkpoint);
    this.refuseToWaitForEver(checkpoint, behind);
    for (const sink of behind) this.subtasks.get(sink)?.control({ kind: 'checkpointComplete', checkpoint });
  }

  private tellAwaiting(): void {
    const { first } = this;
    if (first === null) return;
    this.awaiting = this.awaiting.filter((source) => !this.committed.has(source));
    for (const source of this.awaiting)
      this.subtasks.get(source)?.control({ kind: 'checkpointComplete', checkpoint: first });
    if (this.awaiting.length > 0 || this.last !== null) return;
    this.again?.cancel();
    this.again = null;
  }

  /** No later checkpoint is there to time out when a commit never settles, so the last one has a time-out of its own. */
  private refuseToWaitForEver(checkpoint: CheckpointId, behind: readonly SubtaskId[]): void {
    const { timeoutMs } = this.wiring.config;
    if (behind.length === 0) return;
    if (this.context.runtime.clock.monotonicMs() - this.lastSinceMs < timeoutMs) return;
    throw new CheckpointError(
      `Checkpoint ${checkpoint}, the last one, is complete, but ${behind.join(', ')} has not committed it within ${timeoutMs} ms.`,
      { remedy: 'Look at the system that the sink writes to; the commit is tried again after the restart.' },
    );
  }

  private sinksBehind(checkpoint: CheckpointId): readonly SubtaskId[] {
    return this.wiring.sinks.filter((sink) => (this.committed.get(sink) ?? 0) < checkpoint);
  }

  private endWhenCommitted(): void {
    const { last } = this;
    if (last === null || this.reported || this.machine.owesSavepoint) return;
    const { attempt, job } = this.wiring;
    if (this.sinksBehind(last.checkpoint).length > 0) return;
    this.reported = true;
    this.again?.cancel();
    job.control({ kind: 'attemptDone', attempt, outcome: last.outcome });
  }

  private manifestOf(draft: Parameters<typeof buildManifest>[0]): ReturnType<typeof buildManifest> {
    const { jobName: job, operators } = this.wiring;
    return buildManifest(draft, { job, operators, completedWallMs: this.context.runtime.clock.wallMs() });
  }

  private setAlarm(atMs: number | null): void {
    this.alarm?.cancel();
    this.alarm = null;
    if (atMs === null) return;
    const delayMs = Math.max(0, atMs - this.context.runtime.clock.monotonicMs());
    this.alarm = this.context.after(delayMs, { kind: 'tick' });
  }

  private subtask(id: SubtaskId): ActorRef<SubtaskMessage> {
    return present(this.subtasks.get(id), 'a subtask of the attempt');
  }

  private point(step: ProtocolStep, checkpoint: number): void {
    this.context.runtime.points?.hit(step, { role: 'coordinator', attempt: this.wiring.attempt, checkpoint });
  }
}
