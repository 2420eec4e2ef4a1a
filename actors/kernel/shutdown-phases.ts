// What has to happen before the actors stop: work in phases, each bounded in time.
//
// Owns:    the order of the phases and their time-outs.
// Not:     stopping actors (system.ts).
//
// P1. Phases run in order, the work of one phase at the same time.
// P2. Work that throws or hangs is logged and does not keep the system from stopping.

import { ConfigError, messageOf } from '../../src/base/errors.js';
import type { Logger } from '../../src/base/logger.js';
import type { Timers } from '../../src/base/runtime.js';
import type { ShutdownPhase } from './actor.js';

const PHASES: readonly ShutdownPhase[] = [
  'beforeServiceUnbind',
  'serviceUnbind',
  'serviceRequestsDone',
  'beforeActorsStop',
];

interface Work {
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

export class ShutdownPhases {
  readonly #work: Map<ShutdownPhase, Work[]> = new Map(PHASES.map((phase) => [phase, []]));
  readonly #timers: Timers;
  readonly #logger: Logger;
  readonly #timeoutMs: number;

  constructor(timers: Timers, logger: Logger, timeoutMs: number) {
    this.#timers = timers;
    this.#logger = logger;
    this.#timeoutMs = timeoutMs;
  }

  add(phase: ShutdownPhase, name: string, run: () => void | Promise<void>): void {
    const work = this.#work.get(phase);
    if (work === undefined)
      throw new ConfigError(`onShutdown takes one of ${PHASES.join(', ')}, got "${phase}".`);
    work.push({ name, run });
  }

  async run(): Promise<void> {
    for (const phase of PHASES) await this.#runPhase(phase);
  }

  async #runPhase(phase: ShutdownPhase): Promise<void> {
    const unfinished = new Set(this.#work.get(phase));
    if (unfinished.size === 0) return;
    const all = [...unfinished].map((work) => this.#runWork(phase, work).then(() => unfinished.delete(work)));
    await new Promise<void>((resolve) => {
      const timeout = this.#timers.after(this.#timeoutMs, () => {
        const names = [...unfinished].map((work) => work.name);
        this.#logger.error(
          { phase, unfinished: names, timeoutMs: this.#timeoutMs },
          'shutdown goes on without waiting longer',
        );
        resolve();
      });
      void Promise.all(all).then(() => {
        timeout.cancel();
        resolve();
      });
    });
  }

  async #runWork(phase: ShutdownPhase, work: Work): Promise<void> {
    try {
      await work.run();
    } catch (error) {
      this.#logger.error({ phase, work: work.name, error: messageOf(error) }, 'work of the shutdown failed');
    }
  }
}
