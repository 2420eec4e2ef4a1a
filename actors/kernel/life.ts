// One life of an actor: from its setup to its last hook.
//
// Owns:    how far the life has come, whether user code is running in it, and what ends with it: timers, receive
//          time-out, watches, links, asks, AbortSignal.
// Not:     when it begins and ends (cell.ts), which message is next (turn.ts).
//
// L1. User code of a life runs once at a time: `engaged` says whether, `token` says which run a settled promise belongs to.
// L2. A fenced life has no effect any more: results of code that still runs in it are looked at, logged and dropped.
// L3. What a life owns is released once, when it starts to end; nothing of it reaches a later life.

import type { TimerHandle, Timers } from '../../src/base/runtime.js';
import type { Behavior, Signal, StopReason } from './actor.js';
import type { HostedActor } from './actor-host.js';
import type { Supervision } from './supervision.js';

/**
 * What becomes of the actor when this life is over. `undecided`: the supervisor says so before the last hook.
 * `ask`: it is asked when the life is over. `pause`: it has ordered the end, and says later what follows.
 */
export type Goal = 'undecided' | 'restart' | 'ask' | 'pause' | 'remove';

export interface Ending {
  reason: StopReason;
  goal: Goal;
  /** What it waits for: code in hand, children, the supervisor's decision, a turn for the last hook and its promise. */
  step: 'handler' | 'children' | 'decision' | 'hook' | 'hookTurn' | 'done';
  fenced: boolean;
}

export type Stage = 'created' | 'starting' | 'running' | 'ending' | 'over';

/** The actor that lives this life, as far as the life needs it. */
export interface LifeOwner {
  readonly path: string;
  readonly incarnation: number;
  notify(notice: Notice): void;
  fail(life: Life, error: unknown): void;
}

/** An entry of the control lane that is not a message. Stale ones, and all of a life that has ended (L3), are skipped. */
export abstract class Notice {
  readonly life: Life;
  constructor(life: Life) {
    this.life = life;
  }
  abstract isStale(): boolean;
}

/** A timer went off: its message becomes one when it is taken, so that it can be cancelled until then. */
export class TimerNotice extends Notice {
  readonly timer: OwnedTimer;
  constructor(life: Life, timer: OwnedTimer) {
    super(life);
    this.timer = timer;
  }
  isStale(): boolean {
    return this.timer.cancelled;
  }
}

export class EndNotice extends Notice {
  readonly signal: Signal;
  readonly watch: Watch;
  constructor(life: Life, signal: Signal, watch: Watch) {
    super(life);
    this.signal = signal;
    this.watch = watch;
  }
  isStale(): boolean {
    return this.life.watches.get(this.signal.incarnation) !== this.watch;
  }
}

export class IdleNotice extends Notice {
  isStale(): boolean {
    return this.life.receiveTimeoutMs === null;
  }
}

export type Watch = { readonly kind: 'signal' } | { readonly kind: 'message'; readonly message: unknown };

export interface OwnedTimer {
  readonly message: unknown;
  cancelled: boolean;
  /** Its notice is in the control lane. */
  queued: boolean;
  handle: TimerHandle | null;
}

export class Life {
  readonly owner: LifeOwner;
  readonly hosted: HostedActor;
  supervision: Supervision | null = null;
  stage: Stage = 'created';
  ending: Ending | null = null;
  behavior: Behavior<unknown> | null = null;
  engaged: 'no' | 'sync' | 'async' = 'no';
  token = 0;
  /** A wake is on its way (H1). */
  wakePending = false;
  /** What is left of the turn: continued when an awaited handler settles. */
  turnMessagesLeft = 0;
  turnUntilMs = 0;
  /** When the code that is being awaited has to be settled. */
  deadlineMs = 0;
  deadlineTimer: TimerHandle | null = null;
  stopTimer: TimerHandle | null = null;
  receiveTimeoutMs: number | null = null;
  idleSinceMs = 0;
  #idleTimer: TimerHandle | null = null;
  /** The last hook of an abandoned life, to run when the code that still runs in it settles. */
  lateHook: (() => void | Promise<void>) | null = null;
  readonly watches: Map<number, Watch> = new Map();
  readonly links: Set<Life> = new Set();
  readonly asks: Set<() => void> = new Set();
  readonly #timers: Set<OwnedTimer> = new Set();
  #abort: AbortController | null = null;

  constructor(owner: LifeOwner, hosted: HostedActor) {
    this.owner = owner;
    this.hosted = hosted;
  }

  isFenced(): boolean {
    return this.stage === 'over' || this.ending?.fenced === true;
  }

  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.ending !== null) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  /** An actor has ended: the watcher hears it once, if this life watches it. */
  hearEnd(ended: { readonly path: string; readonly incarnation: number }, reason: StopReason): void {
    const { path, incarnation } = ended;
    const watch = this.watches.get(incarnation);
    if (watch === undefined) return;
    this.owner.notify(new EndNotice(this, { kind: 'terminated', path, incarnation, reason }, watch));
  }

  /** Delivers `message` each time; `next` gives the delay until the following time, or null after the last. */
  schedule(timers: Timers, delayMs: number, message: unknown, next: () => number | null): TimerHandle {
    const timer: OwnedTimer = { message, cancelled: false, queued: false, handle: null };
    // A life that is ending takes no new timers: the handler in hand may finish undisturbed.
    if (this.ending !== null) return { cancel: () => undefined };
    const fire = (): void => {
      if (!timer.queued) {
        timer.queued = true;
        this.owner.notify(new TimerNotice(this, timer));
      }
      // Ringing may have been its last: what rings may end the life, and with it this timer.
      const againMs = timer.cancelled ? null : next();
      if (againMs === null) this.#timers.delete(timer);
      else timer.handle = timers.after(againMs, fire);
    };
    timer.handle = timers.after(delayMs, fire);
    this.#timers.add(timer);
    return {
      cancel: () => {
        timer.cancelled = true;
        timer.handle?.cancel();
        this.#timers.delete(timer);
      },
    };
  }

  /** Switches the receive time-out on or off; one runtime timer, re-armed for the rest when messages came meanwhile. */
  setReceiveTimeout(timers: Timers, nowMs: () => number, delayMs: number | null): void {
    this.#idleTimer?.cancel();
    this.#idleTimer = null;
    this.receiveTimeoutMs = delayMs;
    if (delayMs === null || this.ending !== null) return;
    this.idleSinceMs = nowMs();
    const fire = (): void => {
      const restMs = this.engaged === 'no' ? this.idleSinceMs + delayMs - nowMs() : delayMs;
      if (restMs <= 0) {
        this.idleSinceMs = nowMs();
        this.owner.notify(new IdleNotice(this));
      }
      this.#idleTimer = timers.after(restMs <= 0 ? delayMs : restMs, fire);
    };
    this.#idleTimer = timers.after(delayMs, fire);
  }

  /** L3. Also tells the user's code, through the AbortSignal. */
  release(): void {
    for (const timer of this.#timers) {
      timer.cancelled = true;
      timer.handle?.cancel();
    }
    this.#timers.clear();
    this.#idleTimer?.cancel();
    this.#idleTimer = null;
    this.receiveTimeoutMs = null;
    this.deadlineTimer?.cancel();
    this.deadlineTimer = null;
    this.watches.clear();
    this.#abort?.abort();
  }

  /** Ends the asks of a life whose code will not run on; each rejects. */
  cancelAsks(): void {
    for (const cancel of [...this.asks]) cancel();
    this.asks.clear();
  }

  cancelStopTimer(): void {
    this.stopTimer?.cancel();
    this.stopTimer = null;
  }
}
