// The coordinator of one simulated attempt: drives the coordinator machine and carries out what it decides.
//
// Owns:    what actors/coordinator-actor.ts does in the engine, with triggers and notices that get lost or come twice.
// Not:     any decision about a checkpoint (src/checkpoint/coordinator-machine.ts).

import { InvariantError } from '../../../src/base/assert.js';
import type { CheckpointId, SubtaskId } from '../../../src/base/ids.js';
import { CoordinatorMachine } from '../../../src/checkpoint/coordinator-machine.js';
import type {
  CheckpointDraft,
  CoordinatorEffect,
  CoordinatorInput,
} from '../../../src/checkpoint/coordinator-protocol.js';
import { buildManifest } from '../../../src/checkpoint/manifest-builder.js';
import type { TaskInput } from '../../../src/task/effect.js';
import type { JobAttempt } from './job-attempt.js';
import type { Alarm, Link } from './protocol-links.js';
import { operatorsOf, SINK, SOURCE } from './protocol-subtasks.js';
import { ActorDeath, ProcessDeath, type ProtocolWorld } from './protocol-world.js';
import type { SubtaskRole, ToCoordinator } from './subtask-role.js';

export class CoordinatorRole {
  /** Acknowledgements of other attempts that were sent here. */
  staleExpected = 0;
  readonly #attempt: JobAttempt;
  readonly #world: ProtocolWorld;
  readonly #lastCheckpointId: number;
  readonly #subtasks: { readonly role: SubtaskRole; readonly link: Link<TaskInput> }[] = [];
  readonly #committed: Map<SubtaskId, number> = new Map();
  readonly #alarm: Alarm;
  readonly #fromStore: Link<ToCoordinator>;
  readonly #store: Link<() => void>;
  #machine: CoordinatorMachine | null = null;
  #last: number | null = null;
  /** Checkpoints with which the job is finished; with several under way there may be more than one. */
  readonly #finals = new Set<number>();
  #reported = false;
  #staleSeen = 0;
  #dead = false;

  constructor(attempt: JobAttempt, lastCheckpointId: number) {
    this.#attempt = attempt;
    this.#world = attempt.world;
    this.#lastCheckpointId = lastCheckpointId;
    this.#alarm = attempt.alarm(() => this.receive({ kind: 'tick' }));
    this.#fromStore = attempt.link((message: ToCoordinator) => this.receive(message));
    this.#store = attempt.link((request: () => void) => request());
  }

  addSubtask(role: SubtaskRole): void {
    this.#subtasks.push({ role, link: this.#attempt.link((input: TaskInput) => role.receive(input)) });
  }

  stop(): void {
    if (this.#dead) return;
    this.#dead = true;
    const stale = this.#machine?.status().counters.stale ?? 0;
    this.#world.counts.refused += stale;
    if (stale !== this.#staleSeen) {
      this.#world.violate(
        'O6',
        'fencing',
        `${this.#staleSeen} stale acknowledgements came, ${stale} were refused`,
      );
    }
  }

  receive(message: ToCoordinator): void {
    if (this.#dead) return;
    try {
      if (message.kind === 'committed') {
        this.#committed.set(message.subtask, message.checkpoint);
        this.#endWhenCommitted();
        return;
      }
      if (message.kind === 'acknowledged') {
        this.#world.point('ack.received');
        if (message.attempt !== this.#attempt.attempt) this.#staleSeen += 1;
      }
      this.#step({ ...message, nowMs: this.#world.nowMs } as CoordinatorInput);
    } catch (error) {
      if (error instanceof ProcessDeath) throw error;
      if (error instanceof InvariantError || !(error instanceof Error) || error instanceof TypeError) {
        this.#world.violate('O11', 'invariant', `coordinator: ${String(error)}`);
      }
      if (error instanceof ActorDeath) this.stop();
      this.#attempt.failed(error);
    }
  }

  #step(input: CoordinatorInput): void {
    this.#machine ??= this.#makeMachine();
    let failure: unknown = null;
    for (const effect of this.#machine.step(input)) {
      if (effect.kind === 'stopFailed' || effect.kind === 'failAttempt') failure ??= effect.error;
      else this.#perform(effect);
    }
    if (failure !== null) throw failure;
  }

  #makeMachine(): CoordinatorMachine {
    const { intervalMs, timeoutMs, minPauseMs, concurrentMax, tolerableFailures } = this.#world.plan;
    const ids = this.#subtasks.map(({ role }) => role.facts.id);
    return new CoordinatorMachine(
      {
        mode: 'exactlyOnce',
        intervalMs,
        timeoutMs,
        minPauseMs,
        concurrentMax,
        tolerableFailures,
        subtasks: ids,
        sources: ids.filter((id) => id.startsWith(`${SOURCE}/`)),
        lastCheckpointId: this.#lastCheckpointId,
      },
      this.#attempt.attempt,
    );
  }

  #perform(effect: Exclude<CoordinatorEffect, { readonly kind: 'stopFailed' | 'failAttempt' }>): void {
    const { attempt, process } = this.#attempt;
    switch (effect.kind) {
      case 'reserveIds': {
        const { upTo } = effect;
        return this.#store.push(() =>
          process.store.reserveIds(
            attempt,
            upTo,
            () => this.#fromStore.push({ kind: 'idsReserved', upTo }),
            (error) => this.#fromStore.push({ kind: 'storeBroken', error }),
          ),
        );
      }
      case 'trigger':
        return this.#trigger(effect);
      case 'wakeAt':
        return this.#alarm.set(effect.atMs);
      case 'writeManifest':
        return this.#store.push(() => this.#complete(effect.draft));
      case 'notifyComplete':
        return this.#notify(effect.checkpoint);
      case 'notifyAborted':
        for (const { link } of this.#subtasks) {
          if (this.#world.fault('abort.drop')) continue;
          link.push({ kind: 'checkpointAborted', checkpoint: effect.checkpoint, reason: effect.reason });
        }
        return;
      case 'discard':
        return this.#store.push(() => process.store.discard(effect.checkpoint, attempt));
      default:
        return;
    }
  }

  #trigger({ checkpoint, purpose, sources }: CoordinatorEffect & { readonly kind: 'trigger' }): void {
    const world = this.#world;
    for (const { role, link } of this.#subtasks) {
      if (!sources.includes(role.facts.id) || world.fault('trigger.drop')) continue;
      link.push({ kind: 'trigger', checkpoint, purpose });
      if (world.fault('trigger.duplicate')) link.push({ kind: 'trigger', checkpoint, purpose });
      if (world.fault('trigger.stale')) {
        const older = Math.max(1, checkpoint - world.chance.between(1, 3)) as CheckpointId;
        link.push({ kind: 'trigger', checkpoint: older, purpose });
      }
    }
  }

  #complete(draft: CheckpointDraft): void {
    const world = this.#world;
    const { checkpoint } = draft;
    if (draft.jobFinished) this.#finals.add(checkpoint);
    const manifest = buildManifest(draft, {
      job: 'simulated',
      operators: operatorsOf(this.#attempt.process.parallelism),
      completedWallMs: world.nowMs,
    });
    world.point('metadata.written');
    this.#attempt.process.store.complete(
      manifest,
      () => {
        world.durable(manifest);
        world.point('metadata.durable');
        this.#fromStore.push({ kind: 'storeCompleted', checkpoint });
        world.point('checkpoint.deleted');
      },
      (error) => this.#fromStore.push({ kind: 'storeFailed', checkpoint, error }),
    );
  }

  #notify(checkpoint: CheckpointId): void {
    const world = this.#world;
    world.announced(checkpoint);
    for (const { link } of this.#subtasks) {
      // The notice of the last checkpoint has no successor that would make up for it.
      if (!this.#finals.has(checkpoint) && world.fault('notify.drop')) continue;
      link.push({ kind: 'checkpointComplete', checkpoint });
    }
    world.point('notify.sent');
    if (!this.#finals.has(checkpoint)) return;
    this.#last = checkpoint;
    this.#endWhenCommitted();
  }

  #endWhenCommitted(): void {
    const last = this.#last;
    if (last === null || this.#reported) return;
    for (const { role } of this.#subtasks) {
      const { id } = role.facts;
      if (id.startsWith(`${SINK}/`) && (this.#committed.get(id) ?? 0) < last) return;
    }
    this.#reported = true;
    this.#attempt.done();
  }
}
