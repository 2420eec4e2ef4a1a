// A job whose input and output are files of the simulated disk: the reference for faults of file operations.
//
// Owns:    its graph, its input on the disk, reading what it has published.
// Not:     what its results have to be (shape.ts).
//
// F1. What counts are whole published files; what lies in the folder of unfinished ones is nobody's result.

import type { FaultKind } from '../../../src/chaos/fault-kinds.js';
import type { JobProgram } from '../../../src/chaos/job-program.js';
import type { CommittedResult } from '../../../src/chaos/scenario-options.js';
import { defineJob, type FileFormat, fileLines, fileSink } from '../../../src/index.js';
import type { DiskImage } from '../../../src/testing/disk-image.js';
import * as models from '../models.js';
import type { Row } from '../rows.js';
import { programOf, type Shape } from '../shape.js';

const INPUTS = ['/in/rows-0', '/in/rows-1'];
const OUTPUT = '/out';
const RECORDS = 60;
/** Slow enough for some checkpoints while there is still something to read. */
const LINES_PER_SECOND = 300;
/** Of an operation that never settles. */
const DEADLINE_MS = 2_000;
const RESTARTS_MAX = 20;
const RESTART_DELAY_MS = 5;

/** Kinds that apply because the job uses files. */
export const FILE_KINDS: readonly FaultKind[] = [
  'files.fail',
  'files.failWritten',
  'files.full',
  'files.hang',
  'files.hangWritten',
  'files.exhausted',
];

/** Judged as the shape of the same name would be; its graph is never built. */
const SHAPE: Shape = {
  name: 'fileCounts',
  oracle: 'O2',
  ordered: true,
  records: RECORDS,
  build: (rows) => rows.map(({ id }) => `id ${id}`),
  model: models.counts,
};

const lines: FileFormat<string> = {
  name: 'lines',
  extension: 'txt',
  encode: (line) => `${line}\n`,
};

export function fileCounts(): JobProgram<Row, string> {
  return {
    ...programOf(SHAPE),
    splits: INPUTS.length,
    app: () =>
      defineJob(SHAPE.name, (env) => {
        env
          .from(fileLines(INPUTS, { ratePerSecond: LINES_PER_SECOND, deadlineMs: DEADLINE_MS }), {
            uid: 'rows',
          })
          .map((line) => ({ ...(JSON.parse(line) as Row), n: 1 }))
          .keyBy(({ key }) => key)
          .sum('n')
          .uid('count')
          .map(({ key, n }) => `${key}#${n}`)
          .sinkTo(fileSink(OUTPUT, { format: lines, deadlineMs: DEADLINE_MS }), { uid: 'out' });
      }),
    // What fails for ever is given up soon.
    run: { restart: { kind: 'fixedDelay', attempts: RESTARTS_MAX, delayMs: RESTART_DELAY_MS } },
    onDisk: { prepare, results },
  };
}

function prepare(disk: DiskImage, rows: readonly Row[]): void {
  for (const [split, path] of INPUTS.entries()) {
    const own = rows.filter((_row, index) => index % INPUTS.length === split);
    disk.write(path, own.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }
  disk.makeDirectory(OUTPUT);
}

function results(disk: DiskImage): readonly CommittedResult<string>[] {
  // Names of one subtask sort in the order of their commits.
  const files = disk.list(OUTPUT).filter((name) => name.endsWith(`.${lines.extension}`));
  return files.flatMap((name, transaction) =>
    (disk.readText(`${OUTPUT}/${name}`) ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((value) => ({ value, timestamp: 0, transaction, subtask: 0 })),
  );
}
