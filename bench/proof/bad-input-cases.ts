// Wrong input of every kind, and the error that each one must get.
//
// Owns:    how to bring each mistake about, and what its error has to name: what, where, what to do.
// Not:     running them as a proof (bad-input.ts) and as tests (test/proof/bad-input.test.ts).
//
// B1. Every case runs the real thing: Node, LMDB, files. Nothing is simulated.
// B2. A case that ends without an error is a failure: accepting wrong input silently is the worst answer.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobHandle } from '../../actors/job-handle.js';
import { run } from '../../actors/run.js';
import type { RunOptions } from '../../actors/run-options.js';
import { defineJob, type JobDefinition } from '../../src/api/define-job.js';
import { minutes } from '../../src/api/durations.js';
import type { StreamEnvironment } from '../../src/api/stream-environment.js';
import type { WeirErrorCode } from '../../src/base/errors.js';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import { IDENTITY_KEY, identityValue, META, TABLES } from '../../src/checkpoint/store-rows.js';
import { collectSink } from '../../src/connectors/collect-sink.js';
import { fileSink } from '../../src/connectors/file-sink.js';
import { generator } from '../../src/connectors/generator.js';
import { type KeyedContext, KeyedProcessFunction } from '../../src/operators/process-function.js';
import { valueState } from '../../src/operators/state-handles.js';
import { count } from '../../src/operators/windows/aggregates.js';
import { tumbling } from '../../src/operators/windows/window-assigners.js';

export interface BadInput {
  readonly name: string;
  /** Class and code of the error, or of the one that it carries as its cause. */
  readonly error: string;
  readonly code: WeirErrorCode;
  /** What the text has to contain: the thing that is wrong, and where. `$` stands for the directory of the case. */
  readonly names: readonly string[];
  /** What the text has to contain of a way out. */
  readonly remedy: RegExp;
  /** Rejects with the error. */
  provoke(directory: string): Promise<unknown>;
}

interface Item {
  readonly id: number;
  readonly user: string;
}

class Count extends KeyedProcessFunction<unknown, Item, number> {
  private readonly seen = valueState<number>('seen');

  override onElement(_item: Item, context: KeyedContext<unknown, number>): void {
    const n = (this.seen.get() ?? 0) + 1;
    this.seen.set(n);
    context.emit(n);
  }
}

const KEYED_UID = 'count per user';
const LONG = 1_000_000;
const RATE = 2_000;

function items(records: number): ReturnType<typeof generator<Item>> {
  return generator<Item>({
    seed: 1,
    count: records,
    ratePerSecond: RATE,
    make: (id) => ({ id, user: `user-${id % 5}` }),
  });
}

function keyedJob(
  name: string,
  key: (item: Item) => unknown = (item) => item.user,
  uid: string = KEYED_UID,
): JobDefinition {
  return defineJob(name, (env) => {
    env
      .from(items(LONG), { uid: 'items' })
      .keyBy(key)
      .process(Count)
      .uid(uid)
      .sinkTo(collectSink(), { uid: 'results' });
  });
}

function oneMap(name: string, build: (env: StreamEnvironment) => void): JobDefinition {
  return defineJob(name, build);
}

/** Runs a job that fails by itself, without restarts, to its end. */
async function untilFailure(job: JobDefinition, options: RunOptions = {}): Promise<unknown> {
  const handle = await run(job, { restart: { kind: 'none' }, ...options });
  return handle.finished;
}

/** Starts a job and stops it as soon as it has read something, so that its checkpoint directory holds a checkpoint. */
async function leaveCheckpoint(job: JobDefinition, directory: string, savepoint?: string): Promise<void> {
  const handle = await run(job, { checkpoint: { dir: directory, intervalMs: 20 } });
  await firstCheckpoint(handle);
  await handle.stop(savepoint === undefined ? {} : { savepoint });
}

async function firstCheckpoint(handle: JobHandle): Promise<void> {
  for (let completed = 0; completed === 0; ) {
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
    const status = await handle.status();
    if (status.state === 'FAILED') return;
    completed = status.checkpointsCompleted;
  }
}

/** Starts a job that ought to be refused; ends it if it is not. */
async function startAnyway(job: JobDefinition, options: RunOptions): Promise<unknown> {
  const handle = await run(job, { restart: { kind: 'none' }, ...options });
  await Promise.race([handle.finished, firstCheckpoint(handle)]);
  return handle.cancel();
}

async function savepointOf(job: JobDefinition, directory: string): Promise<string> {
  const savepoint = join(directory, 'savepoint');
  await leaveCheckpoint(job, join(directory, 'checkpoints'), savepoint);
  return savepoint;
}

async function rewriteFormat(directory: string): Promise<void> {
  const environment = await nodeRuntime().keyValues.open(directory, {
    tables: TABLES,
    commitDeadlineMs: 10_000,
  });
  const value = identityValue({ format: 999, kind: 'job', job: 'future' });
  await environment.commit([{ kind: 'put', table: META, key: IDENTITY_KEY, value }]);
  await environment.close();
}

export const BAD_INPUTS: readonly BadInput[] = [
  {
    name: 'unknown uid in a savepoint',
    error: 'RestoreError',
    code: 'WEIR_RESTORE',
    names: [`"${KEYED_UID}"`, '"renamed"', 'no operator of the job has this uid'],
    remedy: /Give the operator .* the uid|allow/,
    async provoke(directory) {
      const from = await savepointOf(keyedJob('uids'), directory);
      const dir = join(directory, 'other');
      return startAnyway(keyedJob('uids', undefined, 'renamed'), {
        from,
        checkpoint: { dir, intervalMs: 20 },
      });
    },
  },
  {
    name: 'changed type of the key',
    error: 'RestoreError',
    code: 'WEIR_RESTORE',
    names: ['keyedProcess', 'bad-input-cases', 'strings, such as "user-', 'number'],
    remedy: /Let the key function .*new uid.*allowNonRestoredState/,
    async provoke(directory) {
      const from = await savepointOf(keyedJob('keys'), directory);
      const dir = join(directory, 'other');
      const checkpoint = { dir, intervalMs: 20 };
      const job = keyedJob('keys', (item) => item.id % 5);
      return startAnyway(job, { from, checkpoint });
    },
  },
  {
    name: 'duplicate uid',
    error: 'JobDefinitionError',
    code: 'WEIR_JOB_DEFINITION',
    names: ['"twice"', '2 times', 'bad-input-cases'],
    remedy: /uid of its own/,
    provoke: () =>
      untilFailure(
        oneMap('uids', (env) => {
          env
            .from(items(1), { uid: 'items' })
            .map((item) => item.id)
            .uid('twice')
            .map((id) => id + 1)
            .uid('twice')
            .sinkTo(collectSink());
        }),
      ),
  },
  {
    name: 'forward edge between unequal parallelisms',
    error: 'JobDefinitionError',
    code: 'WEIR_JOB_DEFINITION',
    names: ['forward()', '"wide"', 'parallelism 2', 'parallelism 3', 'bad-input-cases'],
    remedy: /rebalance|same parallelism|equal/,
    provoke: () =>
      untilFailure(
        oneMap('forward', (env) => {
          env
            .from(items(1), { uid: 'items', parallelism: 2 })
            .forward()
            .map((item) => item.id)
            .setParallelism(3)
            .name('wide')
            .sinkTo(collectSink());
        }),
      ),
  },
  {
    name: 'undefined as a key',
    error: 'KeyError',
    code: 'WEIR_KEY',
    names: ['undefined', 'keyedProcess', 'bad-input-cases', 'record 51'],
    remedy: /filter out the records/,
    provoke: () => untilFailure(keyedJob('keys', (item) => (item.id < 50 ? item.user : undefined))),
  },
  {
    name: 'missing timestamp',
    error: 'TimestampMissingError',
    code: 'WEIR_TIMESTAMP_MISSING',
    names: ['per minute', 'timestamp', 'bad-input-cases'],
    remedy: /assignTimestamps|watermarks/,
    provoke: () =>
      untilFailure(
        oneMap('timestamps', (env) => {
          env
            .from(items(100), { uid: 'items' })
            .keyBy((item) => item.user)
            .window(tumbling(minutes(1)))
            .aggregate(count())
            .name('per minute')
            .sinkTo(collectSink());
        }),
      ),
  },
  {
    name: 'handler that throws every time',
    error: 'UserCodeError',
    code: 'WEIR_USER_CODE',
    names: ['no such price', 'price lookup', 'bad-input-cases', 'at seq 7'],
    remedy: /./,
    provoke: (directory) =>
      untilFailure(
        oneMap('poison', (env) => {
          env
            .from(items(100), { uid: 'items' })
            .map((item) => {
              if (item.id === 7) throw new Error('no such price');
              return item.id;
            })
            .name('price lookup')
            .sinkTo(collectSink());
        }),
        {
          checkpoint: { dir: join(directory, 'checkpoints') },
          restart: { kind: 'fixedDelay', attempts: 3, delayMs: 5 },
        },
      ),
  },
  {
    name: 'output directory that cannot be written',
    error: 'ConnectorError',
    code: 'WEIR_CONNECTOR',
    names: ['$', 'results', 'write'],
    remedy: /permission|directory/i,
    provoke(directory) {
      const output = join(occupied(directory), 'out');
      return untilFailure(
        oneMap('sink', (env) => {
          env.from(items(10), { uid: 'items' }).sinkTo(fileSink(output), { uid: 'results', name: 'results' });
        }),
      );
    },
  },
  {
    name: 'checkpoint directory that cannot be written',
    error: 'StoreError',
    code: 'WEIR_STORE',
    names: ['$', 'not one'],
    remedy: /another path|another directory|permission/,
    provoke(directory) {
      const dir = join(occupied(directory), 'checkpoints');
      return untilFailure(keyedJob('store'), { checkpoint: { dir } });
    },
  },
  {
    name: 'checkpoint directory of another job',
    error: 'RestoreError',
    code: 'WEIR_RESTORE',
    names: ['$', '"billing"', '"shipping"'],
    remedy: /another checkpoint directory|rename/,
    async provoke(directory) {
      const dir = join(directory, 'checkpoints');
      await leaveCheckpoint(keyedJob('billing'), dir);
      return startAnyway(keyedJob('shipping'), { checkpoint: { dir } });
    },
  },
  {
    name: 'checkpoint directory of a newer format',
    error: 'RestoreError',
    code: 'WEIR_RESTORE',
    names: ['$', 'format 999'],
    remedy: /version/,
    async provoke(directory) {
      const dir = join(directory, 'checkpoints');
      await leaveCheckpoint(keyedJob('future'), dir);
      await rewriteFormat(dir);
      return startAnyway(keyedJob('future'), { checkpoint: { dir } });
    },
  },
  {
    name: 'savepoint that is not there',
    error: 'StoreError',
    code: 'WEIR_STORE',
    names: ['$', 'does not exist'],
    remedy: /path/,
    provoke: (directory) =>
      startAnyway(keyedJob('lost'), {
        from: join(directory, 'nowhere'),
        checkpoint: { dir: join(directory, 'checkpoints') },
      }),
  },
  {
    name: 'savepoint for a directory that has checkpoints',
    error: 'RestoreError',
    code: 'WEIR_RESTORE',
    names: ['$', 'abandon'],
    remedy: /Leave the savepoint out|empty checkpoint directory/,
    async provoke(directory) {
      const from = await savepointOf(keyedJob('both'), directory);
      return startAnyway(keyedJob('both'), { from, checkpoint: { dir: join(directory, 'checkpoints') } });
    },
  },
  {
    name: 'options that make no sense',
    error: 'ConfigError',
    code: 'WEIR_CONFIG',
    names: ['intervalMs', '-1', 'retained'],
    remedy: /at least/,
    provoke: (directory) =>
      untilFailure(keyedJob('options'), { checkpoint: { dir: directory, intervalMs: -1, retained: 0 } }),
  },
];

/** A file where a directory is wanted: unwritable for every user, root included. */
function occupied(directory: string): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, 'a-file');
  writeFileSync(path, 'in the way');
  return path;
}
