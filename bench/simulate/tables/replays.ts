// Replays: drawn seeds run twice, and are the same run; what they are, as a list that another Node version can be held against.
//
// Owns:    the pieces, and when two runs count as the same.
// Not:     drawing (campaign.ts), printing (table-report.ts).

import type { Outcome, Subject } from '../../../src/chaos/execution.js';
import { specOf } from '../campaign.js';
import { subjectOf } from '../shape.js';
import { SHAPES } from '../shapes.js';
import type { OnRuns, SeedRun, TableResult, TableTask } from './table-task.js';

const SEEDS_OF_PIECE = 40;

type ReplayTask = Extract<TableTask, { kind: 'replays' }>;

export function replayTasks(seeds: number, firstSeed: number, twice: boolean): readonly ReplayTask[] {
  return Array.from({ length: Math.ceil(seeds / SEEDS_OF_PIECE) }, (_, piece) => ({
    kind: 'replays',
    firstSeed: firstSeed + piece * SEEDS_OF_PIECE,
    seeds: Math.min(SEEDS_OF_PIECE, seeds - piece * SEEDS_OF_PIECE),
    twice,
  }));
}

export async function runReplays(task: ReplayTask, onRuns: OnRuns): Promise<TableResult> {
  const subjects = SHAPES.map((shape) => subjectOf(shape));
  const runs: SeedRun[] = [];
  for (let seed = task.firstSeed; seed < task.firstSeed + task.seeds; seed += 1) {
    const subject = subjects[seed % subjects.length];
    if (subject !== undefined) runs.push(await seedRun(subject, seed, task.twice));
    onRuns(runs.length);
  }
  return { kind: 'replays', runs };
}

async function seedRun(subject: Subject, seed: number, twice: boolean): Promise<SeedRun> {
  const spec = specOf(subject, seed);
  const first = await subject.execute(spec);
  const second = twice ? await subject.execute(spec) : first;
  const same = first.hash === second.hash && told(first) === told(second);
  const violations = first.violations.map(({ check }) => check);
  return { shape: subject.name, seed, hash: first.hash, violations, same };
}

function told({ violations }: Outcome): string {
  return JSON.stringify(violations);
}
