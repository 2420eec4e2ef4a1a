// One turn of a running life: messages in order, one handler at a time, until the mailbox or the budget is empty.
//
// Owns:    taking, handling, awaiting, and giving the thread back.
// Not:     failures and endings (cell.ts): a turn reports and returns.
//
// T1. A turn ends after so many messages or so many milliseconds; what is left waits for the next one.
// T2. A handler that returns no promise costs no promise: the loop goes straight on.
// T3. A handler that is awaited is continued in the same turn if there is budget left, else in the next one.
// T4. A settled promise acts only if it belongs to the run that is being awaited, and its life is not fenced.

import { assert } from '../../src/base/assert.js';
import { ACTOR_TURN_CLOCK_MESSAGES } from '../../src/base/limits.js';
import type { Behavior } from './actor.js';
import { ActorError, DeathPactError } from './actor-errors.js';
import { EndNotice, IdleNotice, type Life, Notice, TimerNotice } from './life.js';
import { NOTHING, type Receiver, Retry } from './receiver.js';

export interface TurnOwner {
  readonly path: string;
  readonly receiver: Receiver;
  readonly turnMessagesMax: number;
  readonly turnMs: number;
  nowMs(): number;
  /** Asks for the next turn of this life. */
  wake(life: Life): void;
  fail(life: Life, error: unknown): void;
  /** Code of a life that no longer runs has returned or settled; the ending may go on. */
  unwound(life: Life): void;
  /** Code of a fenced life has settled, with what it threw or returned. */
  settledLate(life: Life, failure: Failure | null, value: unknown): void;
  /** From now until it settles, the life awaits a handler or its setup. */
  awaiting(life: Life): void;
}

/** What code threw; in an object, because anything can be thrown. */
export interface Failure {
  readonly thrown: unknown;
}

type Result = void | Promise<void>;

export function takeTurn(owner: TurnOwner, life: Life): void {
  life.turnMessagesLeft = owner.turnMessagesMax;
  life.turnUntilMs = owner.nowMs() + owner.turnMs;
  handleMessages(owner, life);
}

/** True for anything that can be awaited: promises of other libraries too. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value !== null && typeof value === 'object' && 'then' in value && typeof value.then === 'function';
}

function handleMessages(owner: TurnOwner, life: Life): void {
  const { receiver } = owner;
  const { mailbox } = receiver;
  const { behavior } = life;
  assert(life.engaged === 'no', 'one handler of an actor at a time', { actor: owner.path });
  if (behavior === null) return;
  let left = life.turnMessagesLeft;
  life.engaged = 'sync';
  try {
    while (left > 0 && life.stage === 'running') {
      let result: Result;
      if (mailbox.control.length > 0 || mailbox.returned.length > 0) {
        result = handleUrgent(owner, life, behavior);
      } else if (mailbox.data.length > 0) {
        receiver.inHand = mailbox.takeData();
        result = behavior.onMessage(receiver.inHand);
      } else {
        break;
      }
      left -= 1;
      if (result !== undefined && isThenable(result)) {
        life.turnMessagesLeft = left;
        awaitHandler(owner, life, result);
        return;
      }
      if (receiver.inHand !== NOTHING) receiver.settleInHand();
      if (left % ACTOR_TURN_CLOCK_MESSAGES === 0 && owner.nowMs() >= life.turnUntilMs) break;
    }
  } catch (error) {
    life.engaged = 'no';
    owner.fail(life, error);
    return;
  }
  life.engaged = 'no';
  endTurn(owner, life);
}

/** Nothing more to do now: idle, on to the next turn, or back to an ending that waited for this code. */
function endTurn(owner: TurnOwner, life: Life): void {
  if (life.stage !== 'running') return owner.unwound(life);
  if (life.receiveTimeoutMs !== null) life.idleSinceMs = owner.nowMs();
  if (owner.receiver.mailbox.isEmpty()) owner.receiver.awake = false;
  else owner.wake(life);
}

/** Control lane and returned messages: rare, so that the common path stays short. */
function handleUrgent(owner: TurnOwner, life: Life, behavior: Behavior<unknown>): Result {
  const { receiver } = owner;
  const { control, returned } = receiver.mailbox;
  const entry = control.length > 0 ? receiver.takeControl() : returned.shift();
  if (entry instanceof Notice) return handleNotice(owner, life, behavior, entry);
  if (entry instanceof Retry) {
    receiver.inHand = entry.message;
    receiver.inHandFailures = entry.attempt;
    return behavior.onMessage(entry.message);
  }
  receiver.inHand = entry;
  return behavior.onMessage(entry);
}

function handleNotice(owner: TurnOwner, life: Life, behavior: Behavior<unknown>, notice: Notice): Result {
  if (notice.life !== life || notice.isStale()) return;
  if (notice instanceof TimerNotice) {
    notice.timer.queued = false;
    return handleOwnMessage(owner, behavior, notice.timer.message);
  }
  if (notice instanceof IdleNotice) {
    if (behavior.onReceiveTimeout !== undefined) return behavior.onReceiveTimeout();
    throw new ActorError(
      owner.path,
      'has a receive time-out but no onReceiveTimeout',
      'Add onReceiveTimeout to the behavior.',
    );
  }
  if (notice instanceof EndNotice) {
    const { signal, watch } = notice;
    life.watches.delete(signal.incarnation);
    if (watch.kind === 'message') return handleOwnMessage(owner, behavior, watch.message);
    if (behavior.onSignal !== undefined) return behavior.onSignal(signal);
    const { reason } = signal;
    throw new DeathPactError(owner.path, signal.path, 'error' in reason ? reason.error : undefined);
  }
}

/** A message that the actor ordered for itself is sent in the moment in which it is handled. */
function handleOwnMessage(owner: TurnOwner, behavior: Behavior<unknown>, message: unknown): Result {
  owner.receiver.tally.sent += 1;
  owner.receiver.inHand = message;
  return behavior.onMessage(message);
}

function awaitHandler(owner: TurnOwner, life: Life, result: PromiseLike<unknown>): void {
  awaitRun(owner, life, result, 'handler', (failure) => {
    if (failure !== null) return owner.fail(life, failure.thrown);
    owner.receiver.settleInHand();
    if (life.stage !== 'running') return owner.unwound(life);
    if (life.turnMessagesLeft > 0 && owner.nowMs() < life.turnUntilMs) handleMessages(owner, life);
    else endTurn(owner, life);
  });
}

/** Awaits code of this life; `settled` runs unless the life was fenced meanwhile. */
export function awaitRun(
  owner: TurnOwner,
  life: Life,
  result: PromiseLike<unknown>,
  what: 'handler' | 'setup' | 'hook',
  settled: (failure: Failure | null, value: unknown) => void,
): void {
  life.engaged = 'async';
  life.token += 1;
  const token = life.token;
  const settle = (failure: Failure | null, value: unknown): void => {
    assert(life.engaged === 'async' && life.token === token, 'a run settles once', {
      actor: owner.path,
      what,
    });
    life.engaged = 'no';
    // The last hook of a failed life is awaited although the life is fenced, until its time-out.
    const isLate = what === 'hook' ? life.stage === 'over' : life.isFenced();
    if (isLate) owner.settledLate(life, failure, value);
    else settled(failure, value);
  };
  if (what !== 'hook') owner.awaiting(life);
  // Foreign thenables may call back twice or at once; a native promise in between cannot.
  void Promise.resolve(result).then(
    (value) => settle(null, value),
    (thrown: unknown) => settle({ thrown }, undefined),
  );
  if (life.stage === 'ending') owner.unwound(life);
}
