// Oracle O4: a checkpoint or savepoint, restored where nothing else has survived, leads to the same results.
//
// Owns:    one such restore: in a new machine, with another parallelism in half of the seeds, with a death before the first
//          checkpoint in the other half of them.
// Not:     which are restored (job-cuts.ts), judging results (the program).

import { run } from '../../actors/run.js';
import { randomBelow, randomStream } from '../base/random-stream.js';
import type { Points } from '../base/runtime.js';
import { virtualRuntime } from '../testing/virtual-runtime.js';
import type { Violation } from './execution.js';
import { inhabit } from './inside.js';
import { CHECKPOINTS_DIRECTORY, type Cut } from './job-cuts.js';
import { describeError, isPartlyFinished } from './job-end.js';
import { runOptionsOf } from './job-knobs.js';
import type { JobRun } from './job-run.js';
import { finishedRun } from './job-verdict.js';
import { NO_FAULTS } from './plan.js';
import type { CommittedResult } from './scenario-options.js';
import { worldInput } from './world-input.js';

const SAVEPOINT = '/savepoint';
const MS_MAX = 10 * 60_000;
const PARALLELISM_MAX = 3;

export async function restoredAlone<T, R>(
  job: JobRun<T, R>,
  cut: Cut<R>,
  faultFree: readonly CommittedResult<R>[] | null,
): Promise<readonly Violation[]> {
  const random = randomStream(job.spec.seed, `restored alone ${cut.at.checkpoint}`);
  const rescaled = random.next() < 0.5 ? 1 + randomBelow(random, PARALLELISM_MAX) : cut.at.parallelism;
  const dies = random.next() < 0.5;
  const first = await restore(job, cut, rescaled, dies);
  const end = isPartlyFinished(first.error) ? await restore(job, cut, cut.at.parallelism, dies) : first;
  const what = `${cut.isSavepoint ? 'savepoint' : 'checkpoint'} ${cut.at.checkpoint}, restored alone,`;
  const violation = (text: string): readonly Violation[] => [
    {
      check: 'O4 consistent cut',
      oracle: 'O4',
      message: `${what} ${text}`,
      example: [`checkpoint ${cut.at.checkpoint}`],
    },
  ];
  if (!end.settled) return violation('does not lead to an end');
  if (end.error !== null) return violation(`fails: ${describeError(end.error)}`);
  const over = finishedRun(job, faultFree);
  // A restore is an attempt more: what may come twice after a failure may do so here.
  const counts = { ...over.counts, attempts: over.counts.attempts + 1 };
  const shadow = { ...over, counts, results: end.results, finished: true, error: null };
  const [worst] = job.program.evaluate({ ...shadow, plan: NO_FAULTS }).violations;
  return worst === undefined
    ? []
    : violation(`leads to other results: ${worst.message} ${worst.example.join(', ')}`.trim());
}

interface RestoredEnd<R> {
  readonly settled: boolean;
  readonly error: unknown;
  readonly results: readonly CommittedResult<R>[];
}

async function restore<T, R>(
  { program, records, spec: { knobs, seed } }: JobRun<T, R>,
  { store, isSavepoint, at }: Cut<R>,
  parallelism: number | null,
  dies: boolean,
): Promise<RestoredEnd<R>> {
  const points = dies ? new DiesOnce() : null;
  const machine = virtualRuntime({
    seed,
    order: 'random',
    startWallMs: at.wallMs,
    ...(points === null ? {} : { points }),
  });
  inhabit(machine, () => undefined);
  if (isSavepoint) machine.disk.makeDirectory(SAVEPOINT);
  machine.stores.adopt(isSavepoint ? SAVEPOINT : CHECKPOINTS_DIRECTORY, store);
  const options = runOptionsOf(knobs, program.run, CHECKPOINTS_DIRECTORY, parallelism);
  const input = worldInput({
    records: records.values,
    timestamps: records.timestamps,
    splits: program.splits,
    ...(program.pollRecordsMax === undefined ? {} : { pollRecordsMax: program.pollRecordsMax }),
    ...(program.pollMs === undefined ? {} : { pollMs: program.pollMs }),
    gapMs: 0,
    arsenal: null,
  });
  // The same cut may be restored twice.
  const output = at.output.fork(at.output.quiet());
  let error: unknown = null;
  let settled = false;
  run(program.app({ input, output: output.sink(), runtime: machine, seed }), {
    ...options,
    ...(isSavepoint ? { from: SAVEPOINT } : {}),
    // The newer ones are gone, and it is known what they had committed: nothing.
    allowOlderCheckpoint: true,
    runtime: machine,
  })
    .then((handle) => handle.finished)
    .catch((failure: unknown) => {
      error = failure;
    })
    .finally(() => {
      settled = true;
    });
  await machine.run(() => settled || machine.nowMs > MS_MAX);
  return { settled, error, results: output.results };
}

/** The first subtask that has a record again dies of it, before any checkpoint of the new life. */
class DiesOnce implements Points {
  #died = false;

  hit(step: string): void {
    if (this.#died || step !== 'record.afterRestore') return;
    this.#died = true;
    throw new Error('dies with its first record after the restore');
  }
}
