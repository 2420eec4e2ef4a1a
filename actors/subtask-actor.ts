// The actor of one subtask: feeds its machine with messages and performs the machine's effects.
//
// Owns:    the connection of a machine to mailboxes, timers, connector calls and the store.
// Not:     any decision about elements, barriers or commits (src/task), opening connectors (open-subtask.ts).
//
// U1. Effects are performed in order; a throw in one of them fails the actor, and so the attempt.
// U2. An answer of the connector that is there at once is the next step of the same turn, up to a bound; see connector-driver.ts.
// U3. Elements go out by `offer`: the credits guarantee room, so a full mailbox is a broken invariant, not a wait.

import { assert, present, unreachable } from '../src/base/assert.js';
import { WeirError } from '../src/base/errors.js';
import type { AttemptNumber, SubtaskId } from '../src/base/ids.js';
import type { PointFields, TimerHandle } from '../src/base/runtime.js';
import { SteadyClock } from '../src/base/steady-clock.js';
import type { Machine, TaskEffect, TaskInput } from '../src/task/effect.js';
import { type ConnectorCalls, ConnectorDriver } from './connector-driver.js';
import type { ActorContext, ActorRef, ActorSetup, Behavior } from './kernel/actor.js';
import type {
  AttemptMessage,
  CoordinatorMessage,
  Peer,
  StoreMessage,
  SubtaskMessage,
  SubtaskStatus,
} from './messages.js';
import type { HandOf } from './place-in-hand.js';

export interface OpenedSubtask {
  readonly machine: Machine;
  readonly calls: ConnectorCalls | null;
  readonly counters: ReadonlyMap<string, number>;
  /** Where a failure stands: the record or the key in hand. */
  readonly handOf: (error: WeirError) => HandOf;
  /** What a recount of its state finds wrong, a sentence each. */
  readonly audit: () => readonly string[];
  /** It reads nothing before a checkpoint is complete. */
  readonly awaitsCheckpoint?: boolean;
  /** Closes operators and connector; never throws, reports instead. */
  readonly close: () => Promise<void>;
}

export type SubtaskRole = 'source' | 'operator' | 'sink';

export interface SubtaskWiring {
  readonly id: SubtaskId;
  readonly role: SubtaskRole;
  readonly attempt: AttemptNumber;
  readonly supervisor: ActorRef<AttemptMessage>;
  readonly coordinator: ActorRef<CoordinatorMessage> | null;
  readonly store: ActorRef<StoreMessage> | null;
  readonly open: (context: ActorContext<SubtaskMessage>) => Promise<OpenedSubtask>;
  /** Told once, on every end: what it has counted. */
  readonly onEnd: (role: SubtaskRole, status: SubtaskStatus) => void;
}

/** Polls and writes that settle at once are followed up in the same turn this many times before others get theirs. */
const TURNS_IN_A_ROW = 8;

export function subtaskActor(wiring: SubtaskWiring): ActorSetup<SubtaskMessage> {
  return async (context) => {
    const opened = await wiring.open(context);
    const subtask = new Subtask(wiring, context, opened);
    const { awaitsCheckpoint = false } = opened;
    wiring.supervisor.control({ kind: 'ready', subtask: wiring.id, awaitsCheckpoint });
    return subtask;
  };
}

class Subtask implements Behavior<SubtaskMessage> {
  private readonly wiring: SubtaskWiring;
  private readonly context: ActorContext<SubtaskMessage>;
  /** Of processing time: alarms of the machine are wishes for it. */
  private readonly clock: SteadyClock;
  private readonly opened: OpenedSubtask;
  private readonly connector: ConnectorDriver | null;
  private outputs: readonly Peer[] = [];
  private inputs: readonly Peer[] = [];
  private alarm: TimerHandle | null = null;
  private continuing = false;
  /** Answer of a call that settled at once: the input of the next step. */
  private next: TaskInput | null = null;

  constructor(wiring: SubtaskWiring, context: ActorContext<SubtaskMessage>, opened: OpenedSubtask) {
    this.wiring = wiring;
    this.context = context;
    this.clock = new SteadyClock(context.runtime.clock);
    this.opened = opened;
    this.connector = opened.calls === null ? null : this.driverOf(opened.calls);
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
      counters: Object.fromEntries(this.opened.counters),
      heldBackByPath: sender?.ref.path ?? null,
    };
  }

  async postStop(): Promise<void> {
    this.alarm?.cancel();
    try {
      await this.opened.close();
    } finally {
      this.wiring.onEnd(this.wiring.role, this.status());
    }
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
    const nowMs = this.clock.nowMs();
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
        return present(this.connector, 'a connector behind every call').perform(effect);
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
    const delayMs = Math.max(0, wallMs - this.clock.nowMs());
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

  private driverOf(calls: ConnectorCalls): ConnectorDriver {
    const { self, logger } = this.context;
    return new ConnectorDriver(calls, {
      role: this.wiring.role,
      subtask: subtaskNumber(this.wiring.id),
      logger,
      answered: (input) => {
        this.next = input;
      },
      answeredLater: (input) => self.control(input),
      failedLater: (error) => self.control({ kind: 'callFailed', error }),
      point: (step, checkpoint) => this.point(step, { checkpoint }),
    });
  }

  private point(step: string, fields: PointFields): void {
    const { role, id, attempt } = this.wiring;
    const { points } = this.context.runtime;
    points?.hit(step, { role, subtask: id, attempt, ...fields });
    if (step === 'snapshot.started') points?.atRest?.({ subtask: id, attempt }, this.opened.audit);
  }

  /** Adds what was in hand to an error that does not say it yet. */
  private placed(error: unknown): unknown {
    if (!(error instanceof WeirError) || error.identity !== undefined) return error;
    const { identity, ...hand } = this.opened.handOf(error);
    // A connector that failed while a record was at hand has not failed because of it.
    const cause = error.code === 'WEIR_CONNECTOR' ? {} : { identity };
    return error.at({ ...hand, ...cause, subtask: subtaskNumber(this.wiring.id) });
  }
}

function subtaskNumber(id: SubtaskId): number {
  return Number(id.slice(id.lastIndexOf('/') + 1));
}
