// `npm run simulate -- [options]`: the engine under random faults, seed by seed, and what they add up to.
//
// Owns:    the command line, two workers at a time, the report.
// Not:     runs (campaign.ts), shapes (shapes.ts).
//
//   --seeds n            runs of the engine (1,000)
//   --protocol n         runs of the protocol kernel (0)
//   --trees n            runs of actor trees and message programs (0)
//   --first s            first seed (1)
//   --shapes a,b         only these shapes of jobs
//   --jobs n             worker processes (2)
//   --double f           fraction of the runs that are run twice (0.01)
//   --stop-at-failure    end at the first failure (after 20)
//   --json               one JSON object on stdout, nothing else there
//   --replay token       run one failure again, with its trace
//   --crash-points       instead of seeds: every role dies at every step of the protocol
//   --pairs              and every death is followed by every other one; --limit n: a sample of n pairs
//   --operations         instead of seeds: every operation of store and files fails, once and for ever
//   --replays n          instead of seeds: n drawn seeds run twice, and are the same
//   --hashes n           instead of seeds: what n drawn seeds are, to be held against another Node version
//
// Exit codes: 0 no violation, 1 violations, 2 the command line is wrong.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ConfigError } from '../../src/base/errors.js';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import { runOnce } from '../../src/chaos/explore.js';
import { failureText } from '../../src/chaos/failure-report.js';
import { parseReplayToken } from '../../src/chaos/replay-token.js';
import { failureOf } from '../../src/chaos/shrink-failure.js';
import { type ProgressLine, progressLine } from '../proof/progress-line.js';
import {
  addVacuity,
  type CampaignOptions,
  type CampaignPart,
  type CampaignSums,
  emptySums,
  mergeInto,
} from './campaign.js';
import { type PartReport, reportLines } from './campaign-report.js';
import { SHAPES } from './shapes.js';
import { subjectNamed } from './tables/table-task.js';
import { runTable, tableAsked } from './tables/tables.js';

const FAILURES_MAX = 20;
const MS_PER_MINUTE = 60_000;

process.exitCode = await main().catch(commandLineIsWrong);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      protocol: { type: 'string', default: '0' },
      trees: { type: 'string', default: '0' },
      first: { type: 'string', default: '1' },
      shapes: { type: 'string', default: '' },
      jobs: { type: 'string', default: '2' },
      double: { type: 'string', default: '0.01' },
      'stop-at-failure': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      replay: { type: 'string' },
      'crash-points': { type: 'boolean', default: false },
      pairs: { type: 'boolean', default: false },
      operations: { type: 'boolean', default: false },
      replays: { type: 'string' },
      hashes: { type: 'string' },
      limit: { type: 'string' },
    },
  });
  if (values.replay !== undefined) return replay(values.replay);
  const table = tableAsked(values);
  if (table !== null) return runTable(table, { workers: Number(values.jobs) || 1, json: values.json });
  const shapes = values.shapes === '' ? [] : values.shapes.split(',');
  const unknown = shapes.filter((name) => !SHAPES.some((shape) => shape.name === name));
  const counts = [values.seeds, values.protocol, values.trees, values.first, values.jobs].map(Number);
  if (unknown.length > 0 || counts.some((count) => !Number.isSafeInteger(count) || count < 0)) {
    console.error(
      unknown.length > 0
        ? `no shape is called ${unknown.join(', ')}; there are ${SHAPES.map(({ name }) => name).join(', ')}`
        : 'seeds, protocol, trees, first and jobs take whole numbers',
    );
    return 2;
  }
  const common = {
    firstSeed: Number(values.first),
    shares: Math.max(1, Number(values.jobs)),
    shapes,
    doubleRuns: Number(values.double),
    failuresMax: values['stop-at-failure'] ? 1 : FAILURES_MAX,
  };
  const line = progressLine(process.stderr);
  const parts: Record<string, PartReport> = {};
  for (const [part, seeds] of [
    ['engine', Number(values.seeds)],
    ['protocol', Number(values.protocol)],
    ['trees', Number(values.trees)],
  ] as const) {
    if (seeds > 0) parts[part] = await runPart(part, { ...common, part, seeds, share: 0 }, line);
  }
  line.clear();
  const failures = Object.values(parts).flatMap(({ sums }) => sums.failures);
  if (values.json) console.log(JSON.stringify(jsonOf(parts)));
  else
    for (const text of Object.entries(parts).flatMap(([part, report]) => reportLines(part, report)))
      console.log(text);
  return failures.length === 0 ? 0 : 1;
}

function commandLineIsWrong(error: unknown): number {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  return 2;
}

async function runPart(
  part: CampaignPart,
  options: CampaignOptions,
  line: ProgressLine,
): Promise<PartReport> {
  const runtime = nodeRuntime();
  const startedMs = runtime.clock.monotonicMs();
  const running = new Map<number, CampaignSums>();
  const show = (): void => {
    const total = emptySums();
    for (const sums of running.values()) mergeInto(total, sums);
    const minutes = (runtime.clock.monotonicMs() - startedMs) / MS_PER_MINUTE;
    const fired = Object.values(total.faults).reduce((sum, times) => sum + times, 0);
    line.show(
      `${part}: ${total.seeds} of ${options.seeds} seeds, ${Math.round(total.seeds / minutes)} a minute, ${fired} faults, ` +
        `${total.checkpoints} checkpoints, ${total.restores} restores, ${total.failures.length} failures`,
    );
  };
  const workers = Array.from({ length: options.shares }, (_, share) =>
    workerOf({ ...options, share }, (sums) => {
      // Told at once: whoever waits for a long campaign can begin to look.
      for (const { shape, seed, check } of sums.failures.slice(running.get(share)?.failures.length ?? 0))
        line.say(`FAILED ${shape} seed ${seed}: ${check}`);
      running.set(share, sums);
      show();
    }),
  );
  const sums = emptySums();
  for (const done of await Promise.all(workers)) mergeInto(sums, done);
  // Of some shapes alone nobody knows how often what should happen.
  if (part === 'engine' && options.shapes.length === 0) addVacuity(sums);
  const elapsedMs = runtime.clock.monotonicMs() - startedMs;
  return { sums, elapsedMs, seedsPerMinute: (sums.seeds / elapsedMs) * MS_PER_MINUTE };
}

function workerOf(options: CampaignOptions, onProgress: (sums: CampaignSums) => void): Promise<CampaignSums> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./campaign-worker.ts', import.meta.url)), [], {
      execArgv: [...process.execArgv],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    let done: CampaignSums | null = null;
    child.on('message', (message: { readonly kind: 'progress' | 'done'; readonly sums: CampaignSums }) => {
      if (message.kind === 'done') done = message.sums;
      onProgress(message.sums);
    });
    child.on('exit', (code, signal) => {
      if (done !== null) resolve(done);
      else reject(new Error(`worker ${options.share} ended with ${code ?? signal} before it was done`));
    });
    child.send(options);
  });
}

function jsonOf(parts: Readonly<Record<string, PartReport>>): unknown {
  const failures = Object.values(parts).flatMap(({ sums }) => sums.failures);
  const oracles: Record<string, number> = {};
  let seeds = 0;
  let elapsedMs = 0;
  for (const { sums, elapsedMs: ms } of Object.values(parts)) {
    seeds += sums.seeds;
    elapsedMs += ms;
    for (const [oracle, times] of Object.entries(sums.oracles))
      oracles[oracle] = (oracles[oracle] ?? 0) + times;
  }
  return {
    seeds,
    seedsPerMinute: (seeds / Math.max(1, elapsedMs)) * MS_PER_MINUTE,
    elapsedMs,
    failures,
    oracles,
    node: process.version,
    parts,
  };
}

async function replay(text: string): Promise<number> {
  const { subject: name, spec, hash } = parseReplayToken(text);
  const subject = subjectNamed(name);
  if (subject === null) {
    console.error(`the token is of "${name}", which is no shape of this list`);
    return 2;
  }
  const run = await runOnce(subject, { ...spec, trace: true }, { double: true });
  if (run.outcome.hash !== hash)
    console.log(`the code has changed: hash ${run.outcome.hash}, the token has ${hash}`);
  const [violation] = run.outcome.violations;
  if (violation === undefined) {
    console.log('no violation');
    return 0;
  }
  const failure = await failureOf(subject, run, violation, nodeRuntime(), { shrink: true });
  console.log(failureText(failure, { replayCommand: `npm run simulate -- --replay ${failure.token}` }));
  return 1;
}
