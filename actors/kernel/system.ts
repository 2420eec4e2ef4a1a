// A tree of actors: from the first spawn to the coordinated shutdown.
//
// Owns:    the root of the tree, what all actors share, and the system's own end.
// Not:     actors (cell.ts).
//
// Y1. The root is an actor without messages: the supervisor of the top-level actors. Its failure is the system's.
// Y2. `terminated` settles once, when the last actor is gone; then nothing of the system is scheduled any more.

import { ConfigError, messageOf } from '../../src/base/errors.js';
import {
  ACTOR_SHUTDOWN_PHASE_TIMEOUT_MS,
  ACTOR_TURN_MESSAGES_MAX,
  ACTOR_TURN_MS_MAX,
} from '../../src/base/limits.js';
import { defaultLogger } from '../../src/base/line-logger.js';
import { guardedLogger, type Logger } from '../../src/base/logger.js';
import { nodeRuntime } from '../../src/base/node-runtime.js';
import type { RandomStream, Runtime } from '../../src/base/runtime.js';
import type {
  ActorContext,
  ActorInterceptor,
  ActorRef,
  ActorSetup,
  ActorSnapshot,
  ActorSystem,
  ActorSystemOptions,
  AskOptions,
  Conservation,
  DeadLetterReason,
  Reply,
  ShutdownPhase,
  SpawnOptions,
  StopReason,
} from './actor.js';
import { ActorStoppedError } from './actor-errors.js';
import { type ActorHost, dispatchHost } from './actor-host.js';
import { ask } from './ask.js';
import { Cell, type Kernel } from './cell.js';
import { LifeContext, localReceiver } from './context.js';
import { DeadLetters } from './dead-letters.js';
import { InterceptedRef } from './intercepted-ref.js';
import type { Life } from './life.js';
import { nactHost } from './nact-host.js';
import { LocalRef, type Receiver, Tally } from './receiver.js';
import { ShutdownPhases } from './shutdown-phases.js';
import { spawnSettings } from './spawn-options.js';
import { spawnChild, spawnStarted } from './spawning.js';
import { snapshotOf } from './tree-snapshot.js';

/** Starts an actor system: nothing runs in it until something is spawned. Throws ConfigError for options that make no sense. */
export function actorSystem(options: ActorSystemOptions = {}): ActorSystem {
  return new LocalSystem(options);
}

class LocalSystem implements ActorSystem, Kernel {
  readonly name: string;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly failureLevel: 'warn' | 'debug';
  readonly host: ActorHost;
  readonly random: RandomStream;
  readonly turnMessagesMax: number;
  readonly turnMs: number;
  readonly interceptor: ActorInterceptor | null;
  readonly living: Map<number, Cell> = new Map();
  readonly paths: Map<string, Cell> = new Map();
  readonly deadLetters: DeadLetters;
  readonly retired: Tally = new Tally();
  readonly terminated: Promise<unknown>;
  readonly #root: Cell;
  readonly #phases: ShutdownPhases;
  readonly #onFailure: ((error: unknown) => void) | null;
  readonly #asks: Set<() => void> = new Set();
  #incarnations = 0;
  #failure: unknown = null;
  #shutdown: Promise<void> | null = null;
  #terminate: (failure: unknown) => void = () => undefined;

  constructor(options: ActorSystemOptions) {
    this.name = options.name ?? 'weir';
    this.runtime = options.runtime ?? nodeRuntime();
    this.logger = guardedLogger(options.logger ?? defaultLogger(this.runtime));
    this.failureLevel = options.failureLevel ?? 'warn';
    this.turnMessagesMax = positive('turnMessagesMax', options.turnMessagesMax ?? ACTOR_TURN_MESSAGES_MAX);
    this.turnMs = positive('turnMs', options.turnMs ?? ACTOR_TURN_MS_MAX);
    this.host =
      options.host === 'dispatch'
        ? dispatchHost((turn, lane) => this.runtime.dispatch(turn, lane))
        : nactHost();
    this.interceptor = options.interceptor ?? null;
    this.random = this.runtime.random('actors.backoff');
    this.deadLetters = new DeadLetters(options.onDeadLetter ?? null, this.logger);
    this.#onFailure = options.onFailure ?? null;
    const phaseMs = positive(
      'shutdownPhaseTimeoutMs',
      options.shutdownPhaseTimeoutMs ?? ACTOR_SHUTDOWN_PHASE_TIMEOUT_MS,
    );
    this.#phases = new ShutdownPhases(this.runtime.timers, this.logger, phaseMs);
    this.terminated = new Promise((resolve) => {
      this.#terminate = resolve;
    });
    const settings = spawnSettings(
      '/',
      options.supervision === undefined ? {} : { supervision: options.supervision },
    );
    this.#root = new Cell(
      this,
      null,
      { path: '/', name: this.name },
      () => ({ onMessage: ignore }),
      settings,
      null,
    );
    this.#root.startLife();
  }

  spawn<M>(setup: ActorSetup<M>, options: SpawnOptions = {}): ActorRef<M> {
    return spawnChild(this, this.#root, setup, options).receiver.ref;
  }

  spawnStarted<M>(setup: ActorSetup<M>, options: SpawnOptions = {}): Promise<ActorRef<M>> {
    return spawnStarted(this, this.#root, setup, options);
  }

  ask<Q, R>(ref: ActorRef<Q>, make: (reply: Reply<R>) => Q, options?: AskOptions): Promise<R> {
    if (this.#root.receiver.ended !== null)
      return Promise.reject(new ActorStoppedError('/', 'the system was to ask'));
    const { deadLetters, retired } = this;
    const asker = { path: '/', incarnation: this.#root.incarnation, asks: this.#asks };
    return ask({ timers: this.runtime.timers, deadLetters, retired }, asker, ref, make, options);
  }

  async stop(ref: ActorRef<never>): Promise<void> {
    const cell = this.#living(ref);
    if (cell === null) return;
    cell.remove();
    await cell.whenEnded();
  }

  crash(ref: ActorRef<never>, error: unknown): void {
    const cell = this.#living(ref);
    if (cell !== null && cell.life !== null) cell.fail(cell.life, error);
  }

  snapshot(): ActorSnapshot {
    return snapshotOf(this.#root, this.living);
  }

  conservation(): Conservation {
    const total = new Tally();
    total.add(this.retired);
    let queued = 0;
    for (const cell of this.living.values()) {
      total.add(cell.receiver.tally);
      queued += cell.receiver.queued();
    }
    const { sent, handled, deadLettered, dropped } = total;
    return { sent, handled, deadLettered, dropped, queued };
  }

  find(path: string): ActorRef<never> | null {
    const cell = this.paths.get(path);
    return cell === undefined || cell === this.#root ? null : cell.receiver.ref;
  }

  onShutdown(phase: ShutdownPhase, name: string, work: () => void | Promise<void>): void {
    this.#phases.add(phase, name, work);
  }

  shutdown(): Promise<void> {
    this.#shutdown ??= this.#runShutdown();
    return this.#shutdown;
  }

  // ---------------------------------------------------------------- for the actors of the system

  refOf(receiver: Receiver): LocalRef<unknown> {
    return this.interceptor === null
      ? new LocalRef(receiver)
      : new InterceptedRef(receiver, this.interceptor);
  }

  nextIncarnation(): number {
    this.#incarnations += 1;
    return this.#incarnations;
  }

  contextOf(cell: Cell, life: Life): ActorContext<unknown> {
    return new LifeContext(this, cell, life);
  }

  reasonAfterEnd(path: string, ended: StopReason): DeadLetterReason {
    if (this.#root.receiver.ended !== null) return 'systemStopped';
    if (this.paths.has(path)) return 'staleRef';
    return ended.kind === 'failed' || ended.kind === 'killed' ? 'failed' : 'stopped';
  }

  rootGivesUp(error: unknown): void {
    this.logger.error({ system: this.name, error: messageOf(error) }, 'the actor system fails');
    this.#failure = error;
    try {
      this.#onFailure?.(error);
    } catch (thrown) {
      this.logger.error({ system: this.name, error: messageOf(thrown) }, 'onFailure threw');
    }
    void this.shutdown();
  }

  rootShutsDown(): void {
    void this.shutdown();
  }

  rootEnded(): void {
    for (const cancel of [...this.#asks]) cancel();
    this.host.stop();
    this.#terminate(this.#failure);
  }

  async #runShutdown(): Promise<void> {
    await this.#phases.run();
    this.#root.remove();
    await this.#root.whenEnded();
  }

  #living(ref: ActorRef<never>): Cell | null {
    const receiver = localReceiver(ref);
    const cell = this.living.get(receiver.incarnation);
    return cell?.receiver === receiver && receiver.ended === null ? cell : null;
  }
}

function positive(name: string, value: number): number {
  if (value > 0) return value;
  throw new ConfigError(`actorSystem: ${name} takes a number above 0, got ${value}.`);
}

function ignore(): void {
  // The root has no address, so no message can come.
}
