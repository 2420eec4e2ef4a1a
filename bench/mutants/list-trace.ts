// Mutants of what people and tests see: causes, protocol steps, left-overs, repeatability.

import type { Mutant } from './mutant.js';

const JOB = 'actors/job-actor.ts';

export const TRACE_MUTANTS: readonly Mutant[] = [
  {
    name: 'failure-without-cause',
    title: 'The error of a failed job does not carry what caused it.',
    from: 'oracle O15, semantics 5.33',
    oracles: ['O15'],
    file: 'actors/job-failure.ts',
    find: 'cause: error,',
    replace: '',
  },
  {
    name: 'failure-without-code',
    title: 'A failed job rejects with a bare error: no code that a program could match, and no remedy.',
    from: 'oracle O11',
    oracles: ['O11'],
    file: JOB,
    find: 'this.requests.failed(failed)',
    replace:
      'this.requests.failed(Object.assign(new Error(failed.message, { cause: failed.cause }), { suppressed: failed.suppressed }))',
  },
  {
    name: 'restart-without-cause',
    title: 'A restart is logged, what made it necessary is not.',
    from: 'oracle O15',
    oracles: ['O15'],
    file: JOB,
    find: `      this.context.logger.error({ attempt, ...this.told.fieldsOf(error) }, 'attempt failed');
      this.wiring.progress.lastFailure = messageOf(error);`,
    replace: `      this.context.logger.error({ attempt }, 'attempt failed');`,
  },
  {
    name: 'attempt-fails-without-word',
    title:
      'The failure of an attempt reaches the job without its error: neither log nor restart strategy knows why.',
    from: 'oracle O15, semantics 5.34',
    oracles: ['O15', 'O11'],
    file: 'actors/attempt-actor.ts',
    find: "job.control({ kind: 'attemptFailed', attempt, error });",
    replace: "job.control({ kind: 'attemptFailed', attempt, error: new Error() });",
  },
  {
    name: 'throwing-logger-fails-job',
    title: 'A logger that throws takes down whoever writes to it: telemetry decides over results.',
    from: 'oracle O15, fault F72',
    oracles: ['O15', 'O7'],
    file: 'src/base/logger.ts',
    find: ': new GuardedLogger(logger, { lines: 0 });',
    replace: ': logger;',
  },
  {
    name: 'injector-never-fires',
    title: 'No planned fault ever fires: every test passes, and none has tested anything.',
    from: 'oracle O16',
    oracles: ['O16'],
    file: 'src/chaos/arsenal.ts',
    find: 'return fault.due;',
    replace: 'return fault.due && fault.index < 0;',
  },
  {
    name: 'steps-open-no-trigger',
    title: 'Faults that wait for a protocol step never fire: crash points count as tested, and are not.',
    from: 'oracle O16, fault F27',
    oracles: ['O16'],
    file: 'src/chaos/arsenal.ts',
    find: 'if (fault.stepsSeen === trigger.n) {',
    replace: 'if (fault.stepsSeen < 0) {',
  },
  {
    name: 'step-of-prepare-silent',
    title:
      'The protocol step `prepare.done` is announced to nobody: a crash that is planned there never happens.',
    from: 'oracle O16, fault F27',
    oracles: ['O16'],
    file: 'src/task/sink-machine.ts',
    find: "this.effects.push({ kind: 'point', step: 'prepare.done', checkpoint });",
    replace: "if (checkpoint < 0) this.effects.push({ kind: 'point', step: 'prepare.done', checkpoint });",
  },
  {
    name: 'steps-of-restore-silent',
    title: 'The protocol steps of a restore are announced to nobody: crashes during recovery never happen.',
    from: 'oracle O16, faults F27 and F31',
    oracles: ['O16'],
    file: 'actors/opening.ts',
    find: 'if (of.restored.size === 0) return;',
    replace: 'if (of.restored.size >= 0) return;',
  },
  {
    name: 'steps-of-coordinator-silent',
    title:
      'The protocol steps of the coordinator are announced to nobody: it is never killed between two of them.',
    from: 'oracle O16, faults F27 and F28',
    oracles: ['O16'],
    file: 'actors/coordinator-actor.ts',
    find: 'this.context.runtime.points?.hit(step,',
    replace: 'if (checkpoint < 0) this.context.runtime.points?.hit(step,',
  },
  {
    name: 'connectors-left-open',
    title: 'Readers and writers of an attempt that has ended stay open: handles and transactions pile up.',
    from: 'oracle O14, semantics 1.24',
    oracles: ['O14'],
    file: 'actors/subtask-actor.ts',
    find: '      await this.opened.close();',
    replace: '      await Promise.resolve();',
  },
  {
    name: 'round-robin-of-the-process',
    title: 'All round robins of a process share one counter: what a job does depends on what ran before it.',
    from: 'semantics 1.C, oracle O18',
    oracles: ['O18'],
    file: 'src/flow/partitioner.ts',
    find: `function roundRobin(channels: number, first: number): Partitioner {
  let next = first;
  return one(() => {
    const chosen = next;
    next = chosen + 1 === channels ? 0 : chosen + 1;
    return chosen;
  });
}`,
    replace: `const turns = { next: 0 };

function roundRobin(channels: number, first: number): Partitioner {
  return one(() => {
    turns.next += 1;
    return (first + turns.next) % channels;
  });
}`,
  },
  {
    name: 'real-clock-in-a-subtask',
    title: 'Processing time comes from the machine behind the runtime: no run can be repeated.',
    from: 'reliability 6.6 (canary), oracle O18',
    oracles: ['O18', 'O13'],
    file: 'actors/subtask-actor.ts',
    find: `  private step(input: TaskInput): void {
    const nowMs = this.clock.nowMs();`,
    replace: `  private static readonly machineNow: () => number = Date.now;

  private step(input: TaskInput): void {
    const nowMs = Subtask.machineNow();`,
  },
  {
    name: 'real-chance-in-round-robin',
    title: 'The first channel of a round robin comes from the dice of the machine: no run can be repeated.',
    from: 'reliability 6.2, oracle O18',
    oracles: ['O18'],
    file: 'src/flow/partitioner.ts',
    find: `function roundRobin(channels: number, first: number): Partitioner {
  let next = first;`,
    replace: `const chance = Math.random;

function roundRobin(channels: number, first: number): Partitioner {
  let next = (first + Math.floor(chance() * channels)) % channels;`,
  },
];
