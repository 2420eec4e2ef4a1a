// What outlives every simulated process: time, chance, the disk, the world outside, and what must hold.
//
// Owns:    faults as they happen and their counts, violations, what lands late, the checks of every checkpoint (O4, O5, O6).
// Not:     the job (job-process.ts), the loop (protocol-run.ts).
//
// W1. A checkpoint counts as complete from the moment in which its manifest is durable. Nothing is committed or announced
//     before; nothing that was announced is ever missing (O5).
// W2. The snapshots of a complete checkpoint cover the same records at source, operator and sink (O4).

import type { CheckpointId } from '../../../src/base/ids.js';
import type { Manifest, SubtaskSnapshot } from '../../../src/checkpoint/manifest.js';
import type { ProtocolStep } from '../../../src/task/effect.js';
import type { Chance } from './chance.js';
import { TraceHash } from './chance.js';
import { Disk } from './disk-model.js';
import { ExternalSink } from './external-sink.js';
import type { PlannedCrash, ProtocolFault, ProtocolPlan } from './protocol-plan.js';
import type { InputRecord } from './protocol-subtasks.js';

export interface ProtocolViolation {
  readonly check: string;
  readonly oracle: string;
  readonly message: string;
}

export interface Counts {
  steps: number;
  checkpoints: number;
  restores: number;
  /** Messages and writes of dead attempts that were refused. */
  refused: number;
  readonly faults: Map<ProtocolFault, number>;
  /** Deaths by protocol step. */
  readonly crashes: Map<ProtocolStep, number>;
}

/** A process ends in the middle of whatever it does. */
export class ProcessDeath extends Error {
  readonly how: PlannedCrash['how'];
  constructor(how: PlannedCrash['how']) {
    super(how);
    this.how = how;
  }
}

/** An actor ends in the middle of whatever it does. */
export class ActorDeath extends Error {}

/** Violations after which a run is not worth going on. */
const VIOLATIONS_MAX = 5;

interface Cut {
  source: number;
  operator: number;
  sink: number;
}

interface Complete {
  readonly manifest: Manifest;
  readonly cut: Cut;
}

export type Role = 'source' | 'operator' | 'sink' | 'coordinator' | 'store';

export class ProtocolWorld {
  readonly plan: ProtocolPlan;
  readonly chance: Chance;
  readonly hash: TraceHash = new TraceHash();
  readonly disk: Disk;
  readonly external: ExternalSink;
  readonly input: readonly InputRecord[];
  readonly violations: ProtocolViolation[] = [];
  readonly counts: Counts = {
    steps: 0,
    checkpoints: 0,
    restores: 0,
    refused: 0,
    faults: new Map(),
    crashes: new Map(),
  };
  nowMs = 0;
  lastFaultStep = 0;
  finished = false;
  /** Another process is to take over, while the one that runs goes on for a while. */
  takeover = false;
  processes = 0;
  /** Told of every completed checkpoint: for restoring one alone. */
  onComplete: ((manifest: Manifest) => void) | null = null;
  /** By attempt and checkpoint: an id whose reservation a disk has lost comes again in a later attempt. */
  readonly #cuts: Map<string, Cut> = new Map();
  readonly #complete: Map<number, Complete> = new Map();
  #durableUpTo = 0;
  #announcedUpTo = 0;
  #late: { readonly atMs: number; readonly land: () => void }[] = [];

  constructor(plan: ProtocolPlan, chance: Chance, input: readonly InputRecord[], from: WorldStart | null) {
    this.plan = plan;
    this.chance = chance;
    this.input = input;
    this.disk = from?.disk ?? new Disk();
    this.external = from?.external ?? new ExternalSink(input.length);
    if (from === null) return;
    this.#durableUpTo = from.checkpoint;
    this.#cuts.set(nameOf(from), from.cut);
  }

  // ---------------------------------------------------------------- faults

  /** Whether this fault happens now. */
  fault(kind: ProtocolFault): boolean {
    const rate = this.plan.rates.get(kind);
    if (rate === undefined || this.counts.steps > this.plan.faultStepsMax || !this.chance.of(rate))
      return false;
    this.count(kind);
    return true;
  }

  count(kind: ProtocolFault): void {
    const { faults, steps } = this.counts;
    faults.set(kind, (faults.get(kind) ?? 0) + 1);
    this.lastFaultStep = steps;
    this.hash.add(steps);
  }

  /** A protocol step is reached: somebody may die of it. */
  point(step: ProtocolStep): void {
    for (const crash of this.plan.crashes) {
      if (crash.step !== step || crash.nth === 0) continue;
      crash.nth -= 1;
      if (crash.nth > 0 || this.counts.steps > this.plan.faultStepsMax) continue;
      this.count(crash.how);
      this.counts.crashes.set(step, (this.counts.crashes.get(step) ?? 0) + 1);
      if (crash.how === 'actor.crash') throw new ActorDeath(step);
      if (crash.how === 'process.zombie') {
        // It is paused between two messages: nothing in it is cut short.
        this.takeover = true;
        continue;
      }
      throw new ProcessDeath(crash.how);
    }
  }

  /** Something that nobody waits for any more happens later, if at all. */
  afterDeath(land: () => void): void {
    if (this.fault('process.lateWrites')) {
      this.#late.push({ atMs: this.nowMs + this.chance.between(1, 400), land });
    } else if (this.chance.of(0.5)) land();
  }

  get lateDueMs(): number {
    return this.#late.reduce((due, { atMs }) => Math.min(due, atMs), Number.POSITIVE_INFINITY);
  }

  landDue(): void {
    if (this.#late.length === 0) return;
    const due = this.#late.filter(({ atMs }) => atMs <= this.nowMs);
    if (due.length === 0) return;
    this.#late = this.#late.filter(({ atMs }) => atMs > this.nowMs);
    for (const { land } of due) land();
  }

  // ---------------------------------------------------------------- what must hold

  violate(oracle: string, check: string, message: string): void {
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push({ check, oracle, message });
  }

  /** A subtask says that its snapshot is durable. */
  acknowledged(role: 'source' | 'operator' | 'sink', taken: Taken, covers: number): void {
    const cut = this.#cuts.get(nameOf(taken)) ?? { source: 0, operator: 0, sink: 0 };
    cut[role] += covers;
    this.#cuts.set(nameOf(taken), cut);
  }

  acknowledgedDurably(snapshot: SubtaskSnapshot): void {
    for (const { keyed } of snapshot.operators) {
      for (const segment of keyed) {
        if (this.disk.hasStored(segment)) continue;
        this.violate(
          'O5',
          'durability',
          `checkpoint ${segment.checkpoint} is acknowledged before its chunks are stored`,
        );
      }
    }
  }

  /** The manifest can be read from now on, whatever happens. */
  durable(manifest: Manifest): void {
    const { checkpoint } = manifest;
    if (this.#complete.has(checkpoint)) return;
    const cut = this.#cuts.get(nameOf(manifest)) ?? { source: -1, operator: -1, sink: -1 };
    this.#complete.set(checkpoint, { manifest, cut });
    this.counts.checkpoints += 1;
    this.hash.add(checkpoint);
    if (checkpoint <= this.#durableUpTo) {
      this.violate('O6', 'fencing', `checkpoint ${checkpoint} completes after ${this.#durableUpTo}`);
    }
    this.#durableUpTo = Math.max(this.#durableUpTo, checkpoint);
    if (cut.source !== cut.operator || cut.operator !== cut.sink) {
      const { source, operator, sink } = cut;
      this.violate(
        'O4',
        'cut',
        `checkpoint ${checkpoint} covers ${source} records at the source, ${operator} at the operator, ${sink} at the sink`,
      );
    }
    this.onComplete?.(manifest);
  }

  announced(checkpoint: CheckpointId): void {
    this.#announcedUpTo = Math.max(this.#announcedUpTo, checkpoint);
    if (checkpoint > this.#durableUpTo) {
      this.violate('O5', 'durability', `checkpoint ${checkpoint} is announced before it is durable`);
    }
  }

  restored(latest: Manifest | null): void {
    this.counts.restores += 1;
    const checkpoint = latest?.checkpoint ?? 0;
    this.hash.add(checkpoint);
    // A manifest that became durable with a death is as good as one that was waited for.
    if (latest !== null && checkpoint > this.#durableUpTo) this.durable(latest);
    if (checkpoint < this.#announcedUpTo) {
      this.violate(
        'O5',
        'durability',
        `checkpoint ${this.#announcedUpTo} was announced, ${checkpoint} is restored`,
      );
    }
  }

  /** Records that the restored checkpoint covers. */
  cutOf(taken: Taken): Cut {
    return this.#cuts.get(nameOf(taken)) ?? { source: 0, operator: 0, sink: 0 };
  }

  commit(name: string, checkpoint: number): void {
    if (checkpoint > this.#durableUpTo) {
      this.violate('O5', 'durability', `${name} is committed before checkpoint ${checkpoint} is durable`);
    }
    const trouble = this.external.commit(name);
    if (trouble !== null) this.violate(trouble.oracle, 'commit', trouble.message);
    this.hash.add(this.external.records);
  }
}

/** Which checkpoint, of which attempt. */
interface Taken {
  readonly attempt: number;
  readonly checkpoint: number;
}

function nameOf({ attempt, checkpoint }: Taken): string {
  return `${attempt}/${checkpoint}`;
}

/** For restoring one checkpoint alone. */
export interface WorldStart {
  readonly attempt: number;
  readonly disk: Disk;
  readonly external: ExternalSink;
  readonly checkpoint: number;
  readonly cut: Cut;
}
