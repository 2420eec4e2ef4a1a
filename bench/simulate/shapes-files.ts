// Shapes whose input and output are files of the simulated disk.
//
// Owns:    that part of the list: files that end one after the other, and parts that are begun anew at a size or after a time.
// Not:     what a shape is (shape.ts), the whole list (shapes.ts).
//
// F1. What counts are whole published files; what lies in the folder of unfinished ones is nobody's result, and is gone at the end.

import type { FaultKind } from '../../src/chaos/fault-kinds.js';
import type { ProgramOnDisk } from '../../src/chaos/job-program.js';
import { defineJob, type FileFormat, fileLines, fileSink } from '../../src/index.js';
import type { DiskImage } from '../../src/testing/disk-image.js';
import * as models from './models.js';
import type { Row } from './rows.js';
import type { Shape } from './shape.js';

/** The last one is empty: it has ended before the first checkpoint. */
const INPUTS = ['/in/rows-0', '/in/rows-1', '/in/rows-2', '/in/rows-3'];
/** Of ten rows, to the first, second and third file: they end one after the other, and the rest goes on. */
const SHARES = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2];
const OUTPUT = '/out';
const RECORDS = 70;
const LINES_PER_SECOND = 500;
/** Of an operation that never settles. */
const DEADLINE_MS = 2_000;
const PART_BYTES = 30;
const PART_MS = 12;

const lines: FileFormat<string> = { name: 'lines', extension: 'txt', encode: (line) => `${line}\n` };

/** Kinds that apply because the job uses files. */
const FILE_KINDS: readonly FaultKind[] = ['files.fail', 'files.failWritten'];

function onDisk(partBytesMax: number | null): ProgramOnDisk<Row, string> {
  return {
    prepare: (disk, rows) => {
      for (const [number, path] of INPUTS.entries()) {
        const own = rows.filter((_row, index) => SHARES[index % SHARES.length] === number);
        disk.write(path, own.map((row) => `${JSON.stringify(row)}\n`).join(''));
      }
      disk.makeDirectory(OUTPUT);
    },
    results: (disk) =>
      partsOf(disk).flatMap((name, transaction) =>
        linesOf(disk, name).map((value) => ({ value, timestamp: 0, transaction, subtask: 0 })),
      ),
    oddities: (disk) => [
      ...unfinished(disk).map((name) => `${name} is left over`),
      ...partsOf(disk).flatMap((name) => {
        const all = linesOf(disk, name);
        const bytes = all.slice(0, -1).reduce((sum, line) => sum + line.length + 1, 0);
        if (all.length === 0) return [`${name} is empty`];
        return partBytesMax !== null && bytes >= partBytesMax
          ? [`${name} goes on behind ${bytes} bytes`]
          : [];
      }),
    ],
  };
}

/** The folder goes with its last file. */
function unfinished(disk: DiskImage): readonly string[] {
  return disk.list(OUTPUT).includes('.weir') ? disk.list(`${OUTPUT}/.weir`) : [];
}

/** Names of one subtask sort in the order of their commits. */
function partsOf(disk: DiskImage): readonly string[] {
  return disk.list(OUTPUT).filter((name) => name.endsWith(`.${lines.extension}`));
}

function linesOf(disk: DiskImage, name: string): readonly string[] {
  return (disk.readText(`${OUTPUT}/${name}`) ?? '').split('\n').filter((line) => line !== '');
}

function shape(name: string, roll: { readonly sizeBytes?: number; readonly intervalMs?: number }): Shape {
  return {
    name,
    oracle: 'O1',
    records: RECORDS,
    splits: INPUTS.length,
    extraKinds: FILE_KINDS,
    build: (rows) => rows.map(({ id }) => `id ${id}`),
    model: models.ids,
    job: () =>
      defineJob(name, (env) => {
        env
          .from(fileLines(INPUTS, { ratePerSecond: LINES_PER_SECOND, deadlineMs: DEADLINE_MS }), {
            uid: 'rows',
          })
          .map((line) => JSON.parse(line) as Row)
          .rebalance()
          .map(({ id }) => `id ${id}`)
          .uid('ids')
          .sinkTo(fileSink(OUTPUT, { format: lines, roll, deadlineMs: DEADLINE_MS }), { uid: 'out' });
      }),
    onDisk: onDisk(roll.sizeBytes ?? null),
  };
}

export const FILE_SHAPES: readonly Shape[] = [
  shape('fileParts', { sizeBytes: PART_BYTES }),
  shape('filePartsInTime', { intervalMs: PART_MS }),
];
