// The job actor: the life of one job, over all its attempts.
//
// Owns:    opening the store, beginning attempts, restoring, restarting, answering the handle.
// Not:     deciding (src/recovery/job-machine.ts), executing (attempt-actor.ts).
//
// J1. An attempt begins only after the one before it has stopped whole and its number is durable.
// J2. When the store failed it is closed and opened again before the next attempt; a store is never repaired in place.
// J3. If this actor itself dies, its successor begins at the store again; nothing of value lives only here.

import { present, unreachable } from '../src/base/assert.js';
import { CheckpointError, messageOf } from '../src/base/errors.js';
import { type AttemptNumber, attemptNumber, type SubtaskId } from '../src/base/ids.js';
import { STEERING_HANDLER_TIMEOUT_MS } from '../src/base/limits.js';
import type { CheckpointStore } from '../src/checkpoint/checkpoint-store.js';
import type { JobPlan } from '../src/graph/job-plan.js';
import { type JobEffect, type JobInput, JobMachine } from '../src/recovery/job-machine.js';
import { restartStrategy } from '../src/recovery/restart-strategy.js';
import { attemptActor } from './attempt-actor.js';
import type { BegunJob } from './begin-job.js';
import { jobFailure, ToldFailures } from './job-failure.js';
import type { JobResult, SavepointResult } from './job-handle.js';
import type { JobRequests, JobWiring } from './job-wiring.js';
import type { ActorContext, ActorRef, ActorSetup, Behavior, Signal } from './kernel/actor.js';
import type {
  AttemptOutcome,
  CoordinatorMessage,
  JobMessage,
  LivingActors,
  StoreMessage,
  SubtaskMessage,
} from './messages.js';
import { storeActor } from './store-actor.js';

export function jobActor(wiring: JobWiring): ActorSetup<JobMessage> {
  return (context) => {
    const job = new Job(wiring, context);
    job.start();
    return job;
  };
}

class Job implements Behavior<JobMessage> {
  private readonly wiring: JobWiring;
  private readonly context: ActorContext<JobMessage>;
  private readonly requests: JobRequests;
  private readonly machine: JobMachine;
  /** The begin that is under way, or was last. */
  private begin: symbol | null = null;
  private storeRef: ActorRef<StoreMessage> | null = null;
  private storesSpawned = 0;
  private attemptRef: ActorRef<never> | null = null;
  private coordinator: ActorRef<CoordinatorMessage> | null = null;
  private subtasks: ReadonlyMap<SubtaskId, ActorRef<SubtaskMessage>> = new Map();
  private outcome: AttemptOutcome | null = null;
  private readonly told = new ToldFailures();

  constructor(wiring: JobWiring, context: ActorContext<JobMessage>) {
    this.wiring = wiring;
    this.context = context;
    this.requests = wiring.requests;
    this.machine = new JobMachine(restartStrategy(wiring.restart), context.runtime.random('restart'), {
      repeatsMax: wiring.repeatsMax,
      ...(wiring.requests.hasBegun ? { firstBeginsMax: null } : {}),
    });
  }

  start(): void {
    this.step({ kind: 'start' });
  }

  onMessage(message: JobMessage): void {
    switch (message.kind) {
      case 'begun':
        // What an earlier life has begun, the begin of this one has closed, or will.
        if (message.begin === this.begin) this.begun(message.job);
        return;
      case 'beginFailed':
        if (message.begin === this.begin) this.beginFailed(message.error);
        return;
      case 'attemptRunning':
        return this.running(message.attempt);
      case 'attemptFailed':
        return this.attemptFailed(message.attempt, message.error);
      case 'attemptDone':
        return this.done(message);
      case 'attemptStopped':
        this.attemptRef = null;
        return this.step({ kind: 'attemptStopped', attempt: message.attempt });
      case 'restartDue':
        return this.step({ kind: 'restartDue' });
      case 'cancel':
        return this.step({ kind: 'cancel' });
      case 'requestSavepoint':
        return this.requestSavepoint(message);
      case 'savepointDone':
        return this.requests.savepointDone(message.requestId, {
          checkpoint: message.checkpoint,
          directory: message.directory,
        });
      case 'savepointFailed':
        return this.requests.savepointFailed(message.requestId, message.error);
      case 'checkpointCompleted':
        this.wiring.progress.completed(message);
        return this.step({ kind: 'checkpointCompleted', attempt: message.attempt });
      case 'status':
        return message.reply.resolve(this.living());
      default:
        return unreachable(message);
    }
  }

  onSignal(signal: Signal): void {
    const { reason, path } = signal;
    const failed = reason.kind === 'failed' || reason.kind === 'killed';
    if (!failed) return;
    this.context.logger.debug({ actor: path, error: messageOf(reason.error) }, 'an actor of the job died');
    if (this.storeRef !== null && path === this.storeRef.path) {
      this.storeRef = null;
    }
    // Both the store and the attempt itself are part of the attempt's fate.
    this.attemptFailed(attemptNumber(Math.max(1, this.machine.attempt)), reason.error);
  }

  private step(input: JobInput): void {
    for (const effect of this.machine.step(input)) this.perform(effect);
    this.wiring.progress.state = this.machine.state;
    this.wiring.progress.restarts = this.machine.restarts;
    this.wiring.progress.attempt = this.machine.attempt;
  }

  private perform(effect: JobEffect): void {
    switch (effect.kind) {
      case 'beginAttempt':
        return this.beginAttempt();
      case 'stopAttempt':
        return this.stopAttempt(effect.attempt);
      case 'scheduleRestart':
        this.context.logger.warn(
          { delayMs: effect.delayMs, restarts: this.machine.restarts },
          'the job restarts from the last completed checkpoint',
        );
        this.requests.restarting();
        this.context.after(effect.delayMs, { kind: 'restartDue' });
        return;
      case 'end':
        return this.end(effect.state);
      case 'fail': {
        const failed = jobFailure(this.wiring.plan.job, effect);
        this.context.logger.error({ why: effect.why }, 'the job has failed for good');
        return this.finish(() => this.requests.failed(failed));
      }
      default:
        return unreachable(effect);
    }
  }

  // ------------------------------------------------------------- attempts

  private beginAttempt(): void {
    const { self } = this.context;
    const begin = Symbol('begin');
    this.begin = begin;
    this.wiring.stores.begin(this.wiring, this.storeRef === null).then(
      (job) => self.control({ kind: 'begun', begin, job }),
      (error) => self.control({ kind: 'beginFailed', begin, error }),
    );
  }

  private begun(job: BegunJob): void {
    if (job.finishedBefore !== null && !this.requests.hasBegun) this.sayFinished(job.finishedBefore);
    this.requests.begun();
    const attempt = job.attempt;
    if (job.stores !== null && this.storeRef === null)
      this.storeRef = this.spawnStore(job.stores.store, job.plan);
    for (const { checkpoint, reason } of job.rejected) {
      this.context.logger.error(
        { checkpoint, reason },
        'a checkpoint cannot be used; an older one takes its place',
      );
    }
    this.step({ kind: 'attemptBegun', attempt });
    // A cancel may have come meanwhile: then there is nothing to spawn, and nothing to stop.
    if (this.machine.state !== 'RUNNING')
      return this.context.self.control({ kind: 'attemptStopped', attempt });
    this.context.logger.info({ attempt, restoredFrom: job.restoredFrom }, 'attempt begins');
    this.attemptRef = this.spawnAttempt(job);
  }

  private sayFinished(checkpoint: number): void {
    const { logger } = this.context;
    const directory = this.wiring.checkpoint?.dir;
    logger.warn(
      { finishedBefore: checkpoint, directory },
      'the job had finished before, so nothing is left to do, and input that has come since is not read; to start afresh, remove its checkpoint directory or name another one',
    );
  }

  private beginFailed(error: unknown): void {
    // The keeper has closed the stores, so the actor that serves them has nothing to write to any more.
    const { storeRef } = this;
    this.storeRef = null;
    if (storeRef !== null) {
      this.context.unwatch(storeRef);
      void this.context.stop(storeRef);
    }
    this.context.logger.error(this.told.fieldsOf(error), 'an attempt could not begin');
    this.wiring.progress.lastFailure = messageOf(error);
    this.step({ kind: 'beginFailed', error, nowMs: this.now() });
  }

  private spawnStore(store: CheckpointStore, plan: JobPlan): ActorRef<StoreMessage> {
    const subtasks = plan.vertices.reduce((sum, { parallelism }) => sum + parallelism, 0);
    // Twice, because chunks of an attempt that has died may still lie there when the next one sends its own.
    const capacity = 2 * subtasks * this.wiring.tuning.snapshotChunksInFlightMax;
    this.storesSpawned += 1;
    const ref = this.context.spawn(storeActor(store), {
      // A name of its own each time: the one before may still be on its way out.
      name: `store-${this.storesSpawned}`,
      mailbox: { capacity },
      handlerTimeoutMs: STEERING_HANDLER_TIMEOUT_MS,
    });
    this.context.watch(ref);
    return ref;
  }

  private spawnAttempt(job: BegunJob): ActorRef<never> {
    const { wiring } = this;
    const { checkpoint } = wiring;
    const ref = this.context.spawn(
      attemptActor({
        job: this.context.self,
        attempt: job.attempt,
        plan: job.plan,
        store: this.storeRef,
        segments: job.segments,
        checkpoints:
          checkpoint === null
            ? null
            : {
                mode: checkpoint.mode,
                intervalMs: checkpoint.intervalMs,
                timeoutMs: checkpoint.timeoutMs,
                minPauseMs: checkpoint.minPauseMs,
                concurrentMax: checkpoint.concurrentMax,
                tolerableFailures: checkpoint.tolerableFailures,
                lastCheckpointId: job.lastCheckpointId,
              },
        alignment: checkpoint?.mode === 'atLeastOnce' ? 'atLeastOnce' : 'aligned',
        incremental: checkpoint?.incremental ?? false,
        freeze: wiring.development,
        tuning: wiring.tuning,
        // Between attempts of one run the job cannot change, and a rare key must not end it.
        undeclared: wiring.allowNonRestoredState ? 'leave' : 'refuse',
        checkKeys: this.machine.restarts === 0 && !wiring.allowNonRestoredState,
        restored: job.restored,
        onSubtasks: (subtasks, coordinator) => {
          this.subtasks = subtasks;
          this.coordinator = coordinator;
        },
        onSubtaskEnd: (role, status) => wiring.progress.subtaskEnded(role, status),
      }),
      { name: `attempt-${job.attempt}`, handlerTimeoutMs: STEERING_HANDLER_TIMEOUT_MS },
    );
    this.context.watch(ref);
    return ref;
  }

  private running(attempt: AttemptNumber): void {
    if (attempt !== this.machine.attempt || this.machine.state !== 'RUNNING') return;
    for (const { requestId, directory, stop } of this.requests.waiting()) {
      this.coordinator?.control({ kind: 'savepoint', requestId, directory, stop });
    }
  }

  private attemptFailed(attempt: AttemptNumber, error: unknown): void {
    if (attempt === this.machine.attempt && this.machine.state === 'RUNNING') {
      this.context.logger.error({ attempt, ...this.told.fieldsOf(error) }, 'attempt failed');
      this.wiring.progress.lastFailure = messageOf(error);
    }
    this.step({ kind: 'attemptFailed', attempt, error, nowMs: this.now() });
  }

  private stopAttempt(attempt: number): void {
    this.coordinator = null;
    this.subtasks = new Map();
    const { self } = this.context;
    const ref = this.attemptRef;
    if (ref === null) return;
    this.context.unwatch(ref);
    this.context.stop(ref).then(
      () => self.control({ kind: 'attemptStopped', attempt: attemptNumber(attempt) }),
      // An attempt that does not stop in order has been abandoned and fenced by the kernel: it is as good as gone.
      () => self.control({ kind: 'attemptStopped', attempt: attemptNumber(attempt) }),
    );
  }

  private done(message: JobMessage & { readonly kind: 'attemptDone' }): void {
    const { attempt, outcome } = message;
    this.outcome = outcome;
    this.step({
      kind: 'attemptDone',
      attempt,
      end: outcome.kind === 'stopped' && outcome.mode === 'suspend' ? 'SUSPENDED' : 'FINISHED',
    });
  }

  // ------------------------------------------------------------- ends

  private end(state: JobResult['state']): void {
    const { progress } = this.wiring;
    const stopped = this.outcome?.kind === 'stopped' ? this.outcome : null;
    const savepoint: SavepointResult | null =
      stopped === null ? null : { checkpoint: stopped.checkpoint, directory: stopped.directory };
    this.finish(() =>
      this.requests.ended({
        state,
        attempts: this.machine.attempt,
        restarts: this.machine.restarts,
        checkpointsCompleted: progress.checkpointsCompleted,
        ...progress.totals(),
        savepoint: state === 'CANCELED' ? null : savepoint,
      }),
    );
  }

  /** The store is closed before anybody learns of the end: the next process may open it at once. */
  private finish(tell: () => void): void {
    this.wiring.progress.state = this.machine.state;
    this.closeStores().then(tell, tell);
  }

  private async closeStores(): Promise<void> {
    const { storeRef } = this;
    this.storeRef = null;
    if (storeRef !== null) {
      this.context.unwatch(storeRef);
      await this.context.stop(storeRef);
    }
    const { stores, checkpoint } = this.wiring;
    const forget = checkpoint?.onCancel === 'delete' && this.machine.state === 'CANCELED';
    await (forget ? stores.closeAndForget(this.context.logger) : stores.close());
  }

  // ------------------------------------------------------------- requests

  private requestSavepoint(message: JobMessage & { readonly kind: 'requestSavepoint' }): void {
    const { requestId, directory, stop } = message;
    if (this.wiring.checkpoint === null) {
      const error = new CheckpointError('The job runs without checkpoints.', {
        remedy: 'Give `run` a checkpoint directory, or use `cancel`.',
      });
      return this.requests.savepointFailed(requestId, error);
    }
    const running = this.machine.state === 'RUNNING' && this.coordinator !== null;
    if (running)
      return present(this.coordinator, 'a coordinator').control({
        kind: 'savepoint',
        requestId,
        directory,
        stop,
      });
    if (this.machine.state === 'CREATED') return;
    const error = new CheckpointError(
      `The job is ${this.machine.state}; a savepoint is taken of a running job.`,
      { remedy: 'Try again when it runs.' },
    );
    this.requests.savepointFailed(requestId, error);
  }

  private living(): LivingActors {
    return { subtasks: this.subtasks, coordinator: this.coordinator };
  }

  private now(): number {
    return this.context.runtime.clock.monotonicMs();
  }
}
