// The source of text files, line by line.
//
// Owns:    options, one split per file, turns between files, the pace.
// Not:     reading one file (file-tail.ts).
//
// L1. A path that the user has not named is never opened, whatever a restored checkpoint says (restored-position.ts).
// L2. Several files take turns block by block, so that none holds back the watermark for the length of another.

import { ConfigError } from '../base/errors.js';
import { FILE_POLL_INTERVAL_MS, LINE_BYTES_MAX } from '../base/limits.js';
import type { Polled, Source, SourceContext, SourceReader, SourceSplit } from '../operators/source.js';
import { checkedDeadline, filesWithDeadline } from './file-deadline.js';
import { resolveEnd } from './file-end.js';
import { AT_END, BEGINNING, type FilePosition } from './file-mark.js';
import { FileTail, type FileTailOptions, type TailAnswer } from './file-tail.js';
import { NOTHING_LEFT } from './idle-reader.js';
import type { InvalidText } from './line-scanner.js';
import { checkedRate, Pacer } from './pacer.js';
import { checkFilePosition, checkSplitId } from './restored-position.js';

export interface FileLinesOptions {
  /** Go on at the end of the file, waiting for more. Default false: read to the end, once. */
  readonly follow?: boolean;
  /**
   * Where a first start begins. `end`: behind the last whole line, for following; nothing is read before a checkpoint knows the place, so
   * that no line behind it is lost. Default `beginning`.
   */
  readonly start?: 'beginning' | 'end';
  /** Time between two looks at a followed file with nothing new. Default 200. */
  readonly pollIntervalMs?: number;
  /** Lines per second and file, by the monotonic clock. Default: as fast as the job takes them. */
  readonly ratePerSecond?: number;
  /** Longest accepted line; a longer one fails the job. Default 1 MiB. */
  readonly lineBytesMax?: number;
  /** Lines that are not UTF-8: `replace` bad bytes by U+FFFD (default), `skip` the line, or `fail`. Counted in any case. */
  readonly invalid?: InvalidText;
  /** A file operation that has not settled after so many ms fails the attempt. Default 60,000. */
  readonly deadlineMs?: number;
  /** UTF-8 is the only one so far. */
  readonly encoding?: 'utf8';
}

/**
 * The lines of one or several text files, without their line ends (LF or CRLF). Replayable: positions are byte offsets with
 * checksums of what was read, so that a replaced file is noticed. While following, rotation and truncation are noticed too.
 * Fails when a file cannot be read; a followed file may be missing at first.
 */
export function fileLines(
  path: string | readonly string[],
  options: FileLinesOptions = {},
): Source<string, FilePosition> {
  const paths = checkedPaths(path);
  const settings = checkedOptions(options);
  const start: FilePosition = options.start === 'end' ? { ...BEGINNING, offset: AT_END } : BEGINNING;
  const check = (split: SourceSplit<FilePosition>, context: SourceContext): void => {
    checkSplitId(split, paths, context);
    checkFilePosition(split, context);
  };
  return {
    name: paths.length === 1 ? `file ${paths[0]}` : `${paths.length} files`,
    bounded: !settings.follow,
    replayable: true,
    parallelismMax: paths.length,
    discover: () => paths.map((id) => ({ id, position: start })),
    ...(options.start === 'end'
      ? {
          resolve(split, context) {
            check(split, context);
            return resolveEnd(split, filesWithDeadline(context.runtime, settings.deadlineMs), context);
          },
        }
      : {}),
    open(splits, context) {
      for (const split of splits) check(split, context);
      return new FileLinesReader(splits, settings, context);
    },
    describe: (split, position, offset) =>
      offset === 0 ? `${split}:${position.offset}` : `${split}:${position.offset} and ${offset} lines on`,
  };
}

interface Settings extends FileTailOptions {
  readonly ratePerSecond: number | null;
  readonly deadlineMs: number;
}

function checkedPaths(path: string | readonly string[]): readonly string[] {
  const paths = typeof path === 'string' ? [path] : path;
  const twice = paths.find((each, index) => paths.indexOf(each) !== index);
  if (paths.length > 0 && twice === undefined && !paths.includes('')) return paths;
  throw new ConfigError(
    twice === undefined ? 'fileLines: a path is missing.' : `fileLines: the path ${twice} is named twice.`,
    { remedy: 'Name each file once.' },
  );
}

function checkedOptions(options: FileLinesOptions): Settings {
  const pollIntervalMs = options.pollIntervalMs ?? FILE_POLL_INTERVAL_MS;
  if (!(Number.isFinite(pollIntervalMs) && pollIntervalMs > 0)) {
    throw new ConfigError(`fileLines: pollIntervalMs is a positive number, got ${String(pollIntervalMs)}.`);
  }
  const lineBytesMax = options.lineBytesMax ?? LINE_BYTES_MAX;
  if (!(Number.isSafeInteger(lineBytesMax) && lineBytesMax > 0)) {
    throw new ConfigError(`fileLines: lineBytesMax is a positive whole number, got ${String(lineBytesMax)}.`);
  }
  if (options.start === 'end' && options.follow !== true) {
    throw new ConfigError("fileLines: start 'end' without follow reads nothing.", {
      remedy: 'Set follow: true.',
    });
  }
  return {
    follow: options.follow ?? false,
    pollIntervalMs,
    lineBytesMax,
    invalid: options.invalid ?? 'replace',
    ratePerSecond: checkedRate('fileLines', options.ratePerSecond),
    deadlineMs: checkedDeadline('fileLines', options.deadlineMs),
  };
}

/** One file and its pace. */
interface Turn {
  readonly tail: FileTail;
  readonly pacer: Pacer | null;
  emitted: number;
}

class FileLinesReader implements SourceReader<string, FilePosition> {
  private readonly settings: Settings;
  private readonly context: SourceContext;
  private turns: readonly Turn[];
  private current = 0;
  private closed = false;
  private reading: Promise<Polled<string, FilePosition>> | null = null;

  constructor(splits: readonly SourceSplit<FilePosition>[], settings: Settings, context: SourceContext) {
    this.settings = settings;
    this.context = context;
    const nowMs = this.nowMs();
    const files = filesWithDeadline(context.runtime, settings.deadlineMs);
    this.turns = splits.map((split) => ({
      tail: new FileTail(split.id, split.position, settings, files, context),
      pacer: settings.ratePerSecond === null ? null : new Pacer(settings.ratePerSecond, 0, nowMs),
      emitted: 0,
    }));
  }

  poll(recordsMax: number): Polled<string, FilePosition> | Promise<Polled<string, FilePosition>> {
    const turn = this.turns[this.current];
    if (turn === undefined || this.closed) return NOTHING_LEFT;
    const allowed = this.allowed(turn, recordsMax);
    const answer = allowed > 0 ? turn.tail.buffered(allowed) : null;
    if (answer !== null) return this.records(turn, answer) ?? NOTHING_LEFT;
    this.reading = this.takeTurns(recordsMax).finally(() => {
      this.reading = null;
    });
    return this.reading;
  }

  async close(): Promise<void> {
    this.closed = true;
    // Its failure goes to whoever polled.
    await this.reading?.catch(() => undefined);
    const { turns } = this;
    this.turns = [];
    // One that fails must not keep the others open.
    const closed = await Promise.allSettled(turns.map(({ tail }) => tail.close()));
    const failed = closed.find((each) => each.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** The block of the current file is used up: read from the next one that has something. */
  private async takeTurns(recordsMax: number): Promise<Polled<string, FilePosition>> {
    let retryMs = this.settings.pollIntervalMs;
    for (let step = 1; step <= this.turns.length && !this.closed; step += 1) {
      const index = (this.current + step) % this.turns.length;
      const turn = this.turns[index];
      if (turn === undefined) break;
      const allowed = this.allowed(turn, recordsMax);
      if (allowed <= 0) {
        retryMs = Math.min(retryMs, turn.pacer?.waitMs(turn.emitted, this.nowMs()) ?? retryMs);
        continue;
      }
      const polled = this.records(turn, await turn.tail.next(allowed));
      if (polled === null) continue;
      this.current = index;
      if (polled.kind === 'splitEnd') await this.drop(turn);
      return polled;
    }
    return { kind: 'nothing', retryMs };
  }

  private records(turn: Turn, answer: TailAnswer): Polled<string, FilePosition> | null {
    switch (answer.kind) {
      case 'lines':
        turn.emitted += answer.lines.length;
        return { kind: 'records', split: turn.tail.path, values: answer.lines, next: answer.position };
      case 'end':
        return { kind: 'splitEnd', split: turn.tail.path };
      case 'wait':
        return null;
    }
  }

  private allowed(turn: Turn, recordsMax: number): number {
    if (turn.pacer === null) return recordsMax;
    return Math.min(recordsMax, turn.pacer.dueBefore(turn.emitted, this.nowMs()) - turn.emitted);
  }

  private async drop(turn: Turn): Promise<void> {
    this.turns = this.turns.filter((other) => other !== turn);
    this.current = Math.max(0, this.current - 1);
    await turn.tail.close();
  }

  private nowMs(): number {
    return this.context.runtime.clock.monotonicMs();
  }
}
