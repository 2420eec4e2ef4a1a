// The sink whose results the program reads itself.
//
// Owns:    transactions in memory: written, prepared, committed.
// Not:     reading (collect-results.ts).
//
// C1. The sink object outlives the attempts of a job, and with it everything prepared and committed.
// C2. Without checkpoints there is no restart to protect against: results are visible at once.
// C3. A transaction of a process that is gone took its values along, as did every result that process had: it is told, and no error.

import { ConnectorError } from '../base/errors.js';
import { COLLECT_UNREAD_RECORDS_MAX } from '../base/limits.js';
import { shownValue } from '../base/shown-text.js';
import type {
  CommitOutcome,
  SinkContext,
  TransactionalSink,
  TransactionalWriter,
} from '../operators/sink.js';
import { CollectResults } from './collect-results.js';

/** A prepared transaction of a collecting sink: its name; the values stay in memory. */
export interface CollectCommittable {
  readonly transaction: string;
  readonly records: number;
}

export interface CollectSink<T> extends TransactionalSink<T, CollectCommittable>, AsyncIterable<T> {
  readonly guarantee: 'transactional';
  /** Results that are committed and that no loop has read, in the order of their commits. */
  committed(): readonly T[];
  /** Tells reading loops that no result will follow. With an error they throw it after the last result. `run` calls it. */
  jobEnded(error: unknown): void;
}

export interface CollectSinkOptions {
  /** Committed results that may wait for the reading loop before the job is held back. Default 10,000. */
  readonly unreadRecordsMax?: number;
}

/**
 * Collects results in this process, exactly once over restarts of the job. Read them with `for await`, which holds the job back
 * when the loop is slow, or take `committed()`. Leaving the loop early drops the rest. Use one sink for one run of a job.
 */
export function collectSink<T>(options: CollectSinkOptions = {}): CollectSink<T> {
  const results = new CollectResults<T>(options.unreadRecordsMax ?? COLLECT_UNREAD_RECORDS_MAX);
  const ledger = new Ledger<T>(results);
  return {
    name: 'collect',
    guarantee: 'transactional',
    open: (context) => new CollectWriter(ledger, results, context),
    committed: () => results.committed(),
    jobEnded: (error) => results.end(error),
    [Symbol.asyncIterator]: () => results[Symbol.asyncIterator](),
  };
}

interface Prepared<T> {
  readonly uid: string;
  readonly attempt: number;
  readonly values: readonly T[];
}

/** The transactions of all writers of one sink. */
class Ledger<T> {
  private readonly results: CollectResults<T>;
  private readonly prepared = new Map<string, Prepared<T>>();
  /** Per writer, the highest transaction committed: a second commit is recognised by it. */
  private readonly committed = new Map<string, number>();
  private writers = 0;

  constructor(results: CollectResults<T>) {
    this.results = results;
  }

  /** A name for a writer. The attempt tells processes apart, the count tells runs in one process apart. */
  nameWriter(context: SinkContext): string {
    this.writers += 1;
    return `${context.attempt}.${this.writers}.${context.subtask}`;
  }

  prepare(writer: string, counter: number, prepared: Prepared<T>): CollectCommittable {
    const transaction = `${writer}#${counter}`;
    this.prepared.set(transaction, prepared);
    return { transaction, records: prepared.values.length };
  }

  /** False when nothing is known of the transaction: its process is gone. */
  commit({ transaction }: CollectCommittable): boolean {
    const [writer = '', counter = ''] = transaction.split('#');
    const committed = this.committed.get(writer) ?? 0;
    const prepared = this.prepared.get(transaction);
    // After a rescale, two subtasks may commit the transactions of one old writer in either order.
    if (prepared === undefined) return committed >= Number(counter);
    this.prepared.delete(transaction);
    this.committed.set(writer, Math.max(committed, Number(counter)));
    this.results.add(prepared.values);
    return true;
  }

  abortStrangers(uid: string, attempt: number, known: readonly CollectCommittable[]): void {
    const kept = new Set(known.map(({ transaction }) => transaction));
    for (const [transaction, prepared] of this.prepared) {
      if (prepared.uid === uid && prepared.attempt < attempt && !kept.has(transaction))
        this.prepared.delete(transaction);
    }
  }
}

class CollectWriter<T> implements TransactionalWriter<T, CollectCommittable> {
  private readonly ledger: Ledger<T>;
  private readonly results: CollectResults<T>;
  private readonly context: SinkContext;
  private readonly name: string;
  private written: T[] = [];
  private counter = 0;

  constructor(ledger: Ledger<T>, results: CollectResults<T>, context: SinkContext) {
    this.ledger = ledger;
    this.results = results;
    this.context = context;
    this.name = ledger.nameWriter(context);
  }

  recover(restored: {
    readonly commit: readonly CollectCommittable[];
    readonly known: readonly CollectCommittable[];
  }): void {
    this.commitAll(restored.commit);
    if (this.context.subtask === 0)
      this.ledger.abortStrangers(this.context.uid, this.context.attempt, restored.known);
  }

  write(values: readonly T[]): void | Promise<void> {
    if (this.context.checkpointing) for (const value of values) this.written.push(value);
    else this.results.add(values);
    const room = this.results.room();
    // A reader that has stalled must not keep a stopping attempt from ending.
    return room === undefined ? undefined : Promise.race([room, aborted(this.context.signal)]);
  }

  prepare(): readonly CollectCommittable[] {
    if (this.written.length === 0) return [];
    const values = this.written;
    this.written = [];
    this.counter += 1;
    const { uid, attempt } = this.context;
    return [this.ledger.prepare(this.name, this.counter, { uid, attempt, values })];
  }

  commit(_checkpoint: number, committables: readonly CollectCommittable[]): CommitOutcome {
    this.commitAll(committables);
    return { kind: 'ok' };
  }

  close(): void {
    this.written = [];
  }

  private commitAll(committables: readonly CollectCommittable[]): void {
    for (const committable of committables) {
      this.refuseForeign(committable);
      if (this.ledger.commit(committable)) continue;
      this.context.logger.warn({ ...committable }, 'results of an earlier process are gone with it');
      this.context.count('sink.resultsLost', committable.records);
    }
  }

  /** A restored checkpoint is data from outside. */
  private refuseForeign(committable: unknown): void {
    if (isCommittable(committable)) return;
    throw new ConnectorError(
      `A restored transaction is none of a collecting sink: ${shownValue(committable)}.`,
      {
        operator: this.context.operator,
        subtask: this.context.subtask,
        remedy: 'Give the sink a uid of its own, or restore another checkpoint or savepoint.',
        unrecoverable: true,
      },
    );
  }
}

function isCommittable(value: unknown): value is CollectCommittable {
  if (typeof value !== 'object' || value === null) return false;
  const { transaction, records } = value as Partial<Record<keyof CollectCommittable, unknown>>;
  return typeof transaction === 'string' && Number.isSafeInteger(records);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
