// A shape of job for the simulation of the engine: how it is built, and what its results are, by a plain function.
//
// Owns:    from one line of the list (shapes.ts) to a program that can be simulated, with checks that name their oracle.
// Not:     the list, running it (simulate.ts).
//
// S1. Results are texts, so that a model and a job are compared as multisets without knowing what they mean.
// S2. The model is written without the engine: loops over the records.

import { JobDefinitionError } from '../../src/base/errors.js';
import { randomBelow, randomStream } from '../../src/base/random-stream.js';
import type { Subject, Violation } from '../../src/chaos/execution.js';
import type { FaultKind } from '../../src/chaos/fault-kinds.js';
import type { JobProgram } from '../../src/chaos/job-program.js';
import { jobSubject } from '../../src/chaos/job-subject.js';
import type { CommittedResult, FinishedRun, JobWorld } from '../../src/chaos/scenario-options.js';
import { type DataStream, defineJob, monotonous, type WatermarkStrategy } from '../../src/index.js';

export interface Row {
  readonly id: number;
  readonly key: number;
  /** Event time, in order. */
  readonly at: number;
  readonly n: number;
}

export interface Shape {
  readonly name: string;
  readonly build: (rows: DataStream<Row>, world: JobWorld<Row, string>) => DataStream<string>;
  readonly model: (rows: readonly Row[]) => readonly string[];
  /** What a wrong result means: `O1` a record lost or repeated, `O2` state, `O13` event time, `O17` any other difference. */
  readonly oracle: 'O1' | 'O2' | 'O13' | 'O17';
  /** Results `<key>#<n>` come with n ascending for each key (O3). */
  readonly ordered?: boolean;
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
  /** Changes the rows before they are read. */
  readonly rows?: (rows: readonly Row[]) => readonly Row[];
}

const RECORDS = 120;
const KEYS = 7;
const STEP_MS = 7;
const SPLITS = 2;
const EXAMPLES = 3;
/** A few inputs for all seeds: their models are then computed once. */
const INPUTS = 32;

/** A shape as a subject: what explore, replay and shrink run. */
export function subjectOf(shape: Shape): Subject {
  return jobSubject(programOf(shape), shape.extraKinds === undefined ? {} : { extraKinds: shape.extraKinds });
}

export function programOf(shape: Shape): JobProgram<Row, string> {
  const models = new Map<string, ReadonlyMap<string, number>>();
  const modelOf = (rows: readonly Row[], key: string): ReadonlyMap<string, number> => {
    const known = models.get(key);
    if (known !== undefined) return known;
    const made = counted(shape.model(rows));
    models.set(key, made);
    return made;
  };
  return {
    name: shape.name,
    recordsMax: shape.records ?? RECORDS,
    records: (count, seed) => (shape.rows ?? asTheyAre)(rowsOf(count, seed % INPUTS)),
    timestamp: ({ at }) => at,
    splits: shape.splits ?? SPLITS,
    ...(shape.pollRecordsMax === undefined ? {} : { pollRecordsMax: shape.pollRecordsMax }),
    ...(shape.pollMs === undefined ? {} : { pollMs: shape.pollMs }),
    app: (world) =>
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
    evaluate: (run) => evaluate(shape, run, modelOf),
    expected: null,
    needsFaultFree: false,
  };
}

function asTheyAre(rows: readonly Row[]): readonly Row[] {
  return rows;
}

function rowsOf(count: number, seed: number): readonly Row[] {
  const random = randomStream(seed, 'rows');
  return Array.from({ length: count }, (_, id) => ({
    id,
    key: randomBelow(random, KEYS),
    at: id * STEP_MS,
    n: randomBelow(random, 100),
  }));
}

function evaluate(
  shape: Shape,
  run: FinishedRun<string>,
  modelOf: (rows: readonly Row[], key: string) => ReadonlyMap<string, number>,
): { readonly violations: readonly Violation[]; readonly checked: number } {
  const rows = run.input as readonly Row[];
  const expected = modelOf(
    rows,
    `${rows.length} ${rows.reduce((sum, { n, key }) => (sum * 31 + n * 8 + key) | 0, 0)}`,
  );
  const got = counted(run.results.map(({ value }) => value));
  const missing: string[] = [];
  const surplus: string[] = [];
  for (const [text, times] of expected) if ((got.get(text) ?? 0) < times) missing.push(text);
  for (const [text, times] of got) if (times > (expected.get(text) ?? 0)) surplus.push(text);
  const violations: Violation[] = [];
  // What a fault has ended may lack results, but none of them may be wrong.
  const lost = run.finished ? missing.length : 0;
  if (lost > 0 || surplus.length > 0) {
    violations.push({
      check: `${shape.oracle} ${NAMES[shape.oracle]}`,
      oracle: run.finished ? shape.oracle : 'O11',
      message: `${lost} of ${expected.size} results are lost, ${surplus.length} are wrong or come too often`,
      example: [...(lost > 0 ? missing : []), ...surplus].slice(0, EXAMPLES),
    });
  }
  if (shape.ordered === true) violations.push(...disorder(run.results));
  return { violations, checked: run.results.length };
}

const NAMES = { O1: 'exactly once', O2: 'state', O13: 'late rows', O17: 'differential' } as const;

function disorder(results: readonly CommittedResult<string>[]): Violation[] {
  const last = new Map<string, number>();
  for (const { value } of results) {
    const [key = '', n] = value.split('#');
    if (n === undefined) continue;
    if (Number(n) <= (last.get(key) ?? 0)) {
      const message = `${value} is committed after ${key}#${last.get(key)}`;
      return [{ check: 'O3 order', oracle: 'O3', message, example: [value] }];
    }
    last.set(key, Number(n));
  }
  return [];
}

function counted(texts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

/** For shapes whose graph is wrong: the list is checked before anything runs. */
export function assertUnique(shapes: readonly Shape[]): readonly Shape[] {
  const names = shapes.map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  if (twice.length > 0)
    throw new JobDefinitionError('simulate', [`shapes are named twice: ${twice.join(', ')}`]);
  return shapes;
}
