// Actor apps under test: `simulate` and `actorScenario`.
//
// Owns:    the public entry for programs that are no stream jobs.
// Not:     running them (app-run.ts), exploring (explore.ts).

import type { ActorSystemOptions } from '../../actors/kernel/actor.js';
import { AppSubject } from './app-subject.js';
import type { ExploreOptions, ExploreReport, SwarmOptions } from './exploration.js';
import { inSimulation } from './inside.js';
import type { Runnable } from './runnable.js';
import { SubjectRuns } from './runs-of.js';
import type { FaultSpec } from './scenario-options.js';
import type { SimulatedProgram } from './simulated-app.js';

export interface ActorScenarioOptions {
  /** In reports, tokens and the corpus. Default `app`. */
  readonly name?: string;
  /** Faults of every run; paths of actors, such as `/till`, or their last names. */
  readonly faults?: readonly FaultSpec[];
  /** Which faults `explore` draws when it is not told: default all that apply to actors. */
  readonly swarm?: SwarmOptions | false;
  /** `import.meta.url` of the file that exports the scenario: reports can then say how to replay a run from the shell. */
  readonly module?: string;
  readonly supervision?: ActorSystemOptions['supervision'];
}

export interface SimulateOptions extends Omit<ActorScenarioOptions, 'module'>, Omit<ExploreOptions, 'plan'> {}

/** An actor app that can be run, explored, replayed and shrunk: by tests, and by `weir chaos` when a file exports it. */
export function actorScenario(program: SimulatedProgram, options: ActorScenarioOptions = {}): Runnable {
  const { name = 'app', faults = [], swarm = {}, module = null, supervision } = options;
  const subject = new AppSubject({ name, program, system: supervision === undefined ? {} : { supervision } });
  let looked: Promise<void> | null = null;
  const prepare = (): Promise<void> => {
    looked ??= inSimulation(() => subject.lookAround());
    return looked;
  };
  return new SubjectRuns({ subject, faults, swarm, module, prepare, elsewhere: null });
}

/**
 * Runs the program many times in virtual time, each time with other faults and another schedule, all drawn from the seed. Rejects
 * with the report of the smallest failure when the program throws, when a property does not hold, or when an oracle of
 * the actor kernel objects. A hundred seeds by default.
 */
export function simulate(program: SimulatedProgram, options: SimulateOptions = {}): Promise<ExploreReport> {
  const { name, faults, supervision, ...explore } = options;
  const scenario = actorScenario(program, {
    ...(name === undefined ? {} : { name }),
    ...(faults === undefined ? {} : { faults }),
    ...(supervision === undefined ? {} : { supervision }),
  });
  return scenario.explore(explore);
}
