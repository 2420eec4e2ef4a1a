// The beginning of an attempt: the store opened, the attempt number taken, state assigned to subtasks.
//
// Owns:    choosing between the job's own checkpoints and a savepoint, and fitting the plan to what is restored.
// Not:     spawning anything (job-actor.ts), reading segments (open-subtask.ts).
//
// N1. A directory with checkpoints goes on from its own newest one; a savepoint is for a directory without any.
// N2. What does not fit is refused before any actor of the attempt exists, and nothing durable has changed but the
//     attempt number.
// N3. A store that knows less than this run of the job has seen durable is another one: its directory was removed, or put back from
//     a copy. Going on from it would repeat what was told downstream, so it is refused; no restart can help.

import { messageOf, RestoreError } from '../src/base/errors.js';
import { type AttemptNumber, attemptNumber } from '../src/base/ids.js';
import type { Logger } from '../src/base/logger.js';
import {
  type Assignment,
  assignState,
  type RestoringOperator,
  type SubtaskRestore,
} from '../src/checkpoint/assignment.js';
import type {
  CheckpointStore,
  RejectedCheckpoint,
  SavepointReader,
  SegmentReader,
} from '../src/checkpoint/checkpoint-store.js';
import { openCheckpointStore } from '../src/checkpoint/lmdb-checkpoint-store.js';
import type { Manifest } from '../src/checkpoint/manifest.js';
import { openSavepoint } from '../src/checkpoint/savepoint.js';
import type { JobPlan, PlanVertex } from '../src/graph/job-plan.js';
import type { JobWiring } from './job-wiring.js';

/** The job's store, and the savepoint it started from while that may still be read. */
export interface JobStores {
  readonly store: CheckpointStore;
  readonly savepoint: SavepointReader | null;
}

export interface BegunJob {
  readonly stores: JobStores | null;
  readonly attempt: AttemptNumber;
  readonly lastCheckpointId: number;
  /** With the max parallelism of what was restored. */
  readonly plan: JobPlan;
  readonly segments: SegmentReader | null;
  readonly restored: ReadonlyMap<string, readonly SubtaskRestore[]>;
  readonly rejected: readonly RejectedCheckpoint[];
  /** The newest intact one of the job's own; 0: there is none. */
  readonly newestCheckpoint: number;
  /** For people. */
  readonly restoredFrom: string | null;
  /** The checkpoint with which the job had finished: there is nothing left to do. Null: it had not. */
  readonly finishedBefore: number | null;
}

const FROM_SCRATCH = {
  segments: null,
  restored: new Map(),
  restoredFrom: null,
  finishedBefore: null,
} as const;

/**
 * The one place that opens and closes the job's stores. It outlives the job actor: a successor closes what its
 * predecessor had opened, also what was still opening when it died.
 */
export class StoreKeeper {
  private current: JobStores | null = null;
  /** Of this run of the job, over its stores: who has been replaced does not come back. */
  private owner: number | undefined = undefined;
  /** The attempt that began last in this run. */
  private attempt = 0;
  private last: Promise<unknown> = Promise.resolve();

  /** `reopen`: whatever is open is closed first, because its state is not known or it has failed. */
  begin(wiring: JobWiring, reopen: boolean): Promise<BegunJob> {
    return this.inTurn(async () => {
      if (wiring.checkpoint === null) return beginWithoutStore(wiring);
      if (reopen) await this.closeCurrent();
      const stores = this.current ?? (await openStores(wiring, this.owner));
      this.current = stores;
      try {
        const begun = await beginWithStore(wiring, stores);
        this.refuseLess(wiring, begun);
        this.attempt = begun.attempt;
        return begun;
      } catch (error) {
        await this.closeCurrent();
        throw error;
      }
    });
  }

  close(): Promise<void> {
    return this.inTurn(() => this.closeCurrent());
  }

  /** Drops all checkpoints of the job, then closes. What cannot be dropped is kept, and said. */
  closeAndForget(logger: Logger): Promise<void> {
    return this.inTurn(async () => {
      try {
        await this.current?.store.forgetAll();
      } catch (error) {
        logger.warn({ error: messageOf(error) }, 'the checkpoints of the canceled job could not be removed');
      }
      await this.closeCurrent();
    });
  }

  /** N3. */
  private refuseLess(wiring: JobWiring, begun: BegunJob): void {
    const known = wiring.progress.lastCheckpoint?.id ?? 0;
    const found = Math.max(begun.newestCheckpoint, ...begun.rejected.map(({ checkpoint }) => checkpoint));
    if (begun.attempt > this.attempt && found >= known) return;
    const seen = known > 0 ? `checkpoint ${known} in it complete` : `attempt ${this.attempt} in it`;
    throw new RestoreError(
      `The checkpoint directory "${wiring.checkpoint?.dir}" is not what it was: this run of the job has seen ${seen}, and now it holds ${found > 0 ? `checkpoint ${found} at most` : 'no checkpoint'}.`,
      {
        remedy:
          'It was removed, or replaced by an older copy, while the job ran. Put it back as it was; or start the job anew, which reads its input and writes its results again.',
      },
    );
  }

  private async closeCurrent(): Promise<void> {
    const { current } = this;
    this.current = null;
    if (current === null) return;
    // It may have opened its environment again meanwhile.
    this.owner = current.store.owner;
    await current.store.close();
    await current.savepoint?.close();
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.last.then(work, work);
    this.last = next.then(ignore, ignore);
    return next;
  }
}

async function beginWithStore(wiring: JobWiring, stores: JobStores): Promise<BegunJob> {
  const from = stores.savepoint?.manifest;
  const begun = await stores.store.beginAttempt(from);
  const { latest } = begun;
  if (latest !== null && wiring.from !== null && wiring.progress.attempt === 0)
    refuseSavepoint(wiring, latest);
  const fromSavepoint = latest === null && stores.savepoint !== null;
  const manifest = fromSavepoint ? stores.savepoint.manifest : latest;
  const common = {
    stores,
    attempt: begun.attempt,
    rejected: begun.rejected,
    newestCheckpoint: latest?.checkpoint ?? 0,
    lastCheckpointId: Math.max(begun.lastCheckpointId, manifest?.checkpoint ?? 0),
  };
  if (manifest === null) return { ...common, ...FROM_SCRATCH, plan: wiring.plan };
  const assignment = assignState(manifest, restoringOperators(wiring.plan), wiring);
  for (const uid of assignment.notRestored) {
    wiring.logger.warn(
      { uid, checkpoint: manifest.checkpoint },
      'state of an operator that the job does not have was left behind',
    );
  }
  return {
    ...common,
    plan: fitted(wiring.plan, assignment),
    segments: fromSavepoint ? stores.savepoint : stores.store,
    restored: restoredOf(manifest, assignment),
    finishedBefore: manifest.jobFinished ? manifest.checkpoint : null,
    restoredFrom: `${fromSavepoint ? `savepoint ${wiring.from}` : 'checkpoint'} ${manifest.checkpoint}`,
  };
}

async function beginWithoutStore(wiring: JobWiring): Promise<BegunJob> {
  wiring.progress.attemptsInMemory += 1;
  const attempt = attemptNumber(wiring.progress.attemptsInMemory);
  const begun = { stores: null, attempt, lastCheckpointId: 0, rejected: [], newestCheckpoint: 0 };
  if (wiring.from === null) return { ...begun, ...FROM_SCRATCH, plan: wiring.plan };
  throw new RestoreError('A job that starts from a savepoint needs a checkpoint directory of its own.', {
    remedy: 'Give `run` the option `checkpoint: { dir }`.',
  });
}

async function openStores(wiring: JobWiring, ownedBefore: number | undefined): Promise<JobStores> {
  const { checkpoint, runtime, logger, plan, from } = wiring;
  if (checkpoint === null) throw new RestoreError('The job runs without checkpoints.');
  const savepoint = from === null ? null : await openSavepoint({ runtime, directory: from });
  try {
    const store = await openCheckpointStore({
      runtime,
      logger,
      directory: checkpoint.dir,
      job: plan.job,
      retained: checkpoint.retained,
      commitDeadlineMs: checkpoint.storeDeadlineMs,
      batchBytesMax: wiring.tuning.storeBatchBytesMax,
      ...(ownedBefore === undefined ? {} : { ownedBefore }),
      olderCheckpoint: wiring.allowOlderCheckpoint ? 'use' : 'refuse',
    });
    return { store, savepoint };
  } catch (error) {
    await savepoint?.close();
    throw error;
  }
}

function refuseSavepoint(wiring: JobWiring, latest: Manifest): never {
  throw new RestoreError(
    `Directory "${wiring.checkpoint?.dir}" holds checkpoint ${latest.checkpoint} of job "${latest.job}" already; starting from savepoint "${wiring.from}" would abandon it.`,
    {
      remedy: 'Leave the savepoint out to go on from the checkpoint, or name an empty checkpoint directory.',
    },
  );
}

function restoringOperators(plan: JobPlan): readonly RestoringOperator[] {
  return plan.vertices.flatMap((vertex) =>
    vertex.operators.map(({ uid, name }) => ({
      uid,
      name,
      parallelism: vertex.parallelism,
      maxParallelism: vertex.maxParallelism,
      explicitMaxParallelism: vertex.maxParallelismDeclared,
    })),
  );
}

/** Operators that the manifest knows; the others start as if for the first time. */
function restoredOf(
  manifest: Manifest,
  assignment: Assignment,
): ReadonlyMap<string, readonly SubtaskRestore[]> {
  const restored = new Map<string, readonly SubtaskRestore[]>();
  for (const { uid } of manifest.operators) {
    const operator = assignment.operators.get(uid);
    if (operator !== undefined) restored.set(uid, operator.subtasks);
  }
  return restored;
}

/** The number of key groups was fixed when the state was written (semantics 4.17). */
function fitted(plan: JobPlan, assignment: Assignment): JobPlan {
  const fit = (vertex: PlanVertex): PlanVertex => {
    const adopted = vertex.operators.map(
      ({ uid }) => assignment.operators.get(uid)?.maxParallelism ?? vertex.maxParallelism,
    );
    return {
      ...vertex,
      maxParallelism: adopted.find((number) => number !== vertex.maxParallelism) ?? vertex.maxParallelism,
    };
  };
  return { ...plan, vertices: plan.vertices.map(fit) };
}

function ignore(): void {
  // Whoever asked for the work has its outcome; the next in turn only waits for its end.
}
