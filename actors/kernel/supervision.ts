// The children of one life, and the carrying out of what supervisor-machine.ts decides about them.
//
// Owns:    the list of children in the order of their start, their names, the waits before restarts, the user's policy.
// Not:     deciding (supervisor-machine.ts), starting and ending a child (cell.ts).
//
// S1. Events are decided one after the other; an action that causes an event at once puts it behind the current one.
// S2. A policy that throws, or answers something that is no verdict, means escalate, and is logged.
// S3. Once the supervisor stops its children for good, in reverse order of their start, it decides nothing any more.

import { messageOf } from '../../src/base/errors.js';
import type { Logger } from '../../src/base/logger.js';
import type { RandomStream, Runtime, TimerHandle } from '../../src/base/runtime.js';
import type { RestartType, StopReason, SupervisionOptions } from './actor.js';
import { ActorError, EscalatedError, RestartLimitError } from './actor-errors.js';
import type { SupervisionPolicy, Verdict } from './restart-rules.js';
import { type SupervisorAction, type SupervisorEvent, SupervisorMachine } from './supervisor-machine.js';

/** A child, as its supervisor sees it. */
export interface Supervised {
  readonly path: string;
  readonly name: string;
  readonly incarnation: number;
  readonly restartType: RestartType;
  readonly significant: boolean;
  /** Its failure will be followed by a restart, now or later. */
  willRestart(): void;
  /** Begins the next life as soon as the last one is over. */
  startAgain(): void;
  /** Ends the life, not the actor; answers with `stopped`. */
  pause(): void;
  /** Ends the actor, with the reason of its last life; answers with `gone`. */
  remove(): void;
}

export interface Supervisor {
  readonly path: string;
  readonly logger: Logger;
  giveUp(error: unknown): void;
  shutDown(): void;
  childrenGone(): void;
}

type Decide = SupervisionOptions['decide'];

export class Supervision {
  readonly policy: SupervisionPolicy;
  readonly #owner: Supervisor;
  readonly #runtime: Runtime;
  readonly #random: RandomStream;
  readonly #decide: Decide;
  readonly #children: Map<number, Supervised> = new Map();
  readonly #names: Map<string, Supervised> = new Map();
  /** Last failure of a child, until it runs again or is gone. */
  readonly #failures: Map<number, unknown> = new Map();
  readonly #waits: Map<number, TimerHandle> = new Map();
  readonly #events: SupervisorEvent[] = [];
  readonly #machine: SupervisorMachine;
  #isOver = false;
  #deciding = false;
  /** Children to stop for good, the youngest last, and the one that is leaving now. */
  #toStop: Supervised[] | null = null;
  #leaving: Supervised | null = null;
  #sweeping = false;

  constructor(
    owner: Supervisor,
    policy: SupervisionPolicy,
    decide: Decide,
    ports: { runtime: Runtime; random: RandomStream },
  ) {
    this.#owner = owner;
    this.policy = policy;
    this.#decide = decide;
    this.#runtime = ports.runtime;
    this.#random = ports.random;
    this.#machine = new SupervisorMachine(policy);
  }

  children(): readonly Supervised[] {
    return [...this.#children.values()];
  }

  has(incarnation: number): boolean {
    return this.#children.has(incarnation);
  }

  hasName(name: string): boolean {
    return this.#names.has(name);
  }

  add(child: Supervised): void {
    this.#children.set(child.incarnation, child);
    this.#names.set(child.name, child);
    this.#happen({
      kind: 'added',
      id: child.incarnation,
      restart: child.restartType,
      significant: child.significant,
    });
  }

  /** A life of a child has ended by itself. Answers through `willRestart`, `startAgain` or `remove`, at once or later. */
  exited(child: Supervised, reason: StopReason): void {
    const id = child.incarnation;
    const failed = reason.kind === 'failed' || reason.kind === 'killed';
    if (failed) this.#failures.set(id, reason.error);
    const verdict = failed && !this.#isOver ? this.#verdict(child, reason.error) : null;
    this.#happen({ kind: 'exited', id, reason: failed ? 'failed' : reason.kind, verdict });
  }

  stopped(child: Supervised): void {
    this.#happen({ kind: 'stopped', id: child.incarnation });
  }

  started(child: Supervised): void {
    this.#failures.delete(child.incarnation);
    this.#happen({ kind: 'started', id: child.incarnation });
  }

  /** The child has ended for good and is no longer there. */
  gone(child: Supervised): void {
    const id = child.incarnation;
    this.#children.delete(id);
    this.#failures.delete(id);
    if (this.#names.get(child.name) === child) this.#names.delete(child.name);
    this.#happen({ kind: 'removed', id });
    if (this.#toStop !== null) this.#sweep(this.#toStop);
  }

  /** The supervisor itself is ending: failed children stay down. */
  decideNoMore(): void {
    this.#isOver = true;
    this.#machine.end();
    for (const wait of this.#waits.values()) wait.cancel();
    this.#waits.clear();
  }

  /** Ends all children, the youngest first, each when the one before it is gone; then `childrenGone`. */
  stopAll(): void {
    if (this.#toStop !== null) return;
    this.decideNoMore();
    this.#toStop = [...this.#children.values()];
    this.#sweep(this.#toStop);
  }

  /** A loop rather than a chain of calls: children that end at once would nest as deep as there are children. */
  #sweep(toStop: Supervised[]): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    for (let last = toStop.at(-1); last !== undefined; last = toStop.at(-1)) {
      if (!this.#children.has(last.incarnation)) toStop.pop();
      else if (last === this.#leaving) break;
      else {
        this.#leaving = last;
        last.remove();
      }
    }
    this.#sweeping = false;
    if (toStop.length === 0) this.#owner.childrenGone();
  }

  #verdict(child: Supervised, error: unknown): Verdict | null {
    if (this.#decide === undefined) return null;
    try {
      const verdict: unknown = this.#decide({ child: child.path, error });
      if (verdict === 'restart' || verdict === 'stop' || verdict === 'escalate') return verdict;
      this.#owner.logger.error(
        { actor: this.#owner.path, child: child.path, verdict },
        'supervision.decide gave no verdict: escalating',
      );
    } catch (thrown) {
      this.#owner.logger.error(
        { actor: this.#owner.path, child: child.path, error: messageOf(thrown) },
        'supervision.decide threw: escalating',
      );
    }
    return 'escalate';
  }

  #happen(event: SupervisorEvent): void {
    this.#events.push(event);
    if (this.#deciding) return;
    this.#deciding = true;
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) this.#step(next);
    this.#deciding = false;
  }

  #step(event: SupervisorEvent): void {
    // Only a wait with jitter needs a random number; drawing none otherwise leaves the stream to those who do.
    const draw = event.kind === 'exited' && this.policy.backoff !== null ? this.#random.next() : 0;
    const actions = this.#machine.step(event, { nowMs: this.#runtime.clock.monotonicMs(), draw });
    // The failed life runs another hook before a restart than before the end, so it wants to know early.
    if (event.kind === 'exited' && this.#machine.isDue(event.id)) this.#children.get(event.id)?.willRestart();
    for (const action of actions) this.#perform(action);
  }

  #perform(action: SupervisorAction): void {
    switch (action.kind) {
      case 'stop':
        return this.#children.get(action.id)?.pause();
      case 'start':
        return this.#children.get(action.id)?.startAgain();
      case 'remove':
        return this.#children.get(action.id)?.remove();
      case 'wait':
        return this.#wait(action.token, action.delayMs);
      case 'giveUp':
        return this.#giveUp(action.id, action.because);
      case 'shutdown':
        return this.#owner.shutDown();
    }
  }

  #wait(token: number, delayMs: number): void {
    const elapsed = (): void => {
      this.#waits.delete(token);
      this.#happen({ kind: 'elapsed', token });
    };
    this.#waits.set(token, this.#runtime.timers.after(delayMs, elapsed));
  }

  #giveUp(id: number, because: 'intensity' | 'escalated'): void {
    const child = this.#children.get(id)?.path ?? 'a child that is gone';
    const { path } = this.#owner;
    const cause =
      this.#failures.get(id) ??
      new ActorError(child, 'ended by itself, but is permanent', 'Make it transient if it may end.');
    const { restartsMax, periodMs } = this.policy;
    this.#owner.giveUp(
      because === 'escalated'
        ? new EscalatedError(path, child, cause)
        : new RestartLimitError(path, child, restartsMax, periodMs, cause),
    );
  }
}
