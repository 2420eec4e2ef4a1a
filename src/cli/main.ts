// From a command line to an exit code.
//
// Owns:    which command does what, and that every error is reported and has its exit code.
// Not:     the commands themselves.

import { readFileSync } from 'node:fs';
import { explain } from '../api/explain-job.js';
import { unreachable } from '../base/assert.js';
import { reportError } from '../base/error-report.js';
import { ConfigError, JobDefinitionError } from '../base/errors.js';
import { nodeRuntime } from '../base/node-runtime.js';
import type { Runtime } from '../base/runtime.js';
import { shownJson, shownLines } from '../base/shown-text.js';
import { performChaos } from './chaos-session.js';
import {
  type Command,
  type ExplainCommand,
  parseCommandLine,
  type RunCommand,
  type SavepointInfoCommand,
} from './command-line.js';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, type ExitCode } from './exit-codes.js';
import { helpText } from './help-text.js';
import { humanReporter } from './human-reporter.js';
import { loadJobFile } from './job-file.js';
import { jsonReporter } from './json-reporter.js';
import type { RunReporter } from './run-reporter.js';
import { RunSession } from './run-session.js';
import { savepointInfo, savepointText } from './savepoint-info.js';
import type { Shell } from './shell.js';
import { Terminal } from './terminal.js';

/** A live line moves twice a second; lines that pile up in a log come rarely. */
const LIVE_STATUS_MS = 500;
const PLAIN_STATUS_MS = 5_000;

export async function main(args: readonly string[], shell: Shell): Promise<ExitCode> {
  let command: Command | null = null;
  try {
    command = parseCommandLine(args);
    return await perform(command, shell);
  } catch (error) {
    const code =
      error instanceof ConfigError || error instanceof JobDefinitionError ? EXIT_USAGE : EXIT_FAILED;
    if (wantsJson(args)) {
      jsonReporter({ clock: nodeRuntime().clock, write: (line) => void shell.err.write(line) }).failed(error);
      return code;
    }
    const verbose = command !== null && 'verbose' in command && command.verbose;
    const lines = reportError(error, { verbose, directory: shell.directory });
    shell.err.write(`weir: ${shownLines(lines.join('\n'))}\n`);
    return code;
  }
}

/** Also where the command line makes no sense: a program that asked for JSON has to read why. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).includes('--json');
}

async function perform(command: Command, shell: Shell): Promise<ExitCode> {
  switch (command.kind) {
    case 'help':
      shell.out.write(helpText(command.topic));
      return EXIT_OK;
    case 'version':
      shell.out.write(`${version()}\n`);
      return EXIT_OK;
    case 'run':
      return await performRun(command, shell);
    case 'explain':
      return await performExplain(command, shell);
    case 'savepointInfo':
      return await performSavepointInfo(command, shell);
    case 'chaos':
      return await performChaos(command, shell);
    default:
      return unreachable(command);
  }
}

async function performRun(command: RunCommand, shell: Shell): Promise<ExitCode> {
  const job = await loadJobFile(command.file, shell.directory);
  const runtime = nodeRuntime();
  const terminal = new Terminal(shell);
  const live = terminal.live && !command.json;
  return await new RunSession({
    job,
    command,
    runtime,
    shell,
    reporter: reporterOf(command, shell, runtime, terminal),
    statusIntervalMs: command.statusIntervalMs ?? (live ? LIVE_STATUS_MS : PLAIN_STATUS_MS),
  }).run();
}

function reporterOf(command: RunCommand, shell: Shell, runtime: Runtime, terminal: Terminal): RunReporter {
  const { clock } = runtime;
  return command.json
    ? jsonReporter({ clock, write: (line) => void shell.err.write(line) })
    : humanReporter({ terminal, clock, directory: shell.directory, verbose: command.verbose });
}

async function performExplain(command: ExplainCommand, shell: Shell): Promise<ExitCode> {
  const job = await loadJobFile(command.file, shell.directory);
  const text = explain(job, {
    parallelism: command.parallelism,
    ...(command.maxParallelism === null ? {} : { maxParallelism: command.maxParallelism }),
    checkpointMode: command.checkpointing ? 'exactlyOnce' : null,
  });
  shell.out.write(`${shownLines(text)}\n`);
  return EXIT_OK;
}

async function performSavepointInfo(command: SavepointInfoCommand, shell: Shell): Promise<ExitCode> {
  const info = await savepointInfo(nodeRuntime(), command.directory);
  const text = command.json
    ? shownJson(JSON.stringify(info))
    : shownLines(savepointText(info, command.directory));
  shell.out.write(`${text}\n`);
  return EXIT_OK;
}

/** From the nearest package.json that is ours: built files lie one folder deeper than the sources. */
function version(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    const manifest = manifestAt(new URL(path, import.meta.url));
    if (manifest !== null) return manifest;
  }
  return 'unknown';
}

function manifestAt(url: URL): string | null {
  let text: string;
  try {
    text = readFileSync(url, 'utf8');
  } catch {
    // Not this one.
    return null;
  }
  const { name, version: number } = JSON.parse(text) as {
    readonly name?: unknown;
    readonly version?: unknown;
  };
  return name === 'weirjs' && typeof number === 'string' ? number : null;
}
