// How a life ends: code in hand, children, decision, last hook, each step waiting for the one before.
//
// Owns:    the order of the steps, the time-outs of an orderly stop, abandoning.
// Not:     what follows the life (cell.ts).
//
// E1. An orderly stop waits for the handler in hand, a failure does not: it fences the life at once.
// E2. Children end before the last hook runs, in reverse order of their start.
// E3. A hook never runs beside a handler: in an abandoned life whose code is still running it runs after that code.
// E4. A hook that throws or hangs delays nothing for longer than the stop time-out; it is logged.

import { messageOf } from '../../src/base/errors.js';
import type { Logger } from '../../src/base/logger.js';
import type { Timers } from '../../src/base/runtime.js';
import type { Behavior, StopReason } from './actor.js';
import { StopTimeoutError } from './actor-errors.js';
import type { Ending, Goal, Life } from './life.js';
import { awaitRun, type Failure, isThenable, type TurnOwner } from './turn.js';

export interface EndingOwner extends TurnOwner {
  readonly logger: Logger;
  readonly timers: Timers;
  readonly stopTimeoutMs: number;
  /** The life takes no more messages; what it owns is released. */
  lifeEnds(life: Life): void;
  /** Code of the life was given up: it will not be waited for, and its message goes elsewhere. */
  abandoned(life: Life, error: unknown): void;
  /** A failed life has lost its children; its supervisor decides, through `decided`. */
  decisionNeeded(life: Life): void;
  lifeOver(life: Life, ending: Ending): void;
}

export function beginEnding(owner: EndingOwner, life: Life, reason: StopReason, goal: Goal): void {
  life.ending = { reason, goal, step: 'handler', fenced: reason.kind === 'failed' };
  life.stage = 'ending';
  owner.receiver.awake = true;
  owner.lifeEnds(life);
  advanceEnding(owner, life);
}

/** Goes on as far as nothing has to be waited for. Called whenever something that was waited for has happened. */
export function advanceEnding(owner: EndingOwner, life: Life): void {
  const { ending } = life;
  if (ending === null || life.stage === 'over') return;
  switch (ending.step) {
    case 'handler':
      if (life.engaged === 'sync') return;
      if (life.engaged === 'async' && !ending.fenced) return armStopTimer(owner, life, ending);
      life.cancelStopTimer();
      ending.step = 'children';
      return life.supervision === null ? childrenStopped(owner, life) : life.supervision.stopAll();
    case 'decision':
      if (ending.goal === 'undecided') return;
      ending.step = 'hook';
      return advanceEnding(owner, life);
    case 'hook':
      return prepareHook(owner, life, ending);
    case 'done':
      return owner.lifeOver(life, ending);
    case 'children':
    case 'hookTurn':
      return;
  }
}

/** All children have stopped. */
export function childrenStopped(owner: EndingOwner, life: Life): void {
  const { ending } = life;
  if (ending === null || ending.step !== 'children') return;
  ending.step = 'decision';
  if (ending.goal === 'undecided') owner.decisionNeeded(life);
  else advanceEnding(owner, life);
}

/** Waiting has an end: the life is fenced, and whatever still runs in it runs for nobody. */
export function abandon(owner: EndingOwner, life: Life, ending: Ending, error: unknown): void {
  if (ending.fenced) return;
  life.cancelStopTimer();
  ending.fenced = true;
  ending.reason = { kind: 'killed', error };
  owner.abandoned(life, error);
  if (ending.step === 'hookTurn') ending.step = 'done';
  advanceEnding(owner, life);
}

/** The turn that was asked for to run the last hook. */
export function takeHookTurn(owner: EndingOwner, life: Life): void {
  const { ending } = life;
  if (ending === null || ending.step !== 'hookTurn' || life.engaged !== 'no') return;
  const hook = lastHook(life, ending);
  const done = (failure: Failure | null): void => {
    life.cancelStopTimer();
    if (failure !== null) logHookFailure(owner, failure.thrown);
    ending.step = 'done';
    advanceEnding(owner, life);
  };
  life.engaged = 'sync';
  try {
    const result = hook?.();
    if (result !== undefined && isThenable(result)) {
      // A failed life is fenced from the start, but its hook is awaited all the same.
      armStopTimer(owner, life, ending);
      return awaitRun(owner, life, result, 'hook', done);
    }
  } catch (thrown) {
    life.engaged = 'no';
    return done({ thrown });
  }
  life.engaged = 'no';
  done(null);
}

/** The last hook of an abandoned life, if it has waited for the code that has now settled. Nothing waits for it. */
export function runLateHook(owner: EndingOwner, life: Life): void {
  const hook = life.lateHook;
  life.lateHook = null;
  if (hook === null) return;
  try {
    const result = hook();
    if (result === undefined || !isThenable(result)) return;
    void Promise.resolve(result).catch((thrown: unknown) => logHookFailure(owner, thrown));
  } catch (thrown) {
    logHookFailure(owner, thrown);
  }
}

/** Code of a fenced life threw: its result is nobody's any more, but it is not swallowed either. */
export function logLateFailure(owner: EndingOwner, thrown: unknown): void {
  owner.logger.warn({ actor: owner.path, error: messageOf(thrown) }, 'code of an abandoned life failed late');
}

function prepareHook(owner: EndingOwner, life: Life, ending: Ending): void {
  const hook = lastHook(life, ending);
  if (hook === null || life.engaged === 'async') {
    life.lateHook = hook;
    ending.step = 'done';
    return advanceEnding(owner, life);
  }
  ending.step = 'hookTurn';
  owner.wake(life);
}

export function lastHook(life: Life, ending: Ending): (() => void | Promise<void>) | null {
  const { behavior } = life;
  if (behavior === null) return null;
  const { reason } = ending;
  const preRestart: Behavior<unknown>['preRestart'] =
    ending.goal === 'restart' ? behavior.preRestart : undefined;
  if (preRestart !== undefined && reason.kind === 'failed')
    return () => preRestart.call(behavior, reason.error);
  const { postStop } = behavior;
  return postStop === undefined ? null : () => postStop.call(behavior, reason);
}

function armStopTimer(owner: EndingOwner, life: Life, ending: Ending): void {
  if (life.stopTimer !== null) return;
  const { stopTimeoutMs } = owner;
  life.stopTimer = owner.timers.after(stopTimeoutMs, () => {
    life.stopTimer = null;
    const what = life.behavior === null ? 'setup' : ending.step === 'hookTurn' ? 'last hook' : 'handler';
    const error = new StopTimeoutError(owner.path, what, stopTimeoutMs);
    owner.logger.error({ actor: owner.path, error: error.message }, 'actor abandoned');
    if (!ending.fenced) return abandon(owner, life, ending, error);
    ending.step = 'done';
    advanceEnding(owner, life);
  });
}

function logHookFailure(owner: EndingOwner, thrown: unknown): void {
  owner.logger.error({ actor: owner.path, error: messageOf(thrown) }, 'the last hook of an actor failed');
}
