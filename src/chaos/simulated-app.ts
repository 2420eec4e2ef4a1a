// What an actor app is to the simulation, and what the simulation is to its program.
//
// Owns:    the types between them.

import type { ActorSystem, ActorSystemOptions } from '../../actors/kernel/actor.js';
import type { RandomStream } from '../base/runtime.js';
import type { VirtualRuntime } from '../testing/virtual-runtime.js';
import type { Probe } from './probe.js';

export interface SimulatedClock {
  /** Monotonic virtual milliseconds since the start. */
  nowMs(): number;
  /** Virtual wall clock, milliseconds since 1970 UTC. */
  wallMs(): number;
  /** Lets virtual time pass: the actors go on meanwhile. */
  sleep(ms: number): Promise<void>;
}

/** What the program of a simulation is given. */
export interface SimulatedWorld {
  /** Its actors run in virtual time and under the plan; it is shut down when the program ends. */
  readonly system: ActorSystem;
  readonly clock: SimulatedClock;
  /** For actors that need files, stores or sockets: all of them simulated. */
  readonly runtime: VirtualRuntime;
  readonly seed: number;
  /** Random numbers of the program, from the seed, one stream per purpose. */
  random(purpose: string): RandomStream;
  /** An actor that keeps what it is sent, to be waited for. */
  probe<M>(): Probe<M>;
  /** No fault from here on, and effects that last end: what must hold in the end is asked after it. */
  heal(): void;
}

/** Drives the actors, and throws when something is wrong. Runs again for every seed. */
export type SimulatedProgram = (world: SimulatedWorld) => void | Promise<void>;

export interface SimulatedApp {
  readonly name: string;
  readonly program: SimulatedProgram;
  /** Options of the actor system, such as supervision of the top-level actors. */
  readonly system: Pick<ActorSystemOptions, 'supervision' | 'shutdownPhaseTimeoutMs'>;
}
