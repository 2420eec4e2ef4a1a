// One simulated run of a job: started, hit by its plan, started again after every death, until it is done or given up.
//
// Owns:    the lives of the job over processes; what the world does to it and for it.
// Not:     when faults fire (arsenal.ts), judging the results (job-verdict.ts).
//
// R1. Everything is decided by the RunSpec. A run ends by itself: it finishes, fails, or is given up after so much virtual time.
// R2. A job that a fault of class `degrade` or `stop` has ended gets another chance without faults, as its user would give it:
//     then it must finish, unless its store was damaged.
// R3. A leak or a wake-up from outside ends the run: nothing that follows would be decided by the seed.

import type { JobHandle } from '../../actors/job-handle.js';
import { run } from '../../actors/run.js';
import { buildGraph } from '../api/define-job.js';
import { messageOf, RestoreError } from '../base/errors.js';
import { CHANNEL_CAPACITY_ELEMENTS } from '../base/limits.js';
import type { Logger } from '../base/logger.js';
import { randomBelow, randomStream } from '../base/random-stream.js';
import type { PointFields, Points, Runtime } from '../base/runtime.js';
import { planJob } from '../graph/plan.js';
import { runningProcess } from '../testing/virtual-machine.js';
import { type VirtualRuntime, virtualRuntime } from '../testing/virtual-runtime.js';
import { ActorDoor } from './actor-door.js';
import { type ActorName, type ActorNames, fitsActor, jobNames } from './actor-names.js';
import { actorsIn, livingPaths } from './actor-tree.js';
import { type ArmedFault, Arsenal } from './arsenal.js';
import { CreditWatch } from './credit-watch.js';
import { HARMLESS_FOR_EVER } from './draw-plan.js';
import type { RunSpec } from './execution.js';
import { causesOf, InjectedFault } from './injected.js';
import { type TimedRecords, withInputFaults } from './input-faults.js';
import { inhabit, timersFor } from './inside.js';
import { CHECKPOINTS_DIRECTORY, JobCuts, type Moment, SHADOWS } from './job-cuts.js';
import { isPartlyFinished, type JobEnd } from './job-end.js';
import { runOptionsOf, strategyOf } from './job-knobs.js';
import type { JobProgram } from './job-program.js';
import { JobWatch, RunRecorder } from './job-watch.js';
import { enqueuedOutside, type Leak, LeakError } from './leaks.js';
import { LinkFaults } from './link-faults.js';
import { faultySockets } from './network-faults.js';
import { OpenConnectors } from './open-connectors.js';
import type { CommittedResult } from './scenario-options.js';
import { Schedule } from './schedule.js';
import { installStorageFaults } from './storage-faults.js';
import { canRevert, flipRandomBit } from './store-damage.js';
import { faultyLogger } from './telemetry-faults.js';
import { type WorldActions, WorldFaults } from './world-faults.js';
import { worldInput } from './world-input.js';
import { WorldOutput } from './world-output.js';

const SAVEPOINTS_DIRECTORY = '/savepoints';
/** Virtual time within which a job must come to its end, each time it is started. */
const LIFE_MS_MAX = 15 * 60_000;
/** Virtual time that a woken zombie has to notice that it has been replaced. */
const ZOMBIE_MS_MAX = 10 * 60_000;
/** And this many steps: a job that goes round in circles is found before its time is over. Normal runs take some thousands. */
const LIFE_STEPS_MAX = 150_000;
const STEPS_MAX = 3_000_000;
/** Starts after a failure that a fault excuses. */
const SECOND_CHANCES = 2;
/** Protocol steps between two looks at the mailboxes (O8). */
const BOUNDS_EVERY_HITS = 40;
const DRAIN_RETRY_MS = 10;
const DRAIN_TRIES_MAX = 20;
const WORLD_START_MS = 1_767_225_600_000;
const HOUR_MS = 3_600_000;
/** Of the error that refuses a savepoint beside checkpoints. */
const HAS_CHECKPOINTS = /would abandon it/;

interface Zombie {
  readonly machine: VirtualRuntime;
  ended: boolean;
  wakes: number;
}

export class JobRun<T, R> implements Points, WorldActions {
  readonly program: JobProgram<T, R>;
  readonly spec: RunSpec;
  readonly records: TimedRecords<T>;
  readonly arsenal: Arsenal;
  readonly output: WorldOutput<R>;
  readonly watch: JobWatch = new JobWatch();
  readonly credits: CreditWatch = new CreditWatch();
  readonly connectors: OpenConnectors = new OpenConnectors();
  readonly recorder: RunRecorder | null;
  readonly schedule: Schedule;
  readonly cuts: JobCuts<R>;
  readonly world: WorldFaults;
  machine: VirtualRuntime;
  handle: JobHandle | null = null;
  end: JobEnd = { kind: 'stuck', reason: 'it never began' };
  /** Ends that a fault excused, before the last one. */
  readonly earlierEnds: JobEnd[] = [];
  leak: Leak | null = null;
  storeDamaged = false;
  lastFaultMs = 0;
  processes = 1;
  readonly zombies: Zombie[] = [];
  readonly #outsider: VirtualRuntime;
  readonly #names: ActorNames;
  readonly #door: ActorDoor;
  readonly #logger: Logger;
  #successor: VirtualRuntime | null = null;
  #parallelism: number | null = null;
  /** Before the last time that the job was stopped. */
  #parallelismBefore: number | null = null;
  /** With which the last life has run. */
  #lifeParallelism: number | null = null;
  #hits = 0;
  #lives = 0;
  /** The job of the process in charge has not ended. */
  #running = false;
  #savepoints = 0;
  /** Of the checkpoints; a job that starts from a savepoint has a new one. */
  #directory = CHECKPOINTS_DIRECTORY;
  /** The savepoint that the job goes on from, and the directory that it gets for that; null: it goes on where it was. */
  #base: { readonly from: string; readonly directory: string } | null = null;
  #bases = 0;
  /** Processes that have tried to open the same store. */
  #seconds = 0;
  readonly #secondProcesses: VirtualRuntime[] = [];
  #stopping = false;

  constructor(program: JobProgram<T, R>, spec: RunSpec) {
    this.program = program;
    this.spec = spec;
    const { seed, knobs } = spec;
    this.schedule = new Schedule({ seed, strategy: strategyOf(knobs), replay: spec.choices });
    this.machine = virtualRuntime({
      seed,
      order: this.schedule.choose,
      points: this,
      stepsMax: STEPS_MAX,
      busyStepsPerMs: knobs['stepsPerMs'] ?? 100,
      startWallMs: WORLD_START_MS + (knobs['wallSkewHours'] ?? 0) * HOUR_MS,
      onForeignWake: (lane) => this.#leaked(enqueuedOutside(lane, null)),
    });
    this.#outsider = this.machine.startProcess({ host: 'outside' });
    this.recorder = spec.trace
      ? new RunRecorder(() => ({ atMs: this.machine.nowMs, atStep: this.machine.steps }))
      : null;
    this.arsenal = new Arsenal({
      plan: spec.plan,
      seed,
      nowMs: () => this.machine.nowMs,
      step: () => this.machine.steps,
      predicate: (name) => this.#predicate(name),
      onFired: ({ kind, hit, fault }) => {
        this.lastFaultMs = this.machine.nowMs;
        this.machine.note(`fault ${fault}`);
        this.recorder?.add('world', 'fault', `${kind} hits ${hit}`);
        // Faults of the input fire before there is a world.
        (this.world as WorldFaults | undefined)?.fired(fault);
      },
    });
    this.output = new WorldOutput({
      arsenal: this.arsenal,
      outside: (runtime) => (lane, delayMs, apply) => simulated(runtime).external(lane, delayMs, apply),
      latencyMs: this.#latency(),
      connectors: this.connectors,
    });
    const values = program.records(knobs['records'] ?? program.recordsMax, seed);
    const timestamps = values.map((value, index) => program.timestamp(value, index));
    this.records = withInputFaults({ values, timestamps }, this.arsenal, program.poison);
    program.onDisk?.prepare(this.machine.disk, this.records.values);
    this.#names = jobNames(this.#plan(null));
    const timers = (): VirtualRuntime['timers'] => this.#outsider.timers;
    const nowMs = (): number => this.machine.nowMs;
    const links = new LinkFaults({ arsenal: this.arsenal, names: this.#names, timers, nowMs, apps: 'jobs' });
    this.#door = this.#makeDoor(links);
    this.world = new WorldFaults(this.arsenal, this.#names, this);
    const limited = !this.arsenal.has('job.savepoint', 'job.stop', 'job.rescale', 'process.zombie');
    const { checkpoint } = runOptionsOf(knobs, program.run, CHECKPOINTS_DIRECTORY, null);
    installStorageFaults(this.machine.faults, this.arsenal, this.#commitMs());
    this.#logger = faultyLogger(this.arsenal, (fields, message) => this.#logged(fields, message));
    const shadow = program.onDisk === undefined ? SHADOWS[knobs['shadow'] ?? 0] : 'nothing';
    // A savepoint may come beside the checkpoints that are under way.
    if (limited && shadow !== 'savepoint') this.watch.concurrentMax = checkpoint.concurrentMax ?? 1;
    this.cuts = new JobCuts(shadow ?? 'nothing', seed);
  }

  /** What the world outside has by now. */
  get results(): readonly CommittedResult<R>[] {
    return this.program.onDisk?.results(this.machine.disk) ?? this.output.results;
  }

  /** Runs the job through all of its lives. */
  async toTheEnd(): Promise<void> {
    for (const ms of this.world.dueTimesMs()) this.#outsider.timers.after(ms, () => this.world.at('', null));
    this.#planDrain();
    let chances = SECOND_CHANCES;
    let from: string | null = null;
    for (;;) {
      inhabit(this.machine, (leak) => this.#leaked(leak));
      this.end = await this.#life(from);
      if (this.leak !== null) return;
      if (this.#successor !== null) {
        this.machine = this.#successor;
        this.#successor = null;
        this.processes += 1;
        continue;
      }
      if (this.end.kind === 'finished' && this.end.result.state === 'SUSPENDED') {
        this.#stopping = false;
        from = this.#base?.from ?? from;
        this.#directory = this.#base?.directory ?? this.#directory;
        this.#base = null;
        continue;
      }
      if (this.#refusedToRescale()) continue;
      if (from !== null && this.#refusedBase()) {
        from = null;
        continue;
      }
      if (this.end.kind === 'finished' || chances === 0 || !this.mayEnd()) break;
      chances -= 1;
      this.earlierEnds.push(this.end);
      this.arsenal.heal();
      this.lastFaultMs = this.machine.nowMs;
      this.machine = this.machine.crashProcess({ unsynced: 'kept' });
    }
    // The job is over: what is still planned has nothing to hit.
    this.arsenal.heal();
    await this.#awaitZombies();
    if (!this.storeDamaged) this.cuts.ended(this.machine.stores.find(this.#directory));
  }

  /** At a moment of the seed, or as soon after it as there is somebody to ask. */
  #planDrain(): void {
    const { drainMsMax } = this.program;
    if (drainMsMax === undefined) return;
    const random = randomStream(this.spec.seed, 'drain');
    let tries = DRAIN_TRIES_MAX;
    const drain = (): void => {
      if (this.handle === null || this.#stopping || this.#successor !== null) {
        tries -= 1;
        if (tries > 0) this.#outsider.timers.after(DRAIN_RETRY_MS, drain);
        return;
      }
      // Whether it succeeds is up to the faults: a job that fails meanwhile goes on.
      this.handle.stop({ drain: true }).catch(() => undefined);
    };
    this.#outsider.timers.after(randomBelow(random, drainMsMax), drain);
  }

  /**
   * When only some subtasks of an operator have finished, its state cannot be spread anew, and the job says so before it starts:
   * its user then goes on with the parallelism that it had.
   */
  #refusedToRescale(): boolean {
    const { end } = this;
    if (end.kind !== 'failed' || this.#parallelism === this.#parallelismBefore) return false;
    const refused = isPartlyFinished(end.error);
    if (refused) this.#parallelism = this.#parallelismBefore;
    return refused;
  }

  /** The directory has checkpoints by now, so the savepoint is not needed any more: its user leaves it out. */
  #refusedBase(): boolean {
    const { end } = this;
    if (end.kind !== 'failed') return false;
    return causesOf(end.error).some(
      (cause) => cause instanceof RestoreError && HAS_CHECKPOINTS.test(cause.message),
    );
  }

  /** O8: credits that were not given back, of a job that has finished, lost no message, and had nothing more under way. */
  lostCredits(): readonly string[] {
    // The barrier of a savepoint may still be on its way when the job ends.
    if (SHADOWS[this.spec.knobs['shadow'] ?? 0] === 'savepoint') return [];
    if (this.arsenal.has('job.savepoint', 'job.stop', 'job.rescale')) return [];
    const attempt = `${this.#lives}/job/attempt-${this.watch.attempt}`;
    const options = runOptionsOf(this.spec.knobs, this.program.run, this.#directory, this.#parallelism);
    const capacity = options.tuning?.channelCapacityElements ?? CHANNEL_CAPACITY_ELEMENTS;
    return this.credits.problems(this.#plan(this.#lifeParallelism), attempt, capacity, this.watch.durable);
  }

  /** A fault has fired that may end the job for good: by what it is, or because it goes on longer than restarts do. */
  mayEnd(): boolean {
    return this.arsenal.faults.some(
      ({ firings, info, planned: { kind, times } }) =>
        firings > 0 && (info.class !== 'mask' || (times === null && !HARMLESS_FOR_EVER.has(kind))),
    );
  }

  /** One process, from the start of the job to its end, or to the end of the process. */
  async #life(from: string | null): Promise<JobEnd> {
    const { machine } = this;
    this.#lives += 1;
    // What is asked of the job before it has begun finds nobody.
    this.handle = null;
    this.#running = true;
    this.#lifeParallelism = this.#parallelism;
    let settled = false;
    let end: JobEnd = { kind: 'stuck', reason: 'nothing is left to do, and the job has not ended' };
    const job = this.#job(machine);
    const options = runOptionsOf(this.spec.knobs, this.program.run, this.#directory, this.#parallelism);
    const life = run(job, {
      ...options,
      ...(from === null ? {} : { from }),
      runtime: this.#runtimeOf(machine),
      interceptor: this.#door,
      logger: this.#logger,
    }).then((handle) => {
      if (this.machine === machine) this.handle = handle;
      return handle.finished;
    });
    life
      .then(
        (result) => {
          end = { kind: 'finished', result };
        },
        (error: unknown) => {
          end = { kind: 'failed', error };
        },
      )
      .finally(() => {
        settled = true;
        if (this.machine === machine) {
          this.#running = false;
          this.#endSeconds();
        }
        for (const zombie of this.zombies) if (zombie.machine === machine) zombie.ended = true;
      });
    const limitMs = machine.nowMs + LIFE_MS_MAX;
    const limitSteps = machine.steps + LIFE_STEPS_MAX;
    try {
      await machine.run(
        () =>
          settled ||
          this.#successor !== null ||
          this.leak !== null ||
          machine.nowMs > limitMs ||
          machine.steps > limitSteps,
      );
    } catch (error) {
      // A broken assertion of the simulated world, or an error that nobody caught.
      return { kind: 'failed', error };
    }
    if (!settled && machine.steps > limitSteps)
      return { kind: 'stuck', reason: `no end after ${LIFE_STEPS_MAX} steps` };
    if (!settled && machine.nowMs > limitMs)
      return { kind: 'stuck', reason: `no end after ${LIFE_MS_MAX / 60_000} virtual minutes` };
    return end;
  }

  #job(machine: VirtualRuntime) {
    const { program, spec, records } = this;
    const input = worldInput({
      records: records.values,
      timestamps: records.timestamps,
      splits: program.splits,
      ...(program.pollRecordsMax === undefined ? {} : { pollRecordsMax: program.pollRecordsMax }),
      ...(program.pollMs === undefined ? {} : { pollMs: program.pollMs }),
      gapMs: (spec.knobs['gapUs'] ?? 0) / 1_000,
      arsenal: this.arsenal,
      connectors: this.connectors,
    });
    return program.app({ input, output: this.output.sink(), runtime: machine, seed: spec.seed });
  }

  #plan(parallelism: number | null) {
    const { knobs } = this.spec;
    const options = runOptionsOf(knobs, this.program.run, CHECKPOINTS_DIRECTORY, parallelism);
    return planJob(buildGraph(this.#job(this.machine)), {
      parallelism: options.parallelism ?? 1,
      chaining: options.chaining ?? true,
      ...(options.maxParallelism === undefined ? {} : { maxParallelism: options.maxParallelism }),
    });
  }

  #makeDoor(links: LinkFaults): ActorDoor {
    const door = new ActorDoor({
      arsenal: this.arsenal,
      names: this.#names,
      links,
      timers: () => timersFor(this.#outsider.timers),
      crashSoon: (path, error) => this.#outsider.timers.after(0, () => this.#crashPath(path, error)),
      onMessage: (actor, message) => this.#handling(actor, message),
      onLife: (actor, what) => this.recorder?.add(actor.path, 'life', what),
      onBrokenRule: (message) => this.watch.report('O9', 'one handler at a time', message, []),
      freezes: this.arsenal.has('message.mutate') ? 'records' : 'nothing',
    });
    const { entering } = door;
    door.entering = (to, lane, message, deliver): boolean => {
      this.watch.element(`${runningProcess()?.number} ${this.#lives} ${to.incarnation}`, message);
      if (this.machine.process.isRunning) this.credits.message(`${this.#lives}${to.path}`, message);
      return entering.call(door, to, lane, message, deliver);
    };
    return door;
  }

  #handling(actor: ActorName, message: unknown): void {
    if (this.recorder === null) return;
    const { kind, element } = message as { readonly kind?: unknown; readonly element?: { kind: string } };
    this.recorder.add(
      actor.path,
      'message',
      element === undefined ? String(kind) : `element ${element.kind}`,
    );
  }

  /** The machine, as the job sees it: with the faults of timers and connections where the plan has any. */
  #runtimeOf(machine: VirtualRuntime): Runtime {
    if (!this.arsenal.has('timer.race', 'network.reset', 'network.delay')) return machine;
    const { timers } = machine;
    const sockets = faultySockets(machine.sockets, this.arsenal, timers);
    // F17: the actor that set a timer dies just when it rings.
    const racing: Runtime['timers'] = {
      after: (delayMs, callback) => {
        const owner = this.#door.current;
        return timers.after(delayMs, () => {
          if (owner !== null) this.#raceTimer(owner);
          callback();
        });
      },
    };
    // Everything else is looked up where it was.
    return Object.create(machine, { timers: { value: racing }, sockets: { value: sockets } }) as Runtime;
  }

  #raceTimer(owner: ActorName): void {
    if (this.handle?.system.find(owner.path) == null) return;
    const fault = this.arsenal.strike('timer.race', (target) => fitsActor(target, owner), owner.path);
    if (fault === null) return;
    this.#crashPath(owner.path, new InjectedFault(fault.index, `${owner.path} dies as its timer rings`));
  }

  // ---------------------------------------------------------------- points

  hit(step: string, fields: PointFields): void {
    if (!this.machine.process.isRunning) return this.#hitOfZombie(step);
    this.machine.note(step);
    this.watch.hit(step, fields);
    this.#hits += 1;
    if (this.#hits % BOUNDS_EVERY_HITS === 0) this.#checkBounds();
    this.recorder?.add(String(fields['subtask'] ?? fields['role']), 'step', step);
    if (step === 'barrier.injected') this.schedule.barrier();
    if (step === 'record.afterRestore') this.arsenal.recovered();
    if (step === 'ack.received') {
      const checkpoint = Number(fields['checkpoint']);
      this.cuts.acknowledged(checkpoint, () => this.#moment(checkpoint, Number(fields['attempt'])));
    }
    if (step === 'metadata.durable') this.#cut(Number(fields['checkpoint']), Number(fields['attempt']));
    this.arsenal.stepReached(step, String(fields['role']));
    this.world.at(step, fields);
  }

  /** O2: everything that state keeps in two places agrees. */
  atRest(fields: PointFields, problems: () => readonly string[]): void {
    if (!this.machine.process.isRunning) return;
    const [problem, ...others] = problems();
    if (problem !== undefined)
      this.watch.report('O2', 'recount', `${fields['subtask']}: ${problem}`, others.slice(0, 2));
  }

  /**
   * Another process than the one that is in charge: it was paused, and still believes in its job. What it learns now may have
   * happened before it was replaced, so only its end, and the results, can tell whether it was fenced.
   */
  #hitOfZombie(step: string): void {
    this.machine.note(`zombie ${step}`);
  }

  #moment(checkpoint: number, attempt: number): Moment<R> {
    return {
      output: this.output.fork(this.output.quiet()),
      checkpoint,
      attempt,
      wallMs: this.machine.clock.wallMs(),
      parallelism: this.#parallelism,
    };
  }

  #cut(checkpoint: number, attempt: number): void {
    const store = this.machine.stores.find(this.#directory);
    const wantsSavepoint = this.cuts.durable(store, () => this.#moment(checkpoint, attempt));
    if (!wantsSavepoint || this.handle === null) return;
    const { machine } = this;
    const directory = `${SAVEPOINTS_DIRECTORY}/alone`;
    this.handle.savepoint(directory).then(
      (result) => this.cuts.savepoint(machine.stores.find(directory), result.checkpoint),
      () => undefined,
    );
  }

  // ---------------------------------------------------------------- what the world does

  crashActor(target: string, error: InjectedFault): string | null {
    const path = this.#livingActor(target);
    return path !== null && this.#crashPath(path, error) ? path : null;
  }

  stopActor(): string | null {
    return null;
  }

  kill({ unsynced, lateMs }: Parameters<WorldActions['kill']>[0]): string | null {
    if (this.#successor !== null) return null;
    this.#endSeconds();
    const late = lateMs === null ? null : { probability: 0.8, delayMsMax: Math.max(1, lateMs) };
    this.#successor = this.machine.crashProcess({ unsynced, late });
    this.#stopping = false;
    return `process ${this.processes}`;
  }

  pause(ms: number): string | null {
    const { machine } = this;
    if (machine.process.paused) return null;
    machine.pauseProcess();
    this.#outsider.timers.after(ms, () => machine.resumeProcess());
    return `process ${this.processes}`;
  }

  zombie(ms: number): string | null {
    if (this.#successor !== null || this.handle === null || this.#seconds > 0) return null;
    const { machine } = this;
    machine.pauseProcess();
    const zombie: Zombie = { machine, ended: false, wakes: 0 };
    this.zombies.push(zombie);
    this.#outsider.timers.after(ms, () => machine.resumeProcess());
    this.#successor = machine.startProcess({ host: `host ${this.processes + 1}` });
    this.#stopping = false;
    return `process ${this.processes}`;
  }

  later(ms: number, look: () => void): void {
    this.#outsider.timers.after(ms, look);
  }

  jumpClock(ms: number): string | null {
    this.machine.jumpWall(ms);
    return 'wall clock';
  }

  driftClock(perMille: number): string | null {
    this.machine.driftWall(perMille / 1_000);
    return 'wall clock';
  }

  savepoint(): string | null {
    if (this.handle === null) return null;
    this.#savepoints += 1;
    // Whether it succeeds is not the question: the job must not be harmed by it.
    this.handle.savepoint(`${SAVEPOINTS_DIRECTORY}/${this.#savepoints}`).catch(() => undefined);
    return 'job';
  }

  stopJob(parallelism: number | null): string | null {
    if (this.handle === null || this.#stopping || this.#successor !== null) return null;
    this.#stopping = true;
    const base = this.spec.knobs['base'] === 1 ? this.#nextBase() : null;
    this.handle.stop(base === null ? {} : { savepoint: base.from }).then(
      () => {
        this.#base = base;
        this.#parallelismBefore = this.#parallelism;
        this.#parallelism = parallelism ?? this.#parallelism;
      },
      () => {
        this.#stopping = false;
      },
    );
    return 'job';
  }

  #nextBase(): { readonly from: string; readonly directory: string } {
    this.#bases += 1;
    return {
      from: `${SAVEPOINTS_DIRECTORY}/base-${this.#bases}`,
      directory: `${CHECKPOINTS_DIRECTORY}-${this.#bases}`,
    };
  }

  flipBit(fault: ArmedFault): string | null {
    const image = this.machine.stores.find(this.#directory);
    const where = image === undefined ? null : flipRandomBit(image, fault.random);
    if (where === null) return null;
    this.storeDamaged = true;
    // Damage shows when somebody reads: at the next restore.
    this.kill({ unsynced: 'kept', lateMs: null });
    return where;
  }

  revertStore(): string | null {
    const image = this.machine.stores.find(this.#directory);
    if (image === undefined || !canRevert(image)) return null;
    const tables = image.lastTables.join(', ');
    this.kill({ unsynced: 'lost', lateMs: null });
    image.revertLast();
    this.storeDamaged = true;
    return tables;
  }

  openTwice(): string | null {
    // Among hosts that see no lock of each other, the last one to come takes over: that is what zombies are about.
    if (this.handle === null || this.#successor !== null || this.zombies.length > 0) return null;
    this.#seconds += 1;
    const second = this.machine.startProcess();
    this.#secondProcesses.push(second);
    inhabit(second, (leak) => this.#leaked(leak));
    const options = runOptionsOf(this.spec.knobs, this.program.run, this.#directory, null);
    second.enter(() => {
      const lives = this.#lives;
      run(this.#job(second), { ...options, runtime: second }).then(
        () =>
          // Once the job has ended, or its process has, the directory is free.
          this.#running &&
          this.#lives === lives &&
          this.watch.report(
            'O6',
            'one owner',
            'a second process could open the checkpoints of a running job',
            [],
          ),
        () => undefined,
      );
    });
    return 'a second process';
  }

  /** A second process is there to be refused. Where the job has gone, it must not take its place. */
  #endSeconds(): void {
    for (const second of this.#secondProcesses.splice(0))
      if (second.alive) second.crashProcess({ unsynced: 'kept' });
  }

  // ---------------------------------------------------------------- the rest of the world

  #crashPath(path: string, error: InjectedFault): boolean {
    const ref = this.handle?.system.find(path) ?? null;
    if (ref === null) return false;
    const { handle, machine } = this;
    // The world is no process: what the crash leads to happens in the one that it hits.
    if (machine.process.isRunning) handle?.system.crash(ref, error);
    else machine.enter(() => handle?.system.crash(ref, error));
    return true;
  }

  /** The last in the order of the tree: of the newest attempt. */
  #livingActor(target: string): string | null {
    if (this.handle === null || this.#successor !== null) return null;
    return livingPaths(this.handle.actors(), this.#names, target).at(-1) ?? null;
  }

  async #awaitZombies(): Promise<void> {
    if (this.zombies.length === 0) return;
    const limitMs = this.machine.nowMs + ZOMBIE_MS_MAX;
    const over = (): boolean =>
      this.leak !== null ||
      this.machine.nowMs > limitMs ||
      this.zombies.every(({ ended, machine }) => ended || !machine.alive);
    await this.machine.run(over);
    for (const { ended, machine } of this.zombies) {
      if (!ended && machine.alive)
        this.watch.report('O6', 'fencing', 'a process that was replaced has not noticed it', []);
    }
  }

  #logged(fields: Readonly<Record<string, unknown>>, message: string): void {
    if (message === 'attempt begins') this.#attemptBegins(Number(fields['attempt']));
    if (!this.machine.process.isRunning) return;
    this.watch.logged(fields, message);
    if (message === 'attempt begins') {
      const from = fields['restoredFrom'];
      this.watch.attemptBegins(
        Number(fields['attempt']),
        typeof from === 'string' ? from : null,
        this.storeDamaged,
      );
    }
    const { error } = fields;
    this.recorder?.add('/job', 'note', error === undefined ? message : `${message}: ${messageOf(error)}`);
  }

  #attemptBegins(attempt: number): void {
    const candidates = [this.machine, ...this.zombies.map(({ machine }) => machine)];
    const begins = candidates.find(({ process }) => process.isRunning);
    if (begins !== undefined) this.watch.attemptOf(begins.process.number, attempt);
  }

  /** O8: no mailbox holds more than its capacity. */
  #checkBounds(): void {
    if (this.handle === null) return;
    for (const { path, queued, capacity } of actorsIn(this.handle.actors())) {
      if (queued > capacity)
        this.watch.report('O8', 'bounds', `${path} holds ${queued} messages, above its ${capacity}`, [path]);
    }
  }

  #predicate(name: string): boolean {
    const { watch, machine } = this;
    const predicate = this.program.predicates[name];
    return (
      predicate?.({
        nowMs: machine.nowMs,
        checkpoints: watch.checkpoints,
        restores: watch.restores,
        attempt: watch.attempt,
        committed: this.results.length,
      }) ?? false
    );
  }

  #latency(): () => number {
    const random = randomStream(this.spec.seed, 'latency');
    const most = this.spec.knobs['latencyMs'] ?? 0;
    return () => (most === 0 ? 0 : randomBelow(random, most + 1));
  }

  #commitMs(): (() => number) | null {
    const most = this.spec.knobs['commitMs'] ?? 0;
    if (most === 0) return null;
    const random = randomStream(this.spec.seed, 'commits');
    return () => randomBelow(random, most + 1);
  }

  #leaked(leak: Leak): void {
    this.leak ??= leak;
  }

  /** The error to report for a leak. */
  leakError(): LeakError | null {
    return this.leak === null ? null : new LeakError(this.leak);
  }
}

/** The runtime that every process of a simulation has. */
function simulated(runtime: Runtime): VirtualRuntime {
  return runtime as VirtualRuntime;
}
