// What becomes of the written files of a file sink: published, found published, removed.
//
// Owns:    the directories, the rename that is the commit, and cleaning up after attempts that are gone.
// Not:     writing records (file-sink-writer.ts), names (file-sink-names.ts).
//
// M1. A commit is a rename, durable before it is answered: both directories are synced.
// M2. A committed file is recognised: no unfinished file, and the final one there. With neither the outcome is unknown.
// M3. A final name that is taken by another file is never overwritten.
// M4. Cleaning up removes unfinished files of the same job and uid, of earlier attempts, that no checkpoint knows.

import { dirname, join } from 'node:path';
import { ConnectorError } from '../base/errors.js';
import type { FileHandle, FileSystem } from '../base/runtime.js';
import type { CommitOutcome, SinkContext } from '../operators/sink.js';
import { codeOf, fileError } from './file-errors.js';
import { ASIDE_DIRECTORY, parseAsideName } from './file-sink-names.js';

/** A written file that waits for its commit. Kept in checkpoints: names only, relative to the directory of the sink. */
export interface FileCommittable {
  /** Name in the folder of unfinished files. */
  readonly aside: string;
  readonly final: string;
  readonly sizeBytes: number;
  readonly records: number;
}

/** Tries to make the folder of unfinished files: another sink may remove it, empty, in between. */
const CREATE_TRIES_MAX = 5;

export class FileCommits {
  private readonly directory: string;
  private readonly asideDirectory: string;
  private readonly context: SinkContext;
  private readonly files: FileSystem;

  constructor(directory: string, files: FileSystem, context: SinkContext) {
    this.directory = directory;
    this.asideDirectory = join(directory, ASIDE_DIRECTORY);
    this.context = context;
    this.files = files;
  }

  /** Makes the directories and proves that files can be created in them. Throws ConnectorError naming the directory. */
  async open(probe: string): Promise<void> {
    try {
      const missing = await this.missingAncestors();
      await this.files.makeDirectory(this.directory);
      // A new directory is durable when its parent is.
      for (const made of missing) await this.files.syncDirectory(dirname(made));
      const handle = await this.create(probe);
      await handle.close();
      await this.files.remove(join(this.asideDirectory, probe));
    } catch (cause) {
      throw fileError(this.context.operator, 'write into the directory', this.directory, cause);
    }
  }

  /** A new unfinished file. */
  async create(name: string): Promise<FileHandle> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.files.open(join(this.asideDirectory, name), 'createNew');
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || tries === CREATE_TRIES_MAX) throw error;
      }
      await this.files.makeDirectory(this.asideDirectory);
      await this.files.syncDirectory(this.directory);
    }
  }

  /** Makes the names of unfinished files durable: their content is by then. */
  syncAside(): Promise<void> {
    return this.files.syncDirectory(this.asideDirectory);
  }

  async commit(committables: readonly FileCommittable[]): Promise<CommitOutcome> {
    if (committables.length === 0) return { kind: 'ok' };
    try {
      for (const committable of committables) {
        const outcome = await this.publish(committable);
        if (outcome.kind !== 'ok') return outcome;
      }
      await this.files.syncDirectory(this.directory);
      await this.syncAsideIfThere();
      return { kind: 'ok' };
    } catch (cause) {
      return {
        kind: 'unknown',
        error: fileError(this.context.operator, 'commit files in', this.directory, cause),
      };
    }
  }

  async removeStrangers(owner: string, known: readonly FileCommittable[]): Promise<void> {
    const kept = new Set(known.map(({ aside }) => aside));
    let removed = 0;
    for (const name of await this.asideNames()) {
      const parsed = parseAsideName(name);
      if (parsed === null || parsed.owner !== owner || kept.has(name)) continue;
      if (parsed.attempt < this.context.attempt) {
        await this.removeAside(name);
        removed += 1;
      } else if (parsed.attempt > this.context.attempt) {
        this.context.logger.warn(
          { file: join(this.asideDirectory, name), attempt: this.context.attempt },
          'an unfinished file of a later attempt: it belongs to a run with another checkpoint directory, and is left alone',
        );
      }
    }
    if (removed === 0) return;
    this.context.count('sink.filesAborted', removed);
    await this.syncAsideIfThere();
  }

  removeAside(name: string): Promise<void> {
    return this.files.remove(join(this.asideDirectory, name));
  }

  /** Takes the folder of unfinished files away unless somebody still has files in it. */
  async removeAsideDirectory(): Promise<void> {
    try {
      await this.files.removeDirectory(this.asideDirectory);
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw error;
    }
  }

  private async publish({ aside, final, sizeBytes }: FileCommittable): Promise<CommitOutcome> {
    const from = join(this.asideDirectory, aside);
    const to = join(this.directory, final);
    const written = await this.files.stat(from);
    const present = await this.files.stat(to);
    if (written === null && present !== null) return { kind: 'ok' };
    if (written === null)
      return this.refused('unknown', `Neither ${from} nor ${to} is there: its records may be lost`, MISSING);
    if (present !== null) {
      return this.refused('failed', `${to} is there already and is another file than ${from}`, OVERWRITE);
    }
    if (written.sizeBytes !== sizeBytes) {
      return this.refused(
        'failed',
        `${from} has ${written.sizeBytes} bytes, ${sizeBytes} were written`,
        DAMAGED,
      );
    }
    await this.files.rename(from, to);
    this.context.count('sink.filesCommitted', 1);
    return { kind: 'ok' };
  }

  private refused(kind: 'failed' | 'unknown', problem: string, remedy: string): CommitOutcome {
    const { operator, subtask } = this.context;
    return {
      kind,
      error: new ConnectorError(`${problem}.`, { operator, subtask, remedy, unrecoverable: true }),
    };
  }

  private async asideNames(): Promise<readonly string[]> {
    try {
      return await this.files.list(this.asideDirectory);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  }

  private async syncAsideIfThere(): Promise<void> {
    try {
      await this.syncAside();
    } catch (error) {
      // Empty after the last rename, and another sink has taken it away.
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }

  /** The directory and those above it that do not exist yet, innermost first. */
  private async missingAncestors(): Promise<readonly string[]> {
    const missing: string[] = [];
    let directory = this.directory;
    while ((await this.files.stat(directory)) === null) {
      missing.push(directory);
      if (dirname(directory) === directory) break;
      directory = dirname(directory);
    }
    return missing;
  }
}

const MISSING =
  'Bring one of them back. Take files out of the directory only after the checkpoint that follows their commit, or copy them.';
const OVERWRITE = 'Move that file away; the commit is tried again at the next start.';
const DAMAGED =
  'Look at the disk; restore from an older checkpoint or savepoint after removing what was committed since.';
