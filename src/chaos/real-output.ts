// The output of a scenario in a real thread or process: files, committed by rename, that outlive every host.
//
// Owns:    the sink (the file sink of the engine, with the faults of an output), and reading back what was committed.
// Not:     files and their commits (src/connectors/file-sink.ts), judging the results (checks).
//
// O1. A row carries the checkpoint of its commit: that is the order of commits, whatever the file system says about times.
// O2. Rows are written at the barrier, so that a row never belongs to a checkpoint before its own.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode } from '../base/codec.js';
import type { FileCommittable } from '../connectors/file-commits.js';
import { fileSink } from '../connectors/file-sink.js';
import { ASIDE_DIRECTORY } from '../connectors/file-sink-names.js';
import type {
  CommitOutcome,
  SinkContext,
  TransactionalSink,
  TransactionalWriter,
} from '../operators/sink.js';
import type { ArmedFault, Arsenal } from './arsenal.js';
import type { FaultKind } from './fault-kinds.js';
import { InjectedFault } from './injected.js';
import type { CommittedResult } from './scenario-options.js';

interface Row<R> {
  readonly checkpoint: number;
  readonly subtask: number;
  readonly timestamp: number;
  readonly value: R;
}

export interface RealOutputOptions {
  readonly directory: string;
  readonly arsenal: Arsenal;
  readonly delay: (ms: number) => Promise<void>;
  readonly onCommitted: (results: number) => void;
}

export function realOutput<R>(options: RealOutputOptions): TransactionalSink<R, FileCommittable> {
  const files = fileSink<Row<R>>(options.directory, {
    format: {
      name: 'rows',
      extension: 'rows',
      encode: (row) => `${Buffer.from(encode(row)).toString('base64')}\n`,
    },
  });
  return {
    name: 'scenario output',
    guarantee: 'transactional',
    open: async (context) => new RealWriter<R>(await files.open(context), options, context),
  };
}

class RealWriter<R> implements TransactionalWriter<R, FileCommittable> {
  readonly #files: TransactionalWriter<Row<R>, FileCommittable>;
  readonly #options: RealOutputOptions;
  readonly #context: SinkContext;
  #values: R[] = [];
  #timestamps: number[] = [];
  #closed = false;

  constructor(
    files: TransactionalWriter<Row<R>, FileCommittable>,
    options: RealOutputOptions,
    context: SinkContext,
  ) {
    this.#files = files;
    this.#options = options;
    this.#context = context;
  }

  recover(restored: Parameters<TransactionalWriter<R, FileCommittable>['recover']>[0]): void | Promise<void> {
    return this.#files.recover(restored);
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
    return this.#options.delay(slow.parameter('ms')).then(() => {
      if (!this.#closed) this.#accept(values, timestamps);
    });
  }

  async prepare(checkpoint: number): Promise<readonly FileCommittable[]> {
    const { subtask } = this.#context;
    const timestamps = this.#timestamps;
    const rows = this.#values.map((value, index) => ({
      checkpoint,
      subtask,
      timestamp: timestamps[index] ?? 0,
      value,
    }));
    this.#values = [];
    this.#timestamps = [];
    if (rows.length > 0) await this.#files.write(rows, timestamps);
    return this.#files.prepare(checkpoint);
  }

  async commit(checkpoint: number, committables: readonly FileCommittable[]): Promise<CommitOutcome> {
    const failing = this.#strike('sink.commitFail');
    if (failing !== null) {
      return { kind: 'failed', error: new InjectedFault(failing.index, 'the commit fails') };
    }
    if (this.#strike('sink.commitStuck') !== null) return new Promise(() => undefined);
    const unknown = this.#strike('sink.commitUnknown');
    const slow = this.#strike('sink.commitSlow');
    if (slow !== null) await this.#options.delay(slow.parameter('ms'));
    const outcome = await this.#files.commit(checkpoint, committables);
    if (outcome.kind !== 'ok') return outcome;
    this.#options.onCommitted(committables.reduce((sum, { records }) => sum + records, 0));
    if (unknown === null) return outcome;
    return { kind: 'unknown', error: new InjectedFault(unknown.index, 'the answer of the commit is lost') };
  }

  close(): void | Promise<void> {
    this.#closed = true;
    return this.#files.close();
  }

  #accept(values: readonly R[], timestamps: readonly number[]): void {
    for (const [index, value] of values.entries()) {
      this.#values.push(value);
      this.#timestamps.push(timestamps[index] ?? 0);
    }
  }

  #strike(kind: FaultKind): ArmedFault | null {
    const { uid } = this.#context;
    const fits = (target: string): boolean => target === '*' || target === uid || target === 'output';
    return this.#options.arsenal.strike(kind, fits, `${uid}/${this.#context.subtask}`);
  }
}

export interface CommittedOutput<R> {
  readonly results: readonly CommittedResult<R>[];
  /** Committed files that are not as they were written. */
  readonly problems: readonly string[];
  /** Files that were neither committed nor removed. */
  readonly leftOver: readonly string[];
}

/** What a reader outside finds, in the order of the commits. */
export function readOutput<R>(directory: string): CommittedOutput<R> {
  const problems: string[] = [];
  const files = namesIn(directory)
    .filter((name) => name !== ASIDE_DIRECTORY)
    .map((name) => rowsOf<R>(join(directory, name), problems))
    .filter((rows) => rows.length > 0);
  const [at, by] = ['checkpoint', 'subtask'] as const;
  files.sort(([a], [b]) => (a?.[at] ?? 0) - (b?.[at] ?? 0) || (a?.[by] ?? 0) - (b?.[by] ?? 0));
  const results = files.flatMap((rows, transaction) =>
    rows.map(({ value, timestamp, subtask }) => ({ value, timestamp, transaction, subtask })),
  );
  return { results, problems, leftOver: namesIn(join(directory, ASIDE_DIRECTORY)) };
}

function rowsOf<R>(path: string, problems: string[]): readonly Row<R>[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  if (lines.pop() !== '') problems.push(`${path} ends in the middle of a line`);
  return lines.flatMap((line) => {
    try {
      return [decode(Buffer.from(line, 'base64')) as Row<R>];
    } catch (error) {
      problems.push(`${path} has a line that cannot be read: ${String(error)}`);
      return [];
    }
  });
}

function namesIn(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory).sort() : [];
}
