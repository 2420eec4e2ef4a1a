// One fault, as it is written: when it fires, how often, how long.
//
// Owns:    triggers and modifiers, and refusing bad numbers where they are written.
// Not:     which faults there are (fault-actors.ts, fault-world.ts), making them a plan (spec-tree.ts).
//
// B1. Nothing is changed: every call gives a new fault.
// B2. A fault has one trigger; without one it fires at its first hit.

import { ConfigError } from '../base/errors.js';
import { PROTOCOL_STEPS, type ProtocolStep } from '../task/effect.js';
import { type Duration, durationMs } from './durations.js';
import type { FaultKind } from './fault-kinds.js';
import type { PlannedFault, Trigger } from './plan.js';
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
import { type FaultSpec, JOB_ROLES, type JobRole } from './scenario-options.js';
import { TreeSpec } from './spec-tree.js';

export interface StepPlace {
  /** Who stands at the step. Default: anybody. */
  readonly role?: JobRole;
  /** The n-th time, from 1. Default 1. */
  readonly nth?: number;
}

/** A fault that knows when it fires. */
export interface TimedFault<out N extends string = string> extends FaultSpec<N> {
  /** How long its effect lasts, where the kind has an effect that lasts. Default: for the one hit. */
  for(duration: Duration): TimedFault<N>;
  /** Fires at most so often. Default 1; for ever with `every`, `withProbability` and `sometimes`. */
  times(n: number): TimedFault<N>;
  /** Fires whenever its trigger holds. */
  forever(): TimedFault<N>;
  /** Sleeps until the other fault has fired; its hits are counted from then on. */
  after(other: FaultSpec): TimedFault<N>;
}

/** A fault that can still be told when it fires; until then: at its first hit. */
export interface OpenFault<out N extends string = string> extends TimedFault<N> {
  for(duration: Duration): OpenFault<N>;
  times(n: number): OpenFault<N>;
  forever(): OpenFault<N>;
  after(other: FaultSpec): OpenFault<N>;
  /** At the n-th message, write, barrier: whatever the fault hits. From 1. */
  atMessage(n: number): TimedFault<N>;
  /** The same as `atMessage`. */
  nth(n: number): TimedFault<N>;
  /** At every n-th hit, for ever, unless `times` says otherwise. */
  every(n: number): TimedFault<N>;
  /** When a step of the checkpoint protocol is reached. */
  at(step: ProtocolStep, place?: StepPlace): TimedFault<N>;
  /** At the first hit after so much virtual time since the start. */
  afterTime(duration: Duration): TimedFault<N>;
  /** After n writes went well: the same as `nth(n + 1)`. */
  afterWrites(n: number): TimedFault<N>;
  /** While a predicate of the scenario holds. */
  when(predicate: string): TimedFault<N>;
  /** At each hit with this probability, above 0 and up to 1, by the seed; for ever, unless `times` says otherwise. */
  withProbability(probability: number): TimedFault<N>;
  /** The same as `withProbability`. */
  sometimes(probability: number): TimedFault<N>;
  /** While the other fault is in effect. */
  during(other: FaultSpec): TimedFault<N>;
}

/** A fault of a kind. Parameters that are undefined have the default of the kind. Throws ConfigError. */
export function openFault<N extends string>(
  kind: FaultKind,
  target: string,
  parameters: Readonly<Record<string, number | undefined>> = {},
): OpenFault<N> {
  const where = `fault ${kind} on ${shown(target)}`;
  const wrongTarget = targetProblem(kind, target);
  if (wrongTarget !== null) throw new ConfigError(`${wrongTarget}.`);
  const given: Record<string, number> = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    const problem = parameterProblem(kind, name, value);
    if (problem !== null) throw new ConfigError(`${where}: ${name}: ${problem}.`);
    given[name] = value;
  }
  const some = Object.keys(given).length > 0;
  return new BuiltFault({ kind, target, ...(some ? { parameters: given } : {}) }, UNTOLD);
}

type Base = Pick<PlannedFault, 'kind' | 'target' | 'parameters'>;

/** What a fault has been told; null: nothing, the default counts. */
interface Told {
  readonly trigger: Trigger | null;
  readonly during: FaultSpec | null;
  readonly after: FaultSpec | null;
  readonly times: { readonly most: number | null } | null;
  readonly forMs: number | null;
}

const UNTOLD: Told = { trigger: null, during: null, after: null, times: null, forMs: null };
const FIRST_HIT: Trigger = { kind: 'nth', n: 1 };

class BuiltFault<out N extends string> extends TreeSpec<N> implements OpenFault<N> {
  private readonly base: Base;
  private readonly told: Told;

  constructor(base: Base, told: Told) {
    super({ kind: 'fault', fault: plannedFault(base, told), during: told.during, after: told.after });
    this.base = base;
    this.told = told;
  }

  atMessage(n: number): BuiltFault<N> {
    return this.triggered({ kind: 'nth', n: this.checked('n', n, COUNT_RANGE) });
  }

  nth(n: number): BuiltFault<N> {
    return this.atMessage(n);
  }

  every(n: number): BuiltFault<N> {
    return this.triggered({ kind: 'every', n: this.checked('every', n, COUNT_RANGE) });
  }

  at(step: ProtocolStep, place: StepPlace = {}): BuiltFault<N> {
    const { role, nth = 1 } = place;
    const problem = stepProblem(this.base.kind);
    if (problem !== null) throw new ConfigError(`${this.where}: at: ${problem}.`);
    this.oneOf('at', step, PROTOCOL_STEPS);
    if (role !== undefined) this.oneOf('role', role, JOB_ROLES);
    const n = this.checked('nth', nth, COUNT_RANGE);
    return this.triggered({ kind: 'step', step, ...(role === undefined ? {} : { role }), n });
  }

  afterTime(duration: Duration): BuiltFault<N> {
    return this.triggered({ kind: 'time', ms: this.time('afterTime', duration) });
  }

  afterWrites(n: number): BuiltFault<N> {
    const { max } = COUNT_RANGE;
    return this.atMessage(this.checked('afterWrites', n, { min: 0, max: max - 1, whole: true }) + 1);
  }

  when(predicate: string): BuiltFault<N> {
    if (predicate === '') throw new ConfigError(`${this.where}: when: expected the name of a predicate.`);
    return this.triggered({ kind: 'when', predicate });
  }

  withProbability(probability: number): BuiltFault<N> {
    const checked = this.checked('probability', probability, PROBABILITY_RANGE);
    return this.triggered({ kind: 'chance', probability: checked });
  }

  sometimes(probability: number): BuiltFault<N> {
    return this.withProbability(probability);
  }

  during(other: FaultSpec): BuiltFault<N> {
    this.refuseSecond('trigger', this.told.trigger !== null || this.told.during !== null);
    return this.next({ during: other });
  }

  for(duration: Duration): BuiltFault<N> {
    return this.next({ forMs: this.time('for', duration) });
  }

  times(n: number): BuiltFault<N> {
    return this.next({ times: { most: this.checked('times', n, COUNT_RANGE) } });
  }

  forever(): BuiltFault<N> {
    return this.next({ times: { most: null } });
  }

  after(other: FaultSpec): BuiltFault<N> {
    this.refuseSecond('`after`', this.told.after !== null);
    return this.next({ after: other });
  }

  private triggered(trigger: Trigger): BuiltFault<N> {
    this.refuseSecond('trigger', this.told.trigger !== null || this.told.during !== null);
    return this.next({ trigger });
  }

  private next(change: Partial<Told>): BuiltFault<N> {
    return new BuiltFault(this.base, { ...this.told, ...change });
  }

  private get where(): string {
    return `fault ${this.base.kind} on "${this.base.target}"`;
  }

  private checked(name: string, value: number, range: NumberRange): number {
    const problem = numberProblem(value, range);
    if (problem === null) return value;
    throw new ConfigError(`${this.where}: ${name}: ${problem}.`);
  }

  private time(name: string, duration: Duration): number {
    return this.checked(name, durationMs(duration, `${this.where}: ${name}`), TIME_RANGE);
  }

  // The compiler has said so already, except to JavaScript.
  private oneOf(name: string, value: string, known: readonly string[]): void {
    if (known.includes(value)) return;
    throw new ConfigError(
      `${this.where}: ${name}: expected one of ${known.join(', ')}, got ${shown(value)}.`,
    );
  }

  private refuseSecond(what: string, isSecond: boolean): void {
    if (!isSecond) return;
    throw new ConfigError(`${this.where} has a ${what} already.`, {
      remedy: 'Write a second fault for a second moment.',
    });
  }
}

function plannedFault(base: Base, told: Told): PlannedFault {
  const trigger = told.trigger ?? FIRST_HIT;
  // "Every third message" and "a fifth of the messages" speak of many firings.
  const isRepeated = trigger.kind === 'every' || trigger.kind === 'chance';
  const times = told.times ?? (isRepeated ? { most: null } : null);
  const { kind, target, parameters } = base;
  return {
    kind,
    target,
    trigger,
    ...(times === null ? {} : { times: times.most }),
    ...(told.forMs === null ? {} : { forMs: told.forMs }),
    ...(parameters === undefined ? {} : { parameters }),
  };
}
