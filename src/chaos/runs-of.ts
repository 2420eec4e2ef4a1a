// What every scenario can do with its subject: run, explore, replay, shrink, and the exhaustive tables.
//
// Owns:    putting explore, shrink and replay together for one subject and its own plan; turning a violation into an error.
// Not:     subjects (job-subject.ts, app-subject.ts).
//
// R1. A violation rejects with ViolationError, whose message is the whole report: in any test runner that is a failed test.
// R2. With a token of this subject in CHAOS_REPLAY `explore` replays that run instead: a plain test needs no other way.

import { ConfigError } from '../base/errors.js';
import { nodeRuntime } from '../base/node-runtime.js';
import { randomBelow, randomStream } from '../base/random-stream.js';
import { drawKnobs } from './draw-plan.js';
import type { RunSpec, Subject } from './execution.js';
import type { ExploreReport, Failure, SwarmOptions } from './exploration.js';
import { explore, runOnce } from './explore.js';
import { failureText } from './failure-report.js';
import { planOf } from './fault.js';
import { inSimulation } from './inside.js';
import type { Plan } from './plan.js';
import { REPLAY_VARIABLE, replayCommandOf } from './replay-command.js';
import { parseReplayToken } from './replay-token.js';
import {
  type ExploreWith,
  type Runnable,
  type RunOnceOptions,
  type RunOnceResult,
  ViolationError,
} from './runnable.js';
import type { FaultSpec } from './scenario-options.js';
import { failureOf } from './shrink-failure.js';

export interface RunsOf {
  readonly subject: Subject;
  readonly faults: readonly FaultSpec[];
  /** What `explore` draws when it is not told. Default: every kind that applies. */
  readonly swarm?: SwarmOptions | false;
  /** `import.meta.url` of the file that exports the scenario; null: unknown. */
  readonly module?: string | null;
  /** Before the first run: what the subject is made of. */
  readonly prepare: () => Promise<void>;
  /** Carries out modes other than `simulation`; null: there is only that. */
  readonly elsewhere:
    | ((options: RunOnceOptions & { readonly plan: Plan; readonly seed: number }) => Promise<RunOnceResult>)
    | null;
}

export class SubjectRuns implements Runnable {
  readonly name: string;
  readonly subject: Subject;
  readonly #of: RunsOf;

  constructor(of: RunsOf) {
    this.name = of.subject.name;
    this.subject = of.subject;
    this.#of = of;
  }

  /** One run: by default the scenario's own faults, in the simulation. Rejects with ViolationError. */
  async run(options: RunOnceOptions = {}): Promise<RunOnceResult> {
    const { seed = 1, mode = 'simulation' } = options;
    const plan = options.plan ?? this.#planOf(seed);
    await this.#of.prepare();
    if (mode !== 'simulation') return this.#runElsewhere({ ...options, plan, seed });
    const spec = { seed, plan, knobs: this.#knobs(seed), choices: null, trace: false };
    return this.#judged(spec, { fixed: true, shrink: true, notes: [] });
  }

  /** Many runs: the scenario's own faults and random ones beside them, under random schedules. Rejects with ViolationError. */
  async explore(options: ExploreWith = {}): Promise<ExploreReport> {
    const { mode = 'simulation', firstSeed = 1 } = options;
    if (mode !== 'simulation') return this.#exploreElsewhere(options);
    const asked = await this.#replayedInstead();
    await this.#of.prepare();
    const all = { plan: this.#planOf(firstSeed), ...options, ...asked, swarm: this.#swarm(options) };
    const report = await inSimulation(() => explore(this.subject, all, nodeRuntime()));
    this.#throwFirst(report.failures, report);
    return report;
  }

  /** Runs what a token holds. Rejects with ViolationError when it still violates a check. */
  async replay(token: string): Promise<RunOnceResult> {
    const { spec, hash, notes } = this.#parsed(token);
    await this.#of.prepare();
    const result = await this.#judged({ ...spec, trace: true }, { fixed: false, shrink: false, notes });
    if (result.outcome.hash === hash) return result;
    return {
      ...result,
      notes: [...notes, `The run differs from the one of the token (${hash}): the code has changed.`],
    };
  }

  async shrink(token: string): Promise<Failure> {
    const { spec } = this.#parsed(token);
    await this.#of.prepare();
    return inSimulation(async () => {
      const run = await runOnce(this.subject, spec);
      const [violation] = run.outcome.violations;
      if (violation === undefined) throw new ConfigError('The run of this token violates nothing any more.');
      return failureOf(this.subject, run, violation, nodeRuntime(), { shrink: true });
    });
  }

  async #judged(
    spec: RunSpec,
    how: { readonly fixed: boolean; readonly shrink: boolean; readonly notes: readonly string[] },
  ): Promise<RunOnceResult> {
    const { fixed, shrink, notes } = how;
    return inSimulation(async () => {
      const run = await runOnce(this.subject, spec, { fixed, double: true });
      const [violation] = run.outcome.violations;
      if (violation !== undefined) {
        this.#throwFirst([await failureOf(this.subject, run, violation, nodeRuntime(), { shrink })], null);
      }
      return { outcome: run.outcome, failure: null, notes };
    });
  }

  #parsed(token: string): {
    readonly spec: RunSpec;
    readonly hash: string;
    readonly notes: readonly string[];
  } {
    const { subject, spec, hash } = parseReplayToken(token);
    if (subject === this.name) return { spec, hash, notes: [] };
    throw new ConfigError(`The token is of the scenario "${subject}", and this one is "${this.name}".`);
  }

  /** The scenario's own choice of kinds holds also when only the number of faults is said. */
  #swarm({ swarm }: ExploreWith): SwarmOptions | false {
    const own = this.#of.swarm ?? {};
    if (swarm === false || own === false) return swarm ?? own;
    return { ...own, ...swarm };
  }

  async #replayedInstead(): Promise<Pick<ExploreWith, 'seeds' | 'corpus'>> {
    const token = nodeRuntime().environment(REPLAY_VARIABLE) ?? '';
    if (token === '' || parseReplayToken(token).subject !== this.name) return {};
    await this.replay(token);
    return { seeds: 0, corpus: null };
  }

  #throwFirst(failures: readonly Failure[], report: ExploreReport | null): void {
    const [first] = failures;
    if (first === undefined) return;
    const replayCommand = replayCommandOf(this.name, this.#of.module ?? null, first.token);
    const text = failureText(first, { replayCommand });
    throw new ViolationError(text, { failures, report });
  }

  async #exploreElsewhere(options: ExploreWith): Promise<ExploreReport> {
    throw new ConfigError(
      `Exploring needs the simulation: ${options.mode} carries out one plan at a time, by run({ mode }).`,
    );
  }

  async #runElsewhere(
    options: RunOnceOptions & { readonly plan: Plan; readonly seed: number },
  ): Promise<RunOnceResult> {
    if (this.#of.elsewhere === null) throw new ConfigError(`${this.name} runs in the simulation only.`);
    const result = await this.#of.elsewhere(options);
    if (result.failure !== null) this.#throwFirst([result.failure], null);
    return result;
  }

  #planOf(seed: number): Plan {
    const random = randomStream(seed, 'faults');
    return planOf(this.#of.faults, (bound) => randomBelow(random, bound));
  }

  #knobs(seed: number): RunSpec['knobs'] {
    return drawKnobs(this.subject.knobs, seed);
  }
}
