// One simulated process that runs the job: the job machine, the store, and one attempt after another.
//
// Owns:    what actors/job-actor.ts and store-actor.ts do in the engine, without promises.
// Not:     an attempt (job-attempt.ts), the disk (store-model.ts), deaths of processes (protocol-run.ts).
//
// J1. An attempt ends whole: every role has stopped before the next attempt begins.

import { attemptNumber } from '../../../src/base/ids.js';
import { type Assignment, assignState } from '../../../src/checkpoint/assignment.js';
import { type JobInput, JobMachine } from '../../../src/recovery/job-machine.js';
import { restartStrategy } from '../../../src/recovery/restart-strategy.js';
import { JobAttempt } from './job-attempt.js';
import { type Alarm, type Link, Links } from './protocol-links.js';
import { operatorsOf } from './protocol-subtasks.js';
import type { ProtocolWorld } from './protocol-world.js';
import { type Begun, StoreModel } from './store-model.js';
import type { ToCoordinator } from './subtask-role.js';

const RESTART_DELAY_MS = 5;
const RESTARTS = 1_000_000;
const STRATEGY = restartStrategy({ kind: 'fixedDelay', attempts: RESTARTS, delayMs: RESTART_DELAY_MS });

export class JobProcess {
  readonly world: ProtocolWorld;
  readonly links: Links;
  readonly store: StoreModel;
  readonly job: Link<JobInput>;
  parallelism: number;
  /** It does not know it, but another process has taken over. */
  zombie = false;
  /** Acknowledgements of an ended attempt that are still on their way. */
  staleAcks: ToCoordinator[] = [];
  readonly #machine: JobMachine;
  readonly #storeWork: Link<null>;
  readonly #restart: Alarm;
  readonly #starting: Link<Begun>;
  #attempt: JobAttempt | null = null;

  constructor(world: ProtocolWorld, parallelism: number) {
    this.world = world;
    this.parallelism = parallelism;
    this.links = new Links(world.plan.order);
    this.#machine = new JobMachine(STRATEGY, { next: () => 0 });
    this.job = this.links.link((input) => this.#step(input));
    this.#storeWork = this.links.link(() => this.store.work());
    this.#starting = this.links.link((begun) => this.#begin(begun));
    this.#restart = this.links.alarm(() => this.#step({ kind: 'restartDue' }));
    world.processes += 1;
    this.store = new StoreModel(world.disk, world.processes, {
      wake: () => this.#storeWork.push(null),
      fate: () => {
        if (world.fault('store.reject')) return 'refused';
        return world.fault('store.hang') ? 'hung' : 'ok';
      },
      abandoned: (rows) => world.afterDeath(() => world.disk.apply(rows)),
    });
    this.job.push({ kind: 'start' });
  }

  /** The process is gone at once, with everything in it. */
  die(): void {
    this.world.counts.refused += this.store.fenced;
    for (const land of this.#attempt?.lateEffects() ?? []) this.world.afterDeath(land);
    this.#attempt?.stopNow();
    this.store.die();
  }

  #step(input: JobInput): void {
    for (const effect of this.#machine.step(input)) {
      switch (effect.kind) {
        case 'beginAttempt':
          this.#rescale();
          this.store.begin((begun) => this.#starting.push(begun));
          break;
        case 'stopAttempt': {
          const { attempt } = effect;
          if (this.#attempt === null) this.job.push({ kind: 'attemptStopped', attempt });
          else this.#attempt.stop(() => this.#stopped(attempt));
          break;
        }
        case 'scheduleRestart':
          this.#restart.set(this.world.nowMs + effect.delayMs);
          break;
        case 'end':
          if (!this.zombie) this.world.finished = true;
          break;
        default:
          if (!this.zombie) this.world.violate('O7', 'liveness', `the job fails: ${String(effect.error)}`);
          this.world.finished ||= !this.zombie;
      }
    }
  }

  #rescale(): void {
    if (this.world.processes === 1 && this.#machine.attempt === 0) return;
    if (this.world.fault('job.rescale')) this.parallelism = this.parallelism === 1 ? 2 : 1;
  }

  #begin(begun: Begun): void {
    const { world } = this;
    const attempt = attemptNumber(begun.attempt);
    world.restored(begun.latest);
    this.#step({ kind: 'attemptBegun', attempt });
    const assignment = this.#assign(begun);
    this.#attempt = new JobAttempt(this, attempt, begun, assignment);
  }

  /** Some checkpoints can be restored with the parallelism of their time only: some subtasks have finished. */
  #assign({ latest }: Begun): Assignment | null {
    if (latest === null) return null;
    try {
      return assignState(latest, operatorsOf(this.parallelism), { allowNonRestoredState: false });
    } catch {
      this.parallelism = latest.operators[0]?.parallelism ?? 1;
      return assignState(latest, operatorsOf(this.parallelism), { allowNonRestoredState: false });
    }
  }

  #stopped(attempt: number): void {
    const ended = this.#attempt;
    this.#attempt = null;
    for (const land of ended?.lateEffects() ?? []) this.world.afterDeath(land);
    this.staleAcks = [...(ended?.staleAcks ?? [])];
    this.#step({ kind: 'attemptStopped', attempt });
  }
}
