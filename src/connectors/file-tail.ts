// Reads one file line by line from a position, once to its end or for as long as it grows.
//
// Owns:    blocks, the partial last line, rotation, truncation and replacement, the position after each answer.
// Not:     several files, pace and retries (file-lines.ts), what a mark covers (file-mark.ts).
//
// F1. A position never lies inside a line.
// F2. While following, the last line is kept back until its end is written. A rotated file is finished first: when it has
//     grown no more for one interval, its rest is a line, and the new file is read from its beginning.
// F3. A file that shrank or holds other content than was read is read from its beginning while following, warned and counted;
//     a bounded read fails instead, because its result would be of two files.

import { ConnectorError, WeirError } from '../base/errors.js';
import { FILE_READ_BLOCK_BYTES } from '../base/limits.js';
import type { FileHandle, FileSystem } from '../base/runtime.js';
import type { SourceContext } from '../operators/source.js';
import { codeOf, fileError } from './file-errors.js';
import {
  AT_END,
  BEGINNING,
  endOf,
  extend,
  type FilePosition,
  HEAD_BYTES,
  holds,
  markOf,
  openRotated,
  TAIL_BYTES,
  tailHolds,
} from './file-mark.js';
import { type InvalidText, LineScanner } from './line-scanner.js';

export interface FileTailOptions {
  readonly follow: boolean;
  readonly pollIntervalMs: number;
  readonly lineBytesMax: number;
  readonly invalid: InvalidText;
}

export type TailAnswer =
  | { readonly kind: 'lines'; readonly lines: readonly string[]; readonly position: FilePosition }
  | { readonly kind: 'wait' }
  | { readonly kind: 'end' };

type Input =
  | { readonly kind: 'unopened' }
  /** `rotatedMs`: since when the path is known to lead to another file; null: it leads here. */
  | {
      readonly kind: 'open';
      readonly path: string;
      readonly handle: FileHandle;
      readonly rotatedMs: number | null;
    }
  | { readonly kind: 'closed' };

type OpenInput = Extract<Input, { kind: 'open' }>;

const WAIT: TailAnswer = { kind: 'wait' };

export class FileTail {
  readonly path: string;
  private readonly options: FileTailOptions;
  private readonly files: FileSystem;
  private readonly context: SourceContext;
  private position: FilePosition;
  private scanner: LineScanner;
  private invalidSeen = 0;
  private input: Input = { kind: 'unopened' };
  // The last read found the end: before the next one the path is looked at.
  private dry = false;
  private absenceTold = false;

  constructor(
    path: string,
    position: FilePosition,
    options: FileTailOptions,
    files: FileSystem,
    context: SourceContext,
  ) {
    this.path = path;
    this.files = files;
    this.position = position;
    this.options = options;
    this.context = context;
    this.scanner = this.newScanner();
  }

  /** Lines that need no reading, or null. */
  buffered(linesMax: number): TailAnswer | null {
    if (!this.scanner.hasLine) return null;
    const before = this.scanner.takenBytes;
    const lines: string[] = [];
    this.scanner.take(linesMax, lines);
    return this.taken(lines, before);
  }

  /** The next lines; reads until one is whole. */
  async next(linesMax: number): Promise<TailAnswer> {
    try {
      for (;;) {
        const answer = this.buffered(linesMax) ?? (await this.advance());
        if (answer !== 'again') return answer;
      }
    } catch (cause) {
      if (cause instanceof WeirError) throw cause;
      throw fileError(this.context.operator, 'read', this.path, cause);
    }
  }

  /** Not while `next` is pending. */
  async close(): Promise<void> {
    const input = this.input;
    this.input = { kind: 'closed' };
    if (input.kind === 'open') await input.handle.close();
  }

  private async advance(): Promise<TailAnswer | 'again'> {
    if (this.input.kind === 'closed') return { kind: 'end' };
    if (this.input.kind === 'unopened') return await this.open();
    if (this.dry && this.options.follow) {
      const answer = await this.look(this.input);
      if (answer !== 'read') return answer;
    }
    return await this.read(this.input);
  }

  private async read(input: OpenInput): Promise<TailAnswer | 'again'> {
    const bytes = await input.handle.read(this.readOffset(), FILE_READ_BLOCK_BYTES);
    this.dry = bytes.byteLength === 0;
    if (!this.dry) {
      this.scanner.push(bytes);
      return 'again';
    }
    return this.options.follow ? await this.atEndOfGrowing(input) : await this.atEndOfBounded(input);
  }

  // ------------------------------------------------------------- the end of what is there

  private async atEndOfBounded(input: OpenInput): Promise<TailAnswer> {
    const { sizeBytes } = await input.handle.stat();
    if (sizeBytes < this.readOffset()) {
      throw new ConnectorError(`The file ${this.path} has shrunk to ${sizeBytes} bytes while it was read.`, {
        operator: this.context.operator,
        position: this.describe(0),
        remedy: 'Read it again from its beginning when it is complete, or follow it.',
        unrecoverable: true,
      });
    }
    return this.takeRest() ?? { kind: 'end' };
  }

  private async atEndOfGrowing(input: OpenInput): Promise<TailAnswer | 'again'> {
    if (input.rotatedMs === null) return WAIT;
    // Who wrote to the old file may go on for a moment after it was renamed.
    if (this.nowMs() - input.rotatedMs < this.options.pollIntervalMs) return WAIT;
    const rest = this.takeRest();
    if (rest !== null) return rest;
    await input.handle.close();
    this.input = { kind: 'unopened' };
    this.startAgain();
    return 'again';
  }

  /** What has become of the path since the end was reached. */
  private async look(input: OpenInput): Promise<TailAnswer | 'again' | 'read'> {
    if (input.rotatedMs !== null) return 'read';
    const stat = await this.files.stat(this.path);
    // Moved away and not replaced yet: its writer may still hold it, as we do.
    if (stat === null) return 'read';
    if (stat.identity !== this.position.identity) {
      this.tell('a followed file was rotated', 'source.filesRotated');
      this.input = { ...input, rotatedMs: this.nowMs() };
      return 'read';
    }
    const offset = this.readOffset();
    if (stat.sizeBytes === offset) return WAIT;
    if (stat.sizeBytes > offset && (await tailHolds(input.handle, this.position))) return 'read';
    this.tell('a followed file was truncated: reading it from its beginning', 'source.filesTruncated');
    this.startAgain();
    this.position = { ...BEGINNING, identity: stat.identity };
    return 'again';
  }

  // ------------------------------------------------------------- opening

  private async open(): Promise<TailAnswer | 'again'> {
    const handle = await this.openPath();
    // From here on `close` finds the handle, whatever fails below.
    if (handle !== null) this.input = { kind: 'open', path: this.path, handle, rotatedMs: null };
    const stat = handle === null ? null : await handle.stat();
    const known = this.position.identity;
    if (known !== null && stat?.identity !== known && (await this.openOld(handle))) return 'again';
    if (handle === null || stat === null) return this.absent();
    if (stat.kind !== 'file') throw this.notAFile(stat.kind);
    if (this.position.offset === AT_END) {
      this.position = await endOf(handle);
      this.scanner = this.newScanner();
      return { kind: 'lines', lines: [], position: this.position };
    }
    if (!(await holds(handle, this.position))) this.replaced();
    this.position = { ...this.position, identity: stat.identity };
    return 'again';
  }

  /** The path leads to another file than before: looks for the old one under another name, to finish it first. */
  private async openOld(current: FileHandle | null): Promise<boolean> {
    const rotated = await openRotated(this.files, this.path, this.position);
    if (rotated === null) return false;
    await current?.close();
    this.tell('a file was rotated while nobody read it: finishing the old one', 'source.filesRotated');
    this.input = { kind: 'open', path: rotated.path, handle: rotated.handle, rotatedMs: this.nowMs() };
    return true;
  }

  private async openPath(): Promise<FileHandle | null> {
    try {
      return await this.files.open(this.path, 'read');
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return null;
      throw fileError(this.context.operator, 'open', this.path, cause);
    }
  }

  private absent(): TailAnswer {
    if (!this.options.follow) {
      throw new ConnectorError(`The file ${this.path} is not there.`, {
        operator: this.context.operator,
        remedy: 'Check the path; a relative one starts at the working directory of the process.',
      });
    }
    if (!this.absenceTold) this.context.warn('a followed file is not there yet', { path: this.path });
    this.absenceTold = true;
    return WAIT;
  }

  private replaced(): void {
    if (!this.options.follow) {
      throw new ConnectorError(
        `The file ${this.path} is not the one that was read before: its content has changed.`,
        {
          operator: this.context.operator,
          position: this.describe(0),
          remedy: 'Bring the old file back, or start the job without the old checkpoint.',
          unrecoverable: true,
        },
      );
    }
    this.tell(
      'a followed file was replaced while nobody read it: what the old one held more is lost',
      'source.filesLost',
    );
    this.startAgain();
  }

  private notAFile(kind: string): ConnectorError {
    return new ConnectorError(
      `${this.path} is not a regular file${kind === 'directory' ? ' but a directory' : ''}.`,
      {
        operator: this.context.operator,
        remedy: 'Name the files to read.',
        unrecoverable: true,
      },
    );
  }

  // ------------------------------------------------------------- positions

  private taken(lines: readonly string[], before: number): TailAnswer {
    const { offset, identity, head } = this.position;
    const bytes = this.scanner.takenSince(before);
    this.position = {
      offset: offset + bytes.byteLength,
      identity,
      head: head.bytes < HEAD_BYTES ? extend(head, bytes.subarray(0, HEAD_BYTES - head.bytes)) : head,
      tail: markOf(bytes.subarray(Math.max(0, bytes.byteLength - TAIL_BYTES))),
    };
    const invalid = this.scanner.invalidLines - this.invalidSeen;
    if (invalid > 0) {
      if (this.invalidSeen === 0) this.context.warn('lines are not valid UTF-8', { path: this.path, offset });
      this.context.count('source.linesInvalid', invalid);
      this.invalidSeen += invalid;
    }
    return { kind: 'lines', lines, position: this.position };
  }

  private takeRest(): TailAnswer | null {
    if (this.scanner.bufferedBytes === 0) return null;
    const before = this.scanner.takenBytes;
    const lines: string[] = [];
    this.scanner.takeRest(lines);
    return this.taken(lines, before);
  }

  private startAgain(): void {
    this.position = BEGINNING;
    this.scanner = this.newScanner();
    this.dry = false;
  }

  private newScanner(): LineScanner {
    const base = Math.max(0, this.position.offset);
    this.invalidSeen = 0;
    return new LineScanner(
      {
        lineBytesMax: this.options.lineBytesMax,
        longLine: 'fail',
        invalid: this.options.invalid,
        describe: (offset) => `${this.path}:${base + offset}`,
      },
      this.position.offset === 0,
    );
  }

  private readOffset(): number {
    return this.position.offset + this.scanner.bufferedBytes;
  }

  private describe(offset: number): string {
    return `${this.path}:${this.position.offset + offset}`;
  }

  private tell(message: string, metric: string): void {
    this.context.warn(message, { path: this.path, offset: this.position.offset });
    this.context.count(metric, 1);
  }

  private nowMs(): number {
    return this.context.runtime.clock.monotonicMs();
  }
}
