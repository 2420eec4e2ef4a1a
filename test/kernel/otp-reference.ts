// What OTP's supervisor does, written down a second time: one call after the other, nothing asynchronous.
//
// Owns:    the expected log of starts (`+name`), orderly stops (`-name`) and ends of their own (`.name`).
// Not:     back-off, which OTP does not have; it has tests of its own. Of verdicts only `escalate`: the supervisor gives up.
//
// Straight from the rules of supervisor(3): a start is acknowledged before the next; a child whose restart fails is
// restarted again, and counts again; a group is stopped in reverse order; temporary children never come back; more
// restarts than the intensity within the period, and the supervisor stops its children and fails.

import type { RestartType, Strategy } from '../../actors/kernel/actor.js';

export interface Spec {
  readonly name: string;
  readonly restart: RestartType;
  readonly significant: boolean;
  /** The starts, counted from 1 over the whole run, that fail. */
  readonly failingStarts: readonly number[];
  /** Null for a worker. */
  readonly supervisor: SupervisorSpec | null;
}

export interface SupervisorSpec {
  readonly strategy: Strategy;
  readonly restartsMax: number;
  readonly periodMs: number;
  readonly autoShutdown: 'never' | 'anySignificant' | 'allSignificant';
  readonly children: readonly Spec[];
  /** It is asked what to do about failures. Default: they are handled by the restart type. */
  readonly decides?: boolean;
}

export interface Node {
  readonly spec: Spec;
  readonly parent: Node | null;
  children: Node[];
  restartsAtMs: number[];
  isAlive: boolean;
  /** It has died, and its supervisor has not handled that yet. */
  isExitPending: boolean;
}

type Exit = 'failed' | 'normal' | 'shutdown';

export class OtpReference {
  readonly log: string[] = [];
  readonly top: Node;
  nowMs = 0;
  readonly #starts: Map<string, number> = new Map();

  constructor(spec: Spec) {
    this.top = node(spec, null);
    this.#start(this.top);
  }

  /** Everybody who is alive now, parents before children. */
  living(under: Node = this.top): readonly Node[] {
    return under.isAlive ? [under, ...under.children.flatMap((child) => this.living(child))] : [];
  }

  /** One dies of a failure that its supervisor does not deal with itself. */
  escalate(dead: Node): void {
    this.#terminateChildren(dead);
    dead.isAlive = false;
    if (dead.parent !== null) this.#giveUp(dead.parent);
  }

  /** Siblings die in the same instant; their supervisor sees the exits in this order. */
  crash(nodes: readonly Node[]): void {
    for (const dead of nodes) {
      this.#terminateChildren(dead);
      dead.isAlive = false;
      dead.isExitPending = true;
    }
    for (const dead of nodes) if (dead.isExitPending) this.#exited(dead, 'failed');
  }

  end(worker: Node): void {
    this.log.push(`.${worker.spec.name}`);
    worker.isAlive = false;
    worker.isExitPending = true;
    this.#exited(worker, 'normal');
  }

  /** terminate_child and delete_child. */
  stop(target: Node): void {
    this.#terminate(target);
    if (target.parent !== null) remove(target.parent, target);
  }

  #start(target: Node): boolean {
    const { name, failingStarts, supervisor } = target.spec;
    const count = (this.#starts.get(name) ?? 0) + 1;
    this.#starts.set(name, count);
    this.log.push(`+${name}`);
    target.isExitPending = false;
    if (failingStarts.includes(count)) return false;
    target.restartsAtMs = [];
    target.children = [];
    for (const spec of supervisor?.children ?? []) {
      const child = node(spec, target);
      if (!this.#start(child)) {
        this.#terminateChildren(target);
        return false;
      }
      target.children.push(child);
    }
    target.isAlive = true;
    return true;
  }

  #terminateChildren(target: Node): void {
    for (const child of target.children.reverse()) this.#terminate(child);
    target.children = [];
  }

  #terminate(target: Node): void {
    target.isExitPending = false;
    if (!target.isAlive) return;
    this.#terminateChildren(target);
    target.isAlive = false;
    this.log.push(`-${target.spec.name}`);
  }

  #exited(dead: Node, exit: Exit): void {
    dead.isExitPending = false;
    const supervisor = dead.parent;
    if (supervisor === null) return;
    const { restart } = dead.spec;
    if (restart === 'permanent' || (restart === 'transient' && exit === 'failed'))
      return this.#restart(supervisor, dead);
    remove(supervisor, dead);
    if (dead.spec.significant && isShutDownBy(supervisor)) this.#shutDown(supervisor);
  }

  #restart(supervisor: Node, dead: Node): void {
    const { strategy, restartsMax, periodMs } = supervisorOf(supervisor);
    const inPeriod = (atMs: number): boolean => this.nowMs <= atMs + periodMs;
    supervisor.restartsAtMs = [this.nowMs, ...supervisor.restartsAtMs].filter(inPeriod);
    if (supervisor.restartsAtMs.length > restartsMax) return this.#giveUp(supervisor);
    const at = supervisor.children.indexOf(dead);
    const from = strategy === 'oneForAll' ? 0 : at;
    const group = strategy === 'oneForOne' ? [dead] : supervisor.children.slice(from);
    for (const child of [...group].reverse()) if (child !== dead) this.#terminate(child);
    const returning = group.filter((child) => child === dead || child.spec.restart !== 'temporary');
    for (const child of group) if (!returning.includes(child)) remove(supervisor, child);
    for (const child of returning) {
      // try_again_restart: the child that did not start is the one that has failed now.
      if (!this.#start(child)) return this.#restart(supervisor, child);
    }
  }

  #giveUp(supervisor: Node): void {
    this.#terminateChildren(supervisor);
    supervisor.isAlive = false;
    this.#exited(supervisor, 'failed');
  }

  #shutDown(supervisor: Node): void {
    this.#terminate(supervisor);
    this.#exited(supervisor, 'shutdown');
  }
}

function node(spec: Spec, parent: Node | null): Node {
  return { spec, parent, children: [], restartsAtMs: [], isAlive: false, isExitPending: false };
}

function supervisorOf(target: Node): SupervisorSpec {
  if (target.spec.supervisor === null) throw new Error(`${target.spec.name} is a worker`);
  return target.spec.supervisor;
}

function remove(supervisor: Node, child: Node): void {
  supervisor.children = supervisor.children.filter((other) => other !== child);
}

function isShutDownBy(supervisor: Node): boolean {
  const { autoShutdown } = supervisorOf(supervisor);
  if (autoShutdown === 'allSignificant') return !supervisor.children.some((child) => child.spec.significant);
  return autoShutdown === 'anySignificant';
}
