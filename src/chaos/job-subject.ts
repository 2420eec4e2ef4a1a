// A job as a subject: what explore, shrink and replay run again and again.
//
// Owns:    one execution from RunSpec to Outcome; the runs without faults that checks compare with; oracle O4.
// Not:     the run itself (job-run.ts), its verdict (job-verdict.ts).
//
// S1. A run without faults is made once per input and remembered: it depends on nothing else.
// S2. Properties of the program under test are collected per run.

import { buildGraph } from '../api/define-job.js';
import { ConfigError } from '../base/errors.js';
import { planJob } from '../graph/plan.js';
import { virtualRuntime } from '../testing/virtual-runtime.js';
import { jobNames } from './actor-names.js';
import { treeOf } from './actor-tree.js';
import type { Knobs, Outcome, RunSpec, Subject, Targets, Violation } from './execution.js';
import { FAULT_KINDS, type FaultKind } from './fault-kinds.js';
import { enterSimulation } from './inside.js';
import { describeError, type JobEnd } from './job-end.js';
import { jobKnobs } from './job-knobs.js';
import type { JobProgram } from './job-program.js';
import { JobRun } from './job-run.js';
import { finishedRun, verdictOf } from './job-verdict.js';
import { NO_FAULTS } from './plan.js';
import { PropertyLog, withPropertyLog } from './property.js';
import { restoredAlone } from './restored-alone.js';
import { type CommittedResult, JOB_ROLES } from './scenario-options.js';
import { worldInput } from './world-input.js';

/** Inputs of which the run without faults is remembered. */
const FAULT_FREE_MAX = 64;

/** Kinds that change the meaning of the input in ways that only a plan written for it can allow. */
const ONLY_ON_PURPOSE: ReadonlySet<FaultKind> = new Set<FaultKind>(['record.late', 'record.repeat']);

/** No handler of a job's actors awaits: what takes time comes back as a message. */
const NEVER_IN_JOBS: ReadonlySet<FaultKind> = new Set<FaultKind>(['actor.crashAwaiting']);

export interface JobSubjectOptions {
  /** Kinds that apply beside the usual ones: `files.*` for jobs that use files, `network.*` for those with sockets. */
  readonly extraKinds?: readonly FaultKind[];
  /** Kinds that never apply: they would change what the results have to be. */
  readonly withoutKinds?: readonly FaultKind[];
}

export function jobSubject<T, R>(program: JobProgram<T, R>, options: JobSubjectOptions = {}): Subject {
  return new JobSubject(program, options);
}

class JobSubject<T, R> implements Subject {
  readonly name: string;
  readonly knobs: Subject['knobs'];
  readonly targets: Targets;
  readonly #program: JobProgram<T, R>;
  readonly #faultFree = new Map<string, readonly CommittedResult<R>[]>();

  constructor(program: JobProgram<T, R>, { extraKinds = [], withoutKinds = [] }: JobSubjectOptions) {
    this.name = program.name;
    this.#program = program;
    this.knobs = jobKnobs(program.recordsMax);
    this.targets = targetsOf(program, new Set(extraKinds), new Set(withoutKinds));
  }

  async execute(spec: RunSpec): Promise<Outcome> {
    const leave = enterSimulation();
    try {
      return await this.#execute(spec);
    } finally {
      leave();
    }
  }

  async #execute(spec: RunSpec): Promise<Outcome> {
    const properties = new PropertyLog();
    const job = new JobRun(this.#program, spec);
    await withPropertyLog(properties, () => job.toTheEnd());
    // What reaches for the real world does so without faults, too: there is nothing to compare with.
    const faultFree = job.leak === null ? await this.#resultsWithoutFaults(job) : null;
    const verdict = await withPropertyLog(properties, () => verdictOf(job, faultFree));
    const violations: Violation[] = [...verdict.violations, ...properties.violations];
    for (const cut of job.cuts.cuts) violations.push(...(await restoredAlone(job, cut, faultFree)));
    const { watch, machine, arsenal } = job;
    machine.note(`${job.end.kind} ${job.results.length}`);
    return {
      violations,
      fired: arsenal.fired,
      unfired: arsenal.unfired(),
      stepsReached: watch.stepsReached,
      stepsCrashed: job.world.stepsCrashed,
      properties: properties.counts,
      counts: { ...finishedRun(job, null).counts, checked: verdict.checked },
      hash: machine.hash,
      choices: job.schedule.recorded,
      trace:
        job.recorder === null
          ? null
          : { events: job.recorder.events, tree: job.handle === null ? null : treeOf(job.handle.actors()) },
    };
  }

  async #resultsWithoutFaults(job: JobRun<T, R>): Promise<readonly CommittedResult<R>[] | null> {
    const { expected, needsFaultFree } = this.#program;
    if (expected !== null) return expected(job.records.values, job.spec.knobs);
    if (!needsFaultFree) return null;
    const changed = job.spec.plan.faults.filter(({ kind }) => kind.startsWith('record.'));
    const key = JSON.stringify([job.spec.seed, job.spec.knobs['records'], changed]);
    const known = this.#faultFree.get(key);
    if (known !== undefined) return known;
    const quiet: Knobs = { ...defaultsOf(this.knobs), records: job.spec.knobs['records'] ?? 1 };
    const plan = changed.length === 0 ? NO_FAULTS : { ...job.spec.plan, faults: changed };
    const free = new JobRun(this.#program, {
      seed: job.spec.seed,
      plan,
      knobs: quiet,
      choices: [],
      trace: false,
    });
    await free.toTheEnd();
    if (free.end.kind !== 'finished') throw failsByItself(this.name, free.end);
    if (this.#faultFree.size >= FAULT_FREE_MAX) this.#faultFree.clear();
    this.#faultFree.set(key, free.results);
    return free.results;
  }
}

/** Nothing can be learned by injecting faults into a job that does not work without them. */
function failsByItself(name: string, end: Exclude<JobEnd, { readonly kind: 'finished' }>): ConfigError {
  const why = end.kind === 'failed' ? describeError(end.error) : end.reason;
  return new ConfigError(`The job of "${name}" does not finish although no fault is injected: ${why}`, {
    remedy: 'Run the job by itself first, and mend what it says.',
    ...(end.kind === 'failed' ? { cause: end.error } : {}),
  });
}

function defaultsOf(knobs: Subject['knobs']): Knobs {
  return Object.fromEntries(Object.entries(knobs).map(([name, knob]) => [name, knob.default]));
}

function targetsOf<T, R>(
  program: JobProgram<T, R>,
  extra: ReadonlySet<FaultKind>,
  without: ReadonlySet<FaultKind>,
): Targets {
  const plan = planJob(buildGraph(program.app(unusedWorld(program))), { parallelism: 1, chaining: true });
  const names = jobNames(plan);
  const uids = plan.vertices.flatMap(({ operators }) =>
    operators.flatMap(({ uid, uidDeclared }) => (uidDeclared ? [uid] : [])),
  );
  const operators = program.operators ?? uids;
  const heads = new Map(
    plan.vertices.map((vertex) => [vertex.id, names.ofSubtask(`${vertex.id}/0`).names[1] ?? '*']),
  );
  const links = plan.edges.map(({ from, to }) => `${heads.get(from)} -> ${heads.get(to)}`);
  const kinds = [...FAULT_KINDS].flatMap(([kind, { apps, modes, target }]) => {
    if (without.has(kind)) return [];
    if (extra.has(kind)) return [kind];
    const applies =
      apps !== 'actors' &&
      modes.includes('simulation') &&
      !ONLY_ON_PURPOSE.has(kind) &&
      !NEVER_IN_JOBS.has(kind);
    const missing =
      target === 'files' || target === 'network' || (kind === 'record.poison' && program.poison === null);
    return applies && !missing ? [kind] : [];
  });
  return {
    apps: 'jobs',
    kinds,
    actors: [...JOB_ROLES, ...operators],
    links: ['* -> *', ...new Set(links)],
    predicates: Object.keys(program.predicates),
  };
}

/** For looking at the graph only. */
function unusedWorld<T, R>(program: JobProgram<T, R>): Parameters<JobProgram<T, R>['app']>[0] {
  const runtime = virtualRuntime({ seed: 1 });
  const input = worldInput<T>({
    records: [],
    timestamps: [],
    splits: program.splits,
    gapMs: 0,
    arsenal: null,
  });
  const output = {
    name: 'unused',
    guarantee: 'atLeastOnce' as const,
    open: () => ({ write: () => undefined, flush: () => undefined, close: () => undefined }),
  };
  return { input, output, runtime, seed: 1 };
}
