// Writes the records of one subtask into unfinished files, one transaction per checkpoint.
//
// Owns:    encoding, blocks, rolling, and making a transaction durable at `prepare`.
// Not:     what becomes of the files afterwards (file-commits.ts).
//
// W1. A file belongs to one transaction. It is created with its first block, so an empty transaction has none.
// W2. After a failed write or fsync the writer takes nothing more: the file is suspect, and fsync is never tried again.
// W3. What `prepare` has answered is no longer the writer's: `close` aborts only what came after.

import { refuseLater } from '../base/at-once.js';
import { ConnectorError, UserCodeError, WeirError } from '../base/errors.js';
import type { FileHandle } from '../base/runtime.js';
import { shownValue } from '../base/shown-text.js';
import type { CommitOutcome, SinkContext, TransactionalWriter } from '../operators/sink.js';
import type { FileCommits, FileCommittable } from './file-commits.js';
import { fileError } from './file-errors.js';
import type { FileFormat } from './file-format.js';
import { areOurNames, asideName, type FileNaming, finalName } from './file-sink-names.js';
import { TextBlock } from './text-block.js';

export interface FileRoll {
  /** A file that has this many bytes is closed and the next one begun. Null: only checkpoints end files. */
  readonly sizeBytes: number | null;
  /** As above, this long after the first record of a file. */
  readonly intervalMs: number | null;
}

/** What is left to do with bytes that are encoded: the work of a `write` that cannot be done at once. */
type Step =
  | { readonly kind: 'append'; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly sizeBytes: number; readonly records: number };

interface OpenFile {
  readonly handle: FileHandle;
  readonly aside: string;
  readonly final: string;
}

type Health =
  | { readonly kind: 'good' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'closed' };

export class FileSinkWriter<T> implements TransactionalWriter<T, FileCommittable> {
  private readonly commits: FileCommits;
  private readonly naming: FileNaming;
  private readonly format: FileFormat<T>;
  private readonly roll: FileRoll;
  private readonly context: SinkContext;
  private readonly block = new TextBlock();
  private steps: Step[] = [];
  private health: Health = { kind: 'good' };
  private draining: Promise<void> | null = null;
  private counter = 0;
  private open: OpenFile | null = null;
  /** Files of the transaction that are complete and synced. */
  private finished: FileCommittable[] = [];
  // The file as it will be when all steps are done.
  private fileBytes = 0;
  private fileRecords = 0;
  private fileStartedMs = 0;

  constructor(
    commits: FileCommits,
    naming: FileNaming,
    format: FileFormat<T>,
    roll: FileRoll,
    context: SinkContext,
  ) {
    this.commits = commits;
    this.naming = naming;
    this.format = format;
    this.roll = roll;
    this.context = context;
  }

  async recover(restored: {
    readonly commit: readonly FileCommittable[];
    readonly known: readonly FileCommittable[];
  }): Promise<void> {
    for (const each of restored.known) this.refuseForeignNames(each);
    const outcome = await this.commits.commit(restored.commit);
    if (outcome.kind !== 'ok') throw outcome.error;
    if (this.context.subtask === 0) await this.commits.removeStrangers(this.naming.owner, restored.known);
  }

  write(values: readonly T[]): void | Promise<void> {
    this.checkHealth();
    if (this.rollIsDue()) this.endFile();
    for (const value of values) {
      try {
        this.encode(value);
      } catch (cause) {
        throw this.fail(this.encodeError(cause, value));
      }
    }
    for (const bytes of this.block.takeFull()) this.steps.push({ kind: 'append', bytes });
    return this.steps.length === 0 ? undefined : this.drain();
  }

  async prepare(): Promise<readonly FileCommittable[]> {
    this.checkHealth();
    this.endFile();
    await this.drain();
    if (this.finished.length === 0) return [];
    try {
      await this.commits.syncAside();
    } catch (cause) {
      throw this.fail(fileError(this.context.operator, 'sync', this.naming.prefix, cause));
    }
    const prepared = this.finished;
    this.finished = [];
    return prepared;
  }

  commit(_checkpoint: number, committables: readonly FileCommittable[]): Promise<CommitOutcome> {
    return this.commits.commit(committables);
  }

  async close(): Promise<void> {
    if (this.health.kind === 'closed') return;
    this.health = { kind: 'closed' };
    // Whoever waits for it sees its failure.
    await this.draining?.catch(() => undefined);
    try {
      await this.abort();
      await this.commits.removeAsideDirectory();
    } catch (error) {
      // The attempt is over either way; the next one removes what is left.
      this.context.logger.warn({ error }, 'a file sink could not remove its unfinished files');
    }
  }

  private encode(value: T): void {
    if (this.fileRecords === 0) {
      this.fileStartedMs = this.context.runtime.clock.monotonicMs();
      if (this.format.header !== undefined) this.fileBytes += this.block.put(this.format.header);
    }
    const text = this.format.encode(value);
    if (typeof text === 'object') refuseLater('encode of the format', text);
    this.fileBytes += this.block.put(text);
    this.fileRecords += 1;
    if (this.roll.sizeBytes !== null && this.fileBytes >= this.roll.sizeBytes) this.endFile();
  }

  private rollIsDue(): boolean {
    if (this.roll.intervalMs === null || this.fileRecords === 0) return false;
    return this.context.runtime.clock.monotonicMs() - this.fileStartedMs >= this.roll.intervalMs;
  }

  private endFile(): void {
    if (this.fileRecords === 0) return;
    for (const bytes of this.block.takeAll()) this.steps.push({ kind: 'append', bytes });
    this.steps.push({ kind: 'end', sizeBytes: this.fileBytes, records: this.fileRecords });
    this.fileBytes = 0;
    this.fileRecords = 0;
  }

  private drain(): Promise<void> {
    const steps = this.steps;
    this.steps = [];
    const draining = this.perform(steps);
    this.draining = draining;
    return draining;
  }

  private async perform(steps: readonly Step[]): Promise<void> {
    try {
      for (const step of steps) {
        if (step.kind === 'append') await this.append(step.bytes);
        else await this.finish(step.sizeBytes, step.records);
      }
    } catch (cause) {
      throw this.fail(
        fileError(this.context.operator, 'write', this.open?.aside ?? this.naming.prefix, cause),
      );
    }
  }

  private async append(bytes: Uint8Array): Promise<void> {
    if (this.open === null) {
      this.counter += 1;
      const aside = asideName(this.naming, this.counter);
      this.open = {
        handle: await this.commits.create(aside),
        aside,
        final: finalName(this.naming, this.counter),
      };
    }
    await this.open.handle.append(bytes);
  }

  private async finish(sizeBytes: number, records: number): Promise<void> {
    // A format that answers no text at all has made no file.
    if (this.open === null) return;
    const { handle, aside, final } = this.open;
    await handle.sync();
    await handle.close();
    this.finished.push({ aside, final, sizeBytes, records });
    this.open = null;
  }

  private async abort(): Promise<void> {
    const { open } = this;
    this.open = null;
    if (open !== null) {
      await open.handle.close();
      await this.commits.removeAside(open.aside);
    }
    for (const { aside } of this.finished) await this.commits.removeAside(aside);
    this.finished = [];
  }

  private checkHealth(): void {
    if (this.health.kind === 'failed') throw this.health.error;
    if (this.health.kind === 'closed') throw new ConnectorError('This file sink has been closed.');
  }

  private fail(error: WeirError): WeirError {
    if (this.health.kind === 'good') this.health = { kind: 'failed', error };
    return error;
  }

  /** Before anything is renamed or removed. */
  private refuseForeignNames(committable: unknown): void {
    if (areOurNames(this.naming, committable)) return;
    throw new ConnectorError(
      `A restored transaction names files that this sink cannot have written: ${shownValue(committable)}; its names begin with "${this.naming.prefix}-" and end with ".${this.naming.extension}".`,
      {
        operator: this.context.operator,
        subtask: this.context.subtask,
        remedy:
          'Restore with the prefix and format that wrote it; if they are the same, the checkpoint has been tampered with.',
        unrecoverable: true,
      },
    );
  }

  private encodeError(cause: unknown, value: T): WeirError {
    const record = shownValue(value);
    if (cause instanceof WeirError) return cause.at({ subtask: this.context.subtask, record });
    return new UserCodeError(`The format ${this.format.name} could not express a record.`, {
      operator: this.context.operator,
      subtask: this.context.subtask,
      cause,
      record,
      identity: { kind: 'content', text: record },
      remedy: 'Map the records to values that the format knows before the sink.',
    });
  }
}
