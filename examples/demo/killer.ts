// Kills actors of the demo's job, and measures how long the job takes to be back.
//
// Owns:    whom to kill and when, and the protocol steps that tell when records flow again.
// Not:     bringing the job back: that is the engine's work.
//
// K1. The next actor is killed only after the job has come back from the last one, so that each line tells one story.

import { setTimeout as sleep } from 'node:timers/promises';
import type { JobHandle, Points, RandomStream } from 'weirjs';
import { livingActors } from '../fault.js';

const ROLES = ['source', 'operator', 'sink', 'coordinator', 'store'] as const;
export type Role = (typeof ROLES)[number];

const KILL_AFTER_MS = { least: 1_500, most: 3_500 };

const ACTORS: Readonly<Record<Role, RegExp>> = {
  source: /\d-source\.\d+$/,
  operator: /\d-window\.\d+$/,
  sink: /-(?:files|screen)\.\d+$/,
  coordinator: /\/coordinator$/,
  store: /\/store-\d+$/,
};

export interface Recovery {
  readonly role: Role;
  /** `window/1` */
  readonly actor: string;
  /** Null: the job began anew, because no checkpoint was complete yet. */
  readonly checkpoint: number | null;
  readonly ms: number;
}

type Watch =
  | { readonly kind: 'calm' }
  | { readonly kind: 'down'; readonly role: Role; readonly actor: string; readonly sinceMs: number };

/** Listens to the protocol steps of a job: give it to `nodeRuntime({ points })`. */
export class Killer implements Points {
  readonly recoveries: Recovery[] = [];
  readonly #onRecovery: (recovery: Recovery) => void;
  #watch: Watch = { kind: 'calm' };
  #completed: number | null = null;

  constructor(onRecovery: (recovery: Recovery) => void) {
    this.#onRecovery = onRecovery;
  }

  hit(step: string, fields: Readonly<Record<string, string | number | boolean>>): void {
    if (step === 'metadata.durable') this.#completed = Number(fields['checkpoint']);
    if (step !== 'record.afterRestore' || this.#watch.kind === 'calm') return;
    const { role, actor, sinceMs } = this.#watch;
    this.#watch = { kind: 'calm' };
    const recovery = {
      role,
      actor,
      checkpoint: this.#completed,
      ms: Math.round(performance.now() - sinceMs),
    };
    this.recoveries.push(recovery);
    this.#onRecovery(recovery);
  }

  /** Who was killed and is not back: at the very end no record follows that would show it. */
  get unanswered(): string | null {
    return this.#watch.kind === 'down' ? this.#watch.actor : null;
  }

  /** Kills one actor after another until the signal says that the job has ended. */
  async goOn(handle: JobHandle, random: RandomStream, signal: AbortSignal): Promise<void> {
    const { least, most } = KILL_AFTER_MS;
    while (!signal.aborted) {
      // An aborted sleep rejects: the job has ended, and nobody is left to kill.
      await sleep(least + random.next() * (most - least), undefined, { signal }).catch(() => undefined);
      const role = ROLES[Math.floor(random.next() * ROLES.length)];
      if (!signal.aborted && role !== undefined) this.#strike(handle, role, random.next());
    }
  }

  /** `dice` is in [0, 1) and chooses among the living actors of the role. */
  #strike(handle: JobHandle, role: Role, dice: number): void {
    if (this.#watch.kind === 'down') return;
    const paths = livingActors(handle).filter((path) => ACTORS[role].test(path));
    const path = paths[Math.floor(dice * paths.length)];
    const ref = path === undefined ? null : handle.system.find(path);
    if (path === undefined || ref === null) return;
    this.#watch = { kind: 'down', role, actor: actorName(path), sinceMs: performance.now() };
    handle.system.crash(ref, new Error(`killed ${path} on purpose`));
  }
}

/** `/job/attempt-2/1-window.0` becomes `window/0`. */
function actorName(path: string): string {
  const last = path.slice(path.lastIndexOf('/') + 1);
  return last
    .replace(/^\d+-/, '')
    .replace('.', '/')
    .replace(/^store-\d+$/, 'store');
}
