// A random program of messages: actors with small mailboxes, and everything that can be done to them in any order.
//
// Owns:    the system, what is done to it, and the checks from outside: O8, O12, O14, O7.
// Not:     what handlers do (message-actor.ts), supervision of trees (tree-play.ts).
//
// P1. Every message that the kernel has taken is handled once, or is a dead letter once; nothing else ever is.
// P2. Every answer settles its question, or is a dead letter; a question is settled once, by its own answer.

import type {
  ActorContext,
  ActorRef,
  ActorSnapshot,
  ActorSystem,
  BackoffOptions,
  DeadLetter,
  Reply,
  SpawnOptions,
} from '../../../actors/kernel/actor.js';
import { MailboxFullError } from '../../../actors/kernel/actor-errors.js';
import { actorSystem } from '../../../actors/kernel/system.js';
import { type VirtualRuntime, virtualRuntime } from '../../../src/testing/virtual-runtime.js';
import type { Chance } from '../protocol/chance.js';
import { isConserved, verifyAccounts } from './message-accounts.js';
import {
  type ActorShape,
  NOTICE,
  type Program,
  type ProgramMessage,
  programBehavior,
  TASKS,
  type Task,
  TIMER,
} from './message-actor.js';
import type { TreeCounts } from './tree-counts.js';

const ACTORS_MAX = 4;
const DEEDS_MIN = 20;
const DEEDS_MAX = 80;
const ASK_TIMEOUT_MS = 30;
const REFS_MAX = 24;
const HOUR_MS = 3_600_000;
/** Longer than any time-out of the program: afterwards nothing may be left. */
const REST_MS = 100_000;

export async function playMessages(seed: number, chance: Chance, counts: TreeCounts): Promise<void> {
  const play = new MessagePlay(seed, chance, counts);
  const deeds = chance.between(DEEDS_MIN, DEEDS_MAX);
  for (let deed = 0; deed < deeds && counts.violations.length === 0; deed += 1) {
    await play.deed();
    play.check(`after deed ${deed}`);
  }
  await play.end();
}

interface Settings {
  readonly options: SpawnOptions;
  readonly shape: ActorShape;
  readonly asyncSetup: boolean;
  /** The starts that fail, counted from 1. */
  readonly failingStart: number;
}

/** A short one is over during the program; a long one is still waited for when the system shuts down. */
function drawBackoff(chance: Chance): BackoffOptions {
  const initialMs = chance.pick([1, 20, HOUR_MS]);
  return { initialMs, maxMs: HOUR_MS, factor: 2, jitter: chance.pick([0, 0.5]) };
}

class MessagePlay implements Program {
  readonly counts: TreeCounts;
  readonly handled: Map<number, number> = new Map();
  readonly begun: Set<number> = new Set();
  readonly gates: ((failing: boolean) => void)[] = [];
  answers = 0;
  readonly #chance: Chance;
  readonly #runtime: VirtualRuntime;
  readonly #system: ActorSystem;
  readonly #settings: readonly Settings[];
  /** Living and dead ones. */
  readonly #refs: ActorRef<ProgramMessage>[] = [];
  readonly #letters: DeadLetter[] = [];
  readonly #taken: Set<number> = new Set();
  readonly #timers: number[] = [];
  readonly #lanes: Map<number, number> = new Map();
  #ids = 0;
  #lives = 0;
  #spawns = 0;
  #asked = 0;
  #settled = 0;
  #answered = 0;

  constructor(seed: number, chance: Chance, counts: TreeCounts) {
    this.counts = counts;
    this.#chance = chance;
    this.#runtime = virtualRuntime({ seed, order: chance.of(0.5) ? 'random' : 'fifo' });
    this.#system = actorSystem({
      runtime: this.#runtime,
      host: 'dispatch',
      turnMessagesMax: chance.between(1, 4),
      supervision: {
        restartsMax: 1_000,
        // A policy that throws escalates; at the top that is the end of the system.
        ...(chance.of(0.05) ? { decide: () => this.#badPolicy() } : {}),
        ...(chance.of(0.2) ? { backoff: drawBackoff(chance) } : {}),
      },
      onDeadLetter: (letter) => {
        this.#letters.push(letter);
        this.check('in onDeadLetter');
      },
    });
    this.#settings = Array.from({ length: chance.between(1, ACTORS_MAX) }, () => this.#drawSettings());
    for (const index of this.#settings.keys()) this.#spawn(index);
  }

  async deed(): Promise<void> {
    const chance = this.#chance;
    const kind = chance.below(20);
    const ref = chance.pick(this.#refs);
    if (kind < 8) this.#put(ref);
    else if (kind < 10) this.#askFromOutside(ref);
    else if (kind < 12) this.#spawn(chance.below(this.#settings.length));
    else if (kind === 12) {
      if (this.gates.length > 0) this.counts.fault('F16');
      void this.#system.stop(ref);
    } else if (kind === 13) {
      if (this.gates.length > 0) this.counts.fault('F16');
      this.#system.crash(ref, new Error('fault'));
    } else if (kind < 16) {
      this.gates.shift()?.(chance.of(0.3));
      // A crash between the end of a handler and the microtask in which the kernel learns of it is a crash in the handler.
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    } else await this.#runtime.advance(chance.pick([0, 0, 1, 7, 25, 100]));
  }

  async end(): Promise<void> {
    const shutdown = this.#system.shutdown();
    await this.#runtime.advance(1_000);
    while (this.gates.length > 0) this.gates.shift()?.(false);
    await this.#runtime.advance(REST_MS);
    const before = this.#runtime.steps;
    await this.#runtime.advance(REST_MS);
    await shutdown;
    this.check('at the end');
    const { counts } = this;
    if (this.#runtime.steps !== before)
      counts.violate('O14', 'nothingLeft', 'timers go off after the shutdown');
    if (this.#runtime.pendingTimers > 0)
      counts.violate('O14', 'nothingLeft', `${this.#runtime.pendingTimers} timers wait after the shutdown`);
    if (this.#system.snapshot().children.length > 0)
      counts.violate('O14', 'nothingLeft', 'actors live after the shutdown');
    verifyAccounts(this.#system.conservation(), this.#letters, {
      ...this,
      taken: this.#taken,
      timers: this.#timers,
      asked: this.#asked,
      settled: this.#settled,
      answered: this.#answered,
    });
    counts.steps += this.#runtime.steps;
    counts.messages += this.#ids;
    counts.deadLetters += this.#letters.length;
    counts.asks += this.#asked;
  }

  // ---------------------------------------------------------------- for the actors

  check(where: string): void {
    if (!isConserved(this.#system.conservation()))
      this.counts.violate('O12', 'conservation', `the system, ${where}`);
    const visit = (actor: ActorSnapshot): void => {
      if (!isConserved(actor.counts)) this.counts.violate('O12', 'conservation', `${actor.path}, ${where}`);
      if (actor.queued > actor.capacity) {
        this.counts.violate(
          'O8',
          'mailbox',
          `${actor.path} holds ${actor.queued} of ${actor.capacity}, ${where}`,
        );
      }
      actor.children.forEach(visit);
    };
    visit(this.#system.snapshot());
  }

  living(path: string): ActorRef<never> | null {
    return this.#system.find(path);
  }

  crash(ref: ActorRef<never>): void {
    this.#system.crash(ref, new Error('crashed itself'));
  }

  forward(from: ActorContext<ProgramMessage>): void {
    const ref = this.#chance.pick(this.#refs);
    if (this.#chance.of(0.3) && ref.path !== from.path) from.watchWith(ref, this.#ownMessage(NOTICE, -1));
    const message = this.#message(ref, 'note', false);
    this.#offer(ref, message);
  }

  ask(from: ActorContext<ProgramMessage>): void {
    const ref = this.#chance.pick(this.#refs);
    this.#question((make) => from.ask<ProgramMessage, number>(ref, make, { timeoutMs: ASK_TIMEOUT_MS }), ref);
  }

  spawnChild(parent: ActorContext<ProgramMessage>): void {
    if (parent.children().length > 0 || parent.path.split('/').length > 3) return;
    const settings = this.#chance.pick(this.#settings);
    this.#remember(
      parent.spawn<ProgramMessage>((context) => this.#setup(context, settings), {
        ...settings.options,
        name: 'child',
      }),
    );
  }

  timerMessage(life: number): ProgramMessage {
    const message = this.#ownMessage(TIMER, life);
    this.#timers.push(message.id);
    return message;
  }

  // ---------------------------------------------------------------- what is done

  #put(ref: ActorRef<ProgramMessage>): void {
    const chance = this.#chance;
    this.#noteStale(ref);
    const task = chance.pick(TASKS);
    const how = chance.below(6);
    if (how < 2) return this.#offer(ref, this.#message(ref, task, false));
    if (how === 2) {
      const message = this.#message(ref, task, false);
      this.#taken.add(message.id);
      if (this.#isFull(ref)) this.counts.fault('F09');
      return ref.control(message);
    }
    const message = this.#message(ref, task, true);
    if (this.#isFull(ref)) this.counts.fault('F08');
    const controller = new AbortController();
    ref.send(message, { signal: controller.signal }).then(
      () => this.#taken.add(message.id),
      () => undefined,
    );
    if (how === 3) controller.abort();
  }

  #offer(ref: ActorRef<ProgramMessage>, message: ProgramMessage): void {
    try {
      if (ref.offer(message)) this.#taken.add(message.id);
    } catch (error) {
      if (!(error instanceof MailboxFullError)) throw error;
    }
  }

  #askFromOutside(ref: ActorRef<ProgramMessage>): void {
    this.#question(
      (make) => this.#system.ask<ProgramMessage, number>(ref, make, { timeoutMs: ASK_TIMEOUT_MS }),
      ref,
    );
  }

  #question(
    put: (make: (reply: Reply<number>) => ProgramMessage) => Promise<number>,
    ref: ActorRef<ProgramMessage>,
  ): void {
    this.#asked += 1;
    let id = -1;
    const settle = (answer: number | null): void => {
      this.#settled += 1;
      if (answer === null) return;
      this.#answered += 1;
      if (answer !== id)
        this.counts.violate('O12', 'asks', `question ${id} was given the answer of ${answer}`);
    };
    put((reply) => {
      const answerMs = this.#chance.pick([0, 0, 5, ASK_TIMEOUT_MS + 10, null]);
      const message = { ...this.#message(ref, 'note', false), reply, answerMs };
      id = message.id;
      return message;
    }).then(settle, () => settle(null));
  }

  #message(ref: ActorRef<ProgramMessage>, task: Task, ordered: boolean): ProgramMessage {
    this.#ids += 1;
    const order = ordered ? (this.#lanes.get(ref.incarnation) ?? 0) : -1;
    if (ordered) this.#lanes.set(ref.incarnation, order + 1);
    const { incarnation } = ref;
    return { id: this.#ids, task, incarnation, life: -1, order, reply: null, answerMs: null };
  }

  #ownMessage(incarnation: number, life: number): ProgramMessage {
    this.#ids += 1;
    return { id: this.#ids, task: 'note', incarnation, life, order: -1, reply: null, answerMs: null };
  }

  #spawn(index: number): void {
    const settings = this.#settings[index];
    if (settings === undefined || this.#system.find(`/a${index}`) !== null) return;
    try {
      this.#remember(
        this.#system.spawn<ProgramMessage>((context) => this.#setup(context, settings), {
          ...settings.options,
          name: `a${index}`,
        }),
      );
    } catch {
      // The system has come down: a policy threw at the top.
      this.#spawns += 1;
    }
  }

  #remember(ref: ActorRef<ProgramMessage>): void {
    if (this.#refs.length < REFS_MAX) this.#refs.push(ref);
    else this.#refs[this.#chance.below(REFS_MAX)] = ref;
  }

  #setup(
    context: ActorContext<ProgramMessage>,
    settings: Settings,
  ): ReturnType<typeof programBehavior> | Promise<ReturnType<typeof programBehavior>> {
    this.#lives += 1;
    const life = this.#lives;
    if (life % 7 === settings.failingStart) {
      this.counts.fault('F06');
      throw new Error('a start fails');
    }
    if (this.#chance.of(0.2)) context.after(3, this.timerMessage(life));
    const behavior = programBehavior(this, context, settings.shape, life);
    return settings.asyncSetup ? Promise.resolve().then(() => behavior) : behavior;
  }

  #drawSettings(): Settings {
    const chance = this.#chance;
    const redeliver = chance.below(3);
    const stashes = chance.of(0.3);
    return {
      options: {
        mailbox: {
          capacity: chance.between(1, 4),
          overflow: chance.pick(['backpressure', 'fail', 'dropNewest', 'dropOldest'] as const),
        },
        restart: chance.pick(['permanent', 'permanent', 'transient', 'temporary'] as const),
        onFailedMessage: redeliver === 0 ? 'deadLetter' : { redeliver },
        stopTimeoutMs: 20,
        handlerTimeoutMs: 60,
      },
      shape: { hasHook: chance.of(0.5), stashes, poisoned: chance.of(0.05) },
      asyncSetup: chance.of(0.5),
      failingStart: chance.of(0.3) ? chance.between(1, 6) : -1,
    };
  }

  #badPolicy(): never {
    this.counts.fault('F07');
    throw new Error('the policy throws');
  }

  // ---------------------------------------------------------------- accounts

  #noteStale(ref: ActorRef<ProgramMessage>): void {
    if (this.#system.find(ref.path)?.incarnation !== ref.incarnation) this.counts.fault('F14');
  }

  #isFull({ path }: ActorRef<ProgramMessage>): boolean {
    const found = findIn(this.#system.snapshot(), path);
    return found !== null && found.queued >= found.capacity;
  }
}

function findIn(actor: ActorSnapshot, path: string): ActorSnapshot | null {
  if (actor.path === path) return actor;
  for (const child of actor.children) {
    const found = path.startsWith(child.path) ? findIn(child, path) : null;
    if (found !== null) return found;
  }
  return null;
}
