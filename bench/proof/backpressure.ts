// Proof `backpressure`: a source without limit and a slow sink, and memory stays flat.
//
// Owns:    the child process, the series that is printed, the judgement.
// Not:     the job and the samples (backpressure-process.ts).

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { PressureNews, PressureTask } from './backpressure-process.js';
import { compile } from './compiled.js';
import type { Proof, ProofContext, Verdict } from './proof-contract.js';

const SECONDS = { full: 60, short: 16 };
/** One subtask each: less in flight, so that barriers come through within the short form. */
const PARALLELISM = { full: 2, short: 1 };
const WARM_UP_SECONDS = { full: 10, short: 4 };
const SINK_PER_SECOND = 1_000;
const GROWTH_BYTES_MAX = 20 * 1024 * 1024;
const CANCEL_MS_MAX = 1_000;
/** How far the sink may lie beside its rate for the measurement to be about this rate. */
const RATE_TOLERANCE = 0.25;
const GRACE_SECONDS = 60;

type Sample = PressureNews & { readonly kind: 'sample' };

export const backpressure: Proof = {
  name: 'backpressure',
  claim:
    'unlimited source, sink at 1,000 records/s: flat heap, bounded mailboxes, checkpoints and cancel get through',
  usage: '',
  run: prove,
};

async function prove(context: ProofContext): Promise<Verdict> {
  const length = context.short ? 'short' : 'full';
  const directory = context.directory('run');
  const task: PressureTask = {
    seconds: SECONDS[length],
    sinkPerSecond: SINK_PER_SECOND,
    parallelism: PARALLELISM[length],
    checkpoints: join(directory, 'checkpoints'),
    savepoint: join(directory, 'savepoint'),
  };
  const program = compile(context.directory('compiled'))('bench/proof/backpressure-process.ts');
  const news = await watch(context, program, task);
  return judge(news, task, WARM_UP_SECONDS[length]);
}

function judge(news: readonly PressureNews[], task: PressureTask, warmUpSeconds: number): Verdict {
  const failures = news.flatMap((each) => (each.kind === 'failed' ? [each.reason] : []));
  const samples = news.filter((each) => each.kind === 'sample');
  const savepoint = news.find((each) => each.kind === 'savepoint');
  const canceled = news.find((each) => each.kind === 'canceled');
  const last = samples.at(-1);
  const warm = samples.filter(({ second }) => second >= warmUpSeconds);
  if (last === undefined || samples.length < task.seconds) {
    return { failures: [...failures, `only ${samples.length} of ${task.seconds} samples came`], figures: {} };
  }
  const heaps = warm.map(({ heapBytes }) => heapBytes);
  const growthBytes = Math.max(...heaps) - (heaps[0] ?? 0);
  const rate = last.sunk / last.second;
  const check = (holds: boolean, otherwise: string): void => {
    if (!holds) failures.push(otherwise);
  };
  check(growthBytes < GROWTH_BYTES_MAX, `the heap grew by ${megabytes(growthBytes)} MB after the warm-up`);
  check(last.overfull === null, `a mailbox was above its bound: ${last.overfull}`);
  check(last.fullest > 0, 'no mailbox ever held a message: nothing was observed');
  check(
    warm.every(({ backPressured }) => backPressured),
    'the source was not held back all the time',
  );
  check(Math.abs(rate / SINK_PER_SECOND - 1) < RATE_TOLERANCE, `the sink took ${Math.round(rate)} records/s`);
  check(last.checkpoints >= 2, `only ${last.checkpoints} aligned checkpoints completed`);
  check(savepoint !== undefined, 'the savepoint did not complete');
  check(canceled?.state === 'CANCELED', `cancel ended in ${canceled?.state ?? 'nothing'}`);
  check((canceled?.tookMs ?? 0) < CANCEL_MS_MAX, `cancel took ${Math.round(canceled?.tookMs ?? 0)} ms`);
  return {
    failures,
    figures: {
      runSeconds: last.second,
      heapGrowthMB: megabytes(growthBytes),
      heapMB: megabytes(last.heapBytes),
      residentMB: megabytes(last.residentBytes),
      fullestMailboxPercent: Math.round(last.fullest * 100),
      emitted: last.emitted,
      sunk: last.sunk,
      sinkPerSecond: Math.round(rate),
      checkpoints: last.checkpoints,
      savepointMs: Math.round(savepoint?.tookMs ?? -1),
      cancelMs: Math.round(canceled?.tookMs ?? -1),
    },
  };
}

function watch(context: ProofContext, program: string, task: PressureTask): Promise<readonly PressureNews[]> {
  return new Promise((resolve, reject) => {
    const news: PressureNews[] = [];
    let rest = '';
    let errors = '';
    const child = spawn(process.execPath, ['--expose-gc', program, JSON.stringify(task)]);
    const deadline = setTimeout(
      () => {
        news.push({ kind: 'failed', reason: `no end after ${task.seconds + GRACE_SECONDS} s` });
        child.kill('SIGKILL');
      },
      (task.seconds + GRACE_SECONDS) * 1_000,
    );
    child.stdout.on('data', (bytes) => {
      const lines = `${rest}${bytes}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const each = JSON.parse(line) as PressureNews;
        news.push(each);
        tell(context, each);
      }
    });
    child.stderr.on('data', (bytes) => {
      errors = `${errors}${bytes}`.slice(-2_000);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(deadline);
      if (code !== 0) news.push({ kind: 'failed', reason: `the process ended with code ${code}: ${errors}` });
      resolve(news);
    });
  });
}

function tell(context: ProofContext, news: PressureNews): void {
  if (news.kind !== 'sample') return;
  const line = seriesLine(news);
  if (news.second % 5 === 0) context.say(line);
  else context.progress(line);
}

function seriesLine(sample: Sample): string {
  const { second, heapBytes, residentBytes, sunk, emitted, checkpoints, fullest } = sample;
  return `${String(second).padStart(3)} s: heap ${megabytes(heapBytes)} MB, resident ${megabytes(residentBytes)} MB, ${sunk} sunk, ${emitted - sunk} in flight, ${checkpoints} checkpoints, fullest mailbox ${Math.round(fullest * 100)} %`;
}

function megabytes(bytes: number): number {
  return Math.round((bytes / 1024 / 1024) * 10) / 10;
}
