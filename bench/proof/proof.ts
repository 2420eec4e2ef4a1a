// `npm run proof -- <name> [arguments] [--short] [--seed n] [--json]`: shows that a claim about Weir holds.
//
// Owns:    choosing the proof, scratch directories, the last line, the exit code.
// Not:     the proofs (files beside this one), reading options (command-line.ts).
//
// Exit codes: 0 the claim holds, 1 it does not, 2 the command line is wrong.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accessLog } from './access-log.js';
import { backpressure } from './backpressure.js';
import { badInput } from './bad-input.js';
import { type CommandLine, parseCommandLine } from './command-line.js';
import { crashPoints } from './crash-points.js';
import { kill9 } from './kill9.js';
import { type ProgressLine, progressLine } from './progress-line.js';
import { type Proof, type ProofContext, UsageError, type Verdict, wholeOption } from './proof-contract.js';
import { storeFaults } from './store-faults.js';

const PROOFS: readonly Proof[] = [accessLog, crashPoints, kill9, storeFaults, backpressure, badInput];
const FAILURES_SHOWN_MAX = 20;

process.exitCode = await main(parseCommandLine(process.argv.slice(2)));

async function main(line: CommandLine): Promise<number> {
  const [name, ...args] = line.words;
  const proof = PROOFS.find((each) => each.name === name);
  if (proof === undefined || line.options.has('help')) {
    process.stdout.write(usage(name));
    return line.options.has('help') ? 0 : 2;
  }
  const json = line.options.has('json');
  const progress = progressLine(json ? process.stderr : process.stdout);
  const scratch = mkdtempSync(join(tmpdir(), `weir-proof-${proof.name}-`));
  const beganMs = Date.now();
  let verdict: Verdict;
  try {
    verdict = await proof.run(contextOf(line, args, progress, scratch));
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    progress.say(`${proof.name}: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof UsageError) {
      progress.say(`usage: npm run proof -- ${proof.name} ${proof.usage}`);
      return 2;
    }
    progress.say(`${proof.name}: FAILED  it could not be carried out`);
    if (json)
      process.stdout.write(
        `${JSON.stringify({ proof: proof.name, ok: false, failures: [String(error)] })}\n`,
      );
    return 1;
  }
  const figures = { ...verdict.figures, seconds: Math.round((Date.now() - beganMs) / 100) / 10 };
  const ok = verdict.failures.length === 0;
  if (ok && !line.options.has('keep')) rmSync(scratch, { recursive: true, force: true });
  else progress.say(`files are kept in ${scratch}`);
  tell(progress, proof, { ...verdict, figures });
  if (json) process.stdout.write(`${JSON.stringify({ proof: proof.name, ok, ...verdict, figures })}\n`);
  return ok ? 0 : 1;
}

function contextOf(
  line: CommandLine,
  args: readonly string[],
  progress: ProgressLine,
  scratch: string,
): ProofContext {
  const context = {
    args,
    short: line.options.has('short'),
    seed: 1,
    option: (name: string) => line.options.get(name),
    progress: progress.show,
    say: progress.say,
    directory(name: string) {
      const path = join(scratch, name);
      mkdirSync(path, { recursive: true });
      return path;
    },
  };
  return { ...context, seed: wholeOption(context, 'seed', 1) };
}

function tell(progress: ProgressLine, proof: Proof, verdict: Verdict): void {
  const { failures, figures, notes = [] } = verdict;
  for (const note of notes) progress.say(`not exercised: ${note}`);
  for (const failure of failures.slice(0, FAILURES_SHOWN_MAX)) progress.say(`wrong: ${failure}`);
  if (failures.length > FAILURES_SHOWN_MAX)
    progress.say(`... and ${failures.length - FAILURES_SHOWN_MAX} more`);
  const shown = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  progress.say(`${proof.name}: ${failures.length === 0 ? 'ok' : 'FAILED'}  ${shown.join(', ')}`);
}

function usage(name: string | undefined): string {
  const unknown = name === undefined ? '' : `There is no proof "${name}".\n\n`;
  const list = PROOFS.map((proof) => `  ${`${proof.name} ${proof.usage}`.trimEnd()}\n      ${proof.claim}`);
  return `${unknown}usage: npm run proof -- <name> [arguments] [--short] [--seed n] [--json] [--keep]\n\n${list.join('\n')}\n`;
}
