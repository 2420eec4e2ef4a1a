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
// F4. A bounded read ends where the file ended when it was opened, or with the line that was being written there. A last line
//     without end is a record, once: a reader that stands behind one has nothing left to read.
// F5. A run of NUL bytes at the beginning of a line is no text: a writer that goes on behind a truncation leaves such a hole. It is
//     skipped, told and counted.

import { ConnectorError, WeirError } from '../base/errors.js';
import { FILE_READ_BLOCK_BYTES } from '../base/limits.js';
import type { FileHandle, FileSystem } from '../base/runtime.js';
import type { SourceContext } from '../operators/source.js';
import { codeOf, fileError } from './file-errors.js';
import {
  BEGINNING,
  bytesBefore,
  extend,
  type FilePosition,
  HEAD_BYTES,
  holds,
  lastBytes,
  leadingNuls,
  markOf,
  openRotated,
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
const NOTHING = new Uint8Array(0);
const LINE_FEED = 10;

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
  /** The last bytes before the position (file-mark.ts). */
  private recent: Uint8Array = NOTHING;
  /** Where a bounded read ends. */
  private endOffset: number = Number.POSITIVE_INFINITY;
  private ended = false;
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
    if (this.ended || !this.scanner.hasLine) return null;
    const before = this.scanner.takenBytes;
    const lines: string[] = [];
    // Behind the end only the line that had begun before it is ours.
    const isLast = this.position.offset + this.scanner.bufferedBytes > this.endOffset;
    this.scanner.take(isLast ? 1 : linesMax, lines);
    this.ended ||= isLast;
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
    if (this.input.kind === 'closed' || this.ended) return { kind: 'end' };
    if (this.input.kind === 'unopened') return await this.open();
    if (this.dry && this.options.follow) {
      const answer = await this.look(this.input);
      if (answer !== 'read') return answer;
    }
    return await this.read(this.input);
  }

  private async read(input: OpenInput): Promise<TailAnswer | 'again'> {
    const left = this.endOffset - this.readOffset();
    if (left <= 0 && this.scanner.bufferedBytes === 0) return await this.atEndOfBounded(input);
    const size = left > 0 ? Math.min(left, FILE_READ_BLOCK_BYTES) : FILE_READ_BLOCK_BYTES;
    const bytes = await input.handle.read(this.readOffset(), size);
    this.dry = bytes.byteLength === 0;
    if (!this.dry) {
      this.scanner.push(this.withoutHole(bytes));
      return 'again';
    }
    return this.options.follow ? await this.atEndOfGrowing(input) : await this.atEndOfBounded(input);
  }

  // ------------------------------------------------------------- the end of what is there

  private withoutHole(bytes: Uint8Array): Uint8Array {
    const hole = this.scanner.pendingBytes === 0 ? leadingNuls(bytes) : 0;
    if (hole === 0) return bytes;
    this.tell('a file has a hole of NUL bytes, which are skipped', 'source.holes');
    this.moveBy(bytes.subarray(0, hole));
    this.scanner = this.newScanner();
    return bytes.subarray(hole);
  }

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
    this.ended = true;
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
    if (!(await holds(handle, this.position))) this.replaced();
    this.position = { ...this.position, identity: stat.identity };
    this.recent = await bytesBefore(handle, this.position.offset);
    if (this.options.follow) return 'again';
    this.endOffset = stat.sizeBytes;
    this.ended = this.recent.length > 0 && this.recent.at(-1) !== LINE_FEED;
    return 'again';
  }

  /** The path leads to another file than before: looks for the old one under another name, to finish it first. */
  private async openOld(current: FileHandle | null): Promise<boolean> {
    const rotated = await openRotated(this.files, this.path, this.position);
    if (rotated === null) return false;
    await current?.close();
    this.tell('a file was rotated while nobody read it: finishing the old one', 'source.filesRotated');
    this.input = { kind: 'open', path: rotated.path, handle: rotated.handle, rotatedMs: this.nowMs() };
    this.recent = await bytesBefore(rotated.handle, this.position.offset);
    return true;
  }

  private async openPath(): Promise<FileHandle | null> {
    try {
      // Opening a named pipe that nobody writes to would hold a thread of the process for ever.
      const found = await this.files.stat(this.path);
      if (found === null) return null;
      if (found.kind !== 'file') throw this.notAFile(found.kind);
      return await this.files.open(this.path, 'read');
    } catch (cause) {
      if (cause instanceof WeirError) throw cause;
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
      `${this.path} is not a regular file but ${kind === 'directory' ? 'a directory' : 'a pipe, a socket or a device'}.`,
      {
        operator: this.context.operator,
        remedy: 'Name the files to read.',
        unrecoverable: true,
      },
    );
  }

  // ------------------------------------------------------------- positions

  private taken(lines: readonly string[], before: number): TailAnswer {
    const { offset } = this.position;
    this.moveBy(this.scanner.takenSince(before));
    const invalid = this.scanner.invalidLines - this.invalidSeen;
    if (invalid > 0) {
      if (this.invalidSeen === 0) this.context.warn('lines are not valid UTF-8', { path: this.path, offset });
      this.context.count('source.linesInvalid', invalid);
      this.invalidSeen += invalid;
    }
    return { kind: 'lines', lines, position: this.position };
  }

  private moveBy(bytes: Uint8Array): void {
    const { offset, identity, head } = this.position;
    this.recent = lastBytes(this.recent, bytes);
    this.position = {
      offset: offset + bytes.byteLength,
      identity,
      head: head.bytes < HEAD_BYTES ? extend(head, bytes.subarray(0, HEAD_BYTES - head.bytes)) : head,
      tail: markOf(this.recent),
    };
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
    this.recent = NOTHING;
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
