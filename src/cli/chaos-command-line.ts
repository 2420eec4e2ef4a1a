// The command line of `weir chaos`: what is to be done with the scenarios of a file.
//
// Owns:    the four actions, the options of each, their values checked.
// Not:     doing it (chaos-session.ts).
//
// C1. An option that the action has no use for is refused: whoever gave it expects an effect.

import { parseArgs } from 'node:util';
import type { ChaosMode } from '../chaos/fault-kinds.js';
import { only, reading, wholeNumber, wrong } from './arguments.js';
import { parseDuration } from './human-format.js';

interface ChaosTarget {
  readonly kind: 'chaos';
  readonly file: string;
  /** Null: all that the file exports. */
  readonly scenario: string | null;
  readonly json: boolean;
  readonly verbose: boolean;
}

export interface ChaosRunCommand extends ChaosTarget {
  readonly action: 'run';
  readonly seed: number | null;
  /** Path of a plan in JSON. */
  readonly plan: string | null;
  readonly mode: ChaosMode | null;
}

export interface ChaosExploreCommand extends ChaosTarget {
  readonly action: 'explore';
  readonly firstSeed: number;
  readonly seeds: number;
  readonly plan: string | null;
  readonly mode: ChaosMode | null;
  readonly maxFaults: number | null;
  readonly timeMs: number | null;
  /** Null: none. */
  readonly corpus: string | null;
  /** Processes that share the seeds. */
  readonly jobs: number;
}

export interface ChaosReplayCommand extends ChaosTarget {
  readonly action: 'replay';
  readonly token: string;
  /** Path of the file that receives every event of the run. */
  readonly trace: string | null;
}

export interface ChaosShrinkCommand extends ChaosTarget {
  readonly action: 'shrink';
  readonly token: string;
}

export type ChaosCommand = ChaosRunCommand | ChaosExploreCommand | ChaosReplayCommand | ChaosShrinkCommand;

const SEEDS_DEFAULT = 100;
/** With a time limit and no number: more than any machine runs in that time, and each share of it is a whole number. */
const SEEDS_UNTIL_TIME = 1_000_000_000;
const CORPUS_DEFAULT = '.chaos';
const MODES: readonly ChaosMode[] = ['simulation', 'threads', 'processes'];

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  verbose: { type: 'boolean' },
  scenario: { type: 'string' },
  json: { type: 'boolean' },
  seed: { type: 'string' },
  seeds: { type: 'string' },
  plan: { type: 'string' },
  mode: { type: 'string' },
  'max-faults': { type: 'string' },
  time: { type: 'string' },
  corpus: { type: 'string' },
  jobs: { type: 'string' },
  trace: { type: 'string' },
} as const;

type Option = keyof typeof OPTIONS;
type Values = { readonly [Name in Option]?: string | boolean | undefined };

const EVERYWHERE: readonly Option[] = ['help', 'verbose', 'scenario', 'json'];
const USED_BY: Readonly<Record<ChaosCommand['action'], readonly Option[]>> = {
  run: ['seed', 'plan', 'mode'],
  explore: ['seed', 'seeds', 'plan', 'mode', 'max-faults', 'time', 'corpus', 'jobs'],
  replay: ['trace'],
  shrink: [],
};

/** Throws ConfigError. */
export function parseChaos(
  args: readonly string[],
): ChaosCommand | { readonly kind: 'help'; readonly topic: 'chaos' } {
  const { values, positionals } = reading('chaos', () =>
    parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }),
  );
  if (values.help || args.length === 0) return { kind: 'help', topic: 'chaos' };
  const [action, ...rest] = positionals;
  if (!isAction(action)) {
    throw wrong(
      'chaos',
      `weir chaos knows run, explore, replay and shrink, got ${JSON.stringify(action ?? '')}.`,
    );
  }
  refuseUnused(action, values);
  const common = {
    kind: 'chaos',
    scenario: values.scenario ?? null,
    json: values.json ?? false,
    verbose: values.verbose ?? false,
  } as const;
  const run = { plan: values.plan ?? null, mode: modeOf(values.mode) };
  const seed = wholeNumber('chaos', '--seed', values.seed, 0);
  switch (action) {
    case 'run':
      return { ...common, ...run, action, file: fileOf(rest), seed };
    case 'explore':
      return {
        ...common,
        ...run,
        action,
        file: fileOf(rest),
        firstSeed: seed ?? 1,
        ...exploreOptions(values),
      };
    case 'replay':
      return { ...common, action, ...withToken(action, rest), trace: values.trace ?? null };
    default:
      return { ...common, action, ...withToken(action, rest) };
  }
}

function exploreOptions(
  values: {
    readonly [Name in 'seeds' | 'max-faults' | 'time' | 'corpus' | 'jobs']?: string | undefined;
  },
): Pick<ChaosExploreCommand, 'seeds' | 'maxFaults' | 'timeMs' | 'corpus' | 'jobs'> {
  const timeMs = values.time === undefined ? null : parseDuration(values.time, '--time');
  const seeds = wholeNumber('chaos', '--seeds', values.seeds, 1);
  const corpus = values.corpus ?? CORPUS_DEFAULT;
  if (corpus === '') throw wrong('chaos', '--corpus names a directory or "none", got "".');
  return {
    seeds: seeds ?? (timeMs === null ? SEEDS_DEFAULT : SEEDS_UNTIL_TIME),
    maxFaults: wholeNumber('chaos', '--max-faults', values['max-faults'], 0),
    timeMs,
    corpus: corpus === 'none' ? null : corpus,
    jobs: wholeNumber('chaos', '--jobs', values.jobs, 1) ?? 1,
  };
}

function isAction(name: string | undefined): name is ChaosCommand['action'] {
  return name !== undefined && Object.hasOwn(USED_BY, name);
}

function refuseUnused(action: ChaosCommand['action'], values: Values): void {
  const used = new Set<string>([...EVERYWHERE, ...USED_BY[action]]);
  const unused = Object.keys(values).find((name) => !used.has(name));
  if (unused !== undefined) throw wrong('chaos', `weir chaos ${action} has no use for --${unused}.`);
}

function modeOf(text: string | undefined): ChaosMode | null {
  if (text === undefined) return null;
  const mode = MODES.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw wrong('chaos', `--mode is ${MODES.join(', ')}, got ${JSON.stringify(text)}.`);
}

function fileOf(positionals: readonly string[]): string {
  return only('chaos', positionals, 'one file of scenarios');
}

function withToken(
  action: string,
  [file, ...rest]: readonly string[],
): { readonly file: string; readonly token: string } {
  if (file === undefined) throw wrong('chaos', `weir chaos ${action} needs a file of scenarios and a token.`);
  return { file, token: only('chaos', rest, 'one token after the file') };
}
