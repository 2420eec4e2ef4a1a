// The errors of the actor kernel: all are WEIR_ACTOR, and each class is one situation that a user can meet.
//
// Owns:    their texts and remedies.
// Not:     when they are thrown.

import { messageOf, WeirError } from '../../src/base/errors.js';

/** Base class: something about an actor went wrong. `actor` is its path. */
export class ActorError extends WeirError {
  override readonly name: string = 'ActorError';
  readonly actor: string;
  constructor(actor: string, message: string, remedy: string, cause?: unknown) {
    super('WEIR_ACTOR', `Actor ${actor}: ${message}.`, cause === undefined ? { remedy } : { remedy, cause });
    this.actor = actor;
  }
}

/** A message was offered to a full mailbox whose overflow policy is `fail`, or a stash is full. */
export class MailboxFullError extends ActorError {
  override readonly name = 'MailboxFullError';
  constructor(actor: string, what: 'mailbox' | 'stash', capacity: number) {
    super(
      actor,
      `its ${what} holds ${capacity} messages and has no room for another`,
      'Send slower, raise mailbox.capacity, or choose the overflow policy "backpressure".',
    );
  }
}

/** An ask got no answer in time. */
export class AskTimeoutError extends ActorError {
  override readonly name = 'AskTimeoutError';
  constructor(actor: string, timeoutMs: number) {
    super(
      actor,
      `no answer within ${timeoutMs} ms`,
      'Raise timeoutMs, or look in the snapshot for what the actor is doing.',
    );
  }
}

/** The message of an ask became a dead letter, so that no answer will come. */
export class AskFailedError extends ActorError {
  override readonly name = 'AskFailedError';
  readonly reason: string;
  constructor(actor: string, reason: string, cause: unknown) {
    super(
      actor,
      `will not answer, the message became a dead letter (${reason})`,
      'Ask the actor that took its place.',
      cause ?? undefined,
    );
    this.reason = reason;
  }
}

/** Something was asked of an actor that has ended, or of a life that is over. */
export class ActorStoppedError extends ActorError {
  override readonly name = 'ActorStoppedError';
  constructor(actor: string, what: string) {
    super(
      actor,
      `${what}, but it has stopped`,
      'Watch the actor, or look at context.signal before going on.',
    );
  }
}

/** A watched actor ended and the watcher has no `onSignal`. */
export class DeathPactError extends ActorError {
  override readonly name = 'DeathPactError';
  constructor(actor: string, ended: string, cause: unknown) {
    super(
      actor,
      `watches ${ended}, which has ended, and handles no signals`,
      'Add onSignal to the behavior, or use watchWith.',
      cause,
    );
  }
}

/** A linked actor failed. */
export class LinkedFailureError extends ActorError {
  override readonly name = 'LinkedFailureError';
  constructor(actor: string, failed: string, cause: unknown) {
    super(actor, `is linked to ${failed}, which failed: ${messageOf(cause)}`, 'See the cause.', cause);
  }
}

/** A handler or setup did not settle within `handlerTimeoutMs`. */
export class HandlerTimeoutError extends ActorError {
  override readonly name = 'HandlerTimeoutError';
  constructor(actor: string, what: string, timeoutMs: number) {
    super(
      actor,
      `its ${what} has not settled after ${timeoutMs} ms`,
      'Pass context.signal to what it waits for, or raise handlerTimeoutMs.',
    );
  }
}

/** An orderly stop took longer than `stopTimeoutMs`; the actor was abandoned. */
export class StopTimeoutError extends ActorError {
  override readonly name = 'StopTimeoutError';
  constructor(actor: string, what: string, timeoutMs: number) {
    super(
      actor,
      `did not stop, its ${what} has not settled after ${timeoutMs} ms`,
      'Pass context.signal to what it waits for, or raise stopTimeoutMs.',
    );
  }
}

/** More restarts than the supervisor allows: it fails itself, and its parent decides. */
export class RestartLimitError extends ActorError {
  override readonly name = 'RestartLimitError';
  constructor(actor: string, child: string, restartsMax: number, periodMs: number, cause: unknown) {
    super(
      actor,
      `gave up on ${child}: more than ${restartsMax} restarts within ${periodMs} ms, at last after: ${messageOf(cause)}`,
      'Remove the cause, add supervision.backoff, or raise restartsMax.',
      cause,
    );
  }
}

/** A failure of a child that the supervisor's policy handed up, or that a broken policy could not decide. */
export class EscalatedError extends ActorError {
  override readonly name = 'EscalatedError';
  constructor(actor: string, child: string, cause: unknown) {
    super(actor, `escalates the failure of ${child}: ${messageOf(cause)}`, 'See the cause.', cause);
  }
}
