// Faults without a place of their own in a real thread or process: deaths, pauses, stalls, crashes of actors.
//
// Owns:    when such a fault happens, and whom it hits.
// Not:     how a host dies (real-host.ts), when faults fire (arsenal.ts).
//
// W1. Whoever stands at a protocol step dies there, by a throw; any other actor dies at that moment.
// W2. What ends or stops the host is told before it happens: afterwards there is nobody to tell it.

import type { PointFields } from '../base/runtime.js';
import { type ActorName, type ActorNames, fitsActor } from './actor-names.js';
import type { ArmedFault, Arsenal } from './arsenal.js';
import type { FaultKind } from './fault-kinds.js';
import { InjectedFault } from './injected.js';
import type { PlannedDeath } from './real-news.js';

/** What a host can do to itself and to its job. */
export interface HostActions {
  /** The name of whom it hit; null: nobody. */
  crashActor(target: string, error: InjectedFault): string | null;
  savepoint(): string | null;
  /** The host dies of it, at once or as soon as that is safe. */
  die(how: PlannedDeath, fault: ArmedFault): void;
  /** The host is stopped from outside for so long. */
  pause(ms: number): void;
  /** Nothing runs in this thread for so long. */
  stall(ms: number): void;
}

const DEATHS: ReadonlyMap<FaultKind, PlannedDeath> = new Map<FaultKind, PlannedDeath>([
  ['process.kill', 'kill'],
  ['process.abort', 'abort'],
  ['process.uncaught', 'uncaught'],
  ['thread.exit', 'exit'],
  ['thread.memory', 'memory'],
]);

const IMMEDIATE_KINDS: ReadonlySet<FaultKind> = new Set<FaultKind>([
  ...DEATHS.keys(),
  'actor.crash',
  'job.savepoint',
  'process.pause',
  'process.stall',
]);

export class RealFaults {
  readonly #arsenal: Arsenal;
  readonly #names: ActorNames;
  readonly #actions: HostActions;
  readonly #faults: readonly ArmedFault[];
  /** Crashes done at a protocol step: `<role> <step>`. */
  readonly stepsCrashed: Map<string, number> = new Map();

  constructor(arsenal: Arsenal, names: ActorNames, actions: HostActions) {
    this.#arsenal = arsenal;
    this.#names = names;
    this.#actions = actions;
    this.#faults = arsenal.faults.filter(({ planned }) => IMMEDIATE_KINDS.has(planned.kind));
  }

  /** Times at which somebody has to look again, because a fault waits for them. */
  dueTimesMs(): readonly number[] {
    return this.#faults.flatMap(({ planned }) =>
      planned.trigger.kind === 'time' ? [planned.trigger.ms] : [],
    );
  }

  /** A protocol step, or a moment between steps (null fields). Throws when whoever stands there dies. */
  at(step: string, fields: PointFields | null): void {
    const standing = fields === null ? null : this.#standing(fields);
    for (const fault of this.#faults) {
      if (this.#arsenal.healed || !this.#arsenal.holds(fault)) continue;
      const { kind } = fault.planned;
      if (kind === 'actor.crash') this.#crash(fault, standing, step);
      else if (kind === 'job.savepoint') this.#useIf(fault, this.#actions.savepoint());
      else this.#hitHost(fault, step);
      // Nothing more happens to a host that is gone.
      if (DEATHS.has(kind) && fault.firings > 0) return;
    }
  }

  #crash(fault: ArmedFault, standing: ActorName | null, step: string): void {
    const { target } = fault.planned;
    if (standing !== null && fitsActor(target, standing)) {
      fault.recovering = true;
      this.#crashed(target === '*' ? (standing.role ?? target) : target, step);
      this.#arsenal.use(fault, standing.path);
      throw new InjectedFault(fault.index, `${standing.path} dies at ${step}`);
    }
    const hit = this.#actions.crashActor(target, new InjectedFault(fault.index, `${target} dies at ${step}`));
    if (hit === null) return;
    fault.recovering = true;
    this.#crashed(target, step);
    this.#arsenal.use(fault, hit);
  }

  #useIf(fault: ArmedFault, hit: string | null): void {
    if (hit !== null) this.#arsenal.use(fault, hit);
  }

  #hitHost(fault: ArmedFault, step: string): void {
    const death = DEATHS.get(fault.planned.kind);
    if (death !== undefined) {
      fault.recovering = true;
      this.#crashed('process', step);
    }
    this.#arsenal.use(fault, step === '' ? 'the host' : `the host, at ${step}`);
    if (death !== undefined) this.#actions.die(death, fault);
    else if (fault.planned.kind === 'process.pause') this.#actions.pause(fault.parameter('ms'));
    else this.#actions.stall(fault.parameter('ms'));
  }

  #standing({ subtask, role }: PointFields): ActorName {
    if (typeof subtask === 'string') return this.#names.ofSubtask(subtask);
    const named = String(role);
    return { path: named, role: null, names: [named], subtask: null };
  }

  #crashed(role: string, step: string): void {
    const key = `${role} ${step}`;
    this.stepsCrashed.set(key, (this.stepsCrashed.get(key) ?? 0) + 1);
  }
}
