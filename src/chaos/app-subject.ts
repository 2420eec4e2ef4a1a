// An actor app as a subject: what explore, shrink and replay run again and again.
//
// Owns:    one execution from RunSpec to Outcome; finding out what the app is made of.
// Not:     the run itself (app-run.ts).
//
// S1. Which actors and links there are is learned from one run without faults, before plans are drawn; always from the same
//     seed, so that whoever explores a share of the seeds draws the same plans as whoever explores all.

import { treeOf } from './actor-tree.js';
import { AppRun } from './app-run.js';
import type { KnobInfo, Outcome, RunSpec, Subject, Targets } from './execution.js';
import { FAULT_KINDS, type FaultKind } from './fault-kinds.js';
import { enterSimulation } from './inside.js';
import { NO_FAULTS } from './plan.js';
import { PropertyLog, withPropertyLog } from './property.js';
import { STRATEGIES } from './schedule.js';
import type { SimulatedApp } from './simulated-app.js';

const LOOK_SEED = 1;

const KNOBS: Readonly<Record<string, KnobInfo>> = {
  strategy: { level: 'delay', min: 0, least: 0, default: 0, max: STRATEGIES.length - 1 },
  turnMessages: { level: 'delay', min: 1, least: 1, default: 8, max: 64 },
  stepsPerMs: { level: 'delay', min: 20, least: 20, default: 100, max: 400 },
};

/** Kinds that only make sense for apps that use stores or files, or that end a process. */
const NOT_BY_ITSELF = new Set(['store', 'files', 'network', 'process', 'input', 'output', 'job']);
const STILL: ReadonlySet<FaultKind> = new Set<FaultKind>(['process.pause', 'process.stall']);

export class AppSubject implements Subject {
  readonly name: string;
  readonly knobs: Subject['knobs'] = KNOBS;
  readonly #app: SimulatedApp;
  #targets: Targets = targetsOf(['*'], ['* -> *']);

  constructor(app: SimulatedApp) {
    this.name = app.name;
    this.#app = app;
  }

  get targets(): Targets {
    return this.#targets;
  }

  /** Runs the program once without faults, and remembers its actors and links. */
  async lookAround(): Promise<void> {
    const knobs = Object.fromEntries(Object.entries(KNOBS).map(([name, knob]) => [name, knob.default]));
    const leave = enterSimulation();
    try {
      const run = new AppRun(this.#app, {
        seed: LOOK_SEED,
        plan: NO_FAULTS,
        knobs,
        choices: [],
        trace: false,
      });
      await withPropertyLog(new PropertyLog(), () => run.toTheEnd());
      const real = (path: string): boolean => !path.includes('/probe-');
      this.#targets = targetsOf(
        ['*', ...[...run.paths].filter(real)],
        ['* -> *', ...[...run.links].filter((link) => !link.includes('/probe-'))],
      );
    } finally {
      leave();
    }
  }

  async execute(spec: RunSpec): Promise<Outcome> {
    const leave = enterSimulation();
    try {
      const properties = new PropertyLog();
      const run = new AppRun(this.#app, spec);
      await withPropertyLog(properties, () => run.toTheEnd());
      const { machine, arsenal } = run;
      // A property says more than the error that followed from it.
      const violations = [...properties.violations, ...run.violations];
      return {
        violations,
        fired: arsenal.fired,
        unfired: arsenal.unfired(),
        stepsReached: new Map(),
        stepsCrashed: run.world.stepsCrashed,
        properties: properties.counts,
        counts: {
          steps: machine.steps,
          virtualMs: machine.nowMs,
          checkpoints: 0,
          restores: run.restarts,
          attempts: 1,
          checked: run.messages,
        },
        hash: machine.hash,
        choices: run.schedule.recorded,
        trace: run.recorder === null ? null : { events: run.recorder.events, tree: treeOf(run.tree) },
      };
    } finally {
      leave();
    }
  }
}

function targetsOf(actors: readonly string[], links: readonly string[]): Targets {
  const kinds = [...FAULT_KINDS].flatMap(([kind, { apps, modes, target }]) => {
    const applies = apps !== 'jobs' && modes.includes('simulation');
    return applies && (!NOT_BY_ITSELF.has(target) || STILL.has(kind)) ? [kind] : [];
  });
  return { apps: 'actors', kinds, actors, links, predicates: [] };
}
