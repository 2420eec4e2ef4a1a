// The steps of the protocol, each reached by a process of its own that kills itself there with SIGKILL.
//
// Owns:    the table of steps and the roles that stand at them, lives until the job has finished, the account.
// Not:     one life (job-life.ts), the job (counting-job.ts).
//
// S1. Every step is killed at by each role that stands at it, so the instant is exact: nothing of the process runs after it.

import { join } from 'node:path';
import { PROTOCOL_STEPS, type ProtocolStep } from '../../src/task/effect.js';
import { CommittedFiles } from './committed-files.js';
import { compile } from './compiled.js';
import { isRestoreStep } from './crash-plan.js';
import { type LifeReport, liveOnce } from './job-life.js';
import type { JobTask, OwnDeath } from './job-process.js';
import { complaints, Ledger } from './ledger.js';
import type { ProofContext, Verdict } from './proof-contract.js';

const RECORDS = 1_500;
const KEYS = 211;
const RECORDS_PER_SECOND = 3_000;
const INTERVAL_MS = 40;
const LIVES_MAX = 10;
const LIFE_DEADLINE_MS = 60_000;

/** Who reaches which step. */
const STANDING: ReadonlyMap<ProtocolStep, readonly string[]> = new Map([
  ['barrier.injected', ['source']],
  ['barrier.received', ['operator', 'sink']],
  ['barrier.aligned', ['operator', 'sink']],
  ['snapshot.started', ['source', 'operator', 'sink']],
  ['snapshot.written', ['store']],
  ['snapshot.flushed', ['source', 'operator', 'sink']],
  ['ack.sent', ['source', 'operator', 'sink']],
  ['ack.received', ['coordinator']],
  ['metadata.written', ['store']],
  ['metadata.durable', ['store']],
  ['notify.sent', ['coordinator']],
  ['prepare.done', ['sink']],
  ['commit.sent', ['sink']],
  ['commit.applied', ['sink']],
  ['commit.acked', ['sink']],
  ['checkpoint.deleted', ['store']],
  ['restore.read', ['source', 'operator', 'sink']],
  ['restore.applied', ['source', 'operator', 'sink']],
  ['record.afterRestore', ['source']],
]);

export async function processTable(context: ProofContext, parallelisms: readonly number[]): Promise<Verdict> {
  const program = compile(context.directory('compiled'))('bench/proof/job-process.ts');
  const cells = parallelisms.flatMap((parallelism) =>
    PROTOCOL_STEPS.flatMap((step) => (STANDING.get(step) ?? []).map((role) => ({ parallelism, step, role }))),
  );
  const chosen = context.short ? cells.filter((_, index) => index % 6 === 0) : cells;
  const failures: string[] = [];
  const totals = { runs: 0, kills: 0, restores: 0, checkpoints: 0, records: 0 };
  for (const { parallelism, step, role } of chosen) {
    const name = `${role} at ${step}, parallelism ${parallelism}`;
    const wrong = await cell(context, program, parallelism, step, role, totals);
    failures.push(...wrong.map((problem) => `${name}: ${problem}`));
    totals.runs += 1;
    context.progress(`${totals.runs} of ${chosen.length} runs, ${totals.kills} kills; last: ${name}`);
  }
  return { failures, figures: { ...totals, steps: new Set(chosen.map(({ step }) => step)).size } };
}

async function cell(
  context: ProofContext,
  program: string,
  parallelism: number,
  step: ProtocolStep,
  role: string,
  totals: { kills: number; restores: number; checkpoints: number; records: number },
): Promise<string[]> {
  const directory = context.directory(`${parallelism}-${step}-${role}`);
  const output = join(directory, 'output');
  const restoring = isRestoreStep(step);
  // For a step of a restore, a death before it; then the one at the step itself, twice for good measure.
  const deaths: OwnDeath[] = restoring
    ? [{ step: 'commit.acked', role: null, hit: 2 * parallelism }]
    : [{ step, role, hit: 2 * parallelism }];
  deaths.push(restoring ? { step, role, hit: 1 } : { step, role, hit: 1 });
  const problems: string[] = [];
  let planned = deaths.length;
  for (let life = 0; life < LIVES_MAX; life += 1) {
    const death = deaths[life] ?? null;
    const report = await liveOnce(program, taskOf(directory, output, parallelism, death), {
      afterMs: null,
      from: 'start',
      deadlineMs: LIFE_DEADLINE_MS,
    });
    totals.restores += report.restored ? 1 : 0;
    totals.checkpoints += report.checkpoints;
    if (report.end.kind === 'killed') {
      totals.kills += 1;
      planned -= 1;
      continue;
    }
    if (report.end.kind === 'failed') problems.push(describe(report));
    break;
  }
  if (planned > 0) problems.push(`${planned} of ${deaths.length} planned deaths did not happen`);
  return [...problems, ...account(output, totals)];
}

function account(output: string, totals: { records: number }): string[] {
  const files = new CommittedFiles(output);
  const ledger = new Ledger({ records: RECORDS, keys: KEYS });
  files.readNew((value) => ledger.enter(value));
  totals.records += ledger.committed;
  const left = files.leftOver();
  const leftOver = left.length === 0 ? [] : [`${left.length} files are left over`];
  return [...complaints(ledger.account()), ...files.problems, ...leftOver];
}

function taskOf(directory: string, output: string, parallelism: number, death: OwnDeath | null): JobTask {
  return {
    job: { kind: 'counting', records: RECORDS, keys: KEYS, ratePerSecond: RECORDS_PER_SECOND, output },
    parallelism,
    checkpoints: join(directory, 'checkpoints'),
    intervalMs: INTERVAL_MS,
    death,
  };
}

function describe(report: LifeReport): string {
  return report.end.kind === 'failed' ? report.end.reason : report.end.kind;
}
