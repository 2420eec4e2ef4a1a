// The contract of a sink, as a test that anyone can run on a sink of their own.
//
// Owns:    a model of checkpoints, crashes and rescaling, and comparing what readers see with it.
// Not:     the contract itself (src/operators/sink.ts).
//
// What is checked of a transactional sink, in fixed stories first and then in random ones that grow:
// K1. Nothing is visible before the commit of its checkpoint; every value is visible once after it.
// K2. A second commit of the same transactions changes nothing, also after a crash that forgot the first one.
// K3. Recovery publishes what the restored checkpoint holds, on any number of subtasks, and the rest never appears.
// K4. What `prepare` answers comes back from a checkpoint as it was. An empty transaction publishes nothing.
// K5. Crashes hit anywhere: between steps, in the middle of write, prepare, commit and recovery (on a virtual runtime).
// K6. After an orderly end nothing is left behind (option `leftovers`).
// Of a plain sink: after `flush` everything written is visible, and writing it twice shows it once if the sink is idempotent.

import type { Runtime } from '../base/runtime.js';
import type { PlainSink, Sink, TransactionalSink } from '../operators/sink.js';
import { bagDifference, ContractRun } from './contract-run.js';
import { numbered, type SinkContractOptions, SinkModel, sinkContext } from './sink-model.js';
import { virtualRuntime } from './virtual-runtime.js';

export type { SinkContractOptions } from './sink-model.js';

const RUNS = 40;
const STEPS_MAX = 30;

/** Throws ContractViolation, with a seed to see it again, if the sink breaks its contract. `make` is called once per process. */
export async function verifySink<T>(
  make: (runtime: Runtime) => Sink<T>,
  options: SinkContractOptions<T>,
): Promise<void> {
  const first = options.seed ?? 1;
  const runs = options.runs ?? RUNS;
  for (let index = 0; index < runs; index += 1) {
    const seed = first + index;
    const run = new ContractRun('verifySink', seed, options.runtime?.(seed) ?? virtualRuntime({ seed }));
    await run.settle('prepare', options.prepare?.(run.runtime, seed));
    const sink = make(run.runtime);
    if (sink.guarantee !== 'transactional') {
      await verifyPlain(run, sink, options);
      continue;
    }
    const remake = (runtime: Runtime): TransactionalSink<T> => make(runtime) as TransactionalSink<T>;
    const model = new SinkModel(run, sink, remake, options);
    const story = STORIES[index] ?? randomStory;
    // The first random stories are short, so that what they show is easy to read.
    await story(model, run, Math.min(STEPS_MAX, index));
  }
}

type Story = <T>(model: SinkModel<T>, run: ContractRun, steps: number) => Promise<void>;

/** Commits reach exactly as far as they are told to, and a late commit of an older checkpoint changes nothing. */
const commitsReachSoFar: Story = async (model) => {
  await model.start(1);
  for (let checkpoint = 1; checkpoint <= 3; checkpoint += 1) {
    await model.write(0, 1);
    await model.prepare();
    await model.complete();
  }
  await model.commitThrough(2);
  await model.check();
  await model.commitThrough(3);
  await model.commitAgain();
  await model.check();
  await model.end();
};

/** What was written after the last completed checkpoint disappears; what it holds is published at the restore. */
const failureBeforeNotification: Story = async (model) => {
  await model.start(1);
  await model.write(0, 1);
  await model.prepare();
  await model.complete();
  await model.write(0, 1);
  await model.prepare();
  await model.complete();
  await model.write(0, 1);
  await model.crash({ closeFirst: true, subtasks: 1 });
  await model.check();
  await model.end();
};

/** After the last transaction nothing is open, and further checkpoints have nothing to publish. */
const nothingAfterTheEnd: Story = async (model) => {
  await model.start(2);
  await model.write(0, 3);
  await model.checkpoint();
  await model.checkpoint();
  await model.check();
  await model.end();
};

/** Fewer subtasks take over everything the lost ones had prepared, and what they had not disappears. */
const scaleDown: Story = async (model) => {
  await model.start(3);
  for (let subtask = 0; subtask < 3; subtask += 1) await model.write(subtask, 2);
  await model.prepare();
  await model.complete();
  for (let subtask = 0; subtask < 3; subtask += 1) await model.write(subtask, 2);
  await model.prepare();
  await model.crash({ closeFirst: false, subtasks: 1 });
  await model.check();
  await model.end();
};

const STORIES: readonly Story[] = [
  commitsReachSoFar,
  failureBeforeNotification,
  nothingAfterTheEnd,
  scaleDown,
];

const randomStory: Story = async (model, run, steps) => {
  await model.start(model.someSubtasks());
  for (let step = 0; step < steps; step += 1) {
    await randomStep(model, run);
    await model.check();
  }
  await model.end();
};

async function randomStep<T>(model: SinkModel<T>, run: ContractRun): Promise<void> {
  const dice = run.below(20);
  if (dice < 8) return await model.write(run.below(model.subtasks), 1 + run.below(20));
  if (dice < 11) return await model.checkpoint();
  if (dice < 13) return await model.prepare();
  if (dice < 14) {
    // Complete, but the notification is lost: a later one covers it.
    await model.prepare();
    return await model.complete();
  }
  if (dice < 15) return await model.commitAgain();
  if (dice < 17) return await model.crash({ closeFirst: run.chance(0.5), subtasks: model.someSubtasks() });
  await model.crashWithin(run.below(3));
}

async function verifyPlain<T>(
  run: ContractRun,
  sink: PlainSink<T>,
  options: SinkContractOptions<T>,
): Promise<void> {
  const value = options.value ?? numbered<T>;
  const context = sinkContext(run, sink, { subtask: 0, parallelism: 1, attempt: 1 });
  const writer = await run.settle('open', sink.open(context));
  const written: T[] = [];
  const rounds = 1 + run.below(5);
  for (let round = 0; round < rounds; round += 1) {
    const values = Array.from({ length: 1 + run.below(20) }, (_, index) => value(written.length + index));
    const twice = sink.guarantee === 'idempotent' && run.chance(0.5);
    for (let time = 0; time < (twice ? 2 : 1); time += 1) {
      await run.settle(
        'write',
        writer.write(
          [...values],
          values.map((_, index) => index),
        ),
      );
    }
    written.push(...values);
    await run.settle('flush', writer.flush());
    const difference = bagDifference(
      written,
      await run.settle('readCommitted', options.readCommitted(run.runtime)),
    );
    run.check(difference === null, () => `after flush readers do not see what was written: ${difference}.`);
  }
  await run.settle('close', writer.close());
}
