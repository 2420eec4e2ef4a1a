// Calls of the connector behind a source or sink subtask, and their answers.
//
// Owns:    turning effects into calls, answers into inputs, and what a connector throws into an error with its name.
// Not:     when to call and what an answer means (src/task), opening and closing connectors (open-source.ts, open-sink.ts).
//
// D1. An answer that is there at once is handed over at once; a promise's answer comes as a control message.
// D2. A failure that comes after the end of the subtask is a dead letter, never an unhandled rejection.

import { InvariantError, present } from '../src/base/assert.js';
import { ConnectorError, messageOf, WeirError } from '../src/base/errors.js';
import type { Logger } from '../src/base/logger.js';
import type { CommitOutcome } from '../src/operators/sink.js';
import type { Polled } from '../src/operators/source.js';
import type { ProtocolStep, TaskEffect, TaskInput } from '../src/task/effect.js';

/** Calls of the connector at the head of a source or sink subtask; an operators subtask has none. */
export interface ConnectorCalls {
  readonly name: string;
  poll?(recordsMax: number): Polled<unknown> | Promise<Polled<unknown>>;
  checkpointed?(
    positions: readonly { readonly id: string; readonly position: unknown }[],
  ): void | Promise<void>;
  write?(values: readonly unknown[], timestamps: readonly number[]): void | Promise<void>;
  flush?(): void | Promise<void>;
  prepare?(checkpoint: number): readonly unknown[] | Promise<readonly unknown[]>;
  commit?(checkpoint: number, committables: readonly unknown[]): CommitOutcome | Promise<CommitOutcome>;
  close(): void | Promise<void>;
}

export type ConnectorEffect = TaskEffect & {
  readonly kind: 'poll' | 'checkpointed' | 'write' | 'flush' | 'prepare' | 'commit';
};

export interface ConnectorSurroundings {
  readonly role: 'source' | 'operator' | 'sink';
  readonly subtask: number;
  readonly logger: Logger;
  /** Takes an answer that was there at once. */
  readonly answered: (input: TaskInput) => void;
  /** Takes an answer that came later, from outside any turn of the subtask. */
  readonly answeredLater: (input: TaskInput) => void;
  readonly failedLater: (error: unknown) => void;
  readonly point: (step: ProtocolStep, checkpoint: number) => void;
}

export class ConnectorDriver {
  private readonly calls: ConnectorCalls;
  private readonly around: ConnectorSurroundings;

  constructor(calls: ConnectorCalls, around: ConnectorSurroundings) {
    this.calls = calls;
    this.around = around;
  }

  perform(effect: ConnectorEffect): void {
    try {
      this.call(effect);
    } catch (error) {
      throw this.wrapped(error);
    }
  }

  private call(effect: ConnectorEffect): void {
    const { calls } = this;
    switch (effect.kind) {
      case 'poll':
        return this.settle(calls.poll?.(effect.recordsMax), (polled) => ({
          kind: 'polled',
          polled: present(polled, 'an answer of poll'),
        }));
      case 'write':
        return this.settle(calls.write?.(effect.values, effect.timestamps), () => ({ kind: 'written' }));
      case 'flush':
        return this.settle(calls.flush?.(), () => ({ kind: 'flushed' }));
      case 'prepare':
        return this.settle(calls.prepare?.(effect.checkpoint), (made) => ({
          kind: 'prepared',
          committables: made ?? [],
        }));
      case 'commit':
        return this.settle(calls.commit?.(effect.checkpoint, effect.committables), (outcome) => {
          this.around.point('commit.applied', effect.checkpoint);
          return {
            kind: 'commitOutcome',
            checkpoint: effect.checkpoint,
            outcome: present(outcome, 'an outcome of commit'),
          };
        });
      default:
        return this.tell(calls.checkpointed?.(effect.positions));
    }
  }

  private settle<T>(answer: T | Promise<T>, toInput: (value: T) => TaskInput): void {
    if (!isPromise(answer)) return this.around.answered(toInput(this.done(answer)));
    answer.then(
      (value) => this.deliver(() => toInput(this.done(value))),
      (error) => this.around.failedLater(this.wrapped(error)),
    );
  }

  private deliver(make: () => TaskInput): void {
    try {
      this.around.answeredLater(make());
    } catch (error) {
      this.around.failedLater(error);
    }
  }

  /** A method that is a generator has done nothing: it would look as if all were written. */
  private done<T>(answer: T): T {
    if (
      typeof answer !== 'object' ||
      answer === null ||
      !('next' in answer && typeof answer.next === 'function')
    ) {
      return answer;
    }
    throw new ConnectorError(`A method of "${this.calls.name}" is a generator, and nobody would run it.`, {
      operator: this.calls.name,
      subtask: this.around.subtask,
      remedy: 'Write poll, write, flush, prepare, commit and checkpointed as plain or async functions.',
      unrecoverable: true,
    });
  }

  /** What the connector is told about completed checkpoints is best effort: a failure of it is logged, not fatal. */
  private tell(answer: void | Promise<void>): void {
    if (!isPromise(answer)) {
      this.done(answer);
      return;
    }
    answer.catch((error) => {
      this.around.logger.warn(
        { source: this.calls.name, error: messageOf(error) },
        'source failed to note a completed checkpoint',
      );
    });
  }

  private wrapped(error: unknown): unknown {
    if (error instanceof InvariantError) return error;
    const { role, subtask } = this.around;
    const { name } = this.calls;
    if (error instanceof WeirError) return error.at({ operator: name, subtask });
    const what = role === 'sink' ? 'Sink' : 'Source';
    return new ConnectorError(`${what} "${name}" failed: ${messageOf(error)}`, {
      operator: name,
      subtask,
      cause: error,
    });
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
