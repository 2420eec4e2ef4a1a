// Faults that have no place of their own: deaths, pauses, jumps of the clock, requests of the user.
//
// Owns:    when such a fault happens, and whom it hits.
// Not:     what the world does then (job-world.ts, app-world.ts).
//
// W1. Whoever stands at a protocol step dies there, by a throw; any other actor dies at that moment.
// W2. What is to happen during another fault happens soon after it has fired, and does not wait for the next protocol step: that
//     may be far, or behind everything that could have gone wrong in between.
// W3. A fault counts as fired only when it found something to hit; until then it stays due.

import type { PointFields } from '../base/runtime.js';
import { type ActorName, type ActorNames, fitsActor } from './actor-names.js';
import type { ArmedFault, Arsenal } from './arsenal.js';
import type { FaultKind } from './fault-kinds.js';
import { InjectedFault } from './injected.js';

/** What the world can do at once. Each answers whom it hit, or null when there was nobody. */
export interface WorldActions {
  crashActor(target: string, error: InjectedFault): string | null;
  stopActor(target: string): string | null;
  kill(how: { readonly unsynced: 'lost' | 'kept'; readonly lateMs: number | null }): string | null;
  pause(ms: number): string | null;
  zombie(ms: number): string | null;
  jumpClock(ms: number): string | null;
  driftClock(perMille: number): string | null;
  savepoint(): string | null;
  /** Suspends and goes on, with another parallelism where one is given. */
  stopJob(parallelism: number | null): string | null;
  flipBit(fault: ArmedFault): string | null;
  revertStore(): string | null;
  openTwice(): string | null;
  /** Looks again after so many virtual milliseconds, whatever the program does meanwhile. */
  later(ms: number, look: () => void): void;
}

const IMMEDIATE_KINDS: readonly FaultKind[] = [
  'actor.crash',
  'actor.stop',
  'process.kill',
  'power.loss',
  'process.lateWrites',
  'process.zombie',
  'process.pause',
  'process.stall',
  'clock.jump',
  'clock.drift',
  'job.rescale',
  'job.savepoint',
  'job.stop',
  'store.flip',
  'store.staleRoot',
  'store.twice',
];

/** What happens during another fault happens within this time of it, when no protocol step comes first. */
const OVERLAP_MS = 20;

/** Ways to end the process: they count as crashes of the step at which they happen. */
const PROCESS_DEATHS: ReadonlyMap<FaultKind, string> = new Map<FaultKind, string>([
  ['process.kill', 'process'],
  ['power.loss', 'power'],
  ['process.lateWrites', 'process'],
]);

export class WorldFaults {
  readonly #arsenal: Arsenal;
  readonly #names: ActorNames;
  readonly #actions: WorldActions;
  readonly #faults: readonly ArmedFault[];
  /** Crashes done at a protocol step: `<role> <step>`. */
  readonly stepsCrashed: Map<string, number> = new Map();

  constructor(arsenal: Arsenal, names: ActorNames, actions: WorldActions) {
    this.#arsenal = arsenal;
    this.#names = names;
    this.#actions = actions;
    const immediate: ReadonlySet<string> = new Set(IMMEDIATE_KINDS);
    this.#faults = arsenal.faults.filter(({ planned }) => immediate.has(planned.kind));
  }

  /** Times at which somebody has to look again, because a fault waits for them. */
  dueTimesMs(): readonly number[] {
    return this.#faults.flatMap(({ planned }) =>
      planned.trigger.kind === 'time' ? [planned.trigger.ms] : [],
    );
  }

  /** A fault has fired: those that are to happen during it look for somebody to hit, each at a moment of its own. */
  fired(index: number): void {
    for (const fault of this.#faults) {
      const { trigger } = fault.planned;
      if (trigger.kind !== 'during' || trigger.fault !== index || fault.exhausted) continue;
      this.#actions.later(fault.random.next() * OVERLAP_MS, () => this.#try(fault, '', null));
    }
  }

  /** A protocol step, or a message of an app; null fields: a moment between steps. Throws when whoever stands there dies. */
  at(step: string, fields: PointFields | null): void {
    if (this.#faults.length === 0) return;
    const standing = fields === null ? null : this.#standing(fields);
    for (const fault of this.#faults) if (this.#try(fault, step, standing)) return;
  }

  /** True: the process is gone, or paused; nothing more happens to it. */
  #try(fault: ArmedFault, step: string, standing: ActorName | null): boolean {
    if (this.#arsenal.healed || !this.#arsenal.holds(fault)) return false;
    const { kind, target } = fault.planned;
    if (kind === 'actor.crash' && standing !== null && fitsActor(target, standing)) {
      this.#arsenal.use(fault, standing.path);
      fault.recovering = true;
      this.#crashed(target === '*' ? (standing.role ?? target) : target, step);
      throw new InjectedFault(fault.index, `${standing.path} dies at ${step}`);
    }
    const hit = this.#act(fault, step);
    if (hit === null) return false;
    this.#arsenal.use(fault, hit);
    if (kind === 'actor.crash') this.#crashed(target, step);
    const death = PROCESS_DEATHS.get(kind);
    if (death !== undefined) this.#crashed(death, step);
    fault.recovering = death !== undefined || kind === 'actor.crash';
    return death !== undefined || kind === 'process.zombie';
  }

  #act(fault: ArmedFault, step: string): string | null {
    const actions = this.#actions;
    const { kind, target } = fault.planned;
    switch (kind) {
      case 'actor.crash':
        return actions.crashActor(target, new InjectedFault(fault.index, `${target} dies at ${step}`));
      case 'actor.stop':
        return actions.stopActor(target);
      case 'process.kill':
        return actions.kill({ unsynced: 'kept', lateMs: null });
      case 'power.loss':
        return actions.kill({ unsynced: 'lost', lateMs: null });
      case 'process.lateWrites':
        return actions.kill({ unsynced: 'kept', lateMs: fault.parameter('ms') });
      case 'process.zombie':
        return actions.zombie(fault.parameter('ms'));
      case 'process.pause':
      case 'process.stall':
        return actions.pause(fault.parameter('ms'));
      case 'clock.jump':
        return actions.jumpClock(fault.parameter('ms'));
      case 'clock.drift':
        return actions.driftClock(fault.parameter('perMille'));
      case 'job.savepoint':
        return actions.savepoint();
      case 'job.stop':
        return actions.stopJob(null);
      case 'job.rescale':
        return actions.stopJob(fault.parameter('parallelism'));
      case 'store.flip':
        return actions.flipBit(fault);
      case 'store.staleRoot':
        return actions.revertStore();
      case 'store.twice':
        return actions.openTwice();
      default:
        return null;
    }
  }

  #standing(fields: PointFields): ActorName {
    const { subtask, role, path } = fields;
    if (typeof path === 'string') return this.#names.of(path);
    if (typeof subtask === 'string') return this.#names.ofSubtask(subtask);
    const named = String(role);
    return { path: named, role: null, names: [named], subtask: null };
  }

  #crashed(role: string, step: string): void {
    const key = `${role} ${step}`;
    this.stepsCrashed.set(key, (this.stepsCrashed.get(key) ?? 0) + 1);
  }
}
