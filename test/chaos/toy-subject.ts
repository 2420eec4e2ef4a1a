// A small honest system for the tests of exploring and shrinking: workers, queues, checkpoints, a store, and planted bugs.
//
// Owns:    a pure simulation under a plan, with the same meaning of triggers as plan.ts gives.
// Not:     the engine: nothing here is Weir but the types.
//
// T1. Without a planted bug no plan violates anything.

import { randomBelow, randomStream } from '../../src/base/random-stream.js';
import type {
  FiredFault,
  Outcome,
  PropertyCount,
  RunSpec,
  Subject,
  Targets,
  Violation,
} from '../../src/chaos/execution.js';
import type { PlannedFault } from '../../src/chaos/plan.js';
import { PROTOCOL_STEPS, type ProtocolStep } from '../../src/task/effect.js';

export interface ToyBugs {
  /** A message that comes twice after a crash is taken twice: needs two faults in this order. */
  readonly twiceAfterCrash?: boolean;
  /** Records of one key overtake each other by more than this many places: needs a schedule, two workers and some records. */
  readonly overtakes?: number;
  /** The sink forgets a record when it dies here. */
  readonly losesAt?: ProtocolStep;
  /** Dying at the second step after dying at the first: a pair. */
  readonly losesAtPair?: readonly [ProtocolStep, ProtocolStep];
  /** A write whose failure was a lie is done again, from this operation on. */
  readonly repeatsWriteFrom?: number;
  /** Delays above this many milliseconds lose a record. */
  readonly losesAboveDelayMs?: number;
  /** Something outside the simulation decides. */
  readonly unstable?: boolean;
  /** Stands still when a store write hangs. */
  readonly hangs?: boolean;
}

export interface ToyOptions {
  readonly bugs?: ToyBugs;
  readonly targets?: Partial<Targets>;
  readonly checksNothing?: boolean;
  readonly properties?: Readonly<Record<string, PropertyCount>>;
}

export interface ToySubject extends Subject {
  /** Every run so far. */
  readonly specs: RunSpec[];
}

export const TOY_TARGETS: Targets = {
  apps: 'jobs',
  kinds: [
    'actor.crash',
    'process.kill',
    'power.loss',
    'link.duplicate',
    'link.drop',
    'link.delay',
    'store.reject',
    'store.rejectWritten',
    'store.hang',
    'store.full',
    'store.flip',
    'actor.poison',
  ],
  actors: ['source', 'operator', 'sink', 'coordinator', 'store', 'job'],
  links: ['source -> operator', 'operator -> sink'],
  predicates: [],
};

let outside = 0;

export function toySubject(options: ToyOptions = {}): ToySubject {
  const specs: RunSpec[] = [];
  return {
    name: 'toy',
    knobs: {
      parallelism: { min: 1, max: 4, least: 1, default: 2, level: 'parallelism' },
      records: { min: 1, max: 60, least: 1, default: 30, level: 'input' },
      delayMs: { min: 0, max: 20, least: 0, default: 5, level: 'delay' },
    },
    targets: { ...TOY_TARGETS, ...options.targets },
    specs,
    async execute(spec) {
      specs.push(spec);
      return new ToyRun(spec, options).run();
    },
  };
}

const PLACES: Readonly<Record<string, 'message' | 'store' | 'step'>> = {
  'actor.crash': 'step',
  'process.kill': 'step',
  'power.loss': 'step',
  'actor.poison': 'message',
  'link.duplicate': 'message',
  'link.drop': 'message',
  'link.delay': 'message',
};

class ToyRun {
  private readonly spec: RunSpec;
  private readonly options: ToyOptions;
  private readonly bugs: ToyBugs;
  private readonly fired: FiredFault[] = [];
  private readonly hits: number[];
  private readonly opened = new Set<number>();
  private readonly taken: number[] = [];
  private readonly choices: number[] = [];
  private readonly reached = new Map<string, number>();
  private readonly crashed = new Map<string, number>();
  private readonly log: string[] = [];
  private readonly deaths: string[] = [];
  private steps = 0;
  private nowMs = 0;
  private writes = 0;
  private checkpoints = 0;
  private restores = 0;
  private lost = 0;
  private stuck = false;

  constructor(spec: RunSpec, options: ToyOptions) {
    this.spec = spec;
    this.options = options;
    this.bugs = options.bugs ?? {};
    this.hits = spec.plan.faults.map(() => 0);
  }

  run(): Outcome {
    const { parallelism = 1, records = 0, delayMs = 0 } = this.spec.knobs;
    const queues: number[][] = Array.from({ length: parallelism }, () => []);
    for (let id = 0; id < records; id += 1) queues[id % parallelism]?.push(id);
    const random = randomStream(this.spec.seed, 'sched');
    while (!this.stuck) {
      const ready = queues
        .filter((queue) => queue.length > 0)
        .sort(([left = 0], [right = 0]) => left - right);
      if (ready.length === 0) break;
      const index = this.choices.length;
      const wish =
        this.spec.choices === null ? randomBelow(random, ready.length) : (this.spec.choices[index] ?? 0);
      const choice = wish % ready.length;
      this.choices.push(choice);
      this.nowMs += delayMs;
      const id = ready[choice]?.shift() ?? -1;
      this.handle(id);
      if (index % 5 === 4) this.checkpoint();
    }
    if ((this.bugs.losesAboveDelayMs ?? delayMs) < delayMs) this.lost += 1;
    return this.outcome(records);
  }

  private handle(id: number): void {
    const fired = this.at('message', 'operator', null);
    const again = fired.includes('link.duplicate') && this.bugs.twiceAfterCrash && this.restores > 0;
    this.taken.push(id, ...(again ? [id] : []));
    this.log.push(`take ${id}`);
  }

  private checkpoint(): void {
    for (const step of PROTOCOL_STEPS) {
      if (step.startsWith('restore') || step === 'record.afterRestore') continue;
      if (step === 'snapshot.written' || step === 'metadata.written') this.write();
      if (this.stuck) return;
      if (this.reach(step)) return this.restore();
    }
    this.checkpoints += 1;
  }

  private restore(): void {
    this.restores += 1;
    for (const step of ['restore.read', 'restore.applied', 'record.afterRestore'] as const) {
      if (this.reach(step)) return this.restore();
    }
  }

  private write(): void {
    this.writes += 1;
    const fired = this.at('store', 'store', null);
    if (fired.includes('store.hang') && this.bugs.hangs) this.stuck = true;
    if (fired.includes('store.rejectWritten') && this.writes >= (this.bugs.repeatsWriteFrom ?? Infinity)) {
      this.taken.push(this.taken.at(-1) ?? 0);
    }
  }

  /** True: somebody died here. */
  private reach(step: ProtocolStep): boolean {
    const role = step.startsWith('commit') ? 'sink' : step.startsWith('barrier') ? 'source' : 'coordinator';
    count(this.reached, `${role} ${step}`);
    const fired = this.at('step', role, step);
    if (fired.length === 0) return false;
    this.deaths.push(step);
    const pair = this.bugs.losesAtPair;
    const ofPair = pair !== undefined && this.deaths.at(-2) === pair[0] && step === pair[1];
    if (step === this.bugs.losesAt || ofPair) this.lost += 1;
    for (const { kind, hit } of this.fired.slice(-fired.length)) {
      const victim = kind === 'process.kill' ? 'process' : kind === 'power.loss' ? 'power' : hit;
      count(this.crashed, `${victim} ${step}`);
    }
    return true;
  }

  private at(
    place: 'message' | 'store' | 'step',
    role: string,
    step: ProtocolStep | null,
  ): readonly string[] {
    this.steps += 1;
    const fired: string[] = [];
    for (const [index, fault] of this.spec.plan.faults.entries()) {
      if ((PLACES[fault.kind] ?? 'store') !== place || !this.fires(index, fault, role, step)) continue;
      fired.push(fault.kind);
      this.log.push(`${fault.kind} at ${this.steps}`);
      this.fired.push({
        fault: index,
        kind: fault.kind,
        atMs: this.nowMs,
        atStep: this.steps,
        hit: fault.target,
      });
    }
    return fired;
  }

  private fires(index: number, fault: PlannedFault, role: string, step: ProtocolStep | null): boolean {
    const { trigger, times = 1, after } = fault;
    const done = this.fired.filter((each) => each.fault === index).length;
    if (times !== null && done >= times) return false;
    if (after !== undefined && !this.hasFired(after)) return false;
    if (trigger.kind === 'step') {
      if (trigger.step !== step || (trigger.role ?? role) !== role) return this.opened.has(index);
      this.hits[index] = (this.hits[index] ?? 0) + 1;
      if (this.hits[index] < trigger.n) return false;
      this.opened.add(index);
      return true;
    }
    const hits = (this.hits[index] ?? 0) + 1;
    this.hits[index] = hits;
    switch (trigger.kind) {
      case 'nth':
        return hits >= trigger.n;
      case 'every':
        return hits % trigger.n === 0;
      case 'time':
        return this.nowMs >= trigger.ms;
      case 'chance':
        return randomStream(this.spec.seed, `chance/${index}/${hits}`).next() < trigger.probability;
      case 'during':
        return this.hasFired(trigger.fault);
      case 'when':
        return true;
    }
  }

  private hasFired(fault: number): boolean {
    return this.fired.some((each) => each.fault === fault);
  }

  private outcome(records: number): Outcome {
    if (this.bugs.unstable) this.log.push(String(outside++));
    return {
      violations: this.violations(records),
      fired: this.fired,
      unfired: this.spec.plan.faults.flatMap((_, fault) =>
        this.hasFired(fault)
          ? []
          : [{ fault, hits: this.hits[fault] ?? 0, nearest: `its place was hit ${this.hits[fault]} times` }],
      ),
      stepsReached: this.reached,
      stepsCrashed: this.crashed,
      properties: new Map(Object.entries(this.options.properties ?? {})),
      counts: {
        steps: this.steps,
        virtualMs: this.nowMs,
        checkpoints: this.checkpoints,
        restores: this.restores,
        attempts: this.restores + 1,
        checked: this.options.checksNothing ? 0 : this.taken.length,
      },
      hash: String(hashOf(this.log.join('\n'))),
      choices: this.choices,
      trace: this.spec.trace ? { events: [], tree: null } : null,
    };
  }

  private violations(records: number): readonly Violation[] {
    const found: Violation[] = [];
    const missing = records - new Set(this.taken).size + this.lost;
    const doubled = this.taken.length - new Set(this.taken).size;
    if (this.stuck) found.push(violation('O7 liveness', 'the toy stands still'));
    else if (missing > 0) found.push(violation('lost', `${missing} lost`));
    if (doubled > 0) found.push(violation('doubled', `${doubled} doubled`));
    const worst = Math.max(0, ...this.taken.map((id, place) => place - id));
    if (worst > (this.bugs.overtakes ?? Infinity)) found.push(violation('order', `late by ${worst}`));
    return found;
  }
}

function violation(check: string, message: string): Violation {
  return { check, oracle: null, message, example: [] };
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
