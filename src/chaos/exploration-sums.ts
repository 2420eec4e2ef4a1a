// What many runs add up to.
//
// Owns:    sums of faults, steps, properties and counts over the runs of an exploration.
// Not:     judging them (vacuity.ts), running (explore.ts).

import type { Outcome, PropertyCount, RunCounts, RunSpec } from './execution.js';
import type { FaultKind } from './fault-kinds.js';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export class ExplorationSums {
  runs = 0;
  readonly fired: Map<FaultKind, number> = new Map();
  /** Faults planned, by kind. */
  readonly planned: Map<FaultKind, number> = new Map();
  /** What came nearest, of kinds that missed; the one with the most hits. */
  readonly nearest: Map<FaultKind, string> = new Map();
  readonly stepsReached: Map<string, number> = new Map();
  readonly stepsCrashed: Map<string, number> = new Map();
  readonly properties: Map<string, Mutable<PropertyCount>> = new Map();
  readonly counts: Mutable<RunCounts> = {
    steps: 0,
    virtualMs: 0,
    checkpoints: 0,
    restores: 0,
    attempts: 0,
    checked: 0,
  };
  private readonly fixed: number[];
  private readonly nearestHits = new Map<FaultKind, number>();

  /** The first `fixed` faults of every plan are the same. */
  constructor(fixed: number) {
    this.fixed = Array.from({ length: fixed }, () => 0);
  }

  get faultsFired(): number {
    return [...this.fired.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Firings of a fault that is part of every plan. */
  firedOfFixed(index: number): number {
    return this.fixed[index] ?? 0;
  }

  add(spec: RunSpec, outcome: Outcome): void {
    this.runs += 1;
    for (const { kind } of spec.plan.faults) increase(this.planned, kind, 1);
    for (const { kind, fault } of outcome.fired) {
      increase(this.fired, kind, 1);
      if (fault < this.fixed.length) this.fixed[fault] = this.firedOfFixed(fault) + 1;
    }
    this.addMissed(spec, outcome);
    for (const [step, count] of outcome.stepsReached) increase(this.stepsReached, step, count);
    for (const [step, count] of outcome.stepsCrashed) increase(this.stepsCrashed, step, count);
    this.addProperties(outcome);
    this.addCounts(outcome.counts);
  }

  private addMissed(spec: RunSpec, outcome: Outcome): void {
    for (const { fault, hits, nearest } of outcome.unfired) {
      const kind = spec.plan.faults[fault]?.kind;
      if (kind === undefined || hits <= (this.nearestHits.get(kind) ?? -1)) continue;
      this.nearestHits.set(kind, hits);
      this.nearest.set(kind, nearest);
    }
  }

  private addProperties(outcome: Outcome): void {
    for (const [name, count] of outcome.properties) {
      const sum = this.properties.get(name);
      if (sum === undefined) {
        this.properties.set(name, { ...count });
      } else {
        sum.held += count.held;
        sum.failed += count.failed;
      }
    }
  }

  private addCounts(counts: RunCounts): void {
    const sums = this.counts;
    sums.steps += counts.steps;
    sums.virtualMs += counts.virtualMs;
    sums.checkpoints += counts.checkpoints;
    sums.restores += counts.restores;
    sums.attempts += counts.attempts;
    sums.checked += counts.checked;
  }
}

function increase<K>(counts: Map<K, number>, key: K, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
