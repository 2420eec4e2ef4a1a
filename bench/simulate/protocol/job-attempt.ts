// One attempt of the simulated job: its subtasks, its coordinator, and the links between them.
//
// Owns:    what actors/attempt-actor.ts and coordinator-actor.ts do in the engine, without promises.
// Not:     subtasks (subtask-role.ts), decisions about checkpoints (src/checkpoint/coordinator-machine.ts).
//
// T1. Nobody starts before everybody is ready.
// T2. The first failure ends the attempt; roles stop one by one and go on working until it is their turn.

import { present } from '../../../src/base/assert.js';
import { type AttemptNumber, subtaskId, subtaskIndex, vertexId } from '../../../src/base/ids.js';
import type { Assignment } from '../../../src/checkpoint/assignment.js';
import type { Chunk } from '../../../src/checkpoint/checkpoint-store.js';
import type { TaskInput } from '../../../src/task/effect.js';
import { CoordinatorRole } from './coordinator-role.js';
import type { JobProcess } from './job-process.js';
import type { Alarm, AnyLink, Link } from './protocol-links.js';
import { COUNT, SINK, SOURCE } from './protocol-subtasks.js';
import type { ProtocolWorld } from './protocol-world.js';
import type { Begun } from './store-model.js';
import { type SubtaskPorts, SubtaskRole, type ToCoordinator } from './subtask-role.js';

const VERTICES = [
  { uid: SOURCE, role: 'source' },
  { uid: COUNT, role: 'operator' },
  { uid: SINK, role: 'sink' },
] as const;

export class JobAttempt {
  readonly process: JobProcess;
  readonly world: ProtocolWorld;
  readonly attempt: AttemptNumber;
  readonly subtasks: SubtaskRole[] = [];
  readonly #coordinator: CoordinatorRole;
  readonly #links: AnyLink[] = [];
  readonly #alarms: Alarm[] = [];
  readonly #acks: Link<ToCoordinator>[] = [];
  #ready = 0;
  #failed = false;
  /** Acknowledgements that nobody has received when the attempt ended. */
  staleAcks: readonly ToCoordinator[] = [];
  readonly #stopping: Link<() => void>;

  constructor(process: JobProcess, attempt: AttemptNumber, begun: Begun, assignment: Assignment | null) {
    this.process = process;
    this.world = process.world;
    this.attempt = attempt;
    this.#stopping = this.#link((stop: () => void) => stop());
    // As the job actor does: the disk may have lost the reservation.
    const lastCheckpointId = Math.max(begun.lastCheckpointId, begun.latest?.checkpoint ?? 0);
    this.#coordinator = new CoordinatorRole(this, lastCheckpointId);
    for (const { uid, role } of VERTICES) {
      for (let subtask = 0; subtask < process.parallelism; subtask += 1) {
        this.#addSubtask(uid, role, subtask, begun, assignment);
      }
    }
    for (let from = 0; from < 2; from += 1) this.#connect(from);
    const opening = this.#link((open: () => void) => open());
    for (const role of this.subtasks) opening.push(role.open);
  }

  /** Each role in its turn, sources first. */
  stop(onStopped: () => void): void {
    for (const role of this.subtasks) this.#stopping.push(() => role.stop());
    this.#stopping.push(() => {
      this.staleAcks = this.#acks
        .flatMap((link) => link.drain())
        .filter(({ kind }) => kind === 'acknowledged');
      this.stopNow();
      onStopped();
    });
  }

  stopNow(): void {
    for (const role of this.subtasks) role.stop();
    this.#coordinator.stop();
    this.process.links.forgetAlarms(this.#alarms);
    for (const link of this.#links) link.drain();
  }

  /** What the sinks had asked the world outside to do. */
  lateEffects(): (() => void)[] {
    return this.subtasks.flatMap((role) => role.lateEffects.map((effect) => () => void effect()));
  }

  // ---------------------------------------------------------------- for its roles

  link<M>(receive: (message: M) => void): Link<M> {
    return this.#link(receive);
  }

  alarm(ring: () => void): Alarm {
    const alarm = this.process.links.alarm(ring);
    this.#alarms.push(alarm);
    return alarm;
  }

  readonly failed = (error: unknown): void => {
    if (this.#failed) return;
    this.#failed = true;
    const { nowMs } = this.world;
    this.process.job.push({ kind: 'attemptFailed', attempt: this.attempt, error, nowMs });
  };

  done(): void {
    this.process.job.push({ kind: 'attemptDone', attempt: this.attempt, end: 'FINISHED' });
  }

  #link<M>(receive: (message: M) => void): Link<M> {
    const link = this.process.links.link(receive);
    this.#links.push(link);
    return link;
  }

  #addSubtask(
    uid: string,
    role: SubtaskRole['facts']['role'],
    subtask: number,
    begun: Begun,
    assignment: Assignment | null,
  ): void {
    const id = subtaskId(vertexId(uid), subtaskIndex(subtask));
    const covered = begun.latest === null ? null : this.world.cutOf(begun.latest);
    const ports = this.#portsOf();
    const made: SubtaskRole = new SubtaskRole(
      {
        id,
        role,
        subtask,
        parallelism: this.process.parallelism,
        attempt: this.attempt,
        restored: assignment?.operators.get(uid)?.subtasks[subtask] ?? null,
        handled: subtask > 0 ? 0 : (covered?.[role] ?? 0),
      },
      ports(() => made),
    );
    this.subtasks.push(made);
    this.#coordinator.addSubtask(made);
  }

  #portsOf(): (role: () => SubtaskRole) => SubtaskPorts {
    return (role) => {
      const stored = this.#link((input: TaskInput) => role().receive(input));
      const coordinator = this.#link((message: ToCoordinator) => this.#coordinator.receive(message));
      this.#acks.push(coordinator);
      return {
        world: this.world,
        outputs: [],
        inputs: [],
        coordinator,
        store: this.#link((chunk: Chunk) => this.#putChunk(chunk, stored)),
        answers: this.#link((land: () => void) => role().receiveAnswer(land)),
        own: this.#link((input: TaskInput) => role().receive(input)),
        alarm: this.alarm(() => role().receive({ kind: 'alarm' })),
        ready: () => this.#oneReady(),
        failed: this.failed,
      };
    };
  }

  /** From every subtask of one vertex to every subtask of the next, and credits the other way. */
  #connect(vertex: number): void {
    const { parallelism } = this.process;
    const senders = this.subtasks.slice(vertex * parallelism, (vertex + 1) * parallelism);
    const receivers = this.subtasks.slice((vertex + 1) * parallelism, (vertex + 2) * parallelism);
    for (const [channel, sender] of senders.entries()) {
      sender.ports.outputs = receivers.map((receiver) => ({
        link: this.#link((input: TaskInput) => receiver.receive(input)),
        channel,
      }));
    }
    for (const [channel, receiver] of receivers.entries()) {
      receiver.ports.inputs = senders.map((sender) => ({
        link: this.#link((input: TaskInput) => sender.receive(input)),
        channel,
      }));
    }
  }

  #putChunk(chunk: Chunk, stored: Link<TaskInput>): void {
    const { checkpoint } = chunk;
    this.world.point('snapshot.written');
    if (this.world.fault('snapshot.decline')) {
      return stored.push({ kind: 'chunkFailed', checkpoint, error: new Error('refused by chance') });
    }
    this.process.store.putChunk(
      chunk,
      () => stored.push({ kind: 'chunkStored', checkpoint }),
      (error) => stored.push({ kind: 'chunkFailed', checkpoint, error }),
    );
  }

  #oneReady(): void {
    this.#ready += 1;
    if (this.#ready < this.subtasks.length) return;
    const starting = this.#link((start: () => void) => start());
    for (const role of this.subtasks) starting.push(() => role.receive({ kind: 'start' }));
    starting.push(() => this.#coordinator.receive({ kind: 'started', atOnce: false }));
    for (const ack of this.process.staleAcks.splice(0)) {
      if (!this.world.fault('ack.stale')) continue;
      this.#coordinator.staleExpected += 1;
      present(this.#acks[0], 'a link to the coordinator').push(ack);
    }
  }
}
