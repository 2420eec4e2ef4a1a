// The runtime of simulation: a whole machine in one Node thread, from one seed.
//
// Owns:    the binding of the port (src/base/runtime.ts) to virtual time, disk, stores and network;
//          the death of a process and the start of the next on the same disk.
// Not:     any of these parts (virtual-*.ts beside this file).
//
// A1. The same seed and program run the same way, always: nothing here reads a real clock or draws a real random number.
// A2. After `crashProcess` nothing of the old process runs, and nothing that it still calls takes effect.
//
//   const machine = virtualRuntime({ seed: 1 });
//   startJob(machine); await machine.advance(5_000);
//   const restarted = machine.crashProcess();
//   startJob(restarted); await restarted.run(() => finished);

import { StoreError } from '../base/errors.js';
import type { Points, RandomStream, Runtime } from '../base/runtime.js';
import { DiskImage } from './disk-image.js';
import { VirtualDisk } from './virtual-disk.js';
import type { VirtualFaults } from './virtual-faults.js';
import { virtualFiles } from './virtual-files.js';
import { virtualKeyValues } from './virtual-key-values.js';
import { type LateWrites, type NEVER, type VirtualProcess, VirtualProcesses } from './virtual-machine.js';
import { VirtualNetwork, virtualSockets } from './virtual-network.js';
import { type Choose, VirtualScheduler } from './virtual-scheduler.js';
import { VirtualStores } from './virtual-stores.js';

export interface VirtualRuntimeOptions {
  /** Decides everything that is left to chance. */
  readonly seed: number;
  /** Listener of protocol steps. Default null. */
  readonly points?: Points | null;
  /** Wall clock at the start, milliseconds since 1970 UTC. Default 2026-01-01. */
  readonly startWallMs?: number;
  /** `fifo` (default): callbacks, timers and I/O in the order in which they became ready. `random`: a seeded choice among them, lane by lane. A function chooses itself. */
  readonly order?: 'fifo' | 'random' | Choose;
  /** Called when something outside of the simulation has woken a program that runs in it. Default: nothing. */
  readonly onForeignWake?: (lane: string) => void;
  /** Steps without a jump of time after which 1 ms passes. Default 1,000. */
  readonly busyStepsPerMs?: number;
  /** Steps after which one `run` or `advance` gives up with InvariantError. Default 50 million. */
  readonly stepsMax?: number;
  /** Environment variables of the simulated processes. Default none. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Takes what the default logger has to say. Default: nobody does. */
  readonly report?: (text: string) => void;
}

export interface CrashOptions {
  /** `lost` (default): the power fails, what is not durable may be gone. `kept`: only the process dies, as by `kill -9`. */
  readonly unsynced?: 'lost' | 'kept';
  /** Writes in flight may land after the death of the process, as on a shared disk. Default null: they have landed, or never do. */
  readonly late?: LateWrites | null;
}

export interface StartOptions {
  /** A process on another host shares the disk, but sees no lock of this one. Default: the host of this process. */
  readonly host?: string;
}

export interface VirtualRuntime extends Runtime {
  /** Monotonic virtual time in milliseconds, from 0. */
  readonly nowMs: number;
  /** Callbacks executed so far, of all processes. */
  readonly steps: number;
  /** False after `crashProcess`. */
  readonly alive: boolean;
  /** Faults of files and stores; shared by all processes, also those to come. */
  readonly faults: VirtualFaults;
  /** Files, read and written at once by the test itself. */
  readonly disk: DiskImage;
  /** Stores, damaged by the test itself. */
  readonly stores: VirtualStores;
  /** Servers that the test plays. */
  readonly network: VirtualNetwork;
  /**
   * Executes one callback after another, with all its microtasks, and jumps to the next timer when nothing else is
   * left. Ends when nothing is left at all, or as soon as `until` holds. Throws what a callback throws.
   */
  run(until?: () => boolean): Promise<void>;
  /** Executes what is due in the next `ms` milliseconds, and lets them pass. */
  advance(ms: number): Promise<void>;
  /** Moves the wall clock, not the monotonic one. */
  jumpWall(deltaMs: number): void;
  /** Lets the wall clock run fast (0.05: five per cent) or slow from now on. */
  driftWall(fraction: number): void;
  /** Of everything that has run so far, in order; one hash means one history. */
  readonly hash: string;
  /** Makes an observation part of the hash. */
  note(text: string): void;
  /** Timers of this process that have neither fired nor been cancelled. */
  readonly pendingTimers: number;
  /** Files that this process has opened and not closed. */
  readonly openFiles: number;
  /** The process, as `runningProcess` of virtual-machine.ts names it. */
  readonly process: VirtualProcess;
  /** Starts `work` in a step of this process. */
  enter(work: () => void): void;
  /** An operation on a system outside of the simulated process: takes effect in a step of its own, and may, when the process dies. */
  external<T>(lane: string, delayMs: number, apply: () => T | typeof NEVER): Promise<T>;
  /** As SIGSTOP and SIGCONT. */
  pauseProcess(): void;
  resumeProcess(): void;
  /** Ends this process at once and returns the runtime of the next one on the same machine. */
  crashProcess(options?: CrashOptions): VirtualRuntime;
  /** Starts a further process beside this one. */
  startProcess(options?: StartOptions): VirtualRuntime;
}

const START_WALL_MS = 1_767_225_600_000;
const BUSY_STEPS_PER_MS = 1_000;
const STEPS_MAX = 50_000_000;

/** A simulated machine with one process; more follow by `crashProcess` and `startProcess`. */
export function virtualRuntime(options: VirtualRuntimeOptions): VirtualRuntime {
  const scheduler = new VirtualScheduler({
    seed: options.seed,
    order: options.order ?? 'fifo',
    startWallMs: options.startWallMs ?? START_WALL_MS,
    busyStepsPerMs: options.busyStepsPerMs ?? BUSY_STEPS_PER_MS,
    stepsMax: options.stepsMax ?? STEPS_MAX,
    ...(options.onForeignWake === undefined ? {} : { onForeignWake: options.onForeignWake }),
  });
  const disk = new VirtualDisk(() => scheduler.wallMs);
  const machine: Machine = {
    options,
    scheduler,
    processes: new VirtualProcesses(options.seed, scheduler),
    disk,
    image: new DiskImage(disk),
    stores: new VirtualStores(),
    network: new VirtualNetwork(),
    faults: { files: null, keyValues: null },
  };
  return processRuntime(machine, machine.processes.start('host'));
}

interface Machine {
  readonly options: VirtualRuntimeOptions;
  readonly scheduler: VirtualScheduler;
  readonly processes: VirtualProcesses;
  readonly disk: VirtualDisk;
  readonly image: DiskImage;
  readonly stores: VirtualStores;
  readonly network: VirtualNetwork;
  readonly faults: VirtualFaults;
}

function processRuntime(machine: Machine, process: VirtualProcess): VirtualRuntime {
  const { scheduler, options } = machine;
  // Whole milliseconds, as the wall clock of a machine has them: so a time that is due can be met exactly.
  const clock = { wallMs: () => Math.floor(scheduler.wallMs), monotonicMs: () => scheduler.nowMs };
  let pendingTimers = 0;
  const timers: Runtime['timers'] = {
    after(delayMs, callback) {
      let pending = true;
      let cancelled = false;
      pendingTimers += 1;
      const over = (): void => {
        if (pending) pendingTimers -= 1;
        pending = false;
      };
      const timer = scheduler.after(delayMs, () => {
        over();
        // While a process is paused, a timer that has rung waits; it may still be cancelled.
        process.execute(() => {
          if (!cancelled) callback();
        });
      });
      return {
        cancel() {
          cancelled = true;
          over();
          timer.cancel();
        },
      };
    },
  };
  const streams = new Map<string, RandomStream>();
  let ids = 0;
  const files = virtualFiles({
    ...machine,
    process,
    choices: machine.processes.choices,
    wallMs: clock.wallMs,
  });
  return {
    clock,
    timers,
    random(purpose) {
      const stream = streams.get(purpose) ?? machine.processes.random(process, purpose);
      streams.set(purpose, stream);
      return stream;
    },
    id(purpose) {
      ids += 1;
      return `${purpose}-${options.seed}-${process.number}-${ids}`;
    },
    dispatch: (callback, lane) => process.enqueue(lane ?? 'dispatch', callback),
    files,
    get openFiles() {
      return files.openFiles();
    },
    sockets: virtualSockets(machine.network, process),
    keyValues: virtualKeyValues({ ...machine, process, timers, prepareDirectory }),
    environment: (name) => options.environment?.[name],
    report: options.report ?? (() => undefined),
    points: options.points ?? null,
    get nowMs() {
      return scheduler.nowMs;
    },
    get steps() {
      return scheduler.steps;
    },
    get alive() {
      return process.alive;
    },
    faults: machine.faults,
    disk: machine.image,
    stores: machine.stores,
    network: machine.network,
    run: (until) => scheduler.run(until),
    advance: (ms) => scheduler.advance(ms),
    jumpWall: (deltaMs) => scheduler.jumpWall(deltaMs),
    driftWall: (fraction) => scheduler.driftWall(fraction),
    get hash() {
      return scheduler.hash;
    },
    note: (text) => scheduler.note(text),
    get pendingTimers() {
      return pendingTimers;
    },
    process,
    enter: (work) => process.enqueue('program', work),
    external: (lane, delayMs, apply) => process.perform(lane, delayMs, apply),
    pauseProcess: () => process.pause(),
    resumeProcess: () => process.resume(),
    crashProcess(crash = {}) {
      process.kill(machine.processes.choices, crash.late ?? null);
      if ((crash.unsynced ?? 'lost') === 'lost') {
        machine.disk.losePower(machine.processes.choices);
        machine.stores.losePower(machine.processes.choices);
      }
      return processRuntime(machine, machine.processes.start(process.host));
    },
    startProcess: (start = {}) =>
      processRuntime(machine, machine.processes.start(start.host ?? process.host)),
  };

  function prepareDirectory(directory: string, readOnly: boolean): void {
    try {
      if (readOnly) machine.image.list(directory);
      else machine.image.makeDirectory(directory);
    } catch (cause) {
      throw new StoreError('WEIR_STORE', `The store needs a directory, but ${directory} is not one.`, {
        cause,
        remedy: 'Choose another path, or move away what is there.',
        unrecoverable: true,
      });
    }
  }
}
