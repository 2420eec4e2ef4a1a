// Every kind of fault that can be injected: its number in the fault model, its class, what it hits, what it can be told.
//
// Owns:    the table, and the types made from it.
// Not:     when a fault fires (plan.ts), how it is carried out (injector.ts and the files that it names).
//
// K1. A kind that a mode cannot carry out is absent from `modes`: whoever runs a plan there reports it, and never skips it silently.
// K2. Parameters are numbers with a default and bounds, so that a plan can be drawn at random and shrunk towards the least.

/** Every kind of fault, by name. */
export type FaultKind =
  | 'actor.throw'
  | 'actor.reject'
  | 'actor.poison'
  | 'actor.hang'
  | 'actor.block'
  | 'actor.setupThrow'
  | 'actor.policyThrow'
  | 'actor.slow'
  | 'mailbox.small'
  | 'mailbox.dropping'
  | 'link.delay'
  | 'link.reorder'
  | 'link.duplicate'
  | 'link.drop'
  | 'actor.stop'
  | 'ask.late'
  | 'actor.crash'
  | 'actor.crashAwaiting'
  | 'timer.race'
  | 'message.mutate'
  | 'process.uncaught'
  | 'barrier.delay'
  | 'barrier.duplicate'
  | 'trigger.duplicate'
  | 'barrier.drop'
  | 'barrier.overtake'
  | 'barrier.stale'
  | 'snapshot.decline'
  | 'snapshot.slow'
  | 'ack.drop'
  | 'ack.duplicate'
  | 'ack.stale'
  | 'notify.drop'
  | 'notify.delay'
  | 'process.zombie'
  | 'process.lateWrites'
  | 'job.rescale'
  | 'store.full'
  | 'store.reject'
  | 'store.rejectVisible'
  | 'store.rejectWritten'
  | 'store.hang'
  | 'store.hangWritten'
  | 'store.slow'
  | 'power.loss'
  | 'store.staleRoot'
  | 'store.flip'
  | 'store.mapFull'
  | 'store.openFails'
  | 'store.twice'
  | 'files.fail'
  | 'files.full'
  | 'files.failWritten'
  | 'files.hang'
  | 'files.hangWritten'
  | 'process.kill'
  | 'process.pause'
  | 'thread.exit'
  | 'thread.memory'
  | 'process.abort'
  | 'process.stall'
  | 'clock.jump'
  | 'clock.drift'
  | 'files.exhausted'
  | 'message.uncloneable'
  | 'record.poison'
  | 'record.late'
  | 'record.repeat'
  | 'source.fail'
  | 'source.stall'
  | 'sink.slow'
  | 'sink.stuck'
  | 'sink.partial'
  | 'sink.commitUnknown'
  | 'sink.commitFail'
  | 'sink.commitSlow'
  | 'sink.commitStuck'
  | 'memory.pressure'
  | 'telemetry.fail'
  | 'job.savepoint'
  | 'job.stop'
  | 'network.reset'
  | 'network.delay'
  | 'link.swizzle';

/** `mask`: results as without fault. `degrade`: a declared effect is allowed. `stop`: fails loudly before any wrong result. */
export type FaultClass = 'mask' | 'degrade' | 'stop';

/** What a fault hits, and so what its `target` names. */
export type FaultTarget =
  /** A role (`source`, `coordinator`, ...), an operator of the scenario, or a path (`/till`). */
  | 'actor'
  /** `<from> -> <to>`, each an actor as above or `*`. */
  | 'link'
  /** `checkpoints`, or a directory. */
  | 'store'
  /** A prefix of paths. */
  | 'files'
  /** The simulated process, or the whole machine. */
  | 'process'
  /** The job as its user drives it: stop, savepoint, rescale. */
  | 'job'
  /** An input of the scenario. */
  | 'input'
  /** An output of the scenario. */
  | 'output'
  /** `<port>`: a server that the app connects to. */
  | 'network'
  | 'clock'
  | 'telemetry';

export type ChaosMode = 'simulation' | 'threads' | 'processes';

export interface ParameterInfo {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: 'ms' | 'count' | 'fraction';
}

export interface FaultKindInfo {
  /** Number in the fault model, `F01` to `F76`. */
  readonly number: string;
  /** A few words that complete "the fault: ...". */
  readonly title: string;
  readonly class: FaultClass;
  readonly target: FaultTarget;
  /** Which programs it makes sense for. */
  readonly apps: 'jobs' | 'actors' | 'both';
  readonly modes: readonly ChaosMode[];
  readonly parameters: Readonly<Record<string, ParameterInfo>>;
}

const SIM: readonly ChaosMode[] = ['simulation'];
const SIM_THREADS: readonly ChaosMode[] = ['simulation', 'threads'];
/** In processes by strace, on Linux where it is installed. */
const SIM_PROCESSES: readonly ChaosMode[] = ['simulation', 'processes'];
const ALL: readonly ChaosMode[] = ['simulation', 'threads', 'processes'];

const ms = (defaultMs: number, max: number): ParameterInfo => ({
  default: defaultMs,
  min: 0,
  max,
  unit: 'ms',
});
const count = (value: number, max: number): ParameterInfo => ({ default: value, min: 1, max, unit: 'count' });

type Row = readonly [
  number: string,
  title: string,
  kind: FaultClass,
  target: FaultTarget,
  apps: FaultKindInfo['apps'],
  modes: readonly ChaosMode[],
  parameters?: Readonly<Record<string, ParameterInfo>>,
];

const ROWS: Readonly<Record<FaultKind, Row>> = {
  // ---- actors
  'actor.throw': ['F01', 'the handler throws', 'mask', 'actor', 'both', ALL],
  'actor.reject': ['F02', 'the handler rejects after an await', 'mask', 'actor', 'both', ALL],
  'actor.poison': ['F03', 'the handler throws at every message', 'degrade', 'actor', 'both', SIM_THREADS],
  'actor.hang': ['F04', 'the handler never settles', 'degrade', 'actor', 'both', SIM_THREADS],
  'actor.block': [
    'F05',
    'the handler blocks its thread',
    'degrade',
    'actor',
    'both',
    ['threads', 'processes'],
    { ms: ms(200, 2_000) },
  ],
  'actor.setupThrow': ['F06', 'the setup of an actor throws', 'mask', 'actor', 'both', SIM_THREADS],
  'actor.policyThrow': ['F07', 'the supervision policy throws', 'stop', 'actor', 'actors', SIM],
  'actor.slow': [
    'F08',
    'the handler takes long, and the mailbox fills',
    'mask',
    'actor',
    'both',
    SIM_THREADS,
    { ms: ms(20, 500) },
  ],
  'mailbox.small': [
    'F09',
    'the mailbox holds few messages',
    'mask',
    'actor',
    'actors',
    SIM_THREADS,
    { capacity: count(1, 8) },
  ],
  'mailbox.dropping': [
    'F10',
    'the mailbox drops what it cannot hold',
    'degrade',
    'actor',
    'actors',
    SIM_THREADS,
    { capacity: count(1, 8) },
  ],
  'link.delay': [
    'F11',
    'messages of a link are late',
    'mask',
    'link',
    'both',
    SIM_THREADS,
    { ms: ms(50, 2_000) },
  ],
  'link.reorder': ['F11', 'two messages of different senders change places', 'mask', 'link', 'both', SIM],
  'link.duplicate': ['F12', 'a message comes twice', 'mask', 'link', 'both', SIM_THREADS],
  'link.drop': ['F13', 'a message is lost', 'mask', 'link', 'both', SIM_THREADS],
  'actor.stop': [
    'F14',
    'the actor is stopped while others hold its ref',
    'degrade',
    'actor',
    'actors',
    SIM_THREADS,
  ],
  'ask.late': [
    'F15',
    'a question is late, and so its answer',
    'degrade',
    'link',
    'actors',
    SIM_THREADS,
    { ms: ms(6_000, 10_000) },
  ],
  'actor.crash': ['F27', 'the actor dies', 'mask', 'actor', 'both', ALL],
  'actor.crashAwaiting': [
    'F16',
    'the actor dies while its handler awaits',
    'mask',
    'actor',
    'both',
    SIM_THREADS,
  ],
  'timer.race': ['F17', 'the actor dies just when its timer rings', 'mask', 'actor', 'both', SIM],
  'message.mutate': ['F18', 'a receiver changes a message', 'stop', 'actor', 'both', SIM_THREADS],
  'process.uncaught': [
    'F19',
    'an exception outside any actor',
    'mask',
    'process',
    'both',
    ['threads', 'processes'],
  ],
  // ---- barriers, checkpoints, coordinator
  'barrier.delay': [
    'F20',
    'a barrier is late on one channel',
    'mask',
    'link',
    'jobs',
    SIM_THREADS,
    { ms: ms(100, 5_000) },
  ],
  'barrier.duplicate': ['F21', 'a barrier comes twice', 'mask', 'link', 'jobs', SIM_THREADS],
  'trigger.duplicate': [
    'F21',
    'a source is asked twice for the same barrier',
    'mask',
    'actor',
    'jobs',
    SIM_THREADS,
  ],
  'barrier.drop': ['F22', 'a barrier is lost', 'mask', 'link', 'jobs', SIM_THREADS],
  'barrier.overtake': ['F23', 'a barrier is overtaken by what follows it', 'mask', 'link', 'jobs', SIM],
  'barrier.stale': ['F24', 'an older barrier comes after a newer one', 'mask', 'link', 'jobs', SIM],
  'snapshot.decline': ['F25', 'a snapshot fails', 'mask', 'actor', 'jobs', SIM_THREADS],
  'snapshot.slow': [
    'F25',
    'a snapshot is stored late',
    'mask',
    'actor',
    'jobs',
    SIM_THREADS,
    { ms: ms(100, 5_000) },
  ],
  'ack.drop': ['F26', 'an acknowledgement is lost', 'mask', 'actor', 'jobs', SIM_THREADS],
  'ack.duplicate': ['F26', 'an acknowledgement comes twice', 'mask', 'actor', 'jobs', SIM_THREADS],
  'ack.stale': ['F26', 'an acknowledgement of an earlier attempt comes late', 'mask', 'actor', 'jobs', SIM],
  'notify.drop': ['F26', 'the notice of completion is lost', 'mask', 'actor', 'jobs', SIM_THREADS],
  'notify.delay': [
    'F26',
    'the notice of completion is late',
    'mask',
    'actor',
    'jobs',
    SIM_THREADS,
    { ms: ms(100, 5_000) },
  ],
  'process.zombie': [
    'F29',
    'a paused process wakes up after another has taken over',
    'mask',
    'process',
    'jobs',
    SIM,
    { ms: ms(60, 5_000) },
  ],
  'process.lateWrites': [
    'F30',
    'writes of a dead process land after recovery',
    'mask',
    'process',
    'jobs',
    SIM,
    { ms: ms(200, 2_000) },
  ],
  'job.rescale': [
    'F33',
    'the job goes on with another parallelism',
    'mask',
    'job',
    'jobs',
    SIM,
    { parallelism: count(2, 4) },
  ],
  // ---- store and disk
  'store.full': ['F34', 'no room on the disk (ENOSPC)', 'degrade', 'store', 'both', SIM],
  'store.reject': [
    'F35',
    'a write fails, nothing is written (EIO)',
    'degrade',
    'store',
    'both',
    SIM_PROCESSES,
  ],
  'store.rejectVisible': [
    'F35',
    'a sync fails, the value can be read',
    'degrade',
    'store',
    'both',
    SIM_PROCESSES,
  ],
  'store.rejectWritten': ['F35', 'a write fails although it is durable', 'degrade', 'store', 'both', SIM],
  'store.hang': ['F36', 'a write never settles', 'degrade', 'store', 'both', SIM],
  'store.hangWritten': [
    'F36',
    'a write never settles although it is durable',
    'degrade',
    'store',
    'both',
    SIM,
  ],
  'store.slow': ['F37', 'a write takes long', 'mask', 'store', 'both', SIM, { ms: ms(100, 30_000) }],
  'power.loss': ['F38', 'the power fails', 'mask', 'process', 'both', SIM],
  'store.staleRoot': [
    'F39',
    'the last write of the store is gone after a crash',
    'stop',
    'store',
    'jobs',
    SIM,
  ],
  'store.flip': ['F40', 'a bit of the store has flipped', 'stop', 'store', 'jobs', SIM],
  'store.mapFull': ['F41', 'the map of the store is full', 'degrade', 'store', 'both', SIM],
  'store.openFails': ['F44', 'the store cannot be opened', 'stop', 'store', 'both', SIM],
  'store.twice': ['F45', 'the store is opened by a second process', 'stop', 'process', 'jobs', SIM],
  'files.fail': ['F35', 'a file operation fails (EIO)', 'mask', 'files', 'both', SIM],
  'files.full': ['F34', 'a file operation finds no room (ENOSPC)', 'mask', 'files', 'both', SIM],
  'files.failWritten': ['F35', 'a file operation takes effect and fails', 'mask', 'files', 'both', SIM],
  'files.hang': ['F36', 'a file operation never settles', 'degrade', 'files', 'both', SIM],
  'files.hangWritten': [
    'F36',
    'a file operation takes effect and never settles',
    'degrade',
    'files',
    'both',
    SIM,
  ],
  // ---- process, threads, clock, memory
  'process.kill': ['F48', 'the process is killed', 'mask', 'process', 'both', ['simulation', 'processes']],
  'process.pause': [
    'F48',
    'the process is paused and goes on',
    'mask',
    'process',
    'both',
    ['simulation', 'processes'],
    { ms: ms(500, 20_000) },
  ],
  'thread.exit': ['F46', 'the thread ends', 'mask', 'process', 'both', ['threads']],
  'thread.memory': ['F47', 'the thread runs out of memory', 'mask', 'process', 'both', ['threads']],
  'process.abort': ['F43', 'native code aborts the process', 'mask', 'process', 'both', ['processes']],
  'process.stall': [
    'F49',
    'the event loop stands still',
    'mask',
    'process',
    'both',
    ALL,
    { ms: ms(300, 5_000) },
  ],
  'clock.jump': [
    'F50',
    'the wall clock jumps',
    'mask',
    'clock',
    'both',
    SIM,
    { ms: { default: -3_600_000, min: -3_600_000, max: 3_600_000, unit: 'ms' } },
  ],
  'clock.drift': [
    'F50',
    'the wall clock runs fast or slow',
    'mask',
    'clock',
    'both',
    SIM,
    { perMille: { default: 50, min: -200, max: 200, unit: 'count' } },
  ],
  'files.exhausted': ['F51', 'no file descriptors are left (EMFILE)', 'mask', 'files', 'both', SIM],
  'message.uncloneable': ['F52', 'a message cannot be cloned', 'stop', 'actor', 'actors', ['threads']],
  // ---- input, output, telemetry, operation
  'record.poison': ['F60', 'a record that cannot be understood', 'degrade', 'input', 'jobs', ALL],
  'record.late': ['F61', 'a record comes late', 'degrade', 'input', 'jobs', ALL, { places: count(5, 50) }],
  'record.repeat': ['F61', 'a record comes twice from outside', 'degrade', 'input', 'jobs', ALL],
  'source.fail': ['F01', 'reading fails', 'mask', 'input', 'jobs', ALL],
  'source.stall': [
    'F61',
    'the input is silent for a while',
    'mask',
    'input',
    'jobs',
    ALL,
    { ms: ms(200, 2_000) },
  ],
  'sink.slow': ['F69', 'the sink is slow', 'mask', 'output', 'jobs', ALL, { ms: ms(20, 1_000) }],
  'sink.stuck': ['F69', 'the sink never answers', 'degrade', 'output', 'jobs', SIM_THREADS],
  'sink.partial': ['F70', 'the sink takes a part of a batch and fails', 'mask', 'output', 'jobs', ALL],
  'sink.commitUnknown': [
    'F70',
    'a commit takes effect and the answer is lost',
    'mask',
    'output',
    'jobs',
    ALL,
  ],
  'sink.commitFail': ['F70', 'a commit fails and takes no effect', 'mask', 'output', 'jobs', ALL],
  'sink.commitSlow': ['F69', 'a commit takes long', 'mask', 'output', 'jobs', ALL, { ms: ms(100, 2_000) }],
  'sink.commitStuck': ['F69', 'a commit never settles', 'degrade', 'output', 'jobs', SIM_THREADS],
  'memory.pressure': [
    'F71',
    'memory is scarce',
    'mask',
    'process',
    'both',
    ['threads', 'processes'],
    { megabytes: count(64, 512) },
  ],
  'telemetry.fail': ['F72', 'the logger throws', 'mask', 'telemetry', 'both', SIM_THREADS],
  'job.savepoint': ['F73', 'a savepoint is taken', 'mask', 'job', 'jobs', SIM_THREADS],
  'job.stop': ['F73', 'the job is stopped with a savepoint and goes on from it', 'mask', 'job', 'jobs', SIM],
  'network.reset': ['F75', 'a connection breaks', 'mask', 'network', 'both', ['simulation', 'processes']],
  'network.delay': [
    'F75',
    'bytes are late',
    'mask',
    'network',
    'both',
    ['simulation', 'processes'],
    { ms: ms(50, 2_000) },
  ],
  'link.swizzle': [
    'F75',
    'links clog one by one and heal in another order',
    'mask',
    'link',
    'both',
    SIM,
    { ms: ms(200, 2_000) },
  ],
};

function info(row: Row): FaultKindInfo {
  const [number, title, kind, target, apps, modes, parameters = {}] = row;
  return { number, title, class: kind, target, apps, modes, parameters };
}

/** All kinds, in the order of the fault model. */
export const FAULT_KINDS: ReadonlyMap<FaultKind, FaultKindInfo> = new Map(
  Object.entries(ROWS).map(([kind, row]) => [kind as FaultKind, info(row)]),
);
