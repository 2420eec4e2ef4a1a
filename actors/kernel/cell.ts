// One actor in the tree: its place, its receiver, and one life after another.
//
// Owns:    when a life begins, what its failure or end leads to, who is told.
// Not:     children (spawning.ts), taking messages (turn.ts), the steps of an ending (ending.ts), who is restarted
//          (supervision.ts).
//
// A1. At most one life at a time: the next begins when the last one is over, children and last hook included.
// A2. The end of an actor is told exactly once: to its watchers, to those who stopped it, and to its supervisor.

import { messageOf } from '../../src/base/errors.js';
import type { Logger } from '../../src/base/logger.js';
import type { RandomStream, Runtime, Timers } from '../../src/base/runtime.js';
import type {
  ActorContext,
  ActorInterceptor,
  ActorSetup,
  Behavior,
  RestartType,
  StopReason,
} from './actor.js';
import { ActorStoppedError } from './actor-errors.js';
import type { ActorHost } from './actor-host.js';
import {
  abandon,
  advanceEnding,
  beginEnding,
  childrenStopped,
  type EndingOwner,
  lastHook,
  logLateFailure,
  runLateHook,
  takeHookTurn,
} from './ending.js';
import { type Ending, Life, type LifeOwner, type Notice } from './life.js';
import { failLinked, unlink } from './links.js';
import { Mailbox } from './mailbox.js';
import { type Afterlife, Receiver } from './receiver.js';
import type { SpawnSettings } from './spawn-options.js';
import { armDeadline, isBehavior, runSetup, type StartingOwner } from './starting.js';
import { type Supervised, Supervision, type Supervisor } from './supervision.js';
import { type Failure, takeTurn } from './turn.js';

/** What all actors of a system share. */
export interface Kernel extends Afterlife {
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly failureLevel: 'warn' | 'debug';
  readonly host: ActorHost;
  readonly random: RandomStream;
  readonly turnMessagesMax: number;
  readonly turnMs: number;
  readonly interceptor: ActorInterceptor | null;
  /** Actors that have not ended, by incarnation and by path. */
  readonly living: Map<number, Cell>;
  readonly paths: Map<string, Cell>;
  nextIncarnation(): number;
  contextOf(cell: Cell, life: Life): ActorContext<unknown>;
  /** The root gives up, is shut down by its children's end, or has ended. */
  rootGivesUp(error: unknown): void;
  rootShutsDown(): void;
  rootEnded(): void;
}

/** Who waits for the first setup of an actor. */
export interface StartWaiter {
  resolve(): void;
  reject(error: unknown): void;
}

export class Cell implements StartingOwner, EndingOwner, LifeOwner, Supervised, Supervisor {
  readonly path: string;
  readonly name: string;
  readonly incarnation: number;
  readonly receiver: Receiver;
  readonly settings: SpawnSettings;
  readonly watchers: Set<Life> = new Set();
  readonly turnMessagesMax: number;
  readonly turnMs: number;
  readonly restartType: RestartType;
  readonly significant: boolean;
  readonly stopTimeoutMs: number;
  readonly handlerTimeoutMs: number | null;
  life: Life | null = null;
  lives = 0;
  lastError: string | null = null;
  /** How many of its children had no name. */
  unnamedChildren = 0;
  readonly #kernel: Kernel;
  readonly #parent: Cell | null;
  readonly #setup: ActorSetup<unknown>;
  #logger: Logger | null = null;
  #startWaiter: StartWaiter | null;
  #lastReason: StopReason = { kind: 'shutdown' };
  /** The supervisor has asked for the next life while the last one was not over. */
  #isStartDue = false;
  readonly #endListeners: (() => void)[] = [];

  constructor(
    kernel: Kernel,
    parent: Cell | null,
    at: { path: string; name: string },
    setup: ActorSetup<unknown>,
    settings: SpawnSettings,
    waiter: StartWaiter | null,
  ) {
    this.#kernel = kernel;
    this.#parent = parent;
    this.path = at.path;
    this.name = at.name;
    this.incarnation = kernel.nextIncarnation();
    this.settings = settings;
    this.restartType = settings.restartType;
    this.significant = settings.significant;
    this.stopTimeoutMs = settings.stopTimeoutMs;
    this.handlerTimeoutMs = settings.handlerTimeoutMs;
    this.#setup = setup;
    this.#startWaiter = waiter;
    this.turnMessagesMax = kernel.turnMessagesMax;
    this.turnMs = kernel.turnMs;
    const mailbox = new Mailbox(settings.capacity, settings.overflow);
    this.receiver = new Receiver(this, mailbox, kernel, () => this.nudge());
    kernel.living.set(this.incarnation, this);
    kernel.paths.set(this.path, this);
  }

  get timers(): Timers {
    return this.#kernel.runtime.timers;
  }
  get logger(): Logger {
    this.#logger ??= this.#kernel.logger.child({ actor: this.path });
    return this.#logger;
  }

  nowMs(): number {
    return this.#kernel.runtime.clock.monotonicMs();
  }

  // ---------------------------------------------------------------- as the supervisor of its children

  /** The supervision of a life's children. Most actors have none, so it is made for the first. */
  supervise(life: Life): Supervision {
    const { policy, decide } = this.settings;
    life.supervision ??= new Supervision(this, policy, decide, this.#kernel);
    return life.supervision;
  }

  giveUp(error: unknown): void {
    if (this.#parent === null) this.#kernel.rootGivesUp(error);
    else if (this.life !== null) this.fail(this.life, error);
  }

  shutDown(): void {
    if (this.#parent === null) this.#kernel.rootShutsDown();
    else this.stopBySelf('shutdown');
  }

  childrenGone(): void {
    if (this.life !== null) childrenStopped(this, this.life);
  }

  // ---------------------------------------------------------------- beginning

  startLife(): void {
    this.lives += 1;
    this.#isStartDue = false;
    this.receiver.mailbox.unstash();
    const above = this.#parent?.life?.hosted ?? null;
    const hosted = this.#kernel.host.spawn(above, `${this.name}.${this.incarnation}.${this.lives}`, () =>
      this.#onTurn(life),
    );
    const life = new Life(this, hosted);
    this.life = life;
    this.wake(life);
  }

  wake(life: Life): void {
    this.receiver.awake = true;
    if (life.wakePending) return;
    life.wakePending = true;
    life.hosted.wake();
  }

  #onTurn(life: Life): void {
    life.wakePending = false;
    if (life.stage === 'created') runSetup(this, life);
    else if (life.stage === 'running') takeTurn(this, life);
    else if (life.stage === 'ending') takeHookTurn(this, life);
  }

  /** The setup has settled: from now on the life takes messages. */
  begun(life: Life): void {
    this.#startWaiter?.resolve();
    this.#startWaiter = null;
    this.#parent?.life?.supervision?.started(this);
    if (this.receiver.mailbox.isEmpty()) this.receiver.awake = false;
    else this.wake(life);
  }

  setUp(life: Life): Behavior<unknown> | Promise<Behavior<unknown>> {
    return this.#setup(this.#kernel.contextOf(this, life));
  }

  awaiting(life: Life): void {
    armDeadline(this, life);
  }

  // ---------------------------------------------------------------- failing and ending

  /** The life has failed: by its own code, by a fault that was injected, or by the failure of another. */
  fail(life: Life, error: unknown): void {
    if (life.isFenced()) {
      // It is given up already, and goes on ending: this may be its own code that returns, by a throw.
      logLateFailure(this, error);
      return advanceEnding(this, life);
    }
    this.lastError = messageOf(error);
    this.logger[this.#kernel.failureLevel]({ actor: this.path, error: this.lastError }, 'actor failed');
    if (life.ending !== null) return this.#failWhileEnding(life, life.ending, error);
    this.receiver.disposeInHand(error, this.settings.redeliver);
    const linked = unlink(life);
    // A caller of spawnStarted learns of the failed setup and decides; the supervisor would decide behind its back.
    beginEnding(this, life, { kind: 'failed', error }, this.#startWaiter === null ? 'undecided' : 'remove');
    failLinked(this.path, linked, error);
  }

  #failWhileEnding(life: Life, ending: Ending, error: unknown): void {
    if (life.engaged === 'async') return abandon(this, life, ending, error);
    ending.reason = { kind: 'killed', error };
    this.receiver.disposeInHand(error, this.settings.redeliver);
    failLinked(this.path, unlink(life), error);
    advanceEnding(this, life);
  }

  abandoned(life: Life, error: unknown): void {
    this.lastError = messageOf(error);
    this.receiver.disposeInHand(error, this.settings.redeliver);
    life.cancelAsks();
    failLinked(this.path, unlink(life), error);
  }

  /** By its own will, or because its children's work is done: the parent decides when the life is over. */
  stopBySelf(kind: 'normal' | 'shutdown'): void {
    if (this.life !== null && this.life.ending === null) beginEnding(this, this.life, { kind }, 'ask');
  }

  pause(): void {
    const { life } = this;
    // Without a life, or with an undecided one, the supervisor has been told or is being told already.
    if (life === null) return;
    if (life.ending === null) beginEnding(this, life, { kind: 'shutdown' }, 'pause');
    else if (life.ending.goal === 'ask') life.ending.goal = 'pause';
  }

  remove(): void {
    const { life } = this;
    if (this.receiver.ended !== null) return;
    if (life === null) return this.#end(this.#lastReason);
    if (life.ending === null) return beginEnding(this, life, { kind: 'shutdown' }, 'remove');
    life.ending.goal = 'remove';
    advanceEnding(this, life);
  }

  willRestart(): void {
    const { life } = this;
    if (life === null || life.ending?.goal !== 'undecided') return;
    life.ending.goal = 'restart';
    advanceEnding(this, life);
  }

  startAgain(): void {
    this.#isStartDue = true;
    if (this.life === null) this.startLife();
    else this.willRestart();
  }

  decisionNeeded(life: Life): void {
    if (life.ending !== null) this.#parent?.life?.supervision?.exited(this, life.ending.reason);
  }

  lifeEnds(life: Life): void {
    for (const incarnation of life.watches.keys())
      this.#kernel.living.get(incarnation)?.watchers.delete(life);
    life.supervision?.decideNoMore();
    life.release();
    // The handler in hand of an orderly stop may still be waiting for an answer.
    if (life.isFenced()) life.cancelAsks();
  }

  lifeOver(life: Life, ending: Ending): void {
    life.stage = 'over';
    life.cancelStopTimer();
    life.cancelAsks();
    unlink(life);
    life.hosted.stop();
    this.life = null;
    this.#lastReason = ending.reason;
    if (ending.goal === 'remove') return this.#end(ending.reason);
    const supervision = this.#parent?.life?.supervision;
    if (ending.goal === 'pause') supervision?.stopped(this);
    else if (ending.goal === 'ask') supervision?.exited(this, ending.reason);
    else if (this.#isStartDue) this.startLife();
  }

  #end(reason: StopReason): void {
    const { receiver } = this;
    receiver.ended = reason;
    this.#kernel.paths.delete(this.path);
    receiver.buryAll(reason.kind === 'failed' || reason.kind === 'killed' ? 'failed' : 'stopped');
    this.#kernel.retired.add(receiver.tally);
    this.#kernel.living.delete(this.incarnation);
    for (const watcher of this.watchers) watcher.hearEnd(this, reason);
    this.watchers.clear();
    if (this.#startWaiter !== null) {
      this.#startWaiter.reject(
        'error' in reason ? reason.error : new ActorStoppedError(this.path, 'it was to start'),
      );
      this.#startWaiter = null;
    }
    for (const listener of this.#endListeners.splice(0)) listener();
    if (this.#parent === null) this.#kernel.rootEnded();
    else this.#parent.life?.supervision?.gone(this);
  }

  unwound(life: Life): void {
    advanceEnding(this, life);
  }

  settledLate(life: Life, failure: Failure | null, value: unknown): void {
    if (failure !== null) logLateFailure(this, failure.thrown);
    // A setup that finishes late may have opened what only its behavior can close.
    if (life.behavior === null && isBehavior(value)) {
      life.behavior = value;
      if (life.stage === 'over' && life.ending !== null) life.lateHook = lastHook(life, life.ending);
    }
    runLateHook(this, life);
  }

  notify(notice: Notice): void {
    this.receiver.notify(notice);
  }

  /** Something was put into the mailbox. */
  nudge(): void {
    if (!this.receiver.awake && this.life !== null) this.wake(this.life);
  }

  /** What a link to this actor would hear now: null while it lives, else how it ended or failed. */
  lastReason(): StopReason | null {
    if (this.life !== null) return this.life.ending?.reason ?? null;
    return this.#lastReason;
  }

  whenEnded(): Promise<void> {
    if (this.receiver.ended !== null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#endListeners.push(resolve);
    });
  }
}
