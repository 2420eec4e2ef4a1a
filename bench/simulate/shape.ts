// A shape of job for the simulation of the engine: how it is built, and what its results are, by a plain function.
//
// Owns:    from one line of the list (shapes.ts) to a program that can be simulated, with checks that name their oracle.
// Not:     the list, running it (simulate.ts), judging results (judge.ts).
//
// S1. The model is written without the engine: loops over the records.

import { JobDefinitionError } from '../../src/base/errors.js';
import type { Subject } from '../../src/chaos/execution.js';
import type { FaultKind } from '../../src/chaos/fault-kinds.js';
import type { JobProgram, ProgramOnDisk } from '../../src/chaos/job-program.js';
import { jobSubject } from '../../src/chaos/job-subject.js';
import type { JobWorld } from '../../src/chaos/scenario-options.js';
import {
  type DataStream,
  defineJob,
  type JobDefinition,
  monotonous,
  type WatermarkStrategy,
} from '../../src/index.js';
import { countsOf, type Expected, judge } from './judge.js';
import { type Row, rowsOf } from './rows.js';

/** What a wrong result means: `O1` a record lost or repeated, `O2` state, `O3` order, `O13` event time, `O17` any other difference. */
export type ShapeOracle = 'O1' | 'O2' | 'O3' | 'O13' | 'O17';

export interface Shape {
  readonly name: string;
  readonly build: (rows: DataStream<Row>, world: JobWorld<Row, string>) => DataStream<string>;
  /** All results. Absent where they depend on more than the rows; then `check` is there. */
  readonly model?: (rows: readonly Row[]) => readonly string[];
  /** What is wrong with results in the order of their commits; they may lack their end where the job has not finished. */
  readonly check?: (rows: readonly Row[], results: readonly string[], finished: boolean) => readonly string[];
  readonly oracle: ShapeOracle;
  /** Results `<key>#<n>` come with n ascending for each key (O3). */
  readonly ordered?: boolean;
  /** At least once: a failure may repeat results (`same`), or the effect of records on state, which makes other results (`more`). */
  readonly repeats?: 'same' | 'more';
  readonly records?: number;
  readonly pollRecordsMax?: number;
  /** Virtual milliseconds that a poll takes, at most. Default: it answers at once. */
  readonly pollMs?: number;
  /** Splits of the input. Default 2; 1 where results depend on the order within a key. */
  readonly splits?: number;
  readonly run?: JobProgram<Row, string>['run'];
  /** Default: each split is in order. */
  readonly watermarks?: WatermarkStrategy<Row>;
  /** What a row looks like that cannot be understood; the shape sorts it out. */
  readonly poison?: (row: Row) => Row;
  /** Kinds of faults that make sense for this shape beside the usual ones. */
  readonly extraKinds?: readonly FaultKind[];
  /** And those that do not: they would change what its results have to be. */
  readonly withoutKinds?: readonly FaultKind[];
  /** Changes the rows before they are read. */
  readonly rows?: (rows: readonly Row[]) => readonly Row[];
  /** The whole job, where it reads and writes other things than the input and output of its world; `build` is then not called. */
  readonly job?: (world: JobWorld<Row, string>) => JobDefinition;
  readonly onDisk?: ProgramOnDisk<Row, string>;
  /** Its user drains it, at a moment within so many virtual milliseconds. */
  readonly drainMsMax?: number;
}

const RECORDS = 120;
const SPLITS = 2;

/** A shape as a subject: what explore, replay and shrink run. */
export function subjectOf(shape: Shape): Subject {
  return jobSubject(programOf(shape), {
    extraKinds: shape.extraKinds ?? [],
    withoutKinds: shape.withoutKinds ?? [],
  });
}

export function programOf(shape: Shape): JobProgram<Row, string> {
  const expectedOf = expectedBy(shape);
  return {
    name: shape.name,
    recordsMax: shape.records ?? RECORDS,
    records: (count, seed) => (shape.rows ?? asTheyAre)(rowsOf(count, seed)),
    timestamp: ({ at }) => at,
    splits: shape.splits ?? SPLITS,
    ...(shape.pollRecordsMax === undefined ? {} : { pollRecordsMax: shape.pollRecordsMax }),
    ...(shape.pollMs === undefined ? {} : { pollMs: shape.pollMs }),
    ...(shape.onDisk === undefined ? {} : { onDisk: shape.onDisk }),
    ...(shape.drainMsMax === undefined ? {} : { drainMsMax: shape.drainMsMax }),
    app: (world) =>
      shape.job?.(world) ??
      defineJob(shape.name, (env) => {
        const rows = env.from(world.input, {
          uid: 'rows',
          watermarks: shape.watermarks ?? monotonous(),
        });
        shape.build(rows, world).sinkTo(world.output, { uid: 'out' });
      }),
    run: shape.run ?? {},
    poison: shape.poison ?? null,
    predicates: {},
    operators: null,
    evaluate: (run) => judge(shape, run, expectedOf),
    expected: null,
    needsFaultFree: false,
  };
}

/** The model of each input is computed once. */
function expectedBy({ model }: Shape): Expected {
  const known = new Map<string, ReadonlyMap<string, number>>();
  return (rows) => {
    const input = `${rows.length} ${rows.reduce((sum, { n, key }) => (sum * 31 + n * 8 + key) | 0, 0)}`;
    const found = known.get(input);
    if (found !== undefined) return found;
    const made = countsOf(model?.(rows) ?? []);
    known.set(input, made);
    return made;
  };
}

function asTheyAre(rows: readonly Row[]): readonly Row[] {
  return rows;
}

/** For shapes whose graph is wrong: the list is checked before anything runs. */
export function assertUnique(shapes: readonly Shape[]): readonly Shape[] {
  const names = shapes.map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  if (twice.length > 0)
    throw new JobDefinitionError('simulate', [`shapes are named twice: ${twice.join(', ')}`]);
  return shapes;
}
