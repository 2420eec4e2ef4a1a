// From the arguments to the command that they ask for.
//
// Owns:    the options of each command, their values checked, and the text that repeats a run.
// Not:     what the options mean to a run (run-session.ts).
//
// C1. Whatever does not make sense is a ConfigError that names the option and the help to read; nothing is guessed.

import { parseArgs } from 'node:util';
import { only, quoted, reading, wholeNumber, wrong } from './arguments.js';
import { type ChaosCommand, parseChaos } from './chaos-command-line.js';
import type { HelpTopic } from './help-text.js';
import { parseDuration } from './human-format.js';

export interface RunCommand {
  readonly kind: 'run';
  readonly file: string;
  readonly parallelism: number;
  readonly maxParallelism: number | null;
  /** Null: without checkpoints. `default`: under `.weir`, by the name of the job. */
  readonly checkpoints:
    | { readonly kind: 'default'; readonly intervalMs: number | null }
    | { readonly kind: 'directory'; readonly directory: string; readonly intervalMs: number | null }
    | null;
  readonly from: string | null;
  readonly allowNonRestoredState: boolean;
  /** Null: as the engine does by default. */
  readonly restartsMax: number | null;
  /** Null: as fits the terminal. 0: never. */
  readonly statusIntervalMs: number | null;
  readonly json: boolean;
  readonly verbose: boolean;
  /** The command that goes on after this one has been stopped. */
  readonly again: string;
}

export interface ExplainCommand {
  readonly kind: 'explain';
  readonly file: string;
  readonly parallelism: number;
  readonly maxParallelism: number | null;
  readonly checkpointing: boolean;
  readonly verbose: boolean;
}

export interface SavepointInfoCommand {
  readonly kind: 'savepointInfo';
  readonly directory: string;
  readonly json: boolean;
  readonly verbose: boolean;
}

export type Command =
  | RunCommand
  | ExplainCommand
  | SavepointInfoCommand
  | ChaosCommand
  | { readonly kind: 'help'; readonly topic: HelpTopic }
  | { readonly kind: 'version' };

const GENERAL = { help: { type: 'boolean', short: 'h' }, verbose: { type: 'boolean' } } as const;
const SHAPE = {
  parallelism: { type: 'string', short: 'p' },
  'max-parallelism': { type: 'string' },
  'no-checkpoint': { type: 'boolean' },
} as const;
const RUN = {
  ...GENERAL,
  ...SHAPE,
  'checkpoint-dir': { type: 'string' },
  interval: { type: 'string' },
  from: { type: 'string', short: 's' },
  'allow-non-restored-state': { type: 'boolean', short: 'n' },
  restarts: { type: 'string' },
  'status-interval': { type: 'string' },
  json: { type: 'boolean' },
} as const;

/** Throws ConfigError. */
export function parseCommandLine(args: readonly string[]): Command {
  const [name, ...rest] = args;
  switch (name) {
    case undefined:
    case '-h':
    case '--help':
    case 'help':
      return { kind: 'help', topic: topicOf(rest[0]) };
    case '-v':
    case '--version':
      return { kind: 'version' };
    case 'run':
      return parseRun(rest);
    case 'explain':
      return parseExplain(rest);
    case 'savepoint':
      return parseSavepoint(rest);
    case 'chaos':
      return parseChaos(rest);
    default:
      throw wrong('weir', `There is no command ${JSON.stringify(name)}.`);
  }
}

function parseRun(args: readonly string[]): Command {
  const parsed = reading('run', () =>
    parseArgs({ args: [...args], options: RUN, allowPositionals: true, tokens: true }),
  );
  const { values } = parsed;
  if (values.help) return { kind: 'help', topic: 'run' };
  const { from, interval } = values;
  const statusInterval = values['status-interval'];
  if (from !== undefined && values['no-checkpoint']) {
    throw wrong('run', '--from needs checkpoints, because the job goes on from its own after the first one.');
  }
  return {
    kind: 'run',
    file: only('run', parsed.positionals, 'a job file'),
    parallelism: wholeNumber('run', '--parallelism', values.parallelism, 1) ?? 1,
    maxParallelism: wholeNumber('run', '--max-parallelism', values['max-parallelism'], 1),
    checkpoints: checkpointsOf(
      values['no-checkpoint'] ?? false,
      values['checkpoint-dir'],
      interval === undefined ? null : positive('--interval', parseDuration(interval, '--interval')),
    ),
    from: from ?? null,
    allowNonRestoredState: values['allow-non-restored-state'] ?? false,
    restartsMax: wholeNumber('run', '--restarts', values.restarts, 0),
    statusIntervalMs:
      statusInterval === undefined ? null : parseDuration(statusInterval, '--status-interval'),
    json: values.json ?? false,
    verbose: values.verbose ?? false,
    again: `weir run ${parsed.tokens.flatMap(repeated).join(' ')}`,
  };
}

function checkpointsOf(
  off: boolean,
  directory: string | undefined,
  intervalMs: number | null,
): RunCommand['checkpoints'] {
  if (off && (directory !== undefined || intervalMs !== null)) {
    throw wrong('run', '--no-checkpoint contradicts --checkpoint-dir and --interval.');
  }
  if (off) return null;
  if (directory === '') throw wrong('run', '--checkpoint-dir names a directory, got "".');
  return directory === undefined
    ? { kind: 'default', intervalMs }
    : { kind: 'directory', directory, intervalMs };
}

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];

/** `--from` is for a directory without checkpoints: a job that goes on has them. */
function repeated(token: Token): string[] {
  switch (token.kind) {
    case 'option':
      if (token.name === 'from') return [];
      return [token.rawName, ...(token.value === undefined ? [] : [quoted(token.value)])];
    case 'positional':
      return [quoted(token.value)];
    default:
      return ['--'];
  }
}

function parseExplain(args: readonly string[]): Command {
  const { values, positionals } = reading('explain', () =>
    parseArgs({ args: [...args], options: { ...GENERAL, ...SHAPE }, allowPositionals: true }),
  );
  if (values.help) return { kind: 'help', topic: 'explain' };
  return {
    kind: 'explain',
    file: only('explain', positionals, 'a job file'),
    parallelism: wholeNumber('explain', '--parallelism', values.parallelism, 1) ?? 1,
    maxParallelism: wholeNumber('explain', '--max-parallelism', values['max-parallelism'], 1),
    checkpointing: !(values['no-checkpoint'] ?? false),
    verbose: values.verbose ?? false,
  };
}

function parseSavepoint(args: readonly string[]): Command {
  const { values, positionals } = reading('savepoint', () =>
    parseArgs({
      args: [...args],
      options: { ...GENERAL, json: { type: 'boolean' } },
      allowPositionals: true,
    }),
  );
  if (values.help || (args.length === 0 && positionals.length === 0)) {
    return { kind: 'help', topic: 'savepoint' };
  }
  const [action, ...rest] = positionals;
  if (action !== 'info') {
    throw wrong('savepoint', `weir savepoint knows "info" only, got ${JSON.stringify(action ?? '')}.`);
  }
  return {
    kind: 'savepointInfo',
    directory: only('savepoint', rest, 'a directory'),
    json: values.json ?? false,
    verbose: values.verbose ?? false,
  };
}

function positive(option: string, durationMs: number): number {
  if (durationMs > 0) return durationMs;
  throw wrong('run', `${option} is longer than nothing, got 0.`);
}

function topicOf(name: string | undefined): HelpTopic {
  return name === 'run' || name === 'explain' || name === 'savepoint' || name === 'chaos' ? name : 'weir';
}
