// How a life begins: its setup, and the deadline of what it awaits.
//
// Owns:    running the setup, and what a setup must return.
// Not:     when a life begins (cell.ts).
//
// B1. No message is handled before the setup has settled; a setup that fails is a failure of the life.
// B2. One deadline timer per life, re-armed for the rest, rather than one per awaited message.

import type { Timers } from '../../src/base/runtime.js';
import type { Behavior } from './actor.js';
import { ActorError, HandlerTimeoutError } from './actor-errors.js';
import type { Life } from './life.js';
import { awaitRun, isThenable, type TurnOwner } from './turn.js';

export interface StartingOwner extends TurnOwner {
  readonly timers: Timers;
  readonly handlerTimeoutMs: number | null;
  /** Calls the user's setup. */
  setUp(life: Life): Behavior<unknown> | Promise<Behavior<unknown>>;
  /** The life takes messages from now on. */
  begun(life: Life): void;
}

export function runSetup(owner: StartingOwner, life: Life): void {
  life.stage = 'starting';
  life.engaged = 'sync';
  let result: Behavior<unknown> | Promise<Behavior<unknown>>;
  try {
    result = owner.setUp(life);
  } catch (error) {
    life.engaged = 'no';
    return owner.fail(life, error);
  }
  if (!isThenable(result)) {
    life.engaged = 'no';
    return begin(owner, life, result);
  }
  awaitRun(owner, life, result, 'setup', (failure, value) => {
    if (failure === null) begin(owner, life, value);
    else owner.fail(life, failure.thrown);
  });
}

export function isBehavior(value: unknown): value is Behavior<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'onMessage' in value &&
    typeof value.onMessage === 'function'
  );
}

/** Fails the life when the code that it awaits has not settled in time. */
export function armDeadline(owner: StartingOwner, life: Life): void {
  const { handlerTimeoutMs } = owner;
  if (handlerTimeoutMs === null) return;
  life.deadlineMs = owner.nowMs() + handlerTimeoutMs;
  if (life.deadlineTimer === null) armFor(owner, life, handlerTimeoutMs, handlerTimeoutMs);
}

function armFor(owner: StartingOwner, life: Life, delayMs: number, timeoutMs: number): void {
  life.deadlineTimer = owner.timers.after(delayMs, () => {
    life.deadlineTimer = null;
    if (life.engaged !== 'async' || life.ending !== null) return;
    const restMs = life.deadlineMs - owner.nowMs();
    if (restMs > 0) return armFor(owner, life, restMs, timeoutMs);
    const what = life.behavior === null ? 'setup' : 'handler';
    owner.fail(life, new HandlerTimeoutError(owner.path, what, timeoutMs));
  });
}

function begin(owner: StartingOwner, life: Life, behavior: unknown): void {
  if (!isBehavior(behavior)) {
    return owner.fail(
      life,
      new ActorError(owner.path, 'its setup returned no behavior', 'Return an object with onMessage.'),
    );
  }
  life.behavior = behavior;
  if (life.stage === 'ending') return owner.unwound(life);
  life.stage = 'running';
  owner.begun(life);
}
