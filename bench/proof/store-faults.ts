// Proof `store-faults`: a store that fails in any way leads to the same results, or to a clear error, and to nothing else.
//
// Owns:    the order of the tables, their printing, the tally.
// Not:     the faults (store-faults-*.ts), what a row is (store-fault-table.ts).

import { compile } from './compiled.js';
import type { Proof, ProofContext, Verdict } from './proof-contract.js';
import { judgeRow, type Row, rowText } from './store-fault-table.js';
import {
  DAMAGES_KNOWN,
  damageRow,
  type Leftovers,
  prepareLeftovers,
  randomDamageRow,
} from './store-faults-damage.js';
import { FULL_DISKS, fullDiskRow } from './store-faults-disk.js';
import { VIRTUAL_FAULTS, virtualRow } from './store-faults-virtual.js';

const PARALLELISMS = [1, 3];
const RANDOM_DAMAGES = { full: 100, short: 12 };

export const storeFaults: Proof = {
  name: 'store-faults',
  claim:
    'hanging commits, full disks, flipped bytes, lost files: the same results or a clear error, never a hang',
  usage: '',
  run: prove,
};

async function prove(context: ProofContext): Promise<Verdict> {
  const table = new Table(context);
  for (const parallelism of PARALLELISMS) {
    for (let index = 0; index < VIRTUAL_FAULTS; index += 1) await virtual(table, index, parallelism);
  }
  const program = compile(context.directory('compiled'))('bench/proof/job-process.ts');
  const leftovers = await prepareLeftovers(program, context.directory('left'));
  for (let index = 0; index < DAMAGES_KNOWN; index += 1) {
    table.add(await damageRow(program, leftovers, context.directory(`damage-${index}`), index));
  }
  await randomDamages(context, table, program, leftovers);
  for (const [index, disk] of FULL_DISKS.entries()) {
    const row = await fullDiskRow(program, context.directory(`disk-${index}`), disk);
    if (row !== null) table.add(row, row.felt ? [] : ['the job never noticed the full disk']);
    else table.notes.push(`${disk.name}: mounting a small tmpfs is not permitted here`);
  }
  return { failures: table.failures, figures: { ...table.figures, seed: context.seed }, notes: table.notes };
}

async function virtual(table: Table, index: number, parallelism: number): Promise<void> {
  const row = await virtualRow(index, parallelism);
  table.add(row, row.injected > 0 ? [] : ['the fault was never met']);
  if (row.afterwards === null) return;
  table.add({ name: `${row.name}, and a new process`, expected: { kind: 'exact' }, outcome: row.afterwards });
}

/** Only those that are wrong are printed one by one. */
async function randomDamages(
  context: ProofContext,
  table: Table,
  program: string,
  leftovers: Leftovers,
): Promise<void> {
  const count = context.short ? RANDOM_DAMAGES.short : RANDOM_DAMAGES.full;
  let finished = 0;
  for (let index = 0; index < count; index += 1) {
    const directory = context.directory(`noise-${index}`);
    const row = await randomDamageRow(program, leftovers, directory, context.seed * 1_000 + index);
    if (row.outcome.error === null) finished += 1;
    table.add(row, [], judgeRow(row).length === 0);
  }
  context.say(
    `      at rest: ${count} times noise: ${finished} finished exactly once, ${count - finished} refused`,
  );
}

class Table {
  readonly failures: string[] = [];
  readonly notes: string[] = [];
  readonly figures = { rows: 0, finished: 0, refused: 0 };
  private readonly context: ProofContext;

  constructor(context: ProofContext) {
    this.context = context;
  }

  add(row: Row, more: readonly string[] = [], quiet = false): void {
    const problems = [...more, ...judgeRow(row)];
    this.figures.rows += 1;
    if (row.outcome.error === null) this.figures.finished += 1;
    else this.figures.refused += 1;
    this.failures.push(...problems.map((problem) => `${row.name}: ${problem}`));
    if (quiet) this.context.progress(`${this.figures.rows} rows; last: ${row.name}`);
    else this.context.say(rowText(row, problems));
  }
}
