// One subtask of the simulated job: feeds its machine with messages and performs the machine's effects.
//
// Owns:    what actors/subtask-actor.ts, connector-driver.ts and open-subtask.ts do in the engine, without promises.
// Not:     any decision about elements, barriers or commits: those are the machine's.
//
// S1. Effects are performed in order; a death in one of them leaves the rest undone.
// S2. What a connector does outside may take effect after the death of the subtask that asked for it.

import { assert, InvariantError, present } from '../../../src/base/assert.js';
import type { AttemptNumber, SubtaskId } from '../../../src/base/ids.js';
import { CHANNEL_CAPACITY_ELEMENTS } from '../../../src/base/limits.js';
import type { SubtaskRestore } from '../../../src/checkpoint/assignment.js';
import type { Chunk } from '../../../src/checkpoint/checkpoint-store.js';
import type { CoordinatorInput } from '../../../src/checkpoint/coordinator-protocol.js';
import type { CommitOutcome } from '../../../src/operators/sink.js';
import type { TaskEffect, TaskInput } from '../../../src/task/effect.js';
import { LostChunkError } from './disk-model.js';
import type { CountedRecord } from './external-sink.js';
import type { Alarm, Link } from './protocol-links.js';
import {
  type MadeSubtask,
  makeCount,
  makeSink,
  makeSource,
  preparedNames,
  SPLITS,
  type SubtaskShape,
  splitsOf,
} from './protocol-subtasks.js';
import { ActorDeath, type ProtocolWorld } from './protocol-world.js';

export type ToCoordinator =
  | Untimed<Extract<CoordinatorInput, { readonly nowMs: number }>>
  | { readonly kind: 'committed'; readonly subtask: SubtaskId; readonly checkpoint: number };
type Untimed<T> = T extends unknown ? Omit<T, 'nowMs'> : never;

export interface SubtaskPorts {
  readonly world: ProtocolWorld;
  /** By outgoing channel: the link, and the number of the channel at its other end. */
  outputs: readonly { readonly link: Link<TaskInput>; readonly channel: number }[];
  /** By incoming channel: where its credits go. */
  inputs: readonly { readonly link: Link<TaskInput>; readonly channel: number }[];
  readonly coordinator: Link<ToCoordinator>;
  readonly store: Link<Chunk>;
  /** Answers of the connector that are not there at once. */
  readonly answers: Link<() => void>;
  readonly own: Link<TaskInput>;
  readonly alarm: Alarm;
  readonly ready: () => void;
  readonly failed: (error: unknown) => void;
}

export interface SubtaskFacts {
  readonly id: SubtaskId;
  readonly role: 'source' | 'operator' | 'sink';
  readonly subtask: number;
  readonly parallelism: number;
  readonly attempt: AttemptNumber;
  readonly restored: SubtaskRestore | null;
  readonly handled: number;
}

export class SubtaskRole {
  readonly facts: SubtaskFacts;
  readonly ports: SubtaskPorts;
  dead = false;
  #made: MadeSubtask | null = null;
  readonly #world: ProtocolWorld;
  #continuing = false;
  #next: TaskInput | null = null;
  // Source: how far each live split was read. Sink: the open transaction, and all records that it was given.
  readonly #positions: Map<number, number> = new Map();
  #open: CountedRecord[] = [];
  #written = 0;
  readonly #covers: Map<number, number> = new Map();

  constructor(facts: SubtaskFacts, ports: SubtaskPorts) {
    this.facts = facts;
    this.ports = ports;
    this.#world = ports.world;
  }

  /** Restores its state and opens its connector. */
  readonly open = (): void => {
    this.#guarded(() => {
      const { facts, ports } = this;
      if (facts.restored !== null) this.#world.point('restore.read');
      const shape: SubtaskShape = {
        ...facts,
        incremental: this.#world.plan.incremental,
        readSegment: (segment) => this.#world.disk.readSegment(segment),
      };
      this.#made = this.#make(shape);
      if (facts.restored !== null) this.#world.point('restore.applied');
      ports.ready();
    });
  };

  readonly receive = (input: TaskInput): void => {
    if (this.dead) return;
    this.#guarded(() => {
      if (input.kind === 'work') this.#continuing = false;
      this.#run(input);
    });
  };

  readonly receiveAnswer = (land: () => void): void => {
    if (!this.dead) this.#guarded(land);
  };

  /** Nothing is done any more; what was under way to the outside may still land. */
  stop(): void {
    this.dead = true;
    this.#open = [];
  }

  #make(shape: SubtaskShape): MadeSubtask {
    switch (this.facts.role) {
      case 'source':
        for (const { id, position, ended } of splitsOf(shape)) {
          if (!ended) this.#positions.set(Number(id), position as number);
        }
        return makeSource(shape);
      case 'operator':
        return makeCount(shape);
      default:
        this.#written = shape.handled;
        this.#recover();
        return makeSink(shape, () => this.#written);
    }
  }

  #recover(): void {
    const { attempt, subtask, parallelism, restored } = this.facts;
    const known = preparedNames(restored);
    // All of one writer by one subtask, in their order.
    for (const name of [...known].sort((a, b) => checkpointOf(a) - checkpointOf(b))) {
      if (writerOf(name) % parallelism === subtask) this.#world.commit(name, checkpointOf(name));
    }
    if (subtask === 0) this.#world.external.abortStrangers(new Set(known), attempt);
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Error) || error.constructor.name === 'ProcessDeath') throw error;
      this.#judge(error);
      this.stop();
      this.ports.failed(error);
    }
  }

  #judge(error: Error): void {
    const world = this.#world;
    if (error instanceof ActorDeath) return;
    if (error instanceof LostChunkError) world.violate('O5', 'durability', `chunk ${error.message} is lost`);
    else if (error instanceof InvariantError || !('code' in error)) {
      // A gap in a channel is what a lost element must lead to; anything else is a mistake of the engine.
      const gap = error.message.includes('without gap') && world.counts.faults.has('link.drop');
      if (!gap) world.violate('O11', 'invariant', `${this.facts.id}: ${error.message}`);
    }
  }

  #run(input: TaskInput): void {
    this.#step(input);
    while (this.#next !== null) {
      const next = this.#next;
      this.#next = null;
      this.#step(next);
    }
  }

  #step(input: TaskInput): void {
    const { machine } = present(this.#made, 'an open subtask');
    const effects = machine.step(input, this.#world.nowMs);
    for (let index = 0; index < effects.length; index += 1) this.#perform(effects[index] as TaskEffect);
  }

  #perform(effect: TaskEffect): void {
    switch (effect.kind) {
      case 'send':
        return this.#send(effect);
      case 'grant': {
        const { link, channel } = present(this.ports.inputs[effect.channel], 'a sender');
        return link.push({ kind: 'credit', channel, credits: effect.credits });
      }
      case 'point':
        return this.#point(effect);
      case 'continue':
        if (!this.#continuing) this.ports.own.push({ kind: 'work' });
        this.#continuing = true;
        return;
      case 'alarm':
        return this.ports.alarm.set(effect.wallMs);
      case 'store':
        return this.ports.store.push(effect.chunk);
      case 'acknowledge':
        return this.#acknowledge(effect);
      case 'decline':
      case 'finished':
      case 'committed':
        return this.#report(effect);
      case 'checkpointed':
        return;
      default:
        return this.#call(effect);
    }
  }

  #point({ step, checkpoint }: TaskEffect & { readonly kind: 'point' }): void {
    if (step === 'snapshot.started') this.#covers.set(checkpoint, present(this.#made, 'a machine').covered());
    this.#world.point(step);
  }

  #send(effect: TaskEffect & { readonly kind: 'send' }): void {
    const world = this.#world;
    const { link, channel } = present(this.ports.outputs[effect.channel], 'a receiver');
    const { seq, element } = effect;
    const message: TaskInput = { kind: 'element', channel, seq, element };
    if (world.fault('link.drop')) return;
    const room = link.length < CHANNEL_CAPACITY_ELEMENTS;
    if (!room && !world.counts.faults.has('link.duplicate'))
      world.violate('O8', 'credits', `${this.facts.id} sends without credit`);
    link.push(message);
    if (element.kind === 'barrier' && world.fault('barrier.delay')) {
      link.frozenUntilMs = world.nowMs + world.chance.between(10, 200);
    } else if (world.fault('link.delay')) {
      link.frozenUntilMs = world.nowMs + world.chance.between(5, 60);
    }
    if (link.length < CHANNEL_CAPACITY_ELEMENTS && world.fault('link.duplicate')) link.push(message);
  }

  #acknowledge(effect: TaskEffect & { readonly kind: 'acknowledge' }): void {
    const world = this.#world;
    const { id: subtask, attempt, role } = this.facts;
    const { checkpoint, snapshot } = effect;
    world.acknowledgedDurably(snapshot);
    world.acknowledged(role, { attempt, checkpoint }, this.#covers.get(checkpoint) ?? Number.NaN);
    this.#covers.delete(checkpoint);
    if (world.fault('ack.drop')) return;
    const message: ToCoordinator = { kind: 'acknowledged', attempt, subtask, checkpoint, snapshot };
    this.ports.coordinator.push(message);
    if (world.fault('ack.duplicate')) this.ports.coordinator.push(message);
  }

  #report(effect: TaskEffect & { readonly kind: 'decline' | 'finished' | 'committed' }): void {
    const { id: subtask, attempt } = this.facts;
    const { coordinator } = this.ports;
    if (effect.kind === 'finished') return coordinator.push({ kind: 'finished', attempt, subtask });
    const { checkpoint } = effect;
    if (effect.kind === 'committed') return coordinator.push({ kind: 'committed', subtask, checkpoint });
    const { cause, reason } = effect;
    coordinator.push({ kind: 'declined', attempt, subtask, checkpoint, cause, reason });
  }

  // ---------------------------------------------------------------- the connector

  #call(effect: TaskEffect & { readonly kind: 'poll' | 'write' | 'flush' | 'prepare' | 'commit' }): void {
    switch (effect.kind) {
      case 'poll':
        return this.#answer(() => this.#poll(), false);
      case 'write':
        return this.#answer(() => {
          this.#open.push(...(effect.values as readonly CountedRecord[]));
          this.#written += effect.values.length;
          return { kind: 'written' };
        }, false);
      case 'flush':
        return this.#answer(() => ({ kind: 'flushed' }), false);
      case 'prepare':
        return this.#prepare(effect.checkpoint);
      default:
        return this.#commit(effect.checkpoint, effect.committables as readonly string[]);
    }
  }

  /** Now, or when its turn has come. `outside`: it takes effect even if nobody waits for the answer any more. */
  #answer(answer: () => TaskInput, outside: boolean): void {
    const { plan, chance } = this.#world;
    if (plan.promptness > 0 && chance.of(plan.promptness)) {
      this.#next = answer();
      return;
    }
    const late = (): void => this.#run(answer());
    if (outside) this.lateEffects.push(answer);
    this.ports.answers.push(() => {
      if (outside) this.lateEffects.shift();
      late();
    });
  }

  /** Calls of the sink that are under way. */
  readonly lateEffects: (() => TaskInput)[] = [];

  #poll(): TaskInput {
    const { plan, chance, input } = this.#world;
    const live = [...this.#positions.keys()];
    const split = live[live.length === 1 ? 0 : chance.below(live.length)];
    assert(split !== undefined, 'a source without splits is not asked');
    const position = present(this.#positions.get(split), 'a live split');
    const id = String(split);
    const end = Math.floor((input.length - split + SPLITS - 1) / SPLITS);
    if (position >= end) {
      this.#positions.delete(split);
      return { kind: 'polled', polled: { kind: 'splitEnd', split: id } };
    }
    if (chance.of(plan.pauses)) {
      return { kind: 'polled', polled: { kind: 'nothing', retryMs: chance.between(1, plan.pauseMsMax) } };
    }
    const next = Math.min(end, position + chance.between(1, plan.pollMax));
    const values: unknown[] = [];
    for (let at = position; at < next; at += 1) values.push(input[at * SPLITS + split]);
    this.#positions.set(split, next);
    return { kind: 'polled', polled: { kind: 'records', split: id, values, next } };
  }

  #prepare(checkpoint: number): void {
    const { attempt, subtask } = this.facts;
    const name = `${attempt}-${checkpoint}-${subtask}`;
    const records = this.#open;
    this.#open = [];
    this.#answer(() => {
      if (records.length === 0) return { kind: 'prepared', committables: [] };
      this.#world.external.prepare({ name, checkpoint, attempt, subtask, records });
      return { kind: 'prepared', committables: [name] };
    }, true);
  }

  #commit(checkpoint: number, names: readonly string[]): void {
    const world = this.#world;
    this.#answer(() => {
      let outcome: CommitOutcome = { kind: 'ok' };
      if (world.fault('sink.commitFail')) outcome = { kind: 'failed', error: new Error('not committed') };
      else if (world.fault('sink.commitUnknown')) {
        outcome = { kind: 'unknown', error: new Error('no answer') };
        // A commit that arrives after its transaction has been committed again, or aborted, has no effect.
        world.afterDeath(() => this.#commitIfPrepared(names));
      } else for (const name of names) world.commit(name, checkpointOf(name));
      world.point('commit.applied');
      return { kind: 'commitOutcome', checkpoint, outcome };
    }, true);
  }

  #commitIfPrepared(names: readonly string[]): void {
    for (const name of names) {
      if (this.#world.external.prepared.has(name)) this.#world.commit(name, checkpointOf(name));
    }
  }
}

function writerOf(name: string): number {
  return Number(name.split('-')[2]);
}

function checkpointOf(name: string): number {
  return Number(name.split('-')[1]);
}
