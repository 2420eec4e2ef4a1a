// Cuts a stream of bytes into lines of text.
//
// Owns:    line ends (LF and CRLF), the byte order mark, the bound on a line, what happens to longer ones and to invalid UTF-8.
// Not:     where the bytes come from, and what a position is (file-tail.ts, tcp-lines.ts).
//
// L1. A line is handed over only when its line end is there; `takeRest` alone hands over what has none.
// L2. Lines are copies: a kept line never keeps the block that it was read in.
// L3. `takenBytes` grows by exactly the bytes of the lines handed over or skipped, line ends included.
// L4. How the input is cut into chunks changes nothing: neither the lines, nor which of them is too long.
// L5. At most one line within the bound and one chunk are kept; of a longer line that is skipped, nothing is.

import { isUtf8 } from 'node:buffer';
import { ConfigError, ConnectorError } from '../base/errors.js';
import { LINE_BYTES_MAX } from '../base/limits.js';

/** What to do with a line that is not UTF-8: replace bad bytes by U+FFFD, skip the line, or fail. Always counted. */
export type InvalidText = 'replace' | 'skip' | 'fail';

/** What to do with a line of more bytes than `lineBytesMax`, however long it grows: `fail`, or `skip` it to its end. */
export type LongLine = 'fail' | 'skip';

export interface LineScannerOptions {
  /** Most bytes of a line, without its LF. */
  readonly lineBytesMax: number;
  readonly longLine: LongLine;
  readonly invalid: InvalidText;
  /** Where the byte `offset` bytes after the scanner's first one stands, for messages: `access.log:4711`. */
  describe(offset: number): string;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const EMPTY = Buffer.alloc(0);

/** From the option `lineBytesMax` of a connector. */
export function checkedLineBytes(connector: string, lineBytesMax: number | undefined): number {
  if (lineBytesMax === undefined) return LINE_BYTES_MAX;
  if (Number.isSafeInteger(lineBytesMax) && lineBytesMax > 0) return lineBytesMax;
  throw new ConfigError(
    `${connector}: lineBytesMax is a positive whole number, got ${String(lineBytesMax)}.`,
  );
}

export class LineScanner {
  /** Bytes of lines handed over or skipped so far. */
  takenBytes = 0;
  /** Lines so far that were not UTF-8. */
  invalidLines = 0;
  /** Lines so far that were too long and were skipped. */
  longLines = 0;

  private readonly options: LineScannerOptions;
  private bytes: Buffer = EMPTY;
  // Only a buffer made here may be written to; one that was pushed belongs to whoever read it.
  private owned = false;
  private start = 0;
  private end = 0;
  /** One past the last line end. Between `start` and here there are whole lines only. */
  private complete = 0;
  private valid = true;
  private markPossible: boolean;
  /** Bytes so far of the line that is being skipped because it is too long; 0: none is. Then nothing else is kept. */
  private skippedBytes = 0;

  /** `atBeginning`: the first byte is the first of the file, so a byte order mark may stand there. */
  constructor(options: LineScannerOptions, atBeginning: boolean) {
    this.options = options;
    this.markPossible = atBeginning;
  }

  get hasLine(): boolean {
    return this.start < this.complete;
  }

  /** Bytes that were pushed, not yet taken, and are kept. */
  get bufferedBytes(): number {
    return this.end - this.start;
  }

  /** Bytes that were pushed and not yet taken, those of a line that is being skipped included. */
  get pendingBytes(): number {
    return this.skippedBytes + this.bufferedBytes;
  }

  /** Takes the bytes over; the caller must not change them afterwards. */
  push(chunk: Uint8Array): void {
    const added = this.afterSkipped(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    if (added.length === 0) return;
    const rest = this.end - this.start;
    const newline = added.lastIndexOf(LINE_FEED);
    if (rest === 0) this.adopt(added);
    else this.append(added, rest);
    if (newline >= 0) {
      this.complete = this.end - added.length + newline + 1;
      this.valid = isUtf8(this.bytes.subarray(this.start, this.complete));
    } else if (this.complete <= this.start && this.bufferedBytes > this.options.lineBytesMax) {
      this.beginSkipping();
    }
  }

  /** Appends whole lines to `into` until it holds `linesMax` or no more whole line is there. */
  take(linesMax: number, into: string[]): void {
    while (into.length < linesMax && this.start < this.complete) {
      const from = this.start;
      const newline = this.bytes.indexOf(LINE_FEED, from);
      // What stands before a line that fails is handed over first; asked again, that line is the next one.
      if (into.length > 0 && this.fails(from, newline)) return;
      if (newline - from > this.options.lineBytesMax) {
        this.tooLong();
        this.advance(newline + 1);
        continue;
      }
      const text = this.decode(from, newline, this.valid);
      this.advance(newline + 1);
      if (text !== null) into.push(text);
    }
    // What was behind the last line end has been waiting for its turn to be measured.
    if (this.start >= this.complete && this.bufferedBytes > this.options.lineBytesMax) {
      if (this.options.longLine === 'skip' || into.length === 0) this.beginSkipping();
    }
  }

  /** The bytes after the last line end as a line of their own: for an input that will not grow any more. */
  takeRest(into: string[]): void {
    if (this.skippedBytes > 0) return this.endSkipped();
    if (this.start === this.end) return;
    if (this.bufferedBytes > this.options.lineBytesMax) {
      this.tooLong();
      return this.advance(this.end);
    }
    const text = this.decode(this.start, this.end, isUtf8(this.bytes.subarray(this.start, this.end)));
    this.advance(this.end);
    if (text !== null) into.push(text);
  }

  /** Forgets what was not taken: the input has changed under it. Returns how many bytes that were. */
  dropRest(): number {
    const dropped = this.pendingBytes;
    this.skippedBytes = 0;
    this.start = 0;
    this.end = 0;
    this.complete = 0;
    return dropped;
  }

  /**
   * The bytes taken since `takenBytes` was `since`; of them only the last ones when the others were skipped or taken before
   * the last push. Valid until the next push.
   */
  takenSince(since: number): Uint8Array {
    return this.bytes.subarray(Math.max(0, this.start - (this.takenBytes - since)), this.start);
  }

  /** What of `added` lies behind the end of the line that is being skipped. */
  private afterSkipped(added: Buffer): Buffer {
    if (this.skippedBytes === 0) return added;
    const newline = added.indexOf(LINE_FEED);
    this.skippedBytes += newline < 0 ? added.length : newline + 1;
    if (newline < 0) return EMPTY;
    this.endSkipped();
    return added.subarray(newline + 1);
  }

  /** The only thing kept is the beginning of a line that is too long already. */
  private beginSkipping(): void {
    this.tooLong();
    this.skippedBytes = this.bufferedBytes;
    this.forget();
  }

  private endSkipped(): void {
    this.takenBytes += this.skippedBytes;
    this.skippedBytes = 0;
    this.forget();
  }

  private forget(): void {
    this.bytes = EMPTY;
    this.owned = false;
    this.start = 0;
    this.end = 0;
    this.complete = 0;
  }

  private adopt(added: Buffer): void {
    this.bytes = added;
    this.owned = false;
    this.start = 0;
    this.end = added.length;
    this.complete = 0;
  }

  private append(added: Buffer, rest: number): void {
    const needed = rest + added.length;
    if (this.owned && this.bytes.length >= needed) {
      this.bytes.copyWithin(0, this.start, this.end);
    } else {
      // Twice the rest: a line that spans many blocks is then copied a few times only.
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * rest));
      this.bytes.copy(larger, 0, this.start, this.end);
      this.bytes = larger;
      this.owned = true;
    }
    this.complete = Math.max(0, this.complete - this.start);
    this.start = 0;
    added.copy(this.bytes, rest);
    this.end = needed;
  }

  private decode(from: number, to: number, valid: boolean): string | null {
    let start = from;
    if (this.markPossible) {
      this.markPossible = false;
      if (hasByteOrderMark(this.bytes, from, to)) start += 3;
    }
    const stop = to > start && this.bytes[to - 1] === CARRIAGE_RETURN ? to - 1 : to;
    if (valid || isUtf8(this.bytes.subarray(start, stop))) return this.bytes.toString('utf8', start, stop);
    if (this.options.invalid === 'fail') throw this.invalidText(start - from);
    this.invalidLines += 1;
    return this.options.invalid === 'skip' ? null : this.bytes.toString('utf8', start, stop);
  }

  private advance(to: number): void {
    this.takenBytes += to - this.start;
    this.start = to;
    if (this.complete < to) this.complete = to;
  }

  private fails(from: number, newline: number): boolean {
    const { invalid, lineBytesMax, longLine } = this.options;
    if (newline - from > lineBytesMax) return longLine === 'fail';
    return invalid === 'fail' && !this.valid && !isUtf8(this.bytes.subarray(from, newline));
  }

  /** Counts the line that begins here, or throws. */
  private tooLong(): void {
    // A mark stands before the first line only, and that has gone by.
    this.markPossible = false;
    this.longLines += 1;
    if (this.options.longLine === 'skip') return;
    throw new ConnectorError(`A line is longer than ${this.options.lineBytesMax} bytes.`, {
      position: this.options.describe(this.takenBytes),
      remedy: "Check that this is a text file with line ends, raise lineBytesMax, or set longLine to 'skip'.",
      unrecoverable: true,
    });
  }

  private invalidText(skipped: number): ConnectorError {
    return new ConnectorError('A line is not valid UTF-8.', {
      position: this.options.describe(this.takenBytes + skipped),
      remedy: "Convert the input to UTF-8, or set invalid to 'replace' or 'skip'.",
      unrecoverable: true,
    });
  }
}

function hasByteOrderMark(bytes: Buffer, from: number, to: number): boolean {
  return to - from >= 3 && bytes[from] === 0xef && bytes[from + 1] === 0xbb && bytes[from + 2] === 0xbf;
}
