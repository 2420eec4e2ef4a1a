// What an actor is to the person who writes one, and what the kernel promises about it.
//
// Owns:    the public types of the kernel.
// Not:     how turns are scheduled (cell.ts), who restarts whom (supervisor-machine.ts, supervision.ts).
//
// An *actor* is what one `spawn` made: a path, a number (`incarnation`), a mailbox. It lives one *life* after
// another: each supervised restart runs the setup again and keeps path, number, ref and queued messages.
// Timers, watches, links and the AbortSignal belong to the life and end with it.
//
// K1. One handler of an incarnation runs at a time, awaited promises included.
// K2. Messages of one sender to one receiver are handled in the order of sending, per lane.
// K3. The control lane is never blocked by data; the data lane never exceeds its capacity.
// K4. sent = handled + dead-lettered + dropped + queued, at any time, per actor and for the system.
// K5. A ref reaches the actor it was made for, over its restarts, and never another actor that took the path later;
//     once its actor has ended, its messages become dead letters with a reason.
// K6. Setup, handlers and hooks of an actor run in turns of its own, never inside the call of another actor.

import type { Logger } from '../../src/base/logger.js';
import type { Runtime, TimerHandle } from '../../src/base/runtime.js';

/** What happens when a message is offered to a full data lane. */
export type Overflow = 'backpressure' | 'fail' | 'dropNewest' | 'dropOldest';

export interface MailboxOptions {
  /** Messages that the data lane holds. Default 1,024. */
  readonly capacity?: number;
  /**
   * `backpressure` (default): `send` waits for room, `offer` answers false.
   * `fail`: `send` rejects and `offer` throws MailboxFullError.
   * `dropNewest`, `dropOldest`: a message is dropped and becomes a dead letter; `send` resolves and `offer` answers true.
   */
  readonly overflow?: Overflow;
}

export interface SendOptions {
  readonly signal?: AbortSignal;
}

export interface AskOptions {
  /** Monotonic time until the promise rejects with AskTimeoutError. Default 5,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Where to send messages for one actor, over its restarts. Comparable by identity; safe to keep after its end. */
export interface ActorRef<in M> {
  /** `/name/child/...`: the place in the tree. A later actor may have the same path, but never the same `incarnation`. */
  readonly path: string;
  readonly incarnation: number;
  /**
   * Resolves when the message is in the mailbox (not when it is handled), or was taken as a dead letter.
   * Order per sender is the order of the calls. An aborted signal takes a waiting message back and rejects with its reason.
   */
  send(message: M, options?: SendOptions): Promise<void>;
  /** Puts the message into the data lane if there is room and says whether it did. A dead receiver also takes it (as a dead letter): true. */
  offer(message: M): boolean;
  /** Control lane: handled before all queued data, never blocked, for small messages of bounded number. */
  control(message: M): void;
}

/** Messages that carry where to answer: `ask` makes the `Reply`. */
export interface Reply<in R> {
  /** First call wins. After a time-out, an abort or a first answer, the answer becomes a dead letter. */
  resolve(answer: R): void;
  reject(error: unknown): void;
}

/**
 * `normal`: the actor stopped itself. `shutdown`: somebody else stopped it. `failed`: its code threw, or a fault was
 * injected. `killed`: it did not stop in time, or failed while it was stopping.
 */
export type StopReason =
  | { readonly kind: 'normal' }
  | { readonly kind: 'shutdown' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'killed'; readonly error: unknown };

/** What the kernel tells an actor beside its messages, in the control lane. */
export type Signal = {
  readonly kind: 'terminated';
  readonly path: string;
  readonly incarnation: number;
  readonly reason: StopReason;
};

/**
 * The living part of one life of an actor. Hooks of a life that was abandoned (it hung, or a fault was injected while
 * its handler was awaiting) run when that handler settles, if it ever does; nothing waits for them.
 */
export interface Behavior<M> {
  /** A promise is awaited before the next message is handled. A throw or rejection is a failure of this incarnation. */
  onMessage(message: M): void | Promise<void>;
  /** Without it, the termination of a watched actor fails the watcher (death pact). */
  onSignal?(signal: Signal): void | Promise<void>;
  /** Nothing arrived for `context.receiveTimeout(ms)`. */
  onReceiveTimeout?(): void | Promise<void>;
  /** Before a restart, on the failed life, when its children have stopped: release what must not outlive it. Bounded by the stop time-out. */
  preRestart?(error: unknown): void | Promise<void>;
  /** Once, after the last message and after all children have stopped. Not called on a restart if `preRestart` exists. */
  postStop?(reason: StopReason): void | Promise<void>;
}

export type RestartType = 'permanent' | 'transient' | 'temporary';
export type Strategy = 'oneForOne' | 'oneForAll' | 'restForOne';

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly factor: number;
  /** Fraction of the delay that is random, 0 to 1. */
  readonly jitter: number;
}

export interface SupervisionOptions {
  readonly strategy?: Strategy;
  /** More restarts than this within `periodMs` and the supervisor fails itself: its parent decides. Default 1. */
  readonly restartsMax?: number;
  /** Default 5,000. */
  readonly periodMs?: number;
  /** Delay before a restart. Default: none. */
  readonly backoff?: BackoffOptions;
  /**
   * Overrides the restart type for one failure; called at once, also while the supervisor's own handler awaits.
   * A policy that throws, or answers something else, means escalate.
   */
  readonly decide?: (failure: {
    readonly child: string;
    readonly error: unknown;
  }) => 'restart' | 'stop' | 'escalate';
  /** Stop the supervisor when significant children end by themselves. Default never. */
  readonly autoShutdown?: 'never' | 'anySignificant' | 'allSignificant';
}

export interface SpawnOptions {
  /** Unique among living siblings; generated when absent. */
  readonly name?: string;
  readonly mailbox?: MailboxOptions;
  /** How the parent treats the end of this child. Default `temporary`: a failed actor stops, and its watchers learn why. */
  readonly restart?: RestartType;
  readonly significant?: boolean;
  /**
   * Monotonic milliseconds that an orderly stop waits for the handler in hand, and again for the last hook;
   * then the actor is abandoned and fenced. Children have bounds of their own. Default 5,000.
   */
  readonly stopTimeoutMs?: number;
  /** A handler or setup that has not settled after this long fails the life (F04). Default: no deadline. */
  readonly handlerTimeoutMs?: number;
  /** How this actor supervises its own children. */
  readonly supervision?: SupervisionOptions;
  /** What to do with the message in hand when the handler failed. Default `deadLetter`. `redeliver` tries it again after the restart, this many times. */
  readonly onFailedMessage?: 'deadLetter' | { readonly redeliver: number };
}

/**
 * Builds an incarnation: called at the first start and at every restart. May be async; the actor takes no message
 * before it has settled, and a failure in it counts as a failure of the actor.
 */
export type ActorSetup<M> = (context: ActorContext<M>) => Behavior<M> | Promise<Behavior<M>>;

export interface ActorContext<M> {
  readonly self: ActorRef<M>;
  readonly path: string;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** Aborted when this life stops or fails. */
  readonly signal: AbortSignal;
  spawn<C>(setup: ActorSetup<C>, options?: SpawnOptions): ActorRef<C>;
  /** Resolves when the child's setup has settled; rejects when it failed: the child is then gone and not restarted. */
  spawnStarted<C>(setup: ActorSetup<C>, options?: SpawnOptions): Promise<ActorRef<C>>;
  /**
   * Stops a child or this actor, children first, in reverse order of their start; resolves when it is gone.
   * For the actor itself it resolves at once: its handler cannot wait for its own end.
   */
  stop(ref?: ActorRef<never>): Promise<void>;
  /** `terminated` arrives once, also when the actor is dead already. */
  watch(ref: ActorRef<never>): void;
  /** The same, but the end arrives as a message of the watcher's own instead of `terminated`. */
  watchWith(ref: ActorRef<never>, message: M): void;
  unwatch(ref: ActorRef<never>): void;
  /** Two actors that end together: each fails when the other fails. */
  link(ref: ActorRef<never>): void;
  /** Delivers to the control lane of this life; gone with it. */
  after(delayMs: number, message: M): TimerHandle;
  /** At a fixed rate; a tick is skipped while the one before it has not been handled. */
  every(intervalMs: number, message: M): TimerHandle;
  /** Milliseconds without message until `onReceiveTimeout`; null switches it off. */
  receiveTimeout(delayMs: number | null): void;
  /**
   * Puts the message in hand aside; `unstashAll` puts all of them back in front of the mailbox, in order. Bounded by
   * the capacity. A restart puts them back too; at the end of the actor they become dead letters.
   */
  stash(): void;
  unstashAll(): void;
  ask<Q, R>(ref: ActorRef<Q>, make: (reply: Reply<R>) => Q, options?: AskOptions): Promise<R>;
  children(): readonly ActorRef<never>[];
}

export type DeadLetterReason =
  | 'stopped'
  | 'failed'
  | 'staleRef'
  | 'dropNewest'
  | 'dropOldest'
  | 'lateReply'
  | 'handlerFailed'
  | 'stashLost'
  | 'systemStopped';

export interface DeadLetter {
  readonly path: string;
  readonly incarnation: number;
  readonly reason: DeadLetterReason;
  readonly message: unknown;
  /** What the handler threw, for `handlerFailed`; else null. */
  readonly error: unknown;
}

/** One actor in `system.snapshot()`. */
export interface ActorSnapshot {
  readonly path: string;
  readonly incarnation: number;
  readonly state: 'starting' | 'running' | 'restarting' | 'stopping' | 'stopped';
  /** Messages in the data lane, never more than `capacity`. The stash and the message in hand are in `counts.queued` only. */
  readonly queued: number;
  readonly queuedControl: number;
  readonly capacity: number;
  readonly handled: number;
  readonly restarts: number;
  readonly lastError: string | null;
  /** Messages of this actor: `sent` = the sum of the others. */
  readonly counts: Conservation;
  readonly children: readonly ActorSnapshot[];
}

/** Where the messages went. `dropped` counts what `dropNewest` and `dropOldest` dropped, `queued` includes both lanes, the stash and the message in hand. */
export interface Conservation {
  readonly sent: number;
  readonly handled: number;
  readonly deadLettered: number;
  readonly dropped: number;
  readonly queued: number;
}

/** An actor that is about to be made. */
export interface Spawning {
  readonly setup: ActorSetup<unknown>;
  readonly options: SpawnOptions;
}

/** Where a message is going. */
export interface Destination {
  readonly path: string;
  readonly incarnation: number;
}

/** A door for fault injection: who stands in it sees every spawn and every message on its way into a mailbox. */
export interface ActorInterceptor {
  /** Before an actor is made: answers what is to be spawned in its place. */
  spawning(path: string, spawning: Spawning): Spawning;
  /**
   * Before a message enters a mailbox. True: the interceptor has taken it, and calls `deliver` with whatever is to arrive,
   * now or later, once, several times, or never. Late messages wait for room like those of any sender.
   */
  entering(
    to: Destination,
    lane: 'data' | 'control',
    message: unknown,
    deliver: (message: unknown) => void,
  ): boolean;
}

export interface ActorSystemOptions {
  readonly name?: string;
  /** Default: Node. */
  readonly runtime?: Runtime;
  /** Who runs the turns: nact (default), or `runtime.dispatch`, for virtual time. */
  readonly host?: 'nact' | 'dispatch';
  /** Messages that one actor handles before others get their turn. Default 1,024. */
  readonly turnMessagesMax?: number;
  /** Monotonic milliseconds of one turn, checked between messages. Default 2. */
  readonly turnMs?: number;
  /** Monotonic milliseconds for each phase of the coordinated shutdown. Default 5,000. */
  readonly shutdownPhaseTimeoutMs?: number;
  /** Default: warnings and errors to standard error, as the environment variable WEIR_LOG says (silent, error, warn, info, debug). */
  readonly logger?: Logger;
  /** How a failing actor is logged. Default `warn`; `debug` where those who watch it report the failure themselves. */
  readonly failureLevel?: 'warn' | 'debug';
  /** Supervision of the top-level actors. */
  readonly supervision?: SupervisionOptions;
  readonly onDeadLetter?: (letter: DeadLetter) => void;
  /** A failure that was escalated to the top, or more restarts of top-level actors than allowed: the system stops with it. */
  readonly onFailure?: (error: unknown) => void;
  /** For fault injection: sees every spawn and every message. Default: none, at no cost. */
  readonly interceptor?: ActorInterceptor;
}

export interface ActorSystem {
  readonly name: string;
  spawn<M>(setup: ActorSetup<M>, options?: SpawnOptions): ActorRef<M>;
  spawnStarted<M>(setup: ActorSetup<M>, options?: SpawnOptions): Promise<ActorRef<M>>;
  ask<Q, R>(ref: ActorRef<Q>, make: (reply: Reply<R>) => Q, options?: AskOptions): Promise<R>;
  stop(ref: ActorRef<never>): Promise<void>;
  /** Ends an incarnation at once, as if its handler had thrown `error`: fault injection. The supervisor decides what follows. */
  crash(ref: ActorRef<never>, error: unknown): void;
  snapshot(): ActorSnapshot;
  conservation(): Conservation;
  /** Living ref at a path, or null. */
  find(path: string): ActorRef<never> | null;
  /** Adds work to a phase of the coordinated shutdown; phases run in order, each bounded in time. */
  onShutdown(phase: ShutdownPhase, name: string, work: () => void | Promise<void>): void;
  /** Coordinated shutdown: phases, then the actors in reverse order of start. Idempotent. */
  shutdown(): Promise<void>;
  /** Resolves with the failure that brought the system down, or null after a shutdown. */
  readonly terminated: Promise<unknown>;
}

export type ShutdownPhase =
  | 'beforeServiceUnbind'
  | 'serviceUnbind'
  | 'serviceRequestsDone'
  | 'beforeActorsStop';
