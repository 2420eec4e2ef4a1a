// Who is restarted, stopped or given up when a child ends: the deciding part of a supervisor, as in OTP.
//
// Owns:    strategies, restart types, intensity, back-off, group restarts, auto-shutdown. Pure: state and event in,
//          state and actions out. Time and randomness come with the event (`Moment`).
// Not:     stopping and starting (supervision.ts), asking the user's policy (it arrives as a `Verdict`).
//
// V1. One group procedure at a time: stop in reverse order, wait, start in order, each step acknowledged before the
//     next. Exits of children that the procedure does not touch are decided when it is done.
// V2. Every restart counts before it happens; one too many and the supervisor gives up, and decides nothing more.
// V3. A temporary child is never restarted unless a verdict says so; a group restart stops and removes it.
// V4. A start that fails is a failure of the child: it counts, and the group starts again from it.

import { assert } from '../../src/base/assert.js';
import type { BackoffOptions, RestartType, Strategy } from './actor.js';

export interface SupervisionPolicy {
  readonly strategy: Strategy;
  readonly restartsMax: number;
  readonly periodMs: number;
  readonly backoff: BackoffOptions | null;
  readonly autoShutdown: 'never' | 'anySignificant' | 'allSignificant';
}

export type Verdict = 'restart' | 'stop' | 'escalate';

export interface SupervisedChild {
  readonly id: number;
  readonly restart: RestartType;
  readonly significant: boolean;
  /** `down`: stopped or failed, and due to be started again. */
  readonly status: 'up' | 'down';
  /** Restarts in a row without a healthy period between them: the exponent of the back-off. */
  readonly attempts: number;
  readonly upSinceMs: number | null;
  /** The wait after which it is started; null when there is none, or a group waits. */
  readonly waitToken: number | null;
}

export type Procedure =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'stopping';
      readonly stop: readonly number[];
      readonly restart: readonly number[];
      readonly delayMs: number;
    }
  | { readonly kind: 'waiting'; readonly token: number; readonly restart: readonly number[] }
  | { readonly kind: 'starting'; readonly restart: readonly number[] };

export interface SupervisorState {
  readonly policy: SupervisionPolicy;
  /** In the order of their first start. */
  readonly children: readonly SupervisedChild[];
  readonly restartsAtMs: readonly number[];
  readonly procedure: Procedure;
  readonly deferred: readonly Exited[];
  readonly tokens: number;
  /** It has given up or shut down. */
  readonly over: boolean;
}

export interface Exited {
  readonly kind: 'exited';
  readonly id: number;
  readonly reason: 'normal' | 'shutdown' | 'failed';
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

export interface Step {
  readonly state: SupervisorState;
  readonly actions: readonly SupervisorAction[];
}

export function supervisorState(policy: SupervisionPolicy): SupervisorState {
  return {
    policy,
    children: [],
    restartsAtMs: [],
    procedure: { kind: 'none' },
    deferred: [],
    tokens: 0,
    over: false,
  };
}

export function supervise(before: SupervisorState, event: SupervisorEvent, moment: Moment): Step {
  let { state, actions } = react(before, event, moment);
  for (;;) {
    const [exit, ...later] = state.deferred;
    const isBusy = state.procedure.kind === 'stopping' || state.procedure.kind === 'starting';
    if (exit === undefined || isBusy || state.over) return { state, actions };
    const next = onExited({ ...state, deferred: later }, exit, moment);
    state = next.state;
    actions = [...actions, ...next.actions];
  }
}

function react(state: SupervisorState, event: SupervisorEvent, moment: Moment): Step {
  if (state.over) return quiet(state);
  switch (event.kind) {
    case 'added':
      return quiet({ ...state, children: [...state.children, childOf(event, moment)] });
    case 'exited':
      return onExited(state, event, moment);
    case 'stopped':
      return onStopped(state, event.id);
    case 'started':
      return onStarted(state, event.id, moment);
    case 'elapsed':
      return onElapsed(state, event.token);
    case 'removed':
      return onRemoved(state, event.id);
  }
}

function childOf(
  event: { id: number; restart: RestartType; significant: boolean },
  moment: Moment,
): SupervisedChild {
  const { id, restart, significant } = event;
  return { id, restart, significant, status: 'up', attempts: 0, upSinceMs: moment.nowMs, waitToken: null };
}

function onExited(state: SupervisorState, event: Exited, moment: Moment): Step {
  const { procedure } = state;
  if (procedure.kind === 'stopping') {
    return procedure.stop.includes(event.id) ? onStopped(state, event.id) : defer(state, event);
  }
  if (procedure.kind === 'starting' && procedure.restart[0] !== event.id) return defer(state, event);
  const child = state.children.find(({ id }) => id === event.id);
  if (child === undefined) return quiet(state);
  const fate = event.verdict ?? fateByType(child.restart, event.reason);
  switch (fate) {
    case 'escalate':
      return giveUp(state, child.id, 'escalated');
    case 'stop':
      return remove(state, child);
    case 'restart':
      return restart(state, child, moment);
  }
}

function fateByType(type: RestartType, reason: Exited['reason']): Verdict {
  if (type === 'temporary') return 'stop';
  if (type === 'transient' && reason !== 'failed') return 'stop';
  return 'restart';
}

function restart(state: SupervisorState, child: SupervisedChild, moment: Moment): Step {
  const { policy } = state;
  // OTP counts a restart on the very edge of the period as within it.
  const within = state.restartsAtMs.filter((atMs) => moment.nowMs <= atMs + policy.periodMs);
  if (within.length >= policy.restartsMax) return giveUp(state, child.id, 'intensity');
  const isHealthy = child.upSinceMs !== null && moment.nowMs - child.upSinceMs > policy.periodMs;
  const attempts = isHealthy ? 1 : child.attempts + 1;
  const delayMs = delayOf(policy.backoff, attempts, moment.draw);
  const counted = {
    ...withChild(state, { ...child, status: 'down', attempts, upSinceMs: null }),
    restartsAtMs: policy.restartsMax === Number.POSITIVE_INFINITY ? [] : [...within, moment.nowMs],
  };
  if (policy.strategy === 'oneForOne') return restartOne(counted, child.id, delayMs);
  return restartGroup(counted, child.id, delayMs);
}

function delayOf(backoff: BackoffOptions | null, attempts: number, draw: number): number {
  if (backoff === null) return 0;
  const fullMs = Math.min(backoff.maxMs, backoff.initialMs * backoff.factor ** (attempts - 1));
  return fullMs * (1 - backoff.jitter * draw);
}

function restartOne(state: SupervisorState, id: number, delayMs: number): Step {
  if (delayMs <= 0) return { state, actions: [{ kind: 'start', id }] };
  const token = state.tokens + 1;
  const children = state.children.map((child) => (child.id === id ? { ...child, waitToken: token } : child));
  return { state: { ...state, children, tokens: token }, actions: [{ kind: 'wait', token, delayMs }] };
}

/** Also called while the group waits or starts: what is down already stays down and is started with the others. */
function restartGroup(state: SupervisorState, id: number, delayMs: number): Step {
  const { children, procedure, policy } = state;
  const due = procedure.kind === 'none' || procedure.kind === 'stopping' ? [] : procedure.restart;
  const from = policy.strategy === 'oneForAll' ? 0 : children.findIndex((child) => child.id === id);
  const affected = children.filter((child, at) => at >= from || due.includes(child.id));
  const stop = affected.filter((child) => child.status === 'up').map((child) => child.id);
  const again = affected.filter(
    (child) => child.restart !== 'temporary' || child.id === id || due.includes(child.id),
  );
  return advance({
    ...state,
    procedure: { kind: 'stopping', stop: stop.reverse(), restart: again.map((child) => child.id), delayMs },
  });
}

/** Emits the action that the procedure is now waiting for; called whenever its head has changed. */
function advance(state: SupervisorState): Step {
  const { procedure } = state;
  switch (procedure.kind) {
    case 'none':
    case 'waiting':
      return quiet(state);
    case 'stopping': {
      const [id] = procedure.stop;
      if (id !== undefined) return { state, actions: [{ kind: 'stop', id }] };
      const { restart, delayMs } = procedure;
      if (delayMs <= 0) return advance({ ...state, procedure: { kind: 'starting', restart } });
      const token = state.tokens + 1;
      const waiting: Procedure = { kind: 'waiting', token, restart };
      return {
        state: { ...state, procedure: waiting, tokens: token },
        actions: [{ kind: 'wait', token, delayMs }],
      };
    }
    case 'starting': {
      const [id] = procedure.restart;
      if (id !== undefined) return { state, actions: [{ kind: 'start', id }] };
      return quiet({ ...state, procedure: { kind: 'none' } });
    }
  }
}

function onStopped(state: SupervisorState, id: number): Step {
  const { procedure } = state;
  if (procedure.kind !== 'stopping' || !procedure.stop.includes(id)) return quiet(state);
  const wasHead = procedure.stop[0] === id;
  const stop = procedure.stop.filter((other) => other !== id);
  const returns = procedure.restart.includes(id);
  const children = returns
    ? state.children.map((child) =>
        child.id === id ? { ...child, status: 'down' as const, upSinceMs: null } : child,
      )
    : state.children.filter((child) => child.id !== id);
  const next = { ...state, children, procedure: { ...procedure, stop } };
  const { state: after, actions } = wasHead ? advance(next) : quiet(next);
  return { state: after, actions: returns ? actions : [{ kind: 'remove', id }, ...actions] };
}

function onStarted(state: SupervisorState, id: number, moment: Moment): Step {
  const child = state.children.find((other) => other.id === id);
  if (child === undefined || child.status === 'up') return quiet(state);
  const up = withChild(state, { ...child, status: 'up', upSinceMs: moment.nowMs });
  return skipStarting(up, id);
}

/** The head of a starting procedure is done with, one way or the other. */
function skipStarting(state: SupervisorState, id: number): Step {
  const { procedure } = state;
  if (procedure.kind !== 'starting' || procedure.restart[0] !== id) return quiet(state);
  return advance({ ...state, procedure: { kind: 'starting', restart: procedure.restart.slice(1) } });
}

function onElapsed(state: SupervisorState, token: number): Step {
  const { procedure } = state;
  if (procedure.kind === 'waiting' && procedure.token === token) {
    return advance({ ...state, procedure: { kind: 'starting', restart: procedure.restart } });
  }
  const child = state.children.find(({ waitToken }) => waitToken === token);
  if (child === undefined) return quiet(state);
  return {
    state: withChild(state, { ...child, waitToken: null }),
    actions: [{ kind: 'start', id: child.id }],
  };
}

/** A child that will not come back: it may have been part of the procedure that runs. */
function onRemoved(state: SupervisorState, id: number): Step {
  const children = state.children.filter((child) => child.id !== id);
  const deferred = state.deferred.filter((exit) => exit.id !== id);
  const { procedure } = state;
  const rest = { ...state, children, deferred };
  if (procedure.kind === 'none') return quiet(rest);
  const isHead =
    procedure.kind === 'stopping'
      ? procedure.stop[0] === id
      : procedure.kind === 'starting' && procedure.restart[0] === id;
  const restart = procedure.restart.filter((other) => other !== id);
  const next: SupervisorState =
    procedure.kind === 'stopping'
      ? {
          ...rest,
          procedure: { ...procedure, restart, stop: procedure.stop.filter((other) => other !== id) },
        }
      : { ...rest, procedure: { ...procedure, restart } };
  return isHead ? advance(next) : quiet(next);
}

function remove(state: SupervisorState, child: SupervisedChild): Step {
  const { state: next, actions } = onRemoved(state, child.id);
  const removal: SupervisorAction[] = [{ kind: 'remove', id: child.id }, ...actions];
  if (!child.significant || !endsWith(next)) return { state: next, actions: removal };
  return { state: { ...next, over: true }, actions: [...removal, { kind: 'shutdown' }] };
}

/** Whether the end of a significant child is the end of its supervisor. */
function endsWith(state: SupervisorState): boolean {
  switch (state.policy.autoShutdown) {
    case 'never':
      return false;
    case 'anySignificant':
      return true;
    case 'allSignificant':
      return !state.children.some((child) => child.significant);
  }
}

function giveUp(state: SupervisorState, id: number, because: 'intensity' | 'escalated'): Step {
  return { state: { ...state, over: true }, actions: [{ kind: 'giveUp', id, because }] };
}

function defer(state: SupervisorState, exit: Exited): Step {
  return quiet({ ...state, deferred: [...state.deferred, exit] });
}

function withChild(state: SupervisorState, changed: SupervisedChild): SupervisorState {
  assert(changed.waitToken === null || changed.status === 'down', 'only what is down waits for its start');
  return { ...state, children: state.children.map((child) => (child.id === changed.id ? changed : child)) };
}

function quiet(state: SupervisorState): Step {
  return { state, actions: [] };
}
