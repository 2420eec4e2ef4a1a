// The output of a scenario: a system outside of the job that keeps transactions, and outlives its processes.
//
// Owns:    what was prepared, committed and aborted there; the transactional sink that talks to it; the faults of doing so.
// Not:     judging what was committed (checks, oracles).
//
// W1. What is committed stays committed, whatever happens to the job; a second commit of a transaction changes nothing.
// W2. A request of a process that dies has taken effect or not, like any operation on the outside.
// W3. It never judges: it notes what a real system would let pass, and the oracles read the notes.

import type { Runtime, TimerHandle } from '../base/runtime.js';
import type {
  CommitOutcome,
  SinkContext,
  TransactionalSink,
  TransactionalWriter,
} from '../operators/sink.js';
import type { ArmedFault, Arsenal } from './arsenal.js';
import type { FaultKind } from './fault-kinds.js';
import { InjectedFault } from './injected.js';
import type { OpenConnectors } from './open-connectors.js';
import type { CommittedResult } from './scenario-options.js';

/** A prepared transaction, as a job keeps it in its checkpoints. */
export interface WorldCommittable {
  readonly transaction: string;
}

interface Transaction<R> {
  readonly name: string;
  readonly uid: string;
  readonly subtask: number;
  readonly attempt: number;
  readonly checkpoint: number;
  readonly values: readonly R[];
  readonly timestamps: readonly number[];
}

/** How requests reach the world: in a simulation as operations of a process, which may be lost with it. */
export type Outside = <V>(lane: string, delayMs: number, apply: () => V) => Promise<V>;

export interface WorldOutputOptions {
  readonly arsenal: Arsenal | null;
  /** For a process, by the runtime that it runs on. */
  readonly outside: (runtime: Runtime) => Outside;
  /** Milliseconds that a request takes, drawn each time. */
  readonly latencyMs: () => number;
  /** Where writers report that they are open. */
  readonly connectors?: OpenConnectors;
}

export class WorldOutput<R> {
  readonly results: CommittedResult<R>[] = [];
  /** Oddities: a commit of what was never prepared, commits out of order. */
  readonly oddities: string[] = [];
  readonly #options: WorldOutputOptions;
  readonly #prepared = new Map<string, Transaction<R>>();
  readonly #committed = new Set<string>();
  readonly #aborted = new Set<string>();
  /** Checkpoint of the last commit of each writer. */
  readonly #lastOfWriter = new Map<string, number>();
  /** Requests of attempts that had been replaced. */
  refused = 0;
  /** The newest attempt that has recovered, by sink. */
  readonly #recovered = new Map<string, number>();
  #transactions = 0;

  constructor(options: WorldOutputOptions) {
    this.#options = options;
  }

  /** Transactions that were prepared and neither committed nor aborted, with their attempts. */
  dangling(): readonly { readonly name: string; readonly attempt: number }[] {
    return [...this.#prepared.values()].map(({ name, attempt }) => ({ name, attempt }));
  }

  /** Options of a world in which nothing goes wrong, and everything happens at once. */
  quiet(): WorldOutputOptions {
    return {
      arsenal: null,
      outside:
        () =>
        <V>(_lane: string, _delayMs: number, apply: () => V) =>
          Promise.resolve().then(apply),
      latencyMs: () => 0,
    };
  }

  /** Another world with the same past: what one run does there is not seen here. */
  fork(options: WorldOutputOptions): WorldOutput<R> {
    const fork = new WorldOutput<R>(options);
    fork.results.push(...this.results);
    for (const [name, transaction] of this.#prepared) fork.#prepared.set(name, transaction);
    for (const name of this.#committed) fork.#committed.add(name);
    fork.#transactions = this.#transactions;
    return fork;
  }

  sink(): TransactionalSink<R, WorldCommittable> {
    return {
      name: 'scenario output',
      guarantee: 'transactional',
      open: (context) => new WorldWriter(this, this.#options, context),
    };
  }

  prepare(transaction: Transaction<R>): void {
    // As the epoch of a producer does: what an attempt still sends after a later one has recovered is refused.
    if (transaction.attempt < (this.#recovered.get(transaction.uid) ?? 0)) {
      this.refused += 1;
      throw new Error(`attempt ${transaction.attempt} has been replaced`);
    }
    this.#prepared.set(transaction.name, transaction);
  }

  commit(name: string): void {
    if (this.#committed.has(name)) return;
    const transaction = this.#prepared.get(name);
    if (transaction === undefined) {
      const what = this.#aborted.has(name) ? 'was aborted' : 'was never prepared';
      this.oddities.push(`a commit of ${name}, which ${what}`);
      throw new Error(`no transaction ${name}: it ${what}`);
    }
    this.#prepared.delete(name);
    this.#committed.add(name);
    this.#noteOrder(transaction);
    const { values, timestamps, subtask } = transaction;
    for (const [index, value] of values.entries()) {
      this.results.push({
        value,
        timestamp: timestamps[index] ?? 0,
        transaction: this.#transactions,
        subtask,
      });
    }
    this.#transactions += 1;
  }

  abortStrangers(uid: string, attempt: number, known: ReadonlySet<string>): void {
    this.#recovered.set(uid, Math.max(attempt, this.#recovered.get(uid) ?? 0));
    for (const [name, transaction] of this.#prepared) {
      if (transaction.uid !== uid || transaction.attempt >= attempt || known.has(name)) continue;
      this.#prepared.delete(name);
      this.#aborted.add(name);
    }
  }

  #noteOrder({ uid, subtask, attempt, checkpoint, name }: Transaction<R>): void {
    const writer = `${uid}/${subtask}/${attempt}`;
    const last = this.#lastOfWriter.get(writer) ?? 0;
    if (checkpoint < last) this.oddities.push(`${name} is committed after checkpoint ${last}`);
    this.#lastOfWriter.set(writer, Math.max(last, checkpoint));
  }
}

class WorldWriter<R> implements TransactionalWriter<R, WorldCommittable> {
  readonly #world: WorldOutput<R>;
  readonly #options: WorldOutputOptions;
  readonly #context: SinkContext;
  #values: R[] = [];
  #timestamps: number[] = [];
  #counter = 0;
  #closed = false;
  #pending: TimerHandle | null = null;

  constructor(world: WorldOutput<R>, options: WorldOutputOptions, context: SinkContext) {
    this.#world = world;
    this.#options = options;
    this.#context = context;
    const { uid, attempt, subtask, runtime } = context;
    options.connectors?.opened(this, `writer ${uid}/${subtask} of attempt ${attempt}`, runtime);
  }

  async recover({
    commit,
    known,
  }: {
    readonly commit: readonly WorldCommittable[];
    readonly known: readonly WorldCommittable[];
  }): Promise<void> {
    const { uid, attempt, subtask } = this.#context;
    await this.#request(() => {
      for (const { transaction } of commit) this.#world.commit(transaction);
      if (subtask > 0) return;
      this.#world.abortStrangers(uid, attempt, new Set(known.map(({ transaction }) => transaction)));
    });
  }

  write(values: readonly R[], timestamps: readonly number[]): void | Promise<void> {
    const partial = this.#strike('sink.partial');
    if (partial !== null) {
      this.#accept(values.slice(0, Math.ceil(values.length / 2)), timestamps);
      throw new InjectedFault(partial.index, `the sink takes a part of ${values.length} records and fails`);
    }
    if (this.#strike('sink.stuck') !== null) return new Promise(() => undefined);
    const slow = this.#strike('sink.slow');
    if (slow === null) return this.#accept(values, timestamps);
    const { timers } = this.#context.runtime;
    return new Promise((resolve) => {
      const timer = timers.after(slow.parameter('ms'), () => {
        if (!this.#closed) this.#accept(values, timestamps);
        resolve();
      });
      this.#pending = timer;
    });
  }

  async prepare(checkpoint: number): Promise<readonly WorldCommittable[]> {
    if (this.#values.length === 0) return [];
    const { uid, subtask, attempt } = this.#context;
    this.#counter += 1;
    const transaction: Transaction<R> = {
      name: `${uid}/${subtask}/${attempt}/${this.#counter}`,
      uid,
      subtask,
      attempt,
      checkpoint,
      values: this.#values,
      timestamps: this.#timestamps,
    };
    this.#values = [];
    this.#timestamps = [];
    await this.#request(() => this.#world.prepare(transaction));
    return [{ transaction: transaction.name }];
  }

  async commit(_checkpoint: number, committables: readonly WorldCommittable[]): Promise<CommitOutcome> {
    const failing = this.#strike('sink.commitFail');
    if (failing !== null) {
      return { kind: 'failed', error: new InjectedFault(failing.index, 'the commit fails') };
    }
    if (this.#strike('sink.commitStuck') !== null) return new Promise(() => undefined);
    const unknown = this.#strike('sink.commitUnknown');
    const longerMs = this.#strike('sink.commitSlow')?.parameter('ms') ?? 0;
    try {
      await this.#request(() => {
        for (const { transaction } of committables) this.#world.commit(transaction);
      }, longerMs);
    } catch (error) {
      return { kind: 'failed', error };
    }
    if (unknown === null) return { kind: 'ok' };
    return { kind: 'unknown', error: new InjectedFault(unknown.index, 'the answer of the commit is lost') };
  }

  close(): void {
    this.#options.connectors?.closed(this);
    this.#closed = true;
    this.#pending?.cancel();
    this.#values = [];
    this.#timestamps = [];
  }

  #accept(values: readonly R[], timestamps: readonly number[]): void {
    this.#values.push(...values);
    this.#timestamps.push(...timestamps);
  }

  #request(apply: () => void, longerMs = 0): Promise<void> {
    const { uid, subtask, attempt } = this.#context;
    return this.#options.outside(this.#context.runtime)(
      `output ${uid}/${subtask}/${attempt}`,
      this.#options.latencyMs() + longerMs,
      apply,
    );
  }

  #strike(kind: FaultKind): ArmedFault | null {
    const { uid } = this.#context;
    const fits = (target: string): boolean => target === '*' || target === uid || target === 'output';
    return this.#options.arsenal?.strike(kind, fits, `${uid}/${this.#context.subtask}`) ?? null;
  }
}
