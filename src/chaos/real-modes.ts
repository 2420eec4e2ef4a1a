// The plan of a scenario in real threads and real processes: `run({ mode: 'threads' })` and `run({ mode: 'processes' })`.
//
// Owns:    putting such a run together: what can be exercised, its directory, its hosts, its verdict.
// Not:     each of these.
//
// M1. What the mode cannot carry out is in the notes, always.
// M2. The directory of a run is removed, unless the run failed: then the failure names it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ResourceLimits } from 'node:worker_threads';
import { ConfigError } from '../base/errors.js';
import { nodeRuntime } from '../base/node-runtime.js';
import { Arsenal } from './arsenal.js';
import { drawKnobs } from './draw-plan.js';
import type { FiredFault, RunSpec, Subject } from './execution.js';
import { FAULT_KINDS } from './fault-kinds.js';
import { type TimedRecords, withInputFaults } from './input-faults.js';
import { enterSimulation } from './inside.js';
import type { JobProgram } from './job-program.js';
import { JobRun } from './job-run.js';
import { NO_FAULTS, type Plan } from './plan.js';
import type { HostLife } from './real-host-life.js';
import { setHost } from './real-hosts.js';
import { hostProgram } from './real-loader.js';
import type { HostNews, HostTask, RealMode } from './real-news.js';
import { readOutput } from './real-output.js';
import { outputIn } from './real-places.js';
import { type RealPlan, realPlan } from './real-plan.js';
import { startProcess } from './real-process.js';
import { straceCommand, struck } from './real-strace.js';
import { REAL_RUN_MS_MAX, Supervisor, UnusableScenario } from './real-supervisor.js';
import { startThread } from './real-thread.js';
import { mayEndJob, realFailure, realOutcome } from './real-verdict.js';
import type { RunOnceResult } from './runnable.js';
import type { RunsOf } from './runs-of.js';
import type { CommittedResult } from './scenario-options.js';

/** Heap of a thread that is to run out of memory: enough for the job, and soon full. */
const THREAD_HEAP_MEGABYTES = 112;
/** Heap that the engine and its loader need beside what a fault leaves free. */
const ENGINE_HEAP_MEGABYTES = 96;

export interface RealModeOptions {
  /** Real milliseconds. Default 60,000. */
  readonly deadlineMs?: number;
}

/** What `elsewhere` of a scenario is. `module`: URL of the file that exports it. */
export function realModes<T, R>(
  program: JobProgram<T, R>,
  subject: Subject,
  module: string | undefined,
  { deadlineMs = REAL_RUN_MS_MAX }: RealModeOptions = {},
): NonNullable<RunsOf['elsewhere']> {
  setHost(subject, program);
  return ({ mode, plan, seed }) => {
    if (module === undefined) {
      throw new ConfigError(`The scenario "${program.name}" does not say which file exports it.`, {
        remedy: 'Give it `module: import.meta.url`: the thread or process imports it from there.',
      });
    }
    const spec: RunSpec = { seed, plan, knobs: drawKnobs(subject.knobs, seed), choices: null, trace: false };
    const carried = realPlan(plan, mode === 'threads' ? 'threads' : 'processes');
    return new RealRun(program, module, mode === 'threads' ? 'threads' : 'processes', spec, carried).done(
      deadlineMs,
    );
  };
}

class RealRun<T, R> {
  readonly #program: JobProgram<T, R>;
  readonly #module: string;
  readonly #mode: RealMode;
  readonly #spec: RunSpec;
  readonly #carried: RealPlan;
  readonly #runtime = nodeRuntime();

  constructor(program: JobProgram<T, R>, module: string, mode: RealMode, spec: RunSpec, carried: RealPlan) {
    this.#program = program;
    this.#module = module;
    this.#mode = mode;
    this.#spec = spec;
    this.#carried = carried;
  }

  async done(deadlineMs: number): Promise<RunOnceResult> {
    const records = this.#records().values;
    const faultFree = await this.#withoutFaults(records);
    const directory = mkdtempSync(join(tmpdir(), 'weir-chaos-'));
    let keep = false;
    try {
      const supervisor = this.#supervisor(directory, deadlineMs);
      await supervised(supervisor);
      const outcome = realOutcome({
        program: this.#program,
        spec: this.#spec,
        supervisor,
        directory,
        records,
        faultFree,
        ...this.#firings(supervisor, directory),
      });
      const failure = realFailure(this.#program.name, this.#spec, outcome, {
        mode: this.#mode,
        kept: directory,
      });
      keep = failure !== null;
      return { outcome, failure, notes: this.#carried.notes };
    } finally {
      if (!keep) rmSync(directory, { recursive: true, force: true });
    }
  }

  #supervisor(directory: string, deadlineMs: number): Supervisor {
    const { seed, knobs } = this.#spec;
    const supervisor: Supervisor = new Supervisor({
      runtime: this.#runtime,
      task: {
        module: this.#module,
        scenario: this.#program.name,
        mode: this.#mode,
        seed,
        knobs,
        plan: this.#carried.plan,
        directory,
        life: 1,
        beforeMs: 0,
        faults: null,
        healed: false,
        durable: null,
        committed: 0,
      },
      start: (task, onNews) => this.#start(task, onNews),
      committed: () => readOutput(outputIn(directory)).results.length,
      mayEnd: () => this.#firings(supervisor, directory).fired.some(mayEndJob),
      excusedDeath: (task, how) => this.#megabytesLeft(task) !== null && /memory/i.test(how),
      deadlineMs,
    });
    return supervisor;
  }

  #start(task: HostTask, onNews: (news: HostNews) => void): HostLife {
    const program = hostProgram(this.#module);
    const left = this.#megabytesLeft(task);
    if (this.#mode === 'processes') {
      const disturbed = task.life === 1 ? this.#carried.disturbed.map(({ fault }) => fault) : [];
      const wrapper = disturbed.length === 0 ? [] : straceCommand(disturbed, task.directory);
      return startProcess({ task, onNews }, { program, heapMegabytes: left, wrapper });
    }
    const dies = task.plan.faults.some(({ kind }) => kind === 'thread.memory');
    const heap = left ?? (dies ? THREAD_HEAP_MEGABYTES : null);
    const limits: ResourceLimits = heap === null ? {} : { maxOldGenerationSizeMb: heap };
    return startThread({ task, onNews }, { program, limits, timers: this.#runtime.timers });
  }

  /** F71 holds for the whole first life, whatever its trigger: the limit is set when the host is started. */
  #megabytesLeft(task: HostTask): number | null {
    const faults = this.#carried.plan.faults.filter(({ kind }) => kind === 'memory.pressure');
    if (faults.length === 0 || task.life > 1) return null;
    const normal = FAULT_KINDS.get('memory.pressure')?.parameters['megabytes']?.default ?? 0;
    const left = faults.map(({ parameters }) => parameters?.['megabytes'] ?? normal);
    return ENGINE_HEAP_MEGABYTES + Math.min(...left);
  }

  /** With the numbers of the whole plan. */
  #firings(
    { fired, ledgers }: Supervisor,
    directory: string,
  ): { fired: readonly FiredFault[]; unfired: Parameters<typeof realOutcome>[0]['unfired'] } {
    const { indices, disturbed } = this.#carried;
    const strikes = struck(
      disturbed.map(({ fault }) => fault),
      directory,
    );
    const byHost = fired.map((each) => ({ ...each, fault: indices[each.fault] ?? each.fault }));
    const outside = disturbed.filter(({ fault }) => strikes.has(fault));
    const byUs = outside.map(({ index, fault: { kind, target } }) => ({
      fault: index,
      kind,
      atMs: 0,
      atStep: 0,
      hit: target,
    }));
    const told = (ledgers.at(-1)?.unfired ?? []).map((each) => ({
      ...each,
      fault: indices[each.fault] ?? each.fault,
    }));
    const has = new Set([...byHost, ...byUs].map(({ fault }) => fault));
    const planned = [...indices, ...disturbed.map(({ index }) => index)];
    const unfired = planned
      .filter((index) => !has.has(index))
      .map(
        (index) =>
          told.find(({ fault }) => fault === index) ?? {
            fault: index,
            hits: 0,
            nearest: 'its place was never reached',
          },
      );
    return { fired: [...byHost, ...byUs], unfired };
  }

  /** What goes in, as every host makes it. */
  #records(): TimedRecords<T> {
    const { seed, knobs } = this.#spec;
    const program = this.#program;
    const values = program.records(knobs['records'] ?? program.recordsMax, seed);
    const timestamps = values.map((value, index) => program.timestamp(value, index));
    const arsenal = new Arsenal({
      plan: this.#carried.plan,
      seed,
      nowMs: () => 0,
      step: () => 0,
      predicate: () => false,
      onFired: () => undefined,
    });
    return withInputFaults({ values, timestamps }, arsenal, program.poison);
  }

  /** What has to come out: from the simulation, which has no faults but those of the input. Null: nobody asks. */
  async #withoutFaults(records: readonly T[]): Promise<readonly CommittedResult<R>[] | null> {
    const { seed, knobs } = this.#spec;
    const { expected, needsFaultFree, recordsMax } = this.#program;
    if (expected !== null) return expected(records, knobs);
    if (!needsFaultFree) return null;
    const changed = this.#carried.plan.faults.filter(({ kind }) => kind.startsWith('record.'));
    const plan: Plan = changed.length === 0 ? NO_FAULTS : { ...this.#carried.plan, faults: changed };
    const quiet = { parallelism: 1, records: knobs['records'] ?? recordsMax };
    const leave = enterSimulation();
    try {
      const free = new JobRun(this.#program, { seed, plan, knobs: quiet, choices: [], trace: false });
      await free.toTheEnd();
      const leak = free.leakError();
      if (leak !== null) throw leak;
      if (free.end.kind === 'failed') throw free.end.error;
      return free.output.results;
    } finally {
      leave();
    }
  }
}

async function supervised(supervisor: Supervisor): Promise<void> {
  try {
    await supervisor.toTheEnd();
  } catch (error) {
    if (!(error instanceof UnusableScenario)) throw error;
    throw new ConfigError(`A thread or process cannot find the scenario: ${error.message}.`, {
      cause: error,
      remedy: 'Export it under any name from the file that `module` names; a test file is not such a file.',
    });
  }
}
