// Who is restarted, stopped or given up when a child ends: the deciding part of a supervisor, as in OTP.
//
// Owns:    strategies, restart types, intensity, back-off, group restarts, auto-shutdown. Event in, actions out: no
//          clock, no randomness, no promise in it; time and chance come with the event (`Moment`).
// Not:     stopping and starting (supervision.ts), asking the user's policy (it arrives as a `Verdict`).
//
// V1. One group procedure at a time: stop in reverse order, wait, start in order, each step acknowledged before the
//     next. Exits of children that the procedure does not touch are decided when it is done.
// V2. Every restart counts before it happens; one too many and the supervisor gives up, and decides nothing more.
// V3. A temporary child is never restarted unless a verdict says so; a group restart stops and removes it.
// V4. A start that fails is a failure of the child: it counts, and the group starts again from it.
// V5. What concerns one child costs the same whether it has ten siblings or a hundred thousand.

import { assert } from '../../src/base/assert.js';
import type { RestartType } from './actor.js';
import {
  delayOf,
  type ExitReason,
  fateByType,
  type SupervisionPolicy,
  type Verdict,
} from './restart-rules.js';

export interface Exited {
  readonly kind: 'exited';
  readonly id: number;
  readonly reason: ExitReason;
  readonly verdict: Verdict | null;
}

export type SupervisorEvent =
  | {
      readonly kind: 'added';
      readonly id: number;
      readonly restart: RestartType;
      readonly significant: boolean;
    }
  | Exited
  /** A `stop` action is done. */
  | { readonly kind: 'stopped'; readonly id: number }
  /** A `start` action is done. When it fails, `exited` comes instead. */
  | { readonly kind: 'started'; readonly id: number }
  | { readonly kind: 'elapsed'; readonly token: number }
  /** Stopped by somebody else, and gone. */
  | { readonly kind: 'removed'; readonly id: number };

export type SupervisorAction =
  | { readonly kind: 'stop'; readonly id: number }
  | { readonly kind: 'start'; readonly id: number }
  | { readonly kind: 'remove'; readonly id: number }
  | { readonly kind: 'wait'; readonly token: number; readonly delayMs: number }
  | { readonly kind: 'giveUp'; readonly id: number; readonly because: 'intensity' | 'escalated' }
  | { readonly kind: 'shutdown' };

/** `draw` is uniform in [0, 1). */
export interface Moment {
  readonly nowMs: number;
  readonly draw: number;
}

interface Child {
  readonly id: number;
  readonly restart: RestartType;
  readonly significant: boolean;
  /** `down`: stopped or failed, and due to be started again. */
  status: 'up' | 'down';
  /** Restarts in a row without a healthy period between them: the exponent of the back-off. */
  attempts: number;
  upSinceMs: number | null;
}

/** `stop` and `restart` are worked off from their heads. */
type Procedure =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'stopping';
      readonly stop: number[];
      readonly restart: number[];
      readonly delayMs: number;
    }
  | { readonly kind: 'waiting'; readonly token: number; readonly restart: number[] }
  | { readonly kind: 'starting'; readonly restart: number[] };

const NO_PROCEDURE: Procedure = { kind: 'none' };

export class SupervisorMachine {
  readonly #policy: SupervisionPolicy;
  /** In the order of their first start. */
  readonly #children: Map<number, Child> = new Map();
  /** Waits of single children; the wait of a group is in its procedure. */
  readonly #waits: Map<number, number> = new Map();
  #restartsAtMs: number[] = [];
  #procedure: Procedure = NO_PROCEDURE;
  #deferred: Exited[] = [];
  #significant = 0;
  #tokens = 0;
  #isOver = false;
  #actions: SupervisorAction[] = [];

  constructor(policy: SupervisionPolicy) {
    this.#policy = policy;
  }

  /** The supervisor is ending: whatever happens from now on, it decides nothing. */
  end(): void {
    this.#isOver = true;
  }

  /** True while a child is down and will be started again. */
  isDue(id: number): boolean {
    return !this.#isOver && this.#children.get(id)?.status === 'down';
  }

  step(event: SupervisorEvent, moment: Moment): readonly SupervisorAction[] {
    this.#actions = [];
    if (!this.#isOver) this.#react(event, moment);
    while (!this.#isOver && this.#procedure.kind !== 'stopping' && this.#procedure.kind !== 'starting') {
      const exit = this.#deferred.shift();
      if (exit === undefined) break;
      this.#onExited(exit, moment);
    }
    return this.#actions;
  }

  #react(event: SupervisorEvent, moment: Moment): void {
    switch (event.kind) {
      case 'added':
        return this.#onAdded(event.id, event.restart, event.significant, moment);
      case 'exited':
        return this.#onExited(event, moment);
      case 'stopped':
        return this.#onStopped(event.id);
      case 'started':
        return this.#onStarted(event.id, moment);
      case 'elapsed':
        return this.#onElapsed(event.token);
      case 'removed':
        return this.#onRemoved(event.id);
    }
  }

  #onAdded(id: number, restart: RestartType, significant: boolean, { nowMs }: Moment): void {
    this.#children.set(id, { id, restart, significant, status: 'up', attempts: 0, upSinceMs: nowMs });
    if (significant) this.#significant += 1;
  }

  #onExited(event: Exited, moment: Moment): void {
    const procedure = this.#procedure;
    const { id } = event;
    if (procedure.kind === 'stopping' && procedure.stop.includes(id)) return this.#onStopped(id);
    if (procedure.kind === 'stopping') return void this.#deferred.push(event);
    if (procedure.kind === 'starting' && procedure.restart[0] !== id) return void this.#deferred.push(event);
    const child = this.#children.get(id);
    if (child === undefined) return;
    switch (event.verdict ?? fateByType(child.restart, event.reason)) {
      case 'escalate':
        return this.#giveUp(id, 'escalated');
      case 'stop':
        return this.#removeExited(child);
      case 'restart':
        return this.#restart(child, moment);
    }
  }

  #restart(child: Child, { nowMs, draw }: Moment): void {
    const { restartsMax, periodMs, strategy, backoff } = this.#policy;
    if (restartsMax !== Number.POSITIVE_INFINITY) {
      // OTP counts a restart on the very edge of the period as within it.
      this.#restartsAtMs = this.#restartsAtMs.filter((atMs) => nowMs <= atMs + periodMs);
      if (this.#restartsAtMs.length >= restartsMax) return this.#giveUp(child.id, 'intensity');
      this.#restartsAtMs.push(nowMs);
    }
    const isHealthy = child.upSinceMs !== null && nowMs - child.upSinceMs > periodMs;
    child.attempts = isHealthy ? 1 : child.attempts + 1;
    setDown(child);
    const delayMs = delayOf(backoff, child.attempts, draw);
    if (strategy === 'oneForOne') this.#restartOne(child.id, delayMs);
    else this.#restartGroup(child.id, delayMs);
  }

  #restartOne(id: number, delayMs: number): void {
    if (delayMs <= 0) return void this.#actions.push({ kind: 'start', id });
    this.#waits.set(this.#wait(delayMs), id);
  }

  /** Also called while the group waits or starts: what is down already stays down and is started with the others. */
  #restartGroup(id: number, delayMs: number): void {
    const procedure = this.#procedure;
    const due = new Set(
      procedure.kind === 'waiting' || procedure.kind === 'starting' ? procedure.restart : [],
    );
    const stop: number[] = [];
    const restart: number[] = [];
    let isAffected = this.#policy.strategy === 'oneForAll';
    for (const child of this.#children.values()) {
      isAffected ||= child.id === id;
      if (!isAffected && !due.has(child.id)) continue;
      const returns = child.restart !== 'temporary' || child.id === id || due.has(child.id);
      if (returns) restart.push(child.id);
      if (this.#takeDeferred(child.id)) this.#stoppedAlready(child, returns);
      else if (child.status === 'up') stop.push(child.id);
    }
    this.#procedure = { kind: 'stopping', stop: stop.reverse(), restart, delayMs };
    this.#advance();
  }

  /** Orders what the procedure is now waiting for; called whenever its head has changed. */
  #advance(): void {
    const procedure = this.#procedure;
    switch (procedure.kind) {
      case 'none':
      case 'waiting':
        return;
      case 'stopping': {
        const { stop, restart, delayMs } = procedure;
        const [id] = stop;
        if (id !== undefined) return void this.#actions.push({ kind: 'stop', id });
        this.#procedure =
          delayMs > 0
            ? { kind: 'waiting', token: this.#wait(delayMs), restart }
            : { kind: 'starting', restart };
        return this.#advance();
      }
      case 'starting': {
        const [id] = procedure.restart;
        if (id !== undefined) return void this.#actions.push({ kind: 'start', id });
        this.#procedure = NO_PROCEDURE;
      }
    }
  }

  #onStopped(id: number): void {
    const procedure = this.#procedure;
    if (procedure.kind !== 'stopping' || !procedure.stop.includes(id)) return;
    const wasHead = procedure.stop[0] === id;
    take(procedure.stop, id);
    const child = this.#children.get(id);
    if (child !== undefined) this.#stoppedAlready(child, procedure.restart.includes(id));
    if (wasHead) this.#advance();
  }

  #stoppedAlready(child: Child, returns: boolean): void {
    if (returns) return setDown(child);
    this.#forget(child);
    this.#actions.push({ kind: 'remove', id: child.id });
  }

  /** True for a child that has ended by itself during a procedure: its group need not stop it, nor its exit be decided. */
  #takeDeferred(id: number): boolean {
    const others = this.#deferred.filter((exit) => exit.id !== id);
    const isDeferred = others.length < this.#deferred.length;
    this.#deferred = others;
    return isDeferred;
  }

  #onStarted(id: number, { nowMs }: Moment): void {
    const child = this.#children.get(id);
    if (child === undefined || child.status === 'up') return;
    child.status = 'up';
    child.upSinceMs = nowMs;
    const procedure = this.#procedure;
    if (procedure.kind !== 'starting') return;
    assert(procedure.restart[0] === id, 'a group starts in order', {
      started: id,
      due: procedure.restart[0],
    });
    procedure.restart.shift();
    this.#advance();
  }

  #onElapsed(token: number): void {
    const procedure = this.#procedure;
    if (procedure.kind === 'waiting' && procedure.token === token) {
      this.#procedure = { kind: 'starting', restart: procedure.restart };
      return this.#advance();
    }
    const id = this.#waits.get(token);
    this.#waits.delete(token);
    if (id !== undefined && this.#children.has(id)) this.#actions.push({ kind: 'start', id });
  }

  #removeExited(child: Child): void {
    this.#actions.push({ kind: 'remove', id: child.id });
    this.#onRemoved(child.id);
    if (!child.significant || !this.#endsWithSignificant()) return;
    this.#isOver = true;
    this.#actions.push({ kind: 'shutdown' });
  }

  /** A child that will not come back: it may have been part of the procedure that runs. */
  #onRemoved(id: number): void {
    const child = this.#children.get(id);
    if (child === undefined) return;
    this.#forget(child);
    this.#takeDeferred(id);
    const procedure = this.#procedure;
    if (procedure.kind === 'none') return;
    const worked = procedure.kind === 'stopping' ? procedure.stop : procedure.restart;
    const wasHead = worked[0] === id;
    if (procedure.kind === 'stopping') take(procedure.stop, id);
    take(procedure.restart, id);
    if (wasHead) this.#advance();
  }

  #forget(child: Child): void {
    this.#children.delete(child.id);
    if (child.significant) this.#significant -= 1;
  }

  /** Whether the end of a significant child is the end of its supervisor. */
  #endsWithSignificant(): boolean {
    switch (this.#policy.autoShutdown) {
      case 'never':
        return false;
      case 'anySignificant':
        return true;
      case 'allSignificant':
        return this.#significant === 0;
    }
  }

  #wait(delayMs: number): number {
    this.#tokens += 1;
    this.#actions.push({ kind: 'wait', token: this.#tokens, delayMs });
    return this.#tokens;
  }

  #giveUp(id: number, because: 'intensity' | 'escalated'): void {
    this.#isOver = true;
    this.#actions.push({ kind: 'giveUp', id, because });
  }
}

function setDown(child: Child): void {
  child.status = 'down';
  child.upSinceMs = null;
}

function take(ids: number[], id: number): void {
  const at = ids.indexOf(id);
  if (at >= 0) ids.splice(at, 1);
}
