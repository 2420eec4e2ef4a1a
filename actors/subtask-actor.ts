// The actor of one subtask: feeds its machine with messages and performs the machine's effects.
//
// Owns:    the connection of a machine to mailboxes, timers, connector calls and the store.
// Not:     any decision about elements, barriers or commits (src/task), opening connectors (open-subtask.ts).
//
// U1. Effects are performed in order; a throw in one of them fails the actor, and so the attempt.
// U2. Answers of connector calls come back as control messages; one that comes after the end is a dead letter.
// U3. Elements go out by `offer`: the credits guarantee room, so a full mailbox is a broken invariant, not a wait.

import { assert, InvariantError, present, unreachable } from '../src/base/assert.js';
import { ConnectorError, messageOf, WeirError } from '../src/base/errors.js';
import type { AttemptNumber, SubtaskId } from '../src/base/ids.js';
import type { PointFields, TimerHandle } from '../src/base/runtime.js';
import type { CommitOutcome } from '../src/operators/sink.js';
import type { Polled } from '../src/operators/source.js';
import type { Machine, TaskEffect, TaskInput } from '../src/task/effect.js';
import type { ActorContext, ActorRef, ActorSetup, Behavior } from './kernel/actor.js';
import type {
  AttemptMessage,
  CoordinatorMessage,
  Peer,
  StoreMessage,
  SubtaskMessage,
  SubtaskStatus,
} from './messages.js';

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

export interface OpenedSubtask {
  readonly machine: Machine;
  readonly calls: ConnectorCalls | null;
  readonly counters: ReadonlyMap<string, number>;
  /** Where a record of the batch in hand stands, for error messages; without an index the one that is being handled. */
  readonly position: (batchIndex?: number) => string | undefined;
  /** Closes operators and connector; never throws, reports instead. */
  readonly close: () => Promise<void>;
}

export interface SubtaskWiring {
  readonly id: SubtaskId;
  readonly role: 'source' | 'operator' | 'sink';
  readonly attempt: AttemptNumber;
  readonly supervisor: ActorRef<AttemptMessage>;
  readonly coordinator: ActorRef<CoordinatorMessage> | null;
  readonly store: ActorRef<StoreMessage> | null;
  readonly open: (context: ActorContext<SubtaskMessage>) => Promise<OpenedSubtask>;
}

type ConnectorEffect = TaskEffect & {
  readonly kind: 'poll' | 'checkpointed' | 'write' | 'flush' | 'prepare' | 'commit';
};

/** Polls and writes that settle at once are followed up in the same turn this many times before others get theirs. */
const TURNS_IN_A_ROW = 8;

export function subtaskActor(wiring: SubtaskWiring): ActorSetup<SubtaskMessage> {
  return async (context) => {
    const opened = await wiring.open(context);
    const subtask = new Subtask(wiring, context, opened);
    wiring.supervisor.control({ kind: 'ready', subtask: wiring.id });
    return subtask;
  };
}

class Subtask implements Behavior<SubtaskMessage> {
  private readonly wiring: SubtaskWiring;
  private readonly context: ActorContext<SubtaskMessage>;
  private readonly opened: OpenedSubtask;
  private outputs: readonly Peer[] = [];
  private inputs: readonly Peer[] = [];
  private alarm: TimerHandle | null = null;
  private continuing = false;
  /** Answer of a call that settled at once: the input of the next step. */
  private next: TaskInput | null = null;

  constructor(wiring: SubtaskWiring, context: ActorContext<SubtaskMessage>, opened: OpenedSubtask) {
    this.wiring = wiring;
    this.context = context;
    this.opened = opened;
  }

  onMessage(message: SubtaskMessage): void {
    switch (message.kind) {
      case 'connect':
        this.outputs = message.outputs;
        this.inputs = message.inputs;
        return;
      case 'callFailed':
        throw message.error;
      case 'status':
        message.reply.resolve(this.status());
        return;
      default:
        if (message.kind === 'work') this.continuing = false;
        this.run(message);
    }
  }

  private status(): SubtaskStatus {
    const { status } = this.opened.machine;
    const sender = status.heldBackBy === null ? undefined : this.inputs[status.heldBackBy];
    return {
      ...status,
      subtask: this.wiring.id,
      counters: this.opened.counters,
      heldBackByPath: sender?.ref.path ?? null,
    };
  }

  async postStop(): Promise<void> {
    this.alarm?.cancel();
    await this.opened.close();
  }

  private run(input: TaskInput): void {
    this.step(input);
    for (let turn = 0; this.next !== null; turn += 1) {
      const next = this.next;
      this.next = null;
      if (turn < TURNS_IN_A_ROW) {
        this.step(next);
      } else {
        // Others get their turn; what settled waits in line like everything else.
        assert(this.context.self.offer(next), 'a subtask has room for its own answers', {
          subtask: this.wiring.id,
        });
      }
    }
  }

  private step(input: TaskInput): void {
    const nowMs = this.context.runtime.clock.wallMs();
    let effects: readonly TaskEffect[];
    try {
      effects = this.opened.machine.step(input, nowMs);
    } catch (error) {
      throw this.placed(error);
    }
    for (const effect of effects) this.perform(effect);
  }

  private perform(effect: TaskEffect): void {
    switch (effect.kind) {
      case 'send':
        return this.send(effect);
      case 'grant': {
        const peer = present(
          this.inputs[effect.channel],
          'a sender at the other end of every incoming channel',
        );
        return peer.ref.control({ kind: 'credit', channel: peer.channel, credits: effect.credits });
      }
      case 'continue':
        return this.continueSoon();
      case 'alarm':
        return this.setAlarm(effect.wallMs);
      case 'point':
        return this.point(effect.step, { checkpoint: effect.checkpoint });
      case 'store':
      case 'acknowledge':
      case 'decline':
      case 'finished':
      case 'committed':
        return this.report(effect);
      case 'poll':
      case 'checkpointed':
      case 'write':
      case 'flush':
      case 'prepare':
      case 'commit':
        return this.call(effect);
      default:
        return unreachable(effect);
    }
  }

  private send(effect: TaskEffect & { readonly kind: 'send' }): void {
    const peer = present(
      this.outputs[effect.channel],
      'a receiver at the other end of every outgoing channel',
    );
    const { seq, element } = effect;
    const taken = peer.ref.offer({ kind: 'element', channel: peer.channel, seq, element });
    assert(taken, 'credits guarantee room in the mailbox of the receiver', {
      from: this.wiring.id,
      to: peer.ref.path,
    });
  }

  private continueSoon(): void {
    if (this.continuing) return;
    this.continuing = true;
    assert(this.context.self.offer({ kind: 'work' }), 'a subtask has room for its own work', {
      subtask: this.wiring.id,
    });
  }

  private setAlarm(wallMs: number | null): void {
    this.alarm?.cancel();
    this.alarm = null;
    if (wallMs === null) return;
    const delayMs = Math.max(0, wallMs - this.context.runtime.clock.wallMs());
    this.alarm = this.context.after(delayMs, { kind: 'alarm' });
  }

  private report(
    effect: TaskEffect & { readonly kind: 'store' | 'acknowledge' | 'decline' | 'finished' | 'committed' },
  ): void {
    const { id: subtask, attempt, coordinator, store, supervisor } = this.wiring;
    switch (effect.kind) {
      case 'store': {
        const taken = present(store, 'a store behind every snapshot').offer({
          kind: 'putChunk',
          chunk: effect.chunk,
          from: this.context.self,
        });
        assert(taken, 'the store has room for the chunks in flight', { subtask });
        return;
      }
      case 'acknowledge':
        return coordinator?.control({
          kind: 'acknowledged',
          attempt,
          subtask,
          checkpoint: effect.checkpoint,
          snapshot: effect.snapshot,
        });
      case 'decline':
        return coordinator?.control({
          kind: 'declined',
          attempt,
          subtask,
          checkpoint: effect.checkpoint,
          cause: effect.cause,
          reason: effect.reason,
        });
      case 'finished':
        coordinator?.control({ kind: 'finished', attempt, subtask });
        return supervisor.control({ kind: 'finished', subtask });
      default:
        return coordinator?.control({ kind: 'committed', attempt, subtask, checkpoint: effect.checkpoint });
    }
  }

  private call(effect: ConnectorEffect): void {
    try {
      this.callConnector(effect);
    } catch (error) {
      throw this.wrapped(error);
    }
  }

  private callConnector(effect: ConnectorEffect): void {
    const calls = present(this.opened.calls, 'a connector behind every call');
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
          this.point('commit.applied', { checkpoint: effect.checkpoint });
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

  /** The answer of a call becomes the input of a step: at once when it is there, by message when it is a promise. */
  private settle<T>(answer: T | Promise<T>, toInput: (value: T) => TaskInput): void {
    if (!isPromise(answer)) {
      this.next = toInput(answer);
      return;
    }
    answer.then(
      (value) => this.deliver(() => toInput(value)),
      (error) => this.context.self.control({ kind: 'callFailed', error: this.wrapped(error) }),
    );
  }

  private deliver(make: () => TaskInput): void {
    try {
      this.context.self.control(make());
    } catch (error) {
      this.context.self.control({ kind: 'callFailed', error });
    }
  }

  /** What the connector is told about completed checkpoints is best effort: a failure of it is logged, not fatal. */
  private tell(answer: void | Promise<void>): void {
    if (!isPromise(answer)) return;
    answer.catch((error) => {
      this.context.logger.warn(
        { subtask: this.wiring.id, error: messageOf(error) },
        'source failed to note a completed checkpoint',
      );
    });
  }

  private point(step: string, fields: PointFields): void {
    const { role, id, attempt } = this.wiring;
    this.context.runtime.points?.hit(step, { role, subtask: id, attempt, ...fields });
  }

  private wrapped(error: unknown): unknown {
    if (error instanceof WeirError || error instanceof InvariantError) return error;
    const name = this.opened.calls?.name ?? this.wiring.id;
    return new ConnectorError(
      `${this.wiring.role === 'sink' ? 'Sink' : 'Source'} "${name}" failed: ${messageOf(error)}`,
      {
        operator: name,
        subtask: subtaskNumber(this.wiring.id),
        cause: error,
      },
    );
  }

  /** Adds the place of the record in hand to an error of user code that does not name one yet. */
  private placed(error: unknown): unknown {
    if (!(error instanceof WeirError) || error.position !== undefined) return error;
    const position = this.opened.position(error.batchIndex);
    return position === undefined ? error : error.at({ position, subtask: subtaskNumber(this.wiring.id) });
  }
}

function subtaskNumber(id: SubtaskId): number {
  return Number(id.slice(id.lastIndexOf('/') + 1));
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
