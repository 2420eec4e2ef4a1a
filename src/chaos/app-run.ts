// One simulated run of an actor app: a program that spawns actors and says what must hold, hit by its plan.
//
// Owns:    the world that the program sees, its end, the oracles that hold of every app.
// Not:     when faults fire (arsenal.ts), many runs (app-subject.ts).
//
// A1. The run ends when the program has ended and its actors have been shut down, or when nothing is left to do before that:
//     then something waits for ever, and that is a violation (O7).
// A2. Faults fire only while the program lets them: after `heal()` nothing is injected any more.

import type { ActorSnapshot, ActorSystem, DeadLetter } from '../../actors/kernel/actor.js';
import { actorSystem } from '../../actors/kernel/system.js';
import { messageOf } from '../base/errors.js';
import type { PointFields } from '../base/runtime.js';
import { shownLines } from '../base/shown-text.js';
import { type VirtualRuntime, virtualRuntime } from '../testing/virtual-runtime.js';
import { ActorDoor } from './actor-door.js';
import { type ActorName, type ActorNames, appNames } from './actor-names.js';
import { leftOver, livingPaths } from './actor-tree.js';
import { Arsenal } from './arsenal.js';
import type { RunSpec, Violation } from './execution.js';
import { causesOf, type InjectedFault } from './injected.js';
import { inhabit, timersFor } from './inside.js';
import { strategyOf } from './job-knobs.js';
import { RunRecorder } from './job-watch.js';
import { enqueuedOutside, type Leak, LeakWatch } from './leaks.js';
import { LinkFaults } from './link-faults.js';
import { faultySockets } from './network-faults.js';
import { AppProbe, type Probe } from './probe.js';
import { Schedule } from './schedule.js';
import type { SimulatedApp, SimulatedWorld } from './simulated-app.js';
import { activeResources } from './simulated-globals-forbidden.js';
import { Whose } from './simulated-globals-sender.js';
import { installStorageFaults } from './storage-faults.js';
import { faultyLogger } from './telemetry-faults.js';
import { type WorldActions, WorldFaults } from './world-faults.js';

/** Virtual time within which the program must end. */
const PROGRAM_MS_MAX = 60 * 60_000;
const STEPS_MAX = 2_000_000;
/** The name of the program in links: whoever sends a message and is no actor. */
const PROGRAM = 'program';

export class AppRun implements WorldActions {
  readonly spec: RunSpec;
  readonly arsenal: Arsenal;
  readonly schedule: Schedule;
  readonly machine: VirtualRuntime;
  readonly recorder: RunRecorder | null;
  readonly violations: Violation[] = [];
  readonly system: ActorSystem;
  readonly world: WorldFaults;
  /** Everything that was spawned, and who spoke to whom: what plans can name. */
  readonly paths: Set<string> = new Set();
  readonly links: Set<string> = new Set();
  messages = 0;
  restarts = 0;
  readonly #app: SimulatedApp;
  readonly #outsider: VirtualRuntime;
  #leak: Leak | null = null;
  #probes = 0;
  #tree: ActorSnapshot | null = null;

  constructor(app: SimulatedApp, spec: RunSpec) {
    this.#app = app;
    this.spec = spec;
    const { seed, knobs } = spec;
    this.schedule = new Schedule({ seed, strategy: strategyOf(knobs), replay: spec.choices });
    this.machine = virtualRuntime({
      seed,
      order: this.schedule.choose,
      stepsMax: STEPS_MAX,
      busyStepsPerMs: knobs['stepsPerMs'] ?? 100,
      onForeignWake: (lane) => this.#leaked(enqueuedOutside(lane, null)),
    });
    this.#outsider = this.machine.startProcess({ host: 'outside' });
    this.recorder = spec.trace
      ? new RunRecorder(() => ({ atMs: this.machine.nowMs, atStep: this.machine.steps }))
      : null;
    this.arsenal = new Arsenal({
      plan: spec.plan,
      seed,
      nowMs: () => this.machine.nowMs,
      step: () => this.machine.steps,
      predicate: () => false,
      onFired: ({ kind, hit, fault }) => {
        this.machine.note(`fault ${fault}`);
        this.recorder?.add('world', 'fault', `${kind} hits ${hit}`);
        // Faults of the input fire before there is a world.
        (this.world as WorldFaults | undefined)?.fired(fault);
      },
    });
    const names = appNames();
    const door = this.#actorDoor(names);
    this.world = new WorldFaults(this.arsenal, names, this);
    installStorageFaults(this.machine.faults, this.arsenal);
    this.system = actorSystem({
      runtime: this.machine,
      host: 'dispatch',
      interceptor: door,
      turnMessagesMax: Math.max(1, knobs['turnMessages'] ?? 8),
      logger: faultyLogger(this.arsenal, (fields, message) => {
        // `onDeadLetter` tells of them, with the actor.
        if (message === 'dead letter') return;
        const { actor, error } = fields;
        const text = error === undefined ? message : `${message}: ${messageOf(error)}`;
        this.recorder?.add(typeof actor === 'string' ? actor : 'world', 'note', text);
      }),
      onDeadLetter: (letter) => this.#deadLetter(letter),
      ...app.system,
    });
  }

  #actorDoor(names: ActorNames): ActorDoor {
    const timers = (): VirtualRuntime['timers'] => this.#outsider.timers;
    const nowMs = (): number => this.machine.nowMs;
    const links = new LinkFaults({ arsenal: this.arsenal, names, timers, nowMs, apps: 'actors' });
    return new ActorDoor({
      arsenal: this.arsenal,
      names,
      links,
      timers: () => timersFor(this.#outsider.timers),
      crashSoon: (path, error) => this.#outsider.timers.after(0, () => this.#crash(path, error)),
      onMessage: (actor, message) => this.#handling(actor.path, message),
      onLife: (actor, what) => {
        this.paths.add(actor.path);
        if (what === 'restarts') this.restarts += 1;
        this.recorder?.add(actor.path, 'life', what);
      },
      onBrokenRule: (message) => this.#violate('O9', 'one handler at a time', message),
      sender: { whose: new Whose<ActorName>(), nobody: names.of(PROGRAM) },
      onSend: (from, to) => void this.links.add(`${from.path} -> ${to.path}`),
      freezes: 'messages',
    });
  }

  async toTheEnd(): Promise<void> {
    const { machine } = this;
    const watch = new LeakWatch(activeResources);
    const uncaught: unknown[] = [];
    inhabit(
      machine,
      (leak) => this.#leaked(leak),
      (reason) => uncaught.push(reason),
    );
    for (const ms of this.world.dueTimesMs()) this.#outsider.timers.after(ms, () => this.world.at('', null));
    const program = { ended: false };
    machine.enter(() => {
      void this.#program().finally(() => {
        program.ended = true;
      });
    });
    const over = (): boolean =>
      program.ended || this.#leak !== null || uncaught.length > 0 || machine.nowMs > PROGRAM_MS_MAX;
    try {
      await machine.run(over);
    } catch (error) {
      uncaught.push(error);
    }
    this.#tree ??= this.system.snapshot();
    if (this.#leak !== null) {
      this.violations.length = 0;
      return this.#violate('O18', 'leak', `${this.#leak.message} ${this.#leak.remedy}`);
    }
    if (uncaught.length > 0)
      return this.#violate('O11', 'uncaught', `an error outside of any actor: ${messageOf(uncaught[0])}`);
    if (!program.ended) return this.#violate('O7', 'liveness', this.#stuck(watch));
    this.#judge();
  }

  get tree(): ActorSnapshot {
    return this.#tree ?? this.system.snapshot();
  }

  async #program(): Promise<void> {
    try {
      await this.#app.program(this.#simulatedWorld());
    } catch (error) {
      const message = causesOf(error).slice(0, 3).map(linesOf).join(' <- ');
      // By the kind of error, so that shrinking does not end at another failure than it began with.
      const check = `program (${error instanceof Error ? error.name : typeof error})`;
      this.violations.push({ check, oracle: null, message, example: [] });
    }
    this.#tree = this.system.snapshot();
    this.arsenal.heal();
    await this.system.shutdown();
  }

  #simulatedWorld(): SimulatedWorld {
    const { machine, system, arsenal, spec } = this;
    const sleep = (ms: number): Promise<void> =>
      new Promise((resolve) => void machine.timers.after(ms, resolve));
    return {
      system,
      runtime: this.#runtime(),
      seed: spec.seed,
      clock: { nowMs: () => machine.nowMs, wallMs: () => machine.clock.wallMs(), sleep },
      random: (purpose) => machine.random(`program ${purpose}`),
      probe: <M>(): Probe<M> => {
        this.#probes += 1;
        return new AppProbe<M>(system, machine, `probe-${this.#probes}`);
      },
      heal: () => arsenal.heal(),
    };
  }

  /** The machine, as the program sees it: with the faults of connections where the plan has any. */
  #runtime(): VirtualRuntime {
    const { machine, arsenal } = this;
    if (!arsenal.has('network.reset', 'network.delay')) return machine;
    const sockets = faultySockets(machine.sockets, arsenal, machine.timers);
    return Object.create(machine, { sockets: { value: sockets } }) as VirtualRuntime;
  }

  #judge(): void {
    const { sent, handled, deadLettered, dropped, queued } = this.system.conservation();
    if (sent !== handled + deadLettered + dropped + queued) {
      const sum = `${handled} handled + ${deadLettered} dead + ${dropped} dropped + ${queued} queued`;
      this.#violate('O12', 'conservation', `${sent} messages sent, but ${sum}`);
    }
    const living = leftOver(this.system.snapshot());
    if (living.length > 0)
      this.#violate('O14', 'cleanup', `left over after the shutdown: ${living.join(', ')}`);
  }

  #stuck(watch: LeakWatch): string {
    if (this.machine.nowMs > PROGRAM_MS_MAX)
      return `the program has not ended after ${PROGRAM_MS_MAX / 60_000} virtual minutes`;
    // What waits for the real world stands still in this one. Only a hint: the test runner has real timers of its own.
    const leak = watch.unexpected();
    const hint = leak === null ? '' : ` ${leak.message} ${leak.remedy}`;
    return `nothing is left to do, and the program still waits: a deadlock, or a message that was lost.${hint}`;
  }

  #handling(path: string, message: unknown): void {
    this.messages += 1;
    const kind = kindOf(message);
    this.machine.note(`${path} ${kind}`);
    this.recorder?.add(path, 'message', messageInWords(kind, message));
    const fields: PointFields = { path };
    this.world.at('message', fields);
  }

  #deadLetter({ path, reason }: DeadLetter): void {
    this.machine.note(`dead ${path} ${reason}`);
    this.recorder?.add(path, 'note', `a message becomes a dead letter: ${reason}`);
  }

  #violate(oracle: string, check: string, message: string): void {
    this.violations.push({ check: `${oracle} ${check}`, oracle, message, example: [] });
  }

  #leaked(leak: Leak): void {
    this.#leak ??= leak;
  }

  #crash(path: string, error: InjectedFault): boolean {
    const ref = this.system.find(path);
    if (ref === null) return false;
    this.system.crash(ref, error);
    return true;
  }

  #living(target: string): string | null {
    const found = livingPaths(this.system.snapshot(), appNames(), target).filter(
      (path) => !path.startsWith('/probe-'),
    );
    return found[this.machine.steps % Math.max(1, found.length)] ?? null;
  }

  // ---------------------------------------------------------------- what the world does

  crashActor(target: string, error: InjectedFault): string | null {
    const path = this.#living(target);
    return path !== null && this.#crash(path, error) ? path : null;
  }

  stopActor(target: string): string | null {
    const path = this.#living(target);
    const ref = path === null ? null : this.system.find(path);
    if (path === null || ref === null) return null;
    void this.system.stop(ref);
    return path;
  }

  pause(ms: number): string | null {
    const { machine } = this;
    if (machine.process.paused) return null;
    machine.pauseProcess();
    this.#outsider.timers.after(ms, () => machine.resumeProcess());
    return 'process';
  }

  later(ms: number, look: () => void): void {
    this.#outsider.timers.after(ms, look);
  }

  jumpClock(ms: number): string | null {
    this.machine.jumpWall(ms);
    return 'wall clock';
  }

  driftClock(perMille: number): string | null {
    this.machine.driftWall(perMille / 1_000);
    return 'wall clock';
  }

  /** The program lives in the process that would die: what follows is its own business. */
  kill(): null {
    return null;
  }

  zombie(): null {
    return null;
  }

  savepoint(): null {
    return null;
  }

  stopJob(): null {
    return null;
  }

  flipBit(): null {
    return null;
  }

  revertStore(): null {
    return null;
  }

  openTwice(): null {
    return null;
  }
}

/** What unions of messages are told apart by. */
const TAGS = ['kind', 'type'];

function kindOf(message: unknown): string {
  if (typeof message !== 'object' || message === null) return typeof message;
  const fields = message as Readonly<Record<string, unknown>>;
  const tag = TAGS.find((name) => typeof fields[name] === 'string');
  return tag === undefined ? 'message' : String(fields[tag]);
}

/** The kind of a message and its plain fields: `post account ann, amount -30`. */
function messageInWords(kind: string, message: unknown): string {
  if (typeof message !== 'object' || message === null) return `${kind} ${String(message)}`;
  const fields = Object.entries(message).flatMap(([name, value]: readonly [string, unknown]) =>
    value === kind || typeof value === 'function' || (typeof value === 'object' && value !== null)
      ? []
      : [`${name} ${String(value)}`],
  );
  return fields.length === 0 ? kind : `${kind} ${fields.join(', ')}`;
}

/** What a program's own checks have to say has lines of its own: the difference of two values, most of the time. */
function linesOf(thrown: unknown): string {
  return thrown instanceof Error ? shownLines(String(thrown.message)) : messageOf(thrown);
}
