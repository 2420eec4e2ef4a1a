// The job of a scenario in a real thread or process: nact, LMDB, real files and real time, under the same doors as in simulation.
//
// Owns:    one life of the job: from its last checkpoint to its end, or to the end of the host.
// Not:     starting the next life (real-supervisor.ts), judging (real-verdict.ts).
//
// H1. Faults that have fired stay fired: their state comes with the task, and goes out before the host dies.
// H2. A thread ends itself only while nothing is being written to a store (real-gate.ts).

import type { JobHandle } from '../../actors/job-handle.js';
import { run } from '../../actors/run.js';
import { buildGraph, type JobDefinition } from '../api/define-job.js';
import { WeirError } from '../base/errors.js';
import { nodeRuntime } from '../base/node-runtime.js';
import type { PointFields, Points, Runtime } from '../base/runtime.js';
import { planJob } from '../graph/plan.js';
import { ActorDoor } from './actor-door.js';
import { type ActorName, type ActorNames, fitsActor, jobNames } from './actor-names.js';
import { livingPaths } from './actor-tree.js';
import { type ArmedFault, Arsenal } from './arsenal.js';
import { InjectedFault } from './injected.js';
import { type TimedRecords, withInputFaults } from './input-faults.js';
import { describeError } from './job-end.js';
import { runOptionsOf } from './job-knobs.js';
import type { JobProgram } from './job-program.js';
import { JobWatch } from './job-watch.js';
import { LinkFaults } from './link-faults.js';
import { enterPropertyLog, PropertyLog } from './property.js';
import { dieOf, standStill, stopMyself } from './real-deaths.js';
import { type HostActions, RealFaults } from './real-faults.js';
import type { StoreGate } from './real-gate.js';
import {
  type DurableCheckpoint,
  type HostLedger,
  type HostNews,
  type HostTask,
  type PlannedDeath,
  stateOf,
  takeUp,
} from './real-news.js';
import { realOutput } from './real-output.js';
import { checkpointsIn, outputIn, savepointIn } from './real-places.js';
import { faultyLogger } from './telemetry-faults.js';
import { worldInput } from './world-input.js';

/** Between two signs of life. */
const BEAT_MS = 200;
/** A write of the store that takes longer has hung: time is real here, and a run is short. */
const STORE_DEADLINE_MS = 8_000;

export interface HostPorts {
  readonly tell: (news: HostNews) => void;
  /** Null in a process: it may be ended at any time. */
  readonly gate: StoreGate | null;
}

export class RealHost<T, R> implements Points, HostActions {
  readonly #program: JobProgram<T, R>;
  readonly #task: HostTask;
  readonly #ports: HostPorts;
  readonly #runtime: Runtime;
  readonly #startMs: number;
  readonly #arsenal: Arsenal;
  readonly #records: TimedRecords<T>;
  readonly #names: ActorNames;
  readonly #faults: RealFaults;
  readonly #watch: JobWatch = new JobWatch();
  readonly #properties: PropertyLog = new PropertyLog();
  #handle: JobHandle | null = null;
  #durable: DurableCheckpoint | null;
  #committed: number;
  #savepoints = 0;
  /** `making`: the input is being made. `ending`: a thread waits for the moment in which it may die. */
  #phase: 'making' | 'living' | 'ending' = 'making';

  constructor(program: JobProgram<T, R>, task: HostTask, ports: HostPorts) {
    this.#program = program;
    this.#task = task;
    this.#ports = ports;
    const node = nodeRuntime({ points: this });
    const { gate } = ports;
    this.#runtime = gate === null ? node : { ...node, keyValues: gate.guard(node.keyValues) };
    this.#startMs = this.#runtime.clock.monotonicMs();
    this.#durable = task.durable;
    this.#committed = task.committed;
    this.#arsenal = this.#arm();
    const values = program.records(task.knobs['records'] ?? program.recordsMax, task.seed);
    const timestamps = values.map((value, index) => program.timestamp(value, index));
    this.#records = withInputFaults({ values, timestamps }, this.#arsenal, program.poison);
    if (task.faults !== null) takeUp(this.#arsenal, task.faults);
    if (task.healed) this.#arsenal.heal();
    this.#names = jobNames(this.#plan());
    this.#faults = new RealFaults(this.#arsenal, this.#names, this);
    this.#remember();
    this.#phase = 'living';
  }

  /** Tells its end: `finished` or `failed`; or dies. */
  async live(): Promise<void> {
    const { timers } = this.#runtime;
    const leave = enterPropertyLog(this.#properties);
    const alarms = this.#faults
      .dueTimesMs()
      .map((ms) => timers.after(Math.max(0, ms - this.#nowMs()), () => this.#faults.at('', null)));
    let beat = timers.after(BEAT_MS, () => undefined);
    const beats = (): void => {
      this.#ports.tell({ kind: 'beat' });
      beat = timers.after(BEAT_MS, beats);
    };
    beats();
    this.#feelPressure();
    const end = await this.#toItsEnd();
    beat.cancel();
    for (const alarm of alarms) alarm.cancel();
    leave();
    if (this.#phase === 'ending') return;
    this.#tellLedger();
    this.#ports.tell(end);
  }

  async #toItsEnd(): Promise<HostNews> {
    try {
      const handle = await run(this.#job(), {
        ...this.#options(),
        actorHost: 'nact',
        runtime: this.#runtime,
        interceptor: this.#door(),
        logger: faultyLogger(this.#arsenal, (fields, message) => this.#logged(fields, message)),
      });
      this.#handle = handle;
      await handle.finished;
      return { kind: 'finished' };
    } catch (error) {
      const name = error instanceof Error ? error.name : typeof error;
      const code = error instanceof WeirError ? error.code : null;
      return { kind: 'failed', error: { name, code, message: describeError(error) } };
    }
  }

  #arm(): Arsenal {
    const task = this.#task;
    const ports = this.#ports;
    const { plan, seed } = task;
    return new Arsenal({
      plan,
      seed,
      nowMs: () => this.#nowMs(),
      step: () => 0,
      predicate: (name) => this.#predicate(name),
      onFired: (fired) => {
        // Faults of the input are the same in every life, and are told in the first.
        if (this.#phase === 'making' && task.life > 1) return;
        ports.tell({ kind: 'fired', fired: { ...fired, atMs: Math.round(fired.atMs) } });
        this.#tellLedger();
      },
    });
  }

  #job(): JobDefinition {
    const { directory, knobs, seed } = this.#task;
    const runtime = this.#runtime;
    const input = worldInput({
      records: this.#records.values,
      timestamps: this.#records.timestamps,
      splits: this.#program.splits,
      gapMs: (knobs['gapUs'] ?? 0) / 1_000,
      arsenal: this.#arsenal,
    });
    const output = realOutput<R>({
      directory: outputIn(directory),
      arsenal: this.#arsenal,
      delay: (ms) => new Promise((resolve) => void runtime.timers.after(ms, resolve)),
      onCommitted: (results) => {
        this.#committed += results;
      },
    });
    return this.#program.app({ input, output, runtime, seed });
  }

  #options(): ReturnType<typeof runOptionsOf> {
    const { directory, knobs } = this.#task;
    const options = runOptionsOf(knobs, this.#program.run, checkpointsIn(directory), null);
    const storeDeadlineMs = this.#program.run.checkpoint?.storeDeadlineMs ?? STORE_DEADLINE_MS;
    return { ...options, checkpoint: { ...options.checkpoint, storeDeadlineMs } };
  }

  #plan(): ReturnType<typeof planJob> {
    const { parallelism = 1, chaining = true, maxParallelism } = this.#options();
    return planJob(buildGraph(this.#job()), {
      parallelism,
      chaining,
      ...(maxParallelism === undefined ? {} : { maxParallelism }),
    });
  }

  #door(): ActorDoor {
    const arsenal = this.#arsenal;
    const names = this.#names;
    const timers = (): Runtime['timers'] => this.#runtime.timers;
    const links = new LinkFaults({ arsenal, names, timers, nowMs: () => this.#nowMs(), apps: 'jobs' });
    const door = new ActorDoor({
      arsenal,
      names,
      links,
      timers,
      crashSoon: (path, error) => void this.#runtime.timers.after(0, () => this.#crashPath(path, error)),
      onMessage: (actor) => this.#block(actor),
      onLife: () => undefined,
      onBrokenRule: (message) => this.#watch.report('O9', 'one handler at a time', message, []),
      freezes: arsenal.has('message.mutate') ? 'records' : 'nothing',
    });
    const { entering } = door;
    door.entering = (to, lane, message, deliver): boolean => {
      if (this.#phase === 'ending') return true;
      this.#watch.element(String(to.incarnation), message);
      return entering.call(door, to, lane, message, deliver);
    };
    return door;
  }

  /** The limit was set when the host was started, so it is in effect from the beginning. */
  #feelPressure(): void {
    if (this.#task.life > 1) return;
    for (const fault of this.#arsenal.of('memory.pressure')) this.#arsenal.use(fault, 'the host');
  }

  #block(actor: ActorName): void {
    const fault = this.#arsenal.strike('actor.block', (target) => fitsActor(target, actor), actor.path);
    if (fault !== null) this.stall(fault.parameter('ms'));
  }

  hit(step: string, fields: PointFields): void {
    if (this.#phase === 'ending') return;
    this.#watch.hit(step, fields);
    if (step === 'record.afterRestore') this.#arsenal.recovered();
    if (step === 'metadata.durable') {
      this.#durable = { checkpoint: Number(fields['checkpoint']), attempt: Number(fields['attempt']) };
      this.#tellLedger();
    }
    this.#arsenal.stepReached(step, String(fields['role']));
    this.#faults.at(step, fields);
  }

  /** What earlier lives made durable has to be there: the watch begins with it. */
  #remember(): void {
    if (this.#durable === null) return;
    this.#watch.hit('metadata.durable', { role: 'store', ...this.#durable });
    this.#watch.attempt = this.#durable.attempt;
    this.#watch.checkpoints = 0;
    this.#watch.stepsReached.clear();
  }

  #logged(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.#watch.logged(fields, message);
    if (message !== 'attempt begins') return;
    const from = fields['restoredFrom'];
    this.#watch.attemptBegins(Number(fields['attempt']), typeof from === 'string' ? from : null, false);
    this.#tellLedger();
  }

  #tellLedger(): void {
    if (this.#phase === 'living') this.#ports.tell({ kind: 'ledger', ledger: this.#ledger() });
  }

  #ledger(): HostLedger {
    const { checkpoints, restores, attempt, stepsReached, violations } = this.#watch;
    return {
      faults: this.#arsenal.faults.map(stateOf),
      unfired: this.#arsenal.unfired(),
      checkpoints,
      restores,
      attempt,
      durable: this.#durable,
      stepsReached: [...stepsReached],
      stepsCrashed: [...this.#faults.stepsCrashed],
      properties: [...this.#properties.counts],
      violations: [...violations, ...this.#properties.violations],
    };
  }

  crashActor(target: string, error: InjectedFault): string | null {
    const path = this.#livingActor(target);
    return path !== null && this.#crashPath(path, error) ? path : null;
  }

  savepoint(): string | null {
    if (this.#handle === null) return null;
    this.#savepoints += 1;
    const name = `${this.#task.life}-${this.#savepoints}`;
    // Whether it succeeds is not the question: the job must not be harmed by it.
    this.#handle.savepoint(savepointIn(this.#task.directory, name)).catch(() => undefined);
    return 'job';
  }

  die(how: PlannedDeath, fault: ArmedFault): void {
    this.#tellLedger();
    this.#ports.tell({ kind: 'dying', how });
    const { gate } = this.#ports;
    const error = new InjectedFault(fault.index, 'an exception outside any actor');
    if (gate === null) return dieOf(how, error, this.#runtime);
    this.#phase = 'ending';
    gate.shut();
    const whenSafe = (): void => {
      if (gate.isSafe) dieOf(how, error, this.#runtime);
      else this.#runtime.timers.after(1, whenSafe);
    };
    // Never within the call of an actor, which would catch what is thrown.
    this.#runtime.dispatch(whenSafe);
  }

  pause(ms: number): void {
    this.#ports.tell({ kind: 'pausing', ms });
    stopMyself();
  }

  stall(ms: number): void {
    standStill(ms);
  }

  #crashPath(path: string, error: InjectedFault): boolean {
    const ref = this.#handle?.system.find(path) ?? null;
    if (ref === null) return false;
    this.#handle?.system.crash(ref, error);
    return true;
  }

  /** The last in the order of the tree: of the newest attempt. */
  #livingActor(target: string): string | null {
    if (this.#handle === null) return null;
    return livingPaths(this.#handle.actors(), this.#names, target).at(-1) ?? null;
  }

  #predicate(name: string): boolean {
    const { checkpoints, restores, attempt } = this.#watch;
    const view = { nowMs: this.#nowMs(), checkpoints, restores, attempt, committed: this.#committed };
    return this.#program.predicates[name]?.(view) ?? false;
  }

  #nowMs(): number {
    return this.#task.beforeMs + this.#runtime.clock.monotonicMs() - this.#startMs;
  }
}
