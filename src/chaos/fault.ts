// `fault`: every fault that can be planned, behind one import.
//
// Owns:    what is hit, and combinations of faults.
// Not:     what can happen to it (fault-actors.ts, fault-world.ts), when it happens (built-fault.ts).
//
//   fault.actor('enrich').throws().atMessage(7)
//   fault.kill('coordinator').at('metadata.durable', { nth: 2 })
//   fault.seq(fault.job().savepoint(), fault.kill('process'))

import { ConfigError } from '../base/errors.js';
import { type OpenFault, openFault } from './built-fault.js';
import { ActorFaults, BarrierFaults, LinkFaults, type NamedActor } from './fault-actors.js';
import {
  ClockFaults,
  DiskFaults,
  InputFaults,
  JobFaults,
  NetworkFaults,
  OutputFaults,
  ProcessFaults,
  StoreFaults,
  TelemetryFaults,
} from './fault-world.js';
import type { FaultSpec } from './scenario-options.js';
import { type Combination, TreeSpec } from './spec-tree.js';

/** See the methods; `typeof fault`. Bad numbers, durations and names throw ConfigError where they are written. */
export interface Faults {
  /** A role (`source`, `operator`, `sink`, `coordinator`, `store`, `job`), an operator of the scenario, a path (`/till`), or `*`. */
  actor<const N extends string>(name: N): ActorFaults<NamedActor<N>>;
  /** Messages from one actor to another; either may be `*`. */
  link<const A extends string, const B extends string>(
    from: A,
    to: B,
  ): LinkFaults<NamedActor<A> | NamedActor<B>>;
  /** Checkpoint barriers, on any link unless `on` names one. */
  barrier(): BarrierFaults<never>;
  /** An actor dies; `process`: the process is killed; `power`: the power fails, and with it goes what was not durable. */
  kill<const N extends string>(what: N): OpenFault<NamedActor<Exclude<N, 'process' | 'power'>>>;
  process(): ProcessFaults;
  /** The checkpoint store, or the store in a directory. */
  store(directory?: string): StoreFaults;
  /** Files whose path begins so. */
  disk(pathPrefix: string): DiskFaults;
  clock(): ClockFaults;
  input(): InputFaults;
  output(): OutputFaults;
  job(): JobFaults;
  telemetry(): TelemetryFaults;
  /** Connections to a port, or to any (`*`). */
  network(port: number | '*'): NetworkFaults;
  /** One after the other: each sleeps until the one before has fired. */
  seq<N extends string>(...specs: readonly FaultSpec<N>[]): FaultSpec<N>;
  /** All of them, independently. */
  all<N extends string>(...specs: readonly FaultSpec<N>[]): FaultSpec<N>;
  /** One of them, drawn by the seed of the run. */
  oneOf<N extends string>(...specs: readonly FaultSpec<N>[]): FaultSpec<N>;
}

export const fault: Faults = {
  actor: (name) => new ActorFaults(name),
  link: (from, to) => new LinkFaults(`${from} -> ${to}`),
  barrier: () => new BarrierFaults('* -> *'),
  kill: (what) => {
    if (what === 'process') return openFault('process.kill', 'process');
    if (what === 'power') return openFault('power.loss', 'machine');
    return openFault('actor.crash', what);
  },
  process: () => new ProcessFaults(),
  store: (directory = 'checkpoints') => new StoreFaults(directory),
  disk: (pathPrefix) => new DiskFaults(pathPrefix),
  clock: () => new ClockFaults(),
  input: () => new InputFaults(),
  output: () => new OutputFaults(),
  job: () => new JobFaults(),
  telemetry: () => new TelemetryFaults(),
  network: (port) => new NetworkFaults(String(port)),
  seq: (...specs) => combined('seq', specs),
  all: (...specs) => combined('all', specs),
  oneOf: (...specs) => combined('oneOf', specs),
};

export { planOf } from './spec-tree.js';

function combined<N extends string>(kind: Combination['kind'], specs: readonly FaultSpec<N>[]): FaultSpec<N> {
  if (specs.length === 0) throw new ConfigError(`fault.${kind}: expected one fault or more, got none.`);
  return new TreeSpec<N>({ kind, specs });
}
