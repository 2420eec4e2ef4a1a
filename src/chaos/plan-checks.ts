// What a number or a target of a plan may be: one answer for the builder and for JSON.
//
// Owns:    the ranges, and the words for what is out of them.
// Not:     collecting problems (plan-json.ts), throwing them one by one (built-fault.ts).

import { FAULT_KINDS, type FaultKind, type FaultTarget, type ParameterInfo } from './fault-kinds.js';

export interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly whole: boolean;
}

/** A year. A longer time of a run is rather a wrong unit. */
const TIME_MAX_MS = 365 * 86_400_000;
/** Of a value in an error message. */
const SHOWN_CHARACTERS_MAX = 60;

/** Numbers of hits and of firings. */
export const COUNT_RANGE: NumberRange = { min: 1, max: 1_000_000_000, whole: true };
/** Moments of a run and lengths of effects, in milliseconds. */
export const TIME_RANGE: NumberRange = { min: 0, max: TIME_MAX_MS, whole: false };
/** Zero is left out: a fault that never fires is a mistake. The least chance is one in a billion. */
export const PROBABILITY_RANGE: NumberRange = { min: 1e-9, max: 1, whole: false };

/** What a parameter of a kind may be. */
export function parameterRange(info: ParameterInfo): NumberRange {
  return { min: info.min, max: info.max, whole: info.unit === 'count' };
}

/** What is wrong with the number, in words; null: nothing. */
export function numberProblem(value: unknown, range: NumberRange): string | null {
  const fits =
    typeof value === 'number' &&
    value >= range.min &&
    value <= range.max &&
    (!range.whole || Number.isInteger(value));
  if (fits) return null;
  const noun = range.whole ? 'a whole number' : 'a number';
  return `expected ${noun} from ${range.min} to ${range.max}, got ${shown(value)}`;
}

/** What is wrong with one parameter of a kind; null: nothing. */
export function parameterProblem(kind: FaultKind, name: string, value: unknown): string | null {
  const parameters = FAULT_KINDS.get(kind)?.parameters ?? {};
  const info = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
  if (info !== undefined) return numberProblem(value, parameterRange(info));
  const names = Object.keys(parameters);
  const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
  return `${kind} has no parameter "${name}": ${known}`;
}

/** Why the target makes no sense for the kind; null: it does. */
export function targetProblem(kind: FaultKind, target: unknown): string | null {
  const info = FAULT_KINDS.get(kind);
  if (info === undefined) return null;
  const form = TARGET_FORMS[info.target];
  if (typeof target === 'string' && form.pattern.test(target)) return null;
  return `${kind} hits ${form.words}, got ${shown(target)}`;
}

/** Why the kind cannot wait for a step of the checkpoint protocol; null: it can. */
export function stepProblem(kind: FaultKind): string | null {
  if (FAULT_KINDS.get(kind)?.apps !== 'actors') return null;
  return `${kind} hits apps of plain actors, which have no protocol steps`;
}

/** A value in an error message: short, and recognizable. */
export function shown(value: unknown): string {
  if (typeof value === 'number' || value === undefined) return String(value);
  const text = typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? typeof value);
  return text.length <= SHOWN_CHARACTERS_MAX ? text : `${text.slice(0, SHOWN_CHARACTERS_MAX)}...`;
}

export interface TargetForm {
  readonly pattern: RegExp;
  readonly words: string;
}

// Names may hold blanks, but neither begin nor end with one; the arrow parts the two ends of a link.
const ACTOR = '(?!\\s)(?:(?! -> ).)+(?<!\\s)';

/** How the target of each class of targets is written. The patterns are also part of the JSON schema. */
export const TARGET_FORMS: Readonly<Record<FaultTarget, TargetForm>> = {
  actor: {
    pattern: new RegExp(`^${ACTOR}$`),
    words: 'an actor (a role, an operator, a path such as "/till", or "*")',
  },
  link: {
    pattern: new RegExp(`^${ACTOR} -> ${ACTOR}$`),
    words: 'a link ("<from> -> <to>", each an actor or "*")',
  },
  store: { pattern: /./, words: 'a store ("checkpoints", or a directory)' },
  files: { pattern: /./, words: 'files (a prefix of paths)' },
  process: { pattern: /^(process|machine|\*)$/, words: '"process" or "machine"' },
  job: { pattern: /^(job|\*)$/, words: '"job"' },
  input: { pattern: /./, words: 'an input ("input")' },
  output: { pattern: /./, words: 'an output ("output")' },
  network: {
    pattern: /^([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5]|\*)$/,
    words: 'a port from 1 to 65535 (as text), or "*"',
  },
  clock: { pattern: /^(clock|\*)$/, words: '"clock"' },
  telemetry: { pattern: /^(telemetry|\*)$/, words: '"telemetry"' },
};
