// Running a job: from its definition to a handle.
//
// Owns:    `run`, and what the handle does.
// Not:     options (run-options.ts), the job's life (job-actor.ts).
//
// R1. Whatever is wrong with the description or the options is an error of `run`, all of it at once, before anything starts.
// R2. `run` resolves when the first attempt begins: the store is open, and what is restored fits.

import { buildGraph, type JobDefinition } from '../src/api/define-job.js';
import { ConfigError, JobFailedError, messageOf } from '../src/base/errors.js';
import { STEERING_HANDLER_TIMEOUT_MS } from '../src/base/limits.js';
import { defaultLogger } from '../src/base/line-logger.js';
import { guardedLogger, type Logger } from '../src/base/logger.js';
import { nodeRuntime } from '../src/base/node-runtime.js';
import type { Runtime } from '../src/base/runtime.js';
import { resolveTuning } from '../src/base/tuning.js';
import type { CoordinatorStatus } from '../src/checkpoint/coordinator-protocol.js';
import { refuseUsedDirectory } from '../src/checkpoint/savepoint.js';
import { guaranteeOf } from '../src/graph/guarantee.js';
import type { GuaranteeReport, JobPlan } from '../src/graph/job-plan.js';
import { planJob } from '../src/graph/plan.js';
import type { Sink } from '../src/operators/sink.js';
import { defaultRestartOptions, restartStrategy } from '../src/recovery/restart-strategy.js';
import { StoreKeeper } from './begin-job.js';
import { jobActor } from './job-actor.js';
import type { JobHandle, JobResult, JobStatus, SavepointResult, StopOptions } from './job-handle.js';
import { JobProgress, JobRequests, type JobWiring } from './job-wiring.js';
import type { ActorRef, ActorSystem, Reply } from './kernel/actor.js';
import { actorSystem } from './kernel/system.js';
import type {
  CoordinatorMessage,
  JobMessage,
  LivingActors,
  SubtaskMessage,
  SubtaskStatus,
} from './messages.js';
import { type RunOptions, resolveCheckpoint, resolveRepeatsMax } from './run-options.js';

/** The job actor may die and be started again this often within a minute; each time the job goes on from its store. */
const JOB_ACTOR_RESTARTS_MAX = 10;
const JOB_ACTOR_PERIOD_MS = 60_000;
/** A subtask in the middle of a long call answers late; the status then shows the others. */
const STATUS_TIMEOUT_MS = 1_000;

/**
 * Runs a job in this process. Rejects with JobDefinitionError, ConfigError, RestoreError or StoreError when it cannot
 * start. Later failures restart the job as its restart strategy says; the last one rejects `handle.finished`.
 */
export async function run(job: JobDefinition, options: RunOptions = {}): Promise<JobHandle> {
  const runtime = options.runtime ?? nodeRuntime();
  const logger = guardedLogger(options.logger ?? defaultLogger(runtime)).child({ job: job.name });
  const plan = planJob(buildGraph(job), {
    parallelism: options.parallelism ?? 1,
    chaining: options.chaining ?? true,
    ...(options.maxParallelism === undefined ? {} : { maxParallelism: options.maxParallelism }),
  });
  const wiring = wiringOf(plan, options, runtime, logger);
  const guarantee = guaranteeOf(plan, {
    checkpointing: wiring.checkpoint !== null,
    mode: wiring.checkpoint?.mode ?? 'exactlyOnce',
  });
  logger.info({ guarantee: guarantee.guarantee, reasons: guarantee.reasons }, 'end-to-end guarantee');
  const system = actorSystem({
    name: 'weir',
    runtime,
    logger,
    failureLevel: 'debug',
    host: options.actorHost ?? 'nact',
    ...(options.interceptor === undefined ? {} : { interceptor: options.interceptor }),
    ...(options.turnMessagesMax === undefined ? {} : { turnMessagesMax: options.turnMessagesMax }),
    supervision: { restartsMax: JOB_ACTOR_RESTARTS_MAX, periodMs: JOB_ACTOR_PERIOD_MS },
    onFailure: (error) => wiring.requests.failed(jobActorFailure(job.name, error)),
  });
  const ref = system.spawn(jobActor(wiring), {
    name: 'job',
    restart: 'permanent',
    handlerTimeoutMs: STEERING_HANDLER_TIMEOUT_MS,
  });
  const handle = new RunningJob(guarantee, system, ref, wiring, options.signal ?? null);
  await handle.begun();
  return handle;
}

function jobActorFailure(job: string, error: unknown): JobFailedError {
  const limit = `${JOB_ACTOR_RESTARTS_MAX} times within ${JOB_ACTOR_PERIOD_MS} ms`;
  return new JobFailedError(
    `Job "${job}" failed: its job actor died more than ${limit}: ${messageOf(error)}`,
    {
      cause: error,
    },
  );
}

function wiringOf(plan: JobPlan, options: RunOptions, runtime: Runtime, logger: Logger): JobWiring {
  const checkpoint = options.checkpoint === undefined ? null : resolveCheckpoint(options.checkpoint);
  const restart = options.restart ?? defaultRestartOptions(checkpoint !== null);
  // Numbers that make no sense are found now rather than at the first failure.
  restartStrategy(restart);
  if (options.from !== undefined && checkpoint === null) {
    throw new ConfigError('A job that starts from a savepoint needs a checkpoint directory of its own.', {
      remedy: 'Give `run` the option `checkpoint: { dir }`.',
    });
  }
  return {
    plan,
    runtime,
    logger,
    checkpoint,
    from: options.from ?? null,
    allowNonRestoredState: options.allowNonRestoredState ?? false,
    allowOlderCheckpoint:
      options.allowOlderCheckpoint ?? !sinksOf(plan).some(({ guarantee }) => guarantee === 'transactional'),
    development: options.development ?? runtime.environment('NODE_ENV') !== 'production',
    restart,
    tuning: resolveTuning(options.tuning ?? {}),
    repeatsMax: resolveRepeatsMax(options.poison),
    stores: new StoreKeeper(),
    requests: new JobRequests(),
    progress: new JobProgress(),
  };
}

function sinksOf(plan: JobPlan): readonly Sink<never>[] {
  return plan.vertices.flatMap(({ operators }) => {
    const work = operators[0]?.node.work;
    return work?.kind === 'sink' ? [work.sink] : [];
  });
}

class RunningJob implements JobHandle {
  readonly name: string;
  readonly guarantee: GuaranteeReport;
  readonly system: ActorSystem;
  readonly finished: Promise<JobResult>;
  /** Reaches the job actor over its restarts. */
  private readonly job: ActorRef<JobMessage>;
  private readonly runtime: Runtime;
  private readonly wiring: JobWiring;
  private readonly startedMs: number;
  private readonly onAbort = (): void => this.job.control({ kind: 'cancel' });

  constructor(
    guarantee: GuaranteeReport,
    system: ActorSystem,
    job: ActorRef<JobMessage>,
    wiring: JobWiring,
    signal: AbortSignal | null,
  ) {
    const { plan, runtime } = wiring;
    this.name = plan.job;
    this.guarantee = guarantee;
    this.system = system;
    this.job = job;
    this.runtime = runtime;
    this.wiring = wiring;
    this.startedMs = runtime.clock.monotonicMs();
    this.finished = this.end(signal);
    // Somebody who only calls `stop` or `cancel` learns of a failure there.
    this.finished.then(ignore, ignore);
    if (signal?.aborted) runtime.dispatch(this.onAbort);
    else signal?.addEventListener('abort', this.onAbort, { once: true });
  }

  begun(): Promise<void> {
    return this.wiring.requests.firstBegin.promise;
  }

  async status(): Promise<JobStatus> {
    const { progress, plan } = this.wiring;
    const living = await this.living();
    const subtasks: SubtaskStatus[] = [];
    for (const ref of living.subtasks.values()) {
      const status = await this.asked<SubtaskStatus, SubtaskMessage>(ref, (reply) => ({
        kind: 'status',
        reply,
      }));
      if (status !== null) subtasks.push(status);
    }
    const { coordinator } = living;
    const checkpoints =
      coordinator === null
        ? null
        : await this.asked<CoordinatorStatus, CoordinatorMessage>(coordinator, (reply) => ({
            kind: 'status',
            reply,
          }));
    const sources = new Set(plan.vertices.filter(({ kind }) => kind === 'source').map(({ id }) => `${id}/`));
    const fromSources = subtasks.filter(({ subtask }) =>
      [...sources].some((prefix) => subtask.startsWith(prefix)),
    );
    return {
      job: this.name,
      state: progress.state,
      attempt: progress.attempt,
      restarts: progress.restarts,
      uptimeMs: this.runtime.clock.monotonicMs() - this.startedMs,
      recordsIn: fromSources.reduce((sum, { recordsIn }) => sum + recordsIn, 0),
      checkpointsCompleted: progress.checkpointsCompleted,
      checkpointsFailed: checkpoints?.counters.failed ?? 0,
      lastCheckpoint: progress.lastCheckpoint,
      lastFailure: progress.lastFailure,
      subtasks,
      coordinator: checkpoints,
    };
  }

  savepoint(directory: string): Promise<SavepointResult> {
    return this.request(directory, null);
  }

  async stop(options: StopOptions = {}): Promise<JobResult> {
    const { stopUndone } = this.wiring.requests;
    await this.request(options.savepoint ?? null, options.drain === true ? 'drain' : 'suspend');
    return Promise.race([this.finished, stopUndone]);
  }

  cancel(): Promise<JobResult> {
    this.job.control({ kind: 'cancel' });
    return this.finished;
  }

  actors(): ReturnType<ActorSystem['snapshot']> {
    return this.system.snapshot();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.job.control({ kind: 'cancel' });
    await this.finished.then(ignore, ignore);
  }

  private async request(
    directory: string | null,
    stop: 'suspend' | 'drain' | null,
  ): Promise<SavepointResult> {
    // Before the sources stand still for a directory that cannot be used.
    if (directory !== null) await refuseUsedDirectory(this.runtime, directory);
    const requestId = this.runtime.id('savepoint');
    const answer = this.wiring.requests.savepoint(requestId, directory, stop);
    this.job.control({ kind: 'requestSavepoint', requestId, directory, stop });
    return answer;
  }

  private async end(signal: AbortSignal | null): Promise<JobResult> {
    let failure: unknown = null;
    try {
      return await this.wiring.requests.end.promise;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      signal?.removeEventListener('abort', this.onAbort);
      await this.system.shutdown();
      // The job actor closes them, unless it has died for good.
      await this.wiring.stores.close();
      for (const sink of sinksOf(this.wiring.plan)) sink.jobEnded?.(failure);
    }
  }

  private async living(): Promise<LivingActors> {
    const none: LivingActors = { subtasks: new Map(), coordinator: null };
    return (
      (await this.asked<LivingActors, JobMessage>(this.job, (reply) => ({ kind: 'status', reply }))) ?? none
    );
  }

  /** Null when the actor does not answer in time, or has gone. */
  private async asked<R, M>(ref: ActorRef<M>, make: (reply: Reply<R>) => M): Promise<R | null> {
    try {
      return await this.system.ask(ref, make, { timeoutMs: STATUS_TIMEOUT_MS });
    } catch {
      // A status is a look from outside: who cannot answer is left out of it.
      return null;
    }
  }
}

function ignore(): void {
  // The promise carries the news to everybody who asks.
}
