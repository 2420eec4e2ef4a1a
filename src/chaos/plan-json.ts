// Plans as JSON: reading what somebody else wrote, and writing it so that two equal plans are equal texts.
//
// Owns:    checking a plan completely before anything runs.
// Not:     the ranges of its numbers (plan-checks.ts), its schema for editors (plan-schema.ts).
//
// J1. All problems are found at once, each with its path.
// J2. planText(parsePlan(JSON.parse(text))) is the same text for every text that planText made.

import { ConfigError } from '../base/errors.js';
import { PROTOCOL_STEPS, type ProtocolStep } from '../task/effect.js';
import { FAULT_KINDS, type FaultKind } from './fault-kinds.js';
import { PLAN_VERSION, type Plan, type PlannedFault, type Trigger } from './plan.js';
import {
  COUNT_RANGE,
  type NumberRange,
  numberProblem,
  PROBABILITY_RANGE,
  parameterProblem,
  shown,
  stepProblem,
  TIME_RANGE,
  targetProblem,
} from './plan-checks.js';
import { JOB_ROLES } from './scenario-options.js';

/** More than any drawn or shrunk plan has; a longer one is rather a mistake than a plan. */
export const PLAN_FAULTS_MAX = 1_000;

/** Problems named in one error; the others are counted. */
const PROBLEMS_SHOWN_MAX = 50;

/** Throws ConfigError that lists every problem, each as `path: what was expected, what came`. */
export function parsePlan(value: unknown): Plan {
  const problems: string[] = [];
  const plan = readPlan(value, problems);
  if (plan !== null && problems.length === 0) return plan;
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const list = problems.slice(0, PROBLEMS_SHOWN_MAX).map((problem) => `\n  - ${problem}`);
  const rest = problems.length - list.length;
  const more = rest > 0 ? `\n  - and ${rest} more` : '';
  throw new ConfigError(`This plan of faults cannot be used, ${count}:${list.join('')}${more}`);
}

/** The plan as JSON over several lines, fields in a fixed order. */
export function planText(plan: Plan): string {
  return `${JSON.stringify(orderedPlan(plan), null, 2)}\n`;
}

/** The plan with its fields in a fixed order, for whoever writes it as a part of something larger. */
export function orderedPlan(plan: Plan): Plan {
  return { version: plan.version, faults: plan.faults.map(orderedFault) };
}

type Fields = Readonly<Record<string, unknown>>;

const PLAN_FIELDS = ['version', 'faults'];
const FAULT_FIELDS = ['kind', 'target', 'trigger', 'times', 'forMs', 'after', 'parameters'];
const TRIGGER_FIELDS: Readonly<Record<Trigger['kind'], readonly string[]>> = {
  nth: ['kind', 'n'],
  every: ['kind', 'n'],
  step: ['kind', 'step', 'role', 'n'],
  time: ['kind', 'ms'],
  when: ['kind', 'predicate'],
  chance: ['kind', 'probability'],
  during: ['kind', 'fault'],
};

function readPlan(value: unknown, problems: string[]): Plan | null {
  if (!isObject(value)) {
    problems.push(`plan: expected an object with "version" and "faults", got ${shown(value)}`);
    return null;
  }
  // The rest of another version means something else: there is nothing more to say about it.
  if (value['version'] !== PLAN_VERSION) {
    problems.push(`version: expected ${PLAN_VERSION}, got ${shown(value['version'])}`);
    return null;
  }
  refuseStrangers(value, PLAN_FIELDS, '', problems);
  const list = value['faults'];
  if (!Array.isArray(list) || list.length > PLAN_FAULTS_MAX) {
    const got = Array.isArray(list) ? `${list.length} of them` : shown(list);
    problems.push(`faults: expected a list of at most ${PLAN_FAULTS_MAX} faults, got ${got}`);
    return null;
  }
  const faults = list.map((fault, index) => readFault(fault, `faults[${index}]`, list.length, problems));
  if (problems.length > 0) return null;
  const good = faults.filter((fault) => fault !== null);
  refuseCircles(good, problems);
  return { version: PLAN_VERSION, faults: good };
}

function readFault(value: unknown, path: string, count: number, problems: string[]): PlannedFault | null {
  if (!isObject(value)) {
    problems.push(`${path}: expected a fault, got ${shown(value)}`);
    return null;
  }
  refuseStrangers(value, FAULT_FIELDS, `${path}.`, problems);
  const kind = readKind(value['kind'], path, problems);
  const trigger = readTrigger(value['trigger'], kind, `${path}.trigger`, count, problems);
  const { target, times, forMs, after } = value;
  if (kind !== null) note(`${path}.target`, targetProblem(kind, target), problems);
  if (times !== undefined && times !== null)
    note(`${path}.times`, numberProblem(times, COUNT_RANGE), problems);
  if (forMs !== undefined) note(`${path}.forMs`, numberProblem(forMs, TIME_RANGE), problems);
  if (after !== undefined) note(`${path}.after`, numberProblem(after, indexRange(count)), problems);
  const parameters = readParameters(value['parameters'], kind, `${path}.parameters`, problems);
  if (kind === null || trigger === null || typeof target !== 'string') return null;
  return {
    kind,
    target,
    trigger,
    ...(typeof times === 'number' || times === null ? { times } : {}),
    ...(typeof forMs === 'number' ? { forMs } : {}),
    ...(typeof after === 'number' ? { after } : {}),
    ...(parameters === null ? {} : { parameters }),
  };
}

function readKind(value: unknown, path: string, problems: string[]): FaultKind | null {
  for (const kind of FAULT_KINDS.keys()) if (kind === value) return kind;
  const family = typeof value === 'string' ? value.split('.')[0] : undefined;
  const near = [...FAULT_KINDS.keys()].filter((kind) => kind.split('.')[0] === family);
  const known = near.length > 0 ? near.join(', ') : [...FAULT_KINDS.keys()].join(', ');
  problems.push(`${path}.kind: expected one of ${known}, got ${shown(value)}`);
  return null;
}

function readTrigger(
  value: unknown,
  kind: FaultKind | null,
  path: string,
  count: number,
  problems: string[],
): Trigger | null {
  const name = isObject(value) ? value['kind'] : undefined;
  if (!isObject(value) || !isTriggerKind(name)) {
    const got = shown(isObject(value) ? name : value);
    problems.push(
      `${path}: expected a trigger of kind ${Object.keys(TRIGGER_FIELDS).join(', ')}, got ${got}`,
    );
    return null;
  }
  refuseStrangers(value, TRIGGER_FIELDS[name], `${path}.`, problems);
  const number = (field: string, range: NumberRange): number => {
    const given = value[field];
    note(`${path}.${field}`, numberProblem(given, range), problems);
    return typeof given === 'number' ? given : 0;
  };
  switch (name) {
    case 'nth':
    case 'every':
      return { kind: name, n: number('n', COUNT_RANGE) };
    case 'step':
      return readStep(value, kind, path, number('n', COUNT_RANGE), problems);
    case 'time':
      return { kind: 'time', ms: number('ms', TIME_RANGE) };
    case 'when':
      return readPredicate(value['predicate'], path, problems);
    case 'chance':
      return { kind: 'chance', probability: number('probability', PROBABILITY_RANGE) };
    case 'during':
      return { kind: 'during', fault: number('fault', indexRange(count)) };
  }
}

function readStep(
  value: Fields,
  kind: FaultKind | null,
  path: string,
  n: number,
  problems: string[],
): Trigger | null {
  const { step, role } = value;
  if (kind !== null) note(path, stepProblem(kind), problems);
  if (role !== undefined && !JOB_ROLES.some((known) => known === role)) {
    problems.push(`${path}.role: expected one of ${JOB_ROLES.join(', ')}, got ${shown(role)}`);
  }
  if (!isStep(step)) {
    problems.push(`${path}.step: expected one of ${PROTOCOL_STEPS.join(', ')}, got ${shown(step)}`);
    return null;
  }
  return { kind: 'step', step, ...(typeof role === 'string' ? { role } : {}), n };
}

function readPredicate(value: unknown, path: string, problems: string[]): Trigger | null {
  if (typeof value === 'string' && value !== '') return { kind: 'when', predicate: value };
  problems.push(`${path}.predicate: expected the name of a predicate of the scenario, got ${shown(value)}`);
  return null;
}

function readParameters(
  value: unknown,
  kind: FaultKind | null,
  path: string,
  problems: string[],
): Readonly<Record<string, number>> | null {
  if (value === undefined) return null;
  if (!isObject(value)) {
    problems.push(`${path}: expected an object of numbers, got ${shown(value)}`);
    return null;
  }
  const numbers: [string, number][] = [];
  for (const [name, one] of Object.entries(value)) {
    if (kind !== null) note(`${path}.${name}`, parameterProblem(kind, name, one), problems);
    if (typeof one === 'number') numbers.push([name, one]);
  }
  return Object.fromEntries(numbers);
}

// Takes away what waits for nothing that is left, again and again; what then remains waits for itself.
function refuseCircles(faults: readonly PlannedFault[], problems: string[]): void {
  const waiting = new Set(faults.keys());
  for (let before = -1; before !== waiting.size; ) {
    before = waiting.size;
    for (const index of waiting) {
      if (!waitsFor(faults[index]).some((other) => waiting.has(other))) waiting.delete(index);
    }
  }
  if (waiting.size === 0) return;
  const names = [...waiting].map((index) => `faults[${index}]`).join(', ');
  problems.push(`${names}: wait by "after" or "during" for each other or for themselves, so none can fire`);
}

function waitsFor(fault: PlannedFault | undefined): readonly number[] {
  if (fault === undefined) return [];
  const after = fault.after === undefined ? [] : [fault.after];
  return fault.trigger.kind === 'during' ? [...after, fault.trigger.fault] : after;
}

function refuseStrangers(value: Fields, known: readonly string[], prefix: string, problems: string[]): void {
  for (const name of Object.keys(value)) {
    if (known.includes(name)) continue;
    problems.push(`${prefix}${name}: is not known here; expected ${known.join(', ')}`);
  }
}

function note(path: string, problem: string | null, problems: string[]): void {
  if (problem !== null) problems.push(`${path}: ${problem}`);
}

function indexRange(count: number): NumberRange {
  return { min: 0, max: count - 1, whole: true };
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTriggerKind(value: unknown): value is Trigger['kind'] {
  return typeof value === 'string' && Object.hasOwn(TRIGGER_FIELDS, value);
}

function isStep(value: unknown): value is ProtocolStep {
  return PROTOCOL_STEPS.some((step) => step === value);
}

function orderedFault(fault: PlannedFault): PlannedFault {
  const { kind, target, trigger, times, forMs, after, parameters } = fault;
  return {
    kind,
    target,
    trigger: orderedTrigger(trigger),
    ...(times === undefined ? {} : { times }),
    ...(forMs === undefined ? {} : { forMs }),
    ...(after === undefined ? {} : { after }),
    ...(parameters === undefined ? {} : { parameters: sorted(parameters) }),
  };
}

function orderedTrigger(trigger: Trigger): Trigger {
  switch (trigger.kind) {
    case 'nth':
    case 'every':
      return { kind: trigger.kind, n: trigger.n };
    case 'step': {
      const { step, role, n } = trigger;
      return { kind: 'step', step, ...(role === undefined ? {} : { role }), n };
    }
    case 'time':
      return { kind: 'time', ms: trigger.ms };
    case 'when':
      return { kind: 'when', predicate: trigger.predicate };
    case 'chance':
      return { kind: 'chance', probability: trigger.probability };
    case 'during':
      return { kind: 'during', fault: trigger.fault };
  }
}

function sorted(numbers: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(numbers).sort(([a], [b]) => (a < b ? -1 : 1)));
}
