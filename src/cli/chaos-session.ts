// `weir chaos`: from a command to reports and an exit code.
//
// Owns:    carrying out the four actions on the scenarios of a file, and where each text goes.
// Not:     the scenarios, the texts of reports (failure-report.ts, report-explore.ts, report-run.ts).
//
// S1. What was asked for goes to standard output, in one piece; everything about its progress to standard error.
// S2. With --json standard output carries one line, the last one, which is one JSON object.

import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { unreachable } from '../base/assert.js';
import { ConfigError, messageOf } from '../base/errors.js';
import { nodeRuntime } from '../base/node-runtime.js';
import { shownJson, shownLines } from '../base/shown-text.js';
import type { ExploreProgress } from '../chaos/exploration.js';
import type { Plan } from '../chaos/plan.js';
import { parsePlan } from '../chaos/plan-json.js';
import { type ExploreJson, exploreJson, exploreText, failureJson } from '../chaos/report-explore.js';
import { isViolated, runJson, runText, traceJson } from '../chaos/report-run.js';
import { type ExploreWith, exploreReport, type Runnable, runResult } from '../chaos/runnable.js';
import { quoted } from './arguments.js';
import type {
  ChaosCommand,
  ChaosExploreCommand,
  ChaosReplayCommand,
  ChaosRunCommand,
  ChaosShrinkCommand,
} from './chaos-command-line.js';
import { loadScenarios, scenarioOf } from './chaos-file.js';
import { exploreInProcesses } from './chaos-processes.js';
import { type ChaosProgress, humanProgress, jsonProgress } from './chaos-progress.js';
import { EXIT_FAILED, EXIT_OK, type ExitCode } from './exit-codes.js';
import type { Shell } from './shell.js';
import { Terminal } from './terminal.js';

/** Throws ConfigError for whatever keeps it from running anything. */
export async function performChaos(command: ChaosCommand, shell: Shell): Promise<ExitCode> {
  const scenarios = await loadScenarios(command.file, shell.directory, command.scenario);
  switch (command.action) {
    case 'run':
      return await run(command, scenarios, shell);
    case 'explore':
      return await explore(command, scenarios, shell);
    case 'replay':
      return await replay(command, scenarioOf(command.token, scenarios), shell);
    case 'shrink':
      return await shrink(command, scenarioOf(command.token, scenarios), shell);
    default:
      return unreachable(command);
  }
}

async function run(
  command: ChaosRunCommand,
  scenarios: readonly Runnable[],
  shell: Shell,
): Promise<ExitCode> {
  const plan = planAt(command.plan, shell);
  const options = {
    ...(command.seed === null ? {} : { seed: command.seed }),
    ...(plan === null ? {} : { plan }),
    ...(command.mode === null ? {} : { mode: command.mode }),
  };
  const results = [];
  for (const scenario of scenarios) {
    const result = await runResult(scenario.run(options));
    const again = result.failure === null ? '' : replayOf(command, scenario, result.failure.token);
    results.push({ scenario, result, again });
  }
  print(shell, command.json, {
    text: results.map(({ scenario, result, again }) => runText(scenario.name, result, again)).join('\n\n'),
    json: {
      action: 'run',
      scenarios: results.map(({ scenario, result, again }) => runJson(scenario.name, result, again)),
    },
  });
  return exitCode(results.some(({ result }) => isViolated(result)));
}

async function explore(
  command: ChaosExploreCommand,
  scenarios: readonly Runnable[],
  shell: Shell,
): Promise<ExitCode> {
  const plan = planAt(command.plan, shell);
  const progress = progressOf(command, shell);
  const reports: ExploreJson[] = [];
  try {
    for (const scenario of scenarios) {
      const onProgress = (now: ExploreProgress): void => progress.update(scenario.name, now);
      reports.push(
        command.jobs > 1
          ? await exploreInProcesses(command, scenario.name, shell, onProgress)
          : await exploreHere(command, scenario, plan, onProgress),
      );
    }
  } finally {
    progress.close();
  }
  const texts = reports.flatMap((report) => [
    ...report.failures.map(({ text }) => text),
    exploreText(report),
  ]);
  print(shell, command.json, {
    text: texts.join('\n\n'),
    json: { action: 'explore', scenarios: reports },
  });
  return exitCode(reports.some(({ failures }) => failures.length > 0));
}

async function exploreHere(
  command: ChaosExploreCommand,
  scenario: Runnable,
  plan: Plan | null,
  onProgress: (progress: ExploreProgress) => void,
): Promise<ExploreJson> {
  const options: ExploreWith = {
    seeds: command.seeds,
    firstSeed: command.firstSeed,
    corpus: command.corpus,
    onProgress,
    ...(plan === null ? {} : { plan }),
    ...(command.mode === null ? {} : { mode: command.mode }),
    ...(command.maxFaults === null
      ? {}
      : { swarm: command.maxFaults === 0 ? false : { max: command.maxFaults } }),
    ...(command.timeMs === null ? {} : { timeMs: command.timeMs }),
  };
  const report = await exploreReport(scenario, options);
  return exploreJson(report, { replayCommand: ({ token }) => replayOf(command, scenario, token) });
}

async function replay(command: ChaosReplayCommand, scenario: Runnable, shell: Shell): Promise<ExitCode> {
  const result = await runResult(scenario.replay(command.token));
  if (command.trace !== null) {
    const trace = traceJson(scenario.name, command.token, result.outcome);
    writeFileSync(resolve(shell.directory, command.trace), `${JSON.stringify(trace, plain, 2)}\n`);
  }
  const again = replayOf(command, scenario, command.token);
  print(shell, command.json, {
    text: runText(scenario.name, result, again),
    json: { action: 'replay', scenarios: [runJson(scenario.name, result, again)] },
  });
  return exitCode(isViolated(result));
}

async function shrink(command: ChaosShrinkCommand, scenario: Runnable, shell: Shell): Promise<ExitCode> {
  const failure = await scenario.shrink(command.token);
  const shown = failureJson(failure, replayOf(command, scenario, failure.token));
  print(shell, command.json, { text: shown.text, json: { action: 'shrink', failure: shown } });
  return EXIT_FAILED;
}

function replayOf(command: ChaosCommand, scenario: Runnable, token: string): string {
  // Always named: whether the file exports others may change before somebody types this.
  return `weir chaos replay ${[command.file, '--scenario', scenario.name, token].map(quoted).join(' ')}`;
}

function progressOf(command: ChaosExploreCommand, shell: Shell): ChaosProgress {
  const { clock } = nodeRuntime();
  if (command.json) return jsonProgress((line) => void shell.err.write(line), clock);
  return humanProgress(new Terminal(shell), clock, command.timeMs === null ? command.seeds : null);
}

function planAt(path: string | null, shell: Shell): Plan | null {
  if (path === null) return null;
  try {
    return parsePlan(JSON.parse(readFileSync(resolve(shell.directory, path), 'utf8')));
  } catch (cause) {
    throw new ConfigError(`The plan ${path} cannot be used: ${messageOf(cause)}`, { cause });
  }
}

function print(shell: Shell, json: boolean, result: { readonly text: string; readonly json: object }): void {
  // Names, keys and records of a scenario are in it: none of them may reach a terminal as it is.
  const text = json ? shownJson(JSON.stringify(result.json, plain)) : shownLines(result.text);
  shell.out.write(`${text}\n`);
}

// Texts of user code may hold anything; JSON refuses bigints.
function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function exitCode(violated: boolean): ExitCode {
  return violated ? EXIT_FAILED : EXIT_OK;
}
