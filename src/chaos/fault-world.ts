// Faults that hit the world around the actors: process, disk, clock, input, output, network, and those who operate a job.
//
// Owns:    the verbs of `fault.process`, `store`, `disk`, `clock`, `input`, `output`, `job`, `telemetry`, `network`.
// Not:     when they fire (built-fault.ts), actors and links (fault-actors.ts).
//
// None of these names an actor of a scenario, so that they fit every scenario.

import { type OpenFault, openFault } from './built-fault.js';
import { type Duration, signedDurationMs } from './durations.js';
import { msParameter } from './fault-actors.js';

/** What can happen to the process, its threads and its machine. */
export class ProcessFaults {
  /** The process is killed, as by `kill -9`. */
  kills(): OpenFault<never> {
    return openFault('process.kill', 'process');
  }
  /** The process is paused and goes on. Default 500 ms, at most 20 s. */
  pauses(duration?: Duration): OpenFault<never> {
    return openFault('process.pause', 'process', msParameter('process.pause', duration));
  }
  /** The event loop stands still. Default 300 ms, at most 5 s. */
  stalls(duration?: Duration): OpenFault<never> {
    return openFault('process.stall', 'process', msParameter('process.stall', duration));
  }
  /** The process is paused, another takes over, and it wakes up again. Default 60 ms, at most 5 s. */
  zombie(duration?: Duration): OpenFault<never> {
    return openFault('process.zombie', 'process', msParameter('process.zombie', duration));
  }
  /** The process dies, and what it was writing lands after the recovery. Default 200 ms, at most 2 s. */
  lateWrites(duration?: Duration): OpenFault<never> {
    return openFault('process.lateWrites', 'process', msParameter('process.lateWrites', duration));
  }
  /** An exception outside any actor. */
  uncaught(): OpenFault<never> {
    return openFault('process.uncaught', 'process');
  }
  /** Native code aborts the process. */
  aborts(): OpenFault<never> {
    return openFault('process.abort', 'process');
  }
  /** A thread ends. */
  exitsThread(): OpenFault<never> {
    return openFault('thread.exit', 'process');
  }
  /** A thread runs out of memory. */
  exhaustsThread(): OpenFault<never> {
    return openFault('thread.memory', 'process');
  }
  /** Memory is scarce: so many megabytes are left. Default 64, at most 512. */
  memoryPressure(megabytes?: number): OpenFault<never> {
    return openFault('memory.pressure', 'process', { megabytes });
  }
  /** A second process opens the store. */
  opensStoreTwice(): OpenFault<never> {
    return openFault('store.twice', 'process');
  }
}

/** What can happen to a checkpoint store. */
export class StoreFaults {
  private readonly target: string;

  constructor(target: string) {
    this.target = target;
  }

  /** A write finds no room on the disk (ENOSPC). */
  full(): OpenFault<never> {
    return openFault('store.full', this.target);
  }
  /** A write fails, nothing is written (EIO). */
  rejects(): OpenFault<never> {
    return openFault('store.reject', this.target);
  }
  /** A sync fails, and the value can be read although it is not durable. */
  rejectsVisible(): OpenFault<never> {
    return openFault('store.rejectVisible', this.target);
  }
  /** A write fails although it is durable. */
  rejectsWritten(): OpenFault<never> {
    return openFault('store.rejectWritten', this.target);
  }
  /** A write never settles. */
  hangs(): OpenFault<never> {
    return openFault('store.hang', this.target);
  }
  /** A write never settles although it is durable. */
  hangsWritten(): OpenFault<never> {
    return openFault('store.hangWritten', this.target);
  }
  /** A write takes so much longer. Default 100 ms, at most 30 s. */
  slow(duration?: Duration): OpenFault<never> {
    return openFault('store.slow', this.target, msParameter('store.slow', duration));
  }
  /** The last write is gone after a crash. */
  staleRoot(): OpenFault<never> {
    return openFault('store.staleRoot', this.target);
  }
  /** A bit flips. */
  flips(): OpenFault<never> {
    return openFault('store.flip', this.target);
  }
  /** The map of the store is full. */
  mapFull(): OpenFault<never> {
    return openFault('store.mapFull', this.target);
  }
  /** The store cannot be opened. */
  openFails(): OpenFault<never> {
    return openFault('store.openFails', this.target);
  }
}

/** What can happen to files. */
export class DiskFaults {
  private readonly target: string;

  constructor(target: string) {
    this.target = target;
  }

  /** An operation fails (EIO). */
  fails(): OpenFault<never> {
    return openFault('files.fail', this.target);
  }
  /** An operation takes effect and fails all the same. */
  failsWritten(): OpenFault<never> {
    return openFault('files.failWritten', this.target);
  }
  /** An operation finds no room (ENOSPC). */
  full(): OpenFault<never> {
    return openFault('files.full', this.target);
  }
  /** An operation never settles. */
  hangs(): OpenFault<never> {
    return openFault('files.hang', this.target);
  }
  /** An operation takes effect and never settles. */
  hangsWritten(): OpenFault<never> {
    return openFault('files.hangWritten', this.target);
  }
  /** No file descriptors are left (EMFILE). */
  exhausted(): OpenFault<never> {
    return openFault('files.exhausted', this.target);
  }
}

/** What can happen to the wall clock; the monotonic one keeps going. */
export class ClockFaults {
  /** The clock jumps; a negative duration goes back. Default -1 h, at most 1 h either way. */
  jumps(duration?: Duration): OpenFault<never> {
    const ms = duration === undefined ? undefined : signedDurationMs(duration, 'fault clock.jump');
    return openFault('clock.jump', 'clock', { ms });
  }
  /** The clock runs so many thousandths fast; negative: slow. Default 50, from -200 to 200. */
  drifts(perMille?: number): OpenFault<never> {
    return openFault('clock.drift', 'clock', { perMille });
  }
}

/** What can happen to the input of a job. */
export class InputFaults {
  /** A record that cannot be understood. */
  poisons(): OpenFault<never> {
    return openFault('record.poison', 'input');
  }
  /** A record comes so many places later. Default 5, at most 50. */
  late(places?: number): OpenFault<never> {
    return openFault('record.late', 'input', { places });
  }
  /** A record comes twice from outside. */
  repeats(): OpenFault<never> {
    return openFault('record.repeat', 'input');
  }
  /** Reading fails. */
  fails(): OpenFault<never> {
    return openFault('source.fail', 'input');
  }
  /** The input is silent for a while. Default 200 ms, at most 2 s. */
  stalls(duration?: Duration): OpenFault<never> {
    return openFault('source.stall', 'input', msParameter('source.stall', duration));
  }
}

/** What can happen to the output of a job. */
export class OutputFaults {
  /** Writing takes so much longer. Default 20 ms, at most 1 s. */
  slow(duration?: Duration): OpenFault<never> {
    return openFault('sink.slow', 'output', msParameter('sink.slow', duration));
  }
  /** The sink never answers. */
  sticks(): OpenFault<never> {
    return openFault('sink.stuck', 'output');
  }
  /** The sink takes a part of a batch and fails. */
  partial(): OpenFault<never> {
    return openFault('sink.partial', 'output');
  }
  /** A commit takes effect, and the answer is lost. */
  commitUnknown(): OpenFault<never> {
    return openFault('sink.commitUnknown', 'output');
  }
  /** A commit fails and takes no effect. */
  commitFails(): OpenFault<never> {
    return openFault('sink.commitFail', 'output');
  }
  /** A commit takes so much longer: newer transactions wait behind it. Default 100 ms, at most 2 s. */
  commitSlow(duration?: Duration): OpenFault<never> {
    return openFault('sink.commitSlow', 'output', msParameter('sink.commitSlow', duration));
  }
  /** A commit takes no effect and never settles. */
  commitSticks(): OpenFault<never> {
    return openFault('sink.commitStuck', 'output');
  }
}

/** What those who operate a job may do in the middle of anything. */
export class JobFaults {
  /** A savepoint is taken. */
  savepoint(): OpenFault<never> {
    return openFault('job.savepoint', 'job');
  }
  /** The job is stopped with a savepoint and goes on from it. */
  stops(): OpenFault<never> {
    return openFault('job.stop', 'job');
  }
  /** The job goes on with another parallelism. Default 2, at most 4. */
  rescales(parallelism?: number): OpenFault<never> {
    return openFault('job.rescale', 'job', { parallelism });
  }
}

/** What can happen to logging. */
export class TelemetryFaults {
  /** The logger throws. */
  fails(): OpenFault<never> {
    return openFault('telemetry.fail', 'telemetry');
  }
}

/** What can happen to connections to a server. */
export class NetworkFaults {
  private readonly target: string;

  constructor(target: string) {
    this.target = target;
  }

  /** A connection breaks. */
  resets(): OpenFault<never> {
    return openFault('network.reset', this.target);
  }
  /** Bytes are late. Default 50 ms, at most 2 s. */
  delays(duration?: Duration): OpenFault<never> {
    return openFault('network.delay', this.target, msParameter('network.delay', duration));
  }
}
