// One exploration in several processes, each with its share of the seeds.
//
// Owns:    the shares, the child processes, and the sum of what they report.
// Not:     exploring (each child does, as `weir chaos explore --json`).
//
// J1. Every seed is run by exactly one process.
// J2. A child that ends without a report fails the whole command, with what it wrote: seeds that nobody ran prove nothing.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../base/errors.js';
import type { ExploreProgress } from '../chaos/exploration.js';
import { type ExploreJson, sumOf } from '../chaos/report-explore.js';
import { type Share, sharesOf } from '../chaos/report-shards.js';
import type { ChaosExploreCommand } from './chaos-command-line.js';
import { type ProgressLine, progressOf } from './chaos-progress.js';
import { EXIT_CANCELED, EXIT_FAILED, EXIT_OK } from './exit-codes.js';
import type { Shell } from './shell.js';

/** Lines of a child that has failed, as many as help. */
const ERROR_LINES_MAX = 30;

/** Explores one scenario. Throws ConfigError where a child does, else an Error with what the child wrote. */
export async function exploreInProcesses(
  command: ChaosExploreCommand,
  scenario: string,
  shell: Shell,
  onProgress: (progress: ExploreProgress) => void,
): Promise<ExploreJson> {
  const children: ChildProcess[] = [];
  const endInterrupt = shell.onInterrupt(() => {
    for (const child of children) child.kill();
    shell.exitNow(EXIT_CANCELED);
  });
  try {
    const latest = new Map<number, ExploreProgress>();
    const shares = sharesOf(command.firstSeed, command.seeds, command.jobs);
    const reports = shares.map((share, index) => {
      const child = spawnShare(command, scenario, share, shell);
      children.push(child);
      return reportOf(child, (progress) => {
        latest.set(index, progress);
        onProgress(progressOf([...latest.values()]));
      });
    });
    const [first, ...rest] = await Promise.all(reports);
    if (first === undefined) throw new ConfigError('No seeds, no exploration.');
    return sumOf([first, ...rest]);
  } finally {
    // One has failed: nobody waits for the others any more.
    for (const child of children) child.kill();
    endInterrupt();
  }
}

function spawnShare(
  command: ChaosExploreCommand,
  scenario: string,
  share: Share,
  shell: Shell,
): ChildProcess {
  const program = fileURLToPath(
    new URL(import.meta.url.endsWith('.ts') ? './weir.ts' : './weir.js', import.meta.url),
  );
  const options: readonly (readonly [string, string | number | null])[] = [
    ['--scenario', scenario],
    ['--seed', share.firstSeed],
    ['--seeds', share.seeds],
    ['--corpus', command.corpus ?? 'none'],
    ['--plan', command.plan],
    ['--mode', command.mode],
    ['--max-faults', command.maxFaults],
    ['--time', command.timeMs === null ? null : `${command.timeMs}ms`],
  ];
  const args = options.flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]));
  const line = [program, 'chaos', 'explore', ...args, '--json', '--', command.file];
  return spawn(process.execPath, [...process.execArgv, ...line], {
    cwd: shell.directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function reportOf(
  child: ChildProcess,
  onProgress: (progress: ExploreProgress) => void,
): Promise<ExploreJson> {
  let last = '';
  const said: string[] = [];
  linesOf(child.stdout, (line) => {
    if (line !== '') last = line;
  });
  linesOf(child.stderr, (line) => {
    const progress = progressIn(line);
    if (progress !== null) onProgress(progress);
    else if (said.length < ERROR_LINES_MAX) said.push(line);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code === EXIT_OK || code === EXIT_FAILED) {
    const report = reportIn(last);
    if (report !== null) return report;
  }
  const text = said.join('\n').replace(/^weir: /, '');
  throw code === 2
    ? new ConfigError(text)
    : new Error(`A process that explored a share of the seeds ended with exit code ${code}.\n${text}`);
}

function linesOf(stream: ChildProcess['stdout'], each: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on('line', each);
}

/** Standard error also carries what the program under test writes. */
function progressIn(line: string): ExploreProgress | null {
  const value = parsed(line);
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'progress'
    ? (value as ProgressLine)
    : null;
}

function reportIn(line: string): ExploreJson | null {
  const value = parsed(line);
  if (typeof value !== 'object' || value === null || !('scenarios' in value)) return null;
  const [report] = value.scenarios as readonly ExploreJson[];
  return report ?? null;
}

function parsed(line: string): unknown {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as unknown;
  } catch {
    // A line of the program under test that only begins like ours.
    return null;
  }
}
