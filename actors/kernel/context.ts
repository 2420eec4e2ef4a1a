// What a life of an actor sees of the world.
//
// Owns:    the checks at the door: a life that is over can do nothing here any more.
// Not:     doing it (cell.ts, life.ts, ask.ts).
//
// X1. Code that still runs in a fenced life gets ActorStoppedError from everything that would have an effect.
// X2. A life that is stopping in an orderly way may finish its handler: it can ask and look, but not spawn.

import { ConfigError } from '../../src/base/errors.js';
import type { Logger } from '../../src/base/logger.js';
import type { Runtime, TimerHandle } from '../../src/base/runtime.js';
import type { ActorContext, ActorRef, ActorSetup, AskOptions, Reply, SpawnOptions } from './actor.js';
import { ActorError, ActorStoppedError, LinkedFailureError, MailboxFullError } from './actor-errors.js';
import { ask } from './ask.js';
import type { Cell, Kernel } from './cell.js';
import type { Life, Watch } from './life.js';
import { LocalRef, NOTHING, type Receiver } from './receiver.js';
import { spawnChild, spawnStarted } from './spawning.js';

export class LifeContext implements ActorContext<unknown> {
  readonly #kernel: Kernel;
  readonly #cell: Cell;
  readonly #life: Life;

  constructor(kernel: Kernel, cell: Cell, life: Life) {
    this.#kernel = kernel;
    this.#cell = cell;
    this.#life = life;
  }

  get self(): ActorRef<unknown> {
    return this.#cell.receiver.ref;
  }
  get path(): string {
    return this.#cell.path;
  }
  get runtime(): Runtime {
    return this.#kernel.runtime;
  }
  get logger(): Logger {
    return this.#cell.logger;
  }
  get signal(): AbortSignal {
    return this.#life.signal;
  }

  spawn<C>(setup: ActorSetup<C>, options: SpawnOptions = {}): ActorRef<C> {
    this.#checkAlive('a child was to be spawned');
    return spawnChild(this.#kernel, this.#cell, setup, options).receiver.ref;
  }

  spawnStarted<C>(setup: ActorSetup<C>, options: SpawnOptions = {}): Promise<ActorRef<C>> {
    if (this.#life.isFenced())
      return Promise.reject(new ActorStoppedError(this.path, 'a child was to be spawned'));
    return spawnStarted(this.#kernel, this.#cell, setup, options);
  }

  async stop(ref?: ActorRef<never>): Promise<void> {
    this.#checkAlive('it was to stop an actor');
    if (ref === undefined || ref === this.self) return this.#cell.stopBySelf('normal');
    const receiver = localReceiver(ref);
    if (receiver.ended !== null) return;
    const child = this.#kernel.living.get(receiver.incarnation);
    if (child === undefined || this.#life.supervision?.has(receiver.incarnation) !== true) {
      throw new ActorError(
        this.path,
        `cannot stop ${ref.path}, which is not its child`,
        'Ask its parent, or use system.stop.',
      );
    }
    child.remove();
    await child.whenEnded();
  }

  watch(ref: ActorRef<never>): void {
    this.#watch(ref, { kind: 'signal' });
  }

  watchWith(ref: ActorRef<never>, message: unknown): void {
    this.#watch(ref, { kind: 'message', message });
  }

  unwatch(ref: ActorRef<never>): void {
    this.#life.watches.delete(ref.incarnation);
    this.#kernel.living.get(ref.incarnation)?.watchers.delete(this.#life);
  }

  link(ref: ActorRef<never>): void {
    this.#checkAlive('it was to link to an actor');
    const other = this.#other(ref, 'link to');
    const partner = this.#kernel.living.get(other.incarnation);
    const reason = partner === undefined ? other.ended : partner.lastReason();
    if (partner?.life != null && reason === null) {
      this.#life.links.add(partner.life);
      partner.life.links.add(this.#life);
    } else if (reason !== null && (reason.kind === 'failed' || reason.kind === 'killed')) {
      this.#cell.fail(this.#life, new LinkedFailureError(this.path, ref.path, reason.error));
    }
  }

  after(delayMs: number, message: unknown): TimerHandle {
    this.#checkAlive('it was to set a timer');
    if (!(delayMs >= 0))
      throw new ConfigError(
        `Actor ${this.path}: after(delayMs) takes a number of at least 0, got ${delayMs}.`,
      );
    return this.#life.schedule(this.#cell.timers, delayMs, message, () => null);
  }

  every(intervalMs: number, message: unknown): TimerHandle {
    this.#checkAlive('it was to set a timer');
    if (!(intervalMs > 0))
      throw new ConfigError(
        `Actor ${this.path}: every(intervalMs) takes a number above 0, got ${intervalMs}.`,
      );
    let dueMs = this.#cell.nowMs() + intervalMs;
    return this.#life.schedule(this.#cell.timers, intervalMs, message, () => {
      const nowMs = this.#cell.nowMs();
      // Ticks that were missed because the thread was busy are not made up for.
      dueMs = Math.max(dueMs + intervalMs, nowMs);
      return dueMs - nowMs;
    });
  }

  receiveTimeout(delayMs: number | null): void {
    this.#checkAlive('it was to set its receive time-out');
    if (delayMs !== null && !(delayMs > 0)) {
      throw new ConfigError(
        `Actor ${this.path}: receiveTimeout takes null or a number above 0, got ${delayMs}.`,
      );
    }
    this.#life.setReceiveTimeout(this.#cell.timers, () => this.#cell.nowMs(), delayMs);
  }

  stash(): void {
    this.#checkAlive('it was to stash a message');
    const { receiver } = this.#cell;
    const { mailbox } = receiver;
    if (receiver.inHand === NOTHING) {
      throw new ActorError(this.path, 'has no message in hand to stash', 'Call stash once, in onMessage.');
    }
    if (!mailbox.hasRoomInStash()) throw new MailboxFullError(this.path, 'stash', mailbox.capacity);
    mailbox.stash.push(receiver.inHand);
    receiver.inHand = NOTHING;
    receiver.inHandFailures = 0;
  }

  unstashAll(): void {
    this.#checkAlive('it was to unstash messages');
    this.#cell.receiver.mailbox.unstash();
    this.#cell.nudge();
  }

  ask<Q, R>(ref: ActorRef<Q>, make: (reply: Reply<R>) => Q, options?: AskOptions): Promise<R> {
    if (this.#life.isFenced()) return Promise.reject(new ActorStoppedError(this.path, 'it was to ask'));
    const { path, incarnation } = this.#cell;
    const { deadLetters, retired } = this.#kernel;
    const ports = { timers: this.#cell.timers, deadLetters, retired };
    return ask(ports, { path, incarnation, asks: this.#life.asks }, ref, make, options);
  }

  children(): readonly ActorRef<never>[] {
    const cells = this.#life.supervision?.children() ?? [];
    return cells.flatMap((child) => this.#kernel.living.get(child.incarnation)?.receiver.ref ?? []);
  }

  #watch(ref: ActorRef<never>, watch: Watch): void {
    this.#checkAlive('it was to watch an actor');
    const other = this.#other(ref, 'watch');
    const { watches } = this.#life;
    if (this.#life.ending !== null) return;
    watches.set(other.incarnation, watch);
    const cell = this.#kernel.living.get(other.incarnation);
    if (cell !== undefined && other.ended === null) cell.watchers.add(this.#life);
    else if (other.ended !== null) this.#life.hearEnd(other, other.ended);
    else
      throw new ActorError(
        this.path,
        `cannot watch ${ref.path}, which belongs to another system`,
        'Watch it there.',
      );
  }

  #other(ref: ActorRef<never>, verb: string): Receiver {
    const receiver = localReceiver(ref);
    if (receiver !== this.#cell.receiver) return receiver;
    throw new ActorError(this.path, `cannot ${verb} itself`, 'Use postStop to act on its own end.');
  }

  #checkAlive(what: string): void {
    if (this.#life.isFenced()) throw new ActorStoppedError(this.path, what);
  }
}

/** The receiver behind a ref; throws ActorError for an object that only looks like one. */
export function localReceiver(ref: ActorRef<never>): Receiver {
  const receiver = LocalRef.receiverOf(ref);
  if (receiver !== null) return receiver;
  throw new ActorError(
    String(ref.path),
    'is not a ref of an actor of this process',
    'Pass a ref that spawn returned.',
  );
}
