// Mutants of sinks that commit, and of the coordinator that says when.

import type { Mutant, Part } from './mutant.js';

const PROTOCOL_AND_JOBS: readonly Part[] = ['protocol', 'engine'];

const SINK = 'src/task/sink-machine.ts';
const COORDINATOR = 'src/checkpoint/coordinator-machine.ts';

export const COMMIT_MUTANTS: readonly Mutant[] = [
  {
    name: 'commit-at-prepare',
    title:
      'Results are committed when the barrier reaches the sink: if the checkpoint fails, they come again.',
    from: 'reliability 1, semantics 5.B (one-phase commit)',
    oracles: ['O1', 'O4'],
    file: SINK,
    find: `    if (committables.length > 0) this.prepared.push({ checkpoint, committables });
    this.effects.push({ kind: 'point', step: 'prepare.done', checkpoint });`,
    replace: `    if (committables.length > 0) this.prepared.push({ checkpoint, committables });
    this.completeUpTo = Math.max(this.completeUpTo, checkpoint);
    this.effects.push({ kind: 'point', step: 'prepare.done', checkpoint });`,
  },
  {
    name: 'commits-newest-first',
    title:
      'Of two transactions that wait, the newer one is committed first: readers see results in the wrong order.',
    from: 'reliability 1 (commits out of order)',
    oracles: ['O3'],
    file: SINK,
    find: 'if (committables.length > 0) this.prepared.push({ checkpoint, committables });',
    replace: 'if (committables.length > 0) this.prepared.unshift({ checkpoint, committables });',
  },
  {
    name: 'failed-commit-goes-last',
    title: 'A failed commit is tried again behind the next one instead of before it: it is overtaken.',
    from: 'reliability 1 (retry of a failed commit overtaken)',
    oracles: ['O3'],
    parts: PROTOCOL_AND_JOBS,
    file: SINK,
    find: `    if (outcome.kind !== 'ok') {
      const what`,
    replace: `    const { kind }: { readonly kind: string } = outcome;
    if (kind !== 'ok') {
      this.call = { kind: 'none' };
      this.prepared.push(present(this.prepared.shift(), 'the transaction that failed'));
      return;
    }
    if (outcome.kind !== 'ok') {
      const what`,
  },
  {
    name: 'commit-error-swallowed',
    title: 'A commit that failed counts as done: its results are lost.',
    from: 'reliability 1',
    oracles: ['O1', 'O11'],
    file: SINK,
    find: "if (outcome.kind !== 'ok') {",
    replace: "if (outcome.kind !== 'ok' && outcome.error === null) {",
  },
  {
    name: 'commits-notified-id-only',
    title:
      'A notice commits the transaction of its own checkpoint and no earlier one: when a notice is lost, so are results.',
    from: 'semantics 5.13, 5.B',
    oracles: ['O1', 'O7'],
    file: SINK,
    find: 'if (next !== undefined && next.checkpoint <= this.completeUpTo) {',
    replace: 'if (next !== undefined && next.checkpoint === this.completeUpTo) {',
  },
  {
    name: 'aborted-checkpoint-drops-transaction',
    title:
      'What was prepared for a checkpoint that failed is dropped, although its records belong to the next one.',
    from: 'semantics 5.14',
    oracles: ['O1'],
    file: SINK,
    find: `        this.completeUpTo = Math.max(this.completeUpTo, input.checkpoint);
        this.effects.push(...snapshots.accept(input));
        return;`,
    replace: `        this.completeUpTo = Math.max(this.completeUpTo, input.checkpoint);
        this.effects.push(...snapshots.accept(input));
        return;
      case 'checkpointAborted':
        this.prepared = this.prepared.filter(({ checkpoint }) => checkpoint !== input.checkpoint);
        this.effects.push(...snapshots.accept(input));
        return;`,
  },
  {
    name: 'snapshot-forgets-older-transactions',
    title:
      'A snapshot holds the newest transaction only: one whose commit is still to come is lost when the job restarts from it.',
    from: 'semantics 5.22',
    oracles: ['O1', 'O5'],
    parts: PROTOCOL_AND_JOBS,
    file: SINK,
    find: 'const items = this.prepared.flatMap(({ checkpoint, committables }) =>',
    replace: 'const items = this.prepared.slice(-1).flatMap(({ checkpoint, committables }) =>',
  },
  {
    name: 'committed-before-commit',
    title:
      "The sink reports its commits before it makes them: the job ends, and a last commit that fails is nobody's concern.",
    from: 'semantics 5.19',
    oracles: ['O1', 'O11'],
    file: SINK,
    find: 'this.completeUpTo = Math.max(this.completeUpTo, input.checkpoint);',
    replace: `this.completeUpTo = Math.max(this.completeUpTo, input.checkpoint);
        this.effects.push({ kind: 'committed', checkpoint: input.checkpoint });`,
  },
  {
    name: 'no-recommit-on-restore',
    title:
      'Transactions in the restored checkpoint are not committed: a crash between checkpoint and commit loses results.',
    from: 'reliability 1, semantics 5.22',
    oracles: ['O1', 'O5'],
    file: 'actors/open-sink.ts',
    find: 'const commit = stored\n',
    replace: 'const commit = stored\n    .slice(stored.length)\n',
  },
  {
    name: 'complete-without-one-ack',
    title:
      'A checkpoint completes while one subtask has not answered: its state, or its transaction, is not in it.',
    from: 'reliability 1 (complete without sink), semantics 5.12',
    oracles: ['O1', 'O4'],
    file: COORDINATOR,
    find: 'if (pending.snapshots.size < this.#subtasks.size) return;',
    replace: 'if (pending.snapshots.size < this.#subtasks.size - 1) return;',
  },
  {
    name: 'notify-before-durable',
    title:
      'Sinks are told to commit when the manifest is handed to the store: if it never becomes durable, results come again.',
    from: 'reliability 1 (notify before metadata durable), semantics 5.12',
    oracles: ['O1', 'O5'],
    file: COORDINATOR,
    find: "pending.stage = { kind: 'writing', draft };",
    replace: `this.#effects.push({ kind: 'notifyComplete', checkpoint: pending.checkpoint });
    pending.stage = { kind: 'writing', draft };`,
  },
  {
    name: 'stale-ack-accepted',
    title:
      'An acknowledgement of an earlier attempt, or of a checkpoint that was given up, counts for whatever checkpoint is pending: that one then holds state of two moments.',
    from: 'reliability 1, fault F26',
    oracles: ['O6', 'O1', 'O4'],
    parts: PROTOCOL_AND_JOBS,
    file: COORDINATOR,
    find: `    if (input.attempt !== this.#attempt) return this.#history.count('stale');
    if (!this.#subtasks.has(input.subtask)) return this.#history.count('ignored');
    if (input.kind === 'finished') return this.#desk.subtaskFinished(input.subtask);
    const pending = this.#pending.get(input.checkpoint);`,
    replace: `    if (!this.#subtasks.has(input.subtask)) return this.#history.count('ignored');
    if (input.kind === 'finished') return this.#desk.subtaskFinished(input.subtask);
    const pending = this.#pending.get(input.checkpoint) ?? this.#pending.collecting()[0];`,
  },
  {
    name: 'savepoint-commits',
    title:
      'A savepoint makes sinks commit, although no restart goes back to it: the next failure brings the same results again.',
    from: 'semantics 5.18',
    oracles: ['O1'],
    parts: PROTOCOL_AND_JOBS,
    file: COORDINATOR,
    find: "this.#endExport(pending, { outcome: 'exported', reason: null, detail: '' });",
    replace: `this.#effects.push({ kind: 'notifyComplete', checkpoint: pending.checkpoint });
    this.#endExport(pending, { outcome: 'exported', reason: null, detail: '' });`,
  },
  {
    name: 'one-checkpoint-too-many',
    title: 'One more checkpoint is under way than the user allows.',
    from: 'semantics 5.1, 5.10',
    oracles: ['O8'],
    file: COORDINATOR,
    find: 'return this.#pending.slotsInUse() < this.#concurrentMax;',
    replace: 'return this.#pending.slotsInUse() <= this.#concurrentMax;',
  },
  {
    name: 'finished-when-one-has',
    title:
      'The job counts as finished when the first of its subtasks is: what the others have not read is never read.',
    from: 'semantics 5.19',
    oracles: ['O1'],
    file: 'src/checkpoint/finished-operators.ts',
    find: `    if (snapshot.operators.some((operator) => !operator.finished)) return false;
  }
  return true;`,
    replace: `    if (snapshot.operators.every((operator) => operator.finished)) return true;
  }
  return false;`,
  },
  {
    name: 'committables-by-position',
    title:
      'After a restart the transactions of one writer are committed by several subtasks: results that were written in order are seen in another.',
    from: 'found by simulation, semantics 5.22',
    oracles: ['O3'],
    file: 'actors/open-sink.ts',
    find: '.filter(({ writer }, index) => (writer ?? index) % of.vertex.parallelism === of.subtask)',
    replace: '.filter((_, index) => index % of.vertex.parallelism === of.subtask)',
  },
  {
    name: 'restored-commits-newest-first',
    title: 'After a restart the transactions of one writer are committed from the newest to the oldest.',
    from: 'semantics 5.22',
    oracles: ['O3'],
    file: 'actors/open-sink.ts',
    find: '.sort((a, b) => a.checkpoint - b.checkpoint)',
    replace: '.sort((a, b) => b.checkpoint - a.checkpoint)',
  },
  {
    name: 'last-notice-not-repeated',
    title: 'The notice of the last checkpoint is sent once: when it is lost, the job never ends.',
    from: 'found by simulation, fault F26',
    oracles: ['O7'],
    file: 'actors/coordinator-actor.ts',
    find: 'if (this.reported || this.again !== null) return;',
    replace: 'if (this.reported || this.again === null) return;',
  },
  {
    name: 'last-commit-may-hang',
    title: 'The last commit has no time-out: when it never settles, the job never ends.',
    from: 'found by simulation, fault F68',
    oracles: ['O7'],
    file: 'actors/coordinator-actor.ts',
    find: 'if (this.context.runtime.clock.monotonicMs() - this.lastSinceMs < timeoutMs) return;',
    replace: 'if (this.context.runtime.clock.monotonicMs() - this.lastSinceMs < timeoutMs * 1e9) return;',
  },
];
