// Carries out a plan of crashes: listens to the protocol steps of a running job and kills whom the plan names.
//
// Owns:    when the next crash is due, finding a living actor of a role, the record of what was done.
// Not:     the plan (crash-plan.ts), running the job (crash-run.ts).
//
// H1. A role that stands at the step itself dies there, by a throw of the listener; any other dies at that moment.
// H2. A crash counts as done only when somebody died: without a living victim it waits for the next time.

import type { JobHandle } from '../../actors/job-handle.js';
import type { ActorSnapshot } from '../../actors/kernel/actor.js';
import type { PointFields, Points } from '../../src/base/runtime.js';
import type { ProtocolStep } from '../../src/task/effect.js';
import { type CrashPlan, isRestoreStep, type MachineRole, type PlannedCrash } from './crash-plan.js';

export interface DoneCrash {
  readonly crash: PlannedCrash;
  /** Who died. */
  readonly victim: string;
  readonly attempt: number;
}

/** What a planned crash looks like to the engine. */
export class InjectedCrash extends Error {}

export class CrashListener implements Points {
  readonly done: DoneCrash[] = [];
  /** How often each step was reached. */
  readonly hits: Map<string, number> = new Map();
  checkpoints = 0;
  /** Attempts that restored something. */
  readonly restored: Set<number> = new Set();
  private readonly plan: CrashPlan;
  private readonly die: (role: MachineRole) => void;
  private readonly roles = new Map<string, string>();
  private handle: JobHandle | null = null;
  private counted = 0;

  /** `die` ends the process that runs the job; only plans with such crashes call it. */
  constructor(plan: CrashPlan, die: (role: MachineRole) => void) {
    this.plan = plan;
    this.die = die;
  }

  get due(): PlannedCrash | null {
    return this.plan.crashes[this.done.length] ?? null;
  }

  attach(handle: JobHandle): void {
    this.handle = handle;
  }

  hit(step: string, fields: PointFields): void {
    this.note(step, fields);
    const crash = this.due;
    if (crash === null || crash.step !== step || !this.isDue(crash, fields)) return;
    this.counted += 1;
    if (this.counted < crash.hit) return;
    this.strike(crash, fields);
  }

  private note(step: string, fields: PointFields): void {
    this.hits.set(step, (this.hits.get(step) ?? 0) + 1);
    if (step === 'metadata.durable') this.checkpoints += 1;
    if (step === 'restore.applied') this.restored.add(Number(fields['attempt']));
    const { subtask, role } = fields;
    // The name of its actor, as the tree of actors shows it.
    if (subtask !== undefined) this.roles.set(String(subtask).replaceAll('/', '.'), String(role));
  }

  private isDue(crash: PlannedCrash, fields: PointFields): boolean {
    const before = this.done.at(-1);
    if (before !== undefined && !crash.overlap && Number(fields['attempt']) <= before.attempt) return false;
    const next: ProtocolStep | undefined = this.plan.crashes[this.done.length + 1]?.step;
    return next === undefined || !isRestoreStep(next) || this.checkpoints > 0;
  }

  private strike(crash: PlannedCrash, fields: PointFields): void {
    const { role } = crash;
    const error = new InjectedCrash(`planned: ${role} dies at ${crash.step}`);
    if (role === 'process' || role === 'power') {
      this.record(crash, fields, role);
      return this.die(role);
    }
    if (role === fields['role']) {
      this.record(crash, fields, String(fields['subtask'] ?? role));
      throw error;
    }
    const victim = this.livingActor(role);
    const ref = victim === null ? null : (this.handle?.system.find(victim) ?? null);
    if (victim === null || ref === null) return;
    this.record(crash, fields, victim);
    this.handle?.system.crash(ref, error);
  }

  private record(crash: PlannedCrash, fields: PointFields, victim: string): void {
    this.counted = 0;
    this.done.push({ crash, victim, attempt: Number(fields['attempt']) });
  }

  /** The last in the order of the tree: of the newest attempt. */
  private livingActor(role: string): string | null {
    const found: string[] = [];
    const visit = (actor: ActorSnapshot): void => {
      const living = actor.state === 'running' || actor.state === 'starting';
      if (living && this.roleOf(actor.path) === role) found.push(actor.path);
      actor.children.forEach(visit);
    };
    if (this.handle !== null) visit(this.handle.actors());
    return found.at(-1) ?? null;
  }

  private roleOf(path: string): string | null {
    const parts = path.split('/').slice(1);
    if (path === '/job') return 'job';
    const [, child = '', name] = parts;
    if (parts.length === 2) return child.startsWith('store') ? 'store' : null;
    if (name === undefined) return null;
    return name === 'coordinator' ? 'coordinator' : (this.roles.get(name) ?? null);
  }
}
