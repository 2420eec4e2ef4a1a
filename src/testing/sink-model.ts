// What readers of a transactional sink may see, as a model that runs beside the sink.
//
// Owns:    driving the writers of an attempt through checkpoints and crashes, and what must be visible after each step.
// Not:     which steps (sink-contract.ts).
//
// X1. A checkpoint stores, per subtask, every prepared transaction that was not known to be committed.
// X2. A crash goes back to the last completed checkpoint: its transactions are committed, all others never appear.

import { silentLogger } from '../base/logger.js';
import type { Runtime } from '../base/runtime.js';
import type {
  CommitOutcome,
  SinkContext,
  TransactionalSink,
  TransactionalWriter,
} from '../operators/sink.js';
import { bagDifference, type ContractRun, isVirtual, show } from './contract-run.js';

export interface SinkContractOptions<T> {
  /** What readers of the outside system see now, in any order. */
  readonly readCommitted: (runtime: Runtime) => readonly T[] | Promise<readonly T[]>;
  /** What the sink has left that it should have removed, after an orderly end. Default: nothing is looked at. */
  readonly leftovers?: (runtime: Runtime) => readonly string[] | Promise<readonly string[]>;
  /** Record number `n`; different numbers give different records. Default `{ n }`. */
  readonly value?: (n: number) => T;
  /** Seed of the first run; each further run adds one. Default 1. */
  readonly seed?: number;
  /** Default 40. */
  readonly runs?: number;
  /** Runtime of a run. Default: a virtual one. */
  readonly runtime?: (seed: number) => Runtime;
  /** Before each run: empties the outside system. */
  readonly prepare?: (runtime: Runtime, seed: number) => void | Promise<void>;
  /**
   * What a crash takes along: `attempt` the writers only, `process` all memory, `power` also what was not durable. The last two
   * need a virtual runtime. Default `power` on one, `attempt` elsewhere.
   */
  readonly crash?: 'attempt' | 'process' | 'power';
  /** Most subtasks, as far as the sink allows. Default 3. */
  readonly subtasksMax?: number;
}

/** One prepared transaction set of one subtask. */
interface Transaction<T> {
  readonly checkpoint: number;
  readonly subtask: number;
  readonly committables: readonly unknown[];
  readonly values: readonly T[];
}

const SUBTASKS_MAX = 3;

export class SinkModel<T> {
  private readonly run: ContractRun;
  private readonly options: SinkContractOptions<T>;
  private readonly remake: (runtime: Runtime) => TransactionalSink<T>;
  private sink: TransactionalSink<T>;
  private writers: TransactionalWriter<T, unknown>[] = [];
  private attempt = 0;
  private lastCheckpoint = 0;
  private nextValue = 0;
  /** Per subtask, written since its last `prepare`. */
  private written: T[][] = [];
  /** Prepared and not known to be committed, oldest first. */
  private prepared: readonly Transaction<T>[] = [];
  /** What the last completed checkpoint has stored, and up to which id. */
  private stored: { readonly checkpoint: number; readonly transactions: readonly Transaction<T>[] } = {
    checkpoint: 0,
    transactions: [],
  };
  private committed: readonly Transaction<T>[] = [];
  private visible: T[] = [];

  constructor(
    run: ContractRun,
    sink: TransactionalSink<T>,
    remake: (runtime: Runtime) => TransactionalSink<T>,
    options: SinkContractOptions<T>,
  ) {
    this.run = run;
    this.sink = sink;
    this.remake = remake;
    this.options = options;
  }

  get subtasks(): number {
    return this.writers.length;
  }

  someSubtasks(): number {
    return 1 + this.run.below(this.subtasksMax);
  }

  /** Starts an attempt from what is stored: all its transactions are committed by whoever is given them. */
  async start(subtasks: number): Promise<void> {
    await this.open(subtasks);
    await this.run.settle('recover', this.recover());
    this.publish(this.stored.transactions);
  }

  async write(subtask: number, count: number): Promise<void> {
    const values = this.newValues(count);
    await this.run.settle('write', this.writeTo(subtask, values));
    this.written[subtask]?.push(...values);
  }

  /** A barrier passes: every subtask prepares. Whether its checkpoint completes is another matter. */
  async prepare(): Promise<void> {
    this.lastCheckpoint += 1;
    const checkpoint = this.lastCheckpoint;
    const answers = await this.run.settle('prepare', this.prepareAll(checkpoint));
    const transactions = answers.map((committables, subtask) => {
      const values = this.written[subtask] ?? [];
      this.written[subtask] = [];
      const stored = this.run.stored('what prepare answers', committables);
      return { checkpoint, subtask, committables: stored, values };
    });
    this.prepared = [...this.prepared, ...transactions];
  }

  /** The checkpoint of the last barrier is durable: a crash now goes back to it. */
  async complete(): Promise<void> {
    this.stored = { checkpoint: this.lastCheckpoint, transactions: this.prepared };
  }

  async commitThrough(checkpoint: number): Promise<void> {
    const due = this.prepared.filter((transaction) => transaction.checkpoint <= checkpoint);
    for (const transaction of due) await this.commitOne(transaction);
    this.prepared = this.prepared.filter((transaction) => transaction.checkpoint > checkpoint);
    this.publish(due);
    if (due.length > 0) this.committed = due;
  }

  /** Everything in one go: barrier, completion, notification. */
  async checkpoint(): Promise<void> {
    await this.prepare();
    await this.complete();
    await this.commitThrough(this.lastCheckpoint);
  }

  /** The last commit once more, as after a crash that forgot it. */
  async commitAgain(): Promise<void> {
    for (const transaction of this.committed) await this.commitOne(transaction);
  }

  async crash(how: { readonly closeFirst: boolean; readonly subtasks: number }): Promise<void> {
    if (how.closeFirst) await this.closeAll();
    this.die();
    await this.start(how.subtasks);
  }

  /** Dies in the middle of: 0 a write and a barrier, 1 a commit, 2 that and the recovery from it, several times. */
  async crashWithin(what: number): Promise<void> {
    if (!isVirtual(this.run.runtime))
      return await this.crash({ closeFirst: false, subtasks: this.someSubtasks() });
    if (what === 0) {
      this.abandon(this.writeTo(this.run.below(this.subtasks), this.newValues(50)));
      this.abandon(this.prepareAll(this.lastCheckpoint + 1));
    } else {
      await this.prepare();
      await this.complete();
      for (const transaction of this.prepared) this.abandon(this.commitOf(transaction));
    }
    await this.run.someSteps(40);
    const recoveries = what === 2 ? this.run.below(3) : 0;
    for (let recovery = 0; recovery < recoveries; recovery += 1) {
      this.die();
      await this.open(this.someSubtasks());
      this.abandon(this.recover());
      await this.run.someSteps(40);
    }
    this.die();
    await this.start(this.someSubtasks());
  }

  /** Readers see what the model says, no less and no more. */
  async check(): Promise<void> {
    const read = await this.run.settle('readCommitted', this.options.readCommitted(this.run.runtime));
    const difference = bagDifference(this.visible, read);
    this.run.check(
      difference === null,
      () => `readers see something else than was committed: ${difference}.`,
    );
  }

  /** The final checkpoint, an orderly close, and nothing left behind. */
  async end(): Promise<void> {
    await this.checkpoint();
    await this.closeAll();
    await this.check();
    const left = await this.run.settle('leftovers', this.options.leftovers?.(this.run.runtime) ?? []);
    this.run.check(left.length === 0, () => `left behind after an orderly end: ${left.join(', ')}.`);
  }

  private async open(subtasks: number): Promise<void> {
    this.attempt += 1;
    this.writers = [];
    this.written = Array.from({ length: subtasks }, () => []);
    for (let subtask = 0; subtask < subtasks; subtask += 1) {
      const context = sinkContext(this.run, this.sink, {
        subtask,
        parallelism: subtasks,
        attempt: this.attempt,
      });
      this.writers.push(await this.run.settle('open', this.sink.open(context)));
    }
  }

  // All subtasks recover at the same time, and any of them may be given any transaction.
  private async recover(): Promise<void> {
    const { transactions } = this.stored;
    const known = transactions.flatMap(({ committables }) => committables);
    const shares: unknown[][] = this.writers.map(() => []);
    for (const { committables } of transactions) {
      for (const committable of committables) shares[this.run.below(shares.length)]?.push(committable);
    }
    await Promise.all(
      this.writers.map(async (writer, subtask) => writer.recover({ commit: shares[subtask] ?? [], known })),
    );
  }

  private async writeTo(subtask: number, values: readonly T[]): Promise<void> {
    await this.writers[subtask]?.write(
      [...values],
      values.map((_, index) => index),
    );
  }

  private prepareAll(checkpoint: number): Promise<readonly (readonly unknown[])[]> {
    return Promise.all(this.writers.map(async (writer) => writer.prepare(checkpoint)));
  }

  private async commitOne(transaction: Transaction<T>): Promise<void> {
    const outcome = await this.run.settle('commit', this.commitOf(transaction));
    if (outcome.kind === 'ok') return;
    throw this.run.violation(
      `the commit of checkpoint ${transaction.checkpoint} is ${outcome.kind}.`,
      outcome.error,
    );
  }

  private async commitOf({ checkpoint, subtask, committables }: Transaction<T>): Promise<CommitOutcome> {
    const writer = this.writers[subtask % this.writers.length];
    if (writer === undefined || committables.length === 0) return { kind: 'ok' };
    return await writer.commit(checkpoint, committables);
  }

  private publish(transactions: readonly Transaction<T>[]): void {
    for (const { values } of transactions)
      this.visible.push(...values.filter((value) => !this.visible.includes(value)));
  }

  private async closeAll(): Promise<void> {
    for (const writer of this.writers) await this.run.settle('close', writer.close());
  }

  private die(): void {
    const { runtime } = this.run;
    const kind = crashKind(this.run, this.options);
    if (kind !== 'attempt' && isVirtual(runtime)) {
      this.run.runtime = runtime.crashProcess({ unsynced: kind === 'power' ? 'lost' : 'kept' });
      this.sink = this.remake(this.run.runtime);
    }
    this.prepared = [];
    this.committed = [];
  }

  private abandon(pending: Promise<unknown>): void {
    // It dies with its process; on what it did, recovery has the last word.
    pending.catch(() => undefined);
  }

  private newValues(count: number): readonly T[] {
    const value = this.options.value ?? numbered<T>;
    const first = this.nextValue;
    this.nextValue += count;
    return Array.from({ length: count }, (_, index) => value(first + index));
  }

  private get subtasksMax(): number {
    return Math.min(this.options.subtasksMax ?? SUBTASKS_MAX, this.sink.parallelismMax ?? SUBTASKS_MAX);
  }
}

/** The records of a kit that was given none. */
export function numbered<T>(n: number): T {
  return { n } as T;
}

/** The context that an engine would give. */
export function sinkContext(
  run: ContractRun,
  sink: { readonly name: string },
  place: { readonly subtask: number; readonly parallelism: number; readonly attempt: number },
): SinkContext {
  return {
    operator: sink.name,
    uid: 'sink-under-test',
    job: 'sink-contract',
    ...place,
    checkpointing: true,
    runtime: run.runtime,
    logger: silentLogger,
    signal: new AbortController().signal,
    count: () => undefined,
  };
}

function crashKind<T>(run: ContractRun, options: SinkContractOptions<T>): 'attempt' | 'process' | 'power' {
  const kind = options.crash ?? (isVirtual(run.runtime) ? 'power' : 'attempt');
  run.check(
    kind === 'attempt' || isVirtual(run.runtime),
    () => `crash ${show(kind)} needs a virtual runtime.`,
  );
  return kind;
}
