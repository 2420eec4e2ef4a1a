// One run, ready to be made again somewhere else, by another version of Weir.
//
// Owns:    what is kept of a run, and checking what somebody hands back.
// Not:     the wrapping: tokens (replay-token.ts), files (corpus.ts), choices (choice-codes.ts).

import { ConfigError, messageOf } from '../base/errors.js';
import type { Knobs, RunSpec } from './execution.js';
import { shown } from './plan-checks.js';
import { orderedPlan, parsePlan } from './plan-json.js';

export interface RecordedRun {
  /** Version of the package that made the record. */
  readonly version: string;
  readonly subject: string;
  /** Read back, it asks for the trace: whoever replays a run wants to see it. */
  readonly spec: RunSpec;
  /** Hash that the run had; another one says that the program has changed since. */
  readonly hash: string;
}

/** As JSON, without choices. Throws ConfigError for a run that JSON cannot carry. */
export function runFields(run: RecordedRun): Readonly<Record<string, unknown>> {
  const { seed, plan, knobs } = run.spec;
  const sorted = Object.entries(knobs).sort(([a], [b]) => (a < b ? -1 : 1));
  const fields = {
    weir: run.version,
    subject: run.subject,
    seed,
    knobs: Object.fromEntries(sorted),
    plan: orderedPlan(plan),
    hash: run.hash,
  };
  readRunFields(fields, null);
  return fields;
}

/** Throws ConfigError that names the field. */
export function readRunFields(value: unknown, choices: readonly number[] | null): RecordedRun {
  if (typeof value !== 'object' || value === null) {
    throw new ConfigError(`Expected an object that describes a run, got ${shown(value)}.`);
  }
  const fields = new Map(Object.entries(value));
  const seed = fields.get('seed');
  if (typeof seed !== 'number' || !Number.isSafeInteger(seed)) {
    throw new ConfigError(`seed: expected a whole number, got ${shown(seed)}.`);
  }
  const version = textField(fields, 'weir');
  return {
    version,
    subject: textField(fields, 'subject'),
    spec: {
      seed,
      plan: planField(fields.get('plan'), version),
      knobs: readKnobs(fields.get('knobs')),
      choices,
      trace: true,
    },
    hash: textField(fields, 'hash'),
  };
}

/** A field that must be a text. Throws ConfigError that names it. */
export function textField(fields: ReadonlyMap<string, unknown>, name: string): string {
  const value = fields.get(name);
  if (typeof value === 'string') return value;
  throw new ConfigError(`${name}: expected a text, got ${shown(value)}.`);
}

function planField(value: unknown, version: string): RunSpec['plan'] {
  try {
    return parsePlan(value);
  } catch (cause) {
    throw new ConfigError(`plan: ${messageOf(cause)}`, {
      cause,
      remedy: `It was made by version ${version}, which can run it.`,
    });
  }
}

function readKnobs(value: unknown): Knobs {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(`knobs: expected an object of numbers, got ${shown(value)}.`);
  }
  const knobs: [string, number][] = [];
  for (const [name, one] of Object.entries(value)) {
    if (typeof one !== 'number' || !Number.isFinite(one)) {
      throw new ConfigError(`knobs.${name}: expected a number, got ${shown(one)}.`);
    }
    knobs.push([name, one]);
  }
  return Object.fromEntries(knobs);
}
