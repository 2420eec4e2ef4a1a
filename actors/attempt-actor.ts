// The attempt actor: one execution of the whole job, from the spawn of its subtasks to its end, never repaired.
//
// Owns:    spawning and connecting subtasks and coordinator, starting them together, noticing the first failure.
// Not:     restarting (a failed attempt is stopped whole and a new one begins: job-actor.ts).
//
// T1. Nobody starts before everybody is ready: state restored, connectors open, prepared transactions committed.
// T2. The first failure ends the attempt; what fails after it is a consequence and only logged.
// T3. Children are spawned sinks first, so that the reverse order of stopping silences the sources first.

import { assert, present } from '../src/base/assert.js';
import { messageOf } from '../src/base/errors.js';
import {
  type AttemptNumber,
  type SubtaskId,
  subtaskId,
  subtaskIndex,
  type VertexId,
} from '../src/base/ids.js';
import { STEERING_HANDLER_TIMEOUT_MS } from '../src/base/limits.js';
import type { Tuning } from '../src/base/tuning.js';
import type { SubtaskRestore } from '../src/checkpoint/assignment.js';
import type { SegmentReader } from '../src/checkpoint/checkpoint-store.js';
import type { CoordinatorConfig } from '../src/checkpoint/coordinator-protocol.js';
import type { PlannedOperator } from '../src/checkpoint/manifest-builder.js';
import type { AlignmentMode } from '../src/flow/alignment.js';
import { channelsOf, type SubtaskChannels } from '../src/graph/channels.js';
import type { JobPlan, PlanVertex } from '../src/graph/job-plan.js';
import { coordinatorActor } from './coordinator-actor.js';
import type { ActorContext, ActorRef, ActorSetup, Behavior, Signal } from './kernel/actor.js';
import type {
  AttemptMessage,
  CoordinatorMessage,
  JobMessage,
  Peer,
  StoreMessage,
  SubtaskMessage,
} from './messages.js';
import { openSubtask } from './open-subtask.js';
import { roleOf } from './opening.js';
import { type SubtaskWiring, subtaskActor } from './subtask-actor.js';
import { watchActor } from './watch-actor.js';

export interface AttemptWiring {
  readonly job: ActorRef<JobMessage>;
  readonly attempt: AttemptNumber;
  readonly plan: JobPlan;
  readonly store: ActorRef<StoreMessage> | null;
  readonly segments: SegmentReader | null;
  /** Null: no checkpoints at all. */
  readonly checkpoints: Omit<CoordinatorConfig, 'subtasks' | 'sources'> | null;
  readonly alignment: AlignmentMode;
  readonly incremental: boolean;
  readonly freeze: boolean;
  readonly tuning: Tuning;
  readonly checkKeys: boolean;
  readonly undeclared: 'refuse' | 'leave';
  /** By uid and subtask; operators that the checkpoint does not know are absent. */
  readonly restored: ReadonlyMap<string, readonly SubtaskRestore[]>;
  /** Told as soon as they exist: who the subtasks are. */
  readonly onSubtasks: (
    subtasks: ReadonlyMap<SubtaskId, ActorRef<SubtaskMessage>>,
    coordinator: ActorRef<CoordinatorMessage> | null,
  ) => void;
  /** Told for each subtask that ends, before the attempt has: what it has counted. */
  readonly onSubtaskEnd: SubtaskWiring['onEnd'];
}

/** Room in a subtask's mailbox beside its channels: its own `work`, and an answer of its connector. */
const OWN_MESSAGES_MAX = 4;

interface Place {
  readonly vertex: PlanVertex;
  readonly subtask: number;
  readonly id: SubtaskId;
  readonly channels: SubtaskChannels;
}

export function attemptActor(wiring: AttemptWiring): ActorSetup<AttemptMessage> {
  return (context) => new Attempt(wiring, context);
}

class Attempt implements Behavior<AttemptMessage> {
  private readonly wiring: AttemptWiring;
  private readonly context: ActorContext<AttemptMessage>;
  private readonly places: readonly Place[];
  private readonly coordinator: ActorRef<CoordinatorMessage> | null;
  private readonly refs = new Map<SubtaskId, ActorRef<SubtaskMessage>>();
  private readonly ready = new Set<SubtaskId>();
  /** Those that read nothing before a checkpoint is complete. */
  private readonly awaiting: SubtaskId[] = [];
  private readonly finished = new Set<SubtaskId>();
  private failed = false;

  constructor(wiring: AttemptWiring, context: ActorContext<AttemptMessage>) {
    this.wiring = wiring;
    this.context = context;
    this.places = placesOf(wiring.plan);
    this.coordinator = this.spawnCoordinator();
    for (const place of this.places) this.refs.set(place.id, this.spawnSubtask(place));
    for (const place of this.places) this.connect(place);
    this.coordinator?.control({ kind: 'subtasks', refs: this.refs });
    wiring.onSubtasks(this.refs, this.coordinator);
  }

  onMessage(message: AttemptMessage): void {
    if (message.kind === 'ready') {
      this.ready.add(message.subtask);
      if (message.awaitsCheckpoint) this.awaiting.push(message.subtask);
      if (this.ready.size === this.places.length) this.start();
      return;
    }
    this.finished.add(message.subtask);
    // With checkpoints the coordinator ends the attempt, after the final one (semantics 5.19).
    if (this.coordinator !== null || this.finished.size < this.places.length) return;
    this.wiring.job.control({
      kind: 'attemptDone',
      attempt: this.wiring.attempt,
      outcome: { kind: 'finished' },
    });
  }

  onSignal(signal: Signal): void {
    const { attempt, job } = this.wiring;
    if (signal.reason.kind !== 'failed' && signal.reason.kind !== 'killed') return;
    const { error } = signal.reason;
    if (this.failed) {
      this.context.logger.debug(
        { attempt, actor: signal.path, error: messageOf(error) },
        'another actor of a failed attempt failed',
      );
      return;
    }
    this.failed = true;
    job.control({ kind: 'attemptFailed', attempt, error });
  }

  private start(): void {
    for (const { id } of this.places)
      present(this.refs.get(id), 'a spawned subtask').control({ kind: 'start' });
    this.coordinator?.control({ kind: 'started', awaiting: this.awaiting });
    this.context.spawn(watchActor([...this.refs.values()]), { name: 'watch' });
    this.wiring.job.control({ kind: 'attemptRunning', attempt: this.wiring.attempt });
  }

  private spawnCoordinator(): ActorRef<CoordinatorMessage> | null {
    const { attempt, checkpoints, job, plan, store } = this.wiring;
    if (checkpoints === null) return null;
    const ids = (kind: PlanVertex['kind'] | null): SubtaskId[] =>
      this.places.filter(({ vertex }) => kind === null || vertex.kind === kind).map(({ id }) => id);
    const setup = coordinatorActor({
      job,
      store: present(store, 'a store behind every checkpoint'),
      jobName: plan.job,
      attempt,
      config: { ...checkpoints, subtasks: ids(null), sources: ids('source') },
      operators: plannedOperators(plan),
      sinks: ids('sink'),
    });
    const ref = this.context.spawn(setup, {
      name: 'coordinator',
      handlerTimeoutMs: STEERING_HANDLER_TIMEOUT_MS,
    });
    this.context.watch(ref);
    return ref;
  }

  private spawnSubtask(place: Place): ActorRef<SubtaskMessage> {
    const { wiring } = this;
    const { vertex, subtask, id, channels } = place;
    const setup = subtaskActor({
      id,
      role: roleOf(vertex),
      attempt: wiring.attempt,
      supervisor: this.context.self,
      coordinator: this.coordinator,
      store: wiring.store,
      onEnd: wiring.onSubtaskEnd,
      open: (context) =>
        openSubtask(
          {
            plan: wiring.plan,
            vertex,
            channels,
            subtask,
            id,
            attempt: wiring.attempt,
            freeze: wiring.freeze,
            tuning: wiring.tuning,
            checkKeys: wiring.checkKeys,
            undeclared: wiring.undeclared,
            incremental: wiring.incremental,
            alignment: wiring.alignment,
            checkpointing: wiring.checkpoints !== null,
            restored: restoredOf(vertex, subtask, wiring.restored),
            restoredHeads: wiring.restored.get(vertex.operators[0]?.uid ?? '') ?? [],
            segments: wiring.segments,
          },
          context,
        ),
    });
    const capacity = channels.inputs.length * wiring.tuning.channelCapacityElements + OWN_MESSAGES_MAX;
    const ref = this.context.spawn(setup, {
      name: actorName(id),
      mailbox: { capacity, overflow: 'backpressure' },
    });
    this.context.watch(ref);
    return ref;
  }

  private connect({ vertex, subtask, id, channels }: Place): void {
    const { plan } = this.wiring;
    const outputs = channels.outputs.flatMap(({ edge, targets }) => {
      const to = present(plan.edges[edge], 'an edge of the plan').to;
      return targets.map(({ receiver, channel }): Peer => ({ ref: this.ref(to, receiver), channel }));
    });
    const inputs = channels.inputs.map(({ edge, sender }): Peer => {
      const from = present(plan.edges[edge], 'an edge of the plan').from;
      return {
        ref: this.ref(from, sender),
        channel: this.outgoingNumber(from, sender, edge, vertex.id, subtask),
      };
    });
    present(this.refs.get(id), 'a spawned subtask').control({ kind: 'connect', outputs, inputs });
  }

  /** Number, among all outgoing channels of the sender, of the one that leads here: the same order as in its outbox. */
  private outgoingNumber(
    from: VertexId,
    sender: number,
    edge: number,
    to: VertexId,
    receiver: number,
  ): number {
    const place = this.places.find(({ vertex, subtask }) => vertex.id === from && subtask === sender);
    const outputs = present(place, 'the sender of an edge').channels.outputs;
    let number = 0;
    for (const output of outputs) {
      for (const target of output.targets) {
        if (output.edge === edge && target.receiver === receiver) return number;
        number += 1;
      }
    }
    assert(false, 'both ends of a channel know it', { from, sender, to, receiver });
  }

  private ref(vertex: VertexId, subtask: number): ActorRef<SubtaskMessage> {
    return present(this.refs.get(subtaskId(vertex, subtaskIndex(subtask))), 'a spawned subtask');
  }
}

/** The operators of a plan as manifests know them. */
export function plannedOperators(plan: JobPlan): readonly PlannedOperator[] {
  return plan.vertices.flatMap(({ operators, parallelism, maxParallelism }) =>
    operators.map(({ uid, name }) => ({ uid, name, parallelism, maxParallelism })),
  );
}

/** Slashes separate levels of the actor tree. */
function actorName(id: SubtaskId): string {
  return id.replaceAll('/', '.');
}

function placesOf(plan: JobPlan): readonly Place[] {
  const channels = channelsOf(plan);
  return [...plan.vertices].reverse().flatMap((vertex) =>
    present(channels.get(vertex.id), 'channels of every vertex').map((own, subtask) => ({
      vertex,
      subtask,
      id: subtaskId(vertex.id, subtaskIndex(subtask)),
      channels: own,
    })),
  );
}

function restoredOf(
  vertex: PlanVertex,
  subtask: number,
  restored: ReadonlyMap<string, readonly SubtaskRestore[]>,
): ReadonlyMap<string, SubtaskRestore> {
  const own = new Map<string, SubtaskRestore>();
  for (const { uid } of vertex.operators) {
    const state = restored.get(uid)?.[subtask];
    if (state !== undefined) own.set(uid, state);
  }
  return own;
}
